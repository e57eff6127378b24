//! Patterns for schemas, in the part of regular expressions that every implementation of JSON Schema has: made from the same
//! limits as the rules that read the values, so that a client refuses what the API would refuse.

use std::time::Duration;

use crate::domain::endpoints::http_check::OWN_HEADERS;

/// The usual forms of a range. Others that people type are read, too.
pub(super) fn range() -> String {
    let period = "(?:today|yesterday|(?:this|last) (?:week|month|quarter|year)|[0-9]{4}(?:-(?:0[1-9]|1[0-2])(?:-[0-9]{2})?|-Q[1-4]|-W[0-9]{2})?)";
    format!("^(?:[1-9][0-9]{{0,2}}[hdw]|[1-5]y|{period}(?:\\.\\.{period})?)$")
}

/// Characters that names must not contain; see `domain::text::is_unseen`.
pub(super) const UNSEEN: &str = "\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\ufff9-\\ufffb\u{e0000}-\u{e007f}";

/// A text without characters of `UNSEEN`, and with one that is no space.
pub(super) fn visible_text() -> String {
    visible_without(UNSEEN)
}

/// The same, on any number of lines.
pub(super) fn visible_lines() -> String {
    visible_without(&UNSEEN.replace("\\u0000-\\u001f", "\\u0000-\\u0009\\u000b-\\u001f"))
}

/// The same on one line, with at most one asterisk.
pub(super) fn metric() -> String {
    let visible = visible_text();
    format!("^(?![^*]*\\*[^*]*\\*){}", visible.trim_start_matches('^'))
}

fn visible_without(unseen: &str) -> String {
    format!("^[^{unseen}]*[^{unseen}\\s][^{unseen}]*$")
}

/// Whole numbers from `least` to `most`, without leading zeros.
pub(super) fn integers(least: u64, most: u64) -> String {
    let mut alternatives = Vec::new();
    let mut from = least;
    while from <= most {
        let to = last_of_block(from, most);
        alternatives.push(block(from, to));
        match to.checked_add(1) {
            Some(next) => from = next,
            None => break,
        }
    }
    format!("(?:{})", alternatives.join("|"))
}

/// The last number up to `most` such that one class of digits for each place covers the numbers from `from` to it.
fn last_of_block(from: u64, most: u64) -> u64 {
    let digits = from.to_string().len();
    let (mut best, mut unit) = (from, 1_u64);
    for _ in 0..digits {
        // All places below `unit` are zero, so that they may become any digit.
        if !from.is_multiple_of(unit) {
            break;
        }
        let place = from / unit % 10;
        for digit in place..=9 {
            let end = from + (digit - place) * unit + (unit - 1);
            if end <= most {
                best = best.max(end);
            }
        }
        unit = unit.saturating_mul(10);
    }
    best
}

fn block(from: u64, to: u64) -> String {
    let (from, to) = (from.to_string(), to.to_string());
    let places = from.chars().zip(to.chars());
    let class = |(first, last): (char, char)| match first == last {
        true => first.to_string(),
        false => format!("[{first}-{last}]"),
    };
    places.map(class).collect()
}

/// Durations as `domain::text::parse_duration` reads them, from `least` to `most`; a bare number counts `unit`s.
pub(super) fn durations(least: Duration, most: Duration, unit: Duration) -> String {
    let units = [
        (1, "ms"),
        (1_000, "s"),
        (60_000, "(?:m|min)"),
        (3_600_000, "h"),
        (86_400_000, "d"),
    ];
    let (least, most) = (millis(least), millis(most));
    let written = |millis_each: u64, suffix: &str| {
        let (first, last) = (least.div_ceil(millis_each), most / millis_each);
        (first <= last).then(|| format!("{}{suffix}", integers(first, last)))
    };
    let mut forms: Vec<String> = units
        .into_iter()
        .filter_map(|(millis_each, suffix)| written(millis_each, suffix))
        .collect();
    forms.extend(written(millis(unit), ""));
    format!("^(?:{})$", forms.join("|"))
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

/// A timestamp of RFC 3339 in a year that every calendar has, or whole seconds since 1970 up to the year 9999.
pub(super) fn moment() -> String {
    let (month, hour, sixty) = (two_digits(1, 12), two_digits(0, 23), two_digits(0, 59));
    let date = format!(
        "[0-9]{{4}}-(?:{month}-{}|(?:0[13-9]|1[0-2])-(?:29|30))",
        two_digits(1, 28)
    );
    let date = format!("(?:{date}|[0-9]{{4}}-(?:0[13578]|1[02])-31)");
    let offset = format!("(?:Z|[+-]{hour}:{sixty})");
    let seconds = integers(0, 253_402_300_799);
    format!("^(?:{date}T{hour}:{sixty}:{sixty}(?:\\.[0-9]{{1,9}})?{offset}|{seconds})$")
}

/// Numbers with two digits, from `least` to `most`.
fn two_digits(least: u64, most: u64) -> String {
    let numbers = (least..=most).map(|number| format!("{number:02}"));
    format!("(?:{})", numbers.collect::<Vec<_>>().join("|"))
}

/// Names of headers, without those that Rollcall sets itself.
pub(super) fn header_name() -> String {
    let in_any_case = |name: &&str| -> String {
        let letters = name.chars().map(|letter| match letter {
            'a'..='z' => format!("[{}{letter}]", letter.to_ascii_uppercase()),
            other => other.to_string(),
        });
        letters.collect()
    };
    let own: Vec<String> = OWN_HEADERS.iter().map(in_any_case).collect();
    format!("^(?!(?:{})$)[A-Za-z0-9!#$%&'*+.^_`|~-]+$", own.join("|"))
}

/// A status code or a range of them, as `HttpCheck::parse_status` reads it: `200`, `200-399`.
pub(super) fn expected_status() -> String {
    let larger = |digit: u8, last: u8| match digit + 1 == last {
        true => format!("[{last}]"),
        false => format!("[{}-{last}]", digit + 1),
    };
    let mut forms = vec!["[1-5][0-9]{2}".to_owned()];
    // The first places differ, then the second ones, then at most the third ones.
    forms.extend((1..5).map(|digit| format!("{digit}[0-9]{{2}}-{}[0-9]{{2}}", larger(digit, 5))));
    let second = (0..9).map(|digit| format!("{digit}[0-9]-\\1{}[0-9]", larger(digit, 9)));
    forms.push(format!(
        "([1-5])(?:{})",
        second.collect::<Vec<_>>().join("|")
    ));
    let third = (0..10).map(|digit| format!("{digit}-\\2[{digit}-9]"));
    forms.push(format!(
        "([1-5][0-9])(?:{})",
        third.collect::<Vec<_>>().join("|")
    ));
    format!("^(?:{})$", forms.join("|"))
}

/// The spellings of targets that `Target` documents.
pub(super) fn target() -> String {
    let TargetParts {
        address,
        host,
        port,
        http,
    } = target_parts();
    format!("^(?:{address}{port}|[Tt][Cc][Pp]://{host}{port}/?|{http})$")
}

/// Those of them that are for HTTP.
pub(super) fn http_target() -> String {
    format!("^{}$", target_parts().http)
}

/// A name has at most 253 characters, without the dot at its end.
const NAME_LENGTH: &str = "(?=[^:/?]{1,253}\\.?(?:[:/?]|$))";

/// The parts of a target's pattern.
struct TargetParts {
    address: String,
    host: String,
    port: String,
    /// A whole target for HTTP.
    http: String,
}

fn target_parts() -> TargetParts {
    let byte = integers(0, 255);
    let v4 = format!("(?:{byte}\\.){{3}}{byte}");
    let v6 = format!("\\[{}\\]", ipv6(&v4));
    let port = format!(":{}", integers(1, 65_535));
    let label = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
    let last = "[A-Za-z_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
    let name = format!("{NAME_LENGTH}(?:{label}\\.){{0,126}}{last}\\.?");
    let host = format!("(?:{v4}|{v6}|{name})");
    let path = "(?:[/?][!$-;=?-\\[\\]_a-z~%]*)?";
    TargetParts {
        http: format!("[Hh][Tt][Tt][Pp][Ss]?://{host}(?:{port})?{path}"),
        address: format!("(?:{v4}|{v6})"),
        host,
        port,
    }
}

/// IPv6 addresses (RFC 4291, section 2.2).
fn ipv6(v4: &str) -> String {
    let group = "[0-9A-Fa-f]{1,4}";
    let mut forms = vec![
        format!("(?:{group}:){{7}}{group}"),
        format!("(?:{group}:){{6}}{v4}"),
    ];
    // `::` stands for at least one group: up to `before` groups in front of it leave up to `6 - before` behind it.
    for before in 0..=7_usize {
        let head = match before {
            0 => ":".to_owned(),
            count => format!("(?:{group}:){{{count}}}"),
        };
        let tail = match 7 - before {
            0 => String::new(),
            1 => format!("(?:{group})?"),
            most => format!(
                "(?:(?:{group}:){{0,{}}}{group}|(?:{group}:){{0,{}}}{v4})?",
                most - 1,
                most - 2
            ),
        };
        forms.push(format!("{head}:{tail}"));
    }
    format!("(?:{})", forms.join("|"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::endpoints::http_check::HttpCheck;
    use crate::domain::endpoints::target::Target;
    use crate::domain::incidents::note::parse_note;
    use crate::domain::servers::metric::Metric;
    use crate::domain::text;

    /// A pattern without its anchors, which the generator of texts does not know.
    fn inside(pattern: &str) -> String {
        let inner = pattern.trim_start_matches('^').trim_end_matches('$');
        // Nor does it look ahead.
        inner.replace(NAME_LENGTH, "")
    }

    fn is_match(pattern: &str, text: &str) -> bool {
        // The pattern as a JSON Schema, as clients read it.
        let schema = serde_json::json!({ "type": "string", "pattern": pattern });
        jsonschema::is_valid(&schema, &serde_json::json!(text))
    }

    #[test]
    fn integers_match_exactly_their_range() {
        for (least, most) in [
            (0, 0),
            (0, 255),
            (1, 24),
            (7, 1_440),
            (1, 65_535),
            (95, 1_203),
        ] {
            let pattern = format!("^{}$", integers(least, most));
            let regex = regex::Regex::new(&pattern).unwrap();
            for number in 0..70_000 {
                let is_inside = (least..=most).contains(&number);
                assert_eq!(
                    regex.is_match(&number.to_string()),
                    is_inside,
                    "{number} {pattern}"
                );
            }
        }
    }

    #[test]
    fn durations_match_what_the_rule_accepts() {
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(86_400));
        let pattern = durations(least, most, least);
        let regex = regex::Regex::new(&pattern).unwrap();
        for number in [
            0, 1, 23, 24, 25, 999, 1_000, 1_440, 1_441, 86_400, 86_401, 86_400_001,
        ] {
            for suffix in ["", "ms", "s", "m", "min", "h", "d", "w"] {
                let written = format!("{number}{suffix}");
                let read = text::parse_duration(&written, least);
                let is_valid = read.is_some_and(|length| (least..=most).contains(&length));
                assert_eq!(regex.is_match(&written), is_valid, "{written}");
            }
        }
    }

    #[test]
    fn expected_statuses_match_what_the_rule_accepts() {
        let pattern = expected_status();
        let numbers = [
            99, 100, 101, 109, 110, 199, 200, 204, 299, 399, 400, 599, 600,
        ];
        for first in numbers {
            for last in numbers {
                let text = format!("{first}-{last}");
                let is_valid = HttpCheck::parse_status(&text).is_ok();
                assert_eq!(is_match(&pattern, &text), is_valid, "{text}");
            }
            let is_valid = HttpCheck::parse_status(&first.to_string()).is_ok();
            assert_eq!(is_match(&pattern, &first.to_string()), is_valid, "{first}");
        }
    }

    #[test]
    fn metrics_match_what_the_rule_accepts() {
        let pattern = metric();
        for text in [
            "disk",
            "disk./home.used_percent",
            "metrics.*",
            "*",
            "*.used_percent",
            "**",
            "a*b*c",
            " disk ",
            "größe %",
            "",
            " ",
            "disk\n",
            "\tdisk",
            "a\u{202e}b",
        ] {
            let is_valid = text.parse::<Metric>().is_ok();
            assert_eq!(is_match(&pattern, text), is_valid, "{text:?}");
        }
    }

    #[test]
    fn targets_match_what_the_parser_accepts() {
        let pattern = target();
        for text in [
            "203.0.113.7:80",
            "[2001:db8::7]:80",
            "[::]:1",
            "[::1.2.3.4]:1",
            "[1:2:3:4:5:6:7:8]:1",
            "[1:2:3:4:5:6:7:8:9]:1",
            "[1:2:3:4:5:6:7::]:1",
            "[1::2::3]:1",
            "tcp://example.org:25565",
            "tcp://example.org:25565/",
            "tcp://example.org",
            "tcp://example.org:0",
            "tcp://example.org:65535",
            "tcp://example.org:65536",
            "TCP://Example.org:7",
            "https://example.org",
            "https://example.org:8443/health?a=b",
            "https://example.org?a",
            "https://127.1/",
            "https://256.1.1.1/",
            "https://a..b/",
            "https://example.org./",
            &format!("https://{0}.{0}.{0}.{1}/", "a".repeat(63), "a".repeat(61)),
            &format!("https://{0}.{0}.{0}.{1}./", "a".repeat(63), "a".repeat(61)),
            &format!("https://{0}.{0}.{0}.{1}/", "a".repeat(63), "a".repeat(62)),
            "https://-a/",
            "https://a-/",
            "https://user@example.org/",
            "https://example.org/#part",
            "https://example.org/a b",
            "ftp://example.org/",
            "example.org:80",
            "",
        ] {
            assert_eq!(
                is_match(&pattern, text),
                text.parse::<Target>().is_ok(),
                "{text}"
            );
        }
    }

    #[test]
    fn header_names_match_what_the_rule_accepts() {
        let pattern = header_name();
        for name in [
            "Accept",
            "X-Y_z~1",
            "Host",
            "content-LENGTH",
            "Hosts",
            "te",
            "ted",
            "a b",
            "a:",
            "ä",
            " a",
            "",
        ] {
            let is_valid = HttpCheck::check_header(name, "x").is_ok();
            assert_eq!(is_match(&pattern, name), is_valid, "{name}");
        }
    }

    #[test]
    fn notes_match_what_the_rule_accepts() {
        let pattern = visible_lines();
        for text in [
            "x",
            "one\n\ntwo",
            "\nx\n",
            "-# `**` @everyone <@1>",
            "",
            " \n ",
            "a\tb",
            "a\r\nb",
            "a\u{b}b",
            "a\u{1f}b",
            "a\u{202e}b",
            "a\u{200b}b",
            "a\u{e0041}b",
        ] {
            let is_valid = parse_note(text).is_ok();
            assert_eq!(is_match(&pattern, text), is_valid, "{text:?}");
        }
    }

    #[test]
    fn moments_match_what_the_rule_accepts() {
        let pattern = moment();
        for text in [
            "2026-01-31T12:00:00Z",
            "2026-01-31T12:00:00.123+01:00",
            "2026-02-28T12:00:00Z",
            "2026-02-30T12:00:00Z",
            "2026-04-31T12:00:00Z",
            "2026-13-01T12:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:60:00Z",
            "2026-01-31 12:00",
            "1769860800",
            "253402300799",
            "yesterday",
            "",
        ] {
            let is_valid = text::parse_timestamp(text).is_some();
            assert_eq!(is_match(&pattern, text), is_valid, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_documented_moment_is_accepted(text in inside(&moment()).as_str()) {
            prop_assert!(text::parse_timestamp(&text).is_some(), "{text}");
        }

        #[test]
        fn every_documented_target_is_accepted(text in inside(&target()).as_str()) {
            prop_assert!(text.len() > 253 || text.parse::<Target>().is_ok(), "{text}");
        }
    }
}

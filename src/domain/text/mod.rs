//! Text from and for people: parses and formats durations, timestamps and sizes, and escapes foreign text.

pub mod csv_cell;
pub mod duration_rule;

use std::time::Duration;

/// Whether a character is invisible but changes how text looks: control, zero-width and direction characters.
pub fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Escapes foreign text for a Discord message: removes invisible characters, and escapes characters that could start
/// Markdown, a mention or an emoji. Other characters stay, so that addresses remain readable.
pub fn escape(text: &str) -> String {
    let visible: Vec<char> = text
        .chars()
        .filter(|character| !is_unseen(*character))
        .collect();
    let mut escaped = String::with_capacity(text.len() + 8);
    for (index, character) in visible.iter().enumerate() {
        let is_special = match character {
            '\\' | '*' | '_' | '~' | '|' | '`' | '<' | '@' | '[' => true,
            '#' | '>' => index == 0,
            // Small text.
            '-' => index == 0 && visible.get(1) == Some(&'#'),
            ':' => starts_emoji(&visible[index + 1..]),
            _ => false,
        };
        if is_special {
            escaped.push('\\');
        }
        escaped.push(*character);
    }
    escaped
}

/// Whether a colon before these characters starts the name of an emoji, such as `:tada:`.
fn starts_emoji(rest: &[char]) -> bool {
    let is_name = |character: &char| character.is_alphanumeric() || "_+-".contains(*character);
    let length = rest.iter().take_while(|one| is_name(one)).count();
    length > 0 && rest.get(length) == Some(&':')
}

/// Escapes a text of Rollcall's own that quotes foreign text in backticks. The quotes become code spans.
pub fn escape_around_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(index, part)| match index % 2 {
        1 => code(part),
        _ => escape(part),
    });
    parts.collect()
}

/// Formats foreign text as an inline code span, where only the backtick is special.
pub fn code(text: &str) -> String {
    let inside: String = text
        .chars()
        .filter(|character| !is_unseen(*character))
        .map(|character| if character == '`' { '\'' } else { character })
        .collect();
    format!("`{inside}`")
}

/// Truncates to at most `limit` characters, the last of which is an ellipsis if something was cut off.
pub fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Reads `250ms`, `90s`, `5m`, `2h`, `7d`; a bare number counts `unit`s. `None` for any other form.
pub fn parse_duration(text: &str, unit: Duration) -> Option<Duration> {
    let text = text.trim();
    let split = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, suffix) = text.split_at(split);
    let count: u32 = digits.parse().ok()?;
    let unit = match suffix.trim() {
        "" => unit,
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" | "min" => Duration::from_secs(60),
        "h" => Duration::from_secs(3600),
        "d" => Duration::from_secs(86_400),
        _ => return None,
    };
    unit.checked_mul(count)
}

/// Formats a duration in its two largest units: `4 s`, `7 min`, `2 h 5 min`, `3 d 4 h`; below ten seconds with one decimal.
pub fn duration(length: Duration) -> String {
    let seconds = length.as_secs();
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        small => format!("{large} {large_unit} {small} {small_unit}"),
    };
    match seconds {
        0..10 if length.subsec_millis() >= 100 => format!("{:.1} s", length.as_secs_f64()),
        0..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

/// Formats a duration as `parse_duration` reads it, in its largest whole unit: `250ms`, `90s`, `5m`, `26h`, `7d`.
pub fn short_duration(length: Duration) -> String {
    let millis = length.as_millis();
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1_000, "s"),
    ];
    let whole = units
        .iter()
        .find(|(unit, _)| millis >= *unit && millis.is_multiple_of(*unit));
    match whole {
        Some((unit, name)) => format!("{}{name}", millis / unit),
        None if millis == 0 => "0s".to_owned(),
        None => format!("{millis}ms"),
    }
}

/// Formats a number with its noun: `1 endpoint`, `0 endpoints`.
pub fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Formats a large number with its thousands apart: `2,500,000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Formats a timestamp for people without a time zone of their own: `2026-01-31 12:00 UTC`.
pub fn minute(at: super::Timestamp) -> String {
    let time = chrono::DateTime::from_timestamp_millis(at.millis()).unwrap_or_default();
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// Formats a timestamp in the local time of a zone, without its name: `2026-01-31 13:00`.
pub fn local_minute(at: super::Timestamp, zone: chrono_tz::Tz) -> String {
    let time = chrono::DateTime::from_timestamp_millis(at.millis()).unwrap_or_default();
    time.with_timezone(&zone)
        .format("%Y-%m-%d %H:%M")
        .to_string()
}

/// Formats a timestamp for machines and logs: `2026-01-31T12:00:00Z`, with milliseconds if there are any.
pub fn timestamp(at: super::Timestamp) -> String {
    let time = chrono::DateTime::from_timestamp_millis(at.millis()).unwrap_or_default();
    time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// Reads a timestamp as programs write it: RFC 3339, or whole seconds since 1970.
pub fn parse_timestamp(text: &str) -> Option<super::Timestamp> {
    let time = match text.parse() {
        Ok(seconds) => chrono::DateTime::from_timestamp(seconds, 0)?,
        Err(_) => chrono::DateTime::parse_from_rfc3339(text).ok()?.to_utc(),
    };
    Some(super::Timestamp::from_millis(time.timestamp_millis()))
}

/// Formats a size in powers of 1000: `512 B`, `4.0 KB`, `12.3 MB`.
#[expect(
    clippy::cast_precision_loss,
    reason = "a size is shown with one decimal"
)]
pub fn bytes(number: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB")];
    match units.into_iter().find(|(unit, _)| number >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", number as f64 / unit as f64),
        None => format!("{number} B"),
    }
}

/// Formats the duration of a phase of a check: `0.42 ms`, `12 ms`, `1.2 s`.
pub fn latency(length: Duration) -> String {
    let millis = length.as_secs_f64() * 1000.0;
    match millis {
        ..10.0 => format!("{millis:.2} ms"),
        ..1000.0 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", millis / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_minute_is_that_of_its_zone() {
        let at = parse_timestamp("2026-01-31T12:00:59Z").unwrap();
        let local = |zone| local_minute(at, zone);
        assert_eq!(local(chrono_tz::Tz::UTC), "2026-01-31 12:00");
        assert_eq!(local(chrono_tz::Tz::Europe__Berlin), "2026-01-31 13:00");
        assert_eq!(local(chrono_tz::Tz::Asia__Kolkata), "2026-01-31 17:30");
        assert_eq!(local(chrono_tz::Tz::Pacific__Auckland), "2026-02-01 01:00");
    }

    #[test]
    fn a_short_duration_is_read_back_as_the_same() {
        for (millis, short) in [
            (0, "0s"),
            (250, "250ms"),
            (1_500, "1500ms"),
            (60_000, "1m"),
            (90_000, "90s"),
            (26 * 3_600_000, "26h"),
            (35 * 86_400_000, "35d"),
        ] {
            let length = Duration::from_millis(millis);
            assert_eq!(short_duration(length), short);
            let read = parse_duration(short, Duration::from_secs(1));
            assert_eq!(read, Some(length), "{short}");
        }
    }

    #[test]
    fn large_numbers_have_their_thousands_apart() {
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (200_000, "200,000"),
            (2_500_000, "2,500,000"),
        ] {
            assert_eq!(grouped(number), shown);
        }
    }

    #[test]
    fn timestamps_are_parsed_from_rfc_3339_and_unix_seconds() {
        let noon = super::super::Timestamp::from_millis(1_769_860_800_000);
        for text in [
            "2026-01-31T12:00:00Z",
            "2026-01-31T13:00:00+01:00",
            "1769860800",
        ] {
            assert_eq!(parse_timestamp(text), Some(noon), "{text}");
        }
        for wrong in ["", "noon", "2026-01-31", "9223372036854775807", "1.5"] {
            assert_eq!(parse_timestamp(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_are_shown_in_the_largest_unit_that_fits() {
        for (number, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (4_000, "4.0 KB"),
            (12_345_678, "12.3 MB"),
            (2_000_000_000, "2.0 GB"),
        ] {
            assert_eq!(bytes(number), shown);
        }
    }

    #[test]
    fn foreign_text_cannot_mention_format_or_hide() {
        assert_eq!(
            escape("@everyone <@1> **b** [x](http://y)"),
            r"\@everyone \<\@1> \*\*b\*\* \[x](http://y)"
        );
        for (foreign, shown) in [
            ("https://127.0.0.1:28080/a", "https://127.0.0.1:28080/a"),
            ("a:b (c) #4 > 3", "a:b (c) #4 > 3"),
            (":tada: x", r"\:tada: x"),
            ("# big", r"\# big"),
            ("> quote", r"\> quote"),
            ("-# small", r"\-# small"),
            ("- item", "- item"),
        ] {
            assert_eq!(escape(foreign), shown);
        }
        assert_eq!(
            escape_around_code("`a*b` is **new**"),
            r"`a*b` is \*\*new\*\*"
        );
        assert_eq!(escape("a\u{202e}b\u{200b}c\n"), "abc");
        assert_eq!(code("a`b"), "`a'b`");
    }

    #[test]
    fn truncates_by_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }

    #[test]
    fn parses_durations_with_and_without_units() {
        let minute = Duration::from_secs(60);
        for (text, seconds) in [
            ("5", 300),
            ("90s", 90),
            ("5m", 300),
            ("2h", 7200),
            ("1d", 86_400),
            (" 3 s ", 3),
        ] {
            assert_eq!(
                parse_duration(text, minute),
                Some(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        assert_eq!(
            parse_duration("250ms", minute),
            Some(Duration::from_millis(250))
        );
        for wrong in ["", "s", "-1", "1.5s", "5 weeks", "99999999999"] {
            assert_eq!(parse_duration(wrong, minute), None, "{wrong}");
        }
    }

    #[test]
    fn formats_durations_for_people() {
        for (millis, text) in [
            (0, "0 s"),
            (400, "0.4 s"),
            (12_000, "12 s"),
            (60_000, "1 min"),
            (425_000, "7 min 5 s"),
            (7_500_000, "2 h 5 min"),
            (273_600_000, "3 d 4 h"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
        for (micros, text) in [(420, "0.42 ms"), (12_000, "12 ms"), (1_200_000, "1.2 s")] {
            assert_eq!(latency(Duration::from_micros(micros)), text);
        }
    }
}

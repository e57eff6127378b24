//! Discord's markdown, and its forms for times, members, roles, channels and commands.

use anstyle::{AnsiColor, Style};

use super::View;
use super::span::{Line, Span, wrap};

/// Adds something to a style.
type Restyle = fn(Style) -> Style;

/// Marks of inline styles; the longest first, because one begins another.
const MARKS: [(&str, Restyle); 6] = [
    ("**", Style::bold),
    ("__", Style::underline),
    ("~~", Style::strikethrough),
    ("||", Style::dimmed),
    ("*", Style::italic),
    ("_", Style::italic),
];

/// A text as lines of at most `width` columns.
pub(super) fn lines(text: &str, view: &View<'_>, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut is_code = false;
    for line in text.split('\n') {
        if let Some(rest) = line.strip_prefix("```") {
            is_code = !is_code && !rest.ends_with("```");
            continue;
        }
        if is_code {
            lines.extend(wrap(Line(vec![Span::new(line, code())]), width, 0));
            is_code = !line.ends_with("```");
            continue;
        }
        lines.extend(block(line, view, width));
    }
    lines
}

/// A line outside of code, by the mark that it begins with.
fn block(line: &str, view: &View<'_>, width: usize) -> Vec<Line> {
    let inline = |text: &str, style: Style| Line(spans(text, style, view));
    if let Some(rest) = line.strip_prefix("> ") {
        let quoted = wrap(
            inline(rest, Style::new().dimmed()),
            width.saturating_sub(2),
            0,
        );
        let bar = |line: Line| line.after(Span::new("│ ", Style::new().dimmed()));
        return quoted.into_iter().map(bar).collect();
    }
    if let Some(rest) = line.strip_prefix("-# ") {
        return wrap(inline(rest, Style::new().dimmed()), width, 0);
    }
    for heading in ["### ", "## ", "# "] {
        if let Some(rest) = line.strip_prefix(heading) {
            return wrap(inline(rest, Style::new().bold()), width, 0);
        }
    }
    if let Some(rest) = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")) {
        let item = inline(rest, Style::new()).after(Span::new("• ", Style::new()));
        return wrap(item, width, 2);
    }
    wrap(inline(line, Style::new()), width, 0)
}

fn code() -> Style {
    AnsiColor::Cyan.on_default()
}

fn mention() -> Style {
    AnsiColor::BrightBlue.on_default()
}

/// The spans of a text in a style.
fn spans(text: &str, style: Style, view: &View<'_>) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let Some((found, length)) = special(rest, style, view) {
            if !plain.is_empty() {
                spans.push(Span::new(std::mem::take(&mut plain), style));
            }
            spans.extend(found);
            rest = &rest[length..];
            continue;
        }
        let escaped = rest.strip_prefix('\\').and_then(|rest| rest.chars().next());
        let shown = escaped.filter(char::is_ascii_punctuation).unwrap_or(letter);
        let skipped = if shown == letter && escaped.is_none_or(|one| one != shown) {
            letter.len_utf8()
        } else {
            1 + shown.len_utf8()
        };
        plain.push(shown);
        rest = &rest[skipped..];
    }
    if !plain.is_empty() {
        spans.push(Span::new(plain, style));
    }
    spans
}

/// What a text begins with, if that is more than a letter: its spans, and its length in bytes.
fn special(text: &str, style: Style, view: &View<'_>) -> Option<(Vec<Span>, usize)> {
    if text.starts_with('`') {
        return code_span(text);
    }
    if let Some(rest) = text.strip_prefix('<') {
        let (inner, _) = rest.split_once('>')?;
        let span = angle(inner, style, view)?;
        return Some((vec![span], inner.len() + 2));
    }
    if let Some(found) = link(text, style, view) {
        return Some(found);
    }
    MARKS.into_iter().find_map(|(mark, apply)| {
        let rest = text.strip_prefix(mark)?;
        let end = end_of(rest, mark)?;
        let inner = &rest[..end];
        // `a * b` is no mark, and neither is `snake_case`.
        let is_mark = !inner.is_empty() && !inner.starts_with(' ');
        is_mark.then(|| (spans(inner, apply(style), view), end + 2 * mark.len()))
    })
}

fn code_span(text: &str) -> Option<(Vec<Span>, usize)> {
    let fence = if text.starts_with("``") { "``" } else { "`" };
    let rest = &text[fence.len()..];
    let end = rest.find(fence)?;
    let shown = rest[..end].to_owned();
    Some((vec![Span::new(shown, code())], end + 2 * fence.len()))
}

/// Where a mark ends that has begun; not in code, and not behind a backslash.
fn end_of(text: &str, mark: &str) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if let Some(escaped) = rest.strip_prefix('\\') {
            at += 1 + escaped.chars().next().map_or(0, char::len_utf8);
        } else if let Some((_, length)) = rest.starts_with('`').then(|| code_span(rest)).flatten() {
            at += length;
        } else if rest.starts_with(mark) {
            return Some(at);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    None
}

/// `[text](address)` shows the text.
fn link(text: &str, style: Style, view: &View<'_>) -> Option<(Vec<Span>, usize)> {
    let (shown, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (address, _) = rest.split_once(')')?;
    if shown.contains('[') || !address.contains("://") {
        return None;
    }
    let length = shown.len() + address.len() + 4;
    Some((spans(shown, style.underline(), view), length))
}

/// What stands in angle brackets.
fn angle(inner: &str, style: Style, view: &View<'_>) -> Option<Span> {
    let named = |names: &std::collections::BTreeMap<u64, String>, id: &str, mark: &str| {
        let known = names.get(&id.parse().ok()?);
        let name = known.map_or("unknown", String::as_str);
        Some(Span::new(format!("{mark}{name}"), mention()))
    };
    if let Some(rest) = inner.strip_prefix("t:") {
        let (seconds, form) = rest.split_once(':').unwrap_or((rest, "f"));
        return Some(Span::new(time(seconds.parse().ok()?, form, view), style));
    }
    if let Some(id) = inner.strip_prefix("@&") {
        return named(&view.names.roles, id, "@");
    }
    if let Some(id) = inner.strip_prefix('@') {
        return named(&view.names.users, id.trim_start_matches('!'), "@");
    }
    if let Some(id) = inner.strip_prefix('#') {
        return named(&view.names.channels, id, "#");
    }
    if let Some(command) = inner.strip_prefix('/') {
        let (name, _) = command.split_once(':')?;
        return Some(Span::new(format!("/{name}"), mention()));
    }
    inner
        .contains("://")
        .then(|| Span::new(inner, style.underline()))
}

/// A time, relative to now for `R`, otherwise in UTC.
fn time(at: i64, form: &str, view: &View<'_>) -> String {
    if form == "R" {
        return relative(at, view.seconds());
    }
    let (day, second) = (at.div_euclid(86_400), at.rem_euclid(86_400));
    let (hour, minute) = (second / 3_600, second % 3_600 / 60);
    let clock = format!("{hour:02}:{minute:02}");
    match form {
        "t" => clock,
        "T" => format!("{clock}:{:02}", second % 60),
        "d" | "D" => date(day),
        _ => format!("{} {clock}", date(day)),
    }
}

/// Days since 1970 as a date, by the algorithm of Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
fn date(days: i64) -> String {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A time as Discord words it beside now.
fn relative(at: i64, now: i64) -> String {
    let length = (now - at).unsigned_abs();
    let (number, unit) = match length {
        0..60 => (length, "second"),
        60..3_600 => (length / 60, "minute"),
        3_600..86_400 => (length / 3_600, "hour"),
        86_400..2_592_000 => (length / 86_400, "day"),
        2_592_000..31_536_000 => (length / 2_592_000, "month"),
        _ => (length / 31_536_000, "year"),
    };
    let counted = match number {
        1 if unit == "hour" => "an hour".to_owned(),
        1 => format!("a {unit}"),
        number => format!("{number} {unit}s"),
    };
    match (number, at > now) {
        (0, _) => "now".to_owned(),
        (_, true) => format!("in {counted}"),
        (_, false) => format!("{counted} ago"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::terminal::Names;

    fn names() -> Names {
        Names {
            users: BTreeMap::from([(7, "ada".to_owned())]),
            roles: BTreeMap::from([(8, "on-call".to_owned())]),
            channels: BTreeMap::from([(9, "alerts".to_owned())]),
        }
    }

    fn shown(text: &str, has_styles: bool) -> String {
        let names = names();
        let view = View {
            names: &names,
            width: 60,
            has_styles,
            now: 1_700_000_000_000,
        };
        view.text(text)
    }

    #[test]
    fn marks_mentions_and_escapes_are_shown_as_discord_shows_them() {
        for (text, expected) in [
            ("**a** *b* _c_ __d__ ~~e~~ ||f||", "a b c d e f"),
            ("**a *b* c**", "a b c"),
            ("`**a**` ``b`c``", "**a** b`c"),
            (r"\*a\* \_b\_ c\d", r"*a* _b_ c\d"),
            ("2 * 3 * 4", "2 * 3 * 4"),
            (
                "<@7> <@!7> <@&8> <#9> <@1>",
                "@ada @ada @on-call #alerts @unknown",
            ),
            (
                "</endpoint add:12> <https://example.org/>",
                "/endpoint add https://example.org/",
            ),
            ("[site](https://example.org/) [x](y)", "site [x](y)"),
            (
                "# Big\n-# small\n> said\n- one",
                "Big\nsmall\n│ said\n• one",
            ),
            ("```\n**code**\n```\nafter", "**code**\nafter"),
            ("a < b > c", "a < b > c"),
            ("**open", "**open"),
        ] {
            assert_eq!(shown(text, false), format!("{expected}\n"), "{text}");
        }
        assert_eq!(
            shown("**a *b* c**", true),
            "\u{1b}[1ma \u{1b}[0m\u{1b}[1m\u{1b}[3mb\u{1b}[0m\u{1b}[1m c\u{1b}[0m\n"
        );
    }

    #[test]
    fn times_are_relative_or_dates() {
        for (text, expected) in [
            ("<t:1700000000:R>", "now"),
            ("<t:1699999999:R>", "a second ago"),
            ("<t:1699999700:R>", "5 minutes ago"),
            ("<t:1699996400:R>", "an hour ago"),
            ("<t:1700086400:R>", "in a day"),
            ("<t:1600000000:R>", "3 years ago"),
            ("<t:1700000000:t>", "22:13"),
            ("<t:1700000000:T>", "22:13:20"),
            ("<t:1700000000:D>", "2023-11-14"),
            ("<t:951782400:d>", "2000-02-29"),
            ("<t:1700000000>", "2023-11-14 22:13"),
            ("<t:x:R>", "<t:x:R>"),
        ] {
            assert_eq!(shown(text, false), format!("{expected}\n"), "{text}");
        }
    }
}

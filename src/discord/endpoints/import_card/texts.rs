//! The texts of an import's result.

use crate::domain::text;

pub(super) fn imported(added: usize) -> String {
    format!("{} added", text::count(added as u64, "endpoint"))
}

pub(super) fn rejected_line(line: usize, reason: &str) -> String {
    let reason = text::cut(&text::escape_around_code(reason), 220);
    format!("Line {line}: {reason}")
}

pub(super) fn more_rejected_lines(number: usize) -> String {
    format!("… and {}", text::count(number as u64, "more rejected line"))
}

pub(super) const UNREAD_COLUMNS: &str = "Columns that are not read";

pub(super) fn columns(names: &[String]) -> String {
    let shown = names.iter().take(20);
    let shown: Vec<String> = shown
        .map(|name| text::cut(&text::escape(name), 40))
        .collect();
    shown.join(", ")
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_an_import() {
        let names = ["tags".to_owned(), "*bold*".to_owned()];
        let texts = [
            imported(0),
            imported(1),
            imported(12),
            rejected_line(3, "the port is missing. Example: `tcp://203.0.113.7:25565`"),
            more_rejected_lines(1),
            more_rejected_lines(7),
            columns(&names),
        ];
        insta::assert_snapshot!(texts.join("\n"), @r"
        0 endpoints added
        1 endpoint added
        12 endpoints added
        Line 3: the port is missing. Example: `tcp://203.0.113.7:25565`
        … and 1 more rejected line
        … and 7 more rejected lines
        tags, \*bold\*
        ");
    }
}

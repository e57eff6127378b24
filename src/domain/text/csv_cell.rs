//! Cells of CSV files that spreadsheets show as text. A program such as Excel runs a cell that begins like a formula, and
//! names come from members. So such a cell gets an apostrophe in front, which the import removes.

/// Characters that make a spreadsheet read a cell as a formula. The last four are the wide forms of East Asian fonts.
const STARTS: [char; 10] = [
    '=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// Marks a cell as text.
const MARK: char = '\'';

/// Whether a cell begins like a formula. Blanks and marks in front of it do not count, so that a cell needs a mark exactly if
/// it needs another one after it got one. That makes `unmark` the reverse of `mark`.
fn is_formula(cell: &str) -> bool {
    let is_before = |letter: char| letter == MARK || letter.is_whitespace();
    cell.trim_start_matches(|letter| is_before(letter) && !STARTS.contains(&letter))
        .starts_with(STARTS)
}

/// A cell as an exported file contains it.
pub fn mark(cell: &str) -> String {
    match is_formula(cell) {
        true => format!("{MARK}{cell}"),
        false => cell.to_owned(),
    }
}

/// The reverse of `mark`: the cell without the mark of an export.
pub fn unmark(cell: &str) -> &str {
    match cell.strip_prefix(MARK) {
        Some(rest) if is_formula(rest) => rest,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_that_begin_like_a_formula_are_marked() {
        for (cell, marked) in [
            ("=HYPERLINK(\"https://evil.example\")", true),
            ("+1", true),
            ("-1", true),
            ("@SUM(A1)", true),
            ("\tx", true),
            ("\rx", true),
            ("  =1", true),
            ("\u{a0}=1", true),
            ("\u{ff1d}1", true),
            ("'=1", true),
            ("' '=1", true),
            ("", false),
            ("'", false),
            ("'tis", false),
            ("a=1", false),
            ("tcp://example.org:1", false),
            ("[2001:db8::1]:53", false),
        ] {
            let expected = if marked {
                format!("'{cell}")
            } else {
                cell.to_owned()
            };
            assert_eq!(mark(cell), expected);
            assert_eq!(unmark(&expected), cell);
        }
        assert_eq!(unmark("=1"), "=1", "a file that Rollcall has not exported");
    }

    proptest! {
        #[test]
        fn an_exported_cell_is_safe_and_is_imported_unchanged(cell in "['=+@\t\r \u{a0}a-]{0,6}") {
            let marked = mark(&cell);
            prop_assert!(!marked.trim_start().starts_with(STARTS), "{marked:?}");
            prop_assert!(!marked.starts_with(STARTS), "{marked:?}");
            prop_assert_eq!(unmark(&marked), cell);
        }
    }
}

//! A summary as Markdown. Names are code spans: nothing in them is a link, a mention or markup.

use super::{SummaryDocument, texts};
use crate::domain::text;

/// The whole summary, with all its monitors.
pub fn markdown(document: &SummaryDocument) -> String {
    let summary = &document.summary;
    let mut lines = vec![
        format!("# {}", texts::headline(summary)),
        String::new(),
        texts::range(document),
    ];
    if let Some(note) = texts::not_enough_data(summary) {
        lines.extend([String::new(), note]);
    }
    let monitors = summary.monitors.iter();
    section(
        &mut lines,
        "Monitors",
        monitors.map(|one| texts::monitor(one, text::code)),
    );
    let expiring = summary.expiring.iter();
    section(
        &mut lines,
        texts::EXPIRES_SOON,
        expiring.map(|one| texts::expiring(one, document, text::code)),
    );
    let objectives = summary.objectives.iter();
    section(
        &mut lines,
        texts::OBJECTIVES,
        objectives.map(|one| texts::objective(one, text::code)),
    );
    let responses = texts::responses(&summary.responses);
    section(&mut lines, texts::INCIDENTS, std::iter::once(responses));
    lines.push(String::new());
    lines.join("\n")
}

/// Adds a list under a heading, unless it is empty.
fn section(lines: &mut Vec<String>, heading: &str, entries: impl Iterator<Item = String>) {
    let mut entries = entries.peekable();
    if entries.peek().is_none() {
        return;
    }
    lines.extend([String::new(), format!("## {heading}"), String::new()]);
    lines.extend(entries.map(|entry| format!("- {entry}")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::summary::testing::{document, eventful, monitor};

    #[test]
    fn a_summary_as_markdown() {
        insta::assert_snapshot!(markdown(&eventful()));
    }

    #[test]
    fn nothing_in_a_name_is_markup() {
        let hostile = "@everyone `]( <script>\n# x";
        let written = markdown(&document(vec![monitor(hostile, 5)]));
        assert!(
            written.contains("- `@everyone ']( <script># x` 99.99 %"),
            "{written}"
        );
    }
}

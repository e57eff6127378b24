//! A summary as one page that needs nothing else: it has no script, loads nothing, and prints on A4.

use std::fmt::Write as _;

use super::{SummaryDocument, texts};
use crate::domain::history::summary::SummarizedMonitor;
use crate::domain::text;

const STYLE: &str = "\
@page { size: A4; margin: 15mm }
body { font: 14px/1.45 system-ui, sans-serif; color: #1b1f24; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem }
p { margin: .3rem 0 } ul { margin: 0; padding-left: 1.2rem }
table { border-collapse: collapse; width: 100% } thead { display: table-header-group }
th, td { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid #d0d7de; overflow-wrap: anywhere }
td.n, th.n { text-align: right; white-space: nowrap } tr { break-inside: avoid }
tr.offline td:first-child::before { content: '\u{25bc} '; color: #b42318 }
@media print { body { margin: 0; padding: 0; font-size: 11px } }
";

/// The whole summary, with all its monitors.
pub fn html(document: &SummaryDocument) -> String {
    let summary = &document.summary;
    let headline = escape(&texts::headline(summary));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{headline}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>{headline}</h1>\n<p>{}</p>\n",
        escape(&texts::range(document))
    );
    if let Some(note) = texts::not_enough_data(summary) {
        let _ = writeln!(page, "<p>{}</p>", escape(&note));
    }
    monitors(&mut page, &summary.monitors);
    let expiring = summary.expiring.iter();
    list(
        &mut page,
        texts::EXPIRES_SOON,
        expiring.map(|one| texts::expiring(one, document, str::to_owned)),
    );
    let objectives = summary.objectives.iter();
    list(
        &mut page,
        texts::OBJECTIVES,
        objectives.map(|one| texts::objective(one, str::to_owned)),
    );
    let responses = texts::responses(&summary.responses);
    list(&mut page, texts::INCIDENTS, std::iter::once(responses));
    page.push_str("</body>\n</html>\n");
    page
}

fn monitors(page: &mut String, all: &[SummarizedMonitor]) {
    if all.is_empty() {
        return;
    }
    page.push_str(
        "<h2>Monitors</h2>\n<table>\n<thead><tr><th>Monitor</th><th>Group</th><th class=\"n\">Uptime</th>\
         <th class=\"n\">Downtime</th><th class=\"n\">Outages</th><th class=\"n\">Longest outage</th></tr></thead>\n<tbody>\n",
    );
    for one in all {
        let class = if one.was_offline() {
            " class=\"offline\""
        } else {
            ""
        };
        let cells = [
            texts::uptime(one),
            text::duration(one.figures.times.offline),
            one.figures.outages.to_string(),
            text::duration(one.figures.longest_outage),
        ];
        let cells = cells.map(|cell| format!("<td class=\"n\">{}</td>", escape(&cell)));
        let removed = if one.is_removed { " (removed)" } else { "" };
        let (name, group) = (
            escape(&one.name),
            escape(one.group.as_deref().unwrap_or("")),
        );
        let _ = writeln!(
            page,
            "<tr{class}><td>{name}{removed}</td><td>{group}</td>{}</tr>",
            cells.concat()
        );
    }
    page.push_str("</tbody>\n</table>\n");
}

/// Adds a list under a heading, unless it is empty.
fn list(page: &mut String, heading: &str, entries: impl Iterator<Item = String>) {
    let mut entries = entries.peekable();
    if entries.peek().is_none() {
        return;
    }
    let _ = write!(page, "<h2>{}</h2>\n<ul>\n", escape(heading));
    for entry in entries {
        let _ = writeln!(page, "<li>{}</li>", escape(&entry));
    }
    page.push_str("</ul>\n");
}

/// Text without invisible characters, safe in an element and in an attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars().filter(|one| !text::is_unseen(*one)) {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::summary::testing::{document, eventful, monitor};

    #[test]
    fn a_summary_as_a_page() {
        insta::assert_snapshot!(html(&eventful()));
    }

    #[test]
    fn nothing_in_a_name_is_markup_and_the_page_loads_nothing() {
        let hostile = "</td><script src='https://evil.example'>\u{202e}\"&";
        let mut monitors = vec![monitor(hostile, 5)];
        monitors[0].group = Some("<img src=x onerror=alert(1)>".to_owned());
        let mut hostile = document(monitors);
        hostile.summary.expiring = eventful().summary.expiring;
        hostile.summary.expiring[0].host = Some("<b>".to_owned());
        let page = html(&hostile);
        for wrong in ["<script", "<img", "<b>", "\u{202e}"] {
            assert!(!page.contains(wrong), "{wrong} in {page}");
        }
        let name = "&lt;/td&gt;&lt;script src=&#39;https://evil.example&#39;&gt;&quot;&amp;";
        assert!(page.contains(&format!("<td>{name}</td>")), "{page}");
        for loading in [" src=", " href=", "url(", "@import"] {
            assert!(!html(&eventful()).contains(loading), "{loading}");
        }
    }
}

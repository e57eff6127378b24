//! The message of a summary: what it says first, the worst monitors, what expires soon, objectives, incidents; and its files.

use poise::serenity_prelude::{CreateAttachment, CreateEmbed, CreateEmbedFooter};

use super::texts;
use crate::discord::ui::embed::{AMBER, GREEN, GREY, RED, bold};
use crate::discord::ui::reply::Message;
use crate::domain::history::summary::{NAMED, WORST};
use crate::domain::text;
use crate::notify::summary::csv::{self, MOST_ATTACHED};
use crate::notify::summary::{SummaryDocument, texts as words};

/// Characters of a field; Discord's limit is 1,024.
const FIELD: usize = 1_000;

/// The message of a summary. If nothing happened, it is one line, without files.
pub(in crate::discord) fn message(document: &SummaryDocument) -> Message {
    if document.summary.is_uneventful() {
        return Message::sentence(text::escape(&words::uneventful(document)));
    }
    Message {
        files: files(document),
        ..Message::embed(embed(document))
    }
}

/// The files of the message. Its picture is added by those who send it.
fn files(document: &SummaryDocument) -> Vec<CreateAttachment> {
    let figures = csv::csv(document, MOST_ATTACHED);
    let figures =
        figures.inspect_err(|error| tracing::error!(%error, "cannot write a summary as CSV"));
    let figures = figures.map(|file| CreateAttachment::bytes(file, "summary.csv"));
    figures.into_iter().collect()
}

fn embed(document: &SummaryDocument) -> CreateEmbed {
    let summary = &document.summary;
    let range = text::escape(&words::range(document));
    let description = match words::not_enough_data(summary) {
        Some(note) => format!("{range}\n{note}"),
        None => range,
    };
    let mut card = CreateEmbed::new()
        .title(words::headline(summary))
        .description(description)
        .colour(match summary.offline() {
            0 if summary.is_unknown() => GREY,
            0 if summary.used_objectives().next().is_none() && summary.expiring.is_empty() => GREEN,
            0 => AMBER,
            _ => RED,
        });
    let worst = words::lines(summary.worst(), WORST, |one| words::monitor(one, bold));
    let expiring = words::lines(summary.expiring.iter(), NAMED, |one| {
        words::expiring(one, document, bold)
    });
    let objectives = words::lines(summary.objectives.iter(), NAMED, |one| {
        words::objective(one, bold)
    });
    for (title, lines) in [
        (words::WORST, worst),
        (words::EXPIRES_SOON, expiring),
        (words::OBJECTIVES, objectives),
        (words::INCIDENTS, vec![words::responses(&summary.responses)]),
    ] {
        if !lines.is_empty() {
            card = card.field(title, fitting(&lines), false);
        }
    }
    match summary.monitors.len() > MOST_ATTACHED {
        true => card.footer(CreateEmbedFooter::new(texts::cut_file(MOST_ATTACHED))),
        false => card,
    }
}

/// As many of the lines as fit into a field, and the number of the others.
fn fitting(lines: &[String]) -> String {
    let mut length = 0;
    let fits = |line: &&String| {
        length += line.chars().count() + 1;
        length <= FIELD
    };
    let kept: Vec<String> = lines.iter().take_while(fits).cloned().collect();
    match lines.len() - kept.len() {
        0 => kept.join("\n"),
        rest => [kept, vec![words::and_more(rest)]].concat().join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::{card_text, fits};
    use crate::domain::history::uptime::ClassTimes;
    use crate::notify::summary::testing::{document, eventful, monitor};

    #[test]
    fn cards_of_summaries() {
        let mut opened = document(vec![monitor("shop", 0), monitor("blog", 0)]);
        opened.summary.responses.incidents = 1;
        opened.summary.responses.never_acknowledged = 1;
        let mut unknown = document(vec![monitor("shop", 0)]);
        let figures = &mut unknown.summary.monitors[0].figures;
        figures.times = ClassTimes {
            unknown: figures.times.online,
            ..ClassTimes::default()
        };
        let cards = [eventful(), opened, unknown].map(|document| card_text(embed(&document)));
        insta::assert_snapshot!(cards.join("\n\n"));
    }

    #[test]
    fn nothing_happened_is_one_line_without_files() {
        let uneventful = message(&document(vec![monitor("shop", 0), monitor("blog", 0)]));
        insta::assert_snapshot!(uneventful.content, @"Nothing happened: none of 2 monitors was offline from 2026-11-01 00:00 to 2026-12-01 00:00 (Europe/Berlin).");
        assert!(uneventful.embeds.is_empty() && uneventful.files.is_empty());
        assert_eq!(message(&eventful()).files.len(), 1);
    }

    #[test]
    fn a_summary_fits_with_the_longest_names() {
        let name = "*".repeat(100);
        let mut longest = document(vec![monitor(&name, 5); 9]);
        let mut other = eventful().summary;
        other.expiring[0].name = name.clone();
        other.expiring[0].host = Some("_".repeat(253));
        longest.summary.expiring = vec![other.expiring[0].clone(); 9];
        other.objectives[0].name = name;
        other.objectives[0].is_of_group = true;
        longest.summary.objectives = vec![other.objectives[0].clone(); 9];
        longest.summary.responses = other.responses;
        fits(embed(&longest));
        let shown = card_text(embed(&longest));
        assert!(shown.contains("… and"), "{shown}");
    }

    #[test]
    fn names_mention_nobody() {
        let shown = card_text(embed(&document(vec![monitor("@everyone <@7> [x](y)", 5)])));
        assert!(
            shown.contains("**\\@everyone \\<\\@7> \\[x](y)**"),
            "{shown}"
        );
    }
}

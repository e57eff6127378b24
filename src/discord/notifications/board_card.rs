//! The status board: all monitors of a guild in one message. Up to `MAX_NAMED` monitors are listed one per line, by group.
//! With more, each group is one line of counts, and only offline and warning monitors are listed.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::notifications::texts;
use crate::discord::ui::embed::{AMBER, GREEN, GREY, RED, bold, mark};
use crate::discord::ui::reply::Message;
use crate::domain::status::Status;
use crate::store::notifications::board::BoardLine;

/// The most monitors that are listed one by one; with more, only those offline or in warning are listed.
const MAX_NAMED: usize = 40;

/// Maximum characters of the list; an embed's description allows 4,096.
const LIST: usize = 3_900;

pub(in crate::discord) fn message(lines: &[BoardLine]) -> Message {
    let count = |status| lines.iter().filter(|line| line.status == status).count();
    let (online, offline) = (count(Status::Online), count(Status::Offline));
    let colour = match (lines.is_empty(), offline, count(Status::Warning)) {
        (true, ..) => GREY,
        (_, 0, 0) => GREEN,
        (_, 0, _) => AMBER,
        _ => RED,
    };
    let embed = CreateEmbed::new()
        .title(texts::board_title(online, lines.len()))
        .description(list(lines))
        .colour(colour);
    Message::embed(embed)
}

fn list(lines: &[BoardLine]) -> String {
    let is_short = lines.len() <= MAX_NAMED;
    let mut text = String::new();
    for group in lines.chunk_by(|one, next| one.group == next.group) {
        let shown = match is_short {
            true => full_group(group),
            false => collapsed_group(group),
        };
        let mut added = shown.into_iter();
        for line in added.by_ref() {
            if text.chars().count() + line.chars().count() >= LIST {
                text.push_str(texts::AND_MORE_MONITORS);
                return text;
            }
            text.push_str(&line);
            text.push('\n');
        }
    }
    if text.is_empty() {
        return texts::NO_MONITORS.to_owned();
    }
    text
}

fn full_group(group: &[BoardLine]) -> Vec<String> {
    let name = group.first().and_then(|line| line.group.as_deref());
    let heading = name.map(bold);
    let lines = group.iter().map(texts::board_line);
    heading.into_iter().chain(lines).collect()
}

fn collapsed_group(group: &[BoardLine]) -> Vec<String> {
    let name = group.first().and_then(|line| line.group.as_deref());
    let counts: Vec<String> = Status::ALL
        .iter()
        .copied()
        .map(|status| {
            let count = group.iter().filter(|line| line.status == status).count();
            (status, count)
        })
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!("{} {count}", mark(status)))
        .collect();
    let heading = texts::board_group(name, &counts.join(" · "));
    let is_named = |one: &&BoardLine| matches!(one.status, Status::Offline | Status::Warning);
    let named = group.iter().filter(is_named).map(texts::board_line);
    std::iter::once(heading).chain(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::{NOW, card_text, fits};
    use crate::domain::monitor::MonitorKind;

    fn board_line(name: &str, group: Option<&str>, status: Status) -> BoardLine {
        BoardLine {
            kind: MonitorKind::Endpoint,
            name: name.into(),
            group: group.map(str::to_owned),
            status,
            since: NOW,
        }
    }

    #[test]
    fn boards_fit_with_many_monitors_and_long_names() {
        for count in [0, 1, 40, 41, 3_000] {
            for status in [Status::Online, Status::Offline] {
                let lines: Vec<BoardLine> = (0..count)
                    .map(|number| {
                        let group = "*".repeat(1 + number % 64);
                        board_line(&"_".repeat(64), Some(&group), status)
                    })
                    .collect();
                for embed in message(&lines).embeds {
                    fits(embed);
                }
            }
        }
    }

    #[test]
    fn short_boards_list_all_monitors_and_long_boards_only_failing_ones() {
        let shop = || {
            vec![
                board_line("checkout", Some("shop"), Status::Offline),
                board_line("cart", Some("shop"), Status::Online),
                board_line("router", None, Status::Warning),
            ]
        };
        let mut long = shop();
        long.extend((0..50).map(|number| board_line(&format!("n{number}"), None, Status::Online)));
        let boards = [Vec::new(), shop(), long];
        let cards = boards
            .iter()
            .flat_map(|lines| message(lines).embeds)
            .map(card_text);
        let texts: Vec<String> = cards.collect();
        insta::assert_snapshot!(texts.join("\n---\n"), @"
        [grey] 0 of 0 monitors online
        There are no monitors yet.
        ---
        [red] 1 of 3 monitors online
        **shop**
        🔴 checkout · went offline <t:1769860800:R>
        🟢 cart
        🟡 router · in warning, changed <t:1769860800:R>

        ---
        [red] 51 of 53 monitors online
        **shop**: 🟢 1 · 🔴 1
        🔴 checkout · went offline <t:1769860800:R>
        No group: 🟢 50 · 🟡 1
        🟡 router · in warning, changed <t:1769860800:R>
        ");
    }

    #[test]
    fn a_board_that_is_too_long_ends_with_a_hint() {
        let lines: Vec<BoardLine> = (0..200)
            .map(|number| board_line(&format!("n{number}"), Some("web"), Status::Offline))
            .collect();
        let text: String = message(&lines).embeds.into_iter().map(card_text).collect();
        let shown: Vec<&str> = text.lines().collect();
        let (first, last) = (&shown[..4], &shown[shown.len() - 2..]);
        insta::assert_snapshot!([first, last].concat().join("\n"), @"
        [red] 0 of 200 monitors online
        **web**: 🔴 200
        🔴 n0 · went offline <t:1769860800:R>
        🔴 n1 · went offline <t:1769860800:R>
        🔴 n101 · went offline <t:1769860800:R>
        … and more. Use `/status` for all counts.
        ");
    }
}

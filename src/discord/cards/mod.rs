//! Everything people read in Discord: wording, colour, order. Pure — facts in, embeds out — and held to Discord's limits
//! with the longest names there can be.

pub(super) mod alerts;
pub(super) mod board;
pub(super) mod devices;
mod endpoint;
pub(super) mod endpoints;
pub(super) mod health;
pub(super) mod help;
mod imported;
pub(super) mod incident;
pub(super) mod keys;
pub(super) mod maintenance;
pub(super) mod offline;
pub(super) mod recheck;
pub(super) mod servers;
mod statistics;
pub(super) mod status;
pub(super) mod webhooks;

use poise::serenity_prelude as serenity;
use serenity::{ButtonStyle, Colour, CreateActionRow, CreateButton};

pub(super) use endpoint::endpoint;
pub(super) use imported::imported;
pub(super) use statistics::statistics;

use super::buttons::Button;
use super::error;
use super::reply::Message;
use crate::domain::Timestamp;
use crate::domain::status::Status;
use crate::domain::target::Target;
use crate::domain::text;
use crate::store::endpoint::Description;

pub(super) const NO_ENDPOINTS: &str = "The roll of this server is empty. `/endpoint add target:https://example.org/` puts the first endpoint on it.";

/// A target in a list is cut to this many characters; the whole stands on its own card.
const TARGET_LENGTH: usize = 64;

const GREEN: Colour = Colour::from_rgb(46, 204, 113);
const AMBER: Colour = Colour::from_rgb(241, 196, 15);
const RED: Colour = Colour::from_rgb(231, 76, 60);
const GREY: Colour = Colour::from_rgb(149, 165, 166);

/// Which page of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pages {
    /// Counted from 1.
    pub page: u32,
    pub count: u32,
    pub total: u64,
}

impl Pages {
    /// The page asked for, or the last one where there are fewer.
    pub(super) fn new(wanted: u32, total: u64, per_page: u32) -> Self {
        let count = u32::try_from(total.div_ceil(u64::from(per_page)))
            .unwrap_or(u32::MAX)
            .max(1);
        Self {
            page: wanted.clamp(1, count),
            count,
            total,
        }
    }

    fn footer(&self) -> String {
        match self.count {
            1 => format!("{} in all", self.total),
            count => format!("Page {} of {count} · {} in all", self.page, self.total),
        }
    }
}

/// A name, so that it reads as one.
pub(super) fn bold(name: &str) -> String {
    format!("**{}**", text::cut(&text::escape(name), 200))
}

/// An endpoint in running text: its name and its target.
pub(super) fn mention(description: &Description) -> String {
    format!(
        "**{}** {}",
        text::escape(&description.name),
        target(&description.target)
    )
}

fn target(target: &Target) -> String {
    text::code(&text::cut(&target.to_string(), TARGET_LENGTH))
}

/// Discord shows it in the reader's own words: "3 minutes ago".
pub(super) fn relative(timestamp: Timestamp) -> String {
    format!("<t:{}:R>", timestamp.seconds())
}

fn relative_or(timestamp: Option<Timestamp>, otherwise: &str) -> String {
    timestamp.map_or_else(|| otherwise.to_owned(), relative)
}

fn mark(status: Status) -> &'static str {
    match status {
        Status::Online => "🟢",
        Status::Warning => "🟡",
        Status::Offline => "🔴",
        Status::Unknown => "⚪",
        Status::Paused => "⏸️",
    }
}

fn colour(status: Status) -> Colour {
    match status {
        Status::Online => GREEN,
        Status::Warning => AMBER,
        Status::Offline => RED,
        Status::Unknown | Status::Paused => GREY,
    }
}

/// The answer to an address that nobody here has: says so, and offers to add it where that can be.
pub(super) fn unknown_endpoint(words: &str, target: Option<&Target>, may_manage: bool) -> Message {
    let mut card = Message::sentence(error::sentence(words));
    let Some(target) = target else {
        card.content.push_str(
            " Give its port as well, or choose it from the list that appears while you type.",
        );
        return card;
    };
    if !may_manage {
        card.content.push_str(
            " Somebody with the permission Manage Server can add it with `/endpoint add`.",
        );
        return card;
    }
    match Button::add(target) {
        Some(button) => {
            card.content.push_str(" Shall I add it?");
            let label = text::cut(&format!("Add {target}"), 80);
            card.rows = vec![CreateActionRow::Buttons(vec![
                CreateButton::new(button.custom_id())
                    .label(label)
                    .style(ButtonStyle::Primary),
            ])];
        }
        None => card
            .content
            .push_str(" `/endpoint add` puts it on the roll."),
    }
    card
}

#[cfg(test)]
mod tests;

//! The content of Discord messages: wording, color, order. Pure functions from data to embeds. Tests hold them to Discord's
//! limits with the longest possible names.

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

use crate::discord::ui::custom_id::Button;
use crate::discord::ui::error;
use crate::discord::ui::reply::Message;
use crate::domain::Timestamp;
use crate::domain::endpoints::target::Target;
use crate::domain::status::Status;
use crate::domain::text;
use crate::store::endpoints::endpoint::Description;

pub(super) const NO_ENDPOINTS: &str = "The roll of this server is empty. `/endpoint add target:https://example.org/` puts the first endpoint on it.";

/// Targets in lists are cut to this many characters; the endpoint's card shows the full target.
const TARGET_LENGTH: usize = 64;

const GREEN: Colour = Colour::from_rgb(46, 204, 113);
const AMBER: Colour = Colour::from_rgb(241, 196, 15);
const RED: Colour = Colour::from_rgb(231, 76, 60);
const GREY: Colour = Colour::from_rgb(149, 165, 166);

/// A name in bold, escaped and cut.
pub(super) fn bold(name: &str) -> String {
    format!("**{}**", text::cut(&text::escape(name), 200))
}

/// An endpoint in a sentence: its name and target.
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

/// A Discord timestamp, shown in the reader's language: "3 minutes ago".
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

/// The reply for a target that the guild does not monitor. Offers to add it if the member may do that.
pub(super) fn unknown_endpoint(
    error_text: &str,
    target: Option<&Target>,
    may_manage: bool,
) -> Message {
    let mut message = Message::sentence(error::sentence(error_text));
    let Some(target) = target else {
        message.content.push_str(
            " Give its port as well, or choose it from the list that appears while you type.",
        );
        return message;
    };
    if !may_manage {
        message.content.push_str(
            " Somebody with the permission Manage Server can add it with `/endpoint add`.",
        );
        return message;
    }
    match Button::add(target) {
        Some(button) => {
            message.content.push_str(" Shall I add it?");
            let label = text::cut(&format!("Add {target}"), 80);
            message.rows = vec![CreateActionRow::Buttons(vec![
                CreateButton::new(button.custom_id())
                    .label(label)
                    .style(ButtonStyle::Primary),
            ])];
        }
        None => message
            .content
            .push_str(" `/endpoint add` puts it on the roll."),
    }
    message
}

#[cfg(test)]
mod tests;

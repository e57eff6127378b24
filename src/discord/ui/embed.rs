//! What cards have in common: colors, marks, names in bold, times. Cards are pure functions from data to embeds; tests hold
//! them to Discord's limits with the longest possible names.

use poise::serenity_prelude::Colour;

use crate::domain::endpoints::target::Target;
use crate::domain::status::Status;
use crate::domain::{Timestamp, text};
use crate::store::endpoints::endpoint::Description;

/// Targets in lists are cut to this many characters; the endpoint's card shows the full target.
pub(in crate::discord) const TARGET_LENGTH: usize = 64;

pub(in crate::discord) const GREEN: Colour = Colour::from_rgb(46, 204, 113);
pub(in crate::discord) const AMBER: Colour = Colour::from_rgb(241, 196, 15);
pub(in crate::discord) const RED: Colour = Colour::from_rgb(231, 76, 60);
pub(in crate::discord) const GREY: Colour = Colour::from_rgb(149, 165, 166);

/// A name in bold, escaped and cut.
pub(in crate::discord) fn bold(name: &str) -> String {
    format!("**{}**", text::cut(&text::escape(name), 200))
}

/// A code block with a line to copy.
pub(in crate::discord) fn block(line: &str) -> String {
    format!("```\n{line}\n```")
}

/// An endpoint in a sentence: its name and target.
pub(in crate::discord) fn mention(description: &Description) -> String {
    name_and_target(&description.name, &description.target.to_string())
}

/// An endpoint in a sentence by its name and the text of its target.
pub(in crate::discord) fn name_and_target(name: &str, target: &str) -> String {
    let target = text::code(&text::cut(target, TARGET_LENGTH));
    format!("**{}** {target}", text::escape(name))
}

pub(in crate::discord) fn target(target: &Target) -> String {
    text::code(&text::cut(&target.to_string(), TARGET_LENGTH))
}

/// A Discord timestamp, shown in the reader's language: "3 minutes ago", or "in 3 minutes".
pub(in crate::discord) fn relative(timestamp: Timestamp) -> String {
    format!("<t:{}:R>", timestamp.seconds())
}

/// A Discord timestamp, shown in the reader's language and time zone: "January 31, 2026 12:00 PM". Reads well behind
/// *until*, where `relative` would read "until in 3 minutes".
pub(in crate::discord) fn date_and_time(timestamp: Timestamp) -> String {
    format!("<t:{}:f>", timestamp.seconds())
}

pub(in crate::discord) fn relative_or(timestamp: Option<Timestamp>, otherwise: &str) -> String {
    timestamp.map_or_else(|| otherwise.to_owned(), relative)
}

pub(in crate::discord) fn mark(status: Status) -> &'static str {
    match status {
        Status::Online => "🟢",
        Status::Warning => "🟡",
        Status::Offline => "🔴",
        Status::Unknown => "⚪",
        Status::Paused => "⏸️",
    }
}

pub(in crate::discord) fn colour(status: Status) -> Colour {
    match status {
        Status::Online => GREEN,
        Status::Warning => AMBER,
        Status::Offline => RED,
        Status::Unknown | Status::Paused => GREY,
    }
}

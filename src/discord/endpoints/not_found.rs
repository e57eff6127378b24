//! The reply to a target that the guild does not monitor.

use poise::serenity_prelude as serenity;
use serenity::{ButtonStyle, CreateActionRow, CreateButton};

use crate::discord::ui::custom_id::Button;
use crate::discord::ui::error;
use crate::discord::ui::reply::Message;
use crate::domain::endpoints::target::Target;
use crate::domain::text;

/// The reply for a target that the guild does not monitor. Offers to add it if the member may do that.
pub(in crate::discord) fn unknown_endpoint(
    error_text: &str,
    target: Option<&Target>,
    may_manage: bool,
) -> Message {
    let mut message = Message::sentence(error::sentence(error_text));
    let Some(target) = target else {
        message
            .content
            .push_str(" Add its port, or choose the endpoint from the list.");
        return message;
    };
    if !may_manage {
        message.content.push_str(
            " A member with the permission Manage Server can add it with `/endpoint add`.",
        );
        return message;
    }
    match Button::add(target) {
        Some(button) => {
            message.content.push_str(" Do you want to add it?");
            let label = text::cut(&format!("Add {target}"), 80);
            message.rows = vec![CreateActionRow::Buttons(vec![
                CreateButton::new(button.custom_id())
                    .label(label)
                    .style(ButtonStyle::Primary),
            ])];
        }
        None => message.content.push_str(" Add it with `/endpoint add`."),
    }
    message
}

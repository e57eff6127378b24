//! The reply to a target that the guild does not monitor.

use poise::serenity_prelude as serenity;
use serenity::{ButtonStyle, CreateActionRow, CreateButton};

use crate::discord::endpoints::texts;
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
    let problem = error::sentence(error_text);
    let Some(target) = target else {
        return Message::sentence(texts::choose_from_list(&problem));
    };
    if !may_manage {
        return Message::sentence(texts::ask_a_manager(&problem));
    }
    let Some(button) = Button::add(target) else {
        return Message::sentence(texts::add_with_command(&problem));
    };
    let label = text::cut(&format!("Add {target}"), 80);
    let mut message = Message::sentence(texts::offer_to_add(&problem));
    message.rows = vec![CreateActionRow::Buttons(vec![
        CreateButton::new(button.custom_id())
            .label(label)
            .style(ButtonStyle::Primary),
    ])];
    message
}

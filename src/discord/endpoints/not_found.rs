//! The replies to a target that the guild does not monitor, and to a text that is no target: both offer to add what may be
//! meant.

use poise::serenity_prelude as serenity;
use serenity::{ButtonStyle, CreateActionRow, CreateButton};

use crate::discord::endpoints::texts;
use crate::discord::ui::custom_id::Button;
use crate::discord::ui::error;
use crate::discord::ui::reply::Message;
use crate::domain::endpoints::target::Target;
use crate::domain::endpoints::typed_target::TypedTargetError;
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
    let Some(row) = add_row(target) else {
        return Message::sentence(texts::add_with_command(&problem));
    };
    let mut message = Message::sentence(texts::offer_to_add(&problem));
    message.rows = vec![row];
    message
}

/// The reply to a text that is no target. The button adds the nearest valid form with default options, so it is offered only
/// if the member has given no others.
pub(in crate::discord) fn mistyped_target(error: &TypedTargetError, has_options: bool) -> Message {
    let mut message = Message::sentence(error::sentence(&format!("`target`: {error}")));
    let meant = error.suggestion.as_ref().filter(|_| !has_options);
    message.rows = meant.and_then(add_row).into_iter().collect();
    message
}

fn add_row(target: &Target) -> Option<CreateActionRow> {
    let button = Button::add(target)?;
    let label = text::cut(&format!("Add {target}"), 80);
    Some(CreateActionRow::Buttons(vec![
        CreateButton::new(button.custom_id())
            .label(label)
            .style(ButtonStyle::Primary),
    ]))
}

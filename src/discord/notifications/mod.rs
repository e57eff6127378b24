//! Notifications: `/alerts` and `/boards`, their cards, and the messenger that posts and edits messages in channels.

pub(in crate::discord) mod alert_channel;
pub(in crate::discord) mod alerts_card;
pub(in crate::discord) mod alerts_command;
pub(in crate::discord) mod alerts_off;
pub(in crate::discord) mod board_card;
pub(in crate::discord) mod board_command;
mod message_body;
pub(in crate::discord) mod messenger;
mod refusal;
mod setup_message;
mod texts;
pub(in crate::discord) mod webhook_command;
pub(in crate::discord) mod webhooks_card;

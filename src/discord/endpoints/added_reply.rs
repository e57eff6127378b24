//! The reply to a member who adds an endpoint: its card with the result of the first check.
//!
//! A check that takes long must not hold up the reply. Then the reply says that the check is running, and the caller edits it
//! when the result is there.

use std::time::Duration;

use crate::actions::endpoints::first_check::{self, FirstCheck};
use crate::discord::DiscordState;
use crate::discord::endpoints::{endpoint_card, texts};
use crate::discord::notifications::alert_channel;
use crate::discord::ui::buttons;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{LAST_EDIT, Message};
use crate::domain::discord_id::GuildId;
use crate::store::endpoints::endpoint::Endpoint;

/// How long the reply waits for the first check.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// A reply to an addition, and the check that it waits for.
#[derive(Debug)]
pub(in crate::discord) struct AddedReply {
    pub message: Message,
    /// `None`: the message is complete.
    pub awaited: Option<AwaitedCheck>,
}

/// A first check that was running when the reply was sent.
#[derive(Debug)]
pub(in crate::discord) struct AwaitedCheck {
    guild: GuildId,
    endpoint: Endpoint,
}

impl AddedReply {
    /// A reply that needs no edit.
    pub(super) fn whole(message: Message) -> Self {
        Self {
            message,
            awaited: None,
        }
    }

    /// Waits for the first check of a new endpoint, but not long.
    pub(super) async fn with_first_check(
        app: &DiscordState,
        guild: GuildId,
        endpoint: Endpoint,
    ) -> Result<Self, CommandError> {
        let first = first_check::wait(&app.store.reader, &endpoint, FIRST_WAIT).await?;
        if first == FirstCheck::Running {
            let text = texts::added(&first, None);
            return Ok(Self {
                message: message(app, guild, &endpoint, text).await?,
                awaited: Some(AwaitedCheck { guild, endpoint }),
            });
        }
        Ok(Self::whole(ended(app, guild, &endpoint, &first).await?))
    }
}

impl AwaitedCheck {
    /// Waits for the end of the check; returns the new form of the reply. Ends with the process.
    pub(in crate::discord) async fn edited(
        self,
        app: &DiscordState,
    ) -> Result<Message, CommandError> {
        let first = first_check::wait(&app.store.reader, &self.endpoint, LAST_EDIT).await?;
        ended(app, self.guild, &self.endpoint, &first).await
    }
}

async fn ended(
    app: &DiscordState,
    guild: GuildId,
    added: &Endpoint,
    first: &FirstCheck,
) -> Result<Message, CommandError> {
    let text = texts::added(first, app.checks.not_checked.of(added.id));
    match first {
        FirstCheck::Done(checked) => message(app, guild, checked, text).await,
        FirstCheck::Running => {
            let text = texts::FIRST_CHECK_NOT_FINISHED.to_owned();
            message(app, guild, added, text).await
        }
        FirstCheck::Canceled => Ok(Message::sentence(text)),
    }
}

/// A reply about an endpoint that waits for nothing.
pub(super) async fn whole(
    app: &DiscordState,
    guild: GuildId,
    endpoint: &Endpoint,
    text: String,
) -> Result<AddedReply, CommandError> {
    let message = message(app, guild, endpoint, text).await?;
    Ok(AddedReply::whole(message))
}

/// The card of an endpoint below a sentence, with a menu of channels if the guild sends its alerts nowhere yet.
async fn message(
    app: &DiscordState,
    guild: GuildId,
    endpoint: &Endpoint,
    text: String,
) -> Result<Message, CommandError> {
    let mut message = Message::embed(endpoint_card::current(app, endpoint));
    message.content = text;
    message.rows = buttons::recheck_row(endpoint.id);
    message
        .rows
        .extend(alert_channel::first_menu(app, guild).await?);
    Ok(message)
}

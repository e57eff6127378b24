//! The reply to a member who adds an endpoint: its card with the result of the first check.
//!
//! A check that takes long must not hold up the reply. Then the reply says that the check is running, and the caller edits it
//! when the result is there.

use std::time::Duration;

use crate::actions::endpoints::first_check::{self, FirstCheck};
use crate::discord::DiscordState;
use crate::discord::endpoints::{endpoint_card, texts};
use crate::discord::ui::buttons;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::Message;
use crate::store::endpoints::endpoint::Endpoint;

/// How long the reply waits for the first check.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// How long the reply can be edited. Discord accepts edits for 15 minutes after the interaction.
const LAST_EDIT: Duration = Duration::from_secs(14 * 60);

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
        endpoint: Endpoint,
    ) -> Result<Self, CommandError> {
        let first = first_check::wait(&app.store.reader, &endpoint, FIRST_WAIT).await?;
        if first == FirstCheck::Running {
            let text = texts::added(&first);
            return Ok(Self {
                message: message(app, &endpoint, text),
                awaited: Some(AwaitedCheck { endpoint }),
            });
        }
        Ok(Self::whole(ended(app, &endpoint, &first)))
    }
}

impl AwaitedCheck {
    /// Waits for the end of the check; returns the new form of the reply. Ends with the process.
    pub(in crate::discord) async fn edited(
        self,
        app: &DiscordState,
    ) -> Result<Message, CommandError> {
        let first = first_check::wait(&app.store.reader, &self.endpoint, LAST_EDIT).await?;
        Ok(ended(app, &self.endpoint, &first))
    }
}

fn ended(app: &DiscordState, added: &Endpoint, first: &FirstCheck) -> Message {
    match first {
        FirstCheck::Done(checked) => message(app, checked, texts::added(first)),
        FirstCheck::Running => message(app, added, texts::FIRST_CHECK_NOT_FINISHED.to_owned()),
        FirstCheck::Canceled => Message::sentence(texts::added(first)),
    }
}

/// The card of an endpoint below a sentence.
pub(super) fn message(app: &DiscordState, endpoint: &Endpoint, text: String) -> Message {
    let mut message = Message::embed(endpoint_card::current(app, endpoint));
    message.content = text;
    message.rows = buttons::recheck_row(endpoint.id);
    message
}

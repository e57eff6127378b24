//! The way from the world to a connected bot.

use serde_json::Value;

use crate::faults::CloseWith;

/// A message to a connected bot.
#[derive(Clone, Debug)]
pub(crate) enum ToClient {
    Payload(Value),
    Close(CloseWith),
}

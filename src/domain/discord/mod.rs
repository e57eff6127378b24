//! The rules of Discord's gateway: intents, presence, reconnects and the limit of sent payloads.

pub mod intent;
pub mod presence;
pub mod reconnect;
pub mod send_limit;

//! Devices: their ids and slugs, and what a ping says.

pub mod device;
pub mod kept_body;
pub mod line_kind;
pub mod ping;
pub mod ping_url;
pub mod public_url;
pub mod push_token;
pub mod slug;
pub mod status_rule;

//! Devices: their ids and slugs, what a ping says, and what people copy to send one.

pub mod device;
pub mod heartbeat_schedule;
pub mod kept_body;
pub mod line_kind;
pub mod ping;
pub mod ping_url;
pub mod public_url;
pub mod push_token;
pub mod shell_lines;
pub mod slug;
pub mod status_rule;
pub mod typed_device;

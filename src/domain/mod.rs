//! What Rollcall knows: pure rules and words. No async, no I/O, no clock, no serialisation.
//!
//! Reading order: what is on the roll (`monitor`), where it is and what a look asks for (`target`, `http_check`, `http_check_change`), when it is
//! due (`schedule`), what was seen (`result`, `ping`), what it means (`status`), what is told of it (`event`, `presence`,
//! `text`); and for Discord's gateway, what to ask for and when to try again (`intent`, `reconnect`).

pub mod address;
pub mod alert_policy;
pub mod cause;
pub mod check_result;
pub mod connectivity;
pub mod device;
pub mod event;
pub mod flapping;
pub mod grouping;
pub mod http_check;
pub mod http_check_change;
pub mod intent;
pub mod key;
pub mod maintenance;
pub mod monitor;
pub mod notification_kind;
pub mod observation_windows;
pub mod ping;
pub mod presence;
pub mod reconnect;
pub mod report_interval;
pub mod schedule;
pub mod send_limit;
pub mod status;
pub mod target;
pub mod text;
pub mod threshold;
pub mod threshold_proposal;
mod timestamp;
pub mod webhook;

pub use timestamp::{Timestamp, millis};

//! The domain: pure rules and types. No async, no I/O, no clock, no serialization.
//!
//! Reading order: monitors (`monitor`), targets and HTTP options (`target`, `http_check`, `http_check_change`), the check
//! schedule (`schedule`), check results and pings (`check_result`, `ping`), the status rule (`status`), audit events and
//! texts (`event`, `presence`, `text`); for Discord's gateway, the privileged intents and the reconnect backoff (`intent`,
//! `reconnect`).

pub mod address;
pub mod alert_policy;
pub mod cause;
pub mod check_result;
pub mod connectivity;
pub mod destinations;
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
pub mod outage_reason;
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

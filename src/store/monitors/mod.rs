//! What all kinds of monitors share: names, groups, and the narrow row that changes at every check.

pub mod group;
pub mod monitor;
pub mod monitor_name;
pub mod monitor_state;
pub mod search;
pub mod series;
pub mod set_back;
pub mod status;

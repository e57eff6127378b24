//! Rollcall itself: its connection, its presence, its watchdogs, and when it was able to observe.

pub(in crate::jobs) mod bot_health;
pub(in crate::jobs) mod dead_man;
pub(in crate::jobs) mod keep_alive;
pub(in crate::jobs) mod observation_window;
pub(in crate::jobs) mod observing;
pub(in crate::jobs) mod presence;
pub(in crate::jobs) mod storage_room;
pub(in crate::jobs) mod timers;
pub(in crate::jobs) mod token_check;
pub(in crate::jobs) mod unreadable_rows;
pub(in crate::jobs) mod watchdog;
pub(in crate::jobs) mod writer_progress;

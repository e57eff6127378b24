//! What the history of monitors shows, on the command line.

pub(super) mod uptime;

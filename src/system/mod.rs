//! What Rollcall takes from the machine that it runs on: the time, and files that only their owner can read.

pub mod clock;
pub mod private_files;

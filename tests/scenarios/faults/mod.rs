//! Faults of the machine that Rollcall runs on: they take no monitor offline, lose nothing that was acknowledged and hide no
//! outage.

mod clock_steps;
mod crashes;
mod damaged_database;
mod freezes;
mod storage_faults;

//! What one guild, one row or one client can do to others: nothing.

mod device_logs;
mod hostile_guild;
mod query_plans;
mod server_reports;
mod storage;
mod table;
mod unreadable_rows;

//! What programs read of a status page: feeds of incidents and maintenance, a calendar, and summaries as JSON.

pub mod calendar;
mod entry;
pub mod json_feed;
pub mod rss;
pub mod statuspage_summary;
pub mod summary;

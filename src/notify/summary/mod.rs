//! Summaries as texts and files: what they say in words, and the formats in which people pass them on.

pub mod csv;
pub mod html;
pub mod markdown;
#[cfg(test)]
pub mod testing;
pub mod texts;

use crate::domain::history::summary::RangeSummary;
use crate::domain::silences::maintenance::Tz;

/// A summary with what its texts need beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryDocument {
    pub summary: RangeSummary,
    /// Of the guild: dates and times are shown in it.
    pub zone: Tz,
}

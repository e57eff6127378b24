//! Sets of moments for tests of pictures.

use crate::history::time_set::TimeSet;
use crate::silences::maintenance::TimeWindow;
use crate::timestamp::Timestamp;

pub(super) fn whole(starts_at: Timestamp, ends_at: Timestamp) -> TimeSet {
    TimeSet::of([TimeWindow { starts_at, ends_at }])
}

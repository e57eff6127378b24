//! When a monitor was what: the periods of each class of uptime in a range, as a picture shows them.

use crate::history::range::HistoryRange;
use crate::history::status_span::SpanStatus;
use crate::history::time_set::TimeSet;
use crate::history::uptime::StatusTimeline;
use crate::silences::maintenance::TimeWindow;
use crate::status::Status;

/// The periods of each class. They have no moment in common; the rest of the range was online.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassPeriods {
    pub offline: TimeSet,
    pub maintenance: TimeSet,
    pub unknown: TimeSet,
    pub paused: TimeSet,
}

impl ClassPeriods {
    /// By the same precedence as uptime.
    pub fn of(timeline: StatusTimeline<'_>, range: HistoryRange) -> Self {
        let (mut offline, mut unknown, mut paused) = (Vec::new(), Vec::new(), Vec::new());
        for (window, status) in timeline.statuses(range) {
            match status {
                SpanStatus::Was(Status::Paused) => paused.push(window),
                SpanStatus::Removed | SpanStatus::Was(Status::Unknown) => unknown.push(window),
                SpanStatus::Was(Status::Offline) => offline.push(window),
                SpanStatus::Was(Status::Online | Status::Warning) => {}
            }
        }
        let whole = TimeSet::of([TimeWindow {
            starts_at: range.from,
            ends_at: range.to,
        }]);
        let paused = TimeSet::of(paused);
        let not_observed = whole.without(timeline.observed);
        let unknown =
            TimeSet::of(unknown.into_iter().chain(not_observed.windows())).without(&paused);
        let unjudged = TimeSet::of(paused.windows().chain(unknown.windows()));
        let maintenance = timeline.maintenance.intersection(&whole).without(&unjudged);
        let offline = TimeSet::of(offline)
            .without(&unjudged)
            .without(&maintenance);
        Self {
            offline,
            maintenance,
            unknown,
            paused,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::history::status_span::StatusSpan;
    use crate::timestamp::Timestamp;

    fn windows() -> impl Strategy<Value = TimeSet> {
        let window = (0_i64..1_000, 0_i64..300).prop_map(|(from, length)| TimeWindow {
            starts_at: Timestamp::from_millis(from),
            ends_at: Timestamp::from_millis(from + length),
        });
        proptest::collection::vec(window, 0..6).prop_map(TimeSet::of)
    }

    fn spans() -> impl Strategy<Value = Vec<StatusSpan>> {
        proptest::collection::btree_map(0_i64..1_000, 0_u8..=5, 0..12).prop_map(|spans| {
            let span = |(at, code): (i64, u8)| StatusSpan {
                began_at: Timestamp::from_millis(at),
                status: SpanStatus::from_code(code).unwrap(),
            };
            spans.into_iter().map(span).collect()
        })
    }

    proptest! {
        #[test]
        fn periods_are_as_long_as_uptime_says(
            spans in spans(), observed in windows(), maintenance in windows(), from in 0_i64..500, length in 1_i64..700,
        ) {
            let range = HistoryRange {
                from: Timestamp::from_millis(from),
                to: Timestamp::from_millis(from + length),
            };
            let maintenance = maintenance.intersection(&observed);
            let timeline = StatusTimeline { spans: &spans, observed: &observed, maintenance: &maintenance };
            let times = timeline.summarize(range).times;
            let periods = ClassPeriods::of(timeline, range);
            let length = |set: &TimeSet| -> Duration { set.between(range.from, range.to) };
            prop_assert_eq!(length(&periods.offline), times.offline);
            prop_assert_eq!(length(&periods.maintenance), times.maintenance);
            prop_assert_eq!(length(&periods.unknown), times.unknown);
            prop_assert_eq!(length(&periods.paused), times.paused);
        }
    }
}

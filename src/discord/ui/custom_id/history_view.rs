//! The pages of lists of the history, as commands request them and custom ids hold them.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::history::range::{HistoryRange, MAX_RANGE};
use crate::domain::incidents::incident_state::IncidentState;
use crate::domain::monitor::MonitorId;
use crate::store::history::monitor_history::HistoryScope;

/// The page, the monitors and the range of a list of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HistoryView {
    /// Counted from 1; numbers beyond the last page show the last page.
    pub page: u32,
    pub scope: HistoryScope,
    pub range: PagedRange,
}

/// A range in whole seconds since 1970, so that every page of a list shows the same one, and that it fits into a custom id beside
/// the longest name of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PagedRange {
    from: u32,
    /// The first second after the range; it may not be over yet.
    to: u32,
}

impl PagedRange {
    /// The seconds that the range touches.
    pub(in crate::discord) fn new(range: HistoryRange) -> Self {
        let second = |at: Timestamp| u32::try_from(at.seconds().max(0)).unwrap_or(u32::MAX);
        Self {
            from: second(range.from),
            to: second(range.to.plus(Duration::from_millis(999))),
        }
    }

    /// The range up to now at most.
    pub(in crate::discord) fn until(self, now: Timestamp) -> HistoryRange {
        let at = |second: u32| Timestamp::from_millis(i64::from(second) * 1000);
        HistoryRange {
            from: at(self.from),
            to: at(self.to).min(now),
        }
    }
}

/// The page and the filter of the list of incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IncidentsView {
    /// Counted from 1; numbers beyond the last page show the last page.
    pub page: u32,
    /// `None`: open and resolved ones.
    pub state: Option<IncidentState>,
    pub range: PagedRange,
}

impl IncidentsView {
    /// The arguments of a custom id, as those of `HistoryView`.
    pub(super) fn arguments(self) -> String {
        let PagedRange { from, to } = self.range;
        let state = match self.state {
            None => "any",
            Some(IncidentState::Open) => "open",
            Some(IncidentState::Resolved) => "resolved",
        };
        format!("{:x}|{from:x}|{to:x}|{state}", self.page)
    }

    /// Parses the arguments of a custom id.
    pub(super) fn parse(arguments: &str) -> Option<Self> {
        let (page, range, state) = page_and_range(arguments)?;
        let state = match state {
            "any" => None,
            "open" => Some(IncidentState::Open),
            "resolved" => Some(IncidentState::Resolved),
            _ => return None,
        };
        Some(Self { page, state, range })
    }
}

/// Parses page and range, and returns them with the rest.
fn page_and_range(arguments: &str) -> Option<(u32, PagedRange, &str)> {
    // The name of a group may have a separator in it.
    let mut parts = arguments.splitn(4, '|');
    let mut number = || u32::from_str_radix(parts.next()?, 16).ok();
    let page = number()?;
    let (from, to) = (number()?, number()?);
    // The clocks may go back by an hour in the longest range of days.
    let longest = MAX_RANGE.as_secs() + 3600;
    if from > to || u64::from(to - from) > longest {
        return None;
    }
    Some((page, PagedRange { from, to }, parts.next()?))
}

impl HistoryView {
    pub(in crate::discord) fn with_page(&self, page: u32) -> Self {
        Self {
            page,
            ..self.clone()
        }
    }

    /// The arguments of a custom id: page and range in hexadecimal, and the monitors.
    pub(super) fn arguments(&self) -> String {
        let PagedRange { from, to } = self.range;
        let scope = match &self.scope {
            HistoryScope::All => "a".to_owned(),
            HistoryScope::One(id) => format!("m{id}"),
            HistoryScope::Group(name) => format!("g{name}"),
        };
        format!("{:x}|{from:x}|{to:x}|{scope}", self.page)
    }

    /// Parses the arguments of a custom id.
    pub(super) fn parse(arguments: &str) -> Option<Self> {
        let (page, range, scope) = page_and_range(arguments)?;
        let scope = match scope {
            "a" => HistoryScope::All,
            named => match named.split_at_checked(1)? {
                ("m", id) => HistoryScope::One(MonitorId(id.parse().ok()?)),
                ("g", name) if !name.is_empty() => HistoryScope::Group(name.to_owned()),
                _ => return None,
            },
        };
        Some(Self { page, scope, range })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paged_range_has_whole_seconds_and_ends_now_at_the_latest() {
        let of = |from, to, now| {
            let at = Timestamp::from_millis;
            let range = HistoryRange {
                from: at(from),
                to: at(to),
            };
            let paged = PagedRange::new(range).until(at(now));
            (paged.from.millis(), paged.to.millis())
        };
        assert_eq!(of(1_999, 5_001, i64::MAX), (1_000, 6_000));
        // What began in the second of the command belongs to it.
        assert_eq!(of(1_999, 5_001, 5_001), (1_000, 5_001));
        assert_eq!(of(2_000, 3_000, 9_000), (2_000, 3_000));
        assert_eq!(of(-62_135_596_800_000, -1, 9_000), (0, 0));
        let last = i64::from(u32::MAX) * 1000;
        assert_eq!(of(0, i64::MAX, i64::MAX), (0, last));
    }
}

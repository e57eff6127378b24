//! Examples of uptime, and a comparison with counting second by second.

use proptest::prelude::*;

use super::*;
use crate::timestamp::Timestamp;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1000)
}

fn window(from: i64, to: i64) -> TimeWindow {
    TimeWindow {
        starts_at: at(from),
        ends_at: at(to),
    }
}

fn span(second: i64, code: u8) -> StatusSpan {
    StatusSpan {
        began_at: at(second),
        status: SpanStatus::from_code(code).unwrap(),
    }
}

const UNKNOWN: u8 = 0;
const ONLINE: u8 = 1;
const WARNING: u8 = 2;
const OFFLINE: u8 = 3;
const PAUSED: u8 = 4;
const REMOVED: u8 = 5;

/// A history in seconds.
#[derive(Clone, Debug, Default)]
struct Seconds {
    spans: Vec<(i64, u8)>,
    observed: Vec<(i64, i64)>,
    maintenance: Vec<(i64, i64)>,
}

impl Seconds {
    fn summarize(&self, from: i64, to: i64) -> UptimeSummary {
        let spans: Vec<StatusSpan> = self
            .spans
            .iter()
            .map(|(at, code)| span(*at, *code))
            .collect();
        let set = |windows: &[(i64, i64)]| {
            TimeSet::of(windows.iter().map(|(from, to)| window(*from, *to)))
        };
        let observed = set(&self.observed);
        let history = StatusTimeline {
            spans: &spans,
            observed: &observed,
            maintenance: &observed.intersection(&set(&self.maintenance)),
        };
        history.summarize(HistoryRange {
            from: at(from),
            to: at(to),
        })
    }

    /// Online, offline, maintenance, unknown, paused, by counting.
    fn count(&self, from: i64, to: i64) -> [u64; 5] {
        let mut counts = [0; 5];
        let is_in = |windows: &[(i64, i64)], at| {
            windows.iter().any(|(from, to)| (*from..*to).contains(&at))
        };
        for second in from..to {
            let begun = self.spans.iter().rev().find(|(began, _)| *began <= second);
            let status = begun.map_or(UNKNOWN, |(_, code)| *code);
            let class = match status {
                PAUSED => 4,
                UNKNOWN | REMOVED => 3,
                _ if !is_in(&self.observed, second) => 3,
                _ if is_in(&self.maintenance, second) => 2,
                OFFLINE => 1,
                _ => 0,
            };
            counts[class] += 1;
        }
        counts
    }
}

fn seconds(times: ClassTimes) -> [u64; 5] {
    let ClassTimes {
        online,
        offline,
        maintenance,
        unknown,
        paused,
    } = times;
    [online, offline, maintenance, unknown, paused].map(|one| one.as_secs())
}

fn observed_always(spans: &[(i64, u8)]) -> Seconds {
    Seconds {
        spans: spans.to_vec(),
        observed: vec![(0, 10_000)],
        maintenance: Vec::new(),
    }
}

#[test]
fn each_second_is_in_one_class() {
    let mut history = observed_always(&[
        (100, UNKNOWN),
        (110, ONLINE),
        (200, WARNING),
        (210, OFFLINE),
        (300, ONLINE),
        (400, PAUSED),
        (450, UNKNOWN),
        (460, ONLINE),
        (900, REMOVED),
    ]);
    assert_eq!(
        seconds(history.summarize(0, 1000).times),
        [640, 90, 0, 220, 50]
    );
    // Maintenance comes before offline, and what was not observed before both.
    history.maintenance = vec![(250, 350), (420, 470)];
    assert_eq!(
        seconds(history.summarize(0, 1000).times),
        [580, 40, 110, 220, 50]
    );
    history.observed = vec![(0, 280), (340, 430), (440, 10_000)];
    assert_eq!(
        seconds(history.summarize(0, 1000).times),
        [580, 40, 50, 280, 50]
    );
    assert_eq!(
        seconds(history.summarize(220, 260).times),
        [0, 30, 10, 0, 0]
    );
    assert_eq!(seconds(history.summarize(5, 5).times), [0; 5]);
}

#[test]
fn outages_and_blips_are_counted() {
    let history = observed_always(&[
        (0, ONLINE),
        (100, OFFLINE),
        (160, ONLINE),
        (200, WARNING),
        (205, ONLINE),
        (300, OFFLINE),
        (310, OFFLINE),
        (340, UNKNOWN),
        (350, ONLINE),
        (400, WARNING),
        (420, OFFLINE),
        (600, PAUSED),
        (700, ONLINE),
        (800, OFFLINE),
    ]);
    let found = history.summarize(0, 1000);
    assert_eq!((found.outages, found.blips), (4, 1));
    assert_eq!(found.longest_outage, Duration::from_secs(200));
    // Those that ended unknown, paused or not at all say nothing about the time to recovery.
    assert_eq!(found.mean_time_to_recovery, Some(Duration::from_secs(60)));
    let between = Duration::from_secs(100 + 140 + 70 + 100) / 4;
    assert_eq!(found.mean_time_between_outages(), Some(between));
    // An outage that began before the range counts with what lies in it, and a blip only where it began.
    let part = history.summarize(150, 202);
    assert_eq!((part.outages, part.blips), (1, 0));
    assert_eq!(part.mean_time_to_recovery, Some(Duration::from_secs(10)));
    assert_eq!(history.summarize(203, 250).blips, 0);
    let none = history.summarize(160, 199);
    assert_eq!((none.outages, none.mean_time_between_outages()), (0, None));
    // Entirely in maintenance, it is no outage.
    let maintained = Seconds {
        maintenance: vec![(90, 170)],
        ..history
    };
    assert_eq!(maintained.summarize(0, 200).outages, 0);
}

#[test]
fn uptime_is_cut_and_needs_a_hundredth_of_the_range() {
    let times = |online, offline, unknown| ClassTimes {
        online: Duration::from_millis(online),
        offline: Duration::from_millis(offline),
        unknown: Duration::from_millis(unknown),
        ..ClassTimes::default()
    };
    for (online, offline, unknown, shown) in [
        (99_996, 4, 0, Some("99.99 %")),
        (100_000_000, 1, 0, Some("99.99 %")),
        (100_000, 0, 0, Some("100 %")),
        (0, 5, 0, Some("0.00 %")),
        (1, 2, 0, Some("33.33 %")),
        (10, 0, 990, Some("100 %")),
        (9, 0, 991, None),
        (0, 0, 5, None),
        (0, 0, 0, None),
    ] {
        let uptime = times(online, offline, unknown).uptime();
        let text = uptime.map(|uptime| uptime.to_string());
        assert_eq!(text.as_deref(), shown, "{online}, {offline}, {unknown}");
    }
    let half = times(500, 500, 0).uptime().map(Uptime::fraction);
    assert_eq!(half, Some(0.5));
}

fn windows() -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::vec((0_i64..400, 0_i64..120), 0..6).prop_map(|list| {
        list.into_iter()
            .map(|(at, length)| (at, at + length))
            .collect()
    })
}

fn histories() -> impl Strategy<Value = Seconds> {
    let spans = prop::collection::btree_map(0_i64..400, UNKNOWN..=PAUSED, 0..12);
    let removed = prop::option::of(300_i64..400);
    (spans, removed, windows(), windows()).prop_map(|(spans, removed, observed, maintenance)| {
        let mut spans: Vec<(i64, u8)> = spans.into_iter().collect();
        if let Some(removed) = removed {
            spans.retain(|(at, _)| *at < removed);
            spans.push((removed, REMOVED));
        }
        Seconds {
            spans,
            observed,
            maintenance,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn uptime_equals_a_count_by_the_second(
        history in histories(), from in -50_i64..450, length in 0_i64..500,
    ) {
        let to = from + length;
        let times = history.summarize(from, to).times;
        prop_assert_eq!(seconds(times), history.count(from, to));
        prop_assert_eq!(times.total(), Duration::from_secs(length.unsigned_abs()));
    }

    #[test]
    fn the_parts_of_a_range_add_up(history in histories(), cuts in prop::collection::btree_set(0_i64..450, 2..6)) {
        let cuts: Vec<i64> = cuts.into_iter().collect();
        let mut sum = ClassTimes::default();
        for pair in cuts.windows(2) {
            sum.add(history.summarize(pair[0], pair[1]).times);
        }
        let whole = history.summarize(cuts[0], cuts[cuts.len() - 1]).times;
        prop_assert_eq!(sum, whole);
    }
}

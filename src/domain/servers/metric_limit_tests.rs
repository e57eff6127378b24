//! Tables of the rule for limits, with reports a minute apart.

use super::*;

const START: Timestamp = Timestamp::from_millis(1_769_860_800_000);

fn at(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn limit(metric: &str, condition: Condition, hold: u64) -> MetricLimit {
    MetricLimit {
        metric: metric.parse().unwrap(),
        condition,
        hold: Duration::from_secs(hold),
        severity: Severity::Warning,
    }
}

fn report(figures: &[(&str, f64)]) -> Vec<(String, f64)> {
    figures
        .iter()
        .map(|(path, value)| ((*path).to_owned(), *value))
        .collect()
}

/// Applies the rule to reports of one number, one each minute; `None` is a report without it. Returns what has changed: `+`
/// exceeded, `-` met again, `.` nothing.
fn changes(limit: &MetricLimit, values: &[Option<f64>]) -> String {
    let mut progress = LimitProgress::default();
    let mut changes = String::new();
    for (minute, value) in values.iter().enumerate() {
        let figures = report(
            &value
                .map(|value| ("cpu", value))
                .into_iter()
                .collect::<Vec<_>>(),
        );
        let (next, change) = limit.observe(&progress, &figures, at(minute as u64 * 60));
        progress = next;
        changes.push(match change {
            Some(LimitChange::Exceeded { .. }) => '+',
            Some(LimitChange::Met) => '-',
            None => '.',
        });
    }
    changes
}

#[test]
fn a_limit_is_exceeded_once_the_number_has_been_beyond_it_for_long_enough() {
    use Condition::{Above, Below, Changes};
    let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
    for (condition, hold, values, expected) in [
        // The bound itself is within.
        (
            Above(90.0),
            0,
            some(&[90.0, 90.1, 95.0, 90.0, 91.0]),
            ".+.-+",
        ),
        (Below(5.0), 0, some(&[5.0, 4.9, 1.0, 5.0]), ".+.-"),
        // One report below the time, at it, and beyond it.
        (Above(90.0), 121, some(&[91.0, 91.0, 91.0, 91.0]), "...+"),
        (Above(90.0), 120, some(&[91.0, 91.0, 91.0, 91.0]), "..+."),
        (Above(90.0), 119, some(&[91.0, 91.0, 91.0, 91.0]), "..+."),
        // One report within starts over.
        (
            Above(90.0),
            120,
            some(&[91.0, 91.0, 90.0, 91.0, 91.0, 91.0]),
            ".....+",
        ),
        // The first report is no change, and the same number is none.
        (
            Changes,
            120,
            some(&[1.0, 1.0, 2.0, 2.0, 2.0, 2.0]),
            "..+.-.",
        ),
        (
            Changes,
            120,
            some(&[1.0, 2.0, 2.0, 3.0, 3.0, 3.0]),
            ".+...-",
        ),
        (Changes, 0, some(&[1.0, 2.0, 2.0]), ".+-"),
    ] {
        let limit = limit("cpu", condition, hold);
        assert_eq!(changes(&limit, &values), expected, "{limit:?} {values:?}");
    }
}

#[test]
fn a_report_without_the_number_decides_nothing() {
    let above = limit("cpu", Condition::Above(90.0), 120);
    let high = Some(91.0);
    assert_eq!(
        changes(&above, &[high, None, high, None, None, Some(1.0)]),
        "..+..-"
    );
    let changing = limit("cpu", Condition::Changes, 0);
    assert_eq!(
        changes(&changing, &[Some(1.0), None, Some(2.0), None, Some(2.0)]),
        "..+.-"
    );
}

#[test]
fn an_excess_is_dated_with_the_first_report_beyond_the_limit() {
    let limit = limit("cpu", Condition::Above(90.0), 60);
    let figures = report(&[("cpu", 93.126)]);
    let (progress, change) = limit.observe(&LimitProgress::default(), &figures, at(0));
    assert_eq!((progress.beyond_since, change), (Some(at(0)), None));
    let (progress, change) = limit.observe(&progress, &figures, at(90));
    let reason = "cpu at 93.13, above 90 for 1 min".to_owned();
    assert_eq!(progress.exceeded, Some(reason.clone()));
    assert_eq!(
        change,
        Some(LimitChange::Exceeded {
            since: at(0),
            reason
        })
    );
    // A clock that was set back lengthens the time and breaks nothing.
    let (progress, change) =
        limit.observe(&progress, &figures, at(0).minus(Duration::from_secs(600)));
    assert!(progress.exceeded.is_some() && change.is_none());
}

#[test]
fn the_worst_of_several_numbers_decides() {
    let figures = report(&[
        ("disk./.used_percent", 50.0),
        ("disk./home.used_percent", 97.0),
        ("disk./var.used_percent", 91.0),
    ]);
    for (condition, reason) in [
        (Condition::Above(90.0), "disk /home at 97 %, above 90 %"),
        (Condition::Below(60.0), "disk / at 50 %, below 60 %"),
    ] {
        let (progress, _) =
            limit("disk", condition, 0).observe(&LimitProgress::default(), &figures, at(0));
        assert_eq!(progress.exceeded.as_deref(), Some(reason));
    }
    let before = LimitProgress {
        last_value: Some(1.0),
        ..LimitProgress::default()
    };
    let figures = report(&[("metrics.raid", 2.5)]);
    let (progress, _) =
        limit("metrics.raid", Condition::Changes, 300).observe(&before, &figures, at(0));
    assert_eq!(
        progress.exceeded.as_deref(),
        Some("metrics.raid changed from 1 to 2.5")
    );
}

#[test]
fn a_bound_is_a_finite_number() {
    for kind in [ConditionKind::Above, ConditionKind::Below] {
        assert_eq!(
            Condition::new(kind, Some(-0.5)).unwrap().bound(),
            Some(-0.5)
        );
        for wrong in [None, Some(f64::NAN), Some(f64::INFINITY)] {
            assert!(Condition::new(kind, wrong).is_err(), "{kind:?} {wrong:?}");
        }
    }
    assert_eq!(
        Condition::new(ConditionKind::Changes, None),
        Ok(Condition::Changes)
    );
}

#[test]
fn limits_are_suggested_for_percentages_that_are_reported() {
    let texts = |figures: &[(&str, f64)]| -> Vec<String> {
        let limits = MetricLimit::suggested(&report(figures));
        limits.iter().map(ToString::to_string).collect()
    };
    let (disk, memory) = (("disk./.used_percent", 1.0), ("memory.used_percent", 1.0));
    assert_eq!(
        texts(&[disk, memory]),
        ["disk above 90 for 5 min", "memory above 95 for 5 min"]
    );
    assert_eq!(texts(&[memory]), ["memory above 95 for 5 min"]);
    // Without a unit, nobody knows what 90 would mean.
    assert_eq!(
        texts(&[("disk", 1.0), ("load.0", 1.0)]),
        Vec::<String>::new()
    );
}

#[test]
fn stored_names_stay() {
    let conditions: Vec<_> = ConditionKind::ALL.iter().map(|one| one.as_str()).collect();
    assert_eq!(conditions, ["above", "below", "changes"]);
    let severities: Vec<_> = Severity::ALL.iter().map(|one| one.as_str()).collect();
    assert_eq!(severities, ["warning", "outage"]);
    assert!(Severity::Warning < Severity::Outage);
}

//! Tests of the cards about limits: their texts, and that they fit into Discord's limits.

use super::*;
use crate::discord::ui::embed_testing::{NOW, card_text, fits};
use crate::domain::servers::metric_limit::{
    Condition, DEFAULT_HOLD, LimitId, LimitProgress, MOST_LIMITS, MetricLimit,
};

fn limit(metric: &str, condition: Condition, severity: Severity) -> StoredLimit {
    StoredLimit {
        id: LimitId(7),
        limit: MetricLimit {
            metric: metric.parse().unwrap(),
            condition,
            hold: DEFAULT_HOLD,
            severity,
        },
        progress: LimitProgress::default(),
    }
}

fn exceeded(limit: StoredLimit) -> StoredLimit {
    let progress = LimitProgress {
        beyond_since: Some(NOW.minus(DEFAULT_HOLD)),
        exceeded: Some("disk / at 93.1 %, above 90 % for 5 min".to_owned()),
        last_value: None,
    };
    StoredLimit { progress, ..limit }
}

fn beyond(limit: StoredLimit) -> StoredLimit {
    let progress = LimitProgress {
        beyond_since: Some(NOW.minus(DEFAULT_HOLD)),
        ..LimitProgress::default()
    };
    StoredLimit { progress, ..limit }
}

fn disk() -> StoredLimit {
    limit("disk", Condition::Above(90.0), Severity::Warning)
}

fn schema() -> StoredLimit {
    limit("metrics.schema", Condition::Changes, Severity::Outage)
}

fn figures() -> Vec<(String, f64)> {
    let figures = [
        ("cpu", 12.5),
        ("disk./.used_percent", 71.0),
        ("disk./home.used_percent", 93.125),
    ];
    figures
        .map(|(path, value)| (path.to_owned(), value))
        .to_vec()
}

#[test]
fn cards_of_limits() {
    insta::assert_snapshot!(card_text(one("db-1", &[], Some(&figures()))), @"
    [grey] Limits of db-1
    No limits yet. A limit makes a warning or an outage of a number that the server reports.
    Set a limit: Add `metric` and one of `above`, `below` and `changes:True` to this command, such as `metric:disk above:90 for:5m`. `remove:True` removes the limits of a metric.
    ");
    let cpu = limit("cpu", Condition::Below(5.0), Severity::Warning);
    let limits = [cpu, exceeded(disk()), schema()];
    insta::assert_snapshot!(card_text(one("*db*", &limits, Some(&figures()))), @r"
    [amber] Limits of \*db\*
    🟢 **cpu below 5 for 5 min** (warning): met · now cpu at 12.5
    🟡 **disk above 90 for 5 min** (warning): exceeded since <t:1769860500:f> · now disk /home at 93.12 %
    🟢 **metrics.schema changes** (outage): met · not in the latest report
    Set a limit: Add `metric` and one of `above`, `below` and `changes:True` to this command, such as `metric:disk above:90 for:5m`. `remove:True` removes the limits of a metric.
    ");
    insta::assert_snapshot!(card_text(one("db-1", &[disk()], None)), @"
    [green] Limits of db-1
    🟢 **disk above 90 for 5 min** (warning): met
    No report has arrived yet.
    Set a limit: Add `metric` and one of `above`, `below` and `changes:True` to this command, such as `metric:disk above:90 for:5m`. `remove:True` removes the limits of a metric.
    ");
    insta::assert_snapshot!(card_text(one("db-1", &[], None)), @"
    [grey] Limits of db-1
    No limits yet. A limit makes a warning or an outage of a number that the server reports.
    No report has arrived yet.
    Set a limit: Add `metric` and one of `above`, `below` and `changes:True` to this command, such as `metric:disk above:90 for:5m`. `remove:True` removes the limits of a metric.
    ");
}

#[test]
fn the_worst_limit_that_is_exceeded_decides_the_color() {
    for (limits, color) in [
        (vec![], GREY),
        (vec![disk(), schema()], GREEN),
        (vec![beyond(disk())], GREEN),
        (
            vec![exceeded(disk()), schema()],
            colour(Severity::Warning.status()),
        ),
        (
            vec![exceeded(disk()), exceeded(schema())],
            colour(Severity::Outage.status()),
        ),
    ] {
        assert_eq!(worst_colour(&limits), color, "{limits:?}");
    }
}

/// The limits with the longest texts: every character is escaped.
fn longest() -> Vec<StoredLimit> {
    let metric = "_".repeat(128);
    let one = limit(
        &metric,
        Condition::Above(-123_456_789_012.25),
        Severity::Warning,
    );
    vec![beyond(one); MOST_LIMITS]
}

#[test]
fn cards_fit_with_the_longest_texts() {
    let name = "*".repeat(64);
    let figures = vec![("_".repeat(128), -123_456_789_012.25); 200];
    fits(one(&name, &longest(), Some(&figures)));
    fits(one(&name, &longest(), None));
    fits(first_report(&name, &figures));
}

#[test]
fn limits_without_room_are_counted() {
    let figures = vec![("_".repeat(128), -123_456_789_012.25)];
    let shown = lines(&longest(), Some(&figures), FIELD);
    assert!(shown.chars().count() <= FIELD, "{shown}");
    let shown: Vec<&str> = shown.lines().collect();
    let last = format!("… and {} more limits", MOST_LIMITS + 1 - shown.len());
    assert_eq!(shown.last(), Some(&last.as_str()));
    assert!(shown.len() > 2, "{shown:?}");

    let line = texts::limit(&disk(), None).chars().count() + 1;
    let shown = |room: usize| lines(&[disk(), disk()], None, LAST_LINE + room);
    assert_eq!(shown(2 * line).lines().count(), 2);
    assert!(!shown(2 * line).contains("more"));
    assert!(shown(2 * line - 1).ends_with("\n… and 1 more limit"));
}

#[test]
fn the_card_of_a_first_report_has_its_numbers() {
    insta::assert_snapshot!(card_text(first_report("db-1", &figures())), @"
    [green] ✅ First report of db-1
    cpu 12.5 · disk / 71 % · disk /home 93.12 %
    ");
    insta::assert_snapshot!(card_text(first_report("db-1", &[])), @"
    [green] ✅ First report of db-1
    This report has no numbers.
    ");
}

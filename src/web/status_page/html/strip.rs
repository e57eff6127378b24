//! The small pictures in a row, as SVG: the strip of days, and the line of latency. Days of the same class are one shape, so that a
//! page of a hundred strips stays small.

use std::fmt::Write;
use std::time::Duration;

use crate::domain::history::uptime::ClassTimes;
use crate::web::status_page::day_class::DayClass;
use crate::web::status_page::public_text::escaped;
use crate::web::status_page::snapshot::DAYS;
use crate::web::status_page::texts;

/// The points of a line of latency; more are combined.
const POINTS: usize = 24;

/// The height of a line of latency.
const LINE_HEIGHT: u32 = 16;

/// The shapes of a strip, `DAYS` wide and 20 high. `dates`: of each day. Days before the first one are unknown.
///
/// Classes differ in form, too, for people who do not see their colors: days with downtime are the highest, those in maintenance and
/// those without data are lower than those online.
pub(super) fn strip(days: &[ClassTimes], dates: &[String]) -> String {
    let days = &days[days.len().saturating_sub(DAYS)..];
    let missing = DAYS - days.len();
    let classes = std::iter::repeat_n(DayClass::Unknown, missing);
    let classes: Vec<DayClass> = classes.chain(days.iter().map(DayClass::of)).collect();
    let (mut online, mut unknown, mut marked) = (String::new(), String::new(), String::new());
    let mut at = 0_usize;
    for run in classes.chunk_by(|one, other| one == other && !one.is_marked()) {
        let length = run.len();
        // Writing to a string does not fail, here and below.
        let _ = match run.first() {
            Some(DayClass::Online) => write!(online, "M{at} 3h{length}v14H{at}z"),
            Some(DayClass::Unknown) | None => write!(unknown, "M{at} 9h{length}v2H{at}z"),
            Some(class) => {
                let times = days.get(at.wrapping_sub(missing));
                let date = dates.get(at.wrapping_sub(missing));
                let title = times.zip(date).map(|(times, date)| {
                    escaped(&texts::day(date, times.offline, times.maintenance))
                });
                let (name, shape) = mark(*class, at);
                let title = title.unwrap_or_default();
                write!(
                    marked,
                    r#"<path class="{name}" d="{shape}"><title>{title}</title></path>"#
                )
            }
        };
        at += length;
    }
    let mut out = String::new();
    for (class, path) in [("o", online), ("u", unknown)] {
        if !path.is_empty() {
            let _ = write!(out, r#"<path class="{class}" d="{path}"/>"#);
        }
    }
    out + &marked
}

/// The class in the stylesheet and the shape of a day with downtime or maintenance.
fn mark(class: DayClass, at: usize) -> (&'static str, String) {
    match class {
        DayClass::Offline => ("x", format!("M{at} 0h1v20H{at}z")),
        DayClass::Brief => ("b", format!("M{at} 1h1v18H{at}z")),
        _ => ("m", format!("M{at} 5h1v10H{at}z")),
    }
}

/// The line of medians, `POINTS` − 1 wide and `LINE_HEIGHT` high at most; steps without checks interrupt it. Empty without checks.
pub(super) fn line(medians: &[Option<Duration>]) -> String {
    let size = medians.len().div_ceil(POINTS).max(1);
    let steps: Vec<Option<Duration>> = medians.chunks(size).map(slowest).collect();
    let Some(top) = steps.iter().flatten().max() else {
        return String::new();
    };
    let mut path = String::new();
    let mut last = None;
    for (x, step) in steps.iter().enumerate() {
        let y = step.map(|step| height(step, *top));
        let _ = match (last, y) {
            (_, None) => Ok(()),
            (None, Some(y)) => write!(path, "M{x} {y}h.1"),
            (Some(_), Some(y)) => write!(path, "L{x} {y}"),
        };
        last = y;
    }
    path
}

fn slowest(steps: &[Option<Duration>]) -> Option<Duration> {
    steps.iter().flatten().max().copied()
}

/// From the top; zero is at the bottom, and the slowest a pixel below the top.
fn height(value: Duration, top: Duration) -> u32 {
    let share = value.as_micros() * u128::from(LINE_HEIGHT - 2) / top.as_micros().max(1);
    LINE_HEIGHT - 1 - u32::try_from(share).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn online() -> ClassTimes {
        ClassTimes {
            online: DAY,
            ..ClassTimes::default()
        }
    }

    fn offline(seconds: u64) -> ClassTimes {
        ClassTimes {
            offline: Duration::from_secs(seconds),
            ..online()
        }
    }

    #[test]
    fn days_of_the_same_class_are_one_shape() {
        let dates = vec!["2026-11-12".to_owned(); DAYS];
        let all = strip(&[online(); DAYS], &dates);
        assert_eq!(all, r#"<path class="o" d="M0 3h90v14H0z"/>"#);
        let mut days = [online(); DAYS];
        days[10] = offline(2_700);
        days[11] = offline(60);
        days[12].maintenance = Duration::from_secs(7_200);
        let strip = strip(&days, &dates);
        assert_eq!(
            strip,
            concat!(
                r#"<path class="o" d="M0 3h10v14H0zM13 3h77v14H13z"/>"#,
                r#"<path class="x" d="M10 0h1v20H10z"><title>2026-11-12: offline for 45 min</title></path>"#,
                r#"<path class="b" d="M11 1h1v18H11z"><title>2026-11-12: offline for 1 min</title></path>"#,
                r#"<path class="m" d="M12 5h1v10H12z"><title>2026-11-12: in maintenance for 2 h</title></path>"#,
            )
        );
    }

    #[test]
    fn every_day_with_downtime_is_a_mark_of_its_own() {
        let dates = vec!["2026-11-12".to_owned(); DAYS];
        let strip = strip(&[offline(3_600); DAYS], &dates);
        assert_eq!(strip.matches("<title>").count(), DAYS);
    }

    #[test]
    fn a_strip_is_as_wide_as_90_days_however_many_there_are() {
        let dates = vec!["2026-11-12".to_owned(); 100];
        assert_eq!(strip(&[], &[]), r#"<path class="u" d="M0 9h90v2H0z"/>"#);
        assert_eq!(
            strip(&[online(), offline(1)], &dates[..2]),
            concat!(
                r#"<path class="o" d="M88 3h1v14H88z"/>"#,
                r#"<path class="u" d="M0 9h88v2H0z"/>"#,
                r#"<path class="b" d="M89 1h1v18H89z"><title>2026-11-12: offline for less than 1 min</title></path>"#,
            )
        );
        let more = strip(&[online(); 100], &dates);
        assert_eq!(more, r#"<path class="o" d="M0 3h90v14H0z"/>"#);
    }

    #[test]
    fn a_line_has_gaps_and_at_most_24_points() {
        let millis = |one| Some(Duration::from_millis(one));
        assert_eq!(line(&[]), "");
        assert_eq!(line(&[None, None]), "");
        assert_eq!(
            line(&[millis(0), millis(100), None, millis(50)]),
            "M0 15h.1L1 1M3 8h.1"
        );
        let many = line(&[millis(7); 96]);
        assert_eq!(many.matches(['M', 'L']).count(), 24);
        assert_eq!(line(&[Some(Duration::ZERO)]), "M0 15h.1");
    }
}

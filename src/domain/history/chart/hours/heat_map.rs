//! The heat map of downtime by weekday and hour. Each cell has its figure as text, so that colors are not needed.

use std::time::Duration;

use chrono_tz::Tz;

use super::weekday_hours::WeekdayHours;
use crate::history::chart::drawing::{
    HEIGHT, LABEL_SIZE, LEFT, Legend, SMALL_SIZE, Sentences, TOP, TextStyle, label, outline,
    pixels, remark, scene, sized_label, title,
};
use crate::history::chart::scene::{Anchor, Area, Ink, Scene, ScenePoint, Shape};
use crate::text;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The cell of Monday at midnight, with its gaps.
const FIRST: Area = Area {
    left: 68.0,
    top: TOP,
    width: 38.0,
    height: 32.0,
};

const GAP: f32 = 2.0;

/// The hours with the most downtime that a description names.
const NAMED: usize = 5;

/// What is shown.
#[derive(Clone, Debug)]
pub struct WeekHeatMap<'a> {
    /// The range as people call it, such as `30d`.
    pub range_name: &'a str,
    pub zone: Tz,
    pub hours: &'a WeekdayHours,
    pub monitors: u64,
}

impl WeekHeatMap<'_> {
    pub fn scene(&self) -> Scene {
        let most = self.hours.offline.iter().flatten().max().copied();
        let most = most.unwrap_or_default();
        let mut shapes = Vec::new();
        let days = self.hours.offline.iter().zip(&self.hours.observed);
        for ((day, (offline, observed)), name) in days.enumerate().zip(WEEKDAYS) {
            let cell = cell(day, 0);
            let at = ScenePoint {
                x: LEFT,
                y: cell.top + cell.height / 2.0 + LABEL_SIZE / 3.0,
            };
            shapes.push(label(at, Anchor::Start, Ink::FaintText, name));
            for (hour, (offline, observed)) in offline.iter().zip(observed).enumerate() {
                draw(
                    &mut shapes,
                    self::cell(day, hour),
                    *offline,
                    Part {
                        most,
                        observed: *observed,
                    },
                );
            }
        }
        hours(&mut shapes);
        if self.monitors == 0 {
            let area = Area {
                width: FIRST.width * 24.0,
                height: FIRST.height * 7.0 + 16.0,
                ..FIRST
            };
            shapes.push(remark(area, "there are no monitors in this range"));
        }
        let monitors = text::count(self.monitors, "monitor");
        shapes.push(title(
            "Downtime by weekday and hour",
            &format!(" · {} · {monitors} · {}", self.range_name, self.zone.name()),
        ));
        self.legend(&mut shapes, most);
        scene(HEIGHT, shapes, self.description())
    }

    fn legend(&self, shapes: &mut Vec<Shape>, most: Duration) {
        let mut legend = Legend::new();
        legend.add(shapes, "none", |shapes, area| rectangle(shapes, area, 0));
        if !most.is_zero() {
            let text = format!("up to {}, all monitors together", text::duration(most));
            legend.add_wide(shapes, &text, Ink::MOST_HEAT.into(), |shapes, area| {
                for level in 1..=Ink::MOST_HEAT {
                    let left = area.left + area.width * f32::from(level - 1);
                    rectangle(shapes, Area { left, ..area }, level);
                }
            });
        }
        if self.hours.observed.iter().flatten().any(Duration::is_zero) {
            legend.add(shapes, "unknown", |shapes, area| {
                shapes.push(outline(area, Ink::Unknown));
            });
        }
    }

    fn description(&self) -> String {
        let monitors = text::count(self.monitors, "monitor");
        let first = format!(
            "Downtime of {monitors} by weekday and hour, {}, in the time zone {}.",
            self.range_name,
            self.zone.name()
        );
        let mut sentences = Sentences::new(first);
        let total = self.hours.total();
        if total.is_zero() {
            sentences.add("No downtime.", 0);
            return sentences.finish();
        }
        sentences.add(&format!("{} in total.", text::duration(total)), 0);
        let days = WEEKDAYS.iter().zip(&self.hours.offline);
        let all = days.flat_map(|(day, hours)| {
            let hours = (0..).zip(hours);
            hours.map(move |(hour, length)| (*length, format!("{day} {hour:02}:00")))
        });
        let mut all: Vec<(Duration, String)> =
            all.filter(|(length, _)| !length.is_zero()).collect();
        // The sort is stable: of equal ones, the first in the week is first.
        all.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
        let named = all.iter().take(NAMED);
        let named = named.map(|(length, hour)| format!("{hour} {}", text::duration(*length)));
        let named: Vec<String> = named.collect();
        sentences.add(&format!("Most from {}.", named.join(", ")), 0);
        sentences.finish()
    }
}

/// What the downtime of a cell is compared with.
#[derive(Clone, Copy)]
struct Part {
    /// The most downtime of a cell.
    most: Duration,
    observed: Duration,
}

fn cell(day: usize, hour: usize) -> Area {
    Area {
        left: FIRST.left + FIRST.width * pixels(hour),
        top: FIRST.top + FIRST.height * pixels(day),
        width: FIRST.width - GAP,
        height: FIRST.height - GAP,
    }
}

fn draw(shapes: &mut Vec<Shape>, area: Area, offline: Duration, part: Part) {
    if part.observed.is_zero() && offline.is_zero() {
        shapes.push(outline(area, Ink::Unknown));
        return;
    }
    let level = level(offline, part.most);
    rectangle(shapes, area, level);
    if offline.is_zero() {
        return;
    }
    let at = ScenePoint {
        x: area.left + area.width / 2.0,
        y: area.top + area.height / 2.0 + SMALL_SIZE / 3.0,
    };
    let style = TextStyle {
        ink: Ink::on_heat(level),
        size: SMALL_SIZE,
    };
    shapes.push(sized_label(at, Anchor::Middle, style, &short(offline)));
}

fn rectangle(shapes: &mut Vec<Shape>, area: Area, level: u8) {
    let ink = match level {
        0 => Ink::Grid,
        level => Ink::Heat(level),
    };
    shapes.push(Shape::Rectangle { area, ink });
}

/// The hours below the cells.
fn hours(shapes: &mut Vec<Shape>) {
    for hour in 0..24 {
        let cell = cell(6, hour);
        let at = ScenePoint {
            x: cell.left + cell.width / 2.0,
            y: cell.bottom() + LABEL_SIZE + 4.0,
        };
        let text = format!("{hour:02}");
        shapes.push(label(at, Anchor::Middle, Ink::FaintText, &text));
    }
}

/// 0 without downtime; otherwise how many fifths of the most downtime it takes.
fn level(offline: Duration, most: Duration) -> u8 {
    let parts = offline.as_millis() * u128::from(Ink::MOST_HEAT);
    u8::try_from(parts.div_ceil(most.as_millis().max(1)))
        .unwrap_or(Ink::MOST_HEAT)
        .min(Ink::MOST_HEAT)
}

/// At most five characters: `45s`, `12m`, `3h`, `4d`, `11y`.
fn short(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0..60 => format!("{}s", seconds.max(1)),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..360_000 => format!("{}h", seconds / 3_600),
        360_000..86_400_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::chart::hours::testing::whole;
    use crate::history::chart::scene::LONGEST_DESCRIPTION;
    use crate::history::range::HistoryRange;
    use crate::history::time_set::TimeSet;
    use crate::timestamp::Timestamp;

    /// Four weeks from a Monday on.
    fn weeks() -> HistoryRange {
        let from = Timestamp::start_of_day(20_759);
        HistoryRange {
            from,
            to: from.plus(Duration::from_secs(28 * 86_400)),
        }
    }

    fn map(monitors: u64, minutes: u32, observed: &TimeSet) -> Scene {
        let mut hours = WeekdayHours::new(weeks(), chrono_tz::UTC, observed);
        let from = weeks().from.plus(Duration::from_secs(10 * 3_600));
        for _ in 0..monitors {
            hours.add(&whole(from, from.plus(Duration::from_secs(60) * minutes)));
        }
        let map = WeekHeatMap {
            range_name: "4w",
            zone: chrono_tz::UTC,
            hours: &hours,
            monitors,
        };
        map.scene()
    }

    #[test]
    fn a_level_is_a_fifth_of_the_most_downtime() {
        let seconds = Duration::from_secs;
        for (offline, most, expected) in [
            (0, 0, 0),
            (0, 100, 0),
            (1, 100, 1),
            (20, 100, 1),
            (21, 100, 2),
            (80, 100, 4),
            (81, 100, 5),
            (100, 100, 5),
        ] {
            assert_eq!(
                level(seconds(offline), seconds(most)),
                expected,
                "{offline}"
            );
        }
    }

    #[test]
    fn a_figure_fits_into_its_cell() {
        for (seconds, expected) in [
            (0, "1s"),
            (59, "59s"),
            (60, "1m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (359_999, "99h"),
            (360_000, "4d"),
            (86_399_999, "999d"),
            (86_400_000, "2y"),
        ] {
            assert_eq!(short(Duration::from_secs(seconds)), expected, "{seconds}");
        }
    }

    #[test]
    fn cells_show_downtime_and_what_was_not_observed() {
        let range = weeks();
        let scene = map(3, 90, &whole(range.from, range.to)).to_string();
        // Monday from 10:00 on: 3 hours and 90 minutes.
        assert!(
            scene.contains("Heat(5) rectangle at 448.0,78.0, 36.0 x 30.0"),
            "{scene}"
        );
        assert!(
            scene.contains("Background text at 466,97 Middle of 12: 3h"),
            "{scene}"
        );
        assert!(scene.contains("Heat(3) rectangle at 486.0,78.0"), "{scene}");
        assert!(!scene.contains("unknown"), "{scene}");
        let monday = whole(range.from, range.from.plus(Duration::from_secs(86_400)));
        let scene = map(0, 0, &monday);
        let text = scene.to_string();
        // Six days, and the explanation.
        assert_eq!(text.matches("Unknown line").count(), 6 * 24 + 1);
        assert_eq!(text.matches("Grid rectangle").count(), 24 + 1);
        assert!(text.contains("there are no monitors in this range"));
        assert_eq!(
            scene.description,
            "Downtime of 0 monitors by weekday and hour, 4w, in the time zone UTC. No downtime."
        );
    }

    #[test]
    fn a_description_names_the_worst_hours() {
        let range = weeks();
        let scene = map(10_000, 40_000, &whole(range.from, range.to));
        assert!(scene.description.chars().count() <= LONGEST_DESCRIPTION);
        let scene = map(2, 400, &whole(range.from, range.to));
        assert_eq!(
            scene.description,
            "Downtime of 2 monitors by weekday and hour, 4w, in the time zone UTC. 13 h 20 min in total. Most from \
             Mon 10:00 2 h, Mon 11:00 2 h, Mon 12:00 2 h, Mon 13:00 2 h, Mon 14:00 2 h."
        );
    }
}

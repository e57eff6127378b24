//! The heat map of downtime: a row for each monitor, a cell for each day. A cell is the higher and the brighter the longer the
//! downtime was.

use std::time::Duration;

use chrono_tz::Tz;

use super::day_grid::{DayGrid, DayRow, MOST_ROWS, empty_cell};
use crate::history::chart::drawing::{LONGEST_NAME, Legend, Sentences, scene, title};
use crate::history::chart::scene::{Area, Ink, Scene, Shape};
use crate::history::range::HistoryRange;
use crate::history::uptime::ClassTimes;
use crate::text;

/// From which downtime of a day on a level of heat begins, in minutes.
const LEVELS: [u32; Ink::MOST_HEAT as usize] = [0, 5, 30, 120, 480];

/// Which part of a cell each level fills.
const HEIGHTS: [f32; Ink::MOST_HEAT as usize] = [0.3, 0.45, 0.6, 0.8, 1.0];

/// What is shown.
#[derive(Clone, Debug)]
pub struct OfflineDays<'a> {
    /// The range as people call it, such as `2026-10`: at most `MOST_DAYS` long.
    pub range_name: &'a str,
    pub range: HistoryRange,
    pub zone: Tz,
    /// The first `MOST_ROWS` are shown.
    pub rows: &'a [DayRow],
    /// How many monitors there are, with those that are not among the rows.
    pub monitors: u64,
}

impl OfflineDays<'_> {
    pub fn scene(&self) -> Scene {
        let rows = self.rows.get(..MOST_ROWS).unwrap_or(self.rows);
        let grid = DayGrid::new(self.range, self.zone, rows.len());
        let mut shapes = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            for (day, times) in row.days.iter().take(grid.days.len()).enumerate() {
                let cell = grid.cell(index, day);
                match times.watched().is_zero() {
                    true => empty_cell(&mut shapes, cell, times),
                    false => draw(&mut shapes, cell, level(times.offline)),
                }
            }
            grid.sides(&mut shapes, index, &row.name, &figure(&row.times));
        }
        grid.dates(&mut shapes, self.zone);
        let shown = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let monitors = text::count(self.monitors, "monitor");
        let monitors = match shown < self.monitors {
            true => format!("{shown} of {monitors}"),
            false => monitors,
        };
        shapes.push(title(
            "Downtime",
            &format!(" · {} · {monitors}", self.range_name),
        ));
        if !rows.is_empty() {
            legend(&mut shapes, rows);
        }
        scene(grid.height(), shapes, self.description(rows))
    }

    fn description(&self, rows: &[DayRow]) -> String {
        let monitors = text::count(self.monitors, "monitor");
        let first = format!("Downtime of {monitors} on each day, {}.", self.range_name);
        let affected: Vec<&DayRow> = rows
            .iter()
            .filter(|row| !row.times.offline.is_zero())
            .collect();
        if affected.is_empty() {
            let mut all = Sentences::new(first);
            all.add("No downtime.", 0);
            return all.finish();
        }
        let sentences = affected.iter().map(|row| {
            let days = row.days.iter().filter(|day| !day.offline.is_zero());
            format!(
                "{}: {} on {}.",
                text::cut(&row.name, LONGEST_NAME),
                text::duration(row.times.offline),
                text::count(u64::try_from(days.count()).unwrap_or(u64::MAX), "day")
            )
        });
        Sentences::new(first).add_all(sentences, "monitor").finish()
    }
}

fn figure(times: &ClassTimes) -> String {
    match times.offline.is_zero() {
        true if times.watched().is_zero() => "no data".to_owned(),
        true => "none".to_owned(),
        false => text::duration(times.offline),
    }
}

/// 0 without downtime.
fn level(offline: Duration) -> u8 {
    let minutes = |minutes: u32| Duration::from_secs(60) * minutes;
    let below = LEVELS.iter().take_while(|from| offline > minutes(**from));
    u8::try_from(below.count()).unwrap_or(Ink::MOST_HEAT)
}

/// A cell of which the level fills a part from below.
fn draw(shapes: &mut Vec<Shape>, area: Area, level: u8) {
    let ink = Ink::Grid;
    shapes.push(Shape::Rectangle { area, ink });
    let number = usize::from(level).checked_sub(1);
    let Some(share) = number.and_then(|number| HEIGHTS.get(number)) else {
        return;
    };
    let height = (area.height * share).round();
    let area = Area {
        top: area.bottom() - height,
        height,
        ..area
    };
    let ink = Ink::Heat(level);
    shapes.push(Shape::Rectangle { area, ink });
}

fn legend(shapes: &mut Vec<Shape>, rows: &[DayRow]) {
    let mut legend = Legend::new();
    legend.add(shapes, "none", |shapes, area| draw(shapes, area, 0));
    for (level, next) in (1..).zip(LEVELS.iter().skip(1)) {
        let to = Duration::from_secs(60) * *next;
        let text = format!("up to {}", text::duration(to));
        legend.add(shapes, &text, |shapes, area| draw(shapes, area, level));
    }
    legend.add(shapes, "more", |shapes, area| {
        draw(shapes, area, Ink::MOST_HEAT);
    });
    let mut days = rows.iter().flat_map(|row| &row.days);
    if let Some(day) = days.find(|day| day.watched().is_zero()) {
        legend.add(shapes, "unknown or paused", |shapes, area| {
            empty_cell(shapes, area, day);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::chart::days::testing::{OCTOBER, row};
    use crate::history::chart::scene::LONGEST_DESCRIPTION;

    fn heat_map(rows: &[DayRow]) -> Scene {
        let map = OfflineDays {
            range_name: "2026-10",
            range: OCTOBER,
            zone: chrono_tz::UTC,
            rows,
            monitors: rows.len() as u64,
        };
        map.scene()
    }

    #[test]
    fn levels_begin_with_their_minutes() {
        for (seconds, expected) in [
            (0, 0),
            (1, 1),
            (300, 1),
            (301, 2),
            (1_800, 2),
            (1_801, 3),
            (7_200, 3),
            (7_201, 4),
            (28_800, 4),
            (28_801, 5),
            (86_400, 5),
        ] {
            assert_eq!(level(Duration::from_secs(seconds)), expected, "{seconds} s");
        }
    }

    #[test]
    fn a_cell_is_filled_by_its_level() {
        let area = Area {
            left: 10.0,
            top: 100.0,
            width: 20.0,
            height: 40.0,
        };
        for (level, expected) in [(1, "128.0, 20.0 x 12.0"), (5, "100.0, 20.0 x 40.0")] {
            let mut shapes = Vec::new();
            draw(&mut shapes, area, level);
            let expected = format!("Heat({level}) rectangle at 10.0,{expected}");
            assert_eq!(shapes[1].to_string(), expected);
        }
    }

    #[test]
    fn a_description_says_how_long_each_monitor_was_offline() {
        let found = heat_map(&[row("shop", &[1, 2]), row("api", &[])]).description;
        let expected = "Downtime of 2 monitors on each day, 2026-10. shop: 2 h on 2 days.";
        assert_eq!(found, expected);
        let found = heat_map(&[row("api", &[])]).description;
        assert!(found.ends_with("2026-10. No downtime."), "{found}");
        let many = vec![row(&"店".repeat(100), &[5]); 40];
        let found = heat_map(&many).description;
        let length = found.chars().count();
        assert!((900..=LONGEST_DESCRIPTION).contains(&length), "{found}");
    }
}

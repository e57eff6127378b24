//! The picture of what monitors were on each day: a row for each monitor, a cell for each day, and the uptime of the range.

use std::time::Duration;

use chrono_tz::Tz;

use super::day_grid::{DayGrid, empty_cell};
pub use super::day_grid::{DayRow, MOST_DAYS, MOST_ROWS};
use crate::history::chart::drawing::{LONGEST_NAME, Legend, Sentences, mark, scene, title, to_f32};
use crate::history::chart::scene::{Area, Ink, Scene, ScenePoint, Shape};
use crate::history::range::HistoryRange;
use crate::history::uptime::ClassTimes;
use crate::text;

/// The smallest part of a cell that shows downtime or maintenance, however short it was.
const SMALLEST_PART: f64 = 0.5;

/// What is shown.
#[derive(Clone, Debug)]
pub struct UptimeStrip<'a> {
    /// The range as people call it, such as `30d`: at most `MOST_DAYS` long.
    pub range_name: &'a str,
    pub range: HistoryRange,
    pub zone: Tz,
    /// The first `MOST_ROWS` are shown.
    pub rows: &'a [DayRow],
    /// How many monitors there are, with those that are not among the rows.
    pub monitors: u64,
}

impl UptimeStrip<'_> {
    pub fn scene(&self) -> Scene {
        let rows = self.rows.get(..MOST_ROWS).unwrap_or(self.rows);
        let grid = DayGrid::new(self.range, self.zone, rows.len());
        let mut shapes = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            for (day, times) in row.days.iter().take(grid.days.len()).enumerate() {
                draw(&mut shapes, grid.cell(index, day), times);
            }
            grid.sides(&mut shapes, index, &row.name, &figure(&row.times));
        }
        grid.dates(&mut shapes, self.zone);
        shapes.push(self.title(rows));
        legend(&mut shapes, rows);
        scene(grid.height(), shapes, self.description(rows))
    }

    fn title(&self, rows: &[DayRow]) -> Shape {
        if let [only] = rows {
            return title(&only.name, &format!(" · uptime · {}", self.range_name));
        }
        let shown = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let monitors = text::count(self.monitors, "monitor");
        let monitors = match shown < self.monitors {
            true => format!("{shown} of {monitors}"),
            false => monitors,
        };
        title("Uptime", &format!(" · {} · {monitors}", self.range_name))
    }

    fn description(&self, rows: &[DayRow]) -> String {
        let monitors = text::count(self.monitors, "monitor");
        let first = format!("Uptime of {monitors} on each day, {}.", self.range_name);
        let had_downtime =
            |days: &[ClassTimes]| days.iter().filter(|day| !day.offline.is_zero()).count();
        let sentences = rows.iter().map(|row| {
            let name = text::cut(&row.name, LONGEST_NAME);
            let days = u64::try_from(had_downtime(&row.days)).unwrap_or(u64::MAX);
            match (row.times.uptime(), days) {
                (None, 0) => format!("{name}: not enough data."),
                (None, days) => format!(
                    "{name}: not enough data, downtime on {}.",
                    text::count(days, "day")
                ),
                (Some(uptime), 0) => format!("{name}: {uptime}."),
                (Some(uptime), days) => {
                    format!(
                        "{name}: {uptime}, downtime on {}.",
                        text::count(days, "day")
                    )
                }
            }
        });
        Sentences::new(first).add_all(sentences, "monitor").finish()
    }
}

/// The uptime as it is beside a row.
fn figure(times: &ClassTimes) -> String {
    times
        .uptime()
        .map_or_else(|| "no data".to_owned(), |uptime| uptime.to_string())
}

/// A day: downtime from above with a mark, maintenance from below with hatching.
fn draw(shapes: &mut Vec<Shape>, area: Area, times: &ClassTimes) {
    let watched = times.watched();
    if watched.is_zero() {
        empty_cell(shapes, area, times);
        return;
    }
    let maintenance = part(times.maintenance, watched, area.height);
    let offline = part(times.offline, watched, area.height)
        .min(area.height - maintenance.min(area.height / 2.0));
    let maintenance = maintenance.min(area.height - offline);
    let online = area.height - offline - maintenance;
    if online > 0.0 {
        let area = Area {
            top: area.top + offline,
            height: online,
            ..area
        };
        let ink = Ink::Online;
        shapes.push(Shape::Rectangle { area, ink });
    }
    if offline > 0.0 {
        outage(
            shapes,
            Area {
                height: offline,
                ..area
            },
        );
    }
    if maintenance > 0.0 {
        let area = Area {
            top: area.bottom() - maintenance,
            height: maintenance,
            ..area
        };
        let ink = Ink::Maintenance;
        shapes.push(Shape::Hatching { area, ink });
    }
}

/// The height that a class takes in a cell, in whole pixels.
fn part(length: Duration, of: Duration, height: f32) -> f32 {
    if length.is_zero() {
        return 0.0;
    }
    let share = length.as_secs_f64() / of.as_secs_f64();
    (height * to_f32(share.max(SMALLEST_PART))).round()
}

/// Downtime differs from everything else by a mark in it.
fn outage(shapes: &mut Vec<Shape>, area: Area) {
    let ink = Ink::Offline;
    shapes.push(Shape::Rectangle { area, ink });
    let width = (area.width - 2.0).min(area.height).min(12.0);
    let tip = ScenePoint {
        x: area.left + area.width / 2.0,
        y: area.top + area.height / 2.0 + width / 4.0,
    };
    shapes.push(mark(tip, width, Ink::Background));
}

/// What occurs in the rows.
fn legend(shapes: &mut Vec<Shape>, rows: &[DayRow]) {
    let days = || rows.iter().flat_map(|row| &row.days);
    let has = |class: fn(&ClassTimes) -> Duration| days().any(|day| !class(day).is_zero());
    let mut legend = Legend::new();
    if has(|day| day.online) {
        legend.add(shapes, "no downtime", |shapes, area| {
            let ink = Ink::Online;
            shapes.push(Shape::Rectangle { area, ink });
        });
    }
    if has(|day| day.offline) {
        legend.add(shapes, "downtime", outage);
    }
    if has(|day| day.maintenance) {
        legend.add(shapes, "maintenance", |shapes, area| {
            let ink = Ink::Maintenance;
            shapes.push(Shape::Hatching { area, ink });
        });
    }
    let empty = || days().filter(|day| day.watched().is_zero());
    for (is_paused, text) in [(true, "paused"), (false, "unknown")] {
        if let Some(day) = empty().find(|day| (day.paused > day.unknown) == is_paused) {
            legend.add(shapes, text, |shapes, area| empty_cell(shapes, area, day));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::chart::days::testing::{HOUR, OCTOBER, day, row};
    use crate::history::chart::scene::LONGEST_DESCRIPTION;

    fn strip(rows: &[DayRow]) -> Scene {
        let strip = UptimeStrip {
            range_name: "2026-10",
            range: OCTOBER,
            zone: chrono_tz::UTC,
            rows,
            monitors: rows.len() as u64,
        };
        strip.scene()
    }

    #[test]
    fn each_class_has_a_shape_of_its_own() {
        let mut shapes = Vec::new();
        let area = Area {
            left: 0.0,
            top: 0.0,
            width: 20.0,
            height: 40.0,
        };
        let found = [
            day(24, 0, 0),
            // However short: half of the cell.
            day(23, 1, 0),
            day(0, 24, 0),
            day(12, 0, 12),
            day(0, 0, 24),
            day(0, 12, 12),
            day(0, 0, 0),
            ClassTimes {
                paused: HOUR * 24,
                ..ClassTimes::default()
            },
        ]
        .map(|times| {
            shapes.clear();
            draw(&mut shapes, area, &times);
            let shapes: Vec<String> = shapes.iter().map(Shape::to_string).collect();
            shapes.join("; ")
        });
        let expected = [
            "Online rectangle at 0.0,0.0, 20.0 x 40.0",
            "Online rectangle at 0.0,20.0, 20.0 x 20.0; Offline rectangle at 0.0,0.0, 20.0 x 20.0; Background polygon (3) 4.0,7.0 16.0,7.0 10.0,13.0",
            "Offline rectangle at 0.0,0.0, 20.0 x 40.0; Background polygon (3) 4.0,17.0 16.0,17.0 10.0,23.0",
            "Online rectangle at 0.0,0.0, 20.0 x 20.0; Maintenance hatching at 0.0,20.0, 20.0 x 20.0",
            "Maintenance hatching at 0.0,0.0, 20.0 x 40.0",
            "Offline rectangle at 0.0,0.0, 20.0 x 20.0; Background polygon (3) 4.0,7.0 16.0,7.0 10.0,13.0; Maintenance hatching at 0.0,20.0, 20.0 x 20.0",
            "Unknown line of 1 (5) 0.5,0.5 19.5,0.5 19.5,39.5 0.5,39.5 0.5,0.5",
            "Paused line of 1 (5) 0.5,0.5 19.5,0.5 19.5,39.5 0.5,39.5 0.5,0.5",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_picture_grows_with_its_rows_up_to_40() {
        for (rows, height) in [
            (0, 340),
            (1, 340),
            (5, 340),
            (11, 340),
            (12, 354),
            (40, 914),
            (41, 914),
        ] {
            let rows: Vec<DayRow> = (0..rows).map(|_| row("shop", &[3])).collect();
            let scene = strip(&rows);
            assert_eq!(
                (scene.width, scene.height),
                (1_000, height),
                "{}",
                rows.len()
            );
            let names = scene.to_string().matches(": shop\n").count();
            let expected = if rows.len() == 1 {
                1
            } else {
                rows.len().min(40)
            };
            assert_eq!(names, expected);
        }
    }

    #[test]
    fn the_title_says_which_monitors_are_shown() {
        let row = row("shop", &[]);
        for (rows, monitors, expected) in [
            (0, 0, "Uptime · 2026-10 · 0 monitors"),
            (1, 1, "shop · uptime · 2026-10"),
            (5, 5, "Uptime · 2026-10 · 5 monitors"),
            (40, 312, "Uptime · 2026-10 · 40 of 312 monitors"),
        ] {
            let rows = vec![row.clone(); rows];
            let strip = UptimeStrip {
                range_name: "2026-10",
                range: OCTOBER,
                zone: chrono_tz::UTC,
                rows: &rows,
                monitors,
            };
            let scene = strip.scene().to_string();
            assert!(scene.contains(&format!(": {expected}\n")), "{scene}");
        }
    }

    #[test]
    fn a_description_names_monitors_as_long_as_they_fit() {
        let few = [row("shop", &[]), row("api", &[3, 4])];
        assert_eq!(
            strip(&few).description,
            "Uptime of 2 monitors on each day, 2026-10. shop: 100 %. api: 99.73 %, downtime on 2 days."
        );
        let unknown = DayRow {
            name: "new".to_owned(),
            times: ClassTimes::default(),
            days: Vec::new(),
        };
        assert!(
            strip(&[unknown])
                .description
                .ends_with("new: not enough data.")
        );
        for name in ["W", "Ω", "Щ", "店"] {
            let many = vec![row(&name.repeat(100), &[5]); 40];
            let found = strip(&many).description;
            let length = found.chars().count();
            assert!((900..=LONGEST_DESCRIPTION).contains(&length), "{found}");
            assert!(found.ends_with(" more monitors."), "{found}");
        }
    }
}

//! Pictures of days, weeks, servers and inactive endpoints as they are written, read by another library than the one that writes them.

use std::time::Duration;

use super::font;
use super::png::{PngPicture, png};
use super::svg::svg;
use crate::domain::Timestamp;
use crate::domain::history::chart::days::offline_days::OfflineDays;
use crate::domain::history::chart::days::strip::{DayRow, UptimeStrip};
use crate::domain::history::chart::hours::heat_map::WeekHeatMap;
use crate::domain::history::chart::hours::weekday_hours::WeekdayHours;
use crate::domain::history::chart::inactive::figures::{InactiveFigures, InactivePeriod};
use crate::domain::history::chart::inactive::inactive_chart::InactiveChart;
use crate::domain::history::chart::scene::{Ink, LONGEST_DESCRIPTION, Scene, Shape, Theme};
use crate::domain::history::chart::server_chart::{MetricPoint, ServerChart};
use crate::domain::history::range::HistoryRange;
use crate::domain::history::time_set::TimeSet;
use crate::domain::history::uptime::ClassTimes;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::silences::maintenance::{TimeWindow, Tz};

const HOUR: Duration = Duration::from_secs(3_600);

/// Days that end at midnight of 2026-12-01 (UTC).
fn range(days: u32) -> HistoryRange {
    let to = Timestamp::start_of_day(20_788);
    HistoryRange {
        from: to.minus(HOUR * 24 * days),
        to,
    }
}

/// What a day was, by a letter: online, down for an hour, Down all day, maintenance for two hours, paused or unknown.
fn day(letter: char) -> ClassTimes {
    let hours = |hours: u32| HOUR * hours;
    let mut times = ClassTimes::default();
    match letter {
        'o' => times.online = hours(24),
        'd' => (times.online, times.offline) = (hours(23), hours(1)),
        'D' => times.offline = hours(24),
        'm' => (times.online, times.maintenance) = (hours(22), hours(2)),
        'p' => times.paused = hours(24),
        _ => times.unknown = hours(24),
    }
    times
}

fn row(name: &str, letters: &str) -> DayRow {
    let days: Vec<ClassTimes> = letters.chars().map(day).collect();
    let mut times = ClassTimes::default();
    days.iter().for_each(|one| times.add(*one));
    DayRow {
        name: name.to_owned(),
        times,
        days,
    }
}

fn week_of_rows() -> Vec<DayRow> {
    vec![
        row("shop", "oodoomo"),
        row("api", "DDDDDDD"),
        row("wiki", "???oopp"),
    ]
}

fn strip(rows: &[DayRow], days: u32) -> Scene {
    let strip = UptimeStrip {
        range_name: "last days",
        range: range(days),
        zone: Tz::UTC,
        rows,
        monitors: rows.len() as u64,
    };
    strip.scene()
}

fn offline_days(rows: &[DayRow], days: u32) -> Scene {
    let map = OfflineDays {
        range_name: "last days",
        range: range(days),
        zone: Tz::UTC,
        rows,
        monitors: rows.len() as u64,
    };
    map.scene()
}

fn week(monitors: u64) -> Scene {
    let range = range(14);
    let whole = |from: Timestamp, to: Timestamp| {
        TimeSet::of([TimeWindow {
            starts_at: from,
            ends_at: to,
        }])
    };
    // Rollcall did not observe in the first two days of both weeks.
    let first = whole(range.from.plus(HOUR * 48), range.from.plus(HOUR * 168));
    let second = whole(range.from.plus(HOUR * 216), range.to);
    let observed = TimeSet::of(first.windows().chain(second.windows()));
    let mut hours = WeekdayHours::new(range, Tz::UTC, &observed);
    for number in 0..u32::try_from(monitors).unwrap() {
        let from = range.from.plus(HOUR * (72 + number));
        hours.add(&whole(from, from.plus(HOUR * 3 / 2)));
    }
    let map = WeekHeatMap {
        range_name: "14d",
        zone: Tz::UTC,
        hours: &hours,
        monitors,
    };
    map.scene()
}

/// A server with a report every ten minutes, but for two hours.
fn server(name: &str) -> Scene {
    let range = range(1);
    let points = |of: fn(u32) -> f64| -> Vec<MetricPoint> {
        let reports = (0..144).filter(|number| !(60..72).contains(number));
        let point = |number| MetricPoint {
            at: range.from.plus(HOUR / 6 * number),
            value: of(number),
        };
        reports.map(point).collect()
    };
    let chart = ServerChart {
        name,
        range_name: "24h",
        range,
        zone: Tz::UTC,
        gap: HOUR / 2,
        cpu: &points(|number| f64::from(number % 12) * 5.0),
        memory: &points(|_| 62.0),
        disk: &points(|number| 70.0 + f64::from(number) / 20.0),
        load: &points(|number| f64::from(number % 24) / 10.0),
    };
    chart.scene()
}

fn inactive(endpoints: u32) -> Scene {
    let range = range(30);
    let periods: Vec<InactivePeriod> = (0..endpoints)
        .map(|number| {
            let from = range.from.plus(HOUR * (number * 37 % 700));
            let to = from.plus(HOUR * (1 + number % 40));
            InactivePeriod {
                from,
                to: (to < range.to).then_some(to),
                reason: OutageReason::ALL[number as usize % 3],
                is_reactivated: true,
            }
        })
        .collect();
    let chart = InactiveChart {
        range_name: "30d",
        zone: Tz::UTC,
        figures: &InactiveFigures::of(&periods, range, Tz::UTC),
    };
    chart.scene()
}

/// Red, green and blue of a pixel.
fn pixel(picture: &PngPicture, x: u32, y: u32) -> [u8; 3] {
    let header = minipng::decode_png_header(&picture.bytes).unwrap();
    let mut buffer = vec![0; header.required_bytes_rgba8bpc()];
    let mut image = minipng::decode_png(&picture.bytes, &mut buffer).unwrap();
    image.convert_to_rgba8bpc().unwrap();
    let at = 4 * (y * image.width() + x) as usize;
    image.pixels()[at..at + 3].try_into().unwrap()
}

#[test]
fn a_strip_has_a_cell_for_each_day() {
    insta::assert_snapshot!(strip(&week_of_rows(), 7).to_string());
}

#[test]
fn a_heat_map_of_days_has_a_cell_for_each_day() {
    insta::assert_snapshot!(offline_days(&week_of_rows(), 7).to_string());
}

#[test]
fn a_heat_map_of_a_week_has_a_cell_for_each_hour() {
    insta::assert_snapshot!(week(3).to_string());
}

#[test]
fn a_picture_of_a_server_has_percentages_and_load() {
    insta::assert_snapshot!(server("mail").to_string());
}

#[test]
fn a_picture_of_inactive_endpoints_has_an_area_bars_and_reasons() {
    insta::assert_snapshot!(inactive(40).to_string());
}

#[test]
fn each_class_of_a_day_has_its_color_in_its_place() {
    let scene = strip(&week_of_rows(), 7);
    for theme in [Theme::Dark, Theme::Light] {
        let picture = png(&scene, theme).unwrap();
        // Cells are 48 pixels apart from 240 on, and rows 75 from 78 on.
        for (row, day, above, below) in [
            (0, 0, Ink::Online, Ink::Online),
            (0, 2, Ink::Offline, Ink::Online),
            (1, 3, Ink::Offline, Ink::Offline),
            (2, 1, Ink::Background, Ink::Background),
        ] {
            let (x, y) = (240 + day * 48 + 4, 78 + row * 75 + 3);
            let found = [pixel(&picture, x, y), pixel(&picture, x, y + 60)];
            let expected = [above, below].map(|ink| theme.color(ink));
            assert_eq!(found, expected, "{theme:?} {row} {day}");
        }
        // The mark in the middle of the downtime, and the edge of an unknown day.
        assert_eq!(pixel(&picture, 359, 95), theme.color(Ink::Background));
        assert_eq!(pixel(&picture, 288, 260), theme.color(Ink::Unknown));
    }
}

#[test]
fn pictures_are_small_and_always_the_same() {
    let month = "ooodooomoooDoooooddooooomooood";
    let names = |number: usize| format!("endpoint-{number}.example.org");
    let rows: Vec<DayRow> = (0..40).map(|number| row(&names(number), month)).collect();
    let unnamed: Vec<DayRow> = (0..40).map(|_| row("", month)).collect();
    for (scene, most) in [
        (strip(&rows, 30), 45_000),
        (offline_days(&rows, 30), 40_000),
        // The cells alone: most of a picture are names and figures.
        (offline_days(&unnamed, 30), 20_000),
        (strip(&rows[..5], 30), 15_000),
        (week(40), 20_000),
        (server("mail"), 25_000),
        (inactive(400), 20_000),
    ] {
        let picture = png(&scene, Theme::Dark).unwrap();
        let size = picture.bytes.len();
        assert!(size <= most, "{size}: {}", scene.description);
        assert_eq!(png(&scene, Theme::Dark).unwrap(), picture);
        assert_ne!(png(&scene, Theme::Light).unwrap(), picture);
        assert_eq!(svg(&scene, Theme::Dark), svg(&scene, Theme::Dark));
        assert!(scene.description.chars().count() <= LONGEST_DESCRIPTION);
    }
}

#[test]
fn names_of_any_script_stay_beside_their_cells() {
    for name in ["W", "m", "Ω", "ω", "Щ", "ж", "É", "iWm "] {
        let long: String = name.repeat(100).chars().take(100).collect();
        let scene = strip(&[row(&long, "odo"), row("shop", "ooo")], 3);
        let widths = scene.shapes.iter().filter_map(|shape| match shape {
            Shape::Text(text) if text.at.x < 21.0 && text.at.y > 78.0 => {
                Some(font::width(&text.text, text.size))
            }
            _ => None,
        });
        let widths: Vec<f32> = widths.collect();
        assert_eq!(widths.len(), 2);
        assert!(widths.iter().all(|one| *one <= 212.0), "{name}: {widths:?}");
        for scene in [server(&long), strip(&[row(&long, "odo")], 3)] {
            let mut titles = scene.shapes.iter().filter_map(|shape| match shape {
                Shape::Text(text) if text.size > 16.0 => Some(font::width(&text.text, text.size)),
                _ => None,
            });
            assert!(titles.all(|width| width <= 960.0), "{name}");
        }
    }
    let scene = strip(&[row(&"店".repeat(100), "odo"), row("shop", "ooo")], 3);
    let unreadable = png(&scene, Theme::Dark).unwrap().unreadable;
    assert_eq!(unreadable.len(), 1);
    assert!(unreadable[0].starts_with("店店店"), "{unreadable:?}");
}

#[test]
fn without_monitors_a_picture_says_so() {
    for scene in [strip(&[], 30), offline_days(&[], 30)] {
        assert!(
            scene
                .to_string()
                .contains("there are no monitors in this range")
        );
        assert_eq!((scene.width, scene.height), (1_000, 340));
        png(&scene, Theme::Dark).unwrap();
    }
    assert!(week(0).description.ends_with("No downtime."));
    assert!(inactive(0).to_string().contains("no endpoint was inactive"));
}

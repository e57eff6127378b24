//! Pictures as they are written, read by another library than the one that writes them.

use std::time::Duration;

use super::png::{PngPicture, png};
use super::svg::svg;
use crate::domain::Timestamp;
use crate::domain::history::chart::class_periods::ClassPeriods;
use crate::domain::history::chart::latency_chart::LatencyChart;
use crate::domain::history::chart::scene::{Ink, LONGEST_DESCRIPTION, Scene, Theme};
use crate::domain::history::check_archive::{ArchivedCheck, ResultClass};
use crate::domain::history::latency::bucket::LatencyBucket;
use crate::domain::history::latency::series::{LatencySeries, LatencySteps};
use crate::domain::history::range::HistoryRange;
use crate::domain::history::time_set::TimeSet;
use crate::domain::silences::maintenance::TimeWindow;

const MINUTE: Duration = Duration::from_secs(60);

/// A day that ends at 2026-12-01 12:00 UTC.
fn day() -> HistoryRange {
    let to = Timestamp::from_millis(1_796_126_400_000);
    HistoryRange {
        from: to.minus(1_440 * MINUTE),
        to,
    }
}

/// From one minute of the day to another.
fn minutes(from: u32, to: u32) -> TimeSet {
    let day = day();
    TimeSet::of([TimeWindow {
        starts_at: day.from.plus(MINUTE * from),
        ends_at: day.from.plus(MINUTE * to),
    }])
}

/// A check in every minute, of 20 ms and each tenth of 40 ms, but in an outage and while Rollcall did not observe.
fn checks() -> LatencySeries {
    let range = day();
    let steps = LatencySteps::of(range, None, Some(range.from));
    let mut series = LatencySeries::new(steps);
    for minute in 0..1_440_u32 {
        let class = match minute {
            600..=639 => ResultClass::from_code(2),
            900..=999 => continue,
            _ => ResultClass::UP,
        };
        let millis = if minute % 10 == 0 { 40 } else { 20 };
        series.record(&ArchivedCheck {
            at: range.from.plus(MINUTE * minute),
            latency: LatencyBucket::of(Duration::from_millis(millis)),
            class,
        });
    }
    series
}

fn periods() -> ClassPeriods {
    ClassPeriods {
        offline: minutes(600, 640),
        unknown: minutes(900, 1_000),
        maintenance: minutes(1_100, 1_200),
        paused: minutes(1_300, 1_330),
    }
}

fn scene(name: &str, series: &LatencySeries, periods: &ClassPeriods) -> Scene {
    let chart = LatencyChart {
        name,
        range_name: "24h",
        range: day(),
        zone: "Europe/Berlin".parse().unwrap(),
        series,
        periods,
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
fn a_scene_has_figures_marks_and_explanations() {
    insta::assert_snapshot!(scene("shop", &checks(), &periods()).to_string());
}

#[test]
fn each_class_has_its_color_in_its_place() {
    let scene = scene("shop", &checks(), &periods());
    for theme in [Theme::Dark, Theme::Light] {
        let picture = png(&scene, theme).unwrap();
        // A minute is 904 / 1440 pixels wide, and the day begins at 76.
        for (minute, y, ink) in [
            (620, 298, Ink::Offline),
            (620, 200, Ink::OfflineGround),
            (620, 71, Ink::Offline),
            (950, 298, Ink::Unknown),
            (950, 200, Ink::Background),
            (1_315, 298, Ink::Paused),
            (100, 298, Ink::Online),
            // 30 ms is within the band, which ends at 40 of 40 ms.
            (100, 130, Ink::Band),
        ] {
            let x = 76 + minute * 904 / 1_440;
            assert_eq!(
                pixel(&picture, x, y),
                theme.color(ink),
                "{theme:?} {minute} {ink:?}"
            );
        }
    }
}

#[test]
fn the_same_figures_give_the_same_bytes_and_few_of_them() {
    let scene = scene("shop", &checks(), &periods());
    let picture = png(&scene, Theme::Dark).unwrap();
    assert_eq!(png(&scene, Theme::Dark).unwrap(), picture);
    assert_ne!(png(&scene, Theme::Light).unwrap(), picture);
    assert!(picture.bytes.len() <= 25_000, "{}", picture.bytes.len());
    assert_eq!(svg(&scene, Theme::Dark), svg(&scene, Theme::Dark));
}

#[test]
fn a_monitor_without_checks_has_a_picture_that_says_so() {
    let empty = LatencySeries::new(checks().steps);
    let scene = scene("shop", &empty, &ClassPeriods::default());
    assert_eq!(scene.description, "Latency of shop, 24h. No checks passed.");
    assert!(scene.to_string().contains("no checks passed"));
    let picture = png(&scene, Theme::Dark).unwrap();
    assert_eq!(pixel(&picture, 500, 298), Theme::Dark.color(Ink::Online));
}

#[test]
fn names_of_any_script_are_shown_or_numbered() {
    let (checks, periods) = (checks(), ClassPeriods::default());
    for (name, unreadable) in [
        ("shop", None),
        ("Ωμέγα", None),
        ("Магазин", None),
        ("店", Some("店")),
    ] {
        let long = name.repeat(100 / name.chars().count());
        let scene = scene(&long, &checks, &periods);
        assert!(scene.description.chars().count() <= LONGEST_DESCRIPTION);
        let picture = png(&scene, Theme::Dark).unwrap();
        let expected: Vec<String> = unreadable.iter().map(|text| text.repeat(49)).collect();
        let found: Vec<String> = picture
            .unreadable
            .iter()
            .map(|text| text.trim_end_matches('…').to_owned())
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn nothing_in_a_name_is_markup() {
    let scene = scene("<script>\"&'", &checks(), &ClassPeriods::default());
    let document = svg(&scene, Theme::Light);
    assert!(document.contains("&lt;script&gt;&quot;&amp;' · latency"));
    assert!(!document.contains("<script>"));
}

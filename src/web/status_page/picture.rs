//! The page as a picture, for previews of its link: what the banner says, and the items that are worst off.

use super::day_class::DayClass;
use super::public_text::{name, title};
use super::snapshot::{DAYS, PageBanner, PageSnapshot, PublicItem, PublicStatus};
use super::texts;
use crate::domain::history::chart::scene::{
    Anchor, Area, Ink, LONGEST_DESCRIPTION, Scene, ScenePoint, Shape, TextLabel,
};
use crate::domain::text;
use crate::notify::picture::text_width;

/// The size that previews of links have.
const WIDTH: u16 = 1_200;
const HEIGHT: u16 = 630;

/// The most items in a picture.
const MOST: usize = 6;

const MARGIN: f32 = 64.0;
const FIRST_ROW: f32 = 300.0;
const ROW: f32 = 46.0;
const STRIP_LEFT: f32 = 440.0;
/// Of a day.
const DAY_WIDTH: f32 = 6.0;

/// What is drawn, 1,200 by 630 pixels.
pub fn scene(snapshot: &PageSnapshot) -> Scene {
    let banner = snapshot.banner();
    let headline = texts::banner(banner);
    let name = title(&snapshot.page.title);
    let mut shapes = Vec::new();
    let right = f32::from(WIDTH) - MARGIN;
    let label = |x, y, size, ink, text: &str| TextLabel {
        at: ScenePoint { x, y },
        anchor: Anchor::Start,
        size,
        ink,
        text: fitting(text, size, right - x),
    };
    shapes.push(Shape::Text(label(MARGIN, 112.0, 50.0, Ink::Text, &name)));
    mark(
        &mut shapes,
        banner_status(banner),
        ScenePoint {
            x: MARGIN + 24.0,
            y: 194.0,
        },
        24.0,
    );
    shapes.push(Shape::Text(label(
        MARGIN + 68.0,
        208.0,
        40.0,
        Ink::Text,
        &headline,
    )));
    let mut items: Vec<&PublicItem> = snapshot.items().collect();
    items.sort_by_key(|item| rank(item.status));
    let mut top = FIRST_ROW;
    for item in items.iter().take(MOST) {
        row(&mut shapes, item, top);
        top += ROW;
    }
    foot(&mut shapes, snapshot, items.len().saturating_sub(MOST));
    Scene {
        width: WIDTH,
        height: HEIGHT,
        shapes,
        description: text::cut(&format!("{name}: {headline}"), LONGEST_DESCRIPTION),
    }
}

/// Of when the picture is, and how many items it does not show.
fn foot(shapes: &mut Vec<Shape>, snapshot: &PageSnapshot, more: usize) {
    let zone = snapshot.page.zone;
    let at = text::local_minute(snapshot.generated_at, zone);
    let label = |x, anchor, text| {
        Shape::Text(TextLabel {
            at: ScenePoint { x, y: 594.0 },
            anchor,
            size: 22.0,
            ink: Ink::FaintText,
            text,
        })
    };
    shapes.push(label(MARGIN, Anchor::Start, format!("{at} {zone}")));
    if more > 0 {
        let right = f32::from(WIDTH) - MARGIN;
        shapes.push(label(right, Anchor::End, texts::more_items(more)));
    }
}

/// The mark, the name, the strip and the uptime of an item.
fn row(shapes: &mut Vec<Shape>, item: &PublicItem, top: f32) {
    let size = 25.0;
    let baseline = top + 9.0;
    mark(
        shapes,
        item.status,
        ScenePoint {
            x: MARGIN + 10.0,
            y: top,
        },
        9.0,
    );
    let left = MARGIN + 36.0;
    shapes.push(Shape::Text(TextLabel {
        at: ScenePoint {
            x: left,
            y: baseline,
        },
        anchor: Anchor::Start,
        size,
        ink: Ink::Text,
        text: fitting(&name(&item.name), size, STRIP_LEFT - 24.0 - left),
    }));
    let skipped = item.days.len().saturating_sub(DAYS);
    let days = &item.days[skipped..];
    let mut x = STRIP_LEFT;
    for class in std::iter::repeat_n(DayClass::Unknown, DAYS - days.len())
        .chain(days.iter().map(DayClass::of))
    {
        let (half, ink) = match class {
            DayClass::Online => (11.0, Ink::Online),
            DayClass::Brief => (13.0, Ink::Paused),
            DayClass::Offline => (15.0, Ink::Offline),
            DayClass::Maintenance => (8.0, Ink::Maintenance),
            DayClass::Unknown => (1.5, Ink::Unknown),
        };
        let area = Area {
            left: x,
            top: top - half,
            width: DAY_WIDTH - 2.0,
            height: 2.0 * half,
        };
        shapes.push(Shape::Rectangle { area, ink });
        x += DAY_WIDTH;
    }
    let uptime = item.uptime(DAYS).map(|uptime| uptime.to_string());
    shapes.push(Shape::Text(TextLabel {
        at: ScenePoint {
            x: f32::from(WIDTH) - MARGIN,
            y: baseline,
        },
        anchor: Anchor::End,
        size,
        ink: Ink::FaintText,
        text: uptime.unwrap_or_else(|| texts::NO_UPTIME.to_owned()),
    }));
}

/// A disc, a triangle, a square or a diamond: statuses differ in form, too.
fn mark(shapes: &mut Vec<Shape>, status: PublicStatus, at: ScenePoint, radius: f32) {
    let corners: &[(f32, f32)] = match status {
        PublicStatus::Offline => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        PublicStatus::Warning => &[(0.0, -1.0), (1.1, 0.9), (-1.1, 0.9)],
        PublicStatus::Maintenance => &[(0.0, -1.1), (1.1, 0.0), (0.0, 1.1), (-1.1, 0.0)],
        _ => &[],
    };
    let disc = (0..48_u8).map(|step| (f32::from(step) / 48.0 * std::f32::consts::TAU).sin_cos());
    let corners: Vec<(f32, f32)> = match corners {
        [] => disc.collect(),
        corners => corners.to_vec(),
    };
    let points = corners.iter().map(|(x, y)| ScenePoint {
        x: at.x + x * radius,
        y: at.y + y * radius,
    });
    let ink = match status {
        PublicStatus::Online => Ink::Online,
        // The ink that is amber.
        PublicStatus::Warning => Ink::Paused,
        PublicStatus::Offline => Ink::Offline,
        PublicStatus::Maintenance => Ink::Maintenance,
        PublicStatus::Unknown | PublicStatus::Paused | PublicStatus::Removed => Ink::Unknown,
    };
    let points = points.collect();
    shapes.push(Shape::Polygon { points, ink });
}

fn banner_status(banner: PageBanner) -> PublicStatus {
    match banner {
        PageBanner::Empty | PageBanner::Unknown { .. } => PublicStatus::Unknown,
        PageBanner::AllOnline => PublicStatus::Online,
        PageBanner::Warnings { .. } => PublicStatus::Warning,
        PageBanner::Offline { .. } => PublicStatus::Offline,
        PageBanner::Maintenance { .. } => PublicStatus::Maintenance,
    }
}

/// The worst first; those that do not count in the banner last.
fn rank(status: PublicStatus) -> u8 {
    match status {
        PublicStatus::Offline => 0,
        PublicStatus::Warning => 1,
        PublicStatus::Maintenance => 2,
        PublicStatus::Unknown => 3,
        PublicStatus::Online => 4,
        PublicStatus::Paused => 5,
        PublicStatus::Removed => 6,
    }
}

/// The text, cut to a width in pixels.
fn fitting(text: &str, size: f32, width: f32) -> String {
    let mut limit = text.chars().count();
    let mut shown = text.to_owned();
    while limit > 1 && text_width(&shown, size) > width {
        limit -= 1;
        shown = text::cut(text, limit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::history::chart::scene::Theme;
    use crate::notify::picture::png::png;
    use crate::web::status_page::testing;

    fn texts_of(scene: &Scene) -> Vec<&str> {
        let texts = scene.shapes.iter().filter_map(|shape| match shape {
            Shape::Text(label) => Some(label.text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    #[test]
    fn a_picture_shows_the_banner_and_the_worst_items() {
        let scene = scene(&testing::full_page());
        assert_eq!(
            texts_of(&scene),
            [
                "Example Shop",
                "1 of 10 items is offline",
                "Payments 2",
                "99.84 %",
                "Search 3",
                "99.97 %",
                "Mail 6",
                "99.95 %",
                "Website 9",
                "99.93 %",
                "Website 1",
                "99.84 %",
                "API 4",
                "99.78 %",
                "2026-12-01 12:00 UTC",
                "and 6 more items",
            ]
        );
        assert_eq!(scene.description, "Example Shop: 1 of 10 items is offline");
    }

    #[test]
    fn everything_is_within_the_picture() {
        let mut page = testing::full_page();
        page.page.title = "Wide title ".repeat(40);
        for item in page.groups.iter_mut().flat_map(|group| &mut group.items) {
            item.name = "Wide name ".repeat(40);
            item.days.truncate(20);
        }
        let scene = scene(&page);
        for shape in &scene.shapes {
            let (left, right) = match shape {
                Shape::Text(label) => {
                    let width = text_width(&label.text, label.size);
                    match label.anchor {
                        Anchor::End => (label.at.x - width, label.at.x),
                        _ => (label.at.x, label.at.x + width),
                    }
                }
                Shape::Rectangle { area, .. } => (area.left, area.right()),
                _ => continue,
            };
            let edge = f32::from(WIDTH) - MARGIN + 0.5;
            assert!(left >= MARGIN - 0.5 && right <= edge, "{shape:?}");
        }
    }

    #[test]
    fn pictures_of_any_page_are_written() {
        for page in [
            testing::full_page(),
            testing::page_with(Vec::new()),
            testing::page_with(testing::varied_items(100)),
        ] {
            let picture = png(&scene(&page), Theme::Dark).unwrap();
            let read = minipng::decode_png_header(&picture.bytes).unwrap();
            assert_eq!((read.width(), read.height()), (1_200, 630));
            assert!(picture.bytes.len() < 40_000, "{}", picture.bytes.len());
        }
    }
}

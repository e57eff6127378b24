//! The picture of a monitor's latency in a range: the median as a line, the range up to the 95th percentile as a band, and when the
//! monitor was offline, in maintenance, paused or not observed.

use std::time::Duration;

use chrono_tz::Tz;

use super::axis::{round_scale, time_ticks};
use super::class_periods::ClassPeriods;
use super::scene::{Anchor, Area, Ink, LONGEST_DESCRIPTION, Scene, ScenePoint, Shape, TextLabel};
use crate::history::latency::series::LatencySeries;
use crate::history::range::HistoryRange;
use crate::history::time_set::TimeSet;
use crate::text;
use crate::timestamp::Timestamp;

const WIDTH: u16 = 1_000;
const HEIGHT: u16 = 340;

/// Where the figures are.
const PLOT: Area = Area {
    left: 76.0,
    top: 78.0,
    width: 904.0,
    height: 206.0,
};

/// The bar below them that shows what the monitor was.
const BAR: Area = Area {
    left: PLOT.left,
    top: 292.0,
    width: PLOT.width,
    height: 12.0,
};

const TITLE_SIZE: f32 = 20.0;
const LABEL_SIZE: f32 = 15.0;

/// The most labels on the axis of time.
const TICKS: u32 = 8;

/// The longest name in a picture, in characters.
const LONGEST_NAME: usize = 50;

/// What is shown.
#[derive(Clone, Debug)]
pub struct LatencyChart<'a> {
    /// The name of the monitor.
    pub name: &'a str,
    /// The range as people call it, such as `24h`.
    pub range_name: &'a str,
    pub range: HistoryRange,
    pub zone: Tz,
    pub series: &'a LatencySeries,
    pub periods: &'a ClassPeriods,
}

/// The median and the 95th percentile of a step.
#[derive(Clone, Copy)]
struct Figures {
    at: Timestamp,
    median: Duration,
    slow: Duration,
}

impl LatencyChart<'_> {
    pub fn scene(&self) -> Scene {
        let figures = self.figures();
        let slowest = figures.iter().map(|one| one.slow).max();
        let (top, step) = round_scale(slowest.unwrap_or_default());
        let mut shapes = Vec::new();
        self.grounds(&mut shapes);
        self.axes(&mut shapes, top, step);
        self.lines(&mut shapes, &figures, top);
        self.bar(&mut shapes);
        if figures.is_empty() {
            let at = ScenePoint {
                x: PLOT.left + PLOT.width / 2.0,
                y: PLOT.top + PLOT.height / 2.0,
            };
            shapes.push(label(
                at,
                Anchor::Middle,
                Ink::FaintText,
                "no checks passed",
            ));
        }
        self.head(&mut shapes);
        Scene {
            width: WIDTH,
            height: HEIGHT,
            shapes,
            description: self.description(),
        }
    }

    fn figures(&self) -> Vec<Figures> {
        let points = self.series.points.iter();
        let figures = points.filter_map(|(at, point)| {
            Some(Figures {
                at: at.plus(self.series.steps.step / 2),
                median: point.latencies.quantile(0.5)?,
                slow: point.latencies.quantile(0.95)?,
            })
        });
        figures.collect()
    }

    /// The place of a moment on the axis of time, kept within the picture.
    fn x(&self, at: Timestamp) -> f32 {
        let at = at.clamp(self.range.from, self.range.to);
        let share = at.since(self.range.from).as_secs_f64();
        let share = share / self.range.length().as_secs_f64().max(0.001);
        PLOT.left + PLOT.width * to_f32(share)
    }

    /// The parts of an area at which a set of moments is, each at least a pixel wide.
    fn parts(&self, of: &TimeSet, area: Area) -> Vec<Area> {
        let parts = of.windows().map(|window| {
            let (left, right) = (self.x(window.starts_at), self.x(window.ends_at));
            let width = (right - left).max(1.0);
            Area {
                left: left.min(area.right() - width),
                width,
                ..area
            }
        });
        parts.collect()
    }

    /// What is behind the figures.
    fn grounds(&self, shapes: &mut Vec<Shape>) {
        let ink = Ink::OfflineGround;
        let offline = self.parts(&self.periods.offline, PLOT).into_iter();
        shapes.extend(offline.map(|area| Shape::Rectangle { area, ink }));
    }

    fn axes(&self, shapes: &mut Vec<Shape>, top: Duration, step: Duration) {
        let mut value = Duration::ZERO;
        while value <= top {
            let y = y(value, top);
            shapes.push(Shape::Line {
                points: vec![
                    ScenePoint { x: PLOT.left, y },
                    ScenePoint { x: PLOT.right(), y },
                ],
                width: 1.0,
                ink: Ink::Grid,
            });
            let at = ScenePoint {
                x: PLOT.left - 8.0,
                y: y + LABEL_SIZE / 3.0,
            };
            let text = match value.is_zero() {
                true => "0".to_owned(),
                false => text::latency(value),
            };
            shapes.push(label(at, Anchor::End, Ink::FaintText, &text));
            value += step;
        }
        for tick in time_ticks(self.range, self.zone, TICKS) {
            let x = self.x(tick.at);
            let anchor = match x {
                x if x < PLOT.left + 20.0 => Anchor::Start,
                x if x > PLOT.right() - 20.0 => Anchor::End,
                _ => Anchor::Middle,
            };
            let y = BAR.bottom() + 4.0 + LABEL_SIZE;
            shapes.push(label(
                ScenePoint { x, y },
                anchor,
                Ink::FaintText,
                &tick.label,
            ));
        }
    }

    fn lines(&self, shapes: &mut Vec<Shape>, figures: &[Figures], top: Duration) {
        // Steps without checks interrupt the line.
        let next = self.series.steps.step * 2;
        let runs = figures.chunk_by(|one, other| other.at.since(one.at) < next);
        let runs: Vec<&[Figures]> = runs.collect();
        for run in &runs {
            let upper = run.iter().map(|one| self.point(one.at, one.slow, top));
            let lower = run
                .iter()
                .rev()
                .map(|one| self.point(one.at, one.median, top));
            let points: Vec<ScenePoint> = upper.chain(lower).collect();
            if run.len() > 1 {
                let ink = Ink::Band;
                shapes.push(Shape::Polygon { points, ink });
            }
        }
        for run in runs {
            let mut points: Vec<ScenePoint> = run
                .iter()
                .map(|one| self.point(one.at, one.median, top))
                .collect();
            // A single one is a dash.
            if let [only] = points[..] {
                points = vec![
                    ScenePoint {
                        x: only.x - 2.0,
                        ..only
                    },
                    ScenePoint {
                        x: only.x + 2.0,
                        ..only
                    },
                ];
            }
            shapes.push(Shape::Line {
                points,
                width: 2.0,
                ink: Ink::Figure,
            });
        }
    }

    fn point(&self, at: Timestamp, value: Duration, top: Duration) -> ScenePoint {
        ScenePoint {
            x: self.x(at),
            y: y(value, top),
        }
    }

    /// What the monitor was. Outages are marked above the figures, too.
    fn bar(&self, shapes: &mut Vec<Shape>) {
        let (area, ink) = (BAR, Ink::Online);
        shapes.push(Shape::Rectangle { area, ink });
        let rectangles = [
            (&self.periods.unknown, Ink::Unknown),
            (&self.periods.paused, Ink::Paused),
            (&self.periods.offline, Ink::Offline),
        ];
        for (set, ink) in rectangles {
            let parts = self.parts(set, BAR).into_iter();
            shapes.extend(parts.map(|area| Shape::Rectangle { area, ink }));
        }
        for area in self.parts(&self.periods.maintenance, BAR) {
            let ink = Ink::Background;
            shapes.push(Shape::Rectangle { area, ink });
            let ink = Ink::Maintenance;
            shapes.push(Shape::Hatching { area, ink });
        }
        for part in self.parts(&self.periods.offline, PLOT) {
            let middle = part.left + part.width / 2.0;
            shapes.push(mark(ScenePoint {
                x: middle,
                y: PLOT.top - 2.0,
            }));
        }
    }

    /// The title, and what the inks stand for.
    fn head(&self, shapes: &mut Vec<Shape>) {
        let title = format!(
            "{} · latency · {}",
            text::cut(self.name, LONGEST_NAME),
            self.range_name
        );
        shapes.push(Shape::Text(TextLabel {
            at: ScenePoint { x: 20.0, y: 32.0 },
            anchor: Anchor::Start,
            size: TITLE_SIZE,
            ink: Ink::Text,
            text: title,
        }));
        let entries = [
            (Ink::Figure, "median", true),
            (Ink::Band, "up to the 95th percentile", true),
            (Ink::Online, "online", true),
            (Ink::Offline, "offline", !self.periods.offline.is_empty()),
            (
                Ink::Maintenance,
                "maintenance",
                !self.periods.maintenance.is_empty(),
            ),
            (Ink::Unknown, "unknown", !self.periods.unknown.is_empty()),
            (Ink::Paused, "paused", !self.periods.paused.is_empty()),
        ];
        let mut x = 20.0;
        for (ink, text, is_shown) in entries {
            if !is_shown {
                continue;
            }
            shapes.push(sample(x, ink));
            x += 22.0;
            let at = ScenePoint { x, y: 58.0 };
            shapes.push(label(at, Anchor::Start, Ink::FaintText, text));
            // About as wide as the text.
            x += to_f32(7.8 * f64::from(u32::try_from(text.len()).unwrap_or(0))) + 18.0;
        }
    }

    fn description(&self) -> String {
        let mut parts = vec![format!("Latency of {}, {}.", self.name, self.range_name)];
        let mut all = crate::history::latency::sketch::LatencySketch::default();
        for point in self.series.points.values() {
            all.merge(&point.latencies);
        }
        match (all.quantile(0.5), all.quantile(0.95)) {
            (Some(median), Some(slow)) => parts.push(format!(
                "Median {}, 95th percentile {}.",
                text::latency(median),
                text::latency(slow)
            )),
            _ => parts.push("No checks passed.".to_owned()),
        }
        let total = |set: &TimeSet| set.between(self.range.from, self.range.to);
        for (set, class) in [
            (&self.periods.offline, "Offline"),
            (&self.periods.maintenance, "In maintenance"),
            (&self.periods.unknown, "Unknown"),
            (&self.periods.paused, "Paused"),
        ] {
            if !set.is_empty() {
                parts.push(format!("{class} for {}.", text::duration(total(set))));
            }
        }
        text::cut(&parts.join(" "), LONGEST_DESCRIPTION)
    }
}

/// The sample of an ink in the explanation.
pub(super) fn sample(x: f32, ink: Ink) -> Shape {
    let area = Area {
        left: x,
        top: 47.0,
        width: 16.0,
        height: 11.0,
    };
    match ink {
        Ink::Figure => Shape::Line {
            points: vec![
                ScenePoint { x, y: 53.0 },
                ScenePoint {
                    x: x + 16.0,
                    y: 53.0,
                },
            ],
            width: 2.0,
            ink,
        },
        Ink::Offline => mark(ScenePoint {
            x: x + 8.0,
            y: 58.0,
        }),
        Ink::Maintenance => Shape::Hatching { area, ink },
        _ => Shape::Rectangle { area, ink },
    }
}

/// A triangle that points down to a place.
pub(super) fn mark(tip: ScenePoint) -> Shape {
    let (left, right, y) = (tip.x - 6.0, tip.x + 6.0, tip.y - 10.0);
    Shape::Polygon {
        points: vec![ScenePoint { x: left, y }, ScenePoint { x: right, y }, tip],
        ink: Ink::Offline,
    }
}

pub(super) fn label(at: ScenePoint, anchor: Anchor, ink: Ink, text: &str) -> Shape {
    Shape::Text(TextLabel {
        at,
        anchor,
        size: LABEL_SIZE,
        ink,
        text: text.to_owned(),
    })
}

/// The place of a value on an axis that ends with `top`.
fn y(value: Duration, top: Duration) -> f32 {
    let share = value.as_secs_f64() / top.as_secs_f64().max(1e-6);
    PLOT.bottom() - PLOT.height * to_f32(share.min(1.0))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "shares and pixels, of which three digits matter"
)]
pub(super) fn to_f32(number: f64) -> f32 {
    number as f32
}

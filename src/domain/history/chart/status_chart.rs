//! The picture of what a monitor was in a range, for monitors whose checks have no latency: devices and servers.

use chrono_tz::Tz;

use super::axis::time_ticks;
use super::class_periods::ClassPeriods;
use super::latency_chart::{label, mark, sample, to_f32};
use super::scene::{Anchor, Area, Ink, LONGEST_DESCRIPTION, Scene, ScenePoint, Shape, TextLabel};
use crate::history::range::HistoryRange;
use crate::history::time_set::TimeSet;
use crate::text;
use crate::timestamp::Timestamp;

const WIDTH: u16 = 1_000;
const HEIGHT: u16 = 136;

const BAR: Area = Area {
    left: 20.0,
    top: 82.0,
    width: 960.0,
    height: 20.0,
};

/// The most labels on the axis of time.
const TICKS: u32 = 8;

/// The longest name in a picture, in characters.
const LONGEST_NAME: usize = 50;

/// What is shown.
#[derive(Clone, Debug)]
pub struct StatusChart<'a> {
    /// The name of the monitor.
    pub name: &'a str,
    /// The range as people call it, such as `24h`.
    pub range_name: &'a str,
    pub range: HistoryRange,
    pub zone: Tz,
    pub periods: &'a ClassPeriods,
}

impl StatusChart<'_> {
    pub fn scene(&self) -> Scene {
        let name = text::cut(self.name, LONGEST_NAME);
        let mut shapes = vec![Shape::Text(TextLabel {
            at: ScenePoint { x: 20.0, y: 32.0 },
            anchor: Anchor::Start,
            size: 20.0,
            ink: Ink::Text,
            text: format!("{name} · status · {}", self.range_name),
        })];
        self.legend(&mut shapes);
        self.bar(&mut shapes);
        self.axis(&mut shapes);
        Scene {
            width: WIDTH,
            height: HEIGHT,
            shapes,
            description: self.description(),
        }
    }

    /// The periods of each class, with its ink and its name.
    fn classes(&self) -> [(&TimeSet, Ink, &'static str); 4] {
        let periods = self.periods;
        [
            (&periods.offline, Ink::Offline, "offline"),
            (&periods.maintenance, Ink::Maintenance, "maintenance"),
            (&periods.unknown, Ink::Unknown, "unknown"),
            (&periods.paused, Ink::Paused, "paused"),
        ]
    }

    fn legend(&self, shapes: &mut Vec<Shape>) {
        let shown = self
            .classes()
            .into_iter()
            .filter(|(set, ..)| !set.is_empty());
        let others = shown.map(|(_, ink, name)| (ink, name));
        let mut x = BAR.left;
        for (ink, name) in std::iter::once((Ink::Online, "online")).chain(others) {
            shapes.push(sample(x, ink));
            x += 22.0;
            shapes.push(label(
                ScenePoint { x, y: 58.0 },
                Anchor::Start,
                Ink::FaintText,
                name,
            ));
            // About as wide as the text.
            x += to_f32(7.8 * f64::from(u32::try_from(name.len()).unwrap_or(0))) + 18.0;
        }
    }

    fn x(&self, at: Timestamp) -> f32 {
        let at = at.clamp(self.range.from, self.range.to);
        let share = at.since(self.range.from).as_secs_f64();
        let share = share / self.range.length().as_secs_f64().max(0.001);
        BAR.left + BAR.width * to_f32(share)
    }

    fn bar(&self, shapes: &mut Vec<Shape>) {
        let (area, ink) = (BAR, Ink::Online);
        shapes.push(Shape::Rectangle { area, ink });
        for (set, ink, _) in self.classes() {
            for window in set.windows() {
                let (left, right) = (self.x(window.starts_at), self.x(window.ends_at));
                let width = (right - left).max(1.0);
                let left = left.min(BAR.right() - width);
                let area = Area { left, width, ..BAR };
                if ink == Ink::Maintenance {
                    let ground = Ink::Background;
                    shapes.push(Shape::Rectangle { area, ink: ground });
                    shapes.push(Shape::Hatching { area, ink });
                    continue;
                }
                shapes.push(Shape::Rectangle { area, ink });
                // Offline is marked, too, so that it differs without colors.
                if ink == Ink::Offline {
                    let (x, y) = (left + width / 2.0, BAR.top - 2.0);
                    shapes.push(mark(ScenePoint { x, y }));
                }
            }
        }
    }

    fn axis(&self, shapes: &mut Vec<Shape>) {
        for tick in time_ticks(self.range, self.zone, TICKS) {
            let x = self.x(tick.at);
            let anchor = match x {
                x if x < BAR.left + 20.0 => Anchor::Start,
                x if x > BAR.right() - 20.0 => Anchor::End,
                _ => Anchor::Middle,
            };
            let y = BAR.bottom() + 20.0;
            shapes.push(label(
                ScenePoint { x, y },
                anchor,
                Ink::FaintText,
                &tick.label,
            ));
        }
    }

    fn description(&self) -> String {
        let mut parts = vec![format!("Status of {}, {}.", self.name, self.range_name)];
        let total = |set: &TimeSet| set.between(self.range.from, self.range.to);
        for (set, ink, _) in self.classes() {
            let length = text::duration(total(set));
            match (set.is_empty(), ink) {
                (true, Ink::Offline) => parts.push("Never offline.".to_owned()),
                (true, _) => {}
                (false, Ink::Maintenance) => parts.push(format!("In maintenance for {length}.")),
                (false, Ink::Offline) => parts.push(format!("Offline for {length}.")),
                (false, Ink::Unknown) => parts.push(format!("Unknown for {length}.")),
                (false, _) => parts.push(format!("Paused for {length}.")),
            }
        }
        text::cut(&parts.join(" "), LONGEST_DESCRIPTION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::silences::maintenance::TimeWindow;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    fn set(from: i64, to: i64) -> TimeSet {
        TimeSet::of([TimeWindow {
            starts_at: at(from),
            ends_at: at(to),
        }])
    }

    fn scene(periods: &ClassPeriods, name: &str) -> Scene {
        StatusChart {
            name,
            range_name: "1 h around the outage",
            range: HistoryRange {
                from: at(0),
                to: at(3_600),
            },
            zone: Tz::UTC,
            periods,
        }
        .scene()
    }

    #[test]
    fn every_class_has_its_period_and_its_name() {
        let periods = ClassPeriods {
            offline: set(600, 1_200),
            maintenance: set(1_800, 1_860),
            unknown: set(2_400, 2_500),
            paused: set(3_000, 3_600),
        };
        let drawn = scene(&periods, "pump").to_string();
        // A pixel is 3.75 seconds.
        for line in [
            "1000 x 136: Status of pump, 1 h around the outage. Offline for 10 min. In maintenance for 1 min. Unknown for 1 min 40 s. Paused for 10 min.",
            "Text text at 20,32 Start of 20: pump · status · 1 h around the outage",
            "Online rectangle at 20.0,82.0, 960.0 x 20.0",
            "Offline rectangle at 180.0,82.0, 160.0 x 20.0",
            "Offline polygon (3) 254.0,70.0 266.0,70.0 260.0,80.0",
            "Maintenance hatching at 500.0,82.0, 16.0 x 20.0",
            "Unknown rectangle at 660.0,82.0, 26.7 x 20.0",
            "Paused rectangle at 820.0,82.0, 160.0 x 20.0",
            "FaintText text at 500,122 Middle of 15: 00:30",
        ] {
            assert!(
                drawn.lines().any(|one| one.starts_with(line)),
                "{line} in\n{drawn}"
            );
        }
        for class in ["online", "offline", "maintenance", "unknown", "paused"] {
            assert!(
                drawn.contains(&format!(": {class}\n")),
                "{class} in\n{drawn}"
            );
        }
    }

    #[test]
    fn a_description_fits_whatever_the_name_is() {
        let found = scene(&ClassPeriods::default(), &"店".repeat(2_000));
        assert_eq!(found.description.chars().count(), LONGEST_DESCRIPTION);
        let short = scene(&ClassPeriods::default(), "pump");
        assert_eq!(
            short.description,
            "Status of pump, 1 h around the outage. Never offline."
        );
    }
}

//! The picture of inactive endpoints in a range: how many there were, reactivations on each day, and the reasons.

use chrono_tz::Tz;

use super::figures::{InactiveFigures, ReasonCount};
use crate::history::chart::drawing::{
    HEIGHT, Legend, RIGHT, Sentences, label, pixels, remark, scene, title,
};
use crate::history::chart::panel::{Panel, round_numbers};
use crate::history::chart::scene::{Anchor, Area, Ink, Scene, ScenePoint, Shape};
use crate::text;

/// How many endpoints were inactive.
const ABOVE: Area = Area {
    left: 76.0,
    top: 84.0,
    width: 660.0,
    height: 124.0,
};

/// Reactivations.
const BELOW: Area = Area {
    left: ABOVE.left,
    top: 226.0,
    width: ABOVE.width,
    height: 70.0,
};

/// The base line of the times.
const TIMES: f32 = 320.0;

/// The table of reasons.
const TABLE_LEFT: f32 = 764.0;
const TABLE_TOP: f32 = 96.0;
const TABLE_ROW: f32 = 22.0;

/// The most reasons in the table, with the line of all others.
const MOST_REASONS: usize = 10;

/// What is shown.
#[derive(Clone, Debug)]
pub struct InactiveChart<'a> {
    /// The range as people call it, such as `30d`.
    pub range_name: &'a str,
    pub zone: Tz,
    pub figures: &'a InactiveFigures,
}

impl InactiveChart<'_> {
    pub fn scene(&self) -> Scene {
        let mut shapes = Vec::new();
        self.inactive(&mut shapes);
        self.reactivations(&mut shapes);
        self.reasons(&mut shapes);
        shapes.push(title(
            "Inactive endpoints",
            &format!(" · {}", self.range_name),
        ));
        legend(&mut shapes);
        scene(HEIGHT, shapes, self.description())
    }

    /// The numbers as an area with its edge.
    fn inactive(&self, shapes: &mut Vec<Shape>) {
        let (top, step) = round_numbers(number(self.figures.most()), 1.0, 4.0);
        let panel = Panel {
            area: ABOVE,
            range: self.figures.range,
            top,
        };
        panel.lines(shapes, step, |value| text::grouped(whole(value)));
        if self.figures.outages() == 0 {
            shapes.push(remark(ABOVE, "no endpoint was inactive"));
            return;
        }
        let width = ABOVE.width / pixels(self.figures.steps.len().max(1));
        let mut edge = Vec::new();
        let runs = self.figures.steps.chunk_by(|one, other| one == other);
        let mut from = 0;
        for run in runs {
            let y = panel.y(number(run.first().copied().unwrap_or(0)));
            for index in [from, from + run.len()] {
                let x = ABOVE.left + width * pixels(index);
                edge.push(ScenePoint { x, y });
            }
            from += run.len();
        }
        let corner = |x| ScenePoint {
            x,
            y: ABOVE.bottom(),
        };
        let corners = [corner(ABOVE.right()), corner(ABOVE.left)];
        shapes.push(Shape::Polygon {
            points: edge.iter().copied().chain(corners).collect(),
            ink: Ink::OfflineGround,
        });
        shapes.push(Shape::Line {
            points: edge,
            width: 2.0,
            ink: Ink::Offline,
        });
    }

    /// A bar for each day.
    fn reactivations(&self, shapes: &mut Vec<Shape>) {
        let most = self.figures.days.iter().map(|day| day.reactivated).max();
        let (top, step) = round_numbers(number(most.unwrap_or(0)), 1.0, 2.0);
        let panel = Panel {
            area: BELOW,
            range: self.figures.range,
            top,
        };
        panel.lines(shapes, step, |value| text::grouped(whole(value)));
        for day in self.figures.days.iter().filter(|day| day.reactivated > 0) {
            let (left, right) = (panel.x(day.range.from), panel.x(day.range.to));
            let y = panel.y(number(day.reactivated)).min(BELOW.bottom() - 1.0);
            // A gap between days, and nothing blurred.
            let left = left.round();
            let gap = if right - left > 6.0 { 2.0 } else { 1.0 };
            let area = Area {
                left,
                top: y,
                width: (right.round() - left - gap).max(1.0),
                height: BELOW.bottom() - y,
            };
            let ink = Ink::Online;
            shapes.push(Shape::Rectangle { area, ink });
        }
        panel.times(shapes, self.zone, TIMES);
    }

    /// The table at the right.
    fn reasons(&self, shapes: &mut Vec<Shape>) {
        let mut rows = vec![("Outages by reason".to_owned(), self.figures.outages())];
        rows.extend(shortened(&self.figures.reasons));
        for (index, (name, count)) in rows.iter().enumerate() {
            let y = TABLE_TOP + TABLE_ROW * pixels(index);
            let ink = if index == 0 {
                Ink::Text
            } else {
                Ink::FaintText
            };
            let at = ScenePoint { x: TABLE_LEFT, y };
            shapes.push(label(at, Anchor::Start, ink, name));
            let at = ScenePoint { x: RIGHT, y };
            shapes.push(label(at, Anchor::End, Ink::Text, &text::grouped(*count)));
        }
    }

    fn description(&self) -> String {
        let figures = self.figures;
        let mut sentences = Sentences::new(format!("Inactive endpoints, {}.", self.range_name));
        if figures.outages() == 0 {
            sentences.add("No endpoint was inactive.", 0);
            return sentences.finish();
        }
        sentences.add(
            &format!(
                "At most {} at once, {} at the end.",
                text::grouped(figures.most()),
                text::grouped(figures.at_end)
            ),
            0,
        );
        let reasons = figures
            .reasons
            .iter()
            .map(|one| format!("{} {}", one.name(), text::grouped(one.outages)));
        let reasons: Vec<String> = reasons.collect();
        sentences.add(
            &format!("{}: {}.", outages(figures.outages()), reasons.join(", ")),
            0,
        );
        let busiest = figures.days.iter().map(|day| day.reactivated).max();
        sentences.add(
            &format!(
                "Reactivated: {}, at most {} on a day.",
                text::grouped(figures.reactivated()),
                text::grouped(busiest.unwrap_or(0))
            ),
            0,
        );
        sentences.finish()
    }
}

fn outages(count: u64) -> String {
    match count {
        1 => "1 outage".to_owned(),
        count => format!("{} outages", text::grouped(count)),
    }
}

/// The most frequent reasons, and the others together.
fn shortened(reasons: &[ReasonCount]) -> Vec<(String, u64)> {
    let named = match reasons.len() > MOST_REASONS {
        true => MOST_REASONS - 1,
        false => reasons.len(),
    };
    let rows = reasons.iter().take(named);
    let mut rows: Vec<(String, u64)> = rows.map(|one| (one.name(), one.outages)).collect();
    let others: u64 = reasons.iter().skip(named).map(|one| one.outages).sum();
    if others > 0 {
        rows.push(("others".to_owned(), others));
    }
    rows
}

fn legend(shapes: &mut Vec<Shape>) {
    let mut legend = Legend::new();
    legend.add(shapes, "inactive at once", |shapes, area| {
        let ink = Ink::OfflineGround;
        shapes.push(Shape::Rectangle { area, ink });
        let points = [area.left, area.right()].map(|x| ScenePoint { x, y: area.top });
        shapes.push(Shape::Line {
            points: points.to_vec(),
            width: 2.0,
            ink: Ink::Offline,
        });
    });
    legend.add(shapes, "reactivated on a day", |shapes, area| {
        let area = Area {
            left: area.left + 3.0,
            width: 10.0,
            ..area
        };
        let ink = Ink::Online;
        shapes.push(Shape::Rectangle { area, ink });
    });
}

#[expect(clippy::cast_precision_loss, reason = "shown with at most four digits")]
fn number(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "values of an axis are whole and not below 0"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::figures::InactivePeriod;
    use super::*;
    use crate::history::chart::scene::LONGEST_DESCRIPTION;
    use crate::history::range::HistoryRange;
    use crate::incidents::outage_reason::OutageReason;
    use crate::timestamp::Timestamp;

    const DAY: Duration = Duration::from_secs(86_400);

    fn range() -> HistoryRange {
        let from = Timestamp::start_of_day(20_000);
        HistoryRange {
            from,
            to: from.plus(DAY * 30),
        }
    }

    /// An outage of two days from a day on.
    fn period(day: u32, reason: OutageReason) -> InactivePeriod {
        InactivePeriod {
            from: range().from.plus(DAY * day),
            to: Some(range().from.plus(DAY * (day + 2))),
            reason,
            is_reactivated: true,
        }
    }

    fn chart(periods: &[InactivePeriod]) -> Scene {
        let chart = InactiveChart {
            range_name: "30d",
            zone: chrono_tz::UTC,
            figures: &InactiveFigures::of(periods, range(), chrono_tz::UTC),
        };
        chart.scene()
    }

    #[test]
    fn the_area_has_an_edge_at_each_change() {
        use OutageReason::{Refused, TimedOut};
        let scene = chart(&[period(3, Refused), period(4, TimedOut)]);
        let text = scene.to_string();
        // Of 660 pixels, a day has 22.
        assert!(
            text.contains("Offline line of 2 (10) 76.0,208.0 142.0,208.0 142.0,146.0 164.0,146.0 164.0,84.0 736.0,208.0"),
            "{text}"
        );
        // On the 5th and on the 6th day.
        assert_eq!(text.matches("Online rectangle").count(), 2 + 1, "{text}");
        assert!(
            text.contains("Online rectangle at 186.0,261.0, 20.0 x 35.0"),
            "{text}"
        );
        assert_eq!(
            scene.description,
            "Inactive endpoints, 30d. At most 2 at once, 0 at the end. 2 outages: connection refused 1, timed out 1. \
             Reactivated: 2, at most 1 on a day."
        );
    }

    #[test]
    fn without_outages_the_picture_says_so() {
        let scene = chart(&[]);
        assert_eq!(
            scene.description,
            "Inactive endpoints, 30d. No endpoint was inactive."
        );
        assert!(scene.to_string().contains("no endpoint was inactive"));
    }

    #[test]
    fn every_reason_is_in_the_table_or_among_the_others() {
        for (reasons, rows) in [(10, 10), (11, 10)] {
            let reasons: Vec<ReasonCount> = OutageReason::ALL
                .iter()
                .take(reasons)
                .map(|reason| ReasonCount {
                    reason: *reason,
                    outages: 2,
                })
                .collect();
            let shown = shortened(&reasons);
            assert_eq!(shown.len(), rows);
            let sum: u64 = shown.iter().map(|(_, count)| count).sum();
            assert_eq!(sum, 2 * reasons.len() as u64);
            assert_eq!(
                shown.last().is_some_and(|(name, _)| name == "others"),
                reasons.len() > 10
            );
        }
    }

    #[test]
    fn a_description_of_every_reason_is_within_the_limit() {
        let all: Vec<InactivePeriod> = OutageReason::ALL
            .iter()
            .map(|one| period(1, *one))
            .collect();
        let scene = chart(&all);
        assert!(scene.description.chars().count() <= LONGEST_DESCRIPTION);
        assert!(
            scene
                .description
                .contains("unreachable 1. Reactivated: 14, at most 14")
        );
    }
}

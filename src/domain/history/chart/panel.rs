//! A place for figures over time, with lines at round values.

use chrono_tz::Tz;

use super::axis::time_ticks;
use super::drawing::{LABEL_SIZE, label, to_f32};
use super::scene::{Anchor, Area, Ink, ScenePoint, Shape};
use crate::history::range::HistoryRange;
use crate::timestamp::Timestamp;

/// The most labels on the axis of time.
const TICKS: u32 = 8;

/// Figures from 0 to `top`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel {
    pub area: Area,
    pub range: HistoryRange,
    pub top: f64,
}

impl Panel {
    /// The place of a moment, kept within the panel.
    pub(super) fn x(&self, at: Timestamp) -> f32 {
        let at = at.clamp(self.range.from, self.range.to);
        let share = at.since(self.range.from).as_secs_f64();
        let share = share / self.range.length().as_secs_f64().max(0.001);
        self.area.left + self.area.width * to_f32(share)
    }

    /// The place of a value, kept within the panel.
    pub(super) fn y(&self, value: f64) -> f32 {
        let share = (value / self.top.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        self.area.bottom() - self.area.height * to_f32(share)
    }

    /// Lines at multiples of a step, with labels at their left.
    pub(super) fn lines(&self, shapes: &mut Vec<Shape>, step: f64, text: impl Fn(f64) -> String) {
        let mut value = 0.0;
        while value <= self.top * 1.000_1 {
            let y = self.y(value);
            shapes.push(Shape::Line {
                points: vec![
                    ScenePoint {
                        x: self.area.left,
                        y,
                    },
                    ScenePoint {
                        x: self.area.right(),
                        y,
                    },
                ],
                width: 1.0,
                ink: Ink::Grid,
            });
            let at = ScenePoint {
                x: self.area.left - 8.0,
                y: y + LABEL_SIZE / 3.0,
            };
            shapes.push(label(at, Anchor::End, Ink::FaintText, &text(value)));
            value += step.max(self.top / 10.0);
        }
    }

    /// Times below the panel, at `y`.
    pub(super) fn times(&self, shapes: &mut Vec<Shape>, zone: Tz, y: f32) {
        for tick in time_ticks(self.range, zone, TICKS) {
            let x = self.x(tick.at);
            let anchor = match x {
                x if x < self.area.left + 20.0 => Anchor::Start,
                x if x > self.area.right() - 20.0 => Anchor::End,
                _ => Anchor::Middle,
            };
            let at = ScenePoint { x, y };
            shapes.push(label(at, anchor, Ink::FaintText, &tick.label));
        }
    }
}

/// The largest value of an axis from 0, and the step between its lines: 1, 2 or 5 times a power of ten, so that there are two to
/// `most` steps. `smallest` is the smallest step.
pub(super) fn round_numbers(largest: f64, smallest: f64, most: f64) -> (f64, f64) {
    let largest = match largest.is_finite() {
        true => largest.clamp(smallest, 1e15),
        false => smallest,
    };
    let mut power = smallest;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            let step = factor * power;
            let steps = (largest / step).ceil();
            if steps <= most {
                return (steps.max(2.0) * step, step);
            }
        }
        power *= 10.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_an_axis_are_round() {
        for (largest, smallest, most, expected) in [
            (0.0, 1.0, 5.0, (2.0, 1.0)),
            (1.0, 1.0, 5.0, (2.0, 1.0)),
            (5.0, 1.0, 5.0, (5.0, 1.0)),
            (5.1, 1.0, 5.0, (6.0, 2.0)),
            (41.0, 1.0, 5.0, (50.0, 10.0)),
            (10_000.0, 1.0, 3.0, (10_000.0, 5_000.0)),
            (f64::NAN, 1.0, 3.0, (2.0, 1.0)),
        ] {
            assert_eq!(
                round_numbers(largest, smallest, most),
                expected,
                "{largest}"
            );
        }
        let (top, step) = round_numbers(0.25, 0.1, 3.0);
        assert!((top - 0.3).abs() < 1e-9 && (step - 0.1).abs() < 1e-9);
        assert!(round_numbers(f64::MAX, 1.0, 3.0).0 <= 1e16);
    }
}

//! Slanted lines in a rectangle: a class differs by them from others without colors.

use crate::domain::history::chart::scene::{Area, ScenePoint};

/// The distance between two lines, across.
const STEP: f32 = 6.0;

/// The width of a line.
pub const WIDTH: f32 = 2.0;

/// The lines of an area, from its lower to its upper edge, cut at its sides. They continue from one area to the next.
pub fn lines(area: Area) -> Vec<[ScenePoint; 2]> {
    let mut lines = Vec::new();
    // The place of a line at the lower edge.
    let mut at = ((area.left - area.height) / STEP).floor() * STEP;
    while at < area.right() {
        let (from, to) = (at.max(area.left), (at + area.height).min(area.right()));
        if from < to {
            let start = ScenePoint {
                x: from,
                y: area.bottom() - (from - at),
            };
            let end = ScenePoint {
                x: to,
                y: area.bottom() - (to - at),
            };
            lines.push([start, end]);
        }
        at += STEP;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_in_their_area() {
        for (left, width, height) in [(0.0, 100.0, 12.0), (7.5, 1.0, 12.0), (3.0, 40.0, 3.0)] {
            let area = Area {
                left,
                top: 50.0,
                width,
                height,
            };
            let found = lines(area);
            assert!(!found.is_empty(), "{area}");
            for point in found.into_iter().flatten() {
                assert!((area.left..=area.right()).contains(&point.x), "{point:?}");
                assert!(
                    (area.top - 0.01..=area.bottom() + 0.01).contains(&point.y),
                    "{point:?}"
                );
            }
        }
    }
}

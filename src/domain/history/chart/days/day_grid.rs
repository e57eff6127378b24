//! The places of the cells of a picture with a row for each monitor and a column for each day.

use chrono_tz::Tz;

use crate::history::chart::axis::time_ticks;
use crate::history::chart::drawing::{
    HEIGHT, LABEL_SIZE, LEFT, RIGHT, TOP, label, outline, pixels, remark,
};
use crate::history::chart::scene::{Anchor, Area, Ink, ScenePoint, Shape};
use crate::history::chart::text_width::fitted;
use crate::history::range::HistoryRange;
use crate::history::uptime::ClassTimes;

/// The most monitors in a picture.
pub const MOST_ROWS: usize = 40;

/// The longest range: a cell of a longer one would be too narrow.
pub const MOST_DAYS: usize = 92;

/// What a monitor was on each day.
#[derive(Clone, Debug)]
pub struct DayRow {
    pub name: String,
    /// In the whole range.
    pub times: ClassTimes,
    /// In each part of `HistoryRange::local_days`, in order.
    pub days: Vec<ClassTimes>,
}

/// Where the cells are.
const CELLS: Area = Area {
    left: 240.0,
    top: TOP,
    width: 652.0,
    height: 226.0,
};

/// Below the cells, for the axis.
const FOOT: f32 = 36.0;

/// The widest cell.
const WIDEST: f32 = 48.0;

/// A row with its gap, of few and of many monitors.
const HIGHEST_ROW: f32 = 76.0;
const LOWEST_ROW: f32 = 20.0;

/// The most labels on the axis of time.
const TICKS: u32 = 8;

#[derive(Debug)]
pub(super) struct DayGrid {
    pub days: Vec<HistoryRange>,
    rows: usize,
    /// The distance between two days, in whole pixels: blurred edges would be more than the gaps.
    across: f32,
    down: f32,
    top: f32,
}

impl DayGrid {
    pub(super) fn new(range: HistoryRange, zone: Tz, rows: usize) -> Self {
        // Of a range in hours, the first and the last day are parts.
        let days: Vec<HistoryRange> = range.local_days(zone).take(MOST_DAYS + 1).collect();
        let rows = rows.min(MOST_ROWS);
        let across = (CELLS.width / pixels(days.len().max(1))).floor();
        let down = (CELLS.height / pixels(rows.max(1))).floor();
        let down = down.clamp(LOWEST_ROW, HIGHEST_ROW);
        let spare = CELLS.height - down * pixels(rows);
        Self {
            days,
            rows,
            across: across.min(WIDEST),
            down,
            top: CELLS.top + (spare / 2.0).floor().max(0.0),
        }
    }

    fn bottom(&self) -> f32 {
        self.top + self.down * pixels(self.rows)
    }

    /// The height of the picture.
    pub(super) fn height(&self) -> u16 {
        let rows = u16::try_from(self.rows).unwrap_or(u16::MAX);
        let needed = (CELLS.top + FOOT) + self.down * f32::from(rows);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 40 rows of 20 pixels, or fewer higher ones"
        )]
        HEIGHT.max(needed as u16)
    }

    pub(super) fn cell(&self, row: usize, day: usize) -> Area {
        let gap = if self.across < 10.0 { 1.0 } else { 2.0 };
        let between = if self.down < 24.0 { 4.0 } else { 6.0 };
        Area {
            left: CELLS.left + self.across * pixels(day),
            top: self.top + self.down * pixels(row),
            width: self.across - gap,
            height: self.down - between,
        }
    }

    /// The name of a row at its left, and its figure at its right.
    pub(super) fn sides(&self, shapes: &mut Vec<Shape>, row: usize, name: &str, figure: &str) {
        let cell = self.cell(row, 0);
        let y = cell.top + cell.height / 2.0 + LABEL_SIZE / 3.0;
        let name = fitted(name, LABEL_SIZE, CELLS.left - LEFT - 12.0);
        let at = ScenePoint { x: LEFT, y };
        shapes.push(label(at, Anchor::Start, Ink::Text, &name));
        let at = ScenePoint { x: RIGHT, y };
        shapes.push(label(at, Anchor::End, Ink::Text, figure));
    }

    /// The dates below the cells.
    pub(super) fn dates(&self, shapes: &mut Vec<Shape>, zone: Tz) {
        let (Some(first), Some(last)) = (self.days.first(), self.days.last()) else {
            return;
        };
        let range = HistoryRange {
            from: first.from,
            to: last.to,
        };
        if self.rows == 0 {
            shapes.push(remark(CELLS, "there are no monitors in this range"));
            return;
        }
        for tick in time_ticks(range, zone, TICKS) {
            let Some(day) = self.days.iter().position(|day| day.from == tick.at) else {
                continue;
            };
            let cell = self.cell(0, day);
            let at = ScenePoint {
                x: cell.left + cell.width / 2.0,
                y: self.bottom() + LABEL_SIZE + 2.0,
            };
            shapes.push(label(at, Anchor::Middle, Ink::FaintText, &tick.label));
        }
    }
}

/// A day of which Rollcall knows nothing, or on which the monitor was paused.
pub(super) fn empty_cell(shapes: &mut Vec<Shape>, area: Area, times: &ClassTimes) {
    let ink = match times.paused > times.unknown {
        true => Ink::Paused,
        false => Ink::Unknown,
    };
    shapes.push(outline(area, ink));
}

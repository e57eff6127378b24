//! The picture of what a server reports in a range: processors, memory and the fullest disk in percent, and the load below them.

use std::time::Duration;

use chrono_tz::Tz;

use super::drawing::{HEIGHT, LABEL_SIZE, Legend, Sentences, label, remark, scene, title};
use super::panel::{Panel, round_numbers};
use super::scene::{Anchor, Area, Ink, Scene, ScenePoint, Shape};
use crate::history::range::HistoryRange;
use crate::text;
use crate::timestamp::Timestamp;

/// The percentages.
const ABOVE: Area = Area {
    left: 76.0,
    top: 84.0,
    width: 780.0,
    height: 132.0,
};

/// The load.
const BELOW: Area = Area {
    left: ABOVE.left,
    top: 236.0,
    width: ABOVE.width,
    height: 60.0,
};

/// The base line of the times.
const TIMES: f32 = 320.0;

/// The distance between two labels at the ends of lines.
const LABEL_GAP: f32 = 17.0;

/// A figure at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricPoint {
    pub at: Timestamp,
    pub value: f64,
}

/// What is shown. Of each metric, its points are in order; one that the server does not report has none.
#[derive(Clone, Debug)]
pub struct ServerChart<'a> {
    /// The name of the server.
    pub name: &'a str,
    /// The range as people call it, such as `24h`.
    pub range_name: &'a str,
    pub range: HistoryRange,
    pub zone: Tz,
    /// Points further apart than this have a gap between them.
    pub gap: Duration,
    /// In percent.
    pub cpu: &'a [MetricPoint],
    /// In percent.
    pub memory: &'a [MetricPoint],
    /// Of the fullest disk, in percent.
    pub disk: &'a [MetricPoint],
    /// The mean number of processes that run or wait to run.
    pub load: &'a [MetricPoint],
}

/// A line: its inks and its dashes (drawn and not drawn, in pixels) differ from those of the others.
struct MetricLine<'a> {
    name: &'static str,
    points: &'a [MetricPoint],
    ink: Ink,
    dash: Option<[f32; 2]>,
}

impl ServerChart<'_> {
    pub fn scene(&self) -> Scene {
        let mut shapes = Vec::new();
        let percentages = self.panel(ABOVE, 100.0);
        percentages.lines(&mut shapes, 25.0, |value| format!("{value:.0} %"));
        let (top, step) = round_numbers(most(self.load), 0.1, 2.0);
        let load = self.panel(BELOW, top);
        load.lines(&mut shapes, step, |value| match step < 1.0 {
            true => format!("{value:.1}"),
            false => format!("{value:.0}"),
        });
        let [cpu, memory, disk] = self.percentages();
        for line in [&disk, &memory, &cpu] {
            self.draw(&mut shapes, line, &percentages);
        }
        self.draw(&mut shapes, &self.load_line(), &load);
        ends(&mut shapes, &[cpu, memory, disk], &percentages);
        self.end_of_load(&mut shapes, &load);
        load.times(&mut shapes, self.zone, TIMES);
        self.remarks(&mut shapes);
        let rest = format!(" · metrics · {}", self.range_name);
        shapes.push(title(self.name, &rest));
        self.legend(&mut shapes);
        scene(HEIGHT, shapes, self.description())
    }

    fn panel(&self, area: Area, top: f64) -> Panel {
        Panel {
            area,
            range: self.range,
            top,
        }
    }

    fn percentages(&self) -> [MetricLine<'_>; 3] {
        [
            MetricLine {
                name: "CPU",
                points: self.cpu,
                ink: Ink::Figure,
                dash: None,
            },
            MetricLine {
                name: "memory",
                points: self.memory,
                ink: Ink::SecondFigure,
                dash: Some([12.0, 4.0]),
            },
            MetricLine {
                name: "disk",
                points: self.disk,
                ink: Ink::ThirdFigure,
                dash: Some([3.0, 3.0]),
            },
        ]
    }

    fn load_line(&self) -> MetricLine<'_> {
        MetricLine {
            name: "load",
            points: self.load,
            ink: Ink::Figure,
            dash: None,
        }
    }

    fn draw(&self, shapes: &mut Vec<Shape>, line: &MetricLine<'_>, panel: &Panel) {
        let is_gap = |one: &MetricPoint, other: &MetricPoint| other.at.since(one.at) <= self.gap;
        for run in line.points.chunk_by(is_gap) {
            let mut points: Vec<ScenePoint> = run
                .iter()
                .map(|one| ScenePoint {
                    x: panel.x(one.at),
                    y: panel.y(one.value),
                })
                .collect();
            // A single one is a dash.
            if let [only] = points[..] {
                points = [only.x - 2.0, only.x + 2.0]
                    .map(|x| ScenePoint { x, ..only })
                    .to_vec();
            }
            let parts = match line.dash {
                Some(dash) => dashes(&points, dash),
                None => vec![points],
            };
            stroke(shapes, parts, line.ink);
        }
    }

    fn end_of_load(&self, shapes: &mut Vec<Shape>, panel: &Panel) {
        if let Some(last) = self.load.last() {
            let at = ScenePoint {
                x: BELOW.right() + 8.0,
                y: panel.y(last.value) + LABEL_SIZE / 3.0,
            };
            let text = format!("load {:.2}", last.value);
            shapes.push(label(at, Anchor::Start, Ink::Text, &text));
        }
    }

    /// What there is in the place of figures that are missing.
    fn remarks(&self, shapes: &mut Vec<Shape>) {
        if [self.cpu, self.memory, self.disk]
            .iter()
            .all(|one| one.is_empty())
        {
            shapes.push(remark(ABOVE, "no reports of CPU, memory or disks"));
        }
        if self.load.is_empty() {
            shapes.push(remark(BELOW, "no reports of the load"));
        }
    }

    fn legend(&self, shapes: &mut Vec<Shape>) {
        let mut legend = Legend::new();
        for line in self.percentages() {
            let text = match line.name {
                "disk" => "fullest disk",
                name => name,
            };
            legend.add(shapes, text, |shapes, area| {
                let y = area.top + area.height / 2.0;
                let points = [area.left, area.right()].map(|x| ScenePoint { x, y });
                // Half as long as on the panel, so that two of them fit.
                let dash = line
                    .dash
                    .map_or([area.width, 0.0], |dash| dash.map(|one| one / 2.0 + 0.5));
                stroke(shapes, dashes(&points, dash), line.ink);
            });
        }
        legend.note(
            shapes,
            "below: load, the mean number of processes that run or wait",
        );
    }

    fn description(&self) -> String {
        let name = text::cut(self.name, super::drawing::LONGEST_NAME);
        let mut sentences = Sentences::new(format!("Metrics of {name}, {}.", self.range_name));
        let mut is_empty = true;
        for line in self.percentages() {
            let figures = summary(line.points, |value| format!("{value:.0} %"));
            if let Some(figures) = figures {
                let name = match line.name {
                    "disk" => "Fullest disk",
                    "memory" => "Memory",
                    name => name,
                };
                sentences.add(&format!("{name}: {figures}."), 0);
                is_empty = false;
            }
        }
        if let Some(figures) = summary(self.load, |value| format!("{value:.2}")) {
            sentences.add(&format!("Load: {figures}."), 0);
            is_empty = false;
        }
        if is_empty {
            sentences.add("There are no reports of these metrics in this range.", 0);
        }
        sentences.finish()
    }
}

fn stroke(shapes: &mut Vec<Shape>, parts: Vec<Vec<ScenePoint>>, ink: Ink) {
    let width = 2.0;
    let lines = parts.into_iter();
    shapes.extend(lines.map(|points| Shape::Line { points, width, ink }));
}

fn most(points: &[MetricPoint]) -> f64 {
    points.iter().map(|one| one.value).fold(0.0, f64::max)
}

/// The mean, the most and the last value; `None` without points.
fn summary(points: &[MetricPoint], shown: impl Fn(f64) -> String) -> Option<String> {
    let last = points.last()?;
    let count = u32::try_from(points.len()).unwrap_or(u32::MAX);
    let mean = points.iter().map(|one| one.value).sum::<f64>() / f64::from(count);
    Some(format!(
        "mean {}, at most {}, last {}",
        shown(mean),
        shown(most(points)),
        shown(last.value)
    ))
}

/// The names and last values of lines at their ends, so far from each other that all can be read.
fn ends(shapes: &mut Vec<Shape>, lines: &[MetricLine<'_>], panel: &Panel) {
    let mut labels: Vec<(f32, &MetricLine<'_>, f64)> = lines
        .iter()
        .filter_map(|line| {
            let last = line.points.last()?.value;
            Some((panel.y(last), line, last))
        })
        .collect();
    labels.sort_by(|one, other| one.0.total_cmp(&other.0));
    // From above, each at least below the one before; then from below, so that the last one is within the panel.
    let mut free = panel.area.top;
    for (y, ..) in &mut labels {
        *y = y.max(free);
        free = *y + LABEL_GAP;
    }
    let mut free = panel.area.bottom();
    for (y, ..) in labels.iter_mut().rev() {
        *y = y.min(free);
        free = *y - LABEL_GAP;
    }
    for (y, line, value) in labels {
        let at = ScenePoint {
            x: panel.area.right() + 8.0,
            y: y + LABEL_SIZE / 3.0,
        };
        let text = format!("{} {value:.0} %", line.name);
        shapes.push(label(at, Anchor::Start, line.ink, &text));
    }
}

/// Divides a line into dashes. They begin with the line.
fn dashes(points: &[ScenePoint], dash: [f32; 2]) -> Vec<Vec<ScenePoint>> {
    let [drawn, blank] = dash;
    let mut parts: Vec<Vec<ScenePoint>> = Vec::new();
    let mut current: Vec<ScenePoint> = points.first().copied().into_iter().collect();
    let mut is_drawn = true;
    let mut left = drawn;
    for pair in points.windows(2) {
        let [mut from, to] = [pair[0], pair[1]];
        loop {
            let length = (to.x - from.x).hypot(to.y - from.y);
            if length <= left {
                left -= length;
                break;
            }
            let share = left / length;
            from = ScenePoint {
                x: from.x + (to.x - from.x) * share,
                y: from.y + (to.y - from.y) * share,
            };
            current.push(from);
            if is_drawn {
                parts.push(std::mem::take(&mut current));
            }
            current = vec![from];
            is_drawn = !is_drawn;
            left = if is_drawn { drawn } else { blank.max(0.5) };
        }
        current.push(to);
    }
    if is_drawn && current.len() > 1 {
        parts.push(current);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::chart::scene::LONGEST_DESCRIPTION;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn range() -> HistoryRange {
        let from = Timestamp::start_of_day(20_000);
        HistoryRange {
            from,
            to: from.plus(HOUR * 24),
        }
    }

    /// Values at whole hours.
    fn points(values: &[(u32, f64)]) -> Vec<MetricPoint> {
        let point = |(hour, value): &(u32, f64)| MetricPoint {
            at: range().from.plus(HOUR * *hour),
            value: *value,
        };
        values.iter().map(point).collect()
    }

    fn chart(name: &str, cpu: &[MetricPoint], others: [&[MetricPoint]; 3]) -> Scene {
        let [memory, disk, load] = others;
        let chart = ServerChart {
            name,
            range_name: "24h",
            range: range(),
            zone: chrono_tz::UTC,
            gap: HOUR * 2,
            cpu,
            memory,
            disk,
            load,
        };
        chart.scene()
    }

    #[test]
    fn a_line_is_interrupted_where_there_are_no_reports() {
        let cpu = points(&[(0, 0.0), (2, 50.0), (5, 100.0), (6, 120.0), (12, 25.0)]);
        let scene = chart("mail", &cpu, [&[], &[], &[]]).to_string();
        for expected in [
            // The hours are 32.5 pixels apart; a gap of two hours is none.
            "Figure line of 2 (2) 76.0,216.0 141.0,150.0\n",
            // Beyond 100 %, the line stays within the panel.
            "Figure line of 2 (2) 238.5,84.0 271.0,84.0\n",
            "Figure line of 2 (2) 464.0,183.0 468.0,183.0\n",
            "no reports of the load",
        ] {
            assert!(scene.contains(expected), "{expected}: {scene}");
        }
        assert!(!scene.contains("no reports of CPU"));
    }

    #[test]
    fn labels_at_the_ends_do_not_overlap() {
        for last in [0.0, 50.0, 100.0] {
            let same = points(&[(0, 10.0), (1, last)]);
            let scene = chart("mail", &same, [&same, &same, &same]);
            let at_right = scene.shapes.iter().filter_map(|shape| match shape {
                Shape::Text(text) if text.at.x > 860.0 && text.at.y < 225.0 => Some(text.at.y),
                _ => None,
            });
            let places: Vec<f32> = at_right.collect();
            assert_eq!(places.len(), 3);
            for pair in places.windows(2) {
                assert!(pair[1] - pair[0] >= LABEL_GAP - 0.01, "{places:?}");
            }
            assert!(
                places.iter().all(|y| (84.0..=222.0).contains(y)),
                "{places:?}"
            );
        }
    }

    #[test]
    fn dashes_follow_the_line_around_its_corners() {
        let at = |x, y| ScenePoint { x, y };
        let line = [at(0.0, 0.0), at(10.0, 0.0), at(10.0, 10.0)];
        assert_eq!(
            dashes(&line, [6.0, 2.0]),
            [
                vec![at(0.0, 0.0), at(6.0, 0.0)],
                vec![at(8.0, 0.0), at(10.0, 0.0), at(10.0, 4.0)],
                vec![at(10.0, 6.0), at(10.0, 10.0)],
            ]
        );
        assert_eq!(dashes(&line, [100.0, 0.0]), [line.to_vec()]);
        assert!(dashes(&[], [6.0, 2.0]).is_empty());
    }

    #[test]
    fn a_description_has_the_figures_that_are_reported() {
        let cpu = points(&[(0, 10.0), (1, 30.0)]);
        let load = points(&[(0, 0.5), (1, 0.25)]);
        let scene = chart("mail", &cpu, [&[], &[], &load]);
        assert_eq!(
            scene.description,
            "Metrics of mail, 24h. CPU: mean 20 %, at most 30 %, last 30 %. Load: mean 0.38, at most 0.50, last 0.25."
        );
        let scene = chart(&"店".repeat(100), &[], [&[], &[], &[]]);
        assert!(
            scene
                .description
                .ends_with("There are no reports of these metrics in this range.")
        );
        let most = points(&[(0, f64::MAX), (1, f64::MAX)]);
        let scene = chart(&"店".repeat(100), &most, [&most, &most, &most]);
        assert!(scene.description.chars().count() <= LONGEST_DESCRIPTION);
    }
}

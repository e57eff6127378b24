//! Prints every figure with its baseline and its goal.

use std::fmt::Write;

/// The goal of a figure.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// Product / baseline, at most.
    Ratio(f64),
    /// Product / baseline, at least.
    RatioAtLeast(f64),
    /// Product − baseline, at most.
    Difference(f64),
    /// The product's own figure, at most.
    AtMost(f64),
    /// The product's own figure, at least.
    AtLeast(f64),
    /// No goal: the figure is only shown.
    None,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub what: String,
    pub unit: &'static str,
    pub floor: Option<f64>,
    pub product: f64,
    pub goal: Goal,
}

impl Row {
    pub fn new(what: &str, unit: &'static str, figures: (Option<f64>, f64), goal: Goal) -> Self {
        Self {
            what: what.to_owned(),
            unit,
            floor: figures.0,
            product: figures.1,
            goal,
        }
    }

    /// Distance from the goal: 1 just meets it, 2 is twice as bad.
    fn strain(&self) -> Option<f64> {
        let floor = self.floor.unwrap_or(f64::NAN);
        Some(match self.goal {
            Goal::Ratio(goal) => self.product / floor / goal,
            Goal::RatioAtLeast(goal) => goal / (self.product / floor),
            Goal::Difference(goal) => (self.product - floor) / goal,
            Goal::AtMost(goal) => self.product / goal,
            Goal::AtLeast(goal) => goal / self.product,
            Goal::None => return None,
        })
    }

    fn is_far_off(&self) -> bool {
        self.strain().is_some_and(|strain| strain > 2.0)
    }

    /// Whether a goal that is relative to the baseline was missed by far. The absolute ones depend on the machine.
    pub fn fails_short_run(&self) -> bool {
        matches!(self.goal, Goal::Ratio(_) | Goal::RatioAtLeast(_)) && self.is_far_off()
    }

    fn goal_text(&self) -> String {
        match self.goal {
            Goal::Ratio(goal) => format!("<= {goal} x"),
            Goal::RatioAtLeast(goal) => format!(">= {goal} x"),
            Goal::Difference(goal) => format!("<= baseline + {goal}"),
            Goal::AtMost(goal) => format!("<= {goal}"),
            Goal::AtLeast(goal) => format!(">= {goal}"),
            Goal::None => "-".to_owned(),
        }
    }

    fn verdict(&self) -> &'static str {
        match self.strain() {
            None => "",
            Some(strain) if strain <= 1.0 => "met",
            Some(_) if self.is_far_off() => "FAR OFF",
            Some(_) => "missed",
        }
    }
}

pub fn text(rows: &[Row]) -> String {
    let mut out = format!(
        "{:<58} {:>10} {:>10} {:>7}  {:<17} verdict\n",
        "what", "baseline", "product", "ratio", "goal"
    );
    for row in rows {
        let floor = row
            .floor
            .map_or("-".to_owned(), |floor| format!("{floor:.1}"));
        let ratio = row.floor.map_or("-".to_owned(), |floor| {
            format!("{:.2}", row.product / floor)
        });
        let product = format!("{:.1}", row.product);
        let what = format!("{}, {}", row.what, row.unit);
        let _ = writeln!(
            out,
            "{what:<58} {floor:>10} {product:>10} {ratio:>7}  {:<17} {}",
            row.goal_text(),
            row.verdict()
        );
    }
    out
}

/// One JSON object per line.
pub fn json(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        let line = serde_json::json!({
            "what": row.what,
            "unit": row.unit,
            "floor": row.floor,
            "product": row.product,
            "ratio": row.floor.map(|floor| row.product / floor),
            "goal": row.goal_text(),
            "verdict": row.verdict(),
        });
        let _ = writeln!(out, "{line}");
    }
    out
}

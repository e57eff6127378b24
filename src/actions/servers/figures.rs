//! The numbers of a report, each by its path: `cpu`, `memory.used`, `load.0`, `metrics.queue`. A report is a tree that an
//! agent chooses, so its size is limited in every direction. The limits hold for stored reports as well.

use serde_json::{Map, Value};

/// The maximum number of numbers in a report: several times what agents report of a large machine.
pub const MOST_NUMBERS: usize = 200;

/// The maximum length of a path, in bytes.
pub const LONGEST_PATH: usize = 128;

/// The maximum number of names in a path: a field, and two levels of objects or lists in it.
pub const DEEPEST: usize = 3;

/// The agent's own timestamp is no figure.
const NO_FIGURE: &str = "agent_timestamp";

/// Which limit a report exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FiguresError {
    #[error("a report must have at most {MOST_NUMBERS} numbers. Send only those that you need")]
    TooMany,
    #[error(
        "the path of a number, such as `memory.used`, must have at most {LONGEST_PATH} bytes. Use shorter names"
    )]
    LongPath,
    #[error(
        "a number must be at most {DEEPEST} levels deep, such as `disk.root.used`. Use fewer levels"
    )]
    Deep,
}

/// Checks that a report is within every limit.
pub fn check(report: &Map<String, Value>) -> Result<(), FiguresError> {
    let mut walk = Walk::default();
    walk.fields(report);
    walk.excess.map_or(Ok(()), Err)
}

/// The numbers of a stored report by path. Those beyond a limit are omitted.
pub fn of(stats: &str) -> Vec<(String, f64)> {
    let mut walk = Walk::default();
    if let Ok(Value::Object(report)) = serde_json::from_str(stats) {
        walk.fields(&report);
    }
    walk.found
}

/// A walk through a report, which ends at the first number too many.
#[derive(Default)]
struct Walk {
    path: String,
    depth: usize,
    found: Vec<(String, f64)>,
    excess: Option<FiguresError>,
}

impl Walk {
    fn fields(&mut self, report: &Map<String, Value>) {
        for (name, value) in report.iter().filter(|(name, _)| *name != NO_FIGURE) {
            self.enter(name, value);
        }
    }

    /// Visits a value below the current path.
    fn enter(&mut self, name: &str, value: &Value) {
        if matches!(value, Value::Null | Value::Bool(_) | Value::String(_)) || self.is_full() {
            return;
        }
        let length = self.path.len();
        if length + 1 + name.len() > LONGEST_PATH + usize::from(length == 0) {
            self.excess = Some(FiguresError::LongPath);
            return;
        }
        if self.depth == DEEPEST {
            self.excess = Some(FiguresError::Deep);
            return;
        }
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        self.depth += 1;
        self.visit(value);
        self.depth -= 1;
        self.path.truncate(length);
    }

    fn visit(&mut self, value: &Value) {
        match value {
            Value::Number(number) => {
                let number = number.as_f64();
                self.found
                    .extend(number.map(|number| (self.path.clone(), number)));
            }
            Value::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    self.enter(&index.to_string(), value);
                    if self.excess == Some(FiguresError::TooMany) {
                        return;
                    }
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.enter(name, value);
                }
            }
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }

    /// Whether there is no room for another number.
    fn is_full(&mut self) -> bool {
        let is_full = self.found.len() >= MOST_NUMBERS;
        if is_full {
            self.excess = Some(FiguresError::TooMany);
        }
        is_full
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(report: &Value) -> Result<(), FiguresError> {
        check(report.as_object().unwrap())
    }

    #[test]
    fn numbers_are_listed_by_path_without_the_agent_timestamp() {
        let stats = r#"{"agent_timestamp":17,"agent_version":"1","cpu":12.5,"load":[0.5,1],"memory":{"used":1}}"#;
        let expected = [
            ("cpu", 12.5),
            ("load.0", 0.5),
            ("load.1", 1.0),
            ("memory.used", 1.0),
        ];
        let expected = expected.map(|(name, number)| (name.to_owned(), number));
        assert_eq!(of(stats), expected);
    }

    #[test]
    fn each_limit_holds_for_new_and_for_stored_reports() {
        let list = |count: usize| json!({ "load": vec![1; count] });
        let object = |count: usize| {
            let fields: Map<String, Value> =
                (0..count).map(|n| (n.to_string(), json!(n))).collect();
            json!({ "metrics": fields })
        };
        let name = |length: usize| json!({ "a": { "b".repeat(length - 2): 1 }, "cpu": 1 });
        let top = |length: usize| json!({ "b".repeat(length): 1, "cpu": 1 });
        let (many, long, deep) = (
            Err(FiguresError::TooMany),
            Err(FiguresError::LongPath),
            Err(FiguresError::Deep),
        );
        for (report, verdict, stored) in [
            (list(199), Ok(()), 199),
            (list(200), Ok(()), 200),
            (list(201), many, 200),
            (list(20_000), many, 200),
            (object(200), Ok(()), 200),
            (object(201), many, 200),
            (name(128), Ok(()), 2),
            (name(129), long, 1),
            (top(128), Ok(()), 2),
            (top(129), long, 1),
            (json!({ "a": { "b": { "c": 1 } }, "d": 2 }), Ok(()), 2),
            (
                json!({ "a": { "b": { "c": { "d": 1 } } }, "d": 2 }),
                deep,
                1,
            ),
            (json!({ "a": [[[[1]]]], "d": 2 }), deep, 1),
            (json!({ "a": { "b": { "c": { "d": "text" } } } }), Ok(()), 0),
            (json!({ "a": { "b": { "c": "text" } } }), Ok(()), 0),
        ] {
            let text = report.to_string();
            let start: String = text.chars().take(60).collect();
            assert_eq!(checked(&report), verdict, "{start}");
            assert_eq!(of(&text).len(), stored, "{start}");
        }
    }
}

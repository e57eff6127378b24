//! Checks Discord's limits on what a bot sends: lengths, counts, names. Violations are refused as Discord refuses them.
//!
//! Sources: the API reference's pages on commands, messages and components, and the public OpenAPI description.

mod answers;
mod commands;
mod messages;

use serde_json::Value;

pub(crate) use answers::{choices, modal};
pub(crate) use commands::commands;
pub(crate) use messages::{attachments, message};

/// A path in the body and the error there, as in the `errors` of code 50035.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub path: String,
    pub message: String,
}

/// The mistakes found so far.
#[derive(Debug, Default)]
struct Mistakes(Vec<Mistake>);

impl Mistakes {
    fn add(&mut self, path: &str, message: impl Into<String>) {
        self.0.push(Mistake {
            path: path.to_owned(),
            message: message.into(),
        });
    }

    /// Requires a text of `least` to `most` characters, which may be absent if `least` is 0. Returns its length.
    fn length(&mut self, path: &str, value: &Value, least: usize, most: usize) -> usize {
        let length = value.as_str().map_or(0, |text| text.chars().count());
        if length < least || length > most {
            self.add(
                path,
                format!("Must be between {least} and {most} in length."),
            );
        }
        length
    }

    fn count(&mut self, path: &str, value: &Value, most: usize) {
        if items(value).len() > most {
            self.add(path, format!("Must be {most} or fewer in length."));
        }
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

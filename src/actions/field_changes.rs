//! What an event says about an edit: the old and the new value of each field that differs. Never a secret.

use serde_json::{Map, Value, json};

/// The fields that an edit changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldChanges(Map<String, Value>);

impl FieldChanges {
    /// Adds a field, if its value differs.
    #[must_use]
    pub fn field(mut self, name: &str, from: impl Into<Value>, to: impl Into<Value>) -> Self {
        let (from, to) = (from.into(), to.into());
        if from != to {
            self.0
                .insert(name.to_owned(), json!({ "from": from, "to": to }));
        }
        self
    }
}

impl From<FieldChanges> for Value {
    fn from(changes: FieldChanges) -> Self {
        Self::Object(changes.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fields_that_differ_are_listed() {
        let changes = FieldChanges::default()
            .field("interval_ms", None::<i64>, Some(30_000))
            .field("name", "shop", "shop")
            .field("verify_tls", true, false);
        assert_eq!(
            Value::from(changes).to_string(),
            r#"{"interval_ms":{"from":null,"to":30000},"verify_tls":{"from":true,"to":false}}"#
        );
    }
}

//! The percentage of an objective: a number with at most three decimals.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::history::objective::ObjectivePercent;

/// An objective, such as 99.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct PercentNumber(pub ObjectivePercent);

impl<'de> Deserialize<'de> for PercentNumber {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wrong =
            "must be a number from 50 to 99.999, with at most three decimals. Example: `99.9`";
        let number = f64::deserialize(from).map_err(|_| D::Error::custom(wrong))?;
        let percent = ObjectivePercent::from_number(number);
        percent.map(Self).map_err(|_| D::Error::custom(wrong))
    }
}

impl PartialSchema for PercentNumber {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Number)
            .minimum(Some(50))
            .maximum(Some(99.999))
            .multiple_of(Some(0.001))
            .examples([99.9, 50.001, 99.0])
            .description(Some(
                "The share of the time that is to be online, in percent, with at most three decimals.",
            ));
        schema.into()
    }
}

impl ToSchema for PercentNumber {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ObjectivePercent")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_read_is_what_the_schema_allows() {
        let schema = serde_json::to_value(PercentNumber::schema()).unwrap();
        for (number, is_valid) in [
            (json!(50), true),
            (json!(50.001), true),
            (json!(50.032), true),
            (json!(99.9), true),
            (json!(99.999), true),
            (json!(49.999), false),
            (json!(99.9999), false),
            (json!(99.9005), false),
            (json!(100), false),
            (json!(-99.9), false),
            (json!("99.9"), false),
            (json!(null), false),
        ] {
            let read = serde_json::from_value::<PercentNumber>(number.clone());
            assert_eq!(read.is_ok(), is_valid, "{number}");
            assert_eq!(jsonschema::is_valid(&schema, &number), is_valid, "{number}");
        }
    }
}

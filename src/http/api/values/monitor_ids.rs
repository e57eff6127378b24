//! A list of monitors by id.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::whole::Whole;
use crate::domain::monitor::MonitorId;

/// How many monitors one request may name.
const MOST: usize = 1_000;

/// The largest id: programs that read numbers as floats lose digits beyond it.
const MOST_ID: i64 = (1 << 53) - 1;

/// From 1 to 1,000 monitors.
#[derive(Clone, Debug)]
pub(in crate::http) struct MonitorIds(pub Vec<MonitorId>);

impl<'de> Deserialize<'de> for MonitorIds {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let ids = Vec::<Whole>::deserialize(from)?;
        let are_ids = ids.iter().all(|id| (0..=MOST_ID).contains(&id.0));
        match (1..=MOST).contains(&ids.len()) && are_ids {
            true => Ok(Self(ids.into_iter().map(|id| MonitorId(id.0)).collect())),
            false => Err(D::Error::custom(format!(
                "must have 1 to {MOST} ids of monitors. Example: `[17]`"
            ))),
        }
    }
}

impl PartialSchema for MonitorIds {
    fn schema() -> RefOr<Schema> {
        let id = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(0))
            .maximum(Some(MOST_ID));
        ArrayBuilder::new()
            .items(id)
            .min_items(Some(1))
            .max_items(Some(MOST))
            .description(Some("The ids of monitors of any kind."))
            .into()
    }
}

impl ToSchema for MonitorIds {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("MonitorIds")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_up_to_a_thousand_monitors() {
        let read = |count: i64| {
            let ids: Vec<i64> = (0..count).collect();
            serde_json::from_value::<MonitorIds>(serde_json::json!(ids)).is_ok()
        };
        assert_eq!([0, 1, 1_000, 1_001].map(read), [false, true, true, false]);
    }
}

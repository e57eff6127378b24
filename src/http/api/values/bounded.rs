//! Whole numbers within limits.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::whole::Whole;

/// A whole number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Bounded<const LEAST: u32, const MOST: u32>(u32);

impl<const LEAST: u32, const MOST: u32> Bounded<LEAST, MOST> {
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<'de, const LEAST: u32, const MOST: u32> Deserialize<'de> for Bounded<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let whole = Whole::deserialize(from).ok();
        let whole = whole.and_then(|number| u32::try_from(number.0).ok());
        let inside = whole.filter(|number| (LEAST..=MOST).contains(number));
        inside.map(Self).ok_or_else(|| {
            D::Error::custom(format!(
                "must be a whole number from {LEAST} to {MOST}. Example: `{LEAST}`"
            ))
        })
    }
}

impl<const LEAST: u32, const MOST: u32> PartialSchema for Bounded<LEAST, MOST> {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(LEAST))
            .maximum(Some(MOST));
        schema.into()
    }
}

impl<const LEAST: u32, const MOST: u32> ToSchema for Bounded<LEAST, MOST> {
    fn name() -> Cow<'static, str> {
        format!("WholeNumber{LEAST}To{MOST}").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_whole_and_within_its_limits() {
        let read = |text: &str| serde_json::from_str::<Bounded<1, 3>>(text).ok();
        assert_eq!(read("1"), Some(Bounded(1)));
        assert_eq!(read("3.0"), Some(Bounded(3)));
        for wrong in ["0", "4", "-1", "1.5", "\"1\"", "null", "4294967297"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}

//! The headers of an HTTP check, by name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::pattern;
use crate::domain::endpoints::http_check::{
    HttpCheck, MAX_HEADER_NAME, MAX_HEADER_VALUE, MAX_HEADERS,
};

/// Header values by name.
#[derive(Clone, Debug)]
pub(in crate::http) struct HeaderValues(pub BTreeMap<String, String>);

impl<'de> Deserialize<'de> for HeaderValues {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let headers = BTreeMap::<String, String>::deserialize(from)?;
        if headers.len() > MAX_HEADERS {
            return Err(D::Error::custom(format!(
                "at most {MAX_HEADERS} headers are allowed"
            )));
        }
        for (name, value) in &headers {
            HttpCheck::check_header(name, value).map_err(D::Error::custom)?;
        }
        Ok(Self(headers))
    }
}

impl PartialSchema for HeaderValues {
    fn schema() -> RefOr<Schema> {
        let name = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(MAX_HEADER_NAME))
            .pattern(Some(pattern::header_name()));
        let value = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(MAX_HEADER_VALUE))
            .pattern(Some("^[^\\u0000-\\u001f\\u007f]*$"));
        let value: RefOr<Schema> = value.into();
        let schema = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property_names(Some(name))
            .additional_properties(Some(AdditionalProperties::RefOr(value)))
            .max_properties(Some(MAX_HEADERS))
            .description(Some("Values by name. They are sent, but never shown."));
        schema.into()
    }
}

impl ToSchema for HeaderValues {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("HttpHeaders")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_cannot_bring_another_one() {
        let read = |text: &str| serde_json::from_str::<HeaderValues>(text).is_ok();
        assert!(read(r#"{"Accept":"text/plain","X-Token":""}"#));
        for wrong in [
            r#"{"Accept":"a\nHost: b"}"#,
            r#"{"Accept: a\nX":"b"}"#,
            r#"{"Host":"a"}"#,
            r#"{"a:":"b"}"#,
            r#"{"a":1}"#,
        ] {
            assert!(!read(wrong), "{wrong}");
        }
        let many = |count: usize| {
            let fields: Vec<String> = (0..count).map(|n| format!("\"x{n}\":\"\"")).collect();
            format!("{{{}}}", fields.join(","))
        };
        assert!(read(&many(8)) && !read(&many(9)));
    }
}

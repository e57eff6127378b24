//! Request bodies: JSON within limits on size, depth and text length. A refusal says what was wrong.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use utoipa::ToSchema;

use crate::domain::patch::Patch;
use crate::http::api::problem::Problem;
use crate::http::api::routes::{Argument, Described, body_example};

/// The maximum size of a body, in bytes.
const LONGEST: usize = 64 * 1024;

/// The maximum nesting depth.
const DEEPEST: usize = 16;

/// The maximum length of a string, in characters.
const LONGEST_TEXT: usize = 1024;

/// The time a body has to arrive.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A JSON object from the body, as a handler argument; an empty body is an empty object.
#[derive(Debug)]
pub(in crate::http) struct InBody<T>(pub T);

impl<T: DeserializeOwned + ToSchema, S: Sync> FromRequest<S> for InBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let value = object(&parts.headers, body).await?;
        read_like(value, || body_example(&T::schema())).map(Self)
    }
}

impl<T: ToSchema> Argument for InBody<T> {
    fn describe(described: &mut Described) {
        described.takes::<T>();
        described.refuses(&[
            StatusCode::BAD_REQUEST,
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            StatusCode::UNPROCESSABLE_ENTITY,
        ]);
    }
}

async fn object(headers: &HeaderMap, body: Body) -> Result<Value, Problem> {
    let bytes = bytes(headers, body).await?;
    let value = match bytes.as_ref() {
        b"" => Value::Object(serde_json::Map::new()),
        text => json(text)?,
    };
    if !value.is_object() {
        return Err(invalid("the body must be a JSON object. Example: `{}`"));
    }
    Ok(value)
}

/// Parses JSON within the limits.
pub(in crate::http) fn json(text: &[u8]) -> Result<Value, Problem> {
    if depth(text) > DEEPEST {
        return Err(invalid(format!(
            "the body is nested more than {DEEPEST} levels deep"
        )));
    }
    let value: Value = serde_json::from_slice(text)
        .map_err(|error| invalid(format!("the body is not valid JSON: {error}")))?;
    check_texts(&value)?;
    Ok(value)
}

/// Deserializes JSON; a refusal names the field.
pub(in crate::http) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    read_like(value, || None)
}

/// Deserializes JSON; a refusal names the field, and one for a missing field ends with the example.
fn read_like<T: DeserializeOwned>(
    value: Value,
    example: impl FnOnce() -> Option<Value>,
) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let (path, reason) = (error.path().to_string(), error.inner().to_string());
        let example = match reason.starts_with("missing field") {
            true => example().map(|example| format!(". Example: `{example}`")),
            false => None,
        };
        let place = match path.as_str() {
            "." => String::new(),
            path => format!("`{path}`: "),
        };
        let detail = format!("{place}{reason}{}", example.unwrap_or_default());
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    })
}

/// Reads the whole body, within the limits on size and time.
pub(in crate::http) async fn bytes(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body must not be compressed; omit `Content-Encoding`",
        ));
    }
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let too_long = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body must have at most 64 KiB",
        )
    };
    if declared.is_some_and(|length| length > LONGEST) {
        return Err(too_long());
    }
    let reading = axum::body::to_bytes(body, LONGEST);
    match tokio::time::timeout(TIMEOUT, reading).await {
        Ok(read) => read.map_err(|_| too_long()),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time",
        )),
    }
}

pub(in crate::http) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

/// A value sets, `null` clears, a missing field keeps: `#[serde(default, deserialize_with = "patch")]`.
pub(in crate::http) fn patch<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Patch<T>, D::Error> {
    Option::deserialize(from).map(Patch::from)
}

/// The nesting depth of brackets, without those in strings.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut is_text, mut is_escaped) = (false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'[' | b'{' if !is_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Checks the length of every string, including field names.
fn check_texts(value: &Value) -> Result<(), Problem> {
    let fits = |text: &str| {
        if text.len() <= LONGEST_TEXT || text.chars().count() <= LONGEST_TEXT {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("a text in the body has more than {LONGEST_TEXT} characters"),
        ))
    };
    match value {
        Value::String(text) => fits(text),
        Value::Array(values) => values.iter().try_for_each(check_texts),
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| {
            fits(name)?;
            check_texts(value)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parse(text: &str) -> Result<Value, Problem> {
        object(&HeaderMap::new(), Body::from(text.to_owned())).await
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        assert_eq!(depth(br#"{"a":[1,[2]]}"#), 3);
        assert_eq!(depth(br#"{"a":"[[[\"[["}"#), 1);
    }

    #[tokio::test]
    async fn bodies_that_are_too_long_too_deep_or_no_object_are_refused() {
        assert_eq!(parse("").await, Ok(serde_json::json!({})));
        assert_eq!(parse(r#"{"a":1}"#).await, Ok(serde_json::json!({ "a": 1 })));
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(16), "]".repeat(16));
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(1025));
        let endless = format!(r#"{{"a":"{}"}}"#, "x".repeat(70_000));
        for (text, detail) in [
            ("[]", "must be a JSON object"),
            ("{", "not valid JSON"),
            (r#"{"a":NaN}"#, "not valid JSON"),
            (r#"{"a":1e999}"#, "not valid JSON"),
            (deep.as_str(), "nested"),
            (long.as_str(), "1024 characters"),
            (endless.as_str(), "64 KiB"),
        ] {
            let problem = parse(text).await.unwrap_err();
            assert!(format!("{problem:?}").contains(detail), "{problem:?}");
        }
    }

    #[tokio::test]
    async fn a_refusal_names_the_field() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Pump {
            #[expect(dead_code, reason = "only the refusal is read")]
            speed: Vec<u8>,
        }
        let example = || Some(serde_json::json!({ "speed": [1] }));
        for (text, detail) in [
            (r#"{"speed":[1,"x"]}"#, "`speed[1]`: invalid type"),
            ("{}", r#"missing field `speed`. Example: `{"speed":[1]}`"#),
            (r#"{"speed":[],"color":1}"#, "unknown field `color`"),
        ] {
            let value = parse(text).await.unwrap();
            let problem = read_like::<Pump>(value, example).unwrap_err();
            assert!(problem.detail().contains(detail), "{problem:?}");
        }
    }

    #[tokio::test]
    async fn a_compressed_body_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_ENCODING,
            header::HeaderValue::from_static("gzip"),
        );
        let read = object(&headers, Body::empty()).await;
        assert!(format!("{read:?}").contains("415"), "{read:?}");
    }
}

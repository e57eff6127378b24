//! Request bodies: JSON within limits on size, depth and text length. A refusal says what was wrong.

use std::fmt;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::problem::Problem;
use crate::domain::patch::Patch;

/// The maximum size of a body, in bytes.
const LONGEST: usize = 64 * 1024;

/// The maximum nesting depth.
const DEEPEST: usize = 16;

/// The maximum length of a string, in bytes.
const LONGEST_TEXT: usize = 1024;

/// The time a body has to arrive.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A JSON object from the body, as a handler argument; an empty body is an empty object.
#[derive(Debug)]
pub(super) struct Fields<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Fields<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        object(&parts.headers, body).await.map(Self)
    }
}

async fn object<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    let bytes = bytes(headers, body).await?;
    let value = match bytes.as_ref() {
        b"" => Value::Object(serde_json::Map::new()),
        text => json(text)?,
    };
    if !value.is_object() {
        return Err(invalid("the body must be a JSON object. Example: `{}`"));
    }
    read(value)
}

/// Parses JSON within the limits.
pub(super) fn json(text: &[u8]) -> Result<Value, Problem> {
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

/// Deserializes JSON; unknown fields are refused by name.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_json::from_value(value).map_err(|error| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("the body has an invalid or unknown field: {error}"),
        )
    })
}

/// Reads the whole body, within the limits on size and time.
pub(super) async fn bytes(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
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

pub(super) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

/// A value sets, `null` clears, a missing field keeps: `#[serde(default, deserialize_with = "patch")]`.
pub(super) fn patch<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Patch<T>, D::Error> {
    Option::deserialize(from).map(Patch::from)
}

/// A timestamp of the caller's own clock, in any form: stored as given, and never used for a decision.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a timestamp must be a text or a number")]
pub(super) enum Hint {
    Text(String),
    Number(serde_json::Number),
}

impl fmt::Display for Hint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Number(number) => number.fmt(out),
        }
    }
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
        if text.len() <= LONGEST_TEXT {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "a text field of the body is longer than 1 KiB",
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
            (long.as_str(), "1 KiB"),
            (endless.as_str(), "64 KiB"),
        ] {
            let problem = parse(text).await.unwrap_err();
            assert!(format!("{problem:?}").contains(detail), "{problem:?}");
        }
    }

    #[tokio::test]
    async fn a_compressed_body_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_ENCODING,
            header::HeaderValue::from_static("gzip"),
        );
        let read: Result<Value, Problem> = object(&headers, Body::empty()).await;
        assert!(format!("{read:?}").contains("415"), "{read:?}");
    }
}

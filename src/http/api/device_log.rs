//! Device logs: accepted in batches, limited to the latest lines of each device, and read in pages.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::{Caller, Reporter};
use super::device::{answer, check_in, is_alive, itself, readable, received};
use super::problem::Problem;
use super::query::{Asked, limit};
use super::{body, query};
use crate::actions::devices::check_in::Payload;
use crate::domain::key::KeyKind::{Admin, Device as DeviceKey, Read};
use crate::domain::text;
use crate::http::HttpState;
use crate::store::devices::device_log::{self, LINES_KEPT, Line, NewLine};

/// The default page size.
const PAGE: u32 = 100;

/// A log line as an object; a plain string is accepted, too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogLine {
    message: String,
    level: Option<String>,
    /// A hint from the device's own clock.
    timestamp: Option<body::Hint>,
}

/// `POST /device/{uuid}/logs`: a JSON list of lines, or one JSON value per line (`application/x-ndjson`).
pub(super) async fn append(
    State(app): State<HttpState>,
    caller: Reporter,
    Path(uuid): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let uuid = itself(&app, &caller, &uuid)?;
    let bytes = body::bytes(&headers, body).await?;
    let is_ndjson = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.contains("ndjson"));
    let lines = match is_ndjson {
        true => each_line(&bytes)?,
        false => listed(body::json(&bytes)?)?,
    };
    let lines = lines.into_iter().map(line).collect::<Result<_, _>>()?;
    let checked_in = check_in(&app, &caller, uuid.clone(), Payload::Lines(lines)).await?;
    Ok(received(&uuid, &checked_in))
}

fn each_line(bytes: &[u8]) -> Result<Vec<Value>, Problem> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
        .map(body::json)
        .collect()
}

/// The lines of a JSON body: a list, a list in `logs`, or a single line.
fn listed(value: Value) -> Result<Vec<Value>, Problem> {
    match value {
        Value::Array(lines) => Ok(lines),
        Value::Object(mut fields) if fields.len() == 1 && fields.contains_key("logs") => {
            match fields.remove("logs") {
                Some(Value::Array(lines)) => Ok(lines),
                _ => Err(body::invalid(
                    "`logs` must be a list. Example: `[\"pump started\"]`",
                )),
            }
        }
        line @ Value::Object(_) => Ok(vec![line]),
        _ => Err(body::invalid(
            "the body must be a list of lines. Example: `[\"pump started\"]`",
        )),
    }
}

fn line(value: Value) -> Result<NewLine, Problem> {
    let payload = match value {
        Value::String(message) => LogLine {
            message,
            level: None,
            timestamp: None,
        },
        value => body::read(value)?,
    };
    Ok(NewLine {
        kind: "line",
        level: payload.level,
        device_time: payload.timestamp.map(|hint| hint.to_string()),
        message: payload.message,
        run_time: None,
    })
}

/// The query of a page of lines.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogQuery {
    /// Only lines after the one with this id.
    after: Option<i64>,
    limit: Option<u32>,
}

/// `GET /devices/{uuid}/logs`, with a read or an admin key, or the device's own. Oldest first; pings are included.
pub(super) async fn list(
    State(app): State<HttpState>,
    caller: Caller,
    Path(uuid): Path<String>,
    Asked(query): Asked<LogQuery>,
) -> Result<Response, Problem> {
    caller.must_be(&[Read, Admin, DeviceKey])?;
    let device = readable(&app, &caller, &uuid).await?;
    is_alive(&app, caller, &device).await?;
    let after = query.after.unwrap_or(0);
    let limit = limit(query.limit, PAGE, LINES_KEPT)?;
    if after < 0 {
        return Err(query::wrong(
            "`after` must be the id of a line. Example: `after=17`",
        ));
    }
    let lines = device_log::list(&app.store.reader, device.id, after, limit).await?;
    let is_full = lines.len() == limit as usize;
    let next = lines.last().filter(|_| is_full).map(|line| line.id);
    let lines: Vec<Value> = lines.iter().map(shown).collect();
    Ok(answer(
        StatusCode::OK,
        &json!({ "logs": lines, "next": next }),
    ))
}

fn shown(line: &Line) -> Value {
    json!({
        "id": line.id, "at": text::timestamp(line.at), "kind": line.kind, "level": line.level,
        "timestamp": line.device_time, "message": line.message,
        "run_ms": line.run_time.map(crate::domain::millis),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(values: Result<Vec<Value>, Problem>) -> Result<Vec<String>, Problem> {
        values?
            .into_iter()
            .map(|value| line(value).map(|line| line.message))
            .collect()
    }

    #[test]
    fn lines_are_accepted_as_a_list_in_a_field_alone_or_as_ndjson() {
        for text in [
            r#"["a","b"]"#,
            r#"[{"message":"a","level":"warn"},{"message":"b","timestamp":17}]"#,
            r#"{"logs":["a",{"message":"b"}]}"#,
        ] {
            let value = serde_json::from_str(text).unwrap();
            assert_eq!(messages(listed(value)).unwrap(), ["a", "b"], "{text}");
        }
        let single = listed(json!({ "message": "a" }));
        assert_eq!(messages(single).unwrap(), ["a"]);
        let each = each_line(b"{\"message\":\"a\"}\n\n\"b\"\r\n");
        assert_eq!(messages(each).unwrap(), ["a", "b"]);
        for text in [
            r#""a""#,
            "1",
            r#"{"logs":"a"}"#,
            r#"[1]"#,
            r#"[{"message":"a","color":"red"}]"#,
            r#"[{"level":"warn"}]"#,
        ] {
            let value = serde_json::from_str(text).unwrap();
            assert!(messages(listed(value)).is_err(), "{text}");
        }
        assert!(each_line(b"{\"message\":\"a\"}\n{").is_err());
    }
}

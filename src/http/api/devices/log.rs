//! Device logs: accepted in batches, limited to the latest lines of each device, and read in pages.

use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, ObjectBuilder, Type,
};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::device::readable;
use super::send::{HeartbeatReceived, check_in, limit, received};
use crate::actions::devices::check_in::Payload;
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::line_kind::LineKind;
use crate::http::HttpState;
use crate::http::api::list::{Cursor, Natural, PageLimit, page};
use crate::http::api::problem::Problem;
use crate::http::api::request::{self, InBody, InPath, InQuery, OfDevice, OwnKey, ReaderOf};
use crate::http::api::routes::{Argument, Described, Json};
use crate::http::api::values::{DateTime, Hint, Id, LineKindWord, Word, date_time};
use crate::store::devices::device_log::{self, Line, NewLine};

/// The maximum number of lines in a body; a device that has more sends them in several requests.
const LINES: usize = 200;

/// A log line as an object; a plain string is accepted, too.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewLine, examples(json!({ "message": "pump started", "level": "info" })))]
struct LineObject {
    #[schema(max_length = 1024)]
    message: String,
    #[schema(max_length = 1024)]
    level: Option<String>,
    /// A hint from the device's own clock.
    timestamp: Option<Hint>,
}

/// The lines in a body: a JSON list, or one JSON value per line (`application/x-ndjson`).
pub(super) struct InLines(Vec<NewLine>);

impl<S: Sync> FromRequest<S> for InLines {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        lines(&parts.headers, body).await.map(Self)
    }
}

async fn lines(headers: &HeaderMap, body: Body) -> Result<Vec<NewLine>, Problem> {
    let bytes = request::bytes(headers, body).await?;
    let is_ndjson = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.contains("ndjson"));
    let values = match is_ndjson {
        true => each_line(&bytes)?,
        false => listed(request::json(&bytes)?)?,
    };
    if values.len() > LINES {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("the body must have at most {LINES} lines. Send the others in another request"),
        ));
    }
    values.into_iter().map(line).collect()
}

/// The form with one value per line is described in words: generators of clients know only JSON.
impl Argument for InLines {
    fn describe(described: &mut Described) {
        InBody::<LogLines>::describe(described);
    }
}

/// The schema of the JSON body; it is read by `listed`.
struct LogLines;

impl PartialSchema for LogLines {
    fn schema() -> RefOr<Schema> {
        let line = || RefOr::Ref(Ref::from_schema_name("NewLine"));
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(1024));
        let item = AnyOfBuilder::new().item(text).item(line());
        let list = ArrayBuilder::new()
            .items(item)
            .max_items(Some(LINES))
            .build();
        let field = ObjectBuilder::new()
            .property("logs", list.clone())
            .required("logs")
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
        AnyOfBuilder::new()
            .item(list)
            .item(field)
            .item(line())
            .examples([json!(["pump started", { "message": "pump is hot", "level": "warn" }])])
            .into()
    }
}

impl ToSchema for LogLines {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        LineObject::schemas(schemas);
        schemas.push((LineObject::name().into_owned(), LineObject::schema()));
    }
}

pub(super) async fn append(
    key: OwnKey,
    State(app): State<HttpState>,
    InPath(uuid): InPath<DeviceUuid>,
    InLines(lines): InLines,
) -> Result<Json<HeartbeatReceived>, Problem> {
    limit(&app, &key, &uuid)?;
    let checked_in = check_in(&app, &key, uuid.clone(), Payload::Lines(lines)).await?;
    Ok(received(&uuid, checked_in))
}

fn each_line(bytes: &[u8]) -> Result<Vec<Value>, Problem> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
        .map(request::json)
        .collect()
}

/// The lines of a JSON body: a list, a list in `logs`, or a single line.
fn listed(value: Value) -> Result<Vec<Value>, Problem> {
    match value {
        Value::Array(lines) => Ok(lines),
        Value::Object(mut fields) if fields.len() == 1 && fields.contains_key("logs") => {
            match fields.remove("logs") {
                Some(Value::Array(lines)) => Ok(lines),
                _ => Err(request::invalid(
                    "`logs` must be a list. Example: `[\"pump started\"]`",
                )),
            }
        }
        line @ Value::Object(_) => Ok(vec![line]),
        _ => Err(request::invalid(
            "the body must be a list of lines. Example: `[\"pump started\"]`",
        )),
    }
}

fn line(value: Value) -> Result<NewLine, Problem> {
    let payload = match value {
        Value::String(message) => LineObject {
            message,
            level: None,
            timestamp: None,
        },
        value => request::read(value)?,
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
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct LogQuery {
    /// Only lines after the one with this id.
    #[param(inline)]
    after: Option<Natural>,
    #[param(inline)]
    cursor: Option<Cursor>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLimit<100, 1000>,
}

/// A page of a device's log.
#[derive(Serialize, ToSchema)]
pub(super) struct LogList {
    logs: Vec<LineView>,
    #[schema(required)]
    next_cursor: Option<Cursor>,
    /// The id of the last line of a full page, for `after`; the cursor does the same.
    #[schema(required)]
    next: Option<Id>,
}

/// A line of a device's log.
#[derive(Serialize, ToSchema)]
#[schema(as = Line)]
struct LineView {
    id: Id,
    /// When it was received.
    at: DateTime,
    kind: LineKindWord,
    #[schema(required, examples("warn"))]
    level: Option<String>,
    /// By the device's own clock.
    #[schema(required, examples("1769860800"))]
    timestamp: Option<String>,
    #[schema(examples("pump is hot"))]
    message: String,
    /// How long the run took that ended here.
    #[schema(required)]
    run_ms: Option<i64>,
}

impl From<&Line> for LineView {
    fn from(line: &Line) -> Self {
        Self {
            id: line.id,
            at: date_time(line.at),
            kind: Word(line.kind.parse().unwrap_or(LineKind::Line)),
            level: line.level.clone(),
            timestamp: line.device_time.clone(),
            message: line.message.clone(),
            run_ms: line.run_time.map(crate::domain::millis),
        }
    }
}

pub(super) async fn list(
    reader: ReaderOf<OfDevice>,
    State(app): State<HttpState>,
    InPath(uuid): InPath<DeviceUuid>,
    InQuery(query): InQuery<LogQuery>,
) -> Result<Json<LogList>, Problem> {
    let device = readable(&app, &reader, &uuid).await?;
    let after = query.after.map_or(0, |after| after.0);
    let after = query.cursor.map_or(after, |cursor| cursor.number(0));
    let limit = query.limit.get();
    let lines = device_log::list(&app.store.reader, device.id, after, limit + 1).await?;
    let page = page(lines, limit, |line| [line.id.to_string()].into());
    let is_full = page.items.len() == limit as usize;
    Ok(Json(LogList {
        next: page.items.last().filter(|_| is_full).map(|line| line.id),
        logs: page.items.iter().map(LineView::from).collect(),
        next_cursor: page.next_cursor,
    }))
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

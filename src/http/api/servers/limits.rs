//! The limits on what a server reports, as programs read and replace them: all of a server at once, because it has few.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

use axum::extract::State;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use utoipa::openapi::schema::{
    AllOfBuilder, ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type,
};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::server::readable;
use crate::actions::servers::metric_limits::{self, LimitEdit};
use crate::domain::monitor::MonitorId;
use crate::domain::servers::metric_limit::{
    Condition, ConditionKind, DEFAULT_HOLD, MOST_LIMITS, MetricLimit,
};
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::request::{Admin, Caller, InBody, InPath, OfServer, ReaderOf};
use crate::http::api::routes::{Json, Routes, about};
use crate::http::api::values::{Bounded, DateTime, MetricText, SeverityWord, Word, date_time};
use crate::store::servers::metric_limit::StoredLimit;

pub(super) fn routes(routes: &mut Routes) {
    routes.get::<ReaderOf<OfServer>, _>(
        "/servers/{id}/limits",
        about(
            "list_server_limits",
            "List the limits on what a server reports",
        )
        .describe("All of them at once, without pages."),
        list,
    );
    routes.put::<Admin, _>(
        "/servers/{id}/limits",
        about("replace_server_limits", "Replace the limits on what a server reports")
            .describe("All of them at once. A limit that stays the same keeps what the reports have shown of it; the outages of the others end."),
        replace,
    );
}

/// A limit, and what the reports so far have shown of it.
#[derive(Serialize, ToSchema)]
#[schema(as = MetricLimit, examples(json!({
    "metric": "disk", "above": 90, "below": null, "changes": false, "for_seconds": 300, "severity": "warning",
    "exceeded_reason": "disk / at 93.1 %, above 90 % for 5 min", "beyond_since": "2026-01-31T12:00:00Z",
})))]
struct LimitView {
    metric: String,
    /// Exceeded while the number is above this one. Null: it is another kind of limit.
    #[schema(required)]
    above: Option<f64>,
    /// Exceeded while the number is below this one. Null: it is another kind of limit.
    #[schema(required)]
    below: Option<f64>,
    /// Exceeded when the number is another one than in the report before.
    changes: bool,
    /// How long the number must be beyond the limit; of `changes`, how long it must stay the same until the limit is met again.
    for_seconds: u64,
    /// What the server is in while the limit is exceeded: `warning`, or `outage`, which makes it offline.
    severity: SeverityWord,
    /// Why it is exceeded, as a sentence. Null: it is met.
    #[schema(required)]
    exceeded_reason: Option<String>,
    /// The first of the reports in a row that are beyond it; of `changes`, the latest change.
    #[schema(required)]
    beyond_since: Option<DateTime>,
}

impl From<StoredLimit> for LimitView {
    fn from(stored: StoredLimit) -> Self {
        let StoredLimit {
            limit, progress, ..
        } = stored;
        let (kind, bound) = (limit.condition.kind(), limit.condition.bound());
        Self {
            metric: limit.metric.as_str().to_owned(),
            above: bound.filter(|_| kind == ConditionKind::Above),
            below: bound.filter(|_| kind == ConditionKind::Below),
            changes: kind == ConditionKind::Changes,
            for_seconds: limit.hold_seconds(),
            severity: Word(limit.severity),
            exceeded_reason: progress.exceeded,
            beyond_since: progress.beyond_since.map(date_time),
        }
    }
}

/// All limits of a server, by metric.
#[derive(Serialize, ToSchema)]
struct LimitList {
    limits: Vec<LimitView>,
}

async fn list(
    caller: ReaderOf<OfServer>,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
) -> Result<Json<LimitList>, Problem> {
    readable(&caller, id)?;
    view(&app, &caller, id).await.map(Json)
}

async fn view(app: &HttpState, caller: &Caller, id: MonitorId) -> Result<LimitList, Problem> {
    let limits = metric_limits::list(&app.store.reader, caller.requester(), id).await?;
    Ok(LimitList {
        limits: limits.into_iter().map(LimitView::from).collect(),
    })
}

/// The limits that a server is to have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "limits": [
    { "metric": "disk", "above": 90 },
    { "metric": "metrics.queue", "above": 500, "for_seconds": 600, "severity": "outage" },
    { "metric": "metrics.raid_disks", "changes": true },
] })))]
struct ReplaceLimits {
    limits: RequestedLimits,
}

/// At most 20 limits, of which no two have the same metric and the same kind of condition.
struct RequestedLimits(Vec<MetricLimit>);

impl<'de> Deserialize<'de> for RequestedLimits {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let requested = Vec::<RequestedLimit>::deserialize(from)?;
        if requested.len() > MOST_LIMITS {
            return Err(D::Error::custom(format!(
                "must have at most {MOST_LIMITS} limits"
            )));
        }
        let limits: Vec<MetricLimit> = requested.into_iter().map(|one| one.0).collect();
        let mut known = HashSet::new();
        for limit in &limits {
            let (metric, kind) = (limit.metric.as_str(), limit.condition.kind());
            if !known.insert((metric, kind)) {
                return Err(D::Error::custom(format!(
                    "must have at most one limit with `{}` for the metric `{metric}`",
                    kind.as_str()
                )));
            }
        }
        Ok(Self(limits))
    }
}

impl PartialSchema for RequestedLimits {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(RequestedLimit::schema())
            .max_items(Some(MOST_LIMITS))
            .unique_items(true)
            .description(Some("No two limits have the same metric and the same one of `above`, `below` and `changes`."))
            .into()
    }
}

impl ToSchema for RequestedLimits {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("RequestedLimits")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        LimitFields::schemas(schemas);
    }
}

/// A limit that is to be set.
#[derive(Deserialize)]
#[serde(try_from = "LimitFields")]
struct RequestedLimit(MetricLimit);

/// Its fields, of which one of `above`, `below` and `changes` says when it is exceeded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LimitFields {
    metric: MetricText,
    above: Option<f64>,
    below: Option<f64>,
    changes: Option<bool>,
    /// Default: 300. With 0, one report is enough.
    #[schema(inline)]
    for_seconds: Option<Seconds>,
    /// Default: `warning`.
    severity: Option<SeverityWord>,
}

/// Up to 24 hours.
type Seconds = Bounded<0, 86_400>;

impl TryFrom<LimitFields> for RequestedLimit {
    type Error = String;

    fn try_from(fields: LimitFields) -> Result<Self, String> {
        let changes = fields.changes == Some(true);
        let (kind, bound) = match (fields.above, fields.below, changes) {
            (Some(bound), None, false) => (ConditionKind::Above, Some(bound)),
            (None, Some(bound), false) => (ConditionKind::Below, Some(bound)),
            (None, None, true) => (ConditionKind::Changes, None),
            _ => {
                return Err("a limit needs exactly one of `above`, `below` and `changes`. Example: `{\"metric\":\"disk\",\"above\":90}`".to_owned());
            }
        };
        let hold = fields.for_seconds.map(|seconds| u64::from(seconds.get()));
        Ok(Self(MetricLimit {
            metric: fields.metric.0,
            condition: Condition::new(kind, bound).map_err(|error| error.to_string())?,
            hold: hold.map_or(DEFAULT_HOLD, Duration::from_secs),
            severity: fields.severity.map(|word| word.0).unwrap_or_default(),
        }))
    }
}

impl PartialSchema for RequestedLimit {
    fn schema() -> RefOr<Schema> {
        let conditions = ConditionKind::ALL.iter().map(|kind| only(*kind));
        let conditions = conditions.fold(OneOfBuilder::new(), OneOfBuilder::item);
        AllOfBuilder::new()
            .item(LimitFields::schema())
            .item(conditions)
            .examples([json!({ "metric": "disk", "above": 90 })])
            .into()
    }
}

/// That the limit has this condition, and no other one.
fn only(wanted: ConditionKind) -> Schema {
    let fields = ConditionKind::ALL.iter().map(|kind| {
        let schema = match (*kind, *kind == wanted) {
            (ConditionKind::Changes, is_wanted) => {
                let values: &[_] = match is_wanted {
                    true => &[json!(true)],
                    false => &[json!(false), json!(null)],
                };
                ObjectBuilder::new()
                    .schema_type(SchemaType::AnyValue)
                    .enum_values(Some(values.to_vec()))
            }
            (_, true) => ObjectBuilder::new().schema_type(Type::Number),
            (_, false) => ObjectBuilder::new().schema_type(Type::Null),
        };
        (kind.as_str(), schema)
    });
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .required(wanted.as_str());
    let object = fields.fold(object, |object, (name, schema)| {
        object.property(name, schema)
    });
    object.into()
}

async fn replace(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
    InBody(body): InBody<ReplaceLimits>,
) -> Result<Json<LimitList>, Problem> {
    let (requester, now) = (admin.requester(), app.clock.now());
    let edit = LimitEdit::Replace(body.limits.0);
    metric_limits::edit(&app.store, requester, id, edit, now).await?;
    view(&app, &admin, id).await.map(Json)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::domain::servers::metric_limit::Severity;

    fn read(limits: &Value) -> Result<Vec<MetricLimit>, String> {
        let read = serde_json::from_value::<ReplaceLimits>(json!({ "limits": limits }));
        let read = read.map(|body| body.limits.0);
        read.map_err(|error| error.to_string())
    }

    /// Whether a limit is valid by its schema, whose references lead to the components.
    fn is_valid(limit: &Value) -> bool {
        let (_, document) = crate::http::api::routes().finish();
        let document: Value = serde_json::from_str(&document).unwrap();
        let mut schema = document["components"]["schemas"]["RequestedLimits"].clone();
        assert!(schema.is_object());
        schema["components"] = document["components"].clone();
        jsonschema::is_valid(&schema, &json!([limit]))
    }

    fn accepted() -> Vec<Value> {
        vec![
            json!({ "metric": "disk", "above": 90 }),
            json!({ "metric": "disk", "above": -0.5, "below": null, "changes": false }),
            json!({ "metric": "disk", "below": 1e300, "changes": null }),
            json!({ "metric": "disk", "changes": true, "above": null }),
            json!({ "metric": "disk", "changes": true, "severity": "outage", "for_seconds": 0 }),
            json!({ "metric": "disk", "above": 1, "for_seconds": 86_400 }),
            json!({ "metric": "disk", "above": 1, "for_seconds": null, "severity": null }),
            json!({ "metric": "x".repeat(128), "above": 1 }),
        ]
    }

    fn refused() -> Vec<Value> {
        vec![
            json!({ "metric": "x".repeat(129), "above": 1 }),
            json!({ "metric": "disk", "above": 1, "for_seconds": 86_401 }),
            json!({ "metric": "disk", "above": 1, "for_seconds": -1 }),
            json!({ "metric": "disk", "above": 1, "for_seconds": 1.5 }),
            json!({ "metric": "disk", "above": 1, "severity": "critical" }),
            json!({ "metric": "disk", "above": 1, "below": 2 }),
            json!({ "metric": "disk", "above": 1, "changes": true }),
            json!({ "metric": "disk", "changes": false }),
            json!({ "metric": "disk", "above": null }),
            json!({ "metric": "disk", "above": "90" }),
            json!({ "metric": "disk" }),
            json!({ "metric": "a*b*", "above": 1 }),
            json!({ "metric": "", "above": 1 }),
            json!({ "above": 1 }),
            json!({ "metric": "disk", "above": 1, "color": 1 }),
            json!(null),
        ]
    }

    #[test]
    fn a_limit_is_accepted_exactly_if_it_is_valid_by_its_schema() {
        for (limits, expected) in [(accepted(), true), (refused(), false)] {
            for limit in limits {
                assert_eq!(read(&json!([limit])).is_ok(), expected, "{limit}");
                assert_eq!(is_valid(&limit), expected, "{limit}");
            }
        }
    }

    #[test]
    fn a_limit_waits_5_minutes_and_is_a_warning_by_default() {
        let read = read(&json!([{ "metric": " disk ", "above": 90 }])).unwrap();
        let expected = MetricLimit {
            metric: "disk".parse().unwrap(),
            condition: Condition::Above(90.0),
            hold: Duration::from_secs(300),
            severity: Severity::Warning,
        };
        assert_eq!(read, [expected]);
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        let limit = |metric: usize| json!({ "metric": format!("metrics.{metric}"), "above": 1 });
        let many = |count: usize| Value::Array((0..count).map(limit).collect());
        assert_eq!(read(&many(20)).unwrap().len(), 20);
        for (limits, sentence) in [
            (many(21), "at most 20 limits"),
            (
                json!([{ "metric": "disk", "above": 90 }, { "metric": " disk", "above": 95 }]),
                "at most one limit with `above` for the metric `disk`",
            ),
            (
                json!([{ "metric": "disk" }]),
                "exactly one of `above`, `below` and `changes`",
            ),
            (
                json!([{ "metric": "disk", "above": 1, "for_seconds": 86_401 }]),
                "0 to 86400",
            ),
            (json!([{ "metric": "**", "above": 1 }]), "at most one `*`"),
        ] {
            let error = read(&limits).unwrap_err();
            assert!(error.contains(sentence), "{limits}: {error}");
        }
        let both = json!([
            { "metric": "disk", "above": 90 }, { "metric": "disk", "below": 5 }, { "metric": "disk", "changes": true },
        ]);
        assert_eq!(read(&both).unwrap().len(), 3);
    }
}

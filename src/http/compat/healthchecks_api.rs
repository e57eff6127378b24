//! The part of Healthchecks' management API (version 3) that reads, for dashboards: a check is a device.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde::Serialize;

use super::check_view::{CheckContext, CheckList, CheckView, FlipList, PingList};
use crate::actions::Requester;
use crate::domain::Timestamp;
use crate::domain::devices::device::DeviceUuid;
use crate::domain::event::Actor;
use crate::domain::key::KeyKind;
use crate::domain::monitor::MonitorId;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::{Peer, RateSubject, ReadTurn, valid_key};
use crate::http::json_response::json_response;
use crate::store::api_key::StoredKey;
use crate::store::devices::device::{self, Device};
use crate::store::devices::device_log::{self, PingSummary};
use crate::store::{StoreError, event};

/// Checks in one response; Healthchecks has no pages, so further ones need a filter.
const MOST_CHECKS: usize = 1_000;

/// Pings in one response; as many as Healthchecks keeps for a free account.
const MOST_PINGS: u32 = 100;

/// Flips in one response.
const MOST_FLIPS: u32 = 1_000;

/// The latest time that a filter of flips may have, in Unix seconds: in the year 2286.
const LATEST: i64 = 10_000_000_000;

/// The longest period that a filter of flips may have, in seconds: a year.
const LONGEST_PERIOD: u64 = 31_536_000;

/// The versions of the API, which differ in what Rollcall does not have; some dashboards still ask for the first one.
const VERSIONS: [&str; 3] = ["v1", "v2", "v3"];

/// Every route, with and without a slash at the end.
pub(in crate::http) fn routes() -> Router<HttpState> {
    let handlers: [(&str, MethodRouter<HttpState>); 4] = [
        ("", get(list)),
        ("/{uuid}", get(show)),
        ("/{uuid}/pings", get(pings)),
        ("/{uuid}/flips", get(flips)),
    ];
    let mut router = Router::new();
    for version in VERSIONS {
        for (path, handler) in &handlers {
            let path = format!("/api/{version}/checks{path}");
            router = router
                .route(&format!("{path}/"), handler.clone())
                .route(&path, handler.clone());
        }
    }
    router
}

/// `GET /checks/`, filtered by `?slug=` and by every `?tag=`.
async fn list(
    State(app): State<HttpState>,
    reader: ChecksReader,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, ApiRefusal> {
    let filter = CheckFilter::new(query);
    let mut devices = device::list(&app.store.reader, reader.key.guild_id).await?;
    devices.retain(|device| filter.passes(device));
    devices.truncate(MOST_CHECKS);
    let contexts = Contexts::of(&app, &devices).await?;
    let address = reader.address(&app, &headers);
    let checks = devices
        .iter()
        .map(|device| CheckView::new(device, contexts.of_device(device.id), address.as_deref()));
    Ok(json_response(
        StatusCode::OK,
        &CheckList {
            checks: checks.collect(),
        },
    ))
}

/// `GET /checks/{uuid}`.
async fn show(
    State(app): State<HttpState>,
    reader: ChecksReader,
    headers: HeaderMap,
    Path(uuid): Path<String>,
) -> Result<Response, ApiRefusal> {
    let device = reader.device(&app, &uuid).await?;
    let contexts = Contexts::of(&app, std::slice::from_ref(&device)).await?;
    let address = reader.address(&app, &headers);
    let context = contexts.of_device(device.id);
    Ok(json_response(
        StatusCode::OK,
        &CheckView::new(&device, context, address.as_deref()),
    ))
}

/// `GET /checks/{uuid}/pings/`, newest first.
async fn pings(
    State(app): State<HttpState>,
    reader: ChecksReader,
    Path(uuid): Path<String>,
) -> Result<Response, ApiRefusal> {
    let device = reader.device(&app, &uuid).await?;
    let lines = device_log::latest_pings(&app.store.reader, device.id, MOST_PINGS).await?;
    Ok(json_response(
        StatusCode::OK,
        &PingList {
            pings: lines.into_iter().map(Into::into).collect(),
        },
    ))
}

/// `GET /checks/{uuid}/flips/`, newest first, filtered by `?start=`, `?end=` and `?seconds=`.
async fn flips(
    State(app): State<HttpState>,
    reader: ChecksReader,
    Path(uuid): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, ApiRefusal> {
    let device = reader.device(&app, &uuid).await?;
    let period = FlipPeriod::new(query, app.clock.now()).ok_or(ApiRefusal::Query)?;
    let requester = Requester {
        guild: reader.key.guild_id,
        actor: Actor::Key(reader.key.id),
    };
    let flips = event::device_flips(
        &app.store.reader,
        requester.monitor(device.id),
        period.start,
        period.end,
        MOST_FLIPS,
    )
    .await?;
    Ok(json_response(
        StatusCode::OK,
        &FlipList {
            flips: flips.into_iter().map(Into::into).collect(),
        },
    ))
}

/// Which checks to list.
#[derive(Debug, Default, PartialEq, Eq)]
struct CheckFilter {
    tags: Vec<String>,
    slug: Option<String>,
}

impl CheckFilter {
    fn new(query: Vec<(String, String)>) -> Self {
        let mut filter = Self::default();
        for (name, value) in query {
            match name.as_str() {
                "tag" => filter.tags.push(value),
                "slug" => filter.slug = Some(value).filter(|slug| !slug.is_empty()),
                _ => {}
            }
        }
        filter
    }

    /// Healthchecks separates tags by spaces, so the words of a group are tags.
    fn passes(&self, device: &Device) -> bool {
        let slug = device.slug.as_ref().map(|slug| slug.as_str());
        let group = device.group.as_deref().unwrap_or_default();
        let has = |tag: &String| group == tag || group.split_whitespace().any(|word| word == tag);
        (self.slug.is_none() || self.slug.as_deref() == slug) && self.tags.iter().all(has)
    }
}

/// The period of the flips to list.
#[derive(Debug, PartialEq, Eq)]
struct FlipPeriod {
    start: Timestamp,
    end: Timestamp,
}

impl FlipPeriod {
    /// `None` if a value is not a number within its limits. As in Healthchecks, 0 seconds are no limit.
    fn new(query: Vec<(String, String)>, now: Timestamp) -> Option<Self> {
        let moment = |text: &str| {
            let seconds: i64 = text.parse().ok()?;
            (0..=LATEST)
                .contains(&seconds)
                .then(|| Timestamp::from_millis(seconds * 1000))
        };
        let mut period = Self {
            start: Timestamp::from_millis(0),
            end: Timestamp::from_millis(i64::MAX),
        };
        let mut seconds = 0;
        for (name, value) in query {
            match name.as_str() {
                "start" => period.start = moment(&value)?,
                "end" => period.end = moment(&value)?,
                "seconds" if value.is_empty() => {}
                "seconds" => seconds = value.parse().ok().filter(|of| *of <= LONGEST_PERIOD)?,
                _ => {}
            }
        }
        if seconds > 0 {
            period.start = period.start.max(now.minus(Duration::from_secs(seconds)));
        }
        Some(period)
    }
}

/// What checks show beside their devices, with one query for each table.
struct Contexts {
    pings: HashMap<MonitorId, PingSummary>,
    running: HashSet<MonitorId>,
    default_threshold: Duration,
    now: Timestamp,
}

impl Contexts {
    async fn of(app: &HttpState, devices: &[Device]) -> Result<Self, StoreError> {
        let ids: Vec<MonitorId> = devices.iter().map(|device| device.id).collect();
        Ok(Self {
            pings: device_log::ping_summaries(&app.store.reader, &ids).await?,
            running: device_log::running(&app.store.reader, &ids).await?,
            default_threshold: app.device_threshold,
            now: app.clock.now(),
        })
    }

    fn of_device(&self, id: MonitorId) -> CheckContext {
        CheckContext {
            pings: self.pings.get(&id).copied().unwrap_or_default(),
            is_running: self.running.contains(&id),
            default_threshold: self.default_threshold,
            now: self.now,
        }
    }
}

/// A caller with a read or an admin key in the header `X-Api-Key`.
struct ChecksReader {
    key: StoredKey,
    _turn: ReadTurn,
}

impl FromRequestParts<HttpState> for ChecksReader {
    type Rejection = ApiRefusal;

    async fn from_request_parts(parts: &mut Parts, app: &HttpState) -> Result<Self, ApiRefusal> {
        let Ok(peer) = Peer::from_request_parts(parts, app).await;
        let refuse = |text| match app
            .limits
            .unauthenticated
            .take(RateSubject::Address, peer.number())
        {
            Ok(()) => ApiRefusal::Key(text),
            Err(problem) => ApiRefusal::Problem(problem),
        };
        let header = parts.headers.get("x-api-key");
        let Some(text) = header.and_then(|value| value.to_str().ok()) else {
            return Err(refuse("missing api key"));
        };
        let key = valid_key(app, peer, text).await?;
        let key = key.filter(|key| matches!(key.kind, KeyKind::Read | KeyKind::Admin));
        let key = key.ok_or_else(|| refuse("wrong api key"))?;
        // The same limit as in `/api/v1`.
        let mut hasher = DefaultHasher::new();
        key.id.hash(&mut hasher);
        app.limits
            .authenticated
            .take(RateSubject::Key, hasher.finish())?;
        let turn = app.read_turns.take(key.guild_id).await?;
        Ok(Self { key, _turn: turn })
    }
}

impl ChecksReader {
    /// A device of the key's guild.
    async fn device(&self, app: &HttpState, uuid: &str) -> Result<Device, ApiRefusal> {
        let uuid = DeviceUuid::parse(uuid).map_err(|_| ApiRefusal::NotFound)?;
        let device = device::get(&app.store.reader, self.key.guild_id, &uuid).await?;
        device.ok_or(ApiRefusal::NotFound)
    }

    /// The address of this server for the URL of pings, which Healthchecks shows only to keys that may write: that of the
    /// settings, or else as the caller knows it.
    fn address(&self, app: &HttpState, headers: &HeaderMap) -> Option<String> {
        if self.key.kind != KeyKind::Admin {
            return None;
        }
        if let Some(address) = &app.public_url {
            return Some(address.to_string());
        }
        let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let scheme = match value("x-forwarded-proto") {
            Some("https") => "https",
            _ => "http",
        };
        let host = value(header::HOST.as_str())?;
        Some(format!("{scheme}://{host}"))
    }
}

/// Why a request was refused, as JSON with the key `error`.
enum ApiRefusal {
    Key(&'static str),
    NotFound,
    /// A parameter of the query is not valid.
    Query,
    Problem(Problem),
}

impl From<Problem> for ApiRefusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for ApiRefusal {
    fn from(error: StoreError) -> Self {
        Self::Problem(error.into())
    }
}

#[derive(Serialize)]
struct ErrorView<'a> {
    error: &'a str,
}

impl IntoResponse for ApiRefusal {
    fn into_response(self) -> Response {
        let refuse = |status, error| json_response(status, &ErrorView { error });
        match self {
            Self::Key(error) => refuse(StatusCode::UNAUTHORIZED, error),
            Self::NotFound => refuse(StatusCode::NOT_FOUND, "not found"),
            Self::Query => refuse(StatusCode::BAD_REQUEST, "invalid query"),
            Self::Problem(problem) => {
                let error = ErrorView {
                    error: problem.detail(),
                };
                let body = json_response(StatusCode::OK, &error).into_body();
                with_body(problem.into_response(), body)
            }
        }
    }
}

/// Replaces the body of a response, and keeps its status and its other headers.
fn with_body(mut response: Response, body: Body) -> Response {
    *response.body_mut() = body;
    let kind = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::devices::slug::Slug;
    use crate::domain::discord_id::GuildId;
    use crate::domain::status::Status;

    const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

    fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = query.iter().copied();
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn checks_are_filtered_by_slug_and_by_all_tags() {
        let device = |slug, group: Option<&str>| Device {
            id: MonitorId(1),
            guild_id: GuildId(1),
            uuid: DeviceUuid::from_random([1; 16]),
            name: "x".into(),
            device_type: None,
            status: Status::Online,
            since: NOW,
            is_active: true,
            last_seen_at: None,
            failure: None,
            threshold: None,
            created_at: NOW,
            slug: Slug::parse(slug).ok(),
            group: group.map(str::to_owned),
        };
        for (query, slug, group, passes) in [
            (&[][..], "", None, true),
            (&[("slug", "a")], "a", None, true),
            (&[("slug", "a")], "b", None, false),
            (&[("slug", "a")], "", None, false),
            (&[("slug", "")], "b", None, true),
            (&[("tag", "web")], "a", Some("web"), true),
            (&[("tag", "web")], "a", Some("web shop"), true),
            (&[("tag", "web shop")], "a", Some("web shop"), true),
            (&[("tag", "we")], "a", Some("web"), false),
            (&[("tag", "web")], "a", None, false),
            (
                &[("tag", "web"), ("tag", "shop")],
                "a",
                Some("web shop"),
                true,
            ),
            (
                &[("tag", "web"), ("tag", "db")],
                "a",
                Some("web shop"),
                false,
            ),
            (&[("tag", "web"), ("slug", "a")], "b", Some("web"), false),
        ] {
            let found = CheckFilter::new(pairs(query)).passes(&device(slug, group));
            assert_eq!(found, passes, "{query:?} {slug} {group:?}");
        }
    }

    #[test]
    fn the_period_of_flips_has_limits() {
        let period = |query: &[(&str, &str)]| {
            let found = FlipPeriod::new(pairs(query), NOW);
            found.map(|period| (period.start.seconds(), period.end.millis()))
        };
        let open = i64::MAX;
        for (query, expected) in [
            (&[][..], Some((0, open))),
            (&[("start", "10"), ("end", "20")], Some((10, 20_000))),
            (
                &[("start", "0"), ("end", "10000000000")],
                Some((0, 10_000_000_000_000)),
            ),
            (&[("seconds", "60")], Some((NOW.seconds() - 60, open))),
            (
                &[("seconds", "31536000")],
                Some((NOW.seconds() - 31_536_000, open)),
            ),
            (&[("seconds", "0")], Some((0, open))),
            (&[("seconds", "")], Some((0, open))),
            (
                &[("start", "1769860790"), ("seconds", "60")],
                Some((1_769_860_790, open)),
            ),
            (&[("other", "x")], Some((0, open))),
            (&[("start", "-1")], None),
            (&[("start", "10000000001")], None),
            (&[("end", "soon")], None),
            (&[("seconds", "-1")], None),
            (&[("seconds", "31536001")], None),
        ] {
            assert_eq!(period(query), expected, "{query:?}");
        }
    }
}

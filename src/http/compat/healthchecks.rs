//! Pings as in Healthchecks: by the UUID of a device, or by a ping key and the slug of a device.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use super::{PingRefusal, PingedDevice, pinged, record, unknown};
use crate::actions::Requester;
use crate::actions::devices::check_in::CheckInError;
use crate::actions::devices::manage_device;
use crate::domain::devices::kept_body::{KEPT_BODY, KeptBody};
use crate::domain::devices::ping::{Ping, parse_run};
use crate::domain::devices::ping_url::{PingPath, PingTarget};
use crate::domain::devices::slug::Slug;
use crate::domain::event::Actor;
use crate::domain::key::KeyKind;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::{Peer, RateSubject, valid_key};
use crate::store::api_key::StoredKey;
use crate::store::devices::device;

/// The time a body has to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum size of a body, in bytes. Bytes beyond `KEPT_BODY` are discarded, not refused: the log of a run may be long,
/// and its ping counts anyway.
const LONGEST_BODY: usize = 1024 * 1024;

/// `GET|HEAD|POST /ping/{uuid}` and `/ping/{key}/{slug}`, each with `/{start|success|fail|log|exit status}` for other signals
/// than success.
pub(in crate::http) async fn ping(
    State(app): State<HttpState>,
    peer: Peer,
    Path(path): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    body: Body,
) -> Response {
    let answered = take(&app, peer, PingUrl::parse(&path, query), body).await;
    answered.unwrap_or_else(PingRefusal::into_text_response)
}

impl PingRefusal {
    /// A response of one line of text, which clients log.
    fn into_text_response(self) -> Response {
        match self {
            Self::Refused(status, text) => plain(status, text),
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

/// What the URL of a ping says.
#[derive(Debug, PartialEq, Eq)]
struct PingUrl {
    path: PingPath,
    /// The id of the run, so that runs may overlap; empty if there is none.
    run: String,
    /// Whether to add a device for an unknown slug.
    may_add: bool,
}

impl PingUrl {
    /// Of repeated parameters, the last one counts, as in Healthchecks.
    fn parse(path: &str, query: Vec<(String, String)>) -> Result<Self, PingRefusal> {
        let wrong = |text| PingRefusal::Refused(StatusCode::BAD_REQUEST, text);
        let path = PingPath::parse(path).ok_or(wrong("invalid url format"))?;
        let (mut run, mut may_add) = (String::new(), false);
        for (name, value) in query {
            match name.as_str() {
                "rid" => run = parse_run(&value).map_err(|_| wrong("invalid uuid format"))?,
                "create" => may_add = value == "1",
                _ => {}
            }
        }
        Ok(Self { path, run, may_add })
    }
}

/// The device for a ping by slug.
enum SlugLookup {
    Known(PingedDevice),
    /// It is to be added.
    Missing(StoredKey),
}

async fn take(
    app: &HttpState,
    peer: Peer,
    url: Result<PingUrl, PingRefusal>,
    body: Body,
) -> Result<Response, PingRefusal> {
    let PingUrl { path, run, may_add } = url?;
    let signal = path.signal;
    let ping = async |body| {
        let (message, last_line) = read(body).await?.finish();
        Ok::<_, PingRefusal>(Ping {
            signal,
            run,
            message,
            last_line,
            run_time: None,
        })
    };
    let (key, slug) = match path.target {
        PingTarget::Uuid(uuid) => {
            let device = pinged(app, peer, &uuid).await?;
            let device = device.ok_or_else(|| unknown(app, peer))?;
            record(app, device.into(), ping(body).await?).await?;
            return Ok(plain(StatusCode::OK, "OK"));
        }
        PingTarget::Slug { key, slug } => (key, slug),
    };
    match look_up(app, peer, &key, &slug, may_add).await? {
        SlugLookup::Known(device) => {
            record(app, device, ping(body).await?).await?;
            Ok(plain(StatusCode::OK, "OK"))
        }
        SlugLookup::Missing(key) => {
            // First, so that a ping that is refused adds no device.
            let ping = ping(body).await?;
            let (device, is_new) = add(app, &key, slug).await?;
            record(app, device, ping).await?;
            Ok(match is_new {
                true => plain(StatusCode::CREATED, "Created"),
                false => plain(StatusCode::OK, "OK"),
            })
        }
    }
}

/// Finds the device with a slug in the guild of a ping key.
async fn look_up(
    app: &HttpState,
    peer: Peer,
    key: &str,
    slug: &Slug,
    may_add: bool,
) -> Result<SlugLookup, PingRefusal> {
    let key = valid_key(app, peer, key).await?;
    let key = key.filter(|key| key.kind == KeyKind::Ping);
    let key = key.ok_or_else(|| unknown(app, peer))?;
    let credential = (key.guild_id, slug.as_str());
    let credential = app.known_callers.credential("slug", credential);
    let query = async {
        let found = device::with_slug(&app.store.reader, key.guild_id, slug).await?;
        Ok::<_, PingRefusal>(Some(found).filter(|found| !found.is_empty()))
    };
    let found = peer.look_up(app, credential, query).await?;
    let mut found = found.unwrap_or_default();
    match (found.pop(), found.is_empty()) {
        (Some(device), true) => Ok(SlugLookup::Known(device.into())),
        (Some(_), false) => {
            limit_misses(app, &key)?;
            Err(PingRefusal::Refused(StatusCode::CONFLICT, "ambiguous slug"))
        }
        (None, _) => {
            limit_misses(app, &key)?;
            match may_add {
                true => Ok(SlugLookup::Missing(key)),
                false => Err(PingRefusal::Refused(StatusCode::NOT_FOUND, "not found")),
            }
        }
    }
}

/// Limits the pings with a valid key that name no device, so that slugs cannot be guessed and devices cannot be added quickly.
fn limit_misses(app: &HttpState, key: &StoredKey) -> Result<(), Problem> {
    let mut hasher = DefaultHasher::new();
    key.id.hash(&mut hasher);
    app.limits
        .unauthenticated
        .take(RateSubject::PingKey, hasher.finish())
}

/// Adds the device for a slug, unless another ping has just added it; also returns whether it is new.
async fn add(
    app: &HttpState,
    key: &StoredKey,
    slug: Slug,
) -> Result<(PingedDevice, bool), PingRefusal> {
    let requester = Requester {
        guild: key.guild_id,
        actor: Actor::Key(key.id),
    };
    let now = app.clock.now();
    let added =
        manage_device::add_for_slug(&app.store, requester, slug, app.quota_devices, now).await;
    let added = added.map_err(|error| match error {
        CheckInError::Quota(_) => PingRefusal::Refused(
            StatusCode::FORBIDDEN,
            "this Discord server has reached its limit of devices",
        ),
        error => PingRefusal::Problem(error.into()),
    })?;
    let device = PingedDevice {
        guild: key.guild_id,
        uuid: added.uuid,
    };
    Ok((device, added.is_new))
}

/// Reads a body, and keeps at most `KEPT_BODY` bytes of it.
async fn read(body: Body) -> Result<KeptBody, Problem> {
    let reading = async {
        let (mut kept, mut seen) = (KeptBody::default(), 0);
        let mut chunks = body.into_data_stream();
        while let Some(Ok(chunk)) = chunks.next().await {
            seen += chunk.len();
            kept.push(&chunk);
            if seen > LONGEST_BODY {
                return Err(Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "the body of a ping must have at most 1 MiB",
                ));
            }
        }
        Ok(kept)
    };
    let late = |_| {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time",
        )
    };
    tokio::time::timeout(BODY_TIMEOUT, reading)
        .await
        .map_err(late)?
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let limit = KEPT_BODY.to_string();
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL.as_str(), "no-store"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN.as_str(), "*"),
        ("ping-body-limit", limit.as_str()),
    ];
    (status, headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f";

    fn parse(path: &str, query: &[(&str, &str)]) -> Result<PingUrl, (StatusCode, &'static str)> {
        let pairs = query
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        PingUrl::parse(path, pairs.collect()).map_err(|refusal| match refusal {
            PingRefusal::Refused(status, text) => (status, text),
            PingRefusal::Problem(problem) => panic!("{problem:?}"),
        })
    }

    #[test]
    fn the_query_has_the_run_and_whether_to_add_a_device() {
        let other = "00000000-0000-4000-8000-000000000000";
        for (query, run, may_add) in [
            (&[][..], "", false),
            (&[("rid", UUID)], UUID, false),
            (&[("rid", other), ("rid", UUID)], UUID, false),
            (&[("create", "1"), ("rid", UUID)], UUID, true),
            (&[("create", "true")], "", false),
            (&[("create", "")], "", false),
            (&[("create", "0"), ("create", "1")], "", true),
            (&[("other", "1")], "", false),
        ] {
            let url = parse("key/slug", query).unwrap();
            assert_eq!((url.run.as_str(), url.may_add), (run, may_add), "{query:?}");
        }
    }

    #[test]
    fn invalid_urls_are_refused_as_in_healthchecks() {
        let wrong = |text| Err((StatusCode::BAD_REQUEST, text));
        for path in ["key/Slug", "key", "key/slug/256"] {
            assert_eq!(parse(path, &[]), wrong("invalid url format"), "{path}");
        }
        let run = parse(UUID, &[("rid", "tuesday")]);
        assert_eq!(run, wrong("invalid uuid format"));
    }
}

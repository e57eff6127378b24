//! Calls to Discord's REST API: application and gateway lookup, command registration, messages. serenity's errors keep no
//! headers, so rate limits could not be obeyed through it.

mod body;
mod limited;
pub mod rate_limit;

use std::time::Duration;

use reqwest::{Method, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serenity::all as serenity;

use crate::reconnect::StartLimit;

pub use body::{AttachedFile, CallBody};
pub use limited::{LimitedRest, SendError};
use rate_limit::RouteLimit;

/// The time limit of a call.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest rate limit that is obeyed. None of Discord's limits lasts longer than a day.
const LONGEST_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// A REST client that authenticates with the bot's token. Its `Debug` output does not contain the token.
#[derive(Clone)]
pub struct Rest {
    client: reqwest::Client,
    origin: String,
    token: String,
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Rest({})", self.origin)
    }
}

/// Why a call failed. Contains no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestError {
    #[error("Discord rejected the token")]
    Unauthorized,
    #[error("Discord's rate limit is reached")]
    Limited { retry_after: Duration },
    #[error("Discord answered {0}")]
    Status(u16),
    #[error("cannot reach Discord: {0}")]
    Unreachable(&'static str),
    /// Discord may have received the call.
    #[error("no answer from Discord: {0}")]
    Unanswered(&'static str),
    #[error("Discord's response is invalid")]
    Unreadable,
}

/// The gateway's address, the number of shards and the session start limit.
#[derive(Debug)]
pub struct GatewayInfo {
    pub url: String,
    /// The number that Discord recommends.
    pub shards: u32,
    pub limit: StartLimit,
}

#[derive(Deserialize)]
struct GatewayBot {
    url: String,
    #[serde(default = "one")]
    shards: u32,
    session_start_limit: Option<SessionStartLimit>,
}

#[derive(Deserialize)]
struct SessionStartLimit {
    total: u32,
    remaining: u32,
    /// Milliseconds.
    reset_after: u64,
}

fn one() -> u32 {
    1
}

impl Rest {
    /// `client`: as `http_client` builds it. `origin`: `https://discord.com`, or a proxy.
    pub fn new(client: reqwest::Client, origin: &str, token: &str) -> Self {
        Self {
            client,
            origin: origin.to_owned(),
            token: token.to_owned(),
        }
    }

    /// Looks up the application's id, which command registration needs.
    pub async fn application(&self) -> Result<serenity::ApplicationId, RestError> {
        #[derive(Deserialize)]
        struct Application {
            id: serenity::ApplicationId,
        }
        let application: Application = self.get("/oauth2/applications/@me").await?;
        Ok(application.id)
    }

    pub async fn gateway(&self) -> Result<GatewayInfo, RestError> {
        let found: GatewayBot = match self.get("/gateway/bot").await {
            // Some proxies allow only `/gateway`.
            Err(RestError::Status(404)) => self.get("/gateway").await?,
            found => found?,
        };
        let limit = found.session_start_limit.unwrap_or(SessionStartLimit {
            total: 1000,
            remaining: 1000,
            reset_after: 24 * 3600 * 1000,
        });
        Ok(GatewayInfo {
            url: found.url,
            shards: found.shards.max(1),
            limit: StartLimit {
                total: limit.total,
                remaining: limit.remaining,
                reset_in: Duration::from_millis(limit.reset_after),
            },
        })
    }

    /// Replaces the commands at `path` and returns them as Discord registered them.
    pub async fn put_commands(
        &self,
        path: &str,
        commands: &[serenity::CreateCommand],
    ) -> Result<Vec<Value>, RestError> {
        let body = serde_json::to_value(commands).map_err(|_| RestError::Unreadable)?;
        self.call(Method::PUT, path, Some(body)).await
    }

    /// Asks whether the bot is in a guild.
    ///
    /// # Errors
    /// Discord did not say.
    pub async fn is_in_guild(&self, guild: u64) -> Result<bool, RestError> {
        match self.get::<Value>(&format!("/guilds/{guild}")).await {
            Ok(_) => Ok(true),
            Err(RestError::Status(403 | 404)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Asks whether Discord accepts the token.
    ///
    /// # Errors
    /// Discord did not say: it did not answer, or with another error than 401.
    pub async fn accepts_token(&self) -> Result<bool, RestError> {
        match self.get::<Value>("/users/@me").await {
            Ok(_) => Ok(true),
            Err(RestError::Unauthorized) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads an object of the API, such as `/channels/1`.
    ///
    /// # Errors
    /// Discord refused, or did not answer with such an object.
    pub async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, RestError> {
        self.get(path).await
    }

    /// Discord's own time, as the `Date` of a response: an HTTP date (RFC 9110, 5.6.7). `None` if the response has none.
    ///
    /// # Errors
    /// Discord did not answer.
    pub async fn date(&self) -> Result<Option<String>, RestError> {
        let url = format!("{}/api/v10/gateway", self.origin);
        let response = self.client.get(url).send().await;
        let response = response.map_err(|error| transport_error(&error))?;
        let date = response.headers().get(header::DATE);
        Ok(date.and_then(|date| date.to_str().ok()).map(str::to_owned))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, RestError> {
        self.call(Method::GET, path, None).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<T, RestError> {
        let sent = self.send(method, path, body.unwrap_or_default()).await;
        let sent = sent.map_err(|refusal| refusal.error)?;
        serde_json::from_value(sent.body).map_err(|_| RestError::Unreadable)
    }

    /// Sends one request, whatever the rate limits are; a `null` body is omitted.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: impl Into<CallBody>,
    ) -> Result<Sent, CallError> {
        let body = body.into();
        let url = format!("{}/api/v10{path}", self.origin);
        let mut request = self
            .client
            .request(method, url)
            .header(header::AUTHORIZATION, format!("Bot {}", self.token));
        if !body.files.is_empty() {
            request = request.multipart(body.form());
        } else if !body.json.is_null() {
            request = request.json(&body.json);
        }
        let response = request
            .send()
            .await
            .map_err(|error| transport_error(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body: Option<Value> = response.json().await.ok();
        let field = |name: &str| body.as_ref().and_then(|body| body.get(name)).cloned();
        let error = match status {
            status if status.is_success() => {
                let limit = route_limit(&headers);
                let body = match status {
                    StatusCode::NO_CONTENT => Value::Null,
                    _ => body.ok_or(RestError::Unreadable)?,
                };
                return Ok(Sent { body, limit });
            }
            StatusCode::UNAUTHORIZED => RestError::Unauthorized,
            StatusCode::TOO_MANY_REQUESTS => RestError::Limited {
                retry_after: retry_after(&headers),
            },
            status => RestError::Status(status.as_u16()),
        };
        Err(CallError {
            error,
            code: field("code").and_then(|code| code.as_u64()),
            is_global: headers
                .get("x-ratelimit-global")
                .is_some_and(|value| value == "true"),
        })
    }
}

/// The response to an accepted call.
#[derive(Debug)]
pub struct Sent {
    pub body: Value,
    /// The route's rate limit from the response headers.
    pub limit: Option<RouteLimit>,
}

/// A failed call.
#[derive(Debug)]
pub struct CallError {
    pub error: RestError,
    /// Discord's JSON error code.
    pub code: Option<u64>,
    /// Whether a rate limit is global.
    pub is_global: bool,
}

impl From<RestError> for CallError {
    fn from(error: RestError) -> Self {
        Self {
            error,
            code: None,
            is_global: false,
        }
    }
}

fn route_limit(headers: &header::HeaderMap) -> Option<RouteLimit> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("x-ratelimit-reset-after").filter(|seconds| *seconds >= 0.0)?;
    Some(RouteLimit {
        remaining: headers
            .get("x-ratelimit-remaining")?
            .to_str()
            .ok()?
            .trim()
            .parse()
            .ok()?,
        reset_after: Duration::try_from_secs_f64(seconds)
            .ok()?
            .min(LONGEST_LIMIT),
    })
}

/// The HTTP client for Discord, also used by serenity, whose own client has no time limit.
///
/// `product` names the program and its version in the user agent that Discord requires: `Name, 1.0`.
///
/// # Errors
/// `RestError::Unreachable` if TLS cannot be set up.
pub fn http_client(product: &str) -> Result<reqwest::Client, RestError> {
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .user_agent(format!("DiscordBot ({product})"))
        .build()
        .map_err(|_| RestError::Unreachable("no TLS"))
}

fn transport_error(error: &reqwest::Error) -> RestError {
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => RestError::Unreachable("timed out"),
        (true, false) => RestError::Unreachable(connect_error(error)),
        (false, true) => RestError::Unanswered("timed out"),
        (false, false) => RestError::Unanswered("the connection broke"),
    }
}

/// Why no connection was opened, as far as the causes of the error say.
fn connect_error(error: &reqwest::Error) -> &'static str {
    let first: &(dyn std::error::Error + 'static) = error;
    let causes = std::iter::successors(Some(first), |error| error.source());
    for cause in causes {
        let kind = cause
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind);
        match kind {
            Some(std::io::ErrorKind::ConnectionRefused) => return "connection refused",
            Some(std::io::ErrorKind::NetworkUnreachable) => return "the network is unreachable",
            _ => {}
        }
        if cause.to_string().contains("dns error") {
            return "its name does not resolve";
        }
    }
    "no connection"
}

/// The wait that a 429 response requests; one second if its header is missing or invalid.
fn retry_after(headers: &header::HeaderMap) -> Duration {
    let seconds = headers
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse::<f64>().ok())
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
        .unwrap_or(1.0);
    Duration::try_from_secs_f64(seconds)
        .unwrap_or(LONGEST_LIMIT)
        .min(LONGEST_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failed_connection_has_its_reason() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = closed.local_addr().unwrap().to_string();
        drop(closed);
        // No label of a name has 64 letters, so no name server is asked.
        let no_name = format!("{}.test", "a".repeat(64));
        for (host, expected) in [
            (address, "cannot reach Discord: connection refused"),
            (no_name, "cannot reach Discord: its name does not resolve"),
        ] {
            let client = http_client("Rollcall, 0").unwrap();
            let rest = Rest::new(client, &format!("http://{host}"), "x");
            let error = rest.application().await.unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn retry_after_is_parsed_in_seconds_and_bounded() {
        for (text, milliseconds) in [
            ("2", 2_000),
            ("0.5", 500),
            ("-1", 1_000),
            ("soon", 1_000),
            ("inf", 1_000),
            ("1e300", 86_400_000),
        ] {
            let mut headers = header::HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers).as_millis(), milliseconds, "{text}");
        }
        assert_eq!(
            retry_after(&header::HeaderMap::new()),
            Duration::from_secs(1)
        );
    }
}

//! Our own calls to Discord's REST API, beside serenity's: who we are, where the gateway is, which commands there are.
//! serenity's errors keep no headers, so a rate limit could not be obeyed through it.

use std::time::Duration;

use poise::serenity_prelude as serenity;
use reqwest::{Method, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::reconnect::StartLimit;
use crate::domain::send_limit::RouteLimit;

/// No call may take longer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest that a rate limit is believed to last: a day, as long as any of Discord's.
const LONGEST_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// A client for the calls that carry the bot's token, which its `Debug` does not show.
#[derive(Clone)]
pub(super) struct Rest {
    client: reqwest::Client,
    origin: String,
    token: String,
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Rest({})", self.origin)
    }
}

/// Why a call came to nothing; nothing in it shows the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RestError {
    #[error("Discord does not know the token")]
    Unauthorized,
    #[error("Discord asks for patience")]
    Limited { retry_after: Duration },
    #[error("Discord answered {0}")]
    Status(u16),
    #[error("Discord was not reached: {0}")]
    Unreachable(&'static str),
    #[error("Discord's answer could not be read")]
    Unreadable,
}

/// Where the gateway is, and how it is to be used.
#[derive(Debug)]
pub(super) struct GatewayInfo {
    pub url: String,
    /// As many as Discord recommends.
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
    pub(super) fn new(origin: &str, token: &str) -> Result<Self, RestError> {
        Ok(Self {
            client: http_client()?,
            origin: origin.to_owned(),
            token: token.to_owned(),
        })
    }

    /// The application's id, which slash commands are registered under.
    pub(super) async fn application(&self) -> Result<serenity::ApplicationId, RestError> {
        #[derive(Deserialize)]
        struct Application {
            id: serenity::ApplicationId,
        }
        let application: Application = self.get("/oauth2/applications/@me").await?;
        Ok(application.id)
    }

    pub(super) async fn gateway(&self) -> Result<GatewayInfo, RestError> {
        let found: GatewayBot = match self.get("/gateway/bot").await {
            // A proxy that lets only the plain address through.
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

    /// Replaces the commands at `path`, and gives them as Discord has registered them.
    pub(super) async fn put_commands(
        &self,
        path: &str,
        commands: &[serenity::CreateCommand],
    ) -> Result<Vec<Value>, RestError> {
        let body = serde_json::to_value(commands).map_err(|_| RestError::Unreadable)?;
        self.call(Method::PUT, path, Some(body)).await
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

    /// One call; `null` sends no body.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<Sent, Refusal> {
        let url = format!("{}/api/v10{path}", self.origin);
        let mut request = self
            .client
            .request(method, url)
            .header(header::AUTHORIZATION, format!("Bot {}", self.token));
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.map_err(|error| unreached(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body: Option<Value> = response.json().await.ok();
        let said = |name: &str| body.as_ref().and_then(|body| body.get(name)).cloned();
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
        Err(Refusal {
            error,
            code: said("code").and_then(|code| code.as_u64()),
            is_global: headers
                .get("x-ratelimit-global")
                .is_some_and(|value| value == "true"),
        })
    }
}

/// What came back from a call that was taken.
#[derive(Debug)]
pub(super) struct Sent {
    pub body: Value,
    /// What Discord said of the limit of this route.
    pub limit: Option<RouteLimit>,
}

/// A call that was not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    pub error: RestError,
    /// Discord's number for what was wrong.
    pub code: Option<u64>,
    /// Of a limit: whether it is one of everything.
    pub is_global: bool,
}

impl From<RestError> for Refusal {
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

/// The HTTP client for Discord, serenity's calls included: serenity itself would wait without a limit.
pub(super) fn http_client() -> Result<reqwest::Client, RestError> {
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .user_agent(concat!(
            "DiscordBot (Rollcall, ",
            env!("CARGO_PKG_VERSION"),
            ")"
        ))
        .build()
        .map_err(|_| RestError::Unreachable("no TLS"))
}

fn unreached(error: &reqwest::Error) -> RestError {
    RestError::Unreachable(if error.is_timeout() {
        "it took too long"
    } else {
        "no connection"
    })
}

/// The wait that a 429 asks for; a second where it asks for none that can be read.
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

    #[test]
    fn a_rate_limit_is_read_in_seconds_and_bounded() {
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

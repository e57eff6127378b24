//! Our own calls to Discord's REST API, beside serenity's: who we are, where the gateway is, which commands there are.
//! serenity's errors keep no headers, so a rate limit could not be obeyed through it.

use std::time::Duration;

use poise::serenity_prelude as serenity;
use reqwest::{Method, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::reconnect::StartLimit;

/// No call may take longer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest that a rate limit is believed to last: a day, as long as any of Discord's.
const LONGEST_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// A client for the calls that carry the bot's token.
#[derive(Clone)]
pub(super) struct Rest {
    client: reqwest::Client,
    origin: String,
    token: String,
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
pub(super) struct GatewayFacts {
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

    pub(super) async fn gateway(&self) -> Result<GatewayFacts, RestError> {
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
        Ok(GatewayFacts {
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
        let url = format!("{}/api/v10{path}", self.origin);
        let mut request = self
            .client
            .request(method, url)
            .header(header::AUTHORIZATION, format!("Bot {}", self.token));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.map_err(|error| unreached(&error))?;
        match response.status() {
            status if status.is_success() => {
                response.json().await.map_err(|_| RestError::Unreadable)
            }
            StatusCode::UNAUTHORIZED => Err(RestError::Unauthorized),
            StatusCode::TOO_MANY_REQUESTS => Err(RestError::Limited {
                retry_after: retry_after(response.headers()),
            }),
            status => Err(RestError::Status(status.as_u16())),
        }
    }
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

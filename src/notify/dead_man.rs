//! The outgoing dead-man ping: somebody outside expects a sign of life at regular times and raises the alarm without it.
//! The address is a secret: whoever has it can speak in our name.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The service may take so long to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where signs of life go. `Debug` does not show the address.
#[derive(Clone)]
pub struct Switch {
    client: reqwest::Client,
    url: Arc<str>,
    is_failing: Arc<AtomicBool>,
}

impl std::fmt::Debug for Switch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Switch")
    }
}

/// Why a sign of life did not arrive; nothing in it shows the address.
#[derive(Debug, thiserror::Error)]
pub enum PingError {
    #[error("HEALTHCHECK_PING_URL answered {0}")]
    Status(u16),
    #[error("HEALTHCHECK_PING_URL was not reached: {0}")]
    Unreachable(&'static str),
}

impl Switch {
    /// Fails only where TLS cannot be set up.
    pub fn new(url: &str) -> Result<Self, PingError> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .user_agent(concat!("Rollcall/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| PingError::Unreachable("TLS cannot be set up"))?;
        Ok(Self {
            client,
            url: url.into(),
            is_failing: Arc::default(),
        })
    }

    /// Sends one sign of life.
    pub async fn ping(&self) -> Result<(), PingError> {
        let response = self.client.get(&*self.url).send().await.map_err(|error| {
            PingError::Unreachable(if error.is_timeout() {
                "it took too long"
            } else {
                "no connection"
            })
        })?;
        let status = response.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(PingError::Status(status.as_u16()))
        }
    }

    /// Notes whether signs of life are failing now; true where that has just begun.
    pub fn begins_to_fail(&self, is_failing: bool) -> bool {
        let was_failing = self.is_failing.swap(is_failing, Ordering::Relaxed);
        is_failing && !was_failing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failing_is_news_once_in_a_row() {
        let switch = Switch::new("http://127.0.0.1:1/canary").unwrap();
        let news: Vec<bool> = [true, true, false, true]
            .map(|is_failing| switch.begins_to_fail(is_failing))
            .into();
        assert_eq!(news, [true, false, false, true]);
        assert!(!format!("{switch:?}").contains("canary"));
    }

    #[tokio::test]
    async fn an_address_that_does_not_answer_is_told_without_being_shown() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let switch = Switch::new(&format!("http://{address}/canary")).unwrap();
        let error = switch.ping().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "HEALTHCHECK_PING_URL was not reached: no connection"
        );
    }
}

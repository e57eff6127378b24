//! The outgoing dead-man ping: an external service expects a ping at regular times and raises an alarm without it. The URL
//! is a secret, because anyone who has it can ping in Rollcall's name.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Timeout of a ping.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends the pings. `Debug` does not show the URL.
#[derive(Clone)]
pub struct Switch {
    client: reqwest::Client,
    url: Arc<str>,
    is_failing: Arc<AtomicBool>,
    /// Why pings are withheld; empty: they are not.
    withheld_for: Arc<Mutex<String>>,
}

impl std::fmt::Debug for Switch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Switch")
    }
}

/// Why a ping failed. It never contains the URL.
#[derive(Debug, thiserror::Error)]
pub enum PingError {
    #[error("HEALTHCHECK_PING_URL answered {0}")]
    Status(u16),
    #[error("HEALTHCHECK_PING_URL could not be reached: {0}")]
    Unreachable(&'static str),
}

impl Switch {
    /// Fails only if TLS cannot be set up.
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
            withheld_for: Arc::default(),
        })
    }

    /// Sends one ping.
    pub async fn ping(&self) -> Result<(), PingError> {
        let response = self.client.get(&*self.url).send().await.map_err(|error| {
            PingError::Unreachable(if error.is_timeout() {
                "timed out"
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

    /// Records whether pings fail now; returns true if they have just started to fail.
    pub fn begins_to_fail(&self, is_failing: bool) -> bool {
        let was_failing = self.is_failing.swap(is_failing, Ordering::Relaxed);
        is_failing && !was_failing
    }

    /// Records why pings are withheld now (empty: they are not); returns true if that has changed.
    pub fn is_withheld_for(&self, reason: &str) -> bool {
        let mut known = self
            .withheld_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let has_changed = *known != reason;
        reason.clone_into(&mut known);
        has_changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_failure_in_a_row_is_reported() {
        let switch = Switch::new("http://127.0.0.1:1/canary").unwrap();
        let reported: Vec<bool> = [true, true, false, true]
            .map(|is_failing| switch.begins_to_fail(is_failing))
            .into();
        assert_eq!(reported, [true, false, false, true]);
        assert!(!format!("{switch:?}").contains("canary"));
    }

    #[test]
    fn each_reason_to_withhold_pings_is_reported_once() {
        let switch = Switch::new("http://127.0.0.1:1/").unwrap();
        let reported: Vec<bool> = ["", "writes", "writes", "writes, gateway", "", ""]
            .map(|reason| switch.is_withheld_for(reason))
            .into();
        assert_eq!(reported, [false, true, false, true, true, false]);
    }

    #[tokio::test]
    async fn an_unreachable_url_is_reported_without_showing_it() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let switch = Switch::new(&format!("http://{address}/canary")).unwrap();
        let error = switch.ping().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "HEALTHCHECK_PING_URL could not be reached: no connection"
        );
    }
}

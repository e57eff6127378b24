//! Delivers pings: tries again for a while, and says why a ping could not be delivered.

use std::time::Duration;

use reqwest::{StatusCode, Url};

use crate::cli::terminal::rollcall_client::{self, ServerAnswer};
use crate::clock::Stopwatch;

/// How long a ping is tried at most, from its first attempt.
pub(super) const LONGEST: Duration = Duration::from_secs(30);

/// The wait after the first attempt; it doubles after each.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// What a ping sends.
#[derive(Clone)]
pub(super) struct PingMessage {
    pub url: Url,
    pub body: Vec<u8>,
}

/// Delivers pings with one client.
#[derive(Clone)]
pub(super) struct PingSender(reqwest::Client);

/// What to do after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PingAttempt {
    Delivered,
    /// Another attempt would be refused, too.
    Refused(String),
    Again {
        reason: String,
        wait: Duration,
    },
}

impl PingSender {
    /// Fails only if TLS cannot be set up.
    pub(super) fn new() -> Result<Self, String> {
        rollcall_client::client().map(Self)
    }

    /// Delivers a ping within `LONGEST`. The error says why that was not possible; it does not show the URL.
    pub(super) async fn deliver(&self, message: PingMessage) -> Result<(), String> {
        let start = Stopwatch::start();
        let mut attempts = 0;
        loop {
            let left = LONGEST.saturating_sub(start.elapsed());
            let post = self.0.post(message.url.clone()).body(message.body.clone());
            let sent = tokio::time::timeout(left, rollcall_client::send(post));
            let answer = match sent.await {
                Ok(answer) => answer,
                Err(_) => Err("no answer".to_owned()),
            };
            match judge(answer, attempts) {
                PingAttempt::Delivered => return Ok(()),
                PingAttempt::Refused(reason) => return Err(reason),
                PingAttempt::Again { reason, wait } => {
                    if start.elapsed().saturating_add(wait) >= LONGEST {
                        return Err(reason);
                    }
                    tokio::time::sleep(wait).await;
                }
            }
            attempts += 1;
        }
    }
}

/// Decides what follows an answer, after this many attempts before it. A ping that Rollcall refuses now, it refuses again.
fn judge(answer: Result<ServerAnswer, String>, attempts: u32) -> PingAttempt {
    let own = FIRST_WAIT.saturating_mul(1 << attempts.min(8));
    let answer = match answer {
        Ok(answer) => answer,
        Err(reason) => return PingAttempt::Again { reason, wait: own },
    };
    let may_pass = answer.status.is_server_error()
        || matches!(
            answer.status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
        );
    if answer.status.is_success() {
        PingAttempt::Delivered
    } else if may_pass {
        PingAttempt::Again {
            reason: answer.sentence(),
            wait: own.max(answer.retry_after.unwrap_or_default()),
        }
    } else {
        PingAttempt::Refused(answer.sentence())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, retry_after: Option<u64>, attempts: u32) -> PingAttempt {
        let answer = ServerAnswer {
            status: StatusCode::from_u16(status).unwrap(),
            is_problem: false,
            detail: String::new(),
            retry_after: retry_after.map(Duration::from_secs),
        };
        judge(Ok(answer), attempts)
    }

    fn again(reason: &str, wait: u64) -> PingAttempt {
        PingAttempt::Again {
            reason: reason.into(),
            wait: Duration::from_secs(wait),
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again_after_growing_waits() {
        for (found, expected) in [
            (judged(200, None, 0), PingAttempt::Delivered),
            (judged(201, None, 0), PingAttempt::Delivered),
            (
                judged(404, None, 0),
                PingAttempt::Refused("404 Not Found".into()),
            ),
            (
                judged(403, None, 0),
                PingAttempt::Refused("403 Forbidden".into()),
            ),
            (
                judged(409, None, 0),
                PingAttempt::Refused("409 Conflict".into()),
            ),
            (judged(503, None, 0), again("503 Service Unavailable", 1)),
            (judged(503, None, 1), again("503 Service Unavailable", 2)),
            (judged(503, None, 4), again("503 Service Unavailable", 16)),
            (judged(408, None, 0), again("408 Request Timeout", 1)),
            (judged(429, Some(7), 0), again("429 Too Many Requests", 7)),
            (judged(429, Some(7), 3), again("429 Too Many Requests", 8)),
            (
                judge(Err("refused".into()), u32::MAX),
                again("refused", 256),
            ),
        ] {
            assert_eq!(found, expected);
        }
        let refused = judged(301, None, 0);
        assert!(matches!(refused, PingAttempt::Refused(_)), "{refused:?}");
    }
}

//! Sends the reports, and says what became of each.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use super::key_file::AgentKey;
use crate::cli::terminal::rollcall_client::{self, ServerAnswer};

/// Sends reports with one client, which keeps its connection.
pub(super) struct ReportSender {
    client: reqwest::Client,
    url: String,
    key: AgentKey,
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReportResult {
    Accepted,
    /// Another report with this key would be refused, too.
    KeyRefused(String),
    Failed {
        reason: String,
        retry_after: Option<Duration>,
    },
}

impl ReportSender {
    /// Fails only if TLS cannot be set up.
    pub(super) fn new(url: String, key: AgentKey) -> Result<Self, String> {
        let client = rollcall_client::client()?;
        Ok(Self { client, url, key })
    }

    pub(super) async fn send(&self, report: &Value) -> ReportResult {
        let request = self.client.post(&self.url).bearer_auth(self.key.reveal());
        match rollcall_client::send(request.json(report)).await {
            Ok(answer) => result(&answer),
            Err(reason) => ReportResult::Failed {
                reason,
                retry_after: None,
            },
        }
    }
}

/// A key is refused only in the words of Rollcall: a proxy that refuses a request for a while must not end the agent for good.
fn result(answer: &ServerAnswer) -> ReportResult {
    let refuses_key = matches!(
        answer.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    );
    if answer.status.is_success() {
        ReportResult::Accepted
    } else if refuses_key && answer.is_problem {
        ReportResult::KeyRefused(answer.sentence())
    } else {
        ReportResult::Failed {
            reason: answer.sentence(),
            retry_after: answer.retry_after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_key_that_rollcall_refuses_is_final() {
        let failed = |reason: &str| ReportResult::Failed {
            reason: reason.into(),
            retry_after: None,
        };
        let refused = |reason: &str| ReportResult::KeyRefused(reason.into());
        for (status, is_problem, expected) in [
            (200, false, ReportResult::Accepted),
            (204, false, ReportResult::Accepted),
            (401, true, refused("401 Unauthorized")),
            (403, true, refused("403 Forbidden")),
            (401, false, failed("401 Unauthorized")),
            (403, false, failed("403 Forbidden")),
            (404, true, failed("404 Not Found")),
            (422, true, failed("422 Unprocessable Entity")),
            (429, true, failed("429 Too Many Requests")),
            (503, true, failed("503 Service Unavailable")),
            (
                302,
                false,
                failed("302 Found: use the address that it redirects to"),
            ),
        ] {
            let answer = ServerAnswer {
                status: StatusCode::from_u16(status).unwrap(),
                is_problem,
                detail: String::new(),
                retry_after: None,
            };
            assert_eq!(result(&answer), expected, "{status}");
        }
    }
}

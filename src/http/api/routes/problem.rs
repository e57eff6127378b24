//! Error responses as problem details (RFC 9457), with sentences from here and from the actions.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::actions;
use crate::actions::devices::check_in::CheckInError;
use crate::actions::servers::server_stats::SeriesError;
use crate::http::json_response::json_response;
use crate::store::StoreError;

/// The statuses of problems that operations answer with. 422 is about one field by itself; 409 is about fields that contradict
/// each other, or what is stored.
pub(in crate::http::api) const REFUSALS: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::NOT_FOUND,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::CONFLICT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::UNPROCESSABLE_ENTITY,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// A problem as JSON (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(in crate::http::api) struct ProblemView<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    /// What was wrong, in a sentence that leads on.
    detail: &'a str,
}

/// An error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct Problem {
    status: StatusCode,
    detail: String,
    /// Seconds until the caller may try again.
    retry_after: Option<u64>,
}

impl Problem {
    pub(in crate::http) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// The explanation, in a sentence.
    pub(in crate::http) fn detail(&self) -> &str {
        &self.detail
    }

    /// The same response for missing, mistyped, unknown, foreign and revoked keys.
    pub(in crate::http::api) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "missing or invalid API key. Send it as `Authorization: Bearer rc_…`",
        )
    }

    /// The key is valid, but not of the kind that is needed.
    pub(in crate::http::api) fn forbidden(needed: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            format!("this API key is of the wrong kind. This request needs {needed}"),
        )
    }

    /// The same response for objects of others and for objects that do not exist.
    pub(in crate::http::api) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "nothing exists at this path, or it was removed",
        )
    }

    pub(in crate::http::api) fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "this path does not support this method",
        )
    }

    /// The caller has exceeded `limit`, which is the start of a sentence.
    pub(in crate::http) fn too_often(limit: &str, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!("{limit}. Try again in {seconds} s"),
            )
        }
    }

    /// Discord is needed for the answer.
    pub(in crate::http::api) fn no_discord() -> Self {
        Self {
            retry_after: Some(5),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Rollcall is not connected to Discord, which knows whose channel this is. Try again in a moment",
            )
        }
    }

    pub(in crate::http::api) fn unavailable() -> Self {
        Self {
            retry_after: Some(5),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the database is not available, so nothing was stored. Try again in a moment",
            )
        }
    }
}

impl From<actions::Error> for Problem {
    fn from(error: actions::Error) -> Self {
        match error {
            actions::Error::Internal(error) => error.into(),
            actions::Error::NotFound(detail) => Self::new(StatusCode::NOT_FOUND, detail),
            error @ (actions::Error::Conflict(_) | actions::Error::Quota { .. }) => {
                Self::new(StatusCode::CONFLICT, error.to_string())
            }
            error @ actions::Error::Invalid(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
            }
        }
    }
}

impl From<CheckInError> for Problem {
    fn from(error: CheckInError) -> Self {
        match error {
            CheckInError::Key => Self::unauthorized(),
            CheckInError::Device => Self::not_found(),
            error @ CheckInError::Busy => Self::too_often(&error.to_string(), 1),
            error @ (CheckInError::Quota(_) | CheckInError::Name(_)) => {
                Self::new(StatusCode::CONFLICT, error.to_string())
            }
            CheckInError::Payload(refusal) => {
                Self::new(StatusCode::CONFLICT, format!("`state`: {refusal}"))
            }
            CheckInError::Store(error) => error.into(),
        }
    }
}

impl From<SeriesError> for Problem {
    fn from(error: SeriesError) -> Self {
        match error {
            SeriesError::Store(error) => error.into(),
            error => actions::Error::Invalid(error.to_string()).into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if let StoreError::TooManyChanges {
            retry_after_seconds,
            ..
        } = error
        {
            return Self::too_often(&error.to_string(), retry_after_seconds.into());
        }
        tracing::error!(%error, "API request failed");
        Self::unavailable()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let view = ProblemView {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            detail: &self.detail,
        };
        let mut response = json_response(self.status, &view);
        let kind = header::HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let how = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, how);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_of_every_kind() {
        let problems = [
            Problem::unauthorized(),
            Problem::forbidden("a read key"),
            Problem::not_found(),
            Problem::wrong_method(),
            Problem::too_often("this device may send 1 request per second", 1),
            Problem::unavailable(),
            actions::Error::Quota {
                limit: 500,
                used: 500,
                wanted: 1,
            }
            .into(),
        ];
        let lines = problems.map(|problem| {
            let title = problem.status.canonical_reason().unwrap();
            format!("{} {title}: {}", problem.status.as_u16(), problem.detail)
        });
        insta::assert_snapshot!(lines.join("\n"), @"
        401 Unauthorized: missing or invalid API key. Send it as `Authorization: Bearer rc_…`
        403 Forbidden: this API key is of the wrong kind. This request needs a read key
        404 Not Found: nothing exists at this path, or it was removed
        405 Method Not Allowed: this path does not support this method
        429 Too Many Requests: this device may send 1 request per second. Try again in 1 s
        503 Service Unavailable: the database is not available, so nothing was stored. Try again in a moment
        409 Conflict: this Discord server has reached its limit of 500 endpoints (500 in use). Remove some, or ask the operator to raise QUOTA_ENDPOINTS
        ");
    }
}

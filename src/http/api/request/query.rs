//! Query parameters: only known names are accepted, and a refusal says what was wrong.

use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterIn;

use crate::http::api::problem::Problem;
use crate::http::api::routes::{Argument, Described};

/// The query of a request, as a handler argument.
#[derive(Debug)]
pub(in crate::http) struct InQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for InQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::from_request_parts(parts, state).await;
        let wrong = |text: String| Problem::new(StatusCode::BAD_REQUEST, text);
        let Query(query) = query.map_err(|error| wrong(error.body_text()))?;
        Ok(Self(query))
    }
}

impl<T: IntoParams> Argument for InQuery<T> {
    fn describe(described: &mut Described) {
        let parameters = T::into_params(|| Some(ParameterIn::Query));
        described.parameters.extend(parameters);
        described.refuses(&[StatusCode::BAD_REQUEST]);
    }
}

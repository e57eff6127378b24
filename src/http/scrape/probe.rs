//! `/probe`: checks a target once, now, as blackbox_exporter does. It is the same check as that of an endpoint, with the same
//! address policy, limits of connections, ports and hosts. Nothing is stored.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::probe_page::page;
use super::probe_request::{ProbeQuery, ProbeRequest, time_limit};
use crate::actions::endpoints::check_runner::{OneOffCheck, OneOffRefusal};
use crate::domain::endpoints::check_result::Verdict;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::{InQuery, ProbeKey};

pub(in crate::http) async fn probe(
    ProbeKey(caller): ProbeKey,
    State(app): State<HttpState>,
    headers: HeaderMap,
    InQuery(query): InQuery<ProbeQuery>,
) -> Result<Response, Problem> {
    let request = ProbeRequest::parse(&query)?;
    let guild = caller.0.guild_id;
    let time_limit = time_limit(&headers, app.checks.timeout)?;
    let _place = app.probe_places.enter(guild)?;
    app.checks
        .admit_one_off(&app.store, guild, &request.target)
        .await?;
    let http_check = request.http_check();
    let check = OneOffCheck {
        guild,
        target: &request.target,
        http_check: http_check.as_ref(),
        time_limit,
    };
    let checked = app.checks.check_once(check).await.ok_or_else(|| {
        unknown("the check did not get its turn to connect in time: checks of this Discord server open 1 connection per second to an address")
    })?;
    if let Verdict::Unknown(why) = &checked.result.verdict {
        return Err(unknown(format!(
            "Rollcall could not check the target: {why}"
        )));
    }
    Ok(page(request.module, &checked).into_response())
}

/// Not a failure of the target: Prometheus then has no result, and `up` is 0.
fn unknown(sentence: impl Into<String>) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, sentence)
}

impl From<OneOffRefusal> for Problem {
    fn from(refusal: OneOffRefusal) -> Self {
        match refusal {
            OneOffRefusal::Store(error) => error.into(),
            limit => Self::too_often(&limit.to_string(), 60),
        }
    }
}

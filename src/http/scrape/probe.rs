//! `/probe`: checks a target once, now, as blackbox_exporter does. It is the same check as that of an endpoint, with the same
//! address policy, limits of connections, ports and hosts. Nothing is stored.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::probe_page::page;
use super::probe_request::{ProbeQuery, ProbeRequest, time_limit};
use crate::actions::endpoints::check_runner::{NoResult, OneOffCheck, OneOffRefusal};
use crate::domain::endpoints::check_result::{FailureClass, Verdict};
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
    let checked = app.checks.check_once(check).await.map_err(no_result)?;
    if let Verdict::Unknown(why) = &checked.result.verdict {
        return Err(unknown(format!(
            "Rollcall could not check the target: {why}"
        )));
    }
    if let Verdict::Down(failure) = &checked.result.verdict
        && failure.class == FailureClass::NotAllowed
    {
        let sentence = "Rollcall does not check this address, because it is not public. Its operator can add it to the setting PROBE_ALLOW";
        return Err(Problem::new(StatusCode::FORBIDDEN, sentence));
    }
    Ok(page(request.module, &checked).into_response())
}

fn no_result(why: NoResult) -> Problem {
    unknown(match why {
        NoResult::NoTurn => {
            "the check did not get its turn to connect in time: checks of this Discord server open 1 connection per second to an address"
        }
        NoResult::Unconfirmed => {
            "there was no time to find out whether the target or the network of Rollcall has failed. Set a longer `scrape_timeout`"
        }
    })
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

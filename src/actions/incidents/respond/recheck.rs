//! Checks the endpoints of an incident again, and says what that showed.

use crate::actions::endpoints::check_runner::CheckRunner;
use crate::actions::endpoints::completed_check::Recorded;
use crate::actions::endpoints::recheck;
use crate::actions::{Error, Requester};
use crate::domain::endpoints::check_result::Verdict;
use crate::domain::event::Actor;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::text;
use crate::store::endpoints::endpoint::{self, Scheduled};
use crate::store::incidents::incident::{self, Incident};
use crate::store::{Store, StoreError};

use super::find;

/// Concurrent checks when an incident is rechecked.
const CONCURRENT_CHECKS: usize = 10;

/// Checks the endpoints of an incident that are down; returns the updated incident.
pub async fn recheck_incident(
    checks: &CheckRunner,
    store: &Store,
    requester: Requester,
    id: IncidentId,
) -> Result<Incident, Error> {
    let Actor::Member(user) = requester.actor else {
        return Err(Error::Invalid(
            "only members can recheck an incident".into(),
        ));
    };
    let reader = &store.reader;
    let incident = find(reader, requester, id).await?;
    let down = incident
        .outages
        .iter()
        .filter(|outage| outage.ended.is_none());
    let mut endpoints = Vec::new();
    for outage in down {
        // Devices and servers send heartbeats and reports by themselves: there is nothing to check.
        if let Some(found) = endpoint::get(reader, requester.guild, outage.monitor_id).await? {
            endpoints.push(recheck::scheduled(reader, &found).await?);
        }
    }
    let result = check_all(checks, endpoints, requester.actor).await?;
    let now = checks.clock.now();
    store
        .writer
        .transact_for::<_, StoreError>(requester.guild, move |tx| {
            Box::pin(async move {
                incident::rechecked(tx, requester.incident(id), user, &result, now).await
            })
        })
        .await?;
    find(reader, requester, id).await
}

/// Checks endpoints and describes the results; for a single endpoint, with the timings of each phase.
async fn check_all(
    checks: &CheckRunner,
    mut endpoints: Vec<Scheduled>,
    actor: Actor,
) -> Result<String, Error> {
    if endpoints.len() == 1
        && let Some(only) = endpoints.pop()
    {
        let recorded = checks.check_and_record(&only, actor).await?;
        return Ok(recorded.map_or("it was changed or removed".to_owned(), |one| phases(&one)));
    }
    if endpoints.is_empty() {
        return Ok("not checked: this monitor reports by itself".to_owned());
    }
    let summary = recheck::many(checks, endpoints, CONCURRENT_CHECKS, actor, |_, _| {}).await?;
    let back = summary.reactivated + summary.online;
    Ok(format!("{back} of {} checks passed", summary.found))
}

fn phases(recorded: &Recorded) -> String {
    let timings = &recorded.result.timings;
    let named = [
        ("resolve", timings.resolve),
        ("connect", timings.connect),
        ("TLS", timings.tls),
        ("first byte", timings.first_byte),
        ("total", Some(timings.total)),
    ];
    let mut parts = vec![match &recorded.result.verdict {
        Verdict::Up => "the check passed".to_owned(),
        Verdict::Down(failure) => failure.to_string(),
        Verdict::Unknown(why) => format!("could not check: {why}"),
    }];
    for (name, length) in named {
        let length = length.filter(|length| !length.is_zero());
        parts.extend(length.map(|length| format!("{name} {}", text::latency(length))));
    }
    parts.join(", ")
}

//! Evidence for the probable cause of an incident: other ports of the host, other hosts in the subnet, and agents that
//! report from the host.

use std::collections::BTreeSet;

use super::incident::{Incident, Outage};
use crate::domain::Timestamp;
use crate::domain::endpoints::target::{Host, Target};
use crate::domain::incidents::cause::{Evidence, SubnetEvidence};
use crate::domain::incidents::grouping::Subnet;
use crate::domain::status::Status;
use crate::store::{Reader, StoreError};

/// An endpoint of the same guild, reduced to the values that serve as evidence.
struct Neighbor {
    host: String,
    port: u16,
    is_down: bool,
    last_seen_at: Option<Timestamp>,
}

/// Gathers evidence about the open outages of an incident.
pub async fn about(reader: &Reader, incident: &Incident) -> Result<Evidence, StoreError> {
    let down: Vec<&Outage> = incident
        .outages
        .iter()
        .filter(|one| one.ended.is_none())
        .collect();
    let mut evidence = Evidence {
        classes: down
            .iter()
            .filter_map(|one| one.reason.failure_class())
            .collect(),
        ..Evidence::default()
    };
    let targets = down.iter().map(|one| one.target.as_deref()?.parse().ok());
    let Some(targets) = targets.collect::<Option<Vec<Target>>>() else {
        // The addresses of devices and servers are unknown.
        evidence.classes.clear();
        return Ok(evidence);
    };
    let hosts: BTreeSet<String> = targets
        .iter()
        .map(|target| target.host.to_string())
        .collect();
    let around = neighbors(reader, incident).await?;
    if let (Some(host), 1) = (hosts.first(), hosts.len()) {
        on_host(&mut evidence, &around, host, incident.opened_at);
        evidence.agent = agent(reader, incident, host, &down).await?;
    }
    let subnets = targets.iter().map(|target| Subnet::of_host(&target.host));
    let subnets: Option<Vec<Subnet>> = subnets.collect();
    evidence.subnet = subnets.and_then(|all| match all.split_first() {
        Some((first, rest)) if rest.iter().all(|one| one == first) => in_subnet(&around, *first),
        _ => None,
    });
    Ok(evidence)
}

#[derive(sqlx::FromRow)]
struct NeighborRow {
    host: String,
    port: u16,
    status: String,
    last_seen_at: Option<i64>,
}

async fn neighbors(reader: &Reader, incident: &Incident) -> Result<Vec<Neighbor>, StoreError> {
    let rows: Vec<NeighborRow> = sqlx::query_as(
        "SELECT t.host, t.port, m.status, p.last_seen_at
         FROM endpoint_targets t JOIN monitors m ON m.id = t.monitor_id LEFT JOIN monitor_state p ON p.monitor_id = m.id
         WHERE t.guild_id = $1 AND m.status <> 'paused'",
    )
    .bind(incident.guild_id.to_row())
    .fetch_all(&reader.pool)
    .await?;
    let neighbor = |row: NeighborRow| Neighbor {
        host: row.host,
        port: row.port,
        is_down: matches!(row.status.parse(), Ok(Status::Offline | Status::Warning)),
        last_seen_at: row.last_seen_at.map(Timestamp::from_millis),
    };
    Ok(rows.into_iter().map(neighbor).collect())
}

fn on_host(evidence: &mut Evidence, around: &[Neighbor], host: &str, opened_at: Timestamp) {
    let own: Vec<&Neighbor> = around.iter().filter(|one| one.host == host).collect();
    let answered = own.iter().filter(|one| !one.is_down).filter_map(|one| {
        let at = one.last_seen_at.filter(|at| *at >= opened_at)?;
        Some((one.port, at))
    });
    evidence.answering = answered.max_by_key(|(_, at)| *at);
    if own.iter().all(|one| one.is_down) {
        evidence.down_on_host = own.len() as u64;
    }
}

fn in_subnet(around: &[Neighbor], subnet: Subnet) -> Option<SubnetEvidence> {
    let is_inside = |one: &&Neighbor| {
        let address = one.host.parse().ok();
        address.and_then(|address| Subnet::of_host(&Host::Ip(address))) == Some(subnet)
    };
    let inside: Vec<&Neighbor> = around.iter().filter(is_inside).collect();
    let hosts: BTreeSet<&str> = inside.iter().map(|one| one.host.as_str()).collect();
    Some(SubnetEvidence {
        subnet,
        hosts: hosts.len() as u64,
        down: inside.iter().filter(|one| one.is_down).count() as u64,
        all: inside.len() as u64,
    })
}

/// A device or a server that runs on the host and has sent a message since the incident opened. It runs on the host if it
/// has the host's name, the first part of that name, or the name of the endpoint.
async fn agent(
    reader: &Reader,
    incident: &Incident,
    host: &str,
    down: &[&Outage],
) -> Result<Option<(String, Timestamp)>, StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT m.name, p.last_seen_at FROM monitors m JOIN monitor_state p ON p.monitor_id = m.id
         WHERE m.guild_id = $1 AND m.kind <> 'endpoint' AND p.last_seen_at >= $2 ORDER BY p.last_seen_at DESC",
    )
    .bind(incident.guild_id.to_row())
    .bind(incident.opened_at.millis())
    .fetch_all(&reader.pool)
    .await?;
    let first_part = host
        .split('.')
        .next()
        .filter(|_| host.parse::<std::net::IpAddr>().is_err());
    let names = down.iter().filter_map(|one| one.name.as_deref());
    let names: Vec<&str> = names.chain([host]).chain(first_part).collect();
    let is_there = |name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let found = rows.into_iter().find(|(name, _)| is_there(name));
    Ok(found.map(|(name, at)| (name, Timestamp::from_millis(at))))
}

//! Finds the endpoint that a person means by an address, a name or an id; several are answered with what distinguishes them.

use crate::actions::{Error, Requester};
use crate::domain::endpoints::target::Target;
use crate::domain::endpoints::typed_target;
use crate::domain::monitor::nearest_names::did_you_mean;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::store::Reader;
use crate::store::endpoints::endpoint::{self, Endpoint, Scheduled};
use crate::store::monitors::search::near_name;

/// Finds the one endpoint that `address` identifies: `#id`, a target, a host with or without a port, or a name.
pub async fn find(
    reader: &Reader,
    requester: Requester,
    address: &str,
    port: Option<u16>,
) -> Result<Endpoint, Error> {
    let address = address.trim();
    if let Some(id) = address.strip_prefix('#').and_then(|id| id.parse().ok())
        && let Some(endpoint) = endpoint::get(reader, requester.guild, MonitorId(id)).await?
    {
        return Ok(endpoint);
    }
    if let Some(endpoint) = endpoint::with_target(reader, requester.guild, address).await? {
        return Ok(endpoint);
    }
    let target = address.parse::<Target>().ok();
    if let Some(target) = &target
        && let Some(endpoint) =
            endpoint::with_target(reader, requester.guild, &target.to_string()).await?
    {
        return Ok(endpoint);
    }
    let host = target.as_ref().map_or_else(
        || address.trim_matches(['[', ']']).to_lowercase(),
        |target| target.host.to_string(),
    );
    let port = port.or(target.map(|target| target.port));
    let mut found = endpoint::with_address(reader, requester.guild, &host, port).await?;
    if found.len() == 1 {
        return Ok(found.remove(0));
    }
    // A name is unique, so it means one endpoint even if it is the name of a host, too.
    if let Some(endpoint) = endpoint::with_name(reader, requester.guild, address).await? {
        return Ok(endpoint);
    }
    match found.is_empty() {
        true => {
            let near = near_name(
                reader,
                requester.guild,
                Some(MonitorKind::Endpoint),
                address,
            );
            Err(Error::NotFound(unknown(address, &near.await?)))
        }
        false => Err(Error::Conflict(ambiguous(&host, &found))),
    }
}

/// `near`: names that may be meant.
fn unknown(address: &str, near: &[String]) -> String {
    let problem = format!(
        "no endpoint has the address or name `{}`",
        typed_target::shown(address)
    );
    match did_you_mean(near) {
        Some(question) => format!("{problem}. {question}"),
        None => problem,
    }
}

/// Endpoints that the sentence about an ambiguous address names.
const NAMED_CANDIDATES: usize = 10;

/// Addresses that are longer stand in the sentence as an id: it must fit into a message.
const LONGEST_CANDIDATE: usize = 100;

fn ambiguous(host: &str, found: &[Endpoint]) -> String {
    let candidates: Vec<String> = found
        .iter()
        .take(NAMED_CANDIDATES)
        .map(|endpoint| {
            let target = endpoint.description.target.to_string();
            match target.len() <= LONGEST_CANDIDATE {
                true => format!("`{target}`"),
                false => format!("`#{}`", endpoint.id),
            }
        })
        .collect();
    let candidates = candidates.join(", ");
    match found.len() > NAMED_CANDIDATES {
        true => format!(
            "`{host}` has more than {NAMED_CANDIDATES} endpoints: {candidates} and others. Enter the address of one endpoint"
        ),
        false => format!(
            "`{host}` has {} endpoints: {candidates}. Enter the address of one endpoint",
            found.len()
        ),
    }
}

/// The endpoint in the form that a check needs. Fails if it is paused.
pub async fn scheduled(reader: &Reader, endpoint: &Endpoint) -> Result<Scheduled, Error> {
    let found = endpoint::scheduled_among(reader, &[endpoint.id]).await?;
    found.into_iter().next().ok_or_else(|| {
        Error::Conflict(format!(
            "`{}` is paused. Resume it before you check it",
            endpoint.description.name
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::GuildId;
    use crate::store::testing::TestStore;

    async fn with_targets(targets: &[String]) -> TestStore {
        let store = TestStore::open().await;
        for target in targets {
            store.add_endpoint(GuildId(1), target).await;
        }
        store
    }

    async fn ambiguity(store: &TestStore, address: &str, port: Option<u16>) -> String {
        let requester = Requester::system(GuildId(1));
        match find(&store.reader, requester, address, port).await {
            Err(Error::Conflict(sentence)) => sentence,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_ambiguous_address_is_answered_with_its_endpoints() {
        let long = format!("http://192.0.2.1:82/{}", "x".repeat(100));
        let targets = ["tcp://192.0.2.1:80", "http://192.0.2.1:80/a", &long];
        let store = with_targets(&targets.map(str::to_owned)).await;
        assert_eq!(
            ambiguity(&store, "192.0.2.1", None).await,
            "`192.0.2.1` has 3 endpoints: `tcp://192.0.2.1:80`, `http://192.0.2.1/a`, `#3`. Enter the address of one endpoint"
        );
        assert_eq!(
            ambiguity(&store, "192.0.2.1", Some(80)).await,
            "`192.0.2.1` has 2 endpoints: `tcp://192.0.2.1:80`, `http://192.0.2.1/a`. Enter the address of one endpoint"
        );
        store
            .execute("UPDATE monitors SET name = '192.0.2.1', name_key = '192.0.2.1' WHERE id = 2")
            .await;
        let requester = Requester::system(GuildId(1));
        let found = find(&store.reader, requester, "192.0.2.1", None).await;
        assert_eq!(found.unwrap().id, MonitorId(2), "a name means one endpoint");
    }

    #[tokio::test]
    async fn an_ambiguous_address_names_at_most_ten_endpoints() {
        for (count, beginning, end) in [
            (
                10,
                "`192.0.2.1` has 10 endpoints: `tcp://192.0.2.1:1`",
                ":10`. Enter",
            ),
            (
                11,
                "`192.0.2.1` has more than 10 endpoints: `tcp",
                ":10` and others. Enter",
            ),
        ] {
            let ports = 1..=count;
            let targets: Vec<String> = ports
                .map(|port| format!("tcp://192.0.2.1:{port}"))
                .collect();
            let store = with_targets(&targets).await;
            let sentence = ambiguity(&store, "192.0.2.1", None).await;
            assert!(
                sentence.starts_with(beginning) && sentence.contains(end),
                "{sentence}"
            );
        }
    }
}

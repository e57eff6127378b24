//! Notifies guilds of certificates that are about to expire: one message per threshold for the endpoints that crossed it, or a
//! few if they are very many.
//!
//! Nothing is sent for an endpoint that is silenced or whose notifications are off, or in a guild without a destination. Once that
//! ends, the last threshold is announced.

use std::collections::BTreeMap;

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::certificate_expiry::{DueWarning, THRESHOLD_DAYS, length_of};
use crate::domain::notifications::notification_kind::{
    ExpiringCertificate, MAX_NAMED_CERTIFICATES, NotificationKind,
};
use crate::store::endpoints::certificate::{self, ExpiringEndpoint};
use crate::store::incidents::incident;
use crate::store::notifications::{alert_override, delivery, destination};
use crate::store::silences::silence;
use crate::store::{Effect, Store, StoreError, Tx};

/// Endpoints with the announcement that is due for each.
type Due = Vec<(ExpiringEndpoint, DueWarning)>;

/// Maximum endpoints of one transaction: the writes of other guilds wait for it.
const BATCH: usize = 200;

/// Sends the announcements that are due; returns the number of endpoints.
pub async fn announce(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let first = THRESHOLD_DAYS.into_iter().max().unwrap_or_default();
    let until = now.plus(length_of(first));
    let mut guilds: BTreeMap<GuildId, Due> = BTreeMap::new();
    for endpoint in certificate::expiring(&store.reader, None, now, until).await? {
        if let Some(due) = endpoint.certificate.due(&endpoint.announced, now) {
            let due_in_guild = guilds.entry(endpoint.guild).or_default();
            due_in_guild.push((endpoint, due));
        }
    }
    let mut announced = 0;
    let mut failed = None;
    let batches = guilds
        .into_iter()
        .flat_map(|(guild, due)| in_batches(due).map(move |batch| (guild, batch)));
    for (guild, due) in batches {
        let sent = store
            .writer
            .transact_for::<_, StoreError>(guild, move |tx| {
                Box::pin(async move { announce_to(tx, guild, due, now).await })
            });
        match sent.await {
            Ok(count) => announced += count,
            // The other guilds do not wait for this one.
            Err(error) => {
                tracing::error!(%error, %guild, "cannot announce certificates");
                failed.get_or_insert(error);
            }
        }
    }
    failed.map_or(Ok(announced), Err)
}

/// The endpoints of one threshold stay together, as far as they fit into one batch.
fn in_batches(mut due: Due) -> impl Iterator<Item = Due> {
    due.sort_by_key(|(_, announcement)| announcement.days);
    let mut due = due.into_iter();
    std::iter::from_fn(move || {
        let batch: Due = due.by_ref().take(BATCH).collect();
        (!batch.is_empty()).then_some(batch)
    })
}

async fn announce_to(
    tx: &mut Tx<'_>,
    guild: GuildId,
    due: Due,
    now: Timestamp,
) -> Result<u64, StoreError> {
    if destination::of(tx, guild).await?.is_empty() {
        return Ok(0);
    }
    let mut thresholds: BTreeMap<u32, Vec<ExpiringCertificate>> = BTreeMap::new();
    let mut announced = 0;
    for (endpoint, announcement) in due {
        if !is_notified(tx, &endpoint, now).await?
            || certificate::set_announced(tx, &endpoint, announcement.recorded).await?
                == Effect::Nothing
        {
            continue;
        }
        announced += 1;
        let crossed = thresholds.entry(announcement.days).or_default();
        crossed.push(ExpiringCertificate {
            name: endpoint.name,
            host: endpoint.certificate.host.map(String::from),
            expires_at: endpoint.certificate.expires_at,
        });
    }
    for (days, mut certificates) in thresholds {
        let count = certificates.len() as u64;
        certificates.truncate(MAX_NAMED_CERTIFICATES);
        tracing::info!(%guild, endpoints = count, days, "certificates expire soon");
        let kind = NotificationKind::CertificateExpiring {
            days,
            count,
            certificates,
        };
        let incident = incident::announce(tx, guild, &kind, now).await?;
        delivery::enqueue(tx, guild, incident).await?;
    }
    Ok(announced)
}

/// Whether people are notified of this endpoint now.
async fn is_notified(
    tx: &mut Tx<'_>,
    endpoint: &ExpiringEndpoint,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if silence::of(tx, endpoint.id, now).await?.is_some() {
        return Ok(false);
    }
    let own = alert_override::of(tx, endpoint.id).await?;
    Ok(own.is_none_or(|own| own.notify))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::testing::{HOME, at, maintenance_of, member};
    use crate::domain::endpoints::http_check::HttpCheck;
    use crate::domain::monitor::MonitorId;
    use crate::domain::silences::silence::SilenceScope;
    use crate::domain::status::Status;
    use crate::store::endpoints::endpoint;
    use crate::store::notifications::alert_override::Override;
    use crate::store::testing::TestStore;

    const DAY: i64 = 24 * 3600;
    const EXPIRY: i64 = 1_000 * DAY;

    /// A guild with a channel, and an online endpoint whose certificate is valid for 90 days up to the expiry.
    async fn with_certificate() -> (TestStore, MonitorId) {
        let store = TestStore::open().await;
        store.add_channel(HOME).await;
        let id = add(&store, HOME, "https://shop.example.org/").await;
        (store, id)
    }

    async fn add(store: &TestStore, guild: GuildId, target: &str) -> MonitorId {
        let id = store.add_endpoint(guild, target).await;
        store
            .set_status(id, Status::Unknown, Status::Online, at(1))
            .await;
        renew(store, id, EXPIRY).await;
        id
    }

    async fn renew(store: &TestStore, id: MonitorId, expiry: i64) {
        set(
            store,
            id,
            &format!(
                "certificate_starts_at = {}, certificate_expires_at = {}",
                (expiry - 90 * DAY) * 1000,
                expiry * 1000
            ),
        )
        .await;
    }

    async fn set(store: &TestStore, id: MonitorId, what: &str) {
        let sql = format!("UPDATE endpoint_targets SET {what} WHERE monitor_id = {id}");
        store.execute(sql.leak()).await;
    }

    /// How many endpoints are announced this long before the expiry.
    async fn announced(store: &TestStore, before: i64) -> u64 {
        announce(store, at(EXPIRY - before)).await.unwrap()
    }

    /// The thresholds that were announced, and the number of endpoints in each message.
    async fn messages(store: &TestStore) -> Vec<(i64, i64)> {
        store
            .rows("SELECT details ->> '$.days', details ->> '$.count' FROM incidents WHERE kind = 'certificate_expiring' ORDER BY id")
            .await
    }

    #[tokio::test]
    async fn each_threshold_is_announced_once_until_the_certificate_is_renewed() {
        let (store, id) = with_certificate().await;
        for (before, count) in [
            (14 * DAY + 1, 0),
            (14 * DAY, 1),
            (14 * DAY - 3600, 0),
            (7 * DAY + 1, 0),
            (7 * DAY, 1),
            (7 * DAY - 1, 0),
            // Rollcall was off: of two thresholds, only the last one.
            (DAY, 1),
            (1, 0),
            (0, 0),
            (-DAY, 0),
        ] {
            assert_eq!(announced(&store, before).await, count, "{before}");
        }
        assert_eq!(messages(&store).await, [(14, 1), (7, 1), (1, 1)]);
        assert_eq!(store.pending_incidents().await.len(), 3);
        renew(&store, id, EXPIRY + 90 * DAY).await;
        assert_eq!(announced(&store, 3600).await, 0);
        assert_eq!(announced(&store, -76 * DAY + 1).await, 0);
        assert_eq!(announced(&store, -76 * DAY).await, 1);
        assert_eq!(messages(&store).await[3], (14, 1));
    }

    #[tokio::test]
    async fn endpoints_of_a_guild_share_a_message_and_those_of_others_do_not() {
        let (store, _) = with_certificate().await;
        for index in 0..MAX_NAMED_CERTIFICATES {
            add(&store, HOME, &format!("https://{index}.example.org/")).await;
        }
        store.add_channel(GuildId(2)).await;
        add(&store, GuildId(2), "https://shop.example.org/").await;
        // A guild without a channel and without webhooks is announced once it has one.
        add(&store, GuildId(3), "https://shop.example.org/").await;
        assert_eq!(announced(&store, 3 * DAY).await, 12);
        assert_eq!(messages(&store).await, [(3, 11), (3, 1)]);
        let named: Vec<(i64,)> = store
            .rows("SELECT json_array_length(details, '$.certificates') FROM incidents ORDER BY id")
            .await;
        assert_eq!(named, [(10,), (1,)]);
        store.add_channel(GuildId(3)).await;
        assert_eq!(announced(&store, 3 * DAY - 1).await, 1);
    }

    #[tokio::test]
    async fn many_endpoints_are_announced_in_batches() {
        let (store, id) = with_certificate().await;
        for index in 0..BATCH {
            let target = format!("https://{index}.example.org/");
            store.add_endpoint(HOME, &target).await;
        }
        store.execute("UPDATE monitors SET status = 'online'").await;
        store
            .execute(
                "UPDATE endpoint_targets SET (certificate_starts_at, certificate_expires_at) =
                 (SELECT certificate_starts_at, certificate_expires_at FROM endpoint_targets WHERE monitor_id = 1)",
            )
            .await;
        assert_eq!(id, MonitorId(1));
        renew(&store, id, EXPIRY - 12 * DAY).await;
        assert_eq!(announced(&store, 14 * DAY).await, BATCH as u64 + 1);
        // Two days before the end of one, and two weeks before that of the others.
        let most = i64::try_from(BATCH).unwrap();
        assert_eq!(messages(&store).await, [(3, 1), (14, most - 1), (14, 1)]);
        assert_eq!(announced(&store, 14 * DAY).await, 0);
    }

    #[tokio::test]
    async fn two_certificates_in_turn_are_each_announced_once() {
        let (store, id) = with_certificate().await;
        let mut total = Vec::new();
        for hour in 0..24 * 25 {
            let expiry = if hour % 2 == 0 {
                EXPIRY
            } else {
                EXPIRY + 5 * DAY
            };
            renew(&store, id, expiry).await;
            let now = at(EXPIRY - 20 * DAY + hour * 3600);
            total.push(announce(&store, now).await.unwrap());
        }
        assert_eq!(total.iter().sum::<u64>(), 8);
        let thresholds: Vec<i64> = messages(&store).await.iter().map(|one| one.0).collect();
        assert_eq!(thresholds, [14, 14, 7, 3, 7, 1, 3, 1]);
    }

    #[tokio::test]
    async fn an_endpoint_is_announced_only_while_it_is_online_and_its_certificate_matters() {
        for (change, back) in [
            (
                "UPDATE monitors SET status = 'offline'",
                "UPDATE monitors SET status = 'online'",
            ),
            (
                "UPDATE monitors SET status = 'paused'",
                "UPDATE monitors SET status = 'warning'",
            ),
            (
                "UPDATE monitors SET status = 'unknown'",
                "UPDATE monitors SET status = 'online'",
            ),
            (
                "UPDATE endpoint_targets SET http_check = '{\"method\":\"GET\",\"headers\":[],\"expected_status\":[200,399],\"keyword\":null,\"max_redirects\":5,\"verify_tls\":false}'",
                "UPDATE endpoint_targets SET http_check = NULL",
            ),
            (
                "UPDATE endpoint_targets SET http_check = '{'",
                "UPDATE endpoint_targets SET http_check = NULL",
            ),
            (
                "UPDATE endpoint_targets SET certificate_starts_at = NULL",
                "UPDATE endpoint_targets SET certificate_starts_at = 0",
            ),
        ] {
            let (store, _) = with_certificate().await;
            store.execute(change).await;
            assert_eq!(announced(&store, 14 * DAY).await, 0, "{change}");
            store.execute(back).await;
            assert_eq!(announced(&store, 6 * DAY).await, 1, "{back}");
            assert_eq!(messages(&store).await, [(7, 1)]);
        }
    }

    #[tokio::test]
    async fn a_silenced_endpoint_is_announced_after_the_silence() {
        let (store, id) = with_certificate().await;
        let until = EXPIRY - 5 * DAY;
        let new = maintenance_of(SilenceScope::All, EXPIRY - 20 * DAY, until);
        store
            .write(move |tx| {
                Box::pin(async move {
                    silence::insert(tx, HOME, &new, member().actor, at(0)).await?;
                    Ok(())
                })
            })
            .await;
        assert_eq!(announced(&store, 14 * DAY).await, 0);
        assert_eq!(announced(&store, 5 * DAY + 1).await, 0);
        assert_eq!(announced(&store, 5 * DAY).await, 1);
        assert_eq!(messages(&store).await, [(7, 1)]);
        let off = Override {
            notify: false,
            role: None,
        };
        store
            .write(move |tx| {
                Box::pin(async move { alert_override::set(tx, HOME, id, Some(off)).await })
            })
            .await;
        assert_eq!(announced(&store, 3 * DAY).await, 0);
        store
            .write(move |tx| Box::pin(async move { alert_override::set(tx, HOME, id, None).await }))
            .await;
        assert_eq!(announced(&store, 3 * DAY - 1).await, 1);
    }

    #[tokio::test]
    async fn what_was_announced_counts_for_the_target_and_not_for_the_options() {
        let (store, id) = with_certificate().await;
        assert_eq!(announced(&store, 7 * DAY).await, 1);
        let options = Some(HttpCheck::default());
        for (target, count) in [
            ("https://shop.example.org/", 0),
            ("https://blog.example.org/", 1),
        ] {
            let (options, reader) = (options.clone(), &store.reader);
            let before = endpoint::get(reader, HOME, id).await.unwrap().unwrap();
            let mut after = before.description.clone();
            after.target = target.parse().unwrap();
            after.http_check = options;
            let changed = store
                .write(move |tx| {
                    Box::pin(async move { endpoint::update(tx, &before, &after).await })
                })
                .await;
            assert_eq!(changed, Effect::Changed);
            renew(&store, id, EXPIRY + DAY / 2).await;
            assert_eq!(announced(&store, 7 * DAY - DAY).await, count, "{target}");
        }
    }

    #[tokio::test]
    async fn a_certificate_that_was_renewed_meanwhile_is_not_announced() {
        let (store, id) = with_certificate().await;
        let now = at(EXPIRY - DAY);
        let expiring = certificate::expiring(&store.reader, None, now, at(EXPIRY))
            .await
            .unwrap();
        renew(&store, id, EXPIRY + 90 * DAY).await;
        let due: Due = expiring
            .into_iter()
            .filter_map(|one| {
                one.certificate
                    .due(&one.announced, now)
                    .map(|due| (one, due))
            })
            .collect();
        assert_eq!(due.len(), 1);
        let count = store
            .write(move |tx| Box::pin(async move { announce_to(tx, HOME, due, now).await }))
            .await;
        assert_eq!((count, messages(&store).await), (0, Vec::new()));
    }
}

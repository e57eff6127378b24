//! Adds, edits and removes servers, records their agents' reports, and judges them by their thresholds.

use serde_json::{Value, json};

use crate::actions::devices::manage_device;
use crate::actions::field_changes::FieldChanges;
use crate::actions::servers::find_server::{not_found, of_guild};
use crate::actions::servers::metric_limits;
use crate::actions::{Error, Requester, claim_name, manage_key, transition};
use crate::domain::Timestamp;
use crate::domain::event::{Actor, EventKind};
use crate::domain::key::{ApiKey, KeyKind};
use crate::domain::monitor::{MonitorId, MonitorKind, MonitorRef};
use crate::domain::patch::Patch;
use crate::domain::servers::metric_limit::Severity;
use crate::domain::servers::report_interval;
use crate::domain::servers::status_rule::{ServerState, on_report, on_switch, with_limits};
use crate::domain::servers::threshold::{self, Judgement, Reports, Thresholds};
use crate::domain::status::Status;
use crate::store::devices::heartbeat::record_heartbeats;
use crate::store::event;
use crate::store::servers::metric_limit::{self, StoredLimit};
use crate::store::servers::server::{self, Server};
use crate::store::{Reader, Store, StoreError, Tx};

/// A server and how it is judged at one moment.
#[derive(Clone, Debug)]
pub struct Standing {
    pub server: Server,
    pub judgement: Judgement,
    /// The thresholds it was judged by: its own, or those of the settings.
    pub thresholds: Thresholds,
    /// Report interval, learned from its own reports; `None` if there are too few.
    pub expected_interval: Option<std::time::Duration>,
    pub should_alert: bool,
    /// Its limits on what it reports, by metric.
    pub limits: Vec<StoredLimit>,
}

/// Adds a server and creates its key, which is shown once. A guild may have at most `quota` servers.
///
/// # Errors
/// `Conflict` if another server has the name, or beyond the quota.
pub async fn add(
    store: &Store,
    requester: Requester,
    name: String,
    quota: u64,
    now: Timestamp,
) -> Result<(MonitorId, ApiKey), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                if server::count(tx, requester.guild).await? >= quota {
                    return Err(Error::Conflict(format!(
                        "this Discord server has reached its limit of {quota} servers. Remove one first, or ask the operator to raise QUOTA_SERVERS"
                    )));
                }
                claim_name::for_new(tx, requester.names_of(MonitorKind::Server), &name).await??;
                let id = server::insert(tx, requester.guild, &name, now).await?;
                let details = json!({ "name": name });
                event::append(
                    tx,
                    &requester.event(EventKind::ServerAdded, Some(id), details, now),
                )
                .await?;
                let key =
                    manage_key::create_in(tx, requester, KeyKind::Server, Some(id), now).await?;
                Ok((id, key))
            })
        })
        .await
}

/// Changes to a server; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct ServerEdit {
    pub name: Option<String>,
    /// Whether reports are expected.
    pub is_active: Option<bool>,
    /// `Clear` resets them to those of the settings.
    pub thresholds: Patch<Thresholds>,
    /// Whether the thresholds adapt to its report interval automatically.
    pub auto_thresholds: Option<bool>,
}

/// Edits a server.
pub async fn edit(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    edit: ServerEdit,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(edit_in(tx, requester, id, edit, now))
        })
        .await
}

/// Edits a server within a transaction of the caller.
pub async fn edit_in(
    tx: &mut Tx<'_>,
    requester: Requester,
    id: MonitorId,
    edit: ServerEdit,
    now: Timestamp,
) -> Result<(), Error> {
    let mut server = of_guild(tx, requester, id).await?;
    let is_more_than_thresholds =
        edit.name.is_some() || edit.is_active.is_some() || edit.auto_thresholds.is_some();
    let known = (
        server.name.clone(),
        server.is_active,
        server.auto_thresholds,
    );
    if let Some(name) = edit.name {
        let scope = requester.names_of(MonitorKind::Server);
        claim_name::for_rename(tx, scope, id, &name).await??;
        server.name = name;
    }
    if let Some(is_active) = edit.is_active.filter(|wanted| *wanted != server.is_active) {
        server.is_active = is_active;
        let change = on_switch(server.state(), is_active, now);
        transition::apply_one(tx, change, requester.actor, now).await?;
    }
    if let Some(auto) = edit.auto_thresholds {
        server.auto_thresholds = auto;
    }
    let before = server.thresholds;
    let has_new_thresholds = !edit.thresholds.is_keep();
    server.thresholds = edit.thresholds.apply(before);
    server::update(tx, &server).await?;
    if is_more_than_thresholds {
        let (name, is_active, auto_thresholds) = known;
        let changes = FieldChanges::default()
            .field("name", name, server.name.as_str())
            .field("is_active", is_active, server.is_active)
            .field("auto_thresholds", auto_thresholds, server.auto_thresholds);
        let details = json!({
            "name": server.name, "is_active": server.is_active,
            "auto_thresholds": server.auto_thresholds, "changes": Value::from(changes),
        });
        let event = requester.event(EventKind::ServerEdited, Some(id), details, now);
        event::append(tx, &event).await?;
    }
    if has_new_thresholds {
        let details = json!({
            "before_minutes": minutes(before), "after_minutes": minutes(server.thresholds),
        });
        let event = requester.event(EventKind::ServerThresholdsChanged, Some(id), details, now);
        event::append(tx, &event).await?;
    }
    Ok(())
}

/// Thresholds in minutes for the audit log; `null` if those of the settings apply.
fn minutes(thresholds: Option<Thresholds>) -> serde_json::Value {
    let minutes = |length: std::time::Duration| length.as_secs_f64() / 60.0;
    let lengths = |own: Thresholds| [own.online(), own.warning(), own.offline()].map(minutes);
    json!(thresholds.map(lengths))
}

/// Removes a server; its keys become invalid. Nobody waits for its first report any longer.
pub async fn remove(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for::<_, Error>(requester.guild, move |tx| {
            Box::pin(async move {
                let (server, kind) = (requester.monitor(id), MonitorKind::Server);
                manage_device::remove_monitor(tx, requester, server, kind, now).await
            })
        })
        .await?;
    store.first_reports.end_wait(id);
    Ok(())
}

/// Records a report of a server's agent: stores the sample, sets the server online, compares the report with its limits, and ends
/// the wait for its first report. `stats` is a JSON object. Returns the status of the server then.
pub async fn report(
    store: &Store,
    reporter: MonitorRef,
    stats: String,
    now: Timestamp,
) -> Result<Status, Error> {
    let id = reporter.id;
    let status = store
        .writer
        .transact_for::<_, Error>(reporter.guild, move |tx| {
            Box::pin(async move {
                let server = server::find(tx, id).await?.ok_or_else(not_found)?;
                server::keep_sample(tx, id, now, &stats).await?;
                record_heartbeats(tx, &[(id, now)]).await?;
                let Some(change) = on_report(server.state(), now) else {
                    return Ok(server.status);
                };
                let reported = ServerState {
                    status: change.to,
                    since: if change.from == change.to {
                        server.since
                    } else {
                        now
                    },
                    ..server.state()
                };
                transition::apply_one(tx, change, Actor::System, now).await?;
                Ok(metric_limits::observe(tx, reported, &stats, now).await?)
            })
        })
        .await?;
    store.first_reports.end_wait(id);
    Ok(status)
}

/// A server of the requester's guild, judged at `now`; `defaults` are the thresholds of the settings.
pub async fn standing(
    reader: &Reader,
    requester: Requester,
    id: MonitorId,
    defaults: Thresholds,
    now: Timestamp,
) -> Result<Standing, Error> {
    let server = server::get(reader, requester.guild, id)
        .await?
        .ok_or_else(not_found)?;
    Ok(judged(reader, server, defaults, now).await?)
}

/// Judges a server by its recent reports.
pub async fn judged(
    reader: &Reader,
    server: Server,
    defaults: Thresholds,
    now: Timestamp,
) -> Result<Standing, StoreError> {
    let seen = server::recent_reports(reader, server.id, now).await?;
    let reports = Reports {
        last_seen: server.last_seen_at,
        is_active: server.is_active,
    };
    let expected_interval = report_interval::expected_interval(&seen, now);
    let thresholds = server.thresholds.unwrap_or(defaults);
    let limits = metric_limit::list(reader, server.guild_id, server.id).await?;
    let by_reports = threshold::judge(reports, &thresholds, now);
    let should_alert = match expected_interval {
        Some(interval) => report_interval::should_alert(reports, interval, now),
        // Nothing is learned yet: its thresholds decide.
        None => {
            let has_reported = reports.is_active && reports.last_seen.is_some();
            has_reported && by_reports.status == Status::Offline
        }
    };
    Ok(Standing {
        judgement: limited(by_reports, server.exceeded, &limits),
        thresholds,
        should_alert,
        expected_interval,
        server,
        limits,
    })
}

/// A judgement by the reports, made worse by the limits that are exceeded.
fn limited(by_reports: Judgement, exceeded: Option<Severity>, limits: &[StoredLimit]) -> Judgement {
    let status = with_limits(by_reports.status, exceeded);
    let reasons: Vec<&str> = limits
        .iter()
        .filter_map(|one| one.progress.exceeded.as_deref())
        .collect();
    if status == by_reports.status || reasons.is_empty() {
        return by_reports;
    }
    Judgement {
        status,
        reason: reasons.join("; "),
        ..by_reports
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::event::Actor;
    use std::time::Duration;

    use super::*;
    use crate::domain::discord_id::GuildId;
    use crate::domain::servers::threshold::ThresholdUsed;
    use crate::store::testing::TestStore;

    const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

    #[tokio::test]
    async fn other_guilds_cannot_edit_or_remove_a_server() {
        let store = TestStore::open().await;
        let requester = Requester {
            guild: GuildId(1),
            actor: Actor::CommandLine,
        };
        let other_guild = Requester {
            guild: GuildId(2),
            ..requester
        };
        let (id, _) = add(&store, requester, "db-1".into(), 10, NOW)
            .await
            .unwrap();
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let own = Thresholds::new(minutes(10), minutes(30), minutes(60)).unwrap();
        let change = ServerEdit {
            auto_thresholds: None,
            name: Some("db-2".into()),
            is_active: Some(false),
            thresholds: Patch::Set(own),
        };
        assert!(
            edit(&store, other_guild, id, change.clone(), NOW)
                .await
                .is_err()
        );
        edit(&store, requester, id, change, NOW).await.unwrap();
        let changed = server::get(&store.reader, GuildId(1), id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (changed.name.as_str(), changed.is_active, changed.thresholds),
            ("db-2", false, Some(own))
        );
        assert_eq!(changed.status, Status::Paused);
        let back = ServerEdit {
            thresholds: Patch::Clear,
            ..ServerEdit::default()
        };
        edit(&store, requester, id, back, NOW).await.unwrap();
        let changed = server::get(&store.reader, GuildId(1), id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((changed.thresholds, changed.is_active), (None, false));
        assert!(remove(&store, other_guild, id, NOW).await.is_err());
        remove(&store, requester, id, NOW).await.unwrap();
        assert_eq!(
            server::get(&store.reader, GuildId(1), id).await.unwrap(),
            None
        );
    }

    #[tokio::test]
    async fn a_server_is_offline_until_it_reports_and_alerts_by_its_own_interval() {
        let store = TestStore::open().await;
        let requester = Requester {
            guild: GuildId(1),
            actor: Actor::CommandLine,
        };
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let defaults = Thresholds::new(minutes(5), minutes(60), minutes(120)).unwrap();
        let (id, _) = add(&store, requester, "db-1".into(), 10, NOW)
            .await
            .unwrap();
        let never = standing(&store.reader, requester, id, defaults, NOW)
            .await
            .unwrap();
        assert_eq!(never.judgement.used, ThresholdUsed::NeverSeen);
        assert!(!never.should_alert);

        for minute in 0..3 {
            report(
                &store,
                requester.monitor(id),
                "{}".into(),
                NOW.plus(minutes(minute)),
            )
            .await
            .unwrap();
        }
        let later = NOW.plus(minutes(2 + 3));
        let judged = standing(&store.reader, requester, id, defaults, later)
            .await
            .unwrap();
        assert_eq!(
            (
                judged.judgement.status,
                judged.expected_interval,
                judged.should_alert
            ),
            (Status::Online, Some(minutes(1)), true)
        );
        let kinds: Vec<(String,)> = store.rows("SELECT kind FROM events ORDER BY id").await;
        let kinds: Vec<&str> = kinds.iter().map(|(kind,)| kind.as_str()).collect();
        assert_eq!(kinds, ["server_added", "key_created", "server_online"]);

        let other_guild = Requester {
            guild: GuildId(2),
            ..requester
        };
        assert!(
            standing(&store.reader, other_guild, id, defaults, NOW)
                .await
                .is_err()
        );
    }
}

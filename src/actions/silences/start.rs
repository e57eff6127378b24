//! Starts silences: mutes of single monitors, and maintenance windows, once or weekly. Checks and reports continue, but no
//! notifications are sent.

use std::time::Duration;

use serde_json::json;

use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::{Actor, EventKind};
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::monitor::{MonitorId, ValidationError};
use crate::domain::silences::maintenance::TimeWindow;
use crate::domain::silences::silence::{NewSilence, SilenceId, SilenceKind, SilenceScope};
use crate::domain::text;
use crate::domain::text::duration_rule::DurationRule;
use crate::store::event;
use crate::store::history::maintenance_span;
use crate::store::incidents::incident::{self, Incident};
use crate::store::monitors::{group, monitor};
use crate::store::silences::silence::{self, Silence};
use crate::store::{Effect, Store, StoreError, Tx};

/// Duration of a silence by a button under an incident's message.
pub const AN_HOUR: Duration = Duration::from_secs(3600);

/// Shortest and longest duration of a mute.
pub const MUTE_RANGE: (Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(30 * 86_400));

/// Maximum number of maintenance windows of a guild.
const MAX_MAINTENANCE: u64 = 50;

const MUTE: DurationRule = DurationRule {
    subject: "the duration",
    unit: Duration::from_secs(60),
    shortest: MUTE_RANGE.0,
    longest: MUTE_RANGE.1,
    examples: "`2h`",
};

/// Parses the duration of a mute: `30m`, `2h`, `3d`; a bare number is minutes. Allowed are 1 s to 30 days.
pub fn parse_mute_length(text: &str) -> Result<Duration, ValidationError> {
    Ok(MUTE.parse(text)?)
}

fn window(now: Timestamp, length: Duration) -> TimeWindow {
    TimeWindow {
        starts_at: now,
        ends_at: now.plus(length),
    }
}

/// Mutes a monitor for `length`. A mute that it has already is replaced.
pub async fn mute(
    store: &Store,
    requester: Requester,
    monitor: MonitorId,
    length: Duration,
    now: Timestamp,
) -> Result<SilenceId, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                check_monitors(tx, requester, &[monitor]).await?;
                Ok(add_mute(tx, requester, monitor, window(now, length), now).await?)
            })
        })
        .await
}

async fn add_mute(
    tx: &mut Tx<'_>,
    requester: Requester,
    monitor: MonitorId,
    window: TimeWindow,
    now: Timestamp,
) -> Result<SilenceId, StoreError> {
    silence::remove_mutes(tx, requester.guild, monitor).await?;
    let new = NewSilence {
        kind: SilenceKind::Mute,
        title: String::new(),
        scope: SilenceScope::Some(vec![monitor]),
        window,
        weekly: None,
    };
    let id = silence::insert(tx, requester.guild, &new, requester.actor, now).await?;
    let details = json!({ "until": text::timestamp(window.ends_at) });
    event::append(
        tx,
        &requester.event(EventKind::MonitorMuted, Some(monitor), details, now),
    )
    .await?;
    Ok(id)
}

/// Refuses monitors and groups that the guild does not have.
async fn check_scope(
    tx: &mut Tx<'_>,
    requester: Requester,
    scope: &SilenceScope,
) -> Result<(), Error> {
    match scope {
        SilenceScope::All => Ok(()),
        SilenceScope::Some(monitors) => check_monitors(tx, requester, monitors).await,
        SilenceScope::Group(name) => {
            match group::members(tx, requester.guild, name).await?.is_empty() {
                true => Err(Error::NotFound(format!("there is no group named `{name}`"))),
                false => Ok(()),
            }
        }
    }
}

/// Refuses monitors that the guild does not have.
async fn check_monitors(
    tx: &mut Tx<'_>,
    requester: Requester,
    monitors: &[MonitorId],
) -> Result<(), Error> {
    let known = monitor::known_among(tx, requester.guild, monitors).await?;
    let missing = monitors.iter().find(|id| !known.contains(id));
    match missing {
        Some(id) => Err(Error::NotFound(format!("there is no monitor {id}"))),
        None => Ok(()),
    }
}

/// Plans maintenance; it starts at once if its window has begun already.
pub async fn schedule(
    store: &Store,
    requester: Requester,
    new: NewSilence,
    now: Timestamp,
) -> Result<SilenceId, Error> {
    if new.window.ends_at <= now {
        return Err(Error::Invalid("this time is in the past".into()));
    }
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                if silence::count_maintenance(tx, requester.guild).await? >= MAX_MAINTENANCE {
                    return Err(Error::Conflict(format!(
                        "this Discord server has reached its limit of {MAX_MAINTENANCE} maintenance windows. End one first"
                    )));
                }
                check_scope(tx, requester, &new.scope).await?;
                Ok(add_maintenance(tx, requester, &new, now).await?)
            })
        })
        .await
}

async fn add_maintenance(
    tx: &mut Tx<'_>,
    requester: Requester,
    new: &NewSilence,
    now: Timestamp,
) -> Result<SilenceId, StoreError> {
    let id = silence::insert(tx, requester.guild, new, requester.actor, now).await?;
    let details = json!({
        "title": new.title, "from": text::timestamp(new.window.starts_at), "to": text::timestamp(new.window.ends_at),
        "weekly": new.weekly.map(|weekly| weekly.days.to_string()),
    });
    event::append(
        tx,
        &requester.event(EventKind::MaintenanceScheduled, None, details, now),
    )
    .await?;
    if new.window.starts_at <= now {
        started(tx, requester.guild, id, &new.title, now).await?;
        maintenance_span::follow(tx, requester.guild, now).await?;
    }
    Ok(id)
}

/// Mutes the monitors that are down in an incident for an hour; returns the updated incident.
pub async fn mute_incident(
    store: &Store,
    requester: Requester,
    id: IncidentId,
    now: Timestamp,
) -> Result<Incident, Error> {
    silence_incident(store, requester, id, SilenceKind::Mute, now).await
}

/// Starts an hour of maintenance for the monitors that are down in an incident; returns the updated incident.
pub async fn maintain_incident(
    store: &Store,
    requester: Requester,
    id: IncidentId,
    now: Timestamp,
) -> Result<Incident, Error> {
    silence_incident(store, requester, id, SilenceKind::Maintenance, now).await
}

async fn silence_incident(
    store: &Store,
    requester: Requester,
    id: IncidentId,
    kind: SilenceKind,
    now: Timestamp,
) -> Result<Incident, Error> {
    let Actor::Member(user) = requester.actor else {
        return Err(Error::Invalid("only members can silence incidents".into()));
    };
    let window = window(now, AN_HOUR);
    store
        .writer
        .transact::<(), Error>(move |tx| {
            Box::pin(async move {
                let of = requester.incident(id);
                let changed = match kind {
                    SilenceKind::Mute => incident::mute(tx, of, user, window.ends_at).await?,
                    SilenceKind::Maintenance => {
                        incident::maintain(tx, of, user, window.ends_at).await?
                    }
                };
                if changed == Effect::Nothing {
                    return Err(not_known());
                }
                Ok(silence_down(tx, requester, id, kind, now).await?)
            })
        })
        .await?;
    incident::get(&store.reader, id)
        .await?
        .ok_or_else(not_known)
}

fn not_known() -> Error {
    Error::NotFound("this incident is resolved or does not exist".into())
}

/// Adds the silences of an incident: a mute for each monitor, so that each can be ended alone, or one maintenance window.
async fn silence_down(
    tx: &mut Tx<'_>,
    requester: Requester,
    id: IncidentId,
    kind: SilenceKind,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (down, window) = (incident::down(tx, id).await?, window(now, AN_HOUR));
    match kind {
        SilenceKind::Mute => {
            for monitor in down {
                add_mute(tx, requester, monitor, window, now).await?;
            }
        }
        SilenceKind::Maintenance => {
            let new = NewSilence {
                kind,
                title: format!("incident {}", id.0),
                scope: SilenceScope::Some(down),
                window,
                weekly: None,
            };
            add_maintenance(tx, requester, &new, now).await?;
        }
    }
    Ok(())
}

/// Records that a maintenance window has started; returns whether that was not recorded before.
pub(super) async fn record_start(
    tx: &mut Tx<'_>,
    known: &Silence,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let is_new = started(tx, known.guild_id, known.id, &known.title, now).await?;
    if is_new {
        maintenance_span::follow(tx, known.guild_id, known.window.starts_at).await?;
    }
    Ok(is_new)
}

async fn started(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: SilenceId,
    title: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if silence::start(tx, id).await? == Effect::Nothing {
        return Ok(false);
    }
    let details = json!({ "title": title });
    let system = Requester::system(guild);
    event::append(
        tx,
        &system.event(EventKind::MaintenanceStarted, None, details, now),
    )
    .await?;
    Ok(true)
}

//! The state of endpoints as the status rule needs it: loaded per batch, saved if it changed.
//!
//! Most checks change nothing, and reading a row costs more than applying the rule. So the writer caches the states that
//! it has read and written.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use sqlx::Row as _;

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::certificate_expiry::Certificate;
use crate::domain::endpoints::check_result::{Failure, FailureClass};
use crate::domain::endpoints::status_rule::State;
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::{StoreError, Tx};

/// The state of one endpoint, with the other values that the rule needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    pub guild_id: GuildId,
    pub state: State,
    /// As in `Scheduled`.
    pub revision: u32,
    /// `None`: the interval from the settings.
    pub interval: Option<Duration>,
    pub certificate: Option<Certificate>,
}

/// The writer's cache of states.
#[derive(Debug, Default)]
pub struct States(HashMap<MonitorId, CachedState>);

impl States {
    pub(in crate::store) fn clear(&mut self) {
        self.0.clear();
    }

    /// Changes a cached status; what is not cached is read when it is needed.
    pub(in crate::store) fn set_status(&mut self, id: MonitorId, status: Status, since: Timestamp) {
        if let Some(cached) = self.0.get_mut(&id) {
            (cached.status, cached.since) = (status, since);
        }
    }

    fn keep(&mut self, id: MonitorId, loaded: Loaded) {
        self.0.insert(id, CachedState::from(loaded));
    }
}

/// `Loaded` in half the memory: up to 100,000 are cached, and few of them have a failure or a certificate.
#[derive(Debug)]
struct CachedState {
    guild_id: GuildId,
    status: Status,
    consecutive_failures: u32,
    since: Timestamp,
    revision: u32,
    interval: Option<NonZeroU32>,
    /// `None` for most endpoints.
    rest: Option<Box<StateExtras>>,
}

#[derive(Debug)]
struct StateExtras {
    failure: Option<Failure>,
    certificate: Option<Certificate>,
}

impl From<Loaded> for CachedState {
    fn from(loaded: Loaded) -> Self {
        let state = loaded.state;
        let rest = StateExtras {
            failure: state.failure,
            certificate: loaded.certificate,
        };
        let has_rest = rest.failure.is_some() || rest.certificate.is_some();
        Self {
            guild_id: loaded.guild_id,
            status: state.status,
            consecutive_failures: state.consecutive_failures,
            since: state.since,
            revision: loaded.revision,
            interval: loaded.interval.and_then(|interval| {
                // The longest interval is a day: its milliseconds fit.
                NonZeroU32::new(u32::try_from(interval.as_millis()).unwrap_or(u32::MAX))
            }),
            rest: has_rest.then(|| Box::new(rest)),
        }
    }
}

impl From<&CachedState> for Loaded {
    fn from(cached: &CachedState) -> Self {
        let rest = cached.rest.as_deref();
        Self {
            guild_id: cached.guild_id,
            state: State {
                status: cached.status,
                since: cached.since,
                consecutive_failures: cached.consecutive_failures,
                failure: rest.and_then(|rest| rest.failure.clone()),
            },
            revision: cached.revision,
            interval: cached
                .interval
                .map(|millis| Duration::from_millis(u64::from(millis.get()))),
            certificate: rest.and_then(|rest| rest.certificate.clone()),
        }
    }
}

/// Removes one monitor from the cache, after anything but a check has changed it.
pub fn forget(tx: &mut Tx<'_>, id: MonitorId) {
    tx.cache.states.0.remove(&id);
}

/// The state of one endpoint; `None` if it has been removed. Call `load` with its id first.
pub fn of(tx: &Tx<'_>, id: MonitorId) -> Option<Loaded> {
    tx.cache.states.0.get(&id).map(Loaded::from)
}

/// Loads the states of `ids` that are not cached yet.
pub async fn load(tx: &mut Tx<'_>, ids: &[MonitorId]) -> Result<(), StoreError> {
    let missing: Vec<MonitorId> = ids
        .iter()
        .copied()
        .filter(|id| !tx.cache.states.0.contains_key(id))
        .collect();
    for piece in pieces(&missing) {
        let places = placeholders(1, piece.len());
        let sql = format!(
            "SELECT m.id, m.guild_id, m.status, m.since, t.revision, t.interval_ms, t.failure_class, t.failure_detail,
                    t.certificate_starts_at, t.certificate_expires_at, t.certificate_host, COALESCE(p.consecutive_failures, 0) AS consecutive_failures
             FROM monitors m JOIN endpoint_targets t ON t.monitor_id = m.id LEFT JOIN monitor_state p ON p.monitor_id = m.id
             WHERE m.id IN {places}"
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for id in piece {
            query = query.bind(id.0);
        }
        for row in query.fetch_all(&mut *tx.connection).await? {
            let id = MonitorId(row.try_get("id")?);
            let loaded = read(&row)?;
            tx.cache.states.keep(id, loaded);
        }
    }
    Ok(())
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<Loaded, StoreError> {
    let word: &str = row.try_get("status")?;
    let status = word
        .parse::<Status>()
        .ok()
        .ok_or_else(|| StoreError::Damaged(format!("status {word}")))?;
    let class: Option<&str> = row.try_get("failure_class")?;
    let detail: Option<String> = row.try_get("failure_detail")?;
    let interval: Option<i64> = row.try_get("interval_ms")?;
    Ok(Loaded {
        guild_id: GuildId::from_row(row.try_get("guild_id")?),
        state: State {
            status,
            since: Timestamp::from_millis(row.try_get("since")?),
            consecutive_failures: row.try_get("consecutive_failures")?,
            failure: failure(class, detail),
        },
        revision: row.try_get("revision")?,
        interval: interval.map(|millis| Duration::from_millis(millis.unsigned_abs())),
        certificate: certificate(row)?,
    })
}

/// The certificate of an endpoint; `None` if no check has received one.
pub(in crate::store) fn certificate(
    row: &sqlx::sqlite::SqliteRow,
) -> Result<Option<Certificate>, StoreError> {
    let starts_at: Option<i64> = row.try_get("certificate_starts_at")?;
    let expires_at: Option<i64> = row.try_get("certificate_expires_at")?;
    let host: Option<String> = row.try_get("certificate_host")?;
    Ok(expires_at.map(|expires_at| Certificate {
        starts_at: starts_at.map(Timestamp::from_millis),
        expires_at: Timestamp::from_millis(expires_at),
        host: host.map(String::into_boxed_str),
    }))
}

/// A stored failure; `None` if this version does not know its class.
pub(in crate::store) fn failure(class: Option<&str>, detail: Option<String>) -> Option<Failure> {
    let class = class?.parse::<FailureClass>().ok()?;
    Some(Failure {
        class,
        detail: detail.map(String::into_boxed_str),
    })
}

/// Writes the latest failure and the certificate of one endpoint, and caches its state. Its status is written by
/// `monitors::status`, and the narrow row by `monitor_state`.
pub async fn save_details(
    tx: &mut Tx<'_>,
    id: MonitorId,
    loaded: Loaded,
) -> Result<(), StoreError> {
    let failure = loaded.state.failure.as_ref();
    let certificate = loaded.certificate.as_ref();
    sqlx::query(
        "UPDATE endpoint_targets SET failure_class = $2, failure_detail = $3, certificate_starts_at = $4,
            certificate_expires_at = $5, certificate_host = $6 WHERE monitor_id = $1",
    )
    .bind(id.0)
    .bind(failure.map(|failure| failure.class.as_str()))
    .bind(failure.and_then(|failure| failure.detail.as_deref()))
    .bind(certificate.and_then(|one| one.starts_at).map(Timestamp::millis))
    .bind(certificate.map(|one| one.expires_at.millis()))
    .bind(certificate.and_then(|one| one.host.as_deref()))
    .execute(&mut *tx.connection)
    .await?;
    tx.cache.states.keep(id, loaded);
    Ok(())
}

/// Caches a state whose wide rows did not change: only the consecutive failures did, which are in `monitor_state`.
pub fn remember(tx: &mut Tx<'_>, id: MonitorId, loaded: Loaded) {
    tx.cache.states.keep(id, loaded);
}

/// Dates the checks of a recheck run at the start of the run.
pub async fn recheck_began(
    tx: &mut Tx<'_>,
    ids: &[MonitorId],
    at: Timestamp,
) -> Result<(), StoreError> {
    for piece in pieces(ids) {
        let places = placeholders(1, piece.len());
        let sql = format!(
            "UPDATE endpoint_targets SET inactive_checked_at = {} WHERE is_active = 0 AND inactive_checked_at > {} AND monitor_id IN {places}",
            at.millis(),
            at.millis()
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(false);
        for id in piece {
            query = query.bind(id.0);
        }
        query.execute(&mut *tx.connection).await?;
    }
    Ok(())
}

/// Records when an inactive endpoint was checked; the recheck job selects endpoints by this time.
pub async fn checked_while_inactive(
    tx: &mut Tx<'_>,
    id: MonitorId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE endpoint_targets SET inactive_checked_at = $2 WHERE monitor_id = $1 AND is_active = 0")
        .bind(id.0)
        .bind(at.millis())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

//! Moves the local monitors, which Discord does not show, into a guild.

use serde_json::json;
use strum::VariantArray as _;

use crate::actions::incidents::notify;
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::{Actor, EventKind};
use crate::domain::monitor::MonitorKind;
use crate::domain::text;
use crate::store::guild::move_local::{self, RenamedMonitor};
use crate::store::{Store, Tx, event};

/// Names in the error about monitors that are in both.
const NAMED: u32 = 10;

/// How many monitors of each kind a guild may have.
#[derive(Clone, Copy, Debug)]
pub struct MonitorQuotas {
    pub endpoints: u64,
    pub devices: u64,
    pub servers: u64,
}

impl MonitorQuotas {
    fn of(self, kind: MonitorKind) -> u64 {
        match kind {
            MonitorKind::Endpoint => self.endpoints,
            MonitorKind::Device => self.devices,
            MonitorKind::Server => self.servers,
        }
    }
}

/// What was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedMonitors {
    pub count: u64,
    pub renamed: Vec<RenamedMonitor>,
}

/// Moves all of them, or none. Open outages get their alerts. The bot must not run.
///
/// # Errors
/// `NotFound` if there are none; `Conflict` if one is in both, or if the guild would have too many.
pub async fn move_local(
    store: &Store,
    guild: GuildId,
    quotas: MonitorQuotas,
    now: Timestamp,
) -> Result<MovedMonitors, Error> {
    store
        .writer
        .transact_for(guild, move |tx| {
            Box::pin(async move {
                let count = check(tx, guild, quotas).await?;
                let renamed = move_local::move_to(tx, guild).await?;
                let requester = Requester {
                    guild,
                    actor: Actor::CommandLine,
                };
                let details = json!({ "monitors": count });
                let event = requester.event(EventKind::MonitorsMoved, None, details, now);
                event::append(tx, &event).await?;
                notify::notify_all_open(tx, guild, now).await?;
                Ok(MovedMonitors { count, renamed })
            })
        })
        .await
}

/// How many monitors would be moved.
async fn check(tx: &mut Tx<'_>, guild: GuildId, quotas: MonitorQuotas) -> Result<u64, Error> {
    let mut all = 0;
    for &kind in MonitorKind::VARIANTS {
        let moved = move_local::count(tx, GuildId::LOCAL, kind).await?;
        let used = move_local::count(tx, guild, kind).await?;
        let quota = quotas.of(kind);
        if moved > 0 && used + moved > quota {
            let kind = kind.as_str();
            return Err(Error::Conflict(format!(
                "the Discord server {guild} may have {}, and would have {} ({moved} local ones). Remove some, or raise QUOTA_{}S",
                text::count(quota, kind),
                used + moved,
                kind.to_uppercase()
            )));
        }
        all += moved;
    }
    if all == 0 {
        return Err(Error::NotFound("there are no local monitors".to_owned()));
    }
    let both = move_local::in_both(tx, guild, NAMED).await?;
    if !both.is_empty() {
        return Err(Error::Conflict(format!(
            "the Discord server {guild} has the same target, uuid or slug as these local monitors: {}. Remove them from one of the two first",
            both.join(", ")
        )));
    }
    Ok(all)
}

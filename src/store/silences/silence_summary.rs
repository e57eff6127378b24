//! What the event about the end of a silence says of it. Its times are not read, so that a silence whose times cannot be read
//! can still be ended.

use super::silence::Silence;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorId;
use crate::domain::silences::silence::{SilenceId, SilenceKind, SilenceScope};
use crate::store::{StoreError, Tx};

/// A silence as its last event describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilenceSummary {
    /// The monitor of a mute; `None` for maintenance.
    pub muted: Option<MonitorId>,
    pub title: String,
    pub is_started: bool,
}

impl Silence {
    pub fn summary(&self) -> SilenceSummary {
        let muted = match (self.kind, &self.scope) {
            (SilenceKind::Mute, SilenceScope::Some(monitors)) => monitors.first().copied(),
            _ => None,
        };
        SilenceSummary {
            muted,
            title: self.title.clone(),
            is_started: self.is_started,
        }
    }
}

/// A silence of a guild, which is found even if its times cannot be read; `None` if the guild has no such silence.
pub async fn summary(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: SilenceId,
) -> Result<Option<SilenceSummary>, StoreError> {
    let row: Option<(String, bool, Option<i64>)> = sqlx::query_as(
        "SELECT w.title, w.is_started,
             (SELECT MIN(x.monitor_id) FROM silence_monitors x WHERE x.silence_id = w.id AND w.kind = 'mute')
         FROM silences w WHERE w.guild_id = $1 AND w.id = $2",
    )
    .bind(guild.to_row())
    .bind(id.0)
    .fetch_optional(&mut *tx.connection)
    .await?;
    Ok(row.map(|(title, is_started, muted)| SilenceSummary {
        muted: muted.map(MonitorId),
        title,
        is_started,
    }))
}

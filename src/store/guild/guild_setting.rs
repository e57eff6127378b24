//! What a guild has set for itself: its time zone, which cuts days and months in its history.

use crate::domain::discord_id::GuildId;
use crate::domain::silences::maintenance::{Tz, parse_zone};
use crate::store::{Effect, Reader, StoreError, Tx};

/// The time zone of a guild; UTC if it has set none, or one that does not exist any longer.
pub async fn timezone(reader: &Reader, guild: GuildId) -> Result<Tz, StoreError> {
    let name: Option<Option<String>> =
        sqlx::query_scalar("SELECT timezone FROM guild_settings WHERE guild_id = $1")
            .bind(guild.to_row())
            .fetch_optional(&reader.pool)
            .await?;
    let zone = name.flatten().and_then(|name| parse_zone(&name).ok());
    Ok(zone.unwrap_or(Tz::UTC))
}

/// Sets the time zone of a guild; `Nothing` if it was so already.
pub async fn set_timezone(tx: &mut Tx<'_>, guild: GuildId, zone: Tz) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "INSERT INTO guild_settings (guild_id, timezone) VALUES ($1, $2)
         ON CONFLICT (guild_id) DO UPDATE SET timezone = excluded.timezone WHERE timezone IS NOT excluded.timezone",
    )
    .bind(guild.to_row())
    .bind(zone.name())
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}

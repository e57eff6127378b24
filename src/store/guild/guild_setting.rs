//! What a guild has set for itself: its time zone, which cuts days and months in its history, and the colors of its pictures.

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::chart::scene::Theme;
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

/// The same, inside a transaction.
pub async fn current_timezone(tx: &mut Tx<'_>, guild: GuildId) -> Result<Tz, StoreError> {
    let name: Option<Option<String>> =
        sqlx::query_scalar("SELECT timezone FROM guild_settings WHERE guild_id = $1")
            .bind(guild.to_row())
            .fetch_optional(&mut *tx.connection)
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

/// The colors of the pictures of a guild; dark if it has set none.
pub async fn picture_theme(reader: &Reader, guild: GuildId) -> Result<Theme, StoreError> {
    let name: Option<Option<String>> =
        sqlx::query_scalar("SELECT picture_theme FROM guild_settings WHERE guild_id = $1")
            .bind(guild.to_row())
            .fetch_optional(&reader.pool)
            .await?;
    let theme = name.flatten().and_then(|name| name.parse().ok());
    Ok(theme.unwrap_or_default())
}

/// Sets the colors of the pictures of a guild; `Nothing` if they are stored already.
pub async fn set_picture_theme(
    tx: &mut Tx<'_>,
    guild: GuildId,
    theme: Theme,
) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "INSERT INTO guild_settings (guild_id, picture_theme) SELECT $1, $2
             WHERE $2 <> 'dark' OR EXISTS (SELECT 1 FROM guild_settings WHERE guild_id = $1)
         ON CONFLICT (guild_id) DO UPDATE SET picture_theme = excluded.picture_theme
             WHERE COALESCE(picture_theme, 'dark') <> excluded.picture_theme",
    )
    .bind(guild.to_row())
    .bind(theme.as_str())
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}

/// When members of a guild last read that Rollcall lacks the permission Attach Files.
pub async fn attach_files_remark_at(
    reader: &Reader,
    guild: GuildId,
) -> Result<Option<Timestamp>, StoreError> {
    let at: Option<Option<i64>> =
        sqlx::query_scalar("SELECT attach_files_remark_at FROM guild_settings WHERE guild_id = $1")
            .bind(guild.to_row())
            .fetch_optional(&reader.pool)
            .await?;
    Ok(at.flatten().map(Timestamp::from_millis))
}

/// Records that members read it now; `Nothing` if another remark was recorded since `before`.
pub async fn record_attach_files_remark(
    tx: &mut Tx<'_>,
    guild: GuildId,
    before: Option<Timestamp>,
    now: Timestamp,
) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "INSERT INTO guild_settings (guild_id, attach_files_remark_at) VALUES ($1, $2)
         ON CONFLICT (guild_id) DO UPDATE SET attach_files_remark_at = excluded.attach_files_remark_at
             WHERE attach_files_remark_at IS $3",
    )
    .bind(guild.to_row())
    .bind(now.millis())
    .bind(before.map(|at| at.millis()))
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(1);

    #[tokio::test]
    async fn pictures_are_dark_until_a_guild_sets_them_to_light() {
        let store = TestStore::open().await;
        let set = async |theme| {
            store
                .write(move |tx| Box::pin(set_picture_theme(tx, HOME, theme)))
                .await
        };
        let known = async |guild| picture_theme(&store.reader, guild).await.unwrap();
        assert_eq!(known(HOME).await, Theme::Dark);
        assert_eq!(set(Theme::Light).await, Effect::Changed);
        assert_eq!(set(Theme::Light).await, Effect::Nothing);
        assert_eq!(known(HOME).await, Theme::Light);
        assert_eq!(known(GuildId(2)).await, Theme::Dark, "of another guild");
        assert_eq!(set(Theme::Dark).await, Effect::Changed);
        assert_eq!(timezone(&store.reader, HOME).await.unwrap(), Tz::UTC);
    }

    #[tokio::test]
    async fn of_two_remarks_at_once_one_is_recorded() {
        let store = TestStore::open().await;
        let record = async |before: Option<i64>, now: i64| {
            let before = before.map(Timestamp::from_millis);
            let now = Timestamp::from_millis(now);
            store
                .write(move |tx| Box::pin(record_attach_files_remark(tx, HOME, before, now)))
                .await
        };
        assert_eq!(record(None, 5).await, Effect::Changed);
        assert_eq!(record(None, 5).await, Effect::Nothing);
        assert_eq!(record(Some(5), 9).await, Effect::Changed);
        assert_eq!(record(Some(5), 9).await, Effect::Nothing);
        let at = attach_files_remark_at(&store.reader, HOME).await.unwrap();
        assert_eq!(at, Some(Timestamp::from_millis(9)));
    }
}

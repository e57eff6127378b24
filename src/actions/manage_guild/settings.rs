//! The settings of a guild that its managers change in Discord.

use std::time::Duration;

use serde_json::{Value, json};

use crate::actions::field_changes::FieldChanges;
use crate::actions::history::summary::schedules::follow_zone;
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::EventKind;
use crate::domain::history::chart::scene::Theme;
use crate::domain::silences::maintenance::Tz;
use crate::store::guild::guild_setting;
use crate::store::{Effect, Store, event};

/// Time between two remarks that Rollcall lacks the permission Attach Files.
const REMARK_INTERVAL: Duration = Duration::from_secs(7 * 24 * 3600);

/// Sets the time zone in which the days and months of the history are cut; `Nothing` if it was so already.
pub async fn set_timezone(
    store: &Store,
    requester: Requester,
    zone: Tz,
    now: Timestamp,
) -> Result<Effect, Error> {
    let before = guild_setting::timezone(&store.reader, requester.guild).await?;
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                if guild_setting::set_timezone(tx, requester.guild, zone).await? == Effect::Nothing
                {
                    return Ok(Effect::Nothing);
                }
                follow_zone(tx, requester.guild, zone, now).await?;
                let changes = FieldChanges::default().field("timezone", before.name(), zone.name());
                let details = json!({ "changes": Value::from(changes) });
                let event = requester.event(EventKind::SettingsChanged, None, details, now);
                event::append(tx, &event).await?;
                Ok(Effect::Changed)
            })
        })
        .await
}

/// Sets the colors of the pictures in a guild; `Nothing` if they were so already.
pub async fn set_picture_theme(
    store: &Store,
    requester: Requester,
    theme: Theme,
    now: Timestamp,
) -> Result<Effect, Error> {
    let before = guild_setting::picture_theme(&store.reader, requester.guild).await?;
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let guild = requester.guild;
                if guild_setting::set_picture_theme(tx, guild, theme).await? == Effect::Nothing {
                    return Ok(Effect::Nothing);
                }
                let (from, to) = (before.as_str(), theme.as_str());
                let changes = FieldChanges::default().field("picture_theme", from, to);
                let details = json!({ "changes": Value::from(changes) });
                let event = requester.event(EventKind::SettingsChanged, None, details, now);
                event::append(tx, &event).await?;
                Ok(Effect::Changed)
            })
        })
        .await
}

/// Whether it is time to remark that Rollcall lacks the permission Attach Files: once a week for each guild.
pub async fn may_remark_attach_files(
    store: &Store,
    guild: GuildId,
    now: Timestamp,
) -> Result<bool, Error> {
    let before = guild_setting::attach_files_remark_at(&store.reader, guild).await?;
    // A time in the future is from before the clock was set back.
    let is_recent = |at: Timestamp| at <= now && now.since(at) < REMARK_INTERVAL;
    if before.is_some_and(is_recent) {
        return Ok(false);
    }
    let recorded = store
        .writer
        .transact_for(guild, move |tx| {
            Box::pin(guild_setting::record_attach_files_remark(
                tx, guild, before, now,
            ))
        })
        .await?;
    Ok(recorded == Effect::Changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::testing::HOME;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn the_missing_permission_is_remarked_once_a_week_in_each_guild() {
        let store = TestStore::open().await;
        let week = 7 * 24 * 3600;
        for (guild, second, is_time) in [
            (HOME, 100, true),
            (HOME, 100, false),
            (GuildId(2), 101, true),
            (HOME, 99 + week, false),
            (HOME, 100 + week, true),
            (HOME, 101 + week, false),
            // The clock was set back.
            (HOME, 50, true),
            (HOME, 51, false),
        ] {
            let now = Timestamp::from_millis(second * 1_000);
            let found = may_remark_attach_files(&store, guild, now).await.unwrap();
            assert_eq!(found, is_time, "{guild:?} at {second}");
        }
    }

    #[tokio::test]
    async fn a_new_theme_is_an_event_and_the_same_one_is_none() {
        let store = TestStore::open().await;
        let requester = Requester::system(HOME);
        for (theme, effect) in [
            (Theme::Dark, Effect::Nothing),
            (Theme::Light, Effect::Changed),
            (Theme::Light, Effect::Nothing),
        ] {
            let now = Timestamp::from_millis(1_000);
            let found = set_picture_theme(&store, requester, theme, now).await;
            assert_eq!(found.unwrap(), effect, "{theme:?}");
        }
        let events: Vec<(String,)> = store.rows("SELECT details FROM events").await;
        let details: Vec<Value> = events
            .iter()
            .map(|(details,)| serde_json::from_str(details).unwrap())
            .collect();
        let changes = json!({ "picture_theme": { "from": "dark", "to": "light" } });
        assert_eq!(details.len(), 1);
        assert_eq!(details[0]["changes"], changes);
    }
}

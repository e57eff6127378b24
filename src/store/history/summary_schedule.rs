//! When channels get summaries.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use strum::VariantArray as _;

use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, GuildId};
use crate::domain::history::summary::schedule::{
    ScheduleId, SummaryDay, SummaryPeriod, SummaryTimes,
};
use crate::domain::silences::maintenance::WeekDay;
use crate::store::engine::unreadable::StoredTable;
use crate::store::{Effect, Reader, StoreError, Tx};

/// A schedule as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSchedule {
    pub id: ScheduleId,
    pub guild: GuildId,
    pub channel: ChannelId,
    pub times: SummaryTimes,
    pub next_due_at: Timestamp,
    /// Why no summary can be posted in the channel; `None`: it works, as far as is known.
    pub broken: Option<String>,
}

/// A schedule to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewSchedule {
    pub channel: ChannelId,
    pub times: SummaryTimes,
}

/// What every query about schedules selects.
macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT s.*, t.broken_reason FROM summary_schedules s
             LEFT JOIN destinations t ON t.guild_id = s.guild_id AND t.kind = 'summary' AND t.address = s.channel_id WHERE ",
            $condition
        )
    };
}

/// The schedules of a guild, by id.
pub async fn list(reader: &Reader, guild: GuildId) -> Result<Vec<StoredSchedule>, StoreError> {
    let rows = sqlx::query(select!("s.guild_id = $1 ORDER BY s.id"))
        .bind(guild.to_row())
        .fetch_all(&reader.pool)
        .await?;
    let table = StoredTable::SummarySchedules;
    reader.unreadable.skip(table, &rows, read)
}

/// The schedules of which a summary is due, the first of them first, in guilds that have not removed the bot.
pub async fn due(
    reader: &Reader,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<StoredSchedule>, StoreError> {
    let rows = sqlx::query(select!(
        "s.next_due_at <= $1 AND s.guild_id NOT IN (SELECT guild_id FROM left_guilds) ORDER BY s.next_due_at, s.id LIMIT $2"
    ))
    .bind(now.millis())
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    let table = StoredTable::SummarySchedules;
    reader.unreadable.skip(table, &rows, read)
}

/// The schedules of a guild inside a transaction, by id. Those that cannot be read are not among them.
pub async fn of_guild(tx: &mut Tx<'_>, guild: GuildId) -> Result<Vec<StoredSchedule>, StoreError> {
    let rows = sqlx::query(select!("s.guild_id = $1 ORDER BY s.id"))
        .bind(guild.to_row())
        .fetch_all(&mut *tx.connection)
        .await?;
    Ok(rows.iter().filter_map(|row| read(row).ok()).collect())
}

/// How many schedules a guild has, also ones that cannot be read.
pub async fn count(tx: &mut Tx<'_>, guild: GuildId) -> Result<u64, StoreError> {
    let count: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM summary_schedules WHERE guild_id = $1")
            .bind(guild.to_row())
            .fetch_one(&mut *tx.connection)
            .await?;
    Ok(count.unsigned_abs())
}

/// Stores a schedule, in place of the one with the same period that the channel has.
pub async fn set(
    tx: &mut Tx<'_>,
    guild: GuildId,
    new: NewSchedule,
    next_due_at: Timestamp,
    now: Timestamp,
) -> Result<ScheduleId, StoreError> {
    let id = sqlx::query_scalar(
        "INSERT INTO summary_schedules (guild_id, channel_id, period, day, minute, next_due_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (guild_id, channel_id, period) DO UPDATE SET
             day = excluded.day, minute = excluded.minute, next_due_at = excluded.next_due_at RETURNING id",
    )
    .bind(guild.to_row())
    .bind(new.channel.to_row())
    .bind(new.times.period().as_str())
    .bind(day_to_row(new.times.day()))
    .bind(new.times.minute())
    .bind(next_due_at.millis())
    .bind(now.millis())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(ScheduleId(id))
}

/// Sets when the next summary of a schedule is due; `Nothing` if that was changed since `known` was read.
pub async fn set_next(
    tx: &mut Tx<'_>,
    known: &StoredSchedule,
    next_due_at: Timestamp,
) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE summary_schedules SET next_due_at = $3 WHERE id = $1 AND next_due_at = $2",
    )
    .bind(known.id.0)
    .bind(known.next_due_at.millis())
    .bind(next_due_at.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}

/// Removes a schedule of a guild; returns its channel.
pub async fn remove(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: ScheduleId,
) -> Result<Option<ChannelId>, StoreError> {
    let channel: Option<i64> = sqlx::query_scalar(
        "DELETE FROM summary_schedules WHERE guild_id = $1 AND id = $2 RETURNING channel_id",
    )
    .bind(guild.to_row())
    .bind(id.0)
    .fetch_optional(&mut *tx.connection)
    .await?;
    Ok(channel.map(ChannelId::from_row))
}

/// Whether a channel of a guild has a schedule.
pub async fn has_any(
    tx: &mut Tx<'_>,
    guild: GuildId,
    channel: ChannelId,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM summary_schedules WHERE guild_id = $1 AND channel_id = $2)",
    )
    .bind(guild.to_row())
    .bind(channel.to_row())
    .fetch_one(&mut *tx.connection)
    .await?)
}

fn day_to_row(day: SummaryDay) -> Option<u8> {
    match day {
        SummaryDay::Every => None,
        SummaryDay::Week(day) => Some(day as u8),
        SummaryDay::Month(day) => Some(day),
    }
}

fn day_from_row(period: SummaryPeriod, day: Option<i64>) -> Option<SummaryDay> {
    match (period, day) {
        (SummaryPeriod::Daily, None) => Some(SummaryDay::Every),
        (SummaryPeriod::Weekly, Some(day)) => {
            let day = WeekDay::VARIANTS.get(usize::try_from(day).ok()?);
            day.copied().map(SummaryDay::Week)
        }
        (SummaryPeriod::Monthly, Some(day)) => u8::try_from(day).ok().map(SummaryDay::Month),
        (SummaryPeriod::Daily, Some(_))
        | (SummaryPeriod::Weekly | SummaryPeriod::Monthly, None) => None,
    }
}

fn read(row: &SqliteRow) -> Result<StoredSchedule, StoreError> {
    let damaged = || StoreError::Damaged("the times of a summary".into());
    let period: &str = row.try_get("period")?;
    let minute: i64 = row.try_get("minute")?;
    let period = period.parse().map_err(|_| damaged())?;
    let day = day_from_row(period, row.try_get("day")?).ok_or_else(damaged)?;
    let minute = u16::try_from(minute).map_err(|_| damaged())?;
    Ok(StoredSchedule {
        id: ScheduleId(row.try_get("id")?),
        guild: GuildId::from_row(row.try_get("guild_id")?),
        channel: ChannelId::from_row(row.try_get("channel_id")?),
        times: SummaryTimes::new(day, minute).ok_or_else(damaged)?,
        next_due_at: Timestamp::from_millis(row.try_get("next_due_at")?),
        broken: row.try_get("broken_reason")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(1);
    const OTHER: GuildId = GuildId(2);
    const CHANNEL: ChannelId = ChannelId(i64::MAX as u64);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    async fn add(store: &TestStore, guild: GuildId, day: SummaryDay, next: i64) -> ScheduleId {
        let new = NewSchedule {
            channel: CHANNEL,
            times: SummaryTimes::new(day, 1439).unwrap(),
        };
        store
            .write(move |tx| Box::pin(set(tx, guild, new, at(next), at(0))))
            .await
    }

    #[tokio::test]
    async fn schedules_read_back_and_replace_the_one_of_the_same_period() {
        let store = TestStore::open().await;
        let days = [
            SummaryDay::Every,
            SummaryDay::Week(WeekDay::Sun),
            SummaryDay::Month(28),
        ];
        for day in days {
            add(&store, HOME, day, 5).await;
        }
        let elsewhere = add(&store, OTHER, SummaryDay::Every, 5).await;
        let listed = list(&store.reader, HOME).await.unwrap();
        assert_eq!(
            listed.iter().map(|one| one.times.day()).collect::<Vec<_>>(),
            days
        );
        assert!(
            listed
                .iter()
                .all(|one| one.channel == CHANNEL && one.broken.is_none())
        );
        let again = add(&store, HOME, SummaryDay::Week(WeekDay::Mon), 6).await;
        assert_eq!(again, listed[1].id);
        assert_eq!(store.write(|tx| Box::pin(count(tx, HOME))).await, 3);
        let taken = store
            .write(move |tx| Box::pin(remove(tx, HOME, elsewhere)))
            .await;
        assert_eq!(taken, None, "one of another guild");
        let removed = store
            .write(move |tx| Box::pin(remove(tx, HOME, again)))
            .await;
        assert_eq!(removed, Some(CHANNEL));
        assert!(store.write(|tx| Box::pin(has_any(tx, HOME, CHANNEL))).await);
        assert_eq!(list(&store.reader, OTHER).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn schedules_are_due_from_their_time_on_and_not_in_guilds_that_left() {
        let store = TestStore::open().await;
        let early = add(&store, HOME, SummaryDay::Every, 5).await;
        let late = add(&store, OTHER, SummaryDay::Every, 6).await;
        let due_at = async |second| -> Vec<ScheduleId> {
            let found = due(&store.reader, at(second), 10).await.unwrap();
            found.iter().map(|one| one.id).collect()
        };
        assert_eq!(due_at(4).await, []);
        assert_eq!(due_at(5).await, [early]);
        assert_eq!(due_at(6).await, [early, late]);
        assert_eq!(due(&store.reader, at(9), 1).await.unwrap().len(), 1);
        store
            .execute("INSERT INTO guilds (guild_id, application_id, joined_at, left_at) VALUES (1, 1, 1, 1)")
            .await;
        assert_eq!(due_at(9).await, [late]);
    }

    #[tokio::test]
    async fn a_schedule_that_cannot_be_read_hides_no_other() {
        let store = TestStore::open().await;
        let readable = add(&store, HOME, SummaryDay::Every, 5).await;
        store
            .execute(
                "INSERT INTO summary_schedules (guild_id, channel_id, period, day, minute, next_due_at, created_at) VALUES
                     (1, 1, 'weekly', 7, 0, 1, 1), (1, 2, 'weekly', NULL, 0, 1, 1), (1, 3, 'monthly', 29, 0, 1, 1),
                     (1, 4, 'daily', NULL, 1440, 1, 1)",
            )
            .await;
        let listed = list(&store.reader, HOME).await.unwrap();
        assert_eq!(
            listed.iter().map(|one| one.id).collect::<Vec<_>>(),
            [readable]
        );
        assert_eq!(due(&store.reader, at(9), 9).await.unwrap().len(), 1);
        assert_eq!(store.write(|tx| Box::pin(count(tx, HOME))).await, 5);
    }

    #[tokio::test]
    async fn a_schedule_that_was_changed_meanwhile_stays() {
        let store = TestStore::open().await;
        add(&store, HOME, SummaryDay::Every, 5).await;
        let known = list(&store.reader, HOME).await.unwrap().remove(0);
        let advance = async |to| {
            let known = known.clone();
            store
                .write(move |tx| Box::pin(async move { set_next(tx, &known, at(to)).await }))
                .await
        };
        assert_eq!(advance(7).await, Effect::Changed);
        assert_eq!(advance(9).await, Effect::Nothing);
        assert_eq!(
            list(&store.reader, HOME).await.unwrap()[0].next_due_at,
            at(7)
        );
    }
}

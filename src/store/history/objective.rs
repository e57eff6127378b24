//! The objectives of monitors and of user-defined groups, and what people were notified of for each.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::objective::budget::BudgetState;
use crate::domain::history::objective::{
    Objective, ObjectiveId, ObjectivePercent, ObjectiveSubject, ObjectiveWindow,
};
use crate::domain::monitor::MonitorId;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::engine::unreadable::StoredTable;
use crate::store::history::monitor_history::MonitorHistory;
use crate::store::{Effect, Reader, StoreError, Tx};

/// An objective as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObjective {
    pub id: ObjectiveId,
    pub guild: GuildId,
    pub subject: ObjectiveSubject,
    /// Of its monitor, or of its group.
    pub name: String,
    pub objective: Objective,
    /// The state of its error budget that people know.
    pub notified: BudgetState,
}

/// What every query about objectives selects.
macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT o.*, COALESCE(m.name, o.group_name) AS name FROM objectives o LEFT JOIN monitors m ON m.id = o.monitor_id WHERE ",
            $condition
        )
    };
}

/// The objectives of a guild, by name.
pub async fn list(reader: &Reader, guild: GuildId) -> Result<Vec<StoredObjective>, StoreError> {
    let rows = sqlx::query(select!("o.guild_id = $1 ORDER BY name, o.id"))
        .bind(guild.to_row())
        .fetch_all(&reader.pool)
        .await?;
    reader.unreadable.skip(StoredTable::Objectives, &rows, read)
}

/// The columns `monitor_id` and `group_name`.
fn columns(subject: &ObjectiveSubject) -> (Option<i64>, Option<&str>) {
    match subject {
        ObjectiveSubject::Monitor(id) => (Some(id.0), None),
        ObjectiveSubject::Group(name) => (None, Some(name)),
    }
}

/// The objective of a monitor or group of a guild.
pub async fn of(
    reader: &Reader,
    guild: GuildId,
    subject: &ObjectiveSubject,
) -> Result<Option<StoredObjective>, StoreError> {
    let (monitor, group) = columns(subject);
    let rows = sqlx::query(select!(
        "o.guild_id = $1 AND (o.monitor_id = $2 OR o.group_name = $3)"
    ))
    .bind(guild.to_row())
    .bind(monitor)
    .bind(group)
    .fetch_all(&reader.pool)
    .await?;
    let found = reader
        .unreadable
        .skip(StoredTable::Objectives, &rows, read)?;
    Ok(found.into_iter().next())
}

/// The same, inside a transaction. One that cannot be read is as if there was none.
pub async fn current(
    tx: &mut Tx<'_>,
    guild: GuildId,
    subject: &ObjectiveSubject,
) -> Result<Option<StoredObjective>, StoreError> {
    let (monitor, group) = columns(subject);
    let row = sqlx::query(select!(
        "o.guild_id = $1 AND (o.monitor_id = $2 OR o.group_name = $3)"
    ))
    .bind(guild.to_row())
    .bind(monitor)
    .bind(group)
    .fetch_optional(&mut *tx.connection)
    .await?;
    Ok(row.and_then(|row| read(&row).ok()))
}

/// How many objectives a guild has.
pub async fn count(tx: &mut Tx<'_>, guild: GuildId) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM objectives WHERE guild_id = $1")
        .bind(guild.to_row())
        .fetch_one(&mut *tx.connection)
        .await?;
    Ok(count.unsigned_abs())
}

/// An objective to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewObjective {
    pub guild: GuildId,
    pub subject: ObjectiveSubject,
    pub objective: Objective,
}

/// Sets an objective in place of the one of its monitor or group. Nothing was notified of it.
pub async fn set(tx: &mut Tx<'_>, new: &NewObjective, now: Timestamp) -> Result<(), StoreError> {
    // It may be there and unreadable.
    let _ = remove(tx, new.guild, &new.subject).await?;
    let (monitor, group) = columns(&new.subject);
    sqlx::query(
        "INSERT INTO objectives (guild_id, monitor_id, group_name, milli_percent, window_days, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new.guild.to_row())
    .bind(monitor)
    .bind(group)
    .bind(new.objective.percent.thousandths())
    .bind(new.objective.window.days())
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Removes the objective of a monitor or group of a guild.
pub async fn remove(
    tx: &mut Tx<'_>,
    guild: GuildId,
    subject: &ObjectiveSubject,
) -> Result<Effect, StoreError> {
    let (monitor, group) = columns(subject);
    let deleted = sqlx::query(
        "DELETE FROM objectives WHERE guild_id = $1 AND (monitor_id = $2 OR group_name = $3)",
    )
    .bind(guild.to_row())
    .bind(monitor)
    .bind(group)
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&deleted))
}

/// Gives the objective of a group its new name. One of a group of that name, which has no monitors, gives way.
pub(in crate::store) async fn rename_group(
    tx: &mut Tx<'_>,
    guild: GuildId,
    name: &str,
    new: &str,
) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM objectives WHERE guild_id = $1 AND group_name = $3
             AND EXISTS (SELECT 1 FROM objectives o WHERE o.guild_id = $1 AND o.group_name = $2)",
        "UPDATE objectives SET group_name = $3 WHERE guild_id = $1 AND group_name = $2",
    ] {
        sqlx::query(sql)
            .bind(guild.to_row())
            .bind(name)
            .bind(new)
            .execute(&mut *tx.connection)
            .await?;
    }
    Ok(())
}

/// Some objectives in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectiveBatch {
    pub objectives: Vec<StoredObjective>,
    /// The last one that was read, also if it is unreadable. `None`: there is none after the one before.
    pub last: Option<ObjectiveId>,
}

/// Up to `limit` objectives of all guilds, after one of them, whose state may be another one than people know: those with an outage
/// in their window, in guilds with a destination, and those about whose budget people were notified.
pub async fn to_judge(
    reader: &Reader,
    after: ObjectiveId,
    now: Timestamp,
    limit: u32,
) -> Result<ObjectiveBatch, StoreError> {
    let rows = sqlx::query(select!(
        "o.id > $1 AND o.guild_id NOT IN (SELECT guild_id FROM left_guilds)
             AND (o.notified <> 'met' OR (
                 EXISTS (SELECT 1 FROM destinations d WHERE d.guild_id = o.guild_id AND d.kind IN ('channel', 'webhook'))
                 AND (EXISTS (SELECT 1 FROM outages t WHERE t.monitor_id = o.monitor_id
                          AND (t.ended_at IS NULL OR t.ended_at > $2 - o.window_days * 86400000))
                      OR EXISTS (SELECT 1 FROM monitors g CROSS JOIN outages t ON t.monitor_id = g.id
                          WHERE g.guild_id = o.guild_id AND g.group_name = o.group_name
                              AND (t.ended_at IS NULL OR t.ended_at > $2 - o.window_days * 86400000)))))
         ORDER BY o.id LIMIT $3"
    ))
    .bind(after.0)
    .bind(now.millis())
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    let last = rows.last().map(|row| row.try_get("id")).transpose()?;
    Ok(ObjectiveBatch {
        objectives: reader
            .unreadable
            .skip(StoredTable::Objectives, &rows, read)?,
        last: last.map(ObjectiveId),
    })
}

/// Records what people are notified of; `Nothing` if the objective was changed or removed meanwhile, or somewhere else recorded it.
pub async fn set_notified(
    tx: &mut Tx<'_>,
    known: &StoredObjective,
    state: BudgetState,
) -> Result<Effect, StoreError> {
    let changed =
        sqlx::query("UPDATE objectives SET notified = $3 WHERE id = $1 AND notified = $2")
            .bind(known.id.0)
            .bind(known.notified.as_str())
            .bind(state.as_str())
            .execute(&mut *tx.connection)
            .await?;
    Ok(Effect::of(&changed))
}

/// The monitors that each of these objectives is about, without their history. Those of a group are those that it has now.
pub async fn monitors(
    reader: &Reader,
    objectives: &[ObjectiveId],
) -> Result<HashMap<ObjectiveId, Vec<MonitorHistory>>, StoreError> {
    let mut found: HashMap<ObjectiveId, Vec<MonitorHistory>> = HashMap::new();
    for piece in pieces(objectives) {
        for is_member in [
            "m.id = o.monitor_id",
            "m.guild_id = o.guild_id AND m.group_name = o.group_name",
        ] {
            let sql = format!(
                "SELECT o.id AS objective_id, m.id, m.kind, m.name, m.group_name, l.exact_from
                 FROM objectives o CROSS JOIN monitors m ON {is_member}
                 LEFT JOIN span_limits l ON l.monitor_id = m.id WHERE o.id IN {}",
                placeholders(1, piece.len())
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
            for id in piece {
                query = query.bind(id.0);
            }
            let rows = query.fetch_all(&reader.pool).await?;
            let members = reader
                .unreadable
                .skip(StoredTable::Monitors, &rows, read_monitor)?;
            for (objective, monitor) in members {
                found.entry(objective).or_default().push(monitor);
            }
        }
    }
    Ok(found)
}

fn read_monitor(row: &SqliteRow) -> Result<(ObjectiveId, MonitorHistory), StoreError> {
    let kind: String = row.try_get("kind")?;
    let damaged = |_| StoreError::Damaged(format!("the kind {kind} of a monitor"));
    let monitor = MonitorHistory {
        id: MonitorId(row.try_get("id")?),
        kind: kind.parse().map_err(damaged)?,
        name: row.try_get("name")?,
        group: row.try_get("group_name")?,
        removed_at: None,
        exact_from: row
            .try_get::<Option<i64>, _>("exact_from")?
            .map(Timestamp::from_millis),
        spans: Vec::new(),
        maintenance: Vec::new(),
    };
    Ok((ObjectiveId(row.try_get("objective_id")?), monitor))
}

fn read(row: &SqliteRow) -> Result<StoredObjective, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("the {what} of an objective"));
    let monitor: Option<i64> = row.try_get("monitor_id")?;
    let group: Option<String> = row.try_get("group_name")?;
    let subject = monitor
        .map(|id| ObjectiveSubject::Monitor(MonitorId(id)))
        .or(group.map(ObjectiveSubject::Group))
        .ok_or_else(|| damaged("subject"))?;
    let notified: String = row.try_get("notified")?;
    Ok(StoredObjective {
        id: ObjectiveId(row.try_get("id")?),
        guild: GuildId::from_row(row.try_get("guild_id")?),
        subject,
        name: row.try_get("name")?,
        objective: Objective {
            percent: ObjectivePercent::from_thousandths(row.try_get("milli_percent")?)
                .ok_or_else(|| damaged("percentage"))?,
            window: ObjectiveWindow::from_days(row.try_get("window_days")?)
                .ok_or_else(|| damaged("window"))?,
        },
        notified: notified.parse().map_err(|_| damaged("state"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(1);
    const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

    fn new(guild: GuildId, subject: ObjectiveSubject, percent: &str) -> NewObjective {
        NewObjective {
            guild,
            subject,
            objective: Objective {
                percent: ObjectivePercent::parse(percent).unwrap(),
                window: ObjectiveWindow::from_days(30).unwrap(),
            },
        }
    }

    async fn put(store: &TestStore, new: NewObjective) {
        store
            .write(move |tx| Box::pin(async move { set(tx, &new, NOW).await }))
            .await;
    }

    async fn known(store: &TestStore, guild: GuildId) -> Vec<String> {
        let found = list(&store.reader, guild).await.unwrap();
        let shown = |one: &StoredObjective| format!("{} {}", one.name, one.objective);
        found.iter().map(shown).collect()
    }

    fn web() -> ObjectiveSubject {
        ObjectiveSubject::Group("web".into())
    }

    #[tokio::test]
    async fn a_monitor_and_a_group_of_a_guild_have_one_objective_each() {
        let store = TestStore::open().await;
        let shop = ObjectiveSubject::Monitor(store.add_endpoint(HOME, "tcp://192.0.2.1:80").await);
        for (guild, subject, percent) in [
            (HOME, shop.clone(), "99"),
            (HOME, web(), "95"),
            (GuildId(2), web(), "50"),
            (HOME, shop.clone(), "99.95"),
        ] {
            put(&store, new(guild, subject, percent)).await;
        }
        let of_home = [
            "tcp://192.0.2.1:80 99.95 % over 30 days",
            "web 95 % over 30 days",
        ];
        assert_eq!(known(&store, HOME).await, of_home);
        assert_eq!(known(&store, GuildId(2)).await, ["web 50 % over 30 days"]);
        let found = of(&store.reader, HOME, &shop).await.unwrap().unwrap();
        assert_eq!(found.subject, shop);
        assert_eq!(of(&store.reader, GuildId(2), &shop).await.unwrap(), None);
        let effects = store.write(move |tx| {
            Box::pin(async move {
                Ok([
                    remove(tx, GuildId(2), &shop).await?,
                    remove(tx, HOME, &web()).await?,
                    remove(tx, HOME, &web()).await?,
                ])
            })
        });
        assert_eq!(
            effects.await,
            [Effect::Nothing, Effect::Changed, Effect::Nothing]
        );
        assert_eq!(known(&store, HOME).await, of_home[..1]);
        assert_eq!(known(&store, GuildId(2)).await.len(), 1);
        store.execute("DELETE FROM monitors WHERE id = 1").await;
        assert_eq!(known(&store, HOME).await, [""; 0]);
    }

    #[tokio::test]
    async fn the_objective_of_a_group_follows_its_name() {
        let store = TestStore::open().await;
        let old = || ObjectiveSubject::Group("old".into());
        put(&store, new(HOME, web(), "95")).await;
        put(&store, new(HOME, old(), "50")).await;
        put(&store, new(GuildId(2), web(), "60")).await;
        store
            .write(|tx| Box::pin(rename_group(tx, HOME, "web", "old")))
            .await;
        assert_eq!(known(&store, HOME).await, ["old 95 % over 30 days"]);
        // A group without an objective takes none away.
        store
            .write(|tx| Box::pin(rename_group(tx, HOME, "other", "old")))
            .await;
        assert_eq!(known(&store, HOME).await, ["old 95 % over 30 days"]);
        assert_eq!(known(&store, GuildId(2)).await, ["web 60 % over 30 days"]);
    }

    #[tokio::test]
    async fn objectives_are_judged_that_have_an_outage_in_the_window_or_were_notified() {
        let store = TestStore::open().await;
        store.add_channel(HOME).await;
        for (index, port) in (1..=7).enumerate() {
            let id = store
                .add_endpoint(HOME, &format!("tcp://192.0.2.1:{port}"))
                .await;
            assert_eq!(id.0, index as i64 + 1);
            put(&store, new(HOME, ObjectiveSubject::Monitor(id), "99")).await;
        }
        put(&store, new(HOME, web(), "99")).await;
        put(
            &store,
            new(HOME, ObjectiveSubject::Group("db".into()), "99"),
        )
        .await;
        store
            .execute_all(
                "INSERT INTO outages (guild_id, monitor_id, started_at, ended_at, ended_by, reason) VALUES
                     (1, 1, 1, NULL, NULL, 'refused'),
                     (1, 2, 1, 1769860800000 - 30 * 86400000, 'recovered', 'refused'),
                     (1, 3, 1, 1769860800000 - 30 * 86400000 + 1, 'recovered', 'refused'),
                     (1, 6, 1, NULL, NULL, 'refused'), (1, 7, 1, 2, 'recovered', 'refused');
                 UPDATE objectives SET notified = 'at_risk' WHERE id = 4;
                 UPDATE monitors SET group_name = 'web' WHERE id IN (5, 6);
                 UPDATE monitors SET group_name = 'db' WHERE id = 7;
                 UPDATE objectives SET milli_percent = 100000 WHERE id = 6;",
            )
            .await;
        let ids = |found: ObjectiveBatch| -> Vec<i64> {
            found.objectives.iter().map(|one| one.id.0).collect()
        };
        let reader = &store.reader;
        let all = to_judge(reader, ObjectiveId(0), NOW, 100).await.unwrap();
        // The sixth one cannot be read.
        assert_eq!(ids(all), [1, 3, 4, 8]);
        let next = to_judge(reader, ObjectiveId(1), NOW, 2).await.unwrap();
        assert_eq!(ids(next), [3, 4]);
        let next = to_judge(reader, ObjectiveId(4), NOW, 1).await.unwrap();
        let unreadable = (ObjectiveId(6), vec![]);
        assert_eq!((next.last.unwrap(), ids(next)), unreadable);
        let none = to_judge(reader, ObjectiveId(8), NOW, 9).await.unwrap();
        assert_eq!(none, ObjectiveBatch::default());
        // Nobody could be notified of the others.
        store.execute("DELETE FROM destinations").await;
        let without = to_judge(reader, ObjectiveId(0), NOW, 100).await.unwrap();
        assert_eq!(ids(without), [4]);
        store
            .execute("INSERT INTO guilds (guild_id, application_id, joined_at, left_at) VALUES (1, 1, 1, 1)")
            .await;
        let left = to_judge(reader, ObjectiveId(0), NOW, 100).await.unwrap();
        assert_eq!(ids(left), [0; 0]);
        let members = monitors(reader, &[ObjectiveId(1), ObjectiveId(8), ObjectiveId(9)])
            .await
            .unwrap();
        let of = |id: i64| -> Vec<i64> {
            let members = &members[&ObjectiveId(id)];
            members.iter().map(|one| one.id.0).collect()
        };
        assert_eq!([of(1), of(8), of(9)], [vec![1], vec![5, 6], vec![7]]);
    }

    #[tokio::test]
    async fn a_state_is_recorded_once_and_only_for_the_objective_that_was_judged() {
        let store = TestStore::open().await;
        put(&store, new(HOME, web(), "99")).await;
        let judged = of(&store.reader, HOME, &web()).await.unwrap().unwrap();
        let record = |state| {
            let judged = judged.clone();
            store.write(move |tx| Box::pin(async move { set_notified(tx, &judged, state).await }))
        };
        assert_eq!(record(BudgetState::AtRisk).await, Effect::Changed);
        assert_eq!(record(BudgetState::AtRisk).await, Effect::Nothing);
        let again = of(&store.reader, HOME, &web()).await.unwrap().unwrap();
        assert_eq!(again.notified, BudgetState::AtRisk);
        // Set again, it has another id.
        put(&store, new(HOME, web(), "99")).await;
        assert_eq!(record(BudgetState::Missed).await, Effect::Nothing);
    }
}

//! Objectives of endpoints whose history is a few outages: what their budgets show, and what people are notified of.

use std::time::Duration;

use super::figures::{self, ObjectiveFigures};
use super::judge::judge;
use super::*;
use crate::actions::manage_group::{self, GroupEdit};
use crate::actions::testing::{HOME, at, down, maintenance_of, member, up, with_endpoints};
use crate::domain::discord_id::GuildId;
use crate::domain::event::Actor;
use crate::domain::history::objective::{ObjectivePercent, ObjectiveWindow};
use crate::domain::silences::silence::SilenceScope;
use crate::domain::status::Status;
use crate::store::notifications::alert_override::{self, Override};
use crate::store::silences::silence;
use crate::store::testing::TestStore;

const DAY: i64 = 24 * 3600;

/// Rollcall observes from here on.
const START: i64 = 1_000 * DAY;

/// 99 % over a day: 864 s are allowed.
fn objective() -> Objective {
    objective_of("99", 1)
}

fn objective_of(percent: &str, days: u16) -> Objective {
    Objective {
        percent: ObjectivePercent::parse(percent).unwrap(),
        window: ObjectiveWindow::from_days(days).unwrap(),
    }
}

fn web() -> ObjectiveSubject {
    ObjectiveSubject::Group("web".into())
}

/// Two endpoints that are online and observed since the start.
struct Guild {
    store: TestStore,
    ids: [MonitorId; 2],
}

impl Guild {
    async fn new() -> Self {
        let store = TestStore::open().await;
        let ids = with_endpoints(&store).await;
        for id in ids {
            store
                .set_status(id, Status::Unknown, Status::Online, at(START))
                .await;
        }
        let sql = format!(
            "INSERT INTO observation_windows (started_at, confirmed_at) VALUES ({0}, {1});
             INSERT INTO status_spans (monitor_id, began_at, status) SELECT id, {0}, 1 FROM monitors;",
            START * 1000,
            (START + 10 * DAY) * 1000
        );
        store.execute_all(sql.leak()).await;
        Self { store, ids }
    }

    fn shop(&self) -> ObjectiveSubject {
        ObjectiveSubject::Monitor(self.ids[0])
    }

    async fn set(&self, subject: ObjectiveSubject, objective: Objective) {
        set(&self.store, member(), subject, objective, at(START))
            .await
            .unwrap();
    }

    async fn put_into_web(&self, ids: &[MonitorId]) {
        for id in ids {
            let set = manage_group::set(&self.store, member(), *id, Some("web".into()), at(START));
            set.await.unwrap();
        }
    }

    /// An outage of an endpoint, both counted from the start.
    async fn outage(&self, id: MonitorId, from: i64, to: i64) {
        down(&self.store, id, START + from).await;
        up(&self.store, id, START + to).await;
    }

    /// Judges at this time after the start; returns how many objectives people are notified of.
    async fn judged(&self, second: i64) -> u64 {
        judge(&self.store, at(START + second)).await.unwrap()
    }

    /// The kind of each message so far, and the names in it.
    async fn messages(&self) -> Vec<String> {
        let rows: Vec<(String, String)> = self
            .store
            .rows(
                "SELECT i.kind, GROUP_CONCAT(o.value ->> '$.name', ', ') FROM incidents i, json_each(i.details, '$.objectives') o
                 WHERE i.kind LIKE 'objective%' GROUP BY i.id ORDER BY i.id",
            )
            .await;
        let text = |(kind, names)| format!("{kind}: {names}");
        rows.into_iter().map(text).collect()
    }

    async fn figures(&self, second: i64) -> Vec<ObjectiveFigures> {
        figures::list(&self.store.reader, HOME, at(START + second))
            .await
            .unwrap()
    }

    /// Kind, monitor, group, objective, and the one before.
    async fn events(&self) -> Vec<String> {
        let rows: Vec<(String, Option<i64>, String)> = self
            .store
            .rows(
                "SELECT kind, monitor_id, json_array(details -> '$.group', details -> '$.objective', details -> '$.before')
                 FROM events WHERE kind LIKE 'objective%' ORDER BY id",
            )
            .await;
        let text = |(kind, monitor, details): (String, Option<i64>, String)| {
            format!("{kind} {} {details}", monitor.unwrap_or_default())
        };
        rows.into_iter().map(text).collect()
    }
}

fn shown(figures: &[ObjectiveFigures]) -> Vec<String> {
    let text = |one: &ObjectiveFigures| {
        let budget = &one.budget;
        format!(
            "{} {} of {} s by {}",
            one.stored.name,
            budget.used.as_secs(),
            budget.allowed.as_secs(),
            one.monitors
        )
    };
    figures.iter().map(text).collect()
}

#[tokio::test]
async fn an_objective_is_set_changed_and_removed_with_an_event_each() {
    let guild = Guild::new().await;
    let (store, shop) = (&guild.store, guild.shop());
    guild.set(shop.clone(), objective()).await;
    // The same once more changes nothing.
    guild.set(shop.clone(), objective()).await;
    guild.set(shop.clone(), objective_of("99.9", 30)).await;
    remove(store, member(), shop.clone(), at(START))
        .await
        .unwrap();
    let error = remove(store, member(), shop, at(START)).await.unwrap_err();
    assert_eq!(error.to_string(), "this monitor has no objective");
    assert_eq!(
        guild.events().await,
        [
            r#"objective_set 1 [null,"99 % over 1 day",null]"#,
            r#"objective_set 1 [null,"99.9 % over 30 days","99 % over 1 day"]"#,
            r#"objective_removed 1 [null,null,null]"#,
        ]
    );
}

#[tokio::test]
async fn a_group_needs_monitors_to_get_an_objective_and_none_to_lose_it() {
    let guild = Guild::new().await;
    let store = &guild.store;
    let error = set(store, member(), web(), objective(), at(START)).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "there is no group named `web`"
    );
    guild.put_into_web(&guild.ids).await;
    guild.set(web(), objective()).await;
    manage_group::remove(store, member(), "web".into(), at(START))
        .await
        .unwrap();
    assert_eq!(shown(&guild.figures(DAY).await), ["web 0 of 864 s by 0"]);
    remove(store, member(), web(), at(START)).await.unwrap();
    let error = remove(store, member(), web(), at(START)).await.unwrap_err();
    assert_eq!(error.to_string(), "the group `web` has no objective");
    let expected = [
        r#"objective_set 0 ["web","99 % over 1 day",null]"#,
        r#"objective_removed 0 ["web",null,null]"#,
    ];
    assert_eq!(guild.events().await, expected);
}

#[tokio::test]
async fn the_objective_of_a_group_follows_its_new_name() {
    let guild = Guild::new().await;
    guild.put_into_web(&guild.ids).await;
    guild.set(web(), objective()).await;
    let edit = GroupEdit {
        name: Some("site".into()),
        monitors: None,
    };
    manage_group::edit(&guild.store, member(), "web".into(), edit, at(START))
        .await
        .unwrap();
    assert_eq!(shown(&guild.figures(DAY).await), ["site 0 of 864 s by 2"]);
}

#[tokio::test]
async fn another_guild_neither_sees_nor_sets_nor_removes_an_objective() {
    let guild = Guild::new().await;
    let other = Requester {
        guild: GuildId(2),
        actor: Actor::CommandLine,
    };
    guild.put_into_web(&guild.ids).await;
    for subject in [guild.shop(), web()] {
        guild.set(subject.clone(), objective()).await;
        let (store, now) = (&guild.store, at(START));
        let set = set(store, other, subject.clone(), objective_of("50", 1), now).await;
        assert!(matches!(set, Err(Error::NotFound(_))), "{set:?}");
        let removed = remove(store, other, subject.clone(), now).await;
        assert!(matches!(removed, Err(Error::NotFound(_))), "{removed:?}");
        let found = figures::one(&store.reader, other.guild, &subject, now).await;
        assert!(matches!(found, Err(Error::NotFound(_))), "{found:?}");
        let found = figures::one(&store.reader, HOME, &subject, now).await;
        assert_eq!(found.unwrap().stored.objective, objective());
    }
    let found = figures::list(&guild.store.reader, other.guild, at(START)).await;
    assert_eq!(found.unwrap().len(), 0);
}

#[tokio::test]
async fn a_guild_has_at_most_500_objectives() {
    let guild = Guild::new().await;
    guild.put_into_web(&guild.ids[1..]).await;
    // One below the limit, of two guilds.
    guild
        .store
        .execute(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 499)
             INSERT INTO objectives (guild_id, group_name, milli_percent, window_days, created_at)
             SELECT g.value, 'g' || n, 99000, 1, 0 FROM n, json_each('[1, 2]') g",
        )
        .await;
    guild.set(guild.shop(), objective()).await;
    let beyond = set(&guild.store, member(), web(), objective(), at(START)).await;
    assert_eq!(
        beyond.unwrap_err().to_string(),
        "this Discord server has 500 objectives, and may not have more. Remove one first"
    );
    // One that is there can be changed.
    guild.set(guild.shop(), objective_of("99.9", 1)).await;
    remove(&guild.store, member(), guild.shop(), at(START))
        .await
        .unwrap();
    guild.set(web(), objective()).await;
    assert_eq!(guild.figures(DAY).await.len(), 500);
}

#[tokio::test]
async fn budgets_are_listed_with_the_worst_first_and_a_group_has_the_mean() {
    let guild = Guild::new().await;
    guild.put_into_web(&guild.ids).await;
    let [shop, blog] = guild.ids;
    guild.set(web(), objective()).await;
    guild.set(guild.shop(), objective()).await;
    let of_blog = ObjectiveSubject::Monitor(blog);
    guild.set(of_blog.clone(), objective_of("99", 7)).await;
    guild.outage(shop, 1_000, 1_300).await;
    guild.outage(blog, 2_000, 2_900).await;
    guild.outage(shop, 80_000, 80_100).await;
    let listed = guild.figures(DAY).await;
    assert_eq!(
        shown(&listed),
        [
            "web 650 of 864 s by 2",
            "tcp://192.0.2.1:1 400 of 864 s by 1",
            "tcp://198.51.100.1:1 900 of 6048 s by 1",
        ]
    );
    assert_eq!(listed[0].worst, Some(blog));
    // 100 s in the last six hours: the 464 s that are left last for 100,224 s, which is longer than the window. Of the group,
    // 50 s: the 214 s last for 92,448 s.
    // The last quarter of a week has the 900 s of the day that was observed: 5,148 s last for 494,208 s.
    let lasts = at(START + DAY).plus(Duration::from_secs(494_208));
    let exhausted = [0, 1, 2].map(|index| listed[index].budget.exhausted_at);
    assert_eq!(exhausted, [None, None, Some(lasts)]);
    guild.outage(shop, DAY + 10, DAY + 110).await;
    // The first outage has left the window, and the first of the shop is still in that of a week.
    let listed = guild.figures(DAY + 2_000).await;
    assert_eq!(
        shown(&listed),
        [
            "web 550 of 864 s by 2",
            "tcp://192.0.2.1:1 200 of 864 s by 1",
            "tcp://198.51.100.1:1 900 of 6048 s by 1",
        ]
    );
    // 200 s in six hours: 664 s last for 71,712 s.
    let lasts = at(START + DAY + 2_000).plus(Duration::from_secs(71_712));
    assert_eq!(listed[1].budget.exhausted_at, Some(lasts));
    let one = figures::one(&guild.store.reader, HOME, &of_blog, at(START + DAY + 2_000));
    assert_eq!(one.await.unwrap().budget, listed[2].budget);
}

#[tokio::test]
async fn maintenance_and_pauses_and_time_without_rollcall_use_nothing() {
    let guild = Guild::new().await;
    guild.set(guild.shop(), objective()).await;
    guild.outage(guild.ids[0], 1_000, 1_900).await;
    let sql = format!(
        "INSERT INTO maintenance_spans (monitor_id, began_at, ended_at, guild_id) VALUES (1, {}, {}, 1);
         UPDATE observation_windows SET confirmed_at = {} WHERE started_at = {4};
         INSERT INTO observation_windows (started_at, confirmed_at) VALUES ({}, {4} + 864000000);",
        (START + 1_000) * 1000,
        (START + 1_300) * 1000,
        (START + 1_600) * 1000,
        (START + 1_700) * 1000,
        START * 1000,
    );
    guild.store.execute_all(sql.leak()).await;
    assert_eq!(
        shown(&guild.figures(DAY).await),
        ["tcp://192.0.2.1:1 500 of 864 s by 1"]
    );
}

#[tokio::test]
async fn people_are_notified_once_at_half_of_the_budget_and_once_beyond_all_of_it() {
    let guild = Guild::new().await;
    guild.set(guild.shop(), objective()).await;
    assert_eq!(guild.judged(500).await, 0);
    down(&guild.store, guild.ids[0], START + 1_000).await;
    // Seconds after the outage began, at which the bot judges, and how many messages there are then.
    for (second, messages) in [
        (431, 0),
        (432, 1),
        (433, 1),
        (864, 1),
        (865, 2),
        (866, 2),
        (5_000, 2),
    ] {
        guild.judged(1_000 + second).await;
        assert_eq!(guild.messages().await.len(), messages, "{second}");
    }
    let shop = "tcp://192.0.2.1:1";
    let expected = ["at_risk", "missed"].map(|state| format!("objective_{state}: {shop}"));
    assert_eq!(guild.messages().await, expected);
    // The incident of the outage is one of three.
    assert_eq!(guild.store.pending_incidents().await.len(), 3);
    up(&guild.store, guild.ids[0], START + 6_000).await;
    assert_eq!(guild.judged(2 * DAY).await, 0);
    // All of it has left the window, so it starts again. At once beyond all of it, only that is announced.
    guild.outage(guild.ids[0], 3 * DAY, 3 * DAY + 900).await;
    assert_eq!(guild.judged(3 * DAY + 1_000).await, 1);
    assert_eq!(guild.judged(3 * DAY + 1_060).await, 0);
    let last = guild.messages().await.pop();
    assert_eq!(last.as_deref(), Some(expected[1].as_str()));
}

#[tokio::test]
async fn a_share_that_moves_around_the_half_notifies_once() {
    let guild = Guild::new().await;
    guild.set(guild.shop(), objective()).await;
    let shop = guild.ids[0];
    guild.outage(shop, 1_000, 1_040).await;
    guild.outage(shop, 10_000, 10_400).await;
    // 440 s are used, then 400 s, 440 s and 400 s again, then nothing, and 440 s.
    assert_eq!(guild.judged(20_000).await, 1);
    assert_eq!(guild.judged(DAY + 1_100).await, 0);
    guild.outage(shop, DAY + 1_200, DAY + 1_240).await;
    assert_eq!(guild.judged(DAY + 1_300).await, 0);
    assert_eq!(guild.judged(DAY + 10_400).await, 0);
    assert_eq!(guild.messages().await.len(), 1);
    guild.outage(shop, DAY + 20_000, DAY + 20_440).await;
    assert_eq!(guild.judged(DAY + 20_500).await, 1);
}

#[tokio::test]
async fn an_objective_that_is_changed_is_judged_again() {
    let guild = Guild::new().await;
    guild.set(guild.shop(), objective()).await;
    guild.outage(guild.ids[0], 1_000, 1_500).await;
    assert_eq!(guild.judged(2_000).await, 1);
    guild.set(guild.shop(), objective()).await;
    assert_eq!(guild.judged(2_000).await, 0);
    guild.set(guild.shop(), objective_of("99.9", 1)).await;
    assert_eq!(guild.judged(2_000).await, 1);
    let kinds = guild.messages().await;
    assert!(kinds[1].starts_with("objective_missed"), "{kinds:?}");
    guild.set(guild.shop(), objective_of("90", 1)).await;
    assert_eq!(guild.judged(2_000).await, 0);
}

#[tokio::test]
async fn objectives_of_a_guild_share_a_message_up_to_a_number_and_those_of_others_do_not() {
    let guild = Guild::new().await;
    let store = &guild.store;
    store.add_channel(GuildId(2)).await;
    store
        .execute_all(
            "WITH RECURSIVE n(n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM n WHERE n < 262)
             INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at)
             SELECT n, CASE WHEN n > 260 THEN n - 259 ELSE 1 END, 'device', 'm' || n, 'offline', 86400000000, 0 FROM n;
             INSERT INTO status_spans (monitor_id, began_at, status) SELECT id, 86400000000 + 1, 3 FROM monitors WHERE id >= 10;
             INSERT INTO outages (guild_id, monitor_id, started_at, reason) SELECT guild_id, id, 86400000000, 'x' FROM monitors WHERE id >= 10;
             INSERT INTO objectives (guild_id, monitor_id, milli_percent, window_days, created_at)
             SELECT guild_id, id, 99000, 1, 0 FROM monitors WHERE id >= 10;",
        )
        .await;
    // 251 of the home guild, one of another with a channel, and one of a guild without.
    assert_eq!(guild.judged(500).await, 252);
    let counts: Vec<(i64, i64)> = store
        .rows("SELECT guild_id, json_array_length(details, '$.objectives') FROM incidents WHERE kind LIKE 'objective%' ORDER BY id")
        .await;
    // Objectives are read 200 at once, and a message names 50.
    let expected = [(1, 50), (1, 50), (1, 50), (1, 50), (1, 50), (1, 1), (2, 1)];
    assert_eq!(counts, expected);
    assert_eq!(guild.judged(500).await, 0);
    store.add_channel(GuildId(3)).await;
    assert_eq!(guild.judged(501).await, 1);
}

#[tokio::test]
async fn a_silenced_monitor_is_announced_after_the_silence() {
    let guild = Guild::new().await;
    let (store, shop) = (&guild.store, guild.ids[0]);
    guild.set(guild.shop(), objective()).await;
    guild.put_into_web(&guild.ids).await;
    guild.set(web(), objective()).await;
    let scope = SilenceScope::Some(vec![shop]);
    let new = maintenance_of(scope, START + 5_000, START + 10_000);
    store
        .write(move |tx| {
            Box::pin(async move {
                silence::insert(tx, HOME, &new, member().actor, at(START)).await?;
                Ok(())
            })
        })
        .await;
    guild.outage(shop, 1_000, 2_000).await;
    // The monitor of the group with the most downtime is silenced, too.
    assert_eq!(guild.judged(5_000).await, 0);
    assert_eq!(guild.judged(9_999).await, 0);
    assert_eq!(guild.judged(10_000).await, 2);
    let expected = [
        "objective_at_risk: web",
        "objective_missed: tcp://192.0.2.1:1",
    ];
    assert_eq!(guild.messages().await, expected);
    let off = Override {
        notify: false,
        role: None,
    };
    let notify = |own| store.write(move |tx| Box::pin(alert_override::set(tx, HOME, shop, own)));
    notify(Some(off)).await;
    guild.outage(shop, 11_000, 12_000).await;
    assert_eq!(guild.judged(13_000).await, 0);
    notify(None).await;
    assert_eq!(guild.judged(13_000).await, 1);
    assert_eq!(guild.messages().await[2], "objective_missed: web");
}

//! What ends when a guild removes the bot, what an invitation brings back, and that no row of a forgotten guild stays.

use super::*;
use crate::actions::devices::manage_device::push_token_hash;
use crate::actions::manage_key;
use crate::actions::testing::{HOME, at, down, pending_deliveries, with_endpoints};
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::push_token::PushToken;
use crate::domain::key::{ApiKey, KeyKind};
use crate::domain::monitor::MonitorKind;
use crate::store::api_key;
use crate::store::devices::device;
use crate::store::endpoints::endpoint;
use crate::store::monitors::monitor;
use crate::store::notifications::queue::{self, Held};
use crate::store::testing::{TestStore, new_device};

const BOT: ApplicationId = ApplicationId(5);
const OTHER: GuildId = GuildId(2);

async fn joins(store: &TestStore, id: GuildId, second: i64) {
    let name = Some("Home".to_owned());
    seen(store, BOT, id, name, at(second)).await.unwrap();
}

async fn leaves(store: &TestStore, id: GuildId, second: i64) {
    leave(store, Requester::system(id), at(second))
        .await
        .unwrap();
}

async fn key_of(store: &TestStore, guild: GuildId, kind: KeyKind) -> ApiKey {
    let requester = Requester::system(guild);
    manage_key::create(store, requester, kind, 10, at(1))
        .await
        .unwrap()
}

async fn is_valid(store: &TestStore, key: &ApiKey) -> bool {
    let stored = api_key::find(&store.reader, &key.id).await.unwrap();
    stored.is_some_and(|stored| stored.is_valid(at(1_000)))
}

/// Endpoints that the scheduler would check.
async fn scheduled(store: &TestStore) -> Vec<MonitorId> {
    let found = endpoint::scheduled(&store.reader, MonitorId(0), 100).await;
    let found = found.unwrap().endpoints;
    found.into_iter().map(|one| one.id).collect()
}

async fn kinds(store: &TestStore) -> Vec<String> {
    let rows: Vec<(String,)> = store
        .rows("SELECT kind FROM events WHERE kind LIKE 'guild%' ORDER BY id")
        .await;
    rows.into_iter().map(|(kind,)| kind).collect()
}

#[tokio::test]
async fn leaving_stops_checks_and_keys_of_that_guild_only() {
    let store = TestStore::open().await;
    let [one, two] = with_endpoints(&store).await;
    let theirs = store.add_endpoint(OTHER, "tcp://192.0.2.9:1").await;
    joins(&store, HOME, 1).await;
    joins(&store, OTHER, 1).await;
    let ours = [KeyKind::Fleet, KeyKind::Read, KeyKind::Admin, KeyKind::Ping];
    let mut keys = Vec::new();
    for kind in ours {
        keys.push(key_of(&store, HOME, kind).await);
    }
    let their_key = key_of(&store, OTHER, KeyKind::Read).await;
    assert_eq!(scheduled(&store).await, [one, two, theirs]);
    leaves(&store, HOME, 10).await;
    leaves(&store, HOME, 20).await;
    assert_eq!(scheduled(&store).await, [theirs]);
    for key in &keys {
        assert!(!is_valid(&store, key).await, "{}", key.id);
    }
    assert!(is_valid(&store, &their_key).await);
    let ids: Vec<_> = keys.iter().map(|key| key.id).collect();
    let valid = store
        .write(move |tx| Box::pin(async move { api_key::valid_among(tx, &ids, at(11)).await }))
        .await;
    assert!(valid.is_empty());
    // A key that the operator makes meanwhile does not work either.
    let made = key_of(&store, HOME, KeyKind::Admin).await;
    assert!(!is_valid(&store, &made).await);
    assert_eq!(kinds(&store).await, ["guild_left"]);
    let details: Vec<(String,)> = store
        .rows("SELECT details FROM events WHERE kind = 'guild_left'")
        .await;
    assert!(details[0].0.contains(r#""keys_revoked":4"#), "{details:?}");
}

#[tokio::test]
async fn a_guild_that_was_never_on_discord_does_not_leave() {
    let store = TestStore::open().await;
    let [one, two] = with_endpoints(&store).await;
    let key = key_of(&store, HOME, KeyKind::Read).await;
    leaves(&store, HOME, 10).await;
    let missing = seen_all(&store, BOT, &HashSet::new(), |_| true, at(11)).await;
    assert_eq!(missing.unwrap(), []);
    assert_eq!(scheduled(&store).await, [one, two]);
    assert!(is_valid(&store, &key).await);
}

#[tokio::test]
async fn an_open_outage_ends_with_the_leaving_and_nothing_is_sent_about_it() {
    let store = TestStore::open().await;
    let [one, _] = with_endpoints(&store).await;
    joins(&store, HOME, 1).await;
    down(&store, one, 5).await;
    assert_eq!(pending_deliveries(&store).await, 1);
    leaves(&store, HOME, 10).await;
    let outages: Vec<(i64, Option<i64>, Option<String>)> = store
        .rows("SELECT started_at, ended_at, ended_by FROM outages")
        .await;
    assert_eq!(outages, [(5_000, Some(10_000), Some("paused".to_owned()))]);
    let statuses: Vec<(String, i64)> = store
        .rows("SELECT status, since FROM monitors WHERE status <> 'unknown' OR id = 1")
        .await;
    assert_eq!(statuses, [("unknown".to_owned(), 10_000)]);
    assert_eq!(pending_deliveries(&store).await, 0);
    joins(&store, HOME, 100).await;
    assert_eq!(pending_deliveries(&store).await, 0);
}

#[tokio::test]
async fn an_invitation_resumes_checks_and_revives_no_key() {
    let store = TestStore::open().await;
    let [one, two] = with_endpoints(&store).await;
    joins(&store, HOME, 1).await;
    let key = key_of(&store, HOME, KeyKind::Admin).await;
    down(&store, two, 5).await;
    let before = endpoint::scheduled(&store.reader, MonitorId(0), 100)
        .await
        .unwrap()
        .endpoints;
    leaves(&store, HOME, 10).await;
    store
        .execute("UPDATE destinations SET broken_at = 1, attempts = 9, broken_reason = 'x'")
        .await;
    joins(&store, HOME, 100).await;
    joins(&store, HOME, 101).await;
    assert_eq!(scheduled(&store).await, [one, two]);
    let after = endpoint::scheduled(&store.reader, MonitorId(0), 100)
        .await
        .unwrap()
        .endpoints;
    for (before, after) in before.iter().zip(&after) {
        assert!(
            after.revision > before.revision,
            "results in flight are dropped"
        );
        assert_eq!((after.status, after.next_check_at), (Status::Unknown, None));
    }
    assert!(!is_valid(&store, &key).await);
    assert!(is_valid(&store, &key_of(&store, HOME, KeyKind::Admin).await).await);
    assert_eq!(kinds(&store).await, ["guild_left", "guild_rejoined"]);
    let broken: Vec<(i64,)> = store
        .rows("SELECT COUNT(*) FROM destinations WHERE broken_at IS NOT NULL")
        .await;
    assert_eq!(broken, [(0,)]);
    let open: Vec<(i64,)> = store
        .rows("SELECT COUNT(*) FROM outages WHERE ended_at IS NULL")
        .await;
    assert_eq!(open, [(0,)]);
}

#[tokio::test]
async fn the_uuid_and_the_push_token_of_a_device_end_for_good() {
    let store = TestStore::open().await;
    let uuid = DeviceUuid::from_random([1; 16]);
    let token = PushToken::parse("Wq3ZkT8nB1xRj5LpVd0mYc7HsGf2EuA9").unwrap();
    let (known, hash) = (uuid.clone(), push_token_hash(&token));
    joins(&store, HOME, 1).await;
    let set = store
        .write(move |tx| {
            Box::pin(async move {
                let id = device::insert(tx, &new_device(HOME, &known, "pump"), at(1)).await?;
                device::set_push_token(tx, id, Some(&hash)).await
            })
        })
        .await;
    assert_eq!(set, Effect::Changed);
    for (second, is_known) in [(2, true), (20, false), (40, false)] {
        match second {
            20 => leaves(&store, HOME, second).await,
            _ => joins(&store, HOME, second).await,
        }
        let pinged = device::pinged(&store.reader, &uuid).await.unwrap();
        let pushed = device::with_push_token(&store.reader, &hash).await.unwrap();
        let found = (pinged.is_some(), pushed.is_some());
        assert_eq!(found, (is_known, is_known), "{second}");
    }
    // A device of another guild with the same UUID does not receive its pings.
    let same = uuid.clone();
    store
        .write(move |tx| {
            Box::pin(
                async move { device::insert(tx, &new_device(OTHER, &same, "pump"), at(50)).await },
            )
        })
        .await;
    assert_eq!(device::pinged(&store.reader, &uuid).await.unwrap(), None);
    let device = device::get(&store.reader, HOME, &uuid)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(device.status, Status::Unknown);
}

#[tokio::test]
async fn a_server_counts_as_not_set_up_until_its_agent_has_a_new_key() {
    let store = TestStore::open().await;
    joins(&store, HOME, 1).await;
    store
        .execute(
            "INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at) VALUES (1, 1, 'server', 'db', 'online', 1, 1);",
        )
        .await;
    store
        .execute("INSERT INTO server_details (monitor_id, guild_id) VALUES (1, 1)")
        .await;
    store
        .execute("INSERT INTO monitor_state (monitor_id, last_seen_at) VALUES (1, 5)")
        .await;
    leaves(&store, HOME, 10).await;
    joins(&store, HOME, 20).await;
    let seen: Vec<(Option<i64>,)> = store.rows("SELECT last_seen_at FROM servers").await;
    assert_eq!(seen, [(None,)]);
    assert_eq!(monitor::not_set_up(&store.reader, HOME).await.unwrap(), 1);
}

#[tokio::test]
async fn nothing_is_delivered_or_counted_for_a_guild_that_was_left() {
    let store = TestStore::open().await;
    let [one, _] = with_endpoints(&store).await;
    joins(&store, HOME, 1).await;
    leaves(&store, HOME, 10).await;
    // An announcement to all guilds reaches it, too.
    down(&store, one, 20).await;
    assert_eq!(pending_deliveries(&store).await, 1);
    let held = Held {
        discord: false,
        incidents: false,
    };
    assert_eq!(queue::due(&store.reader, held, at(30)).await.unwrap(), []);
    let waiting = queue::waiting(&store.reader, at(30)).await.unwrap();
    assert_eq!(waiting, queue::Waiting::default());
    let counts = monitor::counts_by_status(&store.reader, None)
        .await
        .unwrap();
    assert_eq!(counts, []);
    let counts = endpoint::counts_by_status(&store.reader, None).await;
    assert_eq!(counts.unwrap(), []);
    joins(&store, HOME, 40).await;
    assert_eq!(pending_deliveries(&store).await, 0);
}

#[tokio::test]
async fn a_guild_is_welcomed_once_for_each_time_that_the_bot_joins() {
    let store = TestStore::open().await;
    let awaits = async |id| {
        let awaits = guild::awaits_welcome(&store.reader, id, at(1)).await;
        awaits.unwrap()
    };
    let claims = async |id, second| claim_welcome(&store, id, at(second)).await.unwrap();
    assert!(!awaits(HOME).await && !claims(HOME, 1).await, "unknown");
    joins(&store, HOME, 1).await;
    joins(&store, OTHER, 1).await;
    assert!(awaits(HOME).await);
    assert!(claims(HOME, 2).await);
    joins(&store, HOME, 3).await;
    seen_all(&store, BOT, &HashSet::from([HOME, OTHER]), |_| true, at(3))
        .await
        .unwrap();
    assert!(!awaits(HOME).await && !claims(HOME, 4).await, "welcomed");
    leaves(&store, OTHER, 5).await;
    assert!(
        !awaits(OTHER).await && !claims(OTHER, 6).await,
        "left before"
    );
    leaves(&store, HOME, 7).await;
    assert!(!claims(HOME, 8).await);
    joins(&store, HOME, 9).await;
    assert!(
        awaits(HOME).await && claims(HOME, 10).await,
        "invited again"
    );
    assert!(!claims(HOME, 11).await);
}

#[tokio::test]
async fn a_guild_is_welcomed_within_an_hour_or_never() {
    let store = TestStore::open().await;
    joins(&store, HOME, 100).await;
    for (second, expected) in [(3699, true), (3700, true), (3701, false)] {
        let awaits = guild::awaits_welcome(&store.reader, HOME, at(second)).await;
        assert_eq!(awaits.unwrap(), expected, "{second}");
    }
    assert!(!claim_welcome(&store, HOME, at(3701)).await.unwrap());
    assert!(claim_welcome(&store, HOME, at(3700)).await.unwrap());
}

#[tokio::test]
async fn a_guild_that_was_set_up_before_it_was_seen_is_not_welcomed() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    store.add_endpoint(OTHER, "tcp://192.0.2.9:1").await;
    for id in [HOME, OTHER, GuildId(3)] {
        joins(&store, id, 1).await;
        let awaits = guild::awaits_welcome(&store.reader, id, at(1)).await;
        assert_eq!(awaits.unwrap(), id == GuildId(3), "{id}");
    }
}

#[tokio::test]
async fn the_list_of_a_shard_shows_which_guilds_are_missing() {
    let store = TestStore::open().await;
    let on_shard_zero = |GuildId(id)| id % 2 == 0;
    let all = |ids: &[u64]| ids.iter().copied().map(GuildId).collect::<HashSet<_>>();
    let list = async |ids: &[u64], second| {
        let listed = all(ids);
        let mut missing = seen_all(&store, BOT, &listed, on_shard_zero, at(second))
            .await
            .unwrap();
        missing.sort();
        missing
    };
    joins(&store, GuildId(3), 1).await;
    assert_eq!(list(&[2, 4, 6], 2).await, []);
    assert_eq!(list(&[4], 3).await, [GuildId(2), GuildId(6)]);
    leaves(&store, GuildId(2), 4).await;
    assert_eq!(list(&[4], 5).await, [GuildId(6)]);
    assert_eq!(list(&[2, 4, 6], 6).await, []);
    let known = guild::all(&store.reader).await.unwrap();
    assert_eq!(known.len(), 4);
    assert!(known.values().all(|guild| guild.left_at.is_none()));
    assert_eq!(known[&GuildId(2)].joined_at, at(6));
}

#[tokio::test]
async fn an_interrupted_departure_is_finished_later() {
    let store = TestStore::open().await;
    let [one, _] = with_endpoints(&store).await;
    joins(&store, HOME, 1).await;
    leaves(&store, HOME, 10).await;
    down(&store, one, 11).await;
    settle_left(&store, Duration::from_secs(100), at(12))
        .await
        .unwrap();
    let open: Vec<(i64,)> = store
        .rows("SELECT COUNT(*) FROM monitors WHERE status <> 'unknown'")
        .await;
    assert_eq!(open, [(0,)]);
    // In a guild that the bot is in, nothing is settled.
    joins(&store, HOME, 20).await;
    down(&store, one, 21).await;
    wind_down(&store, HOME, at(22)).await.unwrap();
    let offline: Vec<(i64,)> = store
        .rows("SELECT COUNT(*) FROM monitors WHERE status = 'offline'")
        .await;
    assert_eq!(offline, [(1,)]);
}

#[tokio::test]
async fn a_guild_is_deleted_after_its_time_and_not_before() {
    let kept = Duration::from_secs(100);
    for (now, rows) in [(109, 2), (110, 2), (111, 0)] {
        let store = TestStore::open().await;
        with_endpoints(&store).await;
        joins(&store, HOME, 1).await;
        leaves(&store, HOME, 10).await;
        settle_left(&store, kept, at(now)).await.unwrap();
        let found: Vec<(i64,)> = store.rows("SELECT COUNT(*) FROM monitors").await;
        assert_eq!(found, [(rows,)], "{now}");
    }
}

#[tokio::test]
async fn a_guild_that_the_bot_is_in_is_not_deleted() {
    let store = TestStore::open().await;
    with_endpoints(&store).await;
    joins(&store, HOME, 1).await;
    assert_eq!(forget(&store, HOME).await.unwrap(), 0);
    assert_eq!(scheduled(&store).await.len(), 2);
    leaves(&store, HOME, 2).await;
    assert!(forget(&store, HOME).await.unwrap() > 0);
    assert_eq!(guild::all(&store.reader).await.unwrap().len(), 0);
}

/// Tables without rows of a guild.
const OF_ALL_GUILDS: [&str; 3] = ["job_runs", "observation_windows", "packing"];

/// The tables with the number of their rows, without those that belong to no guild.
async fn tables(store: &TestStore) -> Vec<(String, i64)> {
    let names: Vec<(String,)> = store
        .rows(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx_%'
             ORDER BY name",
        )
        .await;
    let mut tables = Vec::new();
    for (name,) in names {
        if OF_ALL_GUILDS.contains(&name.as_str()) {
            continue;
        }
        // The last row of the log of checks stays without its monitor, because its number must not come again.
        let of_monitors = match name.as_str() {
            "check_results" => "WHERE monitor_id <> 0",
            _ => "",
        };
        let sql: &'static str = format!("SELECT COUNT(*) FROM {name} {of_monitors}").leak();
        let rows: Vec<(i64,)> = store.rows(sql).await;
        tables.push((name, rows[0].0));
    }
    tables
}

/// Fills a database with the sample rows of the migrations, which belong to the guilds 42 and 43.
async fn with_samples() -> TestStore {
    let store = TestStore::open().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let sql: &'static str = std::fs::read_to_string(file).unwrap().leak();
        store.execute_all(sql).await;
    }
    store
}

#[tokio::test]
async fn no_row_of_a_forgotten_guild_stays_in_any_table() {
    let store = with_samples().await;
    for (table, rows) in tables(&store).await {
        assert!(rows > 0, "{table} has no sample rows in tests/fixtures");
    }
    leaves(&store, GuildId(42), 10).await;
    for guild in [42, 43] {
        forget(&store, GuildId(guild)).await.unwrap();
    }
    for (table, rows) in tables(&store).await {
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn rows_of_other_guilds_stay() {
    let store = with_samples().await;
    let monitors = "SELECT COUNT(*) FROM monitors";
    forget(&store, GuildId(43)).await.unwrap();
    let left: Vec<(i64,)> = store.rows(monitors).await;
    let (kept, gone): (Vec<(i64,)>, Vec<(i64,)>) = (
        store
            .rows("SELECT COUNT(*) FROM monitors WHERE guild_id = 42")
            .await,
        store
            .rows("SELECT COUNT(*) FROM monitors WHERE guild_id = 43")
            .await,
    );
    assert_eq!((left, gone), (kept.clone(), vec![(0,)]));
    let results: Vec<(i64,)> = store.rows("SELECT COUNT(*) FROM check_results").await;
    assert_eq!((kept, results), (vec![(12,)], vec![(3,)]));
}

#[test]
fn leaving_ends_the_outages_of_every_kind_of_monitor() {
    for kind in [
        MonitorKind::Endpoint,
        MonitorKind::Device,
        MonitorKind::Server,
    ] {
        let running = Running {
            id: MonitorId(1),
            kind,
            status: Status::Offline,
            since: at(1),
        };
        let transition = stopped(HOME, &running, at(2));
        assert_eq!(transition.event(), None, "{kind:?}");
        let ends = crate::domain::status::transition::OutageChange::Close(
            crate::domain::status::transition::OutageEnd::Paused,
        );
        assert_eq!(transition.outage(), ends, "{kind:?}");
    }
}

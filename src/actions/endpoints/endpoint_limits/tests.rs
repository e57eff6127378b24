//! The limits of what people add, at each limit, below it and beyond it.

use super::*;
use crate::actions::endpoints::import_endpoints::{self, Imported};
use crate::actions::endpoints::manage_endpoint::{self, EndpointEdit};
use crate::domain::discord_id::{GuildId, UserId};
use crate::domain::monitor::MonitorId;
use crate::domain::patch::Patch;
use crate::store::endpoints::endpoint;
use crate::store::testing::TestStore;

const START: Timestamp = Timestamp::from_millis(10_000_000);

fn limits(quota: u64) -> EndpointLimits {
    EndpointLimits {
        quota,
        min_interval: Duration::from_secs(10),
        exempt: "10.0.0.0/8:80".parse().unwrap(),
    }
}

fn requester(actor: Actor) -> Requester {
    Requester {
        guild: GuildId(1),
        actor,
    }
}

fn member() -> Requester {
    requester(Actor::Member(UserId(7)))
}

struct Guild {
    store: TestStore,
    limits: EndpointLimits,
}

impl Guild {
    async fn with_quota(quota: u64) -> Self {
        Self {
            store: TestStore::open().await,
            limits: limits(quota),
        }
    }

    fn limited(&self) -> LimitedStore<'_> {
        LimitedStore {
            store: &self.store,
            limits: &self.limits,
        }
    }

    /// Imports one target per number; `#` in `target` is the number.
    async fn import(
        &self,
        requester: Requester,
        target: &str,
        numbers: std::ops::Range<usize>,
        now: Timestamp,
    ) -> Imported {
        let lines = numbers.map(|number| target.replace('#', &number.to_string()) + "\n");
        let file: String = lines.collect();
        import_endpoints::import(self.limited(), requester, file.as_bytes(), now)
            .await
            .unwrap()
    }

    async fn add(&self, target: &str, interval: Option<u64>) -> Result<MonitorId, Error> {
        let description = Description {
            name: target.chars().take(64).collect(),
            target: target.parse().unwrap(),
            http_check: None,
            interval: interval.map(Duration::from_secs),
        };
        manage_endpoint::add_one(self.limited(), member(), description, START)
            .await
            .map(Option::unwrap)
    }

    async fn edit(&self, id: MonitorId, edit: EndpointEdit) -> Result<Description, Error> {
        manage_endpoint::edit(self.limited(), member(), id, edit, START).await
    }

    async fn scheduled(&self, id: MonitorId) -> Scheduled {
        let found = endpoint::scheduled_among(&self.store.reader, &[id]).await;
        found.unwrap().remove(0)
    }

    async fn remove_all(&self) {
        for endpoint in endpoint::all(&self.store.reader, None).await.unwrap() {
            manage_endpoint::remove(&self.store, member(), endpoint.id, START)
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn a_host_has_at_most_20_ports() {
    let guild = Guild::with_quota(1000).await;
    let imported = guild
        .import(member(), "tcp://host.example:#", 1..22, START)
        .await;
    assert_eq!((imported.added, imported.refused.len()), (20, 1));
    let refused = &imported.refused[0];
    assert_eq!(refused.line, 21);
    assert!(
        refused
            .reason
            .contains("`host.example` has endpoints on 20 ports already"),
        "{refused:?}"
    );
    // Further paths on known ports, and the same port of other hosts, are possible.
    guild.add("http://host.example:20/", None).await.unwrap();
    guild.add("tcp://other.example:21", None).await.unwrap();
    let error = guild.add("tcp://host.example:21", None).await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error}");
    // A new port takes the place of an old one.
    let last = endpoint::with_target(&guild.store.reader, GuildId(1), "tcp://host.example:1").await;
    let target = Some("tcp://host.example:21".parse().unwrap());
    let edit = EndpointEdit {
        target,
        ..EndpointEdit::default()
    };
    guild
        .edit(last.unwrap().unwrap().id, edit.clone())
        .await
        .unwrap();
    let other = guild.add("tcp://third.example:1", None).await.unwrap();
    let target = Some("tcp://host.example:22".parse().unwrap());
    let error = guild
        .edit(other, EndpointEdit { target, ..edit })
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error}");
}

#[tokio::test]
async fn beyond_a_first_import_up_to_the_quota_200_hosts_an_hour_are_added() {
    let guild = Guild::with_quota(500).await;
    let first = guild
        .import(member(), "tcp://a#.example:1", 0..500, START)
        .await;
    assert_eq!((first.added, first.refused.len()), (500, 0));
    guild.remove_all().await;
    let second = guild
        .import(member(), "tcp://b#.example:1", 0..199, START)
        .await;
    assert_eq!((second.added, second.refused.len()), (199, 0));
    let third = guild
        .import(member(), "tcp://c#.example:1", 0..2, START)
        .await;
    assert_eq!((third.added, third.refused.len()), (1, 1));
    let reason = &third.refused[0].reason;
    assert!(
        reason.contains("200 new hosts") && reason.ends_with("Try again in 60 min"),
        "{reason}"
    );
    // Hosts that the guild has already are not new; removing gives nothing back.
    let known = guild
        .import(member(), "tcp://b#.example:2", 0..1, START)
        .await;
    assert_eq!(known.added, 1);
    guild.remove_all().await;
    let again = guild
        .import(member(), "tcp://d#.example:1", 0..1, START)
        .await;
    assert_eq!((again.added, again.refused.len()), (0, 1));
    let later = START.plus(NEW_HOSTS_PERIOD);
    let fourth = guild
        .import(member(), "tcp://e#.example:1", 0..201, later)
        .await;
    assert_eq!((fourth.added, fourth.refused.len()), (200, 1));
}

#[tokio::test]
async fn a_new_target_may_be_a_new_host() {
    let guild = Guild::with_quota(1).await;
    let id = guild.add("tcp://a.example:1", None).await.unwrap();
    let edit = |number: u64| EndpointEdit {
        target: Some(format!("tcp://b{number}.example:1").parse().unwrap()),
        ..EndpointEdit::default()
    };
    for number in 0..MAX_NEW_HOSTS {
        guild.edit(id, edit(number)).await.unwrap();
    }
    let error = guild.edit(id, edit(MAX_NEW_HOSTS)).await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error}");
    // Another port or path of the same host is no new host.
    let target = Some("tcp://b199.example:2".parse().unwrap());
    guild
        .edit(
            id,
            EndpointEdit {
                target,
                ..EndpointEdit::default()
            },
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn the_command_line_and_allowed_addresses_are_exempt() {
    let guild = Guild::with_quota(1000).await;
    let operator = requester(Actor::CommandLine);
    let imported = guild
        .import(operator, "tcp://host.example:#", 1..101, START)
        .await;
    assert_eq!(imported.refused, []);
    let imported = guild
        .import(member(), "http://10.0.0.#/", 1..250, START)
        .await;
    assert_eq!(imported.refused, []);
    // Neither counts as one of the first hosts.
    let rows: Vec<(i64,)> = guild
        .store
        .rows("SELECT COUNT(*) FROM host_allowances")
        .await;
    assert_eq!(rows, [(0,)]);
    guild.add("http://10.0.0.1/fast", Some(1)).await.unwrap();
    // The allow-list names port 80 only.
    let error = guild.add("http://10.0.0.1:81/", Some(1)).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error}");
}

#[tokio::test]
async fn intervals_below_the_minimum_are_refused() {
    let guild = Guild::with_quota(10).await;
    let error = guild.add("tcp://a.example:1", Some(9)).await.unwrap_err();
    assert!(
        matches!(&error, Error::Invalid(text) if text.contains("at least 10s")),
        "{error}"
    );
    let id = guild.add("tcp://a.example:1", Some(10)).await.unwrap();
    guild.add("tcp://b.example:1", None).await.unwrap();
    for (interval, is_valid) in [(9, false), (10, true), (11, true)] {
        let edit = EndpointEdit {
            interval: Patch::Set(Duration::from_secs(interval)),
            ..EndpointEdit::default()
        };
        assert_eq!(guild.edit(id, edit).await.is_ok(), is_valid, "{interval}");
    }
    let file = "target,interval\ntcp://c.example:1,9s\ntcp://d.example:1,10s\n";
    let imported = import_endpoints::import(guild.limited(), member(), file.as_bytes(), START)
        .await
        .unwrap();
    assert_eq!((imported.added, imported.refused[0].line), (1, 2));
}

#[tokio::test]
async fn short_intervals_from_before_are_checked_at_the_minimum() {
    let mut guild = Guild::with_quota(10).await;
    guild.limits.min_interval = Duration::from_secs(1);
    let name = guild.add("tcp://a.example:1", Some(2)).await.unwrap();
    let exempt = guild.add("tcp://10.0.0.1:80", Some(2)).await.unwrap();
    let standard = guild.add("tcp://b.example:1", None).await.unwrap();
    let default = Duration::from_secs(5);
    for (id, seconds) in [(name, 10), (exempt, 2), (standard, 5)] {
        let scheduled = guild.scheduled(id).await;
        let interval = limits(10).interval(&scheduled, default);
        assert_eq!(interval, Duration::from_secs(seconds), "{scheduled:?}");
    }
    assert_eq!(
        guild.scheduled(name).await.interval,
        Some(Duration::from_secs(2))
    );
}

#[tokio::test]
async fn an_interval_of_the_operator_stays_short_until_a_person_changes_it() {
    let guild = Guild::with_quota(10).await;
    let operator = requester(Actor::CommandLine);
    for (number, edit) in [
        EndpointEdit {
            interval: Patch::Set(Duration::from_secs(20)),
            ..EndpointEdit::default()
        },
        EndpointEdit {
            target: Some("tcp://victim.example:1".parse().unwrap()),
            ..EndpointEdit::default()
        },
    ]
    .into_iter()
    .enumerate()
    {
        let target = format!("tcp://a{number}.example:1");
        let file = format!("target,interval\n{target},1s\n");
        import_endpoints::import(guild.limited(), operator, file.as_bytes(), START)
            .await
            .unwrap();
        let found = endpoint::with_target(&guild.store.reader, GuildId(1), &target).await;
        let id = found.unwrap().unwrap().id;
        let interval = async || {
            let scheduled = guild.scheduled(id).await;
            guild
                .limits
                .interval(&scheduled, Duration::from_secs(60))
                .as_secs()
        };
        assert_eq!(interval().await, 1);
        let rename = EndpointEdit {
            name: Some(format!("shop {number}")),
            ..EndpointEdit::default()
        };
        guild.edit(id, rename).await.unwrap();
        assert_eq!(interval().await, 1);
        guild.edit(id, edit).await.unwrap();
        assert!(interval().await >= 10);
    }
}

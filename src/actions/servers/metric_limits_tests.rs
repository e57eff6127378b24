//! Reports of a server with limits: its status, its outages and its events.

use std::time::Duration;

use super::*;
use crate::actions::servers::manage_server::{self, ServerEdit};
use crate::domain::discord_id::GuildId;
use crate::domain::servers::metric_limit::Condition;
use crate::domain::servers::threshold::Thresholds;
use crate::domain::status::Status;
use crate::store::testing::TestStore;

const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

const HOME: Requester = Requester {
    guild: GuildId(1),
    actor: Actor::CommandLine,
};

fn minute(minutes: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(minutes * 60))
}

fn limit(metric: &str, bound: f64, severity: Severity) -> MetricLimit {
    MetricLimit {
        metric: metric.parse().unwrap(),
        condition: Condition::Above(bound),
        hold: Duration::from_secs(60),
        severity,
    }
}

struct Fixture {
    store: TestStore,
    server: MonitorId,
}

impl Fixture {
    async fn with(limits: Vec<MetricLimit>) -> Self {
        let store = TestStore::open().await;
        let added = manage_server::add(&store, HOME, "db-1".into(), 10, NOW).await;
        let fixture = Self {
            store,
            server: added.unwrap().0,
        };
        fixture.edit(LimitEdit::Set(limits)).await.unwrap();
        fixture
    }

    async fn edit(&self, change: LimitEdit) -> Result<(), Error> {
        edit(&self.store, HOME, self.server, change, NOW).await
    }

    async fn report(&self, stats: &str, now: Timestamp) {
        let reporter = HOME.monitor(self.server);
        let stored = manage_server::report(&self.store, reporter, stats.into(), now).await;
        stored.unwrap();
    }

    /// The status that is stored, and the one of the judgement with its reason.
    async fn status(&self, now: Timestamp) -> (Status, Status, String) {
        let defaults = Thresholds::DEFAULT;
        let standing =
            manage_server::standing(&self.store.reader, HOME, self.server, defaults, now).await;
        let standing = standing.unwrap();
        let judgement = standing.judgement;
        (standing.server.status, judgement.status, judgement.reason)
    }

    /// The outages in order: reason, limit, and how they ended.
    async fn outages(&self) -> Vec<String> {
        let rows: Vec<(String, i64, Option<String>)> = self
            .store
            .rows("SELECT reason, limit_id, ended_by FROM outages ORDER BY id")
            .await;
        let text = |(reason, limit, end): (String, i64, Option<String>)| {
            format!("{reason} {limit} {}", end.as_deref().unwrap_or("open"))
        };
        rows.into_iter().map(text).collect()
    }

    async fn events(&self) -> Vec<String> {
        let rows: Vec<(String,)> = self
            .store
            .rows("SELECT kind FROM events WHERE kind LIKE 'server%' ORDER BY id")
            .await;
        rows.into_iter().map(|(kind,)| kind).collect()
    }
}

#[tokio::test]
async fn a_limit_has_an_outage_from_the_first_report_beyond_it_to_the_first_within() {
    let fixture = Fixture::with(vec![limit("cpu", 90.0, Severity::Warning)]).await;
    fixture.report(r#"{"cpu": 50}"#, minute(0)).await;
    fixture.report(r#"{"cpu": 91.5}"#, minute(1)).await;
    assert_eq!(fixture.status(minute(1)).await.0, Status::Online);
    assert_eq!(fixture.outages().await, [""; 0]);
    fixture.report(r#"{"cpu": 95}"#, minute(2)).await;
    let reason = "cpu at 95, above 90 for 1 min".to_owned();
    let warning = (Status::Warning, Status::Warning, reason);
    assert_eq!(fixture.status(minute(2)).await, warning);
    assert_eq!(fixture.outages().await, ["limit_warning 1 open"]);
    let started: Vec<(i64, String)> = fixture
        .store
        .rows("SELECT started_at, detail FROM outages")
        .await;
    assert_eq!(started, [(minute(1).millis(), warning.2)]);
    fixture.report(r#"{"memory": 1}"#, minute(3)).await;
    assert_eq!(fixture.outages().await, ["limit_warning 1 open"]);
    fixture.report(r#"{"cpu": 90}"#, minute(4)).await;
    assert_eq!(fixture.outages().await, ["limit_warning 1 recovered"]);
    let (stored, judged, _) = fixture.status(minute(4)).await;
    assert_eq!((stored, judged), (Status::Online, Status::Online));
    assert_eq!(
        fixture.events().await,
        [
            "server_added",
            "server_limits_changed",
            "server_online",
            "server_limit_exceeded",
            "server_limit_met",
        ]
    );
}

#[tokio::test]
async fn each_limit_has_an_outage_of_its_own_and_the_worst_decides_the_status() {
    let limits = vec![
        limit("cpu", 90.0, Severity::Warning),
        limit("memory", 90.0, Severity::Outage),
    ];
    let fixture = Fixture::with(limits).await;
    for (at, stats, status) in [
        (
            0,
            r#"{"cpu": 99, "memory": {"used_percent": 10}}"#,
            Status::Online,
        ),
        (
            1,
            r#"{"cpu": 99, "memory": {"used_percent": 99}}"#,
            Status::Warning,
        ),
        (
            2,
            r#"{"cpu": 99, "memory": {"used_percent": 99}}"#,
            Status::Offline,
        ),
        (
            3,
            r#"{"cpu": 99, "memory": {"used_percent": 10}}"#,
            Status::Warning,
        ),
        (
            4,
            r#"{"cpu": 10, "memory": {"used_percent": 10}}"#,
            Status::Online,
        ),
    ] {
        fixture.report(stats, minute(at)).await;
        let (stored, judged, _) = fixture.status(minute(at)).await;
        assert_eq!((stored, judged), (status, status), "minute {at}");
    }
    assert_eq!(
        fixture.outages().await,
        ["limit_warning 1 recovered", "limit_outage 2 recovered"]
    );
}

#[tokio::test]
async fn a_limit_that_is_changed_or_removed_ends_its_outage_and_others_stay() {
    let (cpu, memory) = (
        limit("cpu", 90.0, Severity::Outage),
        limit("memory", 90.0, Severity::Warning),
    );
    let fixture = Fixture::with(vec![cpu.clone(), memory.clone()]).await;
    for at in 0..2 {
        fixture
            .report(r#"{"cpu": 99, "memory": 99}"#, minute(at))
            .await;
    }
    assert_eq!(fixture.status(minute(1)).await.0, Status::Offline);
    // What stays as it is keeps its outage.
    fixture
        .edit(LimitEdit::Set(vec![cpu.clone()]))
        .await
        .unwrap();
    assert_eq!(
        fixture.outages().await,
        ["limit_outage 1 open", "limit_warning 2 open"]
    );
    let higher = limit("cpu", 99.5, Severity::Outage);
    fixture.edit(LimitEdit::Set(vec![higher])).await.unwrap();
    assert_eq!(fixture.status(minute(1)).await.0, Status::Warning);
    assert_eq!(
        fixture.outages().await,
        ["limit_outage 1 limit_changed", "limit_warning 2 open"]
    );
    let remove = LimitEdit::Remove(memory.metric.clone(), None);
    fixture.edit(remove.clone()).await.unwrap();
    assert_eq!(fixture.status(minute(1)).await.0, Status::Online);
    assert!(matches!(
        fixture.edit(remove).await,
        Err(Error::NotFound(_))
    ));
    let kind = Some(ConditionKind::Below);
    let other = LimitEdit::Remove(cpu.metric, kind);
    assert!(matches!(fixture.edit(other).await, Err(Error::NotFound(_))));
    fixture.edit(LimitEdit::Replace(Vec::new())).await.unwrap();
    let left = list(&fixture.store.reader, HOME, fixture.server).await;
    assert_eq!(left.unwrap(), []);
}

#[tokio::test]
async fn a_server_that_is_paused_has_no_exceeded_limit() {
    let fixture = Fixture::with(vec![limit("cpu", 90.0, Severity::Warning)]).await;
    for at in 0..2 {
        fixture.report(r#"{"cpu": 99}"#, minute(at)).await;
    }
    let active = |is_active| ServerEdit {
        is_active: Some(is_active),
        ..ServerEdit::default()
    };
    let edit = async |change| {
        let edited = manage_server::edit(&fixture.store, HOME, fixture.server, change, NOW).await;
        edited.unwrap();
    };
    edit(active(false)).await;
    assert_eq!(fixture.outages().await, ["limit_warning 1 paused"]);
    fixture.report(r#"{"cpu": 99}"#, minute(2)).await;
    fixture.report(r#"{"cpu": 99}"#, minute(3)).await;
    assert_eq!(fixture.status(minute(3)).await.0, Status::Paused);
    edit(active(true)).await;
    fixture.report(r#"{"cpu": 99}"#, minute(4)).await;
    assert_eq!(fixture.status(minute(4)).await.0, Status::Online);
    fixture.report(r#"{"cpu": 99}"#, minute(5)).await;
    assert_eq!(fixture.status(minute(5)).await.0, Status::Warning);
}

#[tokio::test]
async fn a_server_has_at_most_20_limits_and_other_guilds_cannot_change_them() {
    let many = |count: usize| -> Vec<MetricLimit> {
        let metric = |number| format!("metrics.{number}");
        let numbers = 0..count;
        numbers
            .map(|number| limit(&metric(number), 1.0, Severity::Warning))
            .collect()
    };
    let fixture = Fixture::with(many(MOST_LIMITS)).await;
    let more = fixture.edit(LimitEdit::Set(many(MOST_LIMITS + 1))).await;
    assert!(matches!(more, Err(Error::Conflict(_))));
    let other = Requester {
        guild: GuildId(2),
        ..HOME
    };
    let (store, server) = (&fixture.store, fixture.server);
    let edited = edit(store, other, server, LimitEdit::Replace(Vec::new()), NOW).await;
    assert!(matches!(edited, Err(Error::NotFound(_))));
    assert!(list(&store.reader, other, server).await.is_err());
    let own = list(&store.reader, HOME, server).await.unwrap();
    assert_eq!(own.len(), MOST_LIMITS);
}

#[tokio::test]
async fn first_limits_are_set_only_while_there_are_none() {
    let fixture = Fixture::with(Vec::new()).await;
    let first = |metric: &str| LimitEdit::SetFirst(vec![limit(metric, 90.0, Severity::Warning)]);
    fixture.edit(first("disk")).await.unwrap();
    let refused = fixture.edit(first("memory")).await.unwrap_err();
    assert_eq!(refused.to_string(), "this server has limits already");
    let known = list(&fixture.store.reader, HOME, fixture.server).await;
    let known: Vec<String> = known
        .unwrap()
        .iter()
        .map(|one| one.limit.to_string())
        .collect();
    assert_eq!(known, ["disk above 90 for 1 min"]);
    let guild = Requester {
        guild: GuildId(2),
        ..HOME
    };
    let foreign = edit(&fixture.store, guild, fixture.server, first("cpu"), NOW).await;
    assert!(matches!(foreign, Err(Error::NotFound(_))));
}

//! Random histories of all three kinds of monitor on a real database, and what must hold after each step.

use std::time::Duration;

use proptest::prelude::{Just, Strategy, prop_oneof};

use super::*;
use crate::actions::endpoints::completed_check::CompletedCheck;
use crate::actions::endpoints::connectivity::{self, Lost};
use crate::actions::endpoints::endpoint_limits::{EndpointLimits, LimitedStore};
use crate::actions::endpoints::manage_endpoint;
use crate::actions::endpoints::record_result::{Rules, record};
use crate::actions::incidents::settle_flapping;
use crate::actions::servers::manage_server::{self, ServerEdit};
use crate::actions::silences::{end, start};
use crate::actions::testing::{HOME, at, maintenance_of, member};
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::ping::{Ping, Signal};
use crate::domain::devices::status_rule::{
    DeviceStanding, MissedHeartbeats, on_absence, on_heartbeat,
};
use crate::domain::endpoints::check_result::{
    CheckResult, Failure, FailureClass, NotChecked, Timings, Verdict,
};
use crate::domain::endpoints::connectivity::Loss;
use crate::domain::endpoints::failure_tracker::Suspicion;
use crate::domain::history::observation_windows::Absence;
use crate::domain::history::observation_windows::{ObservationWindow, ObservationWindows};
use crate::domain::incidents::flapping::SETTLED_DOWN;
use crate::domain::servers::status_rule::{Expectations, on_interval, on_thresholds};
use crate::domain::servers::threshold::Thresholds;
use crate::domain::silences::silence::SilenceScope;
use crate::domain::status::Status;
use crate::store::devices::device::{self, Device};
use crate::store::devices::heartbeat::record_heartbeats;
use crate::store::servers::server;
use crate::store::silences::silence;
use crate::store::testing::{TestStore, new_device};

/// Three failures make an endpoint offline.
const RULES: Rules = Rules {
    interval: Duration::from_secs(60),
    retry_interval: Duration::from_secs(10),
    recheck_interval: Duration::from_secs(3600),
    failures_to_offline: 3,
};

const MINUTE: Duration = Duration::from_secs(60);

fn state_of(device: &Device) -> DeviceStanding {
    DeviceStanding {
        status: device.status,
        since: device.since,
        has_failed: device.failure.is_some(),
    }
}

/// One step of a random history.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Checks an endpoint: `Some(true)` passes, `Some(false)` fails, `None` cannot be run.
    Check(usize, Option<bool>),
    /// Records two results of an endpoint in one batch.
    CheckTwice(usize, [Option<bool>; 2]),
    Retarget(usize),
    PauseOrResume(usize),
    RemoveEndpoint,
    Heartbeat,
    FailRun,
    MissHeartbeat,
    Report,
    /// The server monitor runs after this many minutes without a report.
    JudgeServer(u64),
    SwitchServer(bool),
    LoseConnectivity,
    Mute(usize),
    StartMaintenance,
    EndMaintenance,
    /// This many minutes pass.
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = || 0..2_usize;
    let result = || prop_oneof![3 => Just(Some(false)), 2 => Just(Some(true)), 1 => Just(None)];
    let step = prop_oneof![
        12 => (one(), result()).prop_map(|(one, result)| Step::Check(one, result)),
        4 => (one(), [result(), result()]).prop_map(|(one, results)| Step::CheckTwice(one, results)),
        1 => one().prop_map(Step::Retarget),
        1 => one().prop_map(Step::PauseOrResume),
        1 => Just(Step::RemoveEndpoint),
        3 => Just(Step::Heartbeat),
        2 => Just(Step::FailRun),
        2 => Just(Step::MissHeartbeat),
        3 => Just(Step::Report),
        3 => (0..200_u64).prop_map(Step::JudgeServer),
        1 => proptest::bool::ANY.prop_map(Step::SwitchServer),
        1 => Just(Step::LoseConnectivity),
        1 => one().prop_map(Step::Mute),
        1 => Just(Step::StartMaintenance),
        1 => Just(Step::EndMaintenance),
        2 => (0..20_i64).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..60)
}

/// A guild with two endpoints, a device and a server.
struct World {
    store: TestStore,
    endpoints: Vec<MonitorId>,
    device: MonitorId,
    server: MonitorId,
    /// Seconds since the Unix epoch.
    second: i64,
    /// When each endpoint began to fail, as the history says.
    failing_since: [Option<i64>; 2],
}

impl World {
    async fn new() -> Self {
        let store = TestStore::open().await;
        store.add_channel(HOME).await;
        let endpoints = vec![
            store.add_endpoint(HOME, "tcp://192.0.2.1:1").await,
            store.add_endpoint(HOME, "tcp://198.51.100.1:1").await,
        ];
        let uuid = DeviceUuid::from_random([1; 16]);
        let (device, server) = store
            .write(move |tx| {
                Box::pin(async move {
                    let device =
                        device::insert(tx, &new_device(HOME, &uuid, "pump"), at(0)).await?;
                    record_heartbeats(tx, &[(device, at(0))]).await?;
                    Ok((device, server::insert(tx, HOME, "db-1", at(0)).await?))
                })
            })
            .await;
        Self {
            store,
            endpoints,
            device,
            server,
            second: 10,
            failing_since: [None; 2],
        }
    }

    fn now(&self) -> Timestamp {
        at(self.second)
    }

    async fn apply(&mut self, change: impl Into<Change>) {
        let (change, now) = (change.into(), self.now());
        self.store
            .write(move |tx| Box::pin(apply_one(tx, change, Actor::System, now)))
            .await;
    }

    async fn step(&mut self, step: Step) {
        self.second += 7;
        let (store, now) = (&self.store, self.now());
        match step {
            Step::Check(one, result) => self.check(one, &[result]).await,
            Step::CheckTwice(one, results) => self.check(one, &results).await,
            Step::Retarget(one) => self.retarget(one).await,
            Step::PauseOrResume(one) => self.pause_or_resume(one).await,
            Step::RemoveEndpoint => {
                drop(manage_endpoint::remove(store, member(), self.endpoints[1], now).await);
            }
            Step::Heartbeat => self.heartbeat(None).await,
            Step::FailRun => self.heartbeat(Some(Signal::Fail(Some(1)))).await,
            Step::MissHeartbeat => self.miss_heartbeat().await,
            Step::Report => {
                manage_server::report(store, member().monitor(self.server), "{}".into(), now)
                    .await
                    .unwrap();
            }
            Step::JudgeServer(minutes) => self.judge_server(minutes).await,
            Step::SwitchServer(is_active) => {
                let edit = ServerEdit {
                    is_active: Some(is_active),
                    ..ServerEdit::default()
                };
                manage_server::edit(store, member(), self.server, edit, now)
                    .await
                    .unwrap();
            }
            Step::LoseConnectivity => self.lose_connectivity().await,
            Step::Mute(one) => {
                // Fails if the endpoint has been removed.
                drop(start::mute(store, member(), self.endpoints[one], MINUTE, now).await);
            }
            Step::StartMaintenance => {
                let new = maintenance_of(SilenceScope::All, self.second, self.second + 300);
                start::schedule(store, member(), new, now).await.unwrap();
            }
            Step::EndMaintenance => {
                for known in silence::maintenance(&store.reader, Some(HOME))
                    .await
                    .unwrap()
                {
                    end::end(store, member(), known.id, now).await.unwrap();
                }
            }
            Step::Wait(minutes) => self.second += minutes * 60,
        }
        self.run_jobs().await;
    }

    /// What the jobs do every few seconds.
    async fn run_jobs(&self) {
        end::apply_due(&self.store, self.now()).await.unwrap();
        let observed = ObservationWindows(vec![ObservationWindow::new(at(0), self.now())]);
        settle_flapping::settle(&self.store, &observed, self.now())
            .await
            .unwrap();
    }

    async fn pause_or_resume(&mut self, one: usize) {
        let (store, id, now) = (&self.store, self.endpoints[one], self.now());
        if manage_endpoint::pause(store, member(), id, now)
            .await
            .is_err()
        {
            // It is paused already, or removed.
            drop(manage_endpoint::resume(store, member(), id, now).await);
        }
        self.failing_since[one] = None;
    }

    async fn retarget(&mut self, one: usize) {
        let target = format!("tcp://203.0.113.{}:{}", one + 1, self.second);
        let edit = manage_endpoint::EndpointEdit {
            target: Some(target.parse().unwrap()),
            ..Default::default()
        };
        // Fails if the endpoint has been removed.
        let id = self.endpoints[one];
        let limited = LimitedStore {
            store: &self.store,
            limits: &EndpointLimits::of_quota(10),
        };
        drop(manage_endpoint::edit(limited, member(), id, edit, self.now()).await);
        self.failing_since[one] = None;
    }

    /// Records results of one endpoint, a second apart, in one batch.
    async fn check(&mut self, one: usize, results: &[Option<bool>]) {
        let id = self.endpoints[one];
        let revisions: Vec<(i64,)> = self
            .store
            .rows("SELECT revision FROM endpoint_targets ORDER BY monitor_id")
            .await;
        let revision = revisions.get(one).map_or(0, |(revision,)| *revision);
        let mut batch = Vec::new();
        for result in results {
            self.second += 1;
            let verdict = match result {
                Some(true) => Verdict::Up,
                Some(false) => Verdict::Down(Failure::new(FailureClass::Refused)),
                None => Verdict::Unknown(NotChecked::Machine("no file descriptors left")),
            };
            batch.push(CompletedCheck {
                has_name: false,
                monitor_id: id,
                revision: u32::try_from(revision).unwrap(),
                result: CheckResult {
                    at: self.now(),
                    verdict,
                    timings: Timings::default(),
                    certificate: None,
                },
                waiters: Vec::new(),
            });
            match result {
                Some(true) => self.failing_since[one] = None,
                Some(false) => {
                    self.failing_since[one] = self.failing_since[one].or(Some(self.second));
                }
                None => {}
            }
        }
        let writer = &self.store.writer;
        record(writer, batch, RULES, Actor::System, self.now())
            .await
            .unwrap();
    }

    async fn heartbeat(&mut self, signal: Option<Signal>) {
        let device = device::by_id(&self.store.reader, HOME, self.device).await;
        let device = device.unwrap().unwrap();
        let ping = signal.map(|signal| Ping {
            signal,
            run: String::new(),
            message: String::new(),
            last_line: None,
            run_time: None,
        });
        let monitor = member().monitor(self.device);
        let decision = on_heartbeat(monitor, state_of(&device), ping.as_ref(), self.now());
        let (id, now) = (self.device, self.now());
        self.store
            .write(move |tx| Box::pin(async move { record_heartbeats(tx, &[(id, now)]).await }))
            .await;
        if let Some(transition) = decision.transition {
            self.apply(transition).await;
        }
    }

    async fn miss_heartbeat(&mut self) {
        let device = device::by_id(&self.store.reader, HOME, self.device).await;
        let device = device.unwrap().unwrap();
        let missed = MissedHeartbeats {
            last_seen: device.last_seen_at.unwrap(),
            threshold: MINUTE,
            absence: Absence {
                observed: MINUTE * 2,
                present: MINUTE * 2,
            },
        };
        if device.status != Status::Online {
            return;
        }
        let monitor = member().monitor(self.device);
        let transition = on_absence(monitor, state_of(&device), missed, self.now());
        self.apply(transition.unwrap()).await;
    }

    async fn judge_server(&mut self, minutes: u64) {
        let found = server::get(&self.store.reader, HOME, self.server).await;
        let mut state = found.unwrap().unwrap().state();
        let Some(last_seen) = state.last_seen else {
            return;
        };
        let now = last_seen.plus(MINUTE * u32::try_from(minutes).unwrap());
        let observed = ObservationWindows(vec![ObservationWindow::new(at(0), now)]);
        // Nobody was there to receive a report: nothing follows from its absence.
        let nothing = ObservationWindows::default();
        let expected = Expectations {
            thresholds: Thresholds::new(MINUTE * 5, MINUTE * 60, MINUTE * 120).unwrap(),
            interval: minutes.is_multiple_of(2).then_some(MINUTE),
        };
        assert_eq!(on_thresholds(state, &expected, &nothing, now), None);
        // Without an interval, the thresholds have judged the server already.
        let learned = Expectations {
            interval: Some(MINUTE),
            ..expected
        };
        assert_eq!(on_interval(state, &learned, &nothing, now), None);
        if let Some(transition) = on_thresholds(state, &expected, &observed, now) {
            state.status = transition.to;
            self.apply(transition).await;
        }
        if let Some(transition) = on_interval(state, &expected, &observed, now) {
            self.apply(transition).await;
        }
    }

    /// Retracts what failed within the last minute.
    async fn lose_connectivity(&mut self) {
        let since = self.now().minus(MINUTE);
        let lost = Lost {
            loss: Loss::Network,
            suspicion: Suspicion {
                began: since,
                failing: Vec::new(),
            },
        };
        connectivity::begin(&self.store, lost, self.now())
            .await
            .unwrap();
        for failing in &mut self.failing_since {
            *failing = failing.filter(|second| at(*second) < since);
        }
    }

    /// An endpoint's outage is dated at its first failure.
    async fn outages_begin_with_the_first_failure(&self, step: Step) {
        let open: Vec<(i64, i64)> = self
            .store
            .rows("SELECT monitor_id, started_at FROM outages WHERE ended_at IS NULL")
            .await;
        for (monitor, started_at) in open {
            let place = self.endpoints.iter().position(|id| id.0 == monitor);
            if let Some(one) = place {
                let first = self.failing_since[one].map(|second| second * 1000);
                assert_eq!(Some(started_at), first, "endpoint {one} after {step:?}");
            }
        }
    }
}

impl World {
    /// A monitor that has been offline for 15 minutes is not flapping, unless it is silenced.
    async fn flapping_settles(&self, step: Step) {
        let flapping: Vec<(i64,)> = self
            .store
            .rows(
                "SELECT started_at FROM outages WHERE is_flapping = 1 AND ended_at IS NULL
                 AND NOT EXISTS (SELECT 1 FROM silences)",
            )
            .await;
        let settled = self.now().minus(SETTLED_DOWN).millis();
        let wrong = flapping.iter().find(|(started,)| *started <= settled);
        assert_eq!(wrong, None, "after {step:?}");
    }

    /// No monitor goes offline twice without having recovered, been paused, changed or removed in between.
    async fn events_alternate(&self) {
        let events: Vec<(i64, String)> = self
            .store
            .rows("SELECT monitor_id, kind FROM events WHERE monitor_id IS NOT NULL ORDER BY id")
            .await;
        let mut last: std::collections::HashMap<i64, String> = std::collections::HashMap::new();
        let statuses = [
            "_offline", "_online", "_unknown", "_warning", "_cleared", "_up", "_paused", "_resumed",
        ];
        for (monitor, kind) in events {
            // A server is paused and resumed by an edit, and a new target begins with the status unknown.
            if kind.ends_with("_edited") {
                last.remove(&monitor);
            }
            if !statuses.iter().any(|ending| kind.ends_with(ending)) {
                continue;
            }
            let before = last.insert(monitor, kind.clone());
            assert_ne!(before.as_ref(), Some(&kind), "{kind} twice in a row");
        }
    }
}

/// Violations of what must always hold: description, and query for the rows.
const VIOLATIONS: [(&str, &str); 8] = [
    (
        "a monitor with two open outages",
        "SELECT monitor_id FROM outages WHERE ended_at IS NULL GROUP BY monitor_id HAVING COUNT(*) > 1",
    ),
    (
        "an offline endpoint or device without an open outage",
        "SELECT id FROM monitors m WHERE status = 'offline' AND kind <> 'server'
         AND NOT EXISTS (SELECT 1 FROM outages o WHERE o.monitor_id = m.id AND o.ended_at IS NULL)",
    ),
    (
        "an open outage of a monitor that is not offline; a server may be overdue before",
        "SELECT o.id FROM outages o LEFT JOIN monitors m ON m.id = o.monitor_id WHERE o.ended_at IS NULL
         AND (m.id IS NULL OR m.status IN ('unknown', 'paused') OR (m.kind <> 'server' AND m.status <> 'offline'))",
    ),
    (
        "an open incident without an open outage, or an ended one with one",
        "SELECT c.id FROM incidents c WHERE c.kind = 'incident' AND (c.ended_at IS NULL) <>
         EXISTS (SELECT 1 FROM outages o WHERE o.incident_id = c.id AND o.ended_at IS NULL)",
    ),
    (
        "an incident that no destination will be brought up to",
        "SELECT c.id FROM incidents c LEFT JOIN deliveries d ON d.incident_id = c.id
         WHERE d.id IS NULL OR d.delivered_revision > d.wanted_revision OR (c.kind = 'incident' AND d.wanted_revision <> c.revision)",
    ),
    (
        "an incident with a flapping monitor that says its flapping has ended, or never began",
        "SELECT c.id FROM incidents c JOIN outages o ON o.incident_id = c.id
         WHERE o.is_flapping = 1 AND (c.flapping_since IS NULL OR c.flapping_ended_at IS NOT NULL)",
    ),
    (
        "an outage that ended without saying how, or before it started",
        "SELECT id FROM outages WHERE (ended_at IS NULL) <> (ended_by IS NULL) OR ended_at < started_at",
    ),
    (
        "an inactive endpoint that is not offline, or the reverse",
        "SELECT id FROM endpoints WHERE (status = 'offline') = is_active",
    ),
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 32, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_history_leaves_statuses_outages_and_incidents_consistent(steps in steps()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for (index, step) in steps.into_iter().enumerate() {
                world.step(step).await;
                for (what, sql) in VIOLATIONS {
                    let wrong: Vec<(i64,)> = world.store.rows(sql).await;
                    assert_eq!(wrong, [], "{what}, after {step:?} at step {index}");
                }
                world.outages_begin_with_the_first_failure(step).await;
                world.flapping_settles(step).await;
            }
            world.events_alternate().await;
        });
    }
}

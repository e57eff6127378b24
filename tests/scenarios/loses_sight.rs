//! When the network on our side is down, nothing is said of the endpoints; and when it is back, only what is true.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use discord_sandbox::Sandbox;

use crate::alerting::{self, the_message, wait_until_online, with_webs};
use crate::collector::Collector;
use crate::harness::{Rollcall, Running, Web, wait_for};

/// A host that can fall silent: its queue of connections is full, and whoever asks waits in vain.
struct ReferenceHost {
    address: SocketAddr,
    listener: tokio::net::TcpListener,
    waiting: Vec<TcpStream>,
}

impl ReferenceHost {
    fn start() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            listener,
            waiting: Vec::new(),
        }
    }

    fn falls_silent(&mut self) {
        let limit = Duration::from_millis(300);
        while let Ok(stream) = TcpStream::connect_timeout(&self.address, limit) {
            self.waiting.push(stream);
        }
    }

    /// Takes every connection from now on.
    fn answers_again(self) {
        tokio::spawn(async move {
            let _waiting = self.waiting;
            while let Ok((stream, _)) = self.listener.accept().await {
                drop(stream);
            }
        });
    }
}

fn bot(sandbox: &Sandbox, witness: &ReferenceHost) -> Rollcall {
    alerting::bot(sandbox)
        .with("PROBE_FAILURES_TO_OFFLINE", "3")
        .with("PROBE_WITNESSES", witness.address.to_string())
}

/// A device that has been registered, by its uuid.
fn registered(sandbox: &Sandbox, rollcall: &Rollcall, running: &Running<'_>) -> String {
    let guild = sandbox.guild().0.to_string();
    let made = rollcall.done(&[
        "key", "create", "--kind", "fleet", "--guild", &guild, "--json",
    ]);
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let body = r#"{"device_name": "backup"}"#;
    let answer = running.call("POST", "/api/v1/device/register", &key, body);
    answer.json["uuid"].as_str().unwrap().to_owned()
}

/// A device reports a failure, which waits in both outboxes, and goes on waiting for longer than anything waits between two
/// messages.
fn what_fails_now_is_held(running: &Running<'_>, device: &str) {
    let failed = running.call("POST", &format!("/ping/{device}/fail"), "", "disk full");
    assert_eq!(failed.status, 200);
    let waiting = || {
        let names = [
            r#"rollcall_notifications_pending{destination="channel"}"#,
            r#"rollcall_notifications_pending{destination="webhook"}"#,
        ];
        names.map(|name| running.metric(name))
    };
    wait_for("it to wait in both outboxes", || {
        (waiting() == [Some(1.0); 2]).then_some(())
    });
    // A job that runs every five seconds tells the time.
    let runs = || {
        running
            .metric(r#"rollcall_job_runs_total{job="explain"}"#)
            .unwrap()
    };
    let before = runs();
    wait_for("some time to pass", || {
        (runs() >= before + 2.0).then_some(())
    });
    assert_eq!(waiting(), [Some(1.0); 2]);
    assert_eq!(running.metric("rollcall_connectivity_up"), Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_we_are_blind_nothing_is_told_and_afterwards_what_is_true() {
    let sandbox = Sandbox::start().await;
    let mut witness = ReferenceHost::start();
    let rollcall = bot(&sandbox, &witness);
    let mut webs: Vec<Web> = (0..6).map(|_| Web::up()).collect();
    let running = with_webs(&sandbox, &rollcall, &webs).await;
    let collector = Collector::start();
    let webhook = format!(
        "/alerts webhook add name:wall url:{}",
        collector.url("hook")
    );
    sandbox.slash(&webhook).await;
    let device = registered(&sandbox, &rollcall, &running);
    witness.falls_silent();
    for web in &mut webs {
        web.goes_down();
    }
    the_message(&sandbox, "Rollcall cannot see").await;
    wait_for("everything to be unknown", || {
        let unknown = running.metric(r#"rollcall_endpoints{status="unknown"}"#);
        (unknown == Some(6.0) && running.metric("rollcall_connectivity_up") == Some(0.0))
            .then_some(())
    });
    assert_eq!(rollcall.sql("SELECT 'one' FROM outages").len(), 0);
    what_fails_now_is_held(&running, &device);
    assert_eq!(collector.types(), ["test", "blind"]);
    let messages = sandbox.messages(sandbox.guild());
    assert!(messages.iter().all(|one| !one.text().contains("disk full")));
    // Five of them come back with the network, and one does not.
    for web in &mut webs[1..] {
        web.comes_back();
    }
    witness.answers_again();
    the_message(&sandbox, "Rollcall could not see for").await;
    // One message for both, or one for each: by when they were noticed.
    the_message(&sandbox, "web0").await;
    the_message(&sandbox, "disk full").await;
    wait_until_online(&running, 5);
    let messages = sandbox.messages(sandbox.guild());
    assert!(
        messages.len() <= 4,
        "the test, what we could not see, and the two"
    );
    for other in 1..6 {
        let other = format!("web{other}");
        assert!(
            messages.iter().all(|one| !one.text().contains(&other)),
            "{other}"
        );
    }
    wait_for("the same at the webhook", || {
        let told = collector.types();
        told.contains(&"incident.opened".to_owned()).then_some(())
    });
    assert_eq!(running.metric("rollcall_connectivity_up"), Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_many_is_told_where_a_witness_answers() {
    let sandbox = Sandbox::start().await;
    let witness = ReferenceHost::start();
    let rollcall = bot(&sandbox, &witness);
    witness.answers_again();
    let mut webs: Vec<Web> = (0..6).map(|_| Web::up()).collect();
    let running = with_webs(&sandbox, &rollcall, &webs).await;
    for web in &mut webs {
        web.goes_down();
    }
    the_message(&sandbox, "🔴 6 on 127.0.0.1 are offline").await;
    assert_eq!(running.metric("rollcall_connectivity_up"), Some(1.0));
}

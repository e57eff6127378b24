//! A resolver that fails takes no endpoint offline and hides no outage of an endpoint that has an IP address.

use std::sync::atomic::Ordering;

use discord_sandbox::Sandbox;

use crate::harness::alerting::{self, the_message, wait_until_online};
use crate::harness::name_server::{NameServer, Zone};
use crate::harness::{Rollcall, Running, Web, wait_for};

const NAMES: usize = 8;

/// The endpoints' names lead to this machine, and the reference names exist.
fn working() -> Zone {
    let (endpoints, references) = (Zone::at([127, 0, 0, 1]), Zone::at([127, 0, 0, 7]));
    Zone::Split(Box::new([endpoints, references, Zone::Code(3)]))
}

/// The same answer to everything.
fn all(zone: &Zone) -> Zone {
    Zone::Split(Box::new([zone.clone(), zone.clone(), zone.clone()]))
}

fn bot(sandbox: &Sandbox, server: &NameServer) -> Rollcall {
    alerting::bot(sandbox)
        .with("PROBE_FAILURES_TO_OFFLINE", "2")
        .with("PROBE_TIMEOUT", "1s")
        .with("PROBE_RESOLVER", server.address.to_string())
        .with("CONNECTIVITY_NAMES", "one.reference,two.reference")
}

fn wait_until_unknown(running: &Running<'_>, count: usize) {
    wait_for("the endpoints to be unknown", || {
        let unknown = running.metric(r#"rollcall_endpoints{status="unknown"}"#);
        (unknown == Some(count as f64)).then_some(())
    });
}

fn wait_until_names_resolve(running: &Running<'_>) {
    wait_for("name resolution to be restored", || {
        (running.metric("rollcall_name_resolution_up") == Some(1.0)).then_some(())
    });
    wait_until_online(running, NAMES);
}

/// What can be wrong with a resolver.
fn faults() -> [Zone; 6] {
    [
        Zone::Unresponsive,
        Zone::Garbage,
        // SERVFAIL, and NXDOMAIN for every name.
        Zone::Code(2),
        Zone::Code(3),
        // The same address for every name, as a captive portal does: nothing listens there, or checks may not reach it.
        Zone::at([127, 0, 0, 9]),
        Zone::at([192, 168, 1, 1]),
    ]
}

/// Starts the bot with alerts and this many endpoints that have names, and waits until they are online.
async fn with_names<'a>(
    sandbox: &Sandbox,
    rollcall: &'a Rollcall,
    web: &Web,
    count: usize,
) -> Running<'a> {
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let setup = format!("/alerts setup channel:{}", sandbox.channel(sandbox.guild()));
    sandbox.slash(&setup).await;
    let port = web.address().port();
    let list: String = (0..count)
        .map(|number| format!("tcp://web{number}.shop.example:{port}\n"))
        .collect();
    alerting::import(sandbox, rollcall, &list);
    wait_until_online(&running, count);
    running
}

/// Asserts that no endpoint was offline, not even for a moment.
fn assert_none_was_offline(rollcall: &Rollcall) {
    let offline = "SELECT 'one' FROM events WHERE kind = 'endpoint_offline'";
    assert_eq!(rollcall.sql(offline), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolver_that_fails_takes_no_endpoint_offline() {
    let sandbox = Sandbox::start().await;
    let server = NameServer::with(working()).await;
    let rollcall = bot(&sandbox, &server);
    let web = Web::up();
    let running = with_names(&sandbox, &rollcall, &web, NAMES).await;
    for fault in faults() {
        server.set(all(&fault));
        wait_until_unknown(&running, NAMES);
        wait_for("the loss to be noticed", || {
            (running.metric("rollcall_name_resolution_up") == Some(0.0)).then_some(())
        });
        assert_eq!(running.metric("rollcall_connectivity_up"), Some(1.0));
        let (status, readiness) = running.get("/readyz");
        assert!(
            status == 503 && readiness.contains(r#""failing":["name_resolution"]"#),
            "{readiness}"
        );
        the_message(&sandbox, "Rollcall cannot resolve names").await;
        server.set(working());
        wait_until_names_resolve(&running);
    }
    assert_none_was_offline(&rollcall);
    let messages = sandbox.messages(sandbox.guild());
    assert!(
        messages
            .iter()
            .all(|one| !one.text().contains("shop.example"))
    );
    let answered = server.asked.load(Ordering::SeqCst);
    assert!(
        answered > 7 * NAMES,
        "every check resolves its name: {answered}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_endpoint_with_a_name_is_unknown_while_the_resolver_fails() {
    let sandbox = Sandbox::start().await;
    let server = NameServer::with(working()).await;
    let rollcall = bot(&sandbox, &server).with("PROBE_FAILURES_TO_OFFLINE", "1");
    let web = Web::up();
    let running = with_names(&sandbox, &rollcall, &web, 1).await;
    for fault in faults() {
        server.set(all(&fault));
        wait_until_unknown(&running, 1);
        server.set(working());
        wait_until_online(&running, 1);
    }
    assert_none_was_offline(&rollcall);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_an_ip_address_is_notified_while_no_name_resolves() {
    let sandbox = Sandbox::start().await;
    let server = NameServer::with(working()).await;
    let rollcall = bot(&sandbox, &server);
    let mut web = Web::up();
    let running = alerting::with_webs(&sandbox, &rollcall, [&web]).await;
    let other = Web::up();
    let port = other.address().port();
    let list: String = (0..NAMES)
        .map(|number| format!("tcp://named{number}.shop.example:{port}\n"))
        .collect();
    alerting::import(&sandbox, &rollcall, &list);
    wait_until_online(&running, NAMES + 1);
    server.set(all(&Zone::Unresponsive));
    the_message(&sandbox, "Rollcall cannot resolve names").await;
    web.goes_down();
    the_message(&sandbox, "web0").await;
    wait_until_unknown(&running, NAMES);
    assert_eq!(rollcall.sql("SELECT 'one' FROM outages"), ["one"]);
}

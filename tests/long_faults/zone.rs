//! The name servers of one zone fail: that counts after three minutes in which other names resolve, and not earlier.

use std::time::Duration;

use crate::harness::name_server::{NameServer, Zone};
use crate::harness::own_timer::stopwatch;
use crate::hosts::Host;
use crate::{bot, import, wait_up_to};

fn zones(endpoints: Zone) -> Zone {
    Zone::Split(Box::new([
        endpoints,
        Zone::at([127, 0, 0, 7]),
        Zone::Code(3),
    ]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_that_fails_counts_after_three_minutes() {
    let server = NameServer::with(zones(Zone::at([127, 0, 0, 1]))).await;
    let host = Host::start();
    let rollcall = bot()
        .with("PROBE_INTERVAL", "10s")
        .with("PROBE_RESOLVER", server.address.to_string())
        .with("CONNECTIVITY_NAMES", "one.reference");
    let target = format!("tcp://shop.example:{}", host.address.port());
    import(&rollcall, &[target]);
    let running = rollcall.run();
    let has = |status: &str| {
        let metric = format!(r#"rollcall_endpoints{{status="{status}"}}"#);
        (running.metric(&metric) == Some(1.0)).then_some(())
    };
    let minute = Duration::from_secs(60);
    wait_up_to(minute, "the endpoint to be online", || has("online"));
    // SERVFAIL
    server.set(zones(Zone::Code(2)));
    wait_up_to(minute, "the endpoint to be unknown", || has("unknown"));
    let start = stopwatch();
    wait_up_to(5 * minute, "the outage", || has("offline"));
    assert!(start.elapsed() > 3 * minute, "{:?}", start.elapsed());
}

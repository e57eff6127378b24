//! 119 endpoints with the default intervals: one fails, and 22 s later the line to all others is cut.

use std::time::Duration;

use crate::hosts::{Host, cut, restore};
use crate::{bot, import, pass, wait_up_to};

const HOSTS: usize = 119;
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_after_a_real_failure_takes_no_other_endpoint_offline() {
    let mut reference = Host::start();
    let rollcall = bot().with("CONNECTIVITY_HOSTS", reference.address.to_string());
    let mut hosts: Vec<Host> = (0..HOSTS).map(|_| Host::start()).collect();
    let targets: Vec<String> = hosts
        .iter()
        .map(|host| format!("tcp://{}", host.address))
        .collect();
    import(&rollcall, &targets);
    let running = rollcall.run();
    let endpoints =
        |status: &str| running.metric(&format!(r#"rollcall_endpoints{{status="{status}"}}"#));
    wait_up_to(3 * MINUTE, "the endpoints to be online", || {
        (endpoints("online") == Some(HOSTS as f64)).then_some(())
    });
    let (failing, healthy) = hosts.split_first_mut().unwrap();
    cut([&mut *failing]);
    wait_up_to(2 * MINUTE, "the first failure", || {
        (endpoints("warning") == Some(1.0)).then_some(())
    });
    pass(Duration::from_secs(22));
    cut(healthy.iter_mut().chain([&mut reference]));
    wait_up_to(2 * MINUTE, "the loss to be noticed", || {
        (running.metric("rollcall_connectivity_up") == Some(0.0)).then_some(())
    });
    pass(MINUTE);
    restore(healthy.iter_mut().chain([&mut reference]));
    wait_up_to(5 * MINUTE, "the others to be online", || {
        (endpoints("online") == Some(HOSTS as f64 - 1.0)).then_some(())
    });
    wait_up_to(3 * MINUTE, "the real outage", || {
        (endpoints("offline") == Some(1.0)).then_some(())
    });
    let offline = "SELECT e.details ->> '$.reason' FROM events e WHERE e.kind = 'endpoint_offline' AND e.monitor_id <> 1";
    assert_eq!(rollcall.sql(offline), [""; 0]);
    assert_eq!(rollcall.sql("SELECT 'one' FROM outages"), ["one"]);
}

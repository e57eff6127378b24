//! The process is suspended for ten minutes. The default threshold is five minutes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::harness::heartbeats::{offline, send, uuid};
use crate::harness::own_timer::stopwatch;
use crate::{bot, pass, wait_up_to};

const HEALTHY: u32 = 20;
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_take_no_device_offline_and_hide_no_outage() {
    let rollcall = bot();
    let made = rollcall.done(&[
        "key", "create", "--kind", "fleet", "--guild", "42", "--json",
    ]);
    let fleet = made.json()["key"].as_str().unwrap().to_owned();
    let running = rollcall.run();
    pass(Duration::from_secs(5));
    send(&running, &fleet, 0..=HEALTHY);
    running.signal("STOP");
    pass(10 * MINUTE);
    running.signal("CONT");
    let (start, is_over) = (stopwatch(), AtomicBool::new(false));
    // The device 0 has stopped. The others send once a minute, the first time a minute after the freeze.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut minutes = 1;
            while !is_over.load(Ordering::SeqCst) {
                std::thread::park_timeout(Duration::from_secs(1));
                if start.elapsed() >= minutes * MINUTE {
                    send(&running, &fleet, 1..=HEALTHY);
                    minutes += 1;
                }
            }
        });
        // The threshold, as much grace, and the period of the job.
        let noticed = std::panic::catch_unwind(|| {
            wait_up_to(12 * MINUTE, "the device that stopped", || {
                (!offline(&rollcall).is_empty()).then_some(())
            });
        });
        is_over.store(true, Ordering::SeqCst);
        assert!(noticed.is_ok());
    });
    println!("noticed {:?} after the freeze", start.elapsed());
    assert_eq!(offline(&rollcall), BTreeSet::from([uuid(0)]));
}

//! A minute of random failures of the connection to Discord: the bot reconnects each time, and its memory stays flat.
//! `ROLLCALL_SOAK=1h` makes it longer; `ROLLCALL_SOAK_SEED` repeats a run.

use std::time::Duration;

use discord_sandbox::{CloseWith, Faults, Sandbox};

use crate::harness::machine_load::assert_timers_on_time;
use crate::harness::own_timer::stopwatch;
use crate::harness::{Rollcall, Web, wait_for};

/// The growth of memory that is allowed after the first quarter of the run, in KiB, because allocators vary.
const MEMORY_GROWTH: u64 = 2 * 1024;

/// Pseudo-random numbers from a seed (xorshift by Marsaglia).
struct Dice(u64);

impl Dice {
    fn sample(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

type Failure = fn(&Sandbox);

const FAILURES: [Failure; 12] = [
    |sandbox| sandbox.close_gateway(CloseWith::Drop),
    |sandbox| sandbox.close_gateway(CloseWith::Reset),
    |sandbox| sandbox.close_gateway(CloseWith::Empty),
    |sandbox| sandbox.close_gateway(CloseWith::Code(1001)),
    |sandbox| sandbox.close_gateway(CloseWith::Code(4000)),
    |sandbox| sandbox.close_gateway(CloseWith::Code(4009)),
    Sandbox::ask_to_reconnect,
    |sandbox| sandbox.invalidate_session(true),
    |sandbox| with(sandbox, |faults| faults.refuse = true),
    |sandbox| with(sandbox, |faults| faults.never_hello = true),
    |sandbox| with(sandbox, |faults| faults.never_resume = true),
    |sandbox| sandbox.invalidate_session(false),
];

fn with(sandbox: &Sandbox, switch: fn(&mut Faults)) {
    sandbox.set_faults(switch);
    sandbox.close_gateway(CloseWith::Drop);
}

fn length() -> Duration {
    let text = std::env::var("ROLLCALL_SOAK").unwrap_or_default();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(0));
    match (number.parse::<u64>(), unit) {
        (Ok(hours), "h") => Duration::from_secs(hours * 3600),
        (Ok(minutes), "m") => Duration::from_secs(minutes * 60),
        _ => Duration::from_secs(60),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_failures_leave_the_bot_healthy_and_its_memory_flat() {
    let seed = std::env::var("ROLLCALL_SOAK_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()));
    println!("ROLLCALL_SOAK_SEED={seed}");
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let sandbox = Sandbox::start().await;
    let rollcall = Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("DISCORD_HEARTBEAT_TIMEOUT", "1s")
        .with("DISCORD_KEEPALIVE_INTERVAL", "1s");
    let web = Web::up();
    rollcall.add(&web.target());
    let running = rollcall.run();
    sandbox.wait_until_ready().await;

    let (clock, length) = (stopwatch(), length());
    let (mut early, mut failures) = (0, 0);
    while clock.elapsed() < length {
        let failure = dice.sample(FAILURES.len() as u64);
        let before = sandbox.record();
        FAILURES[usize::try_from(failure).unwrap()](&sandbox);
        sandbox
            .wait_for("the bot to reconnect", |record| {
                (record.connections > before.connections).then_some(())
            })
            .await;
        sandbox.reset_faults();
        wait_for("the bot to be ready", || {
            (sandbox.is_connected() && running.gateway_is_ready()).then_some(())
        });
        let pong = sandbox.slash("/ping").await;
        assert!(pong.text().starts_with("Pong."), "{}", pong.render());
        failures += 1;
        if early == 0 && clock.elapsed() > length / 4 {
            early = running.own_memory();
        }
    }
    let late = running.own_memory();
    println!("{failures} failures; memory {early} KiB after a quarter, {late} KiB at the end");
    assert!(
        late <= early + MEMORY_GROWTH,
        "{early} KiB, then {late} KiB"
    );
    assert_eq!(sandbox.record().early_identifies, 0);
    assert_timers_on_time(&running, "a minute of failures");
}

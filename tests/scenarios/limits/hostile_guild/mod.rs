//! A guild at all of its limits at once, and another guild beside it that notices nothing. `cargo test --profile bench`
//! measures it with the goals of an optimized build.

mod attack;
mod connection;
mod neighbor;

use std::sync::Arc;
use std::time::Duration;

use discord_sandbox::Sandbox;

use crate::harness::alerting::{bot, wait_until_online, with_webs};
use crate::harness::{Rollcall, Running, Web, wait_for};
use attack::{Attack, ENDPOINTS};
use neighbor::{Neighbor, checks_since, latest_check, longest_gap, outage};

/// The interval of all endpoints.
const INTERVAL: Duration = Duration::from_secs(5);

/// How much longer the 99th percentile of the heartbeats may take beside the attack. Without optimization, Rollcall and the
/// attack both need many times as long, on the same machine.
const SLOWER: Duration = match cfg!(debug_assertions) {
    true => Duration::from_secs(1),
    false => Duration::from_millis(50),
};

/// What a round used: memory in KiB, and file descriptors.
#[derive(Debug)]
struct Used {
    memory: u64,
    descriptors: usize,
}

/// What Rollcall uses once it has finished everything that the attack has sent.
fn used_after(running: &Running<'_>) -> Used {
    wait_for("the connections of the attack to end", || {
        let open = running.metric("rollcall_http_connections").unwrap();
        (open <= 3.0).then_some(())
    });
    Used {
        memory: running.own_memory(),
        descriptors: running.descriptors(),
    }
}

/// An endpoint of the neighbor that has one outage: a second one would make it flap.
struct Shop {
    web: Web,
    name: String,
}

async fn add_shop(sandbox: &Sandbox, number: usize) -> Shop {
    let (web, name) = (Web::up(), format!("shop{number}"));
    let add = format!("/endpoint add target:{} name:{name}", web.target());
    sandbox.slash(&add).await;
    Shop { web, name }
}

/// How a round went for the neighbor.
struct Round {
    /// The 99th percentile of its heartbeats.
    slowest: Duration,
    /// From the end of a web server to its alert.
    alerted: Duration,
    /// The longest time between two checks, in milliseconds.
    gap: i64,
}

impl Scene<'_> {
    /// The attack, and beside it an outage of the neighbor, and several checks and many heartbeats.
    fn round(&self, attack: &Arc<Attack>, shop: &mut Shop) -> Round {
        let since = latest_check(self.rollcall);
        let loads = attack.start();
        let heartbeats = self.neighbor.start();
        let runtime = tokio::runtime::Handle::current();
        let alerted = std::thread::scope(|scope| {
            scope.spawn(|| runtime.block_on(attack.use_discord(self.sandbox)));
            let alerted = runtime.block_on(outage(self.sandbox, &mut shop.web, &shop.name));
            wait_for("more checks", || {
                (checks_since(self.rollcall, since) > 3).then_some(())
            });
            wait_for("a percentile of heartbeats", || {
                (heartbeats.sent() > 100).then_some(())
            });
            attack.end();
            alerted
        });
        let slowest = heartbeats.end();
        for load in loads {
            load.join().unwrap();
        }
        Round {
            slowest,
            alerted,
            gap: longest_gap(self.rollcall, since),
        }
    }
}

/// What a round needs.
struct Scene<'a> {
    sandbox: &'a Sandbox,
    rollcall: &'a Rollcall,
    neighbor: Neighbor,
}

fn hostile_bot(sandbox: &Sandbox) -> Rollcall {
    bot(sandbox)
        .with("PROBE_INTERVAL", "5s")
        .with("PROBE_MIN_INTERVAL", "5s")
        .with("QUOTA_ENDPOINTS", ENDPOINTS.to_string())
        .with("LOG_LEVEL", "info")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guild_at_all_of_its_limits_slows_no_other_guild() {
    let sandbox = Sandbox::start().await;
    let hostile = sandbox.add_guild("Hostile");
    let rollcall = hostile_bot(&sandbox);
    let (steady, busy) = (Web::up(), Web::up());
    let running = with_webs(&sandbox, &rollcall, []).await;
    let add = format!("/endpoint add target:{} name:steady", steady.target());
    sandbox.slash(&add).await;
    let mut shops = Vec::new();
    for number in 0..=3 {
        shops.push(add_shop(&sandbox, number).await);
    }
    wait_until_online(&running, 1 + shops.len());
    let scene = Scene {
        sandbox: &sandbox,
        rollcall: &rollcall,
        neighbor: Neighbor::prepare(&rollcall, &running, sandbox.guild()),
    };
    let heartbeats = scene.neighbor.start();
    let first = &mut shops[0];
    let alone = outage(&sandbox, &mut first.web, &first.name).await;
    let calm = heartbeats.end();
    let attack = Arc::new(Attack::prepare(
        &rollcall,
        &running,
        hostile,
        &busy.target(),
    ));
    let mut used = Vec::new();
    for (number, shop) in shops.iter_mut().enumerate().skip(1) {
        let Round {
            slowest,
            alerted,
            gap,
        } = tokio::task::block_in_place(|| scene.round(&attack, shop));
        used.push(used_after(&running));
        println!(
            "round {number}: heartbeats p99 {slowest:?} (alone {calm:?}), alert after {alerted:?} (alone {alone:?}), \
             {gap} ms between two checks; {}; {:?}",
            attack.requests(),
            used.last()
        );
        assert!(slowest < calm + SLOWER, "{slowest:?} instead of {calm:?}");
        assert!(
            u128::try_from(gap).unwrap() < 2 * INTERVAL.as_millis(),
            "{gap} ms"
        );
        assert!(alerted < alone.max(INTERVAL) + INTERVAL, "{alerted:?}");
    }
    let (first, third) = (&used[0], &used[2]);
    assert!(third.memory * 10 <= first.memory * 11, "{used:?}");
    assert!(third.descriptors * 10 <= first.descriptors * 11, "{used:?}");
}

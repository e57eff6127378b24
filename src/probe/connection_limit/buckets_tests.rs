//! The gaps and turns, as tables.

use std::sync::Arc;

use super::*;

const GAPS: Gaps = Gaps {
    guild: Duration::from_millis(1000),
    bucket: Duration::from_millis(100),
    network: Duration::from_millis(10),
};

impl Queued for &'static str {
    fn is_cancelled(&self) -> bool {
        self.starts_with("cancelled")
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn bucket(name: &str) -> AddressBucket {
    let name = Some(Arc::from(name)).filter(|name: &Arc<str>| !name.is_empty());
    AddressBucket::new([192, 0, 2, 1].into(), name)
}

fn wait(
    buckets: &mut AddressBuckets<&'static str>,
    guild: u64,
    name: &str,
    arrival: Arrival<&'static str>,
) {
    buckets.wait(GuildId(guild), &bucket(name), arrival);
}

fn scheduled(waiter: &'static str, at: u64) -> Arrival<&'static str> {
    Arrival {
        urgency: Urgency::Scheduled,
        waiter,
        at: ms(at),
    }
}

/// Who was served when, in ms, until nothing waits.
fn served(buckets: &mut AddressBuckets<&'static str>) -> Vec<(u128, &'static str)> {
    let mut all = Vec::new();
    while let Some(now) = buckets.next() {
        let served = buckets.serve(now);
        all.extend(served.iter().map(|turn| (now.as_millis(), turn.waiter)));
    }
    all
}

#[test]
fn a_connection_is_refused_until_each_gap_has_passed() {
    // The first connection is at 0, of guild 1 to the bucket without a name.
    for (guild, name, at, is_free) in [
        (1, "", 999, false),
        (1, "", 1000, true),
        (2, "", 99, false),
        (2, "", 100, true),
        (1, "a", 9, false),
        (1, "a", 10, true),
    ] {
        let mut buckets: AddressBuckets<&'static str> = AddressBuckets::new(GAPS);
        assert!(buckets.take(GuildId(1), &bucket(""), ms(0)));
        let found = buckets.take(GuildId(guild), &bucket(name), ms(at));
        assert_eq!(found, is_free, "guild {guild}, name `{name}`, at {at} ms");
    }
}

#[test]
fn a_refused_connection_is_not_counted() {
    let mut buckets: AddressBuckets<&'static str> = AddressBuckets::new(GAPS);
    assert!(buckets.take(GuildId(1), &bucket(""), ms(0)));
    assert!(!buckets.take(GuildId(1), &bucket(""), ms(500)));
    assert!(buckets.take(GuildId(1), &bucket(""), ms(1000)));
}

#[test]
fn waiting_connections_are_served_in_turn_of_the_guilds() {
    let mut buckets = AddressBuckets::new(GAPS);
    for (guild, waiter) in [
        (1, "a1"),
        (1, "a2"),
        (1, "a3"),
        (2, "b1"),
        (3, "c1"),
        (2, "b2"),
    ] {
        wait(&mut buckets, guild, "", scheduled(waiter, 0));
    }
    assert_eq!(
        served(&mut buckets),
        [
            (0, "a1"),
            (100, "b1"),
            (200, "c1"),
            (1000, "a2"),
            (1100, "b2"),
            (2000, "a3")
        ]
    );
}

#[test]
fn urgent_connections_come_first_within_their_guild_only() {
    let mut buckets = AddressBuckets::new(GAPS);
    wait(&mut buckets, 1, "", scheduled("a1", 0));
    wait(&mut buckets, 2, "", scheduled("b1", 0));
    let soon = Arrival {
        urgency: Urgency::Soon,
        ..scheduled("b2, soon", 0)
    };
    wait(&mut buckets, 2, "", soon);
    assert_eq!(
        served(&mut buckets),
        [(0, "a1"), (100, "b2, soon"), (1100, "b1")]
    );
}

#[test]
fn cancelled_connections_take_no_turn() {
    let mut buckets = AddressBuckets::new(GAPS);
    for (guild, waiter) in [
        (1, "cancelled 1"),
        (1, "cancelled 2"),
        (1, "a"),
        (2, "cancelled"),
    ] {
        wait(&mut buckets, guild, "", scheduled(waiter, 0));
    }
    wait(&mut buckets, 3, "", scheduled("c", 0));
    assert_eq!(served(&mut buckets), [(0, "a"), (100, "c")]);
    assert!(buckets.take(GuildId(2), &bucket(""), ms(200)));
}

#[test]
fn a_new_connection_does_not_overtake_those_that_wait() {
    let mut buckets = AddressBuckets::new(GAPS);
    assert!(buckets.take(GuildId(1), &bucket(""), ms(0)));
    wait(&mut buckets, 2, "", scheduled("b", 50));
    assert!(
        !buckets.take(GuildId(3), &bucket(""), ms(100)),
        "it is the turn of guild 2"
    );
    assert_eq!(served(&mut buckets), [(100, "b")]);
    assert!(buckets.take(GuildId(3), &bucket(""), ms(200)));
}

#[test]
fn guilds_that_cannot_go_yet_do_not_hold_up_another_guild() {
    let mut buckets = AddressBuckets::new(GAPS);
    assert!(buckets.take(GuildId(1), &bucket(""), ms(0)));
    wait(&mut buckets, 1, "", scheduled("a", 50));
    assert!(buckets.take(GuildId(2), &bucket(""), ms(100)));
}

#[test]
fn the_names_of_an_address_share_the_limit_of_the_network_in_turn() {
    let mut buckets = AddressBuckets::new(GAPS);
    let names: Vec<String> = (0..200)
        .map(|number| format!("{number:03}.example"))
        .collect();
    for name in &names {
        for _ in 0..3 {
            wait(&mut buckets, 1, name, scheduled("x", 0));
        }
    }
    let mut of_names: HashMap<AddressBucket, Vec<u128>> = HashMap::new();
    let mut times = Vec::new();
    while let Some(now) = buckets.next() {
        for turn in buckets.serve(now) {
            of_names
                .entry(turn.bucket)
                .or_default()
                .push(now.as_millis());
            times.push(now.as_millis());
        }
    }
    // 200 buckets want one connection a second each; 100 a second are possible, so each gets one every two seconds.
    assert!(
        times.windows(2).all(|pair| pair[1] - pair[0] == 10),
        "{times:?}"
    );
    for (bucket, times) in &of_names {
        assert!(
            times
                .windows(2)
                .all(|pair| (1000..=2010).contains(&(pair[1] - pair[0]))),
            "{bucket:?}: {times:?}"
        );
    }
}

#[test]
fn what_has_no_effect_any_more_is_forgotten() {
    let mut buckets: AddressBuckets<&'static str> = AddressBuckets::new(GAPS);
    for second in 0..10_u64 {
        for number in 0..2000_u64 {
            let ip = std::net::IpAddr::from(u32::try_from(number).unwrap().to_be_bytes());
            let address = AddressBucket::new(ip, None);
            assert!(buckets.take(GuildId(1 + second), &address, ms(second * 2000)));
        }
    }
    assert!(buckets.lines.len() <= 4000, "{}", buckets.lines.len());
    let guilds: usize = buckets.lines.values().map(|line| line.guilds.len()).sum();
    assert!(guilds <= 6000, "{guilds}");
    assert!(buckets.networks.len() <= 4000, "{}", buckets.networks.len());
}

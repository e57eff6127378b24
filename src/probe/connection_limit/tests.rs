//! Turns over time: guilds share an address, checks on request come first, and canceled checks delay no other.

use std::collections::HashMap;

use super::*;

const RATE: u32 = 10;

fn bucket(limiter: &ConnectionLimiter, last: u8) -> AddressBucket {
    limiter.bucket([192, 0, 2, last].into(), None)
}

/// Lets endpoints of many guilds wait and returns which guild got a turn when, in ms, until nothing waits.
async fn turns(limiter: &ConnectionLimiter, waiting: &[(u64, usize)]) -> Vec<(u64, u64)> {
    let bucket = bucket(limiter, 1);
    let (sender, mut turns) = mpsc::unbounded_channel();
    let mut places = Vec::new();
    for (guild, count) in waiting {
        for _ in 0..*count {
            let id = MonitorId(i64::try_from(*guild).unwrap());
            places.push(limiter.queue(GuildId(*guild), &bucket, id, sender.clone()));
        }
    }
    let mut reached = Vec::new();
    while reached.len() < places.len() {
        let turn = turns.recv().await.unwrap();
        let at = u64::try_from(turn.turn.at.as_millis()).unwrap();
        reached.push((turn.id.0.unsigned_abs(), at));
    }
    reached
}

/// The largest number of times within any second.
fn most_within_a_second(times: &[u64]) -> usize {
    let within = |from: &u64| {
        times
            .iter()
            .filter(|at| (*from..*from + 1000).contains(*at))
            .count()
    };
    times.iter().map(within).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn ten_guilds_connect_ten_times_a_second_and_each_of_them_once() {
    let limiter = ConnectionLimiter::new(RATE);
    let guilds: Vec<(u64, usize)> = (1..=10).map(|guild| (guild, 20)).collect();
    let turns = turns(&limiter, &guilds).await;
    let all: Vec<u64> = turns.iter().map(|(_, at)| *at).collect();
    assert_eq!(most_within_a_second(&all), 10);
    let mut of_guilds: HashMap<u64, Vec<u64>> = HashMap::new();
    for (guild, at) in &turns {
        of_guilds.entry(*guild).or_default().push(*at);
    }
    for (guild, times) in of_guilds {
        assert_eq!(
            (times.len(), most_within_a_second(&times)),
            (20, 1),
            "{guild}"
        );
    }
    // The limits are used: 200 connections take 20 s, not more than a few milliseconds each on top.
    let last = *all.iter().max().unwrap();
    assert!((19_000..21_000).contains(&last), "{last}");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_endpoints_of_one_guild_delay_another_guild_by_a_moment() {
    let limiter = ConnectionLimiter::new(RATE);
    let turns = turns(&limiter, &[(1, 1000), (2, 1)]).await;
    let of_second = turns.iter().find(|(guild, _)| *guild == 2).unwrap().1;
    assert!(of_second <= 110, "{of_second}");
    assert_eq!(turns.last().unwrap().0, 1);
}

#[tokio::test(start_paused = true)]
async fn twenty_busy_guilds_share_the_rate_in_turn() {
    let limiter = ConnectionLimiter::new(RATE);
    let guilds: Vec<(u64, usize)> = (1..=20).map(|guild| (guild, 5)).collect();
    let turns = turns(&limiter, &guilds).await;
    for (round, of_round) in turns.chunks(20).enumerate() {
        let mut guilds: Vec<u64> = of_round.iter().map(|(guild, _)| *guild).collect();
        guilds.sort_unstable();
        assert_eq!(guilds, Vec::from_iter(1..=20), "round {round}");
    }
}

#[tokio::test(start_paused = true)]
async fn endpoints_that_leave_the_queue_delay_nobody() {
    let limiter = ConnectionLimiter::new(RATE);
    let bucket = bucket(&limiter, 1);
    assert!(limiter.take(GuildId(1), &bucket).is_some());
    let (sender, mut turns) = mpsc::unbounded_channel();
    let queue = |id| limiter.queue(GuildId(1), &bucket, MonitorId(id), sender.clone());
    let leaving: Vec<QueuePlace> = (1..=1000).map(queue).collect();
    let _place = queue(1001);
    drop(leaving);
    let turn = turns.recv().await.unwrap();
    assert_eq!(turn.id, MonitorId(1001));
    assert!(turn.turn.at <= Duration::from_millis(1010), "{turn:?}");
}

#[tokio::test(start_paused = true)]
async fn people_and_checks_that_have_begun_come_before_scheduled_checks() {
    let limiter = ConnectionLimiter::new(RATE);
    let bucket = bucket(&limiter, 1);
    let (sender, mut turns) = mpsc::unbounded_channel();
    let queue = |id| limiter.queue(GuildId(1), &bucket, MonitorId(id), sender.clone());
    let _places: Vec<QueuePlace> = (1..=100).map(queue).collect();
    turns.recv().await.unwrap();
    let turn = limiter.turn(GuildId(1), &bucket, Urgency::Soon).await;
    assert!(turn.at <= Duration::from_millis(1010), "{turn:?}");
    assert!(turns.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn the_number_of_waits_within_checks_is_limited_for_each_guild() {
    let limiter = ConnectionLimiter::new(RATE);
    let bucket = bucket(&limiter, 1);
    let wait = |guild| limiter.wait_within(GuildId(guild), &bucket);
    let mut waits: Vec<_> = (0..MAX_WAITING_WITHIN).map(|_| wait(1).unwrap()).collect();
    assert!(wait(1).is_none());
    assert!(wait(2).is_some());
    assert_eq!(limiter.totals().within, u64::from(MAX_WAITING_WITHIN));
    waits.pop();
    assert!(wait(1).is_some());
    drop(waits);
    assert_eq!(limiter.totals().within, 0);
}

#[tokio::test(start_paused = true)]
async fn a_turn_can_be_used_for_one_second() {
    let limiter = ConnectionLimiter::new(RATE);
    let bucket = bucket(&limiter, 1);
    let turn = limiter.take(GuildId(1), &bucket).unwrap();
    tokio::time::advance(TURN_KEPT).await;
    assert!(limiter.is_fresh(&turn));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(!limiter.is_fresh(&turn));
}

#[tokio::test(start_paused = true)]
async fn names_with_a_verified_certificate_are_counted_apart() {
    let limiter = ConnectionLimiter::new(RATE);
    let ip: IpAddr = [192, 0, 2, 1].into();
    limiter.learn(ip, "a.example", "a.example");
    limiter.learn(ip, "b.example", "*.example");
    limiter.learn(ip, "c.example", "*.example");
    let bucket = |name| limiter.bucket(ip, name);
    assert_eq!(bucket(Some("b.example")), bucket(Some("c.example")));
    assert_ne!(bucket(Some("a.example")), bucket(Some("b.example")));
    assert_eq!(bucket(Some("unknown.example")), bucket(None));
    limiter.forget(ip, "a.example");
    assert_eq!(bucket(Some("a.example")), bucket(None));
}

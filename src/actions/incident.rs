//! An incident begins or ends, and with it in the same transaction what must be told of it: the card that it is on, and a
//! notice in the outbox. The only way to an incident, so that none is ever untold.

use crate::domain::Instant;
use crate::domain::alert_policy::Call;
use crate::domain::cadence;
use crate::domain::flapping::is_flapping;
use crate::domain::fold::{self, CardId, Shared};
use crate::domain::monitor::{GuildId, MonitorId};
use crate::domain::topic::Topic;
use crate::store::{
    StoreError, Tx, alert_override, card, destination, incident, maintenance, monitor as monitors,
    mute, notice,
};

/// Whose incident it is.
pub type Whose = (GuildId, MonitorId);

/// While so many cards of a guild wait to be told for the first time, nobody reads so many: whatever comes then is collected
/// on the newest of them, which counts it.
const BACKLOG: u64 = 100;

/// A monitor has stopped being online, and is told of. One whose incident is open already has no second one, and is told
/// of where it was not yet. Says whether an incident was opened.
pub async fn open(
    tx: &mut Tx<'_>,
    whose: Whose,
    (started_at, reason): (Instant, &str),
    now: Instant,
) -> Result<bool, StoreError> {
    let opened = incident::open(tx, whose, (started_at, reason)).await?;
    match opened {
        Some(id) => tell(tx, whose, (id, started_at), now).await?,
        None => tell_untold(tx, whose, now).await?,
    }
    Ok(opened.is_some())
}

/// A monitor has stopped being online, and that alone is nothing to tell anybody: whoever calls this has a rule of his own
/// for that, and calls `open` then.
pub async fn begin(
    tx: &mut Tx<'_>,
    whose: Whose,
    (started_at, reason): (Instant, &str),
) -> Result<(), StoreError> {
    incident::open(tx, whose, (started_at, reason)).await?;
    Ok(())
}

/// The same for many at a time, all for one reason.
pub async fn open_all(
    tx: &mut Tx<'_>,
    monitors: &[(Whose, Instant)],
    reason: &str,
    now: Instant,
) -> Result<(), StoreError> {
    let opened = incident::open_all(tx, monitors, reason).await?;
    for (whose, id, started_at) in opened {
        tell(tx, whose, (id, started_at), now).await?;
    }
    Ok(())
}

/// A monitor is online again, or nobody waits for it any more.
pub async fn close(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    ended_at: Instant,
) -> Result<(), StoreError> {
    if let Some(card) = incident::close(tx, monitor, ended_at).await? {
        card::member_ended(tx, card, ended_at).await?;
    }
    Ok(())
}

/// What was taken for an incident was none: we could not see.
pub async fn withdraw(tx: &mut Tx<'_>, monitor: MonitorId, now: Instant) -> Result<(), StoreError> {
    match incident::withdraw(tx, monitor).await? {
        Some(card) => card::withdraw(tx, card, now).await,
        None => Ok(()),
    }
}

/// Tells an incident that goes on and is on no card, where its monitor is not one that is told of by a rule of its own:
/// whoever muted it wants to hear of it again. Servers are told of by their own rhythm, which is judged every minute.
pub async fn tell_what_goes_on(
    tx: &mut Tx<'_>,
    whose: Whose,
    now: Instant,
) -> Result<(), StoreError> {
    match incident::untold(tx, whose.1).await? {
        Some((_, _, reason)) if reason == cadence::LATE => Ok(()),
        Some((id, started_at, _)) => tell(tx, whose, (id, started_at), now).await,
        None => Ok(()),
    }
}

/// Tells an incident that goes on and is on no card; it was one to tell already.
pub async fn tell_untold(tx: &mut Tx<'_>, whose: Whose, now: Instant) -> Result<(), StoreError> {
    match incident::untold(tx, whose.1).await? {
        Some((id, started_at, _)) => tell(tx, whose, (id, started_at), now).await,
        None => Ok(()),
    }
}

/// Tells everything that goes on in a guild and was told nowhere: there is somewhere to tell it now.
pub async fn tell_all_that_goes_on(
    tx: &mut Tx<'_>,
    guild: GuildId,
    now: Instant,
) -> Result<(), StoreError> {
    for monitor in incident::untold_of(tx, guild).await? {
        tell_what_goes_on(tx, (guild, monitor), now).await?;
    }
    Ok(())
}

/// What goes on on a card was muted or expected until now, or that is what its card says. Where the time was over by itself
/// (`is_news`) and nobody has taken care, it is told again.
pub async fn heard_again(
    tx: &mut Tx<'_>,
    (guild, id): (GuildId, CardId),
    is_news: bool,
    now: Instant,
) -> Result<(), StoreError> {
    let is_waiting = card::heard_again(tx, (guild, id), now).await?;
    if is_news && is_waiting && destination::of(tx, guild).await?.has_channel {
        remind(tx, (guild, id), None, now).await?;
    }
    Ok(())
}

/// Has the channel reminded of a card; `call`: somebody else than those who were called for it.
pub async fn remind(
    tx: &mut Tx<'_>,
    (guild, of): (GuildId, CardId),
    call: Option<Call>,
    now: Instant,
) -> Result<(), StoreError> {
    let reminder = card::announce(tx, guild, &Topic::Reminder { of, call }, now).await?;
    card::call_as_for(tx, reminder, of).await?;
    notice::want_in_channel(tx, guild, reminder).await
}

/// Puts an incident onto a card: one that is open, or one of its own.
async fn tell(
    tx: &mut Tx<'_>,
    (guild, monitor): Whose,
    (id, started_at): (i64, Instant),
    now: Instant,
) -> Result<(), StoreError> {
    if maintenance::is_maintained(tx, (guild, monitor)).await? {
        return incident::mark_maintained(tx, id).await;
    }
    if destination::of(tx, guild).await?.is_empty() || mute::is_muted(tx, monitor, now).await? {
        return Ok(());
    }
    let own = alert_override::of(tx, monitor).await?;
    if own.is_some_and(|own| !own.is_told) {
        return Ok(());
    }
    let (recent, last_card) = incident::recent(tx, monitor).await?;
    if let Some(card) = last_card.filter(|_| is_flapping(&recent, now)) {
        card::reopen(tx, card, now).await?;
        incident::put_on(tx, id, card).await?;
        return notice::want(tx, guild, card).await;
    }
    if notice::backlog(tx, guild).await? >= BACKLOG
        && let Some(card) = card::newest(tx, guild).await?
    {
        card::collect(tx, card, now).await?;
        incident::put_on(tx, id, card).await?;
        return notice::want(tx, guild, card).await;
    }
    let one = monitors::whereabouts(tx, monitor).await?;
    // Whoever joined a card for which somebody else is called would not be heard of.
    let role = own.and_then(|own| own.role);
    let open = card::open_ones(tx, guild, role).await?;
    let card: CardId = match fold::choose(&open, &one, now) {
        Some((card, shared)) => {
            card::join(tx, card, &shared, now).await?;
            card
        }
        None => {
            let shared = Shared::of(&one);
            let card = card::begin(tx, guild, &shared, (started_at, now)).await?;
            if let Some(role) = role {
                card::call(tx, card, role).await?;
            }
            card
        }
    };
    incident::put_on(tx, id, card).await?;
    notice::want(tx, guild, card).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::testing::{HOME, at, down, maintenance_of, member, told};
    use crate::actions::{maintenance, mute};
    use crate::store::maintenance::{self as maintenances, Extent};
    use crate::store::testing::TestStore;

    async fn up(store: &TestStore, id: MonitorId, second: i64) {
        store
            .write(move |tx| Box::pin(close(tx, id, at(second))))
            .await;
    }

    #[tokio::test]
    async fn outages_of_a_network_share_a_card_that_ends_with_the_last() {
        let store = TestStore::open().await;
        store.add_channel(HOME).await;
        let (a, b) = (
            store.add_endpoint(HOME, "tcp://192.0.2.1:1").await,
            store.add_endpoint(HOME, "tcp://192.0.2.2:1").await,
        );
        let late = store.add_endpoint(HOME, "tcp://198.51.100.1:1").await;
        down(&store, a, 10).await;
        down(&store, a, 11).await;
        down(&store, b, 12).await;
        down(&store, late, 100).await;
        up(&store, a, 200).await;
        let first = card::get(&store.reader, CardId(1)).await.unwrap().unwrap();
        assert_eq!((first.count, first.open, first.ended_at), (2, 1, None));
        assert_eq!(first.shared.scope.to_string(), "subnet=192.0.2.0");
        assert_eq!(
            first.members[0].monitor_id, b,
            "those that go on come first"
        );
        up(&store, b, 300).await;
        let first = card::get(&store.reader, CardId(1)).await.unwrap().unwrap();
        assert_eq!(
            (first.open, first.ended_at, first.version),
            (0, Some(at(300)), 4)
        );
        let due = notice::due(&store.reader, at(300), 10).await.unwrap();
        let cards: Vec<CardId> = due.iter().map(|due| due.card).collect();
        assert_eq!(cards, [CardId(1), CardId(2)]);
    }

    #[tokio::test]
    async fn what_others_are_called_for_has_a_card_of_its_own() {
        let store = TestStore::open().await;
        store.add_channel(HOME).await;
        let mut cards = Vec::new();
        for (last, role) in [
            (1, None),
            (2, Some(88)),
            (3, None),
            (4, Some(88)),
            (5, Some(89)),
        ] {
            let target = format!("tcp://192.0.2.{last}:1");
            let id = store.add_endpoint(HOME, &target).await;
            let own = role.map(|role| alert_override::Override {
                is_told: true,
                role: Some(role),
            });
            store
                .write(move |tx| Box::pin(alert_override::set(tx, (HOME, id), own)))
                .await;
            down(&store, id, 10).await;
            let card: Vec<(i64,)> = store
                .rows("SELECT card_id FROM incidents ORDER BY id DESC LIMIT 1")
                .await;
            cards.extend(card);
        }
        assert_eq!(cards, [(1,), (2,), (1,), (2,), (3,)]);
    }

    #[tokio::test]
    async fn what_flaps_keeps_its_card_until_it_settles() {
        let store = TestStore::open().await;
        store.add_channel(HOME).await;
        let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
        let (mut cards, mut begun) = (Vec::new(), Vec::new());
        for minute in [0, 10, 20, 30, 40] {
            down(&store, id, minute * 60).await;
            let waiting = card::waiting(&store.reader, HOME, at(minute * 60)).await;
            begun.extend(
                waiting
                    .unwrap()
                    .into_iter()
                    .map(|(_, waited)| waited.begun_at),
            );
            up(&store, id, minute * 60 + 60).await;
            cards.push(
                notice::due(&store.reader, at(9_999), 10)
                    .await
                    .unwrap()
                    .len(),
            );
        }
        // Five changes when it goes down for the third time: from then on its second card.
        assert_eq!(cards, [1, 2, 2, 2, 2]);
        // Whoever takes care has his time from the moment in which it went down again.
        assert_eq!(begun, [0, 600, 1_200, 1_800, 2_400].map(at));
        let card = card::get(&store.reader, CardId(2)).await.unwrap().unwrap();
        assert_eq!((card.count, card.open, card.members.len()), (1, 0, 4));
        assert_eq!(
            (card.flapping_since, card.ended_at),
            (Some(at(1_200)), Some(at(2_460)))
        );
        let settle = async |second| {
            let before = at(second).minus(crate::domain::flapping::WINDOW);
            store
                .write(move |tx| Box::pin(card::settle(tx, (before, at(second)))))
                .await
        };
        assert_eq!(
            (
                settle(6_059).await,
                settle(6_060).await,
                settle(6_061).await
            ),
            (0, 1, 0)
        );
        // The next outage is news again.
        down(&store, id, 90_000).await;
        assert_eq!(
            notice::due(&store.reader, at(99_999), 10)
                .await
                .unwrap()
                .len(),
            3
        );
    }

    #[tokio::test]
    async fn what_waits_does_not_grow_without_end_and_nothing_is_lost() {
        let store = TestStore::open().await;
        store.add_channel(HOME).await;
        let mut ids = Vec::new();
        for number in 0..130 {
            let id = store
                .add_endpoint(HOME, &format!("tcp://host{number}.example:1"))
                .await;
            down(&store, id, number * 100).await;
            ids.push(id);
        }
        // All but the last come back while Discord is away.
        for id in &ids[..129] {
            up(&store, *id, 20_000).await;
        }
        let due = notice::due(&store.reader, at(99_999), 1_000).await.unwrap();
        assert_eq!(due.len(), 100);
        let last = card::get(&store.reader, due[99].card)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((last.count, last.open), (31, 1));
        assert_eq!(last.members[0].monitor_id, ids[129]);
    }

    #[tokio::test]
    async fn what_goes_on_is_told_once_there_is_somewhere_to_tell_it() {
        let store = TestStore::open().await;
        let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
        let late = store.add_endpoint(HOME, "tcp://192.0.2.2:1").await;
        down(&store, id, 10).await;
        store
            .write(move |tx| Box::pin(begin(tx, (HOME, late), (at(10), cadence::LATE))))
            .await;
        let set = async || {
            crate::actions::alerts::set(&store, member(), (5, None), at(20))
                .await
                .unwrap();
            notice::due(&store.reader, at(99), 10).await.unwrap().len()
        };
        assert_eq!((set().await, set().await), (1, 1), "once");
        let card = card::get(&store.reader, CardId(1)).await.unwrap().unwrap();
        assert_eq!((card.count, card.opened_at), (1, at(10)));
    }

    #[tokio::test]
    async fn a_server_is_told_of_by_its_rhythm_and_not_because_it_is_muted_no_more() {
        let store = TestStore::open().await;
        store.add_channel(HOME).await;
        let late = store.add_endpoint(HOME, "tcp://192.0.2.2:1").await;
        let length = std::time::Duration::from_secs(60);
        store
            .write(move |tx| Box::pin(begin(tx, (HOME, late), (at(10), cadence::LATE))))
            .await;
        mute::mute(&store, member(), (late, length), at(20))
            .await
            .unwrap();
        mute::unmute(&store, member(), late, at(30)).await.unwrap();
        assert_eq!(told(&store).await, 0);
        down(&store, late, 40).await;
        assert_eq!(told(&store).await, 1, "the rule of its own says so now");
    }

    #[tokio::test]
    async fn a_guild_without_a_channel_has_incidents_and_no_cards() {
        let store = TestStore::open().await;
        let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
        down(&store, id, 10).await;
        up(&store, id, 20).await;
        let rows: Vec<(i64, i64)> = store
            .rows("SELECT (SELECT COUNT(*) FROM incidents), (SELECT COUNT(*) FROM cards)")
            .await;
        assert_eq!(rows, [(1, 0)]);
    }

    /// One step of a life: which endpoint, and what happens to it.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Down(usize),
        Up(usize),
        Tell,
        Mute(usize),
        Unmute(usize),
        Maintain,
        EndMaintenance,
    }

    fn steps() -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
        use proptest::prelude::{Just, Strategy, prop_oneof};
        let one = 0..4_usize;
        let step = prop_oneof![
            4 => one.clone().prop_map(Step::Down),
            4 => one.clone().prop_map(Step::Up),
            2 => Just(Step::Tell),
            1 => one.clone().prop_map(Step::Mute),
            1 => one.prop_map(Step::Unmute),
            1 => Just(Step::Maintain),
            1 => Just(Step::EndMaintenance),
        ];
        proptest::collection::vec(step, 1..60)
    }

    async fn take(store: &TestStore, ids: &[MonitorId], step: Step, second: i64) {
        let length = std::time::Duration::from_secs(3600);
        match step {
            Step::Down(one) => down(store, ids[one], second).await,
            Step::Up(one) => up(store, ids[one], second).await,
            Step::Tell => {
                for due in notice::due(&store.reader, at(second), 1).await.unwrap() {
                    let card = card::get(&store.reader, due.card).await.unwrap().unwrap();
                    let version = card.version;
                    store
                        .write(move |tx| Box::pin(notice::told(tx, due.id, version, (5, 6))))
                        .await;
                }
            }
            Step::Mute(one) => mute::mute(store, member(), (ids[one], length), at(second))
                .await
                .unwrap(),
            // What is not muted is not unmuted.
            Step::Unmute(one) => drop(mute::unmute(store, member(), ids[one], at(second)).await),
            Step::Maintain => {
                let new = maintenance_of(Extent::All, second, second + 3600);
                maintenance::declare(store, member(), new, at(second))
                    .await
                    .unwrap();
            }
            Step::EndMaintenance => {
                for known in maintenances::list(&store.reader, Some(HOME)).await.unwrap() {
                    maintenance::end(store, member(), known, at(second))
                        .await
                        .unwrap();
                }
            }
        }
    }

    /// What must hold at every moment: rows that are wrong.
    const WRONG: [(&str, &str); 3] = [
        (
            "a card that changed and is neither told nor in the outbox",
            "SELECT c.id FROM cards c LEFT JOIN notices n ON n.card_id = c.id WHERE n.id IS NULL OR n.told_version > c.version",
        ),
        (
            "a card that goes on without an outage, or is over with one",
            "SELECT c.id FROM cards c WHERE (c.ended_at IS NULL) <>
             EXISTS (SELECT 1 FROM incidents i WHERE i.card_id = c.id AND i.ended_at IS NULL)",
        ),
        (
            "an outage on no card, though nobody wanted it silent",
            "SELECT i.id FROM incidents i WHERE i.ended_at IS NULL AND i.card_id IS NULL
             AND NOT EXISTS (SELECT 1 FROM mutes u WHERE u.monitor_id = i.monitor_id)
             AND NOT EXISTS (SELECT 1 FROM maintenances w WHERE w.is_running = 1)",
        ),
    ];

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

        #[test]
        fn whatever_happens_what_is_not_told_yet_is_in_the_outbox(steps in steps()) {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let store = TestStore::open().await;
                store.add_channel(HOME).await;
                let mut ids = Vec::new();
                for number in 0..4 {
                    ids.push(store.add_endpoint(HOME, &format!("tcp://192.0.2.{number}:1")).await);
                }
                for (second, step) in steps.into_iter().enumerate() {
                    take(&store, &ids, step, second as i64 * 3).await;
                    for (what, sql) in WRONG {
                        let wrong: Vec<(i64,)> = store.rows(sql).await;
                        assert_eq!(wrong, [], "{what}, after {step:?} at step {second}");
                    }
                }
            });
        }
    }
}

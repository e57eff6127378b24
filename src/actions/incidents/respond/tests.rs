//! Who has responded to an incident, and who is reminded of it.

use super::*;
use crate::actions::incidents::alerts::{AlertEdit, edit, set_override};
use crate::actions::silences::{end, start};
use crate::actions::testing::{HOME, at, down, maintenance_of, member, with_endpoints};
use crate::domain::discord_id::{ChannelId, RoleId};
use crate::domain::key::KeyId;
use crate::domain::patch::Patch;
use crate::domain::silences::silence::SilenceScope;
use crate::store::notifications::alert_override::Override;
use crate::store::silences::silence;
use crate::store::testing::TestStore;

/// Counts the incidents that wait for a responder, `second` seconds after the Unix epoch.
async fn waiting(store: &TestStore, second: i64) -> usize {
    let waiting = incident::waiting(&store.reader, HOME, at(second)).await;
    waiting.unwrap().len()
}

#[tokio::test]
async fn incidents_await_responders_while_any_outage_is_not_silenced() {
    let store = TestStore::open().await;
    let ids @ [a, b] = with_endpoints(&store).await;
    // At the same time, and therefore in one incident.
    down(&store, a, 10).await;
    down(&store, b, 11).await;
    assert_eq!(waiting(&store, 20).await, 1);
    let length = std::time::Duration::from_secs(100);
    start::mute(&store, member(), a, length, at(20))
        .await
        .unwrap();
    assert_eq!(waiting(&store, 21).await, 1, "the other one is not muted");
    let new = maintenance_of(SilenceScope::Some(vec![b]), 20, 300);
    let scheduled = start::schedule(&store, member(), new, at(20)).await;
    assert_eq!(waiting(&store, 119).await, 0);
    assert_eq!(waiting(&store, 120).await, 1, "the mute has expired");
    start::mute_incident(&store, member(), IncidentId(1), at(130))
        .await
        .unwrap();
    let running = silence::maintenance(&store.reader, Some(HOME))
        .await
        .unwrap();
    assert_eq!(running[0].id, scheduled.unwrap());
    end::end(&store, member(), running[0].id, at(140))
        .await
        .unwrap();
    assert_eq!(waiting(&store, 150).await, 0, "both are muted");
    for id in ids {
        end::unmute(&store, member(), id, at(160)).await.unwrap();
        assert_eq!(waiting(&store, 170).await, 1);
    }
    let unnotified = Override {
        notify: false,
        role: None,
    };
    for (own, count) in [(Some(unnotified), 0), (None, 1)] {
        for id in ids {
            let _ = set_override(&store, member(), id, own, at(170))
                .await
                .unwrap();
        }
        assert_eq!(waiting(&store, 171).await, count);
    }
    acknowledge(&store, member(), IncidentId(1), at(180))
        .await
        .unwrap();
    assert_eq!(waiting(&store, 190).await, 0);
}

#[tokio::test]
async fn reminders_mention_the_role_of_their_incident() {
    let store = TestStore::open().await;
    let [a, b] = with_endpoints(&store).await;
    let chosen = AlertEdit {
        channel: Some(ChannelId(5)),
        role: Patch::Set(RoleId(77)),
    };
    let _ = edit(&store, member(), chosen, at(0)).await.unwrap();
    let own = Override {
        notify: true,
        role: Some(RoleId(88)),
    };
    let _ = set_override(&store, member(), a, Some(own), at(0))
        .await
        .unwrap();
    down(&store, a, 10).await;
    down(&store, b, 100).await;
    for id in [1, 2] {
        let step = (EscalationStep::Remind, at(200));
        assert!(
            remind_or_escalate(&store, HOME, IncidentId(id), step.0, step.1)
                .await
                .unwrap()
        );
    }
    let mut roles = Vec::new();
    for incident in store.pending_incidents().await {
        roles.push(incident::role(&store.reader, incident).await.unwrap());
    }
    assert_eq!(roles, [88, 77, 88, 77].map(|role| Some(RoleId(role))));
}

#[tokio::test]
async fn a_key_acknowledges_an_incident_of_its_own_guild_once() {
    let store = TestStore::open().await;
    let [shop, _] = with_endpoints(&store).await;
    down(&store, shop, 10).await;
    let by_key = |guild| Requester {
        guild,
        actor: Actor::Key(KeyId::parse("0123456789ab").unwrap()),
    };
    let id = IncidentId(1);
    let foreign = acknowledge(&store, by_key(GuildId(2)), id, at(20)).await;
    assert!(matches!(foreign, Err(Error::NotFound(_))), "{foreign:?}");
    let system = acknowledge(&store, Requester::system(HOME), id, at(20)).await;
    assert!(matches!(system, Err(Error::Invalid(_))), "{system:?}");
    assert_eq!(waiting(&store, 20).await, 1);
    let key = by_key(HOME);
    let acknowledged = acknowledge(&store, key, id, at(20)).await.unwrap();
    assert_eq!(acknowledged.acknowledged, Some((key.actor, at(20))));
    assert_eq!(waiting(&store, 30).await, 0);
    for again in [key, member()] {
        let again = acknowledge(&store, again, id, at(40)).await;
        assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    }
    let events: Vec<(String,)> = store
        .rows("SELECT actor FROM events WHERE kind = 'incident_acknowledged'")
        .await;
    assert_eq!(events, [("key:0123456789ab".to_owned(),)]);
}

#[tokio::test]
async fn what_is_no_incident_cannot_be_acknowledged() {
    let store = TestStore::open().await;
    let [shop, _] = with_endpoints(&store).await;
    down(&store, shop, 10).await;
    let step = (EscalationStep::Remind, at(20));
    let reminded = remind_or_escalate(&store, HOME, IncidentId(1), step.0, step.1).await;
    assert!(reminded.unwrap());
    let refused = acknowledge(&store, member(), IncidentId(2), at(30)).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
}

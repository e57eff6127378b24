//! The state as a whole, and its changes as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::refusal::Refusal;
use super::view::{self, Parts};
use super::{Served, ServedState};

/// How long changes are collected before they are sent: a bot often makes several at once.
const COLLECT: Duration = Duration::from_millis(30);

/// The member of `?member=<id>`, who must be known in a guild.
fn member(served: &Served, query: Option<&str>) -> Result<u64, Refusal> {
    let given = query.and_then(|query| query.strip_prefix("member="));
    let id = given.and_then(|id| id.parse().ok()).ok_or_else(|| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            "Name the member, as in ?member=1001.",
        )
    })?;
    let world = served.sandbox.shared.read();
    let mut guilds = world.guilds.iter();
    if guilds.any(|guild| view::members(guild).iter().any(|member| member.id == id)) {
        Ok(id)
    } else {
        Err(Refusal::missing("member"))
    }
}

/// Without a member: only the guilds, so that the page can choose one of their members.
pub(super) async fn state(
    State(served): ServedState,
    RawQuery(query): RawQuery,
) -> Result<Json<Parts>, Refusal> {
    let member = match query {
        None => 0,
        Some(query) => member(&served, Some(&query))?,
    };
    Ok(Json(view::parts(&served.sandbox.shared.read(), member)))
}

/// A connection that receives changes.
struct Watcher {
    served: Arc<Served>,
    member: u64,
    changes: watch::Receiver<u64>,
    /// As the page knows them; `None` before the first event, which has them all.
    sent: Option<Parts>,
}

impl Watcher {
    /// Waits until something changes for the member, and returns the difference.
    async fn next(&mut self) -> Value {
        loop {
            if self.sent.is_some() {
                // The sender lives as long as the sandbox, which is held here.
                let _ = self.changes.changed().await;
                tokio::time::sleep(COLLECT).await;
            }
            self.changes.borrow_and_update();
            let now = view::parts(&self.served.sandbox.shared.read(), self.member);
            let event = match &self.sent {
                None => Some(json!({ "set": now, "unset": [], "all": true })),
                Some(sent) => difference(sent, &now),
            };
            self.sent = Some(now);
            if let Some(event) = event {
                return event;
            }
        }
    }
}

fn difference(before: &Parts, now: &Parts) -> Option<Value> {
    let is_new = |(key, value): &(&String, &Value)| before.get(*key) != Some(*value);
    let set: Parts = now
        .iter()
        .filter(is_new)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let unset: Vec<&String> = before
        .keys()
        .filter(|key| !now.contains_key(*key))
        .collect();
    let is_empty = set.is_empty() && unset.is_empty();
    (!is_empty).then(|| json!({ "set": set, "unset": unset, "all": false }))
}

pub(super) async fn events(State(served): ServedState, RawQuery(query): RawQuery) -> Response {
    let member = match member(&served, query.as_deref()) {
        Ok(member) => member,
        Err(refusal) => return refusal.into_response(),
    };
    let watcher = Watcher {
        member,
        changes: served.sandbox.shared.changes.subscribe(),
        sent: None,
        served,
    };
    let events = stream::unfold(watcher, async |mut watcher| {
        let event = Event::default().data(watcher.next().await.to_string());
        Some((Ok::<_, Infallible>(event), watcher))
    });
    Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response()
}

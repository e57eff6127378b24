//! What to do with a pending delivery, and what follows from the result. Both are decided here and nowhere else; the job loads,
//! sends and stores.

use std::time::Duration;

use super::backoff::backoff;
use super::delivery_order::SUSPICIOUS;
use super::destination_health::{DeliveryError, DestinationHealth, WEBHOOK_GAP};
use super::destinations::DestinationKind;
use crate::timestamp::Timestamp;

/// How long incidents are held at a time while connectivity is lost: check results prove nothing then.
pub const HELD: Duration = Duration::from_secs(2);

/// The shortest time between two edits of the message of one incident. In a channel, Discord accepts five messages and edits within
/// five seconds. An incident that grows monitor by monitor would use them up at once: its last monitors, and other incidents, would
/// be shown seconds later.
pub const EDIT_GAP: Duration = Duration::from_secs(1);

/// The shortest time between two messages about changes of one incident where no message can be edited.
pub const UPDATE_GAP: Duration = Duration::from_secs(60);

/// A delivery that failed so often, while others to the same destination did not, no longer holds up others.
pub const HOPELESS: u32 = 10;

/// How long a message that its destination rejected is set aside.
const REJECTED: Duration = Duration::from_secs(3600);

/// The same at a webhook, where a second rejection shows that it accepts nothing.
const WEBHOOK_REJECTED: Duration = Duration::from_secs(120);

/// What a delivery is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The outages of an incident, and whether one of them is open.
    Outages {
        is_open: bool,
    },
    /// A message about another incident, which may have become needless since.
    Reminder {
        is_needed: bool,
    },
    Board,
    /// Another fact that a guild must know.
    Announcement,
}

/// How a destination shows a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// By an edit of its message.
    Editable,
    /// By another message for people, who read only what is worth one.
    AppendOnly,
    /// By another message for a program, which follows every change.
    Programs,
}

/// The message of a delivery at its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// Nothing was sent yet.
    No,
    Yes,
    /// It was sent and has been deleted since.
    Lost,
}

/// A pending delivery, as far as it decides what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryState {
    pub topic: Topic,
    pub medium: Medium,
    pub posted: Posted,
    /// Whether a first message was sent without an answer, so that it may be there.
    pub may_be_posted: bool,
    /// When something was last delivered.
    pub delivered_at: Option<Timestamp>,
    /// Whether a monitor joined or left since then.
    pub has_news: bool,
    /// The order of deliveries relative to this one.
    pub turn: Turn,
    /// Whether the guild wants recoveries of outages that it was not notified of.
    pub notify_on_recovery: bool,
}

/// The order of a delivery relative to others at its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Own,
    /// Another delivery waits until this one is complete.
    Blocking,
    /// Newer incidents of all its monitors have been delivered already: to tell of it now would run backward.
    Superseded,
}

/// What to do with a pending delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing before this time.
    Hold(Timestamp),
    /// Nothing: the current revision needs no message.
    Skip,
    /// Sends a new message, which mentions the responder or not.
    Post { mention: bool },
    /// Edits the message.
    Edit,
}

/// Decides what to do with a pending delivery.
pub fn plan(state: &DeliveryState, is_connectivity_lost: bool, now: Timestamp) -> Step {
    match state.topic {
        Topic::Outages { .. } if is_connectivity_lost => Step::Hold(now.plus(HELD)),
        // One that was posted stays true.
        Topic::Reminder { .. } if state.posted == Posted::Yes => Step::Edit,
        Topic::Reminder { is_needed: true } if state.posted == Posted::No => {
            Step::Post { mention: true }
        }
        Topic::Reminder { .. } if state.may_be_posted => Step::Post { mention: false },
        Topic::Reminder { .. } => Step::Skip,
        Topic::Outages { is_open } if state.medium == Medium::Editable => {
            edited(state, is_open, now)
        }
        Topic::Outages { is_open } => appended(state, is_open, now),
        Topic::Board | Topic::Announcement => match (state.medium, state.posted) {
            (Medium::Editable, Posted::Yes) => Step::Edit,
            _ => Step::Post { mention: false },
        },
    }
}

/// Whether a message gets the picture of what it is about: where files can be attached, once, as soon as an incident is resolved. An
/// announcement is complete from the start.
pub fn takes_picture(state: &DeliveryState, has_picture: bool, step: Step) -> bool {
    let is_complete = match state.topic {
        Topic::Outages { is_open } => !is_open,
        Topic::Announcement => true,
        Topic::Board | Topic::Reminder { .. } => false,
    };
    let is_sent = matches!(step, Step::Post { .. } | Step::Edit);
    is_complete && is_sent && state.medium == Medium::Editable && !has_picture
}

fn edited(state: &DeliveryState, is_open: bool, now: Timestamp) -> Step {
    let is_wanted = state.notify_on_recovery && state.turn != Turn::Superseded;
    match state.posted {
        Posted::Yes => match gap(state, EDIT_GAP, now) {
            Some(end) if is_open => Step::Hold(end),
            _ => Step::Edit,
        },
        // One that may be there would look open for ever.
        Posted::No | Posted::Lost if !is_open && !is_wanted && !state.may_be_posted => Step::Skip,
        // Only the first message mentions: after that, responders know.
        posted => Step::Post {
            mention: is_open && posted == Posted::No,
        },
    }
}

fn appended(state: &DeliveryState, is_open: bool, now: Timestamp) -> Step {
    const POST: Step = Step::Post { mention: false };
    let is_first = state.posted == Posted::No;
    let is_program = state.medium == Medium::Programs;
    match (is_open, is_first) {
        // A program that got the opening gets the resolution, too.
        (false, false) if is_program => POST,
        (false, _) if !state.notify_on_recovery || state.turn == Turn::Superseded => Step::Skip,
        (false, false) if !state.has_news => Step::Skip,
        (false, _) | (true, true) => POST,
        (true, false) if is_program => POST,
        (true, false) if !state.has_news => Step::Skip,
        (true, false) => gap(state, UPDATE_GAP, now).map_or(POST, Step::Hold),
    }
}

/// The end of the shortest time since the last message, if it must be waited for.
fn gap(state: &DeliveryState, length: Duration, now: Timestamp) -> Option<Timestamp> {
    // A time ahead comes from a clock that has been set back since.
    let last = state.delivered_at.filter(|at| *at <= now)?;
    let end = last.plus(length);
    (end > now && state.turn != Turn::Blocking).then_some(end)
}

/// An attempt whose result is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub kind: DestinationKind,
    pub health: DestinationHealth,
    /// Failed attempts at this delivery in a row that were not due to its destination.
    pub faults: u32,
    /// Whether its message is in another channel than new ones go to.
    pub is_elsewhere: bool,
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The revision is delivered.
    Delivered,
    /// It stays pending, and is tried when the destination is.
    Failed,
    /// The same, but the destination seemed to work until then.
    Fault,
    /// It is tried again at this time, while others go on: its message is at fault.
    SetAside { faults: u32, until: Timestamp },
    /// Its message can no longer be edited, so a new one is posted.
    MessageLost,
    /// It goes to the channel of the guild instead.
    ToChannel,
    /// Nothing changes.
    Unchanged,
}

/// What follows from an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    pub progress: Progress,
    /// What is known of the destination now.
    pub health: DestinationHealth,
}

/// Decides what follows from an attempt. `jitter`: a random number from 0 to 1.
pub fn settle(
    attempt: &Attempt,
    result: Result<(), &DeliveryError>,
    jitter: f64,
    now: Timestamp,
) -> Settlement {
    let unchanged = |progress| Settlement {
        progress,
        health: attempt.health.clone(),
    };
    let error = match result {
        Ok(()) => {
            let gap = match attempt.kind {
                DestinationKind::Webhook => WEBHOOK_GAP,
                _ => Duration::ZERO,
            };
            return Settlement {
                progress: Progress::Delivered,
                health: DestinationHealth::worked(now, gap),
            };
        }
        Err(error) => error,
    };
    let failed = |progress| Settlement {
        progress,
        health: attempt.health.failed(error, attempt.kind, jitter, now),
    };
    match error {
        DeliveryError::MessageGone => unchanged(Progress::MessageLost),
        // The channel of the message is broken, but new messages go to another one.
        DeliveryError::DestinationBroken(_) if attempt.is_elsewhere => {
            unchanged(Progress::MessageLost)
        }
        DeliveryError::DestinationBroken(_) if attempt.kind == DestinationKind::DirectMessage => {
            failed(Progress::ToChannel)
        }
        DeliveryError::DestinationBroken(_) => failed(Progress::Failed),
        // This message has been rejected before, which says nothing about others.
        DeliveryError::Rejected(_) if attempt.faults >= HOPELESS => unchanged(Progress::SetAside {
            faults: HOPELESS,
            until: now.plus(REJECTED),
        }),
        DeliveryError::Rejected(_) => {
            let wait = match attempt.kind {
                DestinationKind::Webhook => WEBHOOK_REJECTED,
                _ => REJECTED,
            };
            failed(Progress::SetAside {
                faults: HOPELESS,
                until: now.plus(wait),
            })
        }
        DeliveryError::Retry { .. } if attempt.health.attempts > 0 => failed(Progress::Failed),
        // The destination accepted another message since this one failed, again and again.
        DeliveryError::Retry { .. } if attempt.faults + 1 >= SUSPICIOUS => {
            let faults = attempt.faults + 1;
            unchanged(Progress::SetAside {
                faults,
                until: now.plus(backoff(faults, jitter)),
            })
        }
        DeliveryError::Retry { .. } => failed(Progress::Fault),
        DeliveryError::Unauthorized => failed(Progress::Unchanged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn state(text: &str) -> DeliveryState {
        let has = |word: &str| text.split_whitespace().any(|one| one == word);
        let topic = match text.split_whitespace().next().unwrap() {
            "open" => Topic::Outages { is_open: true },
            "over" => Topic::Outages { is_open: false },
            "reminder" => Topic::Reminder { is_needed: true },
            "needless" => Topic::Reminder { is_needed: false },
            "board" => Topic::Board,
            _ => Topic::Announcement,
        };
        let last = text
            .split_whitespace()
            .find_map(|one| one.strip_prefix('@'));
        let posted = match (has("posted") || last.is_some(), has("lost")) {
            (_, true) => Posted::Lost,
            (true, _) => Posted::Yes,
            _ => Posted::No,
        };
        let turn = match (has("blocking"), has("superseded")) {
            (true, _) => Turn::Blocking,
            (_, true) => Turn::Superseded,
            _ => Turn::Own,
        };
        DeliveryState {
            topic,
            medium: match (has("people"), has("programs")) {
                (true, _) => Medium::AppendOnly,
                (_, true) => Medium::Programs,
                _ => Medium::Editable,
            },
            posted,
            may_be_posted: has("unanswered"),
            delivered_at: last.map(|second| at(second.parse().unwrap())),
            has_news: has("news"),
            turn,
            notify_on_recovery: !has("unwanted"),
        }
    }

    #[test]
    fn what_is_complete_gets_its_picture_once_with_its_message() {
        let post = Step::Post { mention: false };
        for (text, has_picture, step, expected) in [
            ("over posted", false, Step::Edit, true),
            ("over", false, post, true),
            ("over lost", false, post, true),
            ("over posted", true, Step::Edit, false),
            ("over unwanted", false, Step::Skip, false),
            ("over", false, Step::Hold(at(1)), false),
            ("open posted", false, Step::Edit, false),
            ("open", false, Step::Post { mention: true }, false),
            ("over people", false, post, false),
            ("over programs", false, post, false),
            ("needless posted", false, Step::Edit, false),
            ("board posted", false, Step::Edit, false),
            ("announcement", false, post, true),
            ("announcement", true, post, false),
        ] {
            let found = takes_picture(&state(text), has_picture, step);
            assert_eq!(found, expected, "{text}, {has_picture}, {step:?}");
        }
    }

    /// Pending deliveries in second 100, by default where messages can be edited, and what to do with each. `@`: when something
    /// was last delivered.
    const DELIVERIES: &str = "
        open                                | post, mention | a new incident
        open posted                         | edit          | it changed
        open @99                            | edit          | it changed, a second after the last message
        open @100                           | hold 101      | it changed again, within a second
        open @100 blocking                  | edit          | a newer incident of its monitors waits
        open @500                           | edit          | the clock was set back
        open lost                           | post          | its message was deleted
        over @100                           | edit          | a recovery never waits
        over                                | post          | it ended before it could be sent
        over unwanted                       | skip          | the guild does not want such recoveries
        over posted unwanted                | edit          | but it edits what it sent
        over lost unwanted                  | skip          | unless that was deleted
        over unwanted unanswered            | post          | unless it may have been sent while it was open
        over superseded                     | skip          | its monitors have had newer incidents since
        open superseded                     | post, mention | and yet one is open
        reminder                            | post, mention | the incident is not acknowledged
        needless                            | skip          | the incident is acknowledged
        needless unanswered                 | post          | but it may have been sent before
        needless posted                     | edit          | the incident was acknowledged after it was posted
        reminder posted                     | edit          | another monitor has recovered
        reminder lost                       | skip          | it was read and deleted
        board                               | post          | a new board
        board posted                        | edit          | it changed
        board lost                          | post          | its message was deleted
        announcement                        | post          | a fact
        announcement posted                 | edit          | more of the same
        open people                         | post          | a new incident
        open people @30                     | skip          | no monitor joined or left
        open people @40 news                | post          | one did, a minute after the last message
        open people @41 news                | hold 101      | one did, within a minute
        open people @41 news blocking       | post          | a newer incident of its monitors waits
        open people @500 news               | post          | the clock was set back
        over people @99 news                | post          | a recovery never waits
        over people @99                     | skip          | nothing that people do not know
        over people @99 news unwanted       | skip          | the guild does not want recoveries
        over people superseded              | skip          | its monitors have had newer incidents since
        announcement people @99             | post          | more of the same
        open programs @99                   | post          | a program gets every change
        over programs @99 unwanted          | post          | and the end of what it got
        over programs unwanted              | skip          | but not of what it did not get
    ";

    #[test]
    fn a_pending_delivery_is_sent_held_or_skipped() {
        for line in DELIVERIES.lines().filter(|line| line.contains('|')) {
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let found = match plan(&state(parts[0]), false, at(100)) {
                Step::Hold(until) => format!("hold {}", until.seconds()),
                Step::Skip => "skip".into(),
                Step::Post { mention: true } => "post, mention".into(),
                Step::Post { mention: false } => "post".into(),
                Step::Edit => "edit".into(),
            };
            assert_eq!(found, parts[1], "{line}");
        }
    }

    #[test]
    fn only_incidents_are_held_while_connectivity_is_lost() {
        for (text, is_held) in [
            ("open", true),
            ("over people", true),
            ("open programs", true),
            ("reminder", false),
            ("board", false),
            ("announcement", false),
        ] {
            let step = plan(&state(text), true, at(100));
            assert_eq!(step == Step::Hold(at(102)), is_held, "{text}");
        }
    }

    /// Attempts in second 100: the destination, its failed attempts, the faults of the delivery, and the result. Then what becomes
    /// of the delivery, and the failed attempts of the destination with the second of its next attempt.
    const ATTEMPTS: &str = "
        channel 0 0 ok                | delivered     | 0 100 | at the first attempt
        channel 4 1 ok                | delivered     | 0 100 | after failures
        webhook 4 1 ok                | delivered     | 0 102 | the next message to a webhook waits
        channel 0 0 gone              | message lost  | 0 0   | a new one is posted
        channel 0 0 broken            | failed        | 1 220 | the channel cannot be written to
        channel 0 0 broken elsewhere  | message lost  | 0 0   | new messages go to another channel
        direct_message 0 0 broken     | to channel    | 1 220 | the person accepts no messages
        board 0 0 broken              | failed        | 1 220 | the channel cannot be written to
        channel 0 0 rejected          | aside 10 3700 | 0 0   | others go on and do not wait
        webhook 0 0 rejected          | aside 10 220  | 1 102 | others go on, and show whether it accepts any
        webhook 0 10 rejected         | aside 10 3700 | 0 0   | it was rejected before
        channel 0 0 retry             | fault         | 1 101 | not reachable, or the message is at fault
        channel 2 1 retry             | failed        | 3 104 | still not reachable
        channel 1 9 retry             | failed        | 2 102 | nor for another message
        channel 0 1 retry             | fault         | 1 101 | reachable for another message, but that may be chance
        channel 0 2 retry             | aside 3 108   | 0 0   | reachable for others again and again
        channel 0 9 retry             | aside 10 400  | 0 0   | others no longer wait
        channel 0 0 401               | unchanged     | 0 102 | the token is in doubt
    ";

    #[test]
    fn the_result_of_an_attempt_decides_what_follows() {
        for line in ATTEMPTS.lines().filter(|line| line.contains('|')) {
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let words: Vec<&str> = parts[0].split_whitespace().collect();
            let attempt = Attempt {
                kind: words[0].parse().unwrap(),
                health: DestinationHealth {
                    attempts: words[1].parse().unwrap(),
                    ..DestinationHealth::default()
                },
                faults: words[2].parse().unwrap(),
                is_elsewhere: words.contains(&"elsewhere"),
            };
            let because = || "because".to_owned();
            let error = match words[3] {
                "gone" => Some(DeliveryError::MessageGone),
                "broken" => Some(DeliveryError::DestinationBroken(because())),
                "rejected" => Some(DeliveryError::Rejected(because())),
                "retry" => Some(DeliveryError::Retry {
                    is_unanswered: false,
                    after: None,
                    reason: because(),
                }),
                "401" => Some(DeliveryError::Unauthorized),
                _ => None,
            };
            let settled = settle(&attempt, error.as_ref().map_or(Ok(()), Err), 1.0, at(100));
            let progress = match settled.progress {
                Progress::Delivered => "delivered".into(),
                Progress::Failed => "failed".into(),
                Progress::Fault => "fault".into(),
                Progress::SetAside { faults, until } => {
                    format!("aside {faults} {}", until.seconds())
                }
                Progress::MessageLost => "message lost".into(),
                Progress::ToChannel => "to channel".into(),
                Progress::Unchanged => "unchanged".into(),
            };
            let DestinationHealth {
                attempts,
                next_try_at,
                ..
            } = settled.health;
            let health = format!("{attempts} {}", next_try_at.seconds());
            assert_eq!([&*progress, &*health], [parts[1], parts[2]], "{line}");
        }
    }
}

//! Watches whether we see at all, and says so when that changes. The rule is in `domain::sight`.

use std::time::Duration;

use crate::actions::blindness;
use crate::actions::record_result::CompletedCheck;
use crate::clock::Stopwatch;
use crate::domain::Timestamp;
use crate::domain::check_result::Verdict;
use crate::domain::sight::{Eyes, LONGEST, Sight, Suspicion, Turn};
use crate::jobs::Context;

/// Witnesses are not asked more often than this.
const ASKED_AGAIN: Duration = Duration::from_secs(5);

pub(super) struct Watch {
    sight: Sight,
    eyes: Eyes,
    /// What the witnesses said last, and how long ago.
    asked: Option<(Stopwatch, bool)>,
    /// What patience is measured by: a clock that is set makes no difference to it.
    running: Stopwatch,
}

impl Watch {
    /// A blindness that a life before this one has left is over.
    pub(super) async fn start(context: &Context) -> Self {
        let now = context.checks.clock.now();
        if let Err(error) = blindness::end(&context.store, now).await {
            tracing::warn!(%error, "it could not be noted that we see");
        }
        Self {
            sight: Sight::default(),
            eyes: Eyes::Open,
            asked: None,
            running: Stopwatch::start(),
        }
    }

    /// Whether it must be looked at again even if nothing more is seen.
    pub(super) fn is_anxious(&self) -> bool {
        self.eyes != Eyes::Open
    }

    /// Takes what was seen into account before it is recorded; what is worth nothing is unknown from then on.
    pub(super) async fn consider(&mut self, context: &Context, completed: &mut [CompletedCheck]) {
        if context.witnesses.is_empty() {
            return;
        }
        self.judge(context, completed).await;
        if context.checks.is_blind() {
            for completed in completed {
                completed.result = context.checks.trusted(completed.result.clone());
            }
        }
    }

    async fn judge(&mut self, context: &Context, completed: &[CompletedCheck]) {
        for completed in completed {
            let at = completed.result.at;
            match completed.result.verdict {
                Verdict::Up => self.sight.saw(completed.monitor_id, true, at),
                Verdict::Down(_) => self.sight.saw(completed.monitor_id, false, at),
                Verdict::Unknown(_) => {}
            }
        }
        let now = context.checks.clock.now();
        let suspicion = self.sight.suspicion(now);
        if !self.eyes.ask(suspicion) {
            return;
        }
        let has_answered = self.witnesses_answer(context).await;
        let elapsed = Timestamp::from_millis(0).plus(self.running.elapsed());
        let (eyes, turn) = self.eyes.next(suspicion, has_answered, elapsed);
        let before = std::mem::replace(&mut self.eyes, eyes);
        match (turn, before) {
            (Some(Turn::WentBlind(suspicion)), _) => goes_blind(context, suspicion, now).await,
            (Some(turn), Eyes::Blind { since }) => {
                // What has failed so far was nobody's fault but ours.
                self.sight = Sight::default();
                sees(context, turn, elapsed.since(since).as_secs()).await;
            }
            _ => {}
        }
    }

    async fn witnesses_answer(&mut self, context: &Context) -> bool {
        if let Some((since, answered)) = &self.asked
            && since.elapsed() < ASKED_AGAIN
        {
            return *answered;
        }
        let answered = context.checks.any_answers(&context.witnesses).await;
        self.asked = Some((Stopwatch::start(), answered));
        answered
    }
}

async fn goes_blind(context: &Context, suspicion: Suspicion, now: Timestamp) {
    context.checks.set_blind(true);
    context.metrics.connectivity_up.set(0);
    tracing::warn!(
        failing = suspicion.failing,
        "Blind: {} endpoints stopped answering at once and no witness answers; no outage is told for at most {} s",
        suspicion.failing,
        LONGEST.as_secs()
    );
    if let Err(error) = blindness::begin(&context.store, suspicion, now).await {
        tracing::error!(%error, "what was taken for outages could not be taken back");
    }
}

async fn sees(context: &Context, turn: Turn, seconds: u64) {
    context.checks.set_blind(false);
    context.metrics.connectivity_up.set(1);
    let why = match turn {
        Turn::GaveUp => "the witnesses have been silent for too long to be believed",
        Turn::SeesAgain | Turn::WentBlind(_) => "a witness answers",
    };
    tracing::info!(seconds, "We see again after {seconds} s: {why}");
    let now = context.checks.clock.now();
    if let Err(error) = blindness::end(&context.store, now).await {
        tracing::warn!(%error, "it could not be noted that we see");
    }
}

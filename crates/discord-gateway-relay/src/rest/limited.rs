//! REST calls within Discord's rate limits: short waits are slept, long ones are left to the caller.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::body::CallBody;
use super::rate_limit::{Route, SendLimit};
use super::{CallError, Rest, RestError};
use crate::clock::Stopwatch;

/// Waits up to this length are slept here.
const SHORT_WAIT: Duration = Duration::from_secs(6);

/// Why a request was not accepted.
#[derive(Debug)]
pub enum SendError {
    /// Discord refused the token; no further requests are sent until it accepts the token again.
    Unauthorized,
    /// The rate limit does not allow the request for this long.
    Limited(Duration),
    /// Discord answered with an error, or did not answer.
    Call(CallError),
}

/// A REST client that obeys the rate limits of every route. Create one and share it.
#[derive(Debug)]
pub struct LimitedRest {
    rest: Rest,
    limit: Mutex<SendLimit>,
    /// Whose turn it is under the limits that all routes share.
    turn: tokio::sync::Mutex<()>,
    /// Origin of the durations that the limit counts in.
    started: Stopwatch,
    /// Whether Discord has refused the token.
    is_refused: AtomicBool,
}

impl LimitedRest {
    pub fn new(rest: Rest) -> Self {
        Self {
            rest,
            limit: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            started: Stopwatch::start(),
            is_refused: AtomicBool::new(false),
        }
    }

    /// Sends one request as soon as the limits of its route allow it, and returns the body of the answer.
    ///
    /// # Errors
    /// `SendError`.
    pub async fn send(
        &self,
        route: Route,
        method: Method,
        path: &str,
        body: impl Into<CallBody>,
    ) -> Result<Value, SendError> {
        if self.is_refused.load(Ordering::Relaxed) {
            return Err(SendError::Unauthorized);
        }
        self.wait_for_limit(route).await?;
        match self.rest.send(method, path, body).await {
            Ok(sent) => {
                if let Some(limit) = sent.limit {
                    self.limit().learn(route, limit, self.started.elapsed());
                }
                Ok(sent.body)
            }
            Err(refusal) => Err(self.refused(route, refusal)),
        }
    }

    /// Asks whether Discord accepts the token; if so, requests are sent again.
    ///
    /// # Errors
    /// Discord did not say.
    pub async fn check_token(&self) -> Result<bool, RestError> {
        let is_accepted = self.rest.accepts_token().await?;
        self.is_refused.store(!is_accepted, Ordering::Relaxed);
        Ok(is_accepted)
    }

    /// Waits until the limits of a route allow a request, as far as a short wait helps. What is to be sent can be read after
    /// that, so that it is not outdated.
    pub async fn ready(&self, route: Route) {
        // If it takes longer, the request itself fails and says so.
        let _ = self.wait_for_route(route).await;
    }

    /// Waits until the rate limit allows this route and reserves a request; fails if a wait is longer than `SHORT_WAIT`.
    async fn wait_for_limit(&self, route: Route) -> Result<(), SendError> {
        loop {
            // A full channel does not hold up others, so its wait comes before the turn.
            self.wait_for_route(route).await?;
            let _turn = self.turn.lock().await;
            let (taken, shared) = {
                let (mut limit, now) = (self.limit(), self.started.elapsed());
                (limit.take(route, now), limit.shared_wait(now))
            };
            match taken {
                Ok(()) => return Ok(()),
                Err(wait) if wait > SHORT_WAIT => return Err(SendError::Limited(wait)),
                // First come, first served: the others wait for this one.
                Err(wait) if wait == shared => tokio::time::sleep(wait).await,
                Err(_) => {}
            }
        }
    }

    async fn wait_for_route(&self, route: Route) -> Result<(), SendError> {
        loop {
            let wait = self.limit().route_wait(route, self.started.elapsed());
            match wait {
                Duration::ZERO => return Ok(()),
                wait if wait > SHORT_WAIT => return Err(SendError::Limited(wait)),
                wait => tokio::time::sleep(wait).await,
            }
        }
    }

    fn limit(&self) -> MutexGuard<'_, SendLimit> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a refusal against the limits.
    fn refused(&self, route: Route, refusal: CallError) -> SendError {
        let now = self.started.elapsed();
        match refusal.error {
            RestError::Unauthorized => {
                self.limit().refused(now);
                self.is_refused.store(true, Ordering::Relaxed);
                return SendError::Unauthorized;
            }
            RestError::Limited { retry_after } => {
                self.limit()
                    .limited(route, retry_after, refusal.is_global, now);
            }
            RestError::Status(403) => self.limit().refused(now),
            _ => {}
        }
        SendError::Call(refusal)
    }
}

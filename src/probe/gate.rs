//! Lets a check open a connection when it is its turn: the limits of `connection_limit`, applied to one check.

use std::net::SocketAddr;

use outbound_policy::Guard;

use super::Stop;
use super::connection_limit::ConnectionLimiter;
use super::trace::Trace;

/// The limits for the connections of one hop of a check.
#[derive(Clone, Copy)]
pub(super) struct ConnectionGate<'a> {
    limiter: Option<&'a ConnectionLimiter>,
    /// Its listed addresses have no limits.
    exempt: Option<&'a Guard>,
    /// The host name, if a certificate for it is verified.
    name: Option<&'a str>,
}

impl<'a> ConnectionGate<'a> {
    pub(super) fn new(limiter: Option<&'a ConnectionLimiter>, exempt: Option<&'a Guard>) -> Self {
        Self {
            limiter,
            exempt,
            name: None,
        }
    }

    pub(super) fn with_name(self, name: Option<&'a str>) -> Self {
        Self { name, ..self }
    }

    /// Returns when the connection may be opened.
    ///
    /// # Errors
    /// `Stop::Postponed` if the check must start again later.
    pub(super) async fn pass(&self, address: SocketAddr, trace: &mut Trace) -> Result<(), Stop> {
        let Some(limiter) = self.limiter_for(address) else {
            return Ok(());
        };
        let Some(account) = trace.account() else {
            return Ok(());
        };
        let guild = account.guild;
        let bucket = limiter.bucket(address.ip(), self.name);
        let had_turn = match account.turn.take_if(|turn| *turn.bucket() == bucket) {
            Some(turn) if limiter.is_fresh(&turn) => {
                account.has_connected = true;
                return Ok(());
            }
            turn => turn.is_some(),
        };
        if limiter.take(guild, &bucket).is_some() {
            account.has_connected = true;
            return Ok(());
        }
        // A turn that came too late (the name took long to resolve) would come too late again.
        if !account.has_connected && !had_turn {
            return Err(Stop::Postponed(bucket));
        }
        let Some(waiting) = limiter.wait_within(guild, &bucket) else {
            return Err(Stop::Postponed(bucket));
        };
        trace.pause();
        // Boxed: few checks wait here, and the others should not reserve memory for it.
        Box::pin(waiting).await;
        trace.resume();
        Ok(())
    }

    /// Remembers the result of a TLS handshake. `covering`: the name in the verified certificate; `None` if it failed.
    pub(super) fn record_handshake(&self, address: SocketAddr, covering: Option<&str>) {
        let (Some(limiter), Some(name)) = (self.limiter_for(address), self.name) else {
            return;
        };
        match covering {
            Some(covering) => limiter.learn(address.ip(), name, covering),
            None => limiter.forget(address.ip(), name),
        }
    }

    fn limiter_for(&self, address: SocketAddr) -> Option<&'a ConnectionLimiter> {
        let is_exempt = self.exempt.is_some_and(|guard| guard.is_listed(address));
        self.limiter.filter(|_| !is_exempt)
    }
}

//! Serves one of serenity's sockets for as long as serenity keeps it open. Gateway connections behind it are opened,
//! resumed and replaced, while serenity sees a single connection that never breaks.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use super::Relay;
use super::client::Client;
use super::connection::Connection;
use super::frames::{self, FromClient};
use super::gateway_state::GatewayState;
use super::reason::{Final, Reason};
use super::session::{Opening, Session};
use super::upstream::{self, Socket};
use crate::observer::Stage;
use crate::reconnect;

/// The close code after which serenity does not reconnect.
const FINAL_CLOSE_CODE: u16 = 4004;

/// Limit for serenity's WebSocket upgrade, which it normally requests immediately.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);

/// Waits for a new session are logged if they are longer than this.
const LONG_WAIT: Duration = Duration::from_secs(60);

/// Serves one of serenity's sockets until it closes or Discord's refusal is final.
pub(super) async fn bridge(stream: TcpStream, relay: Relay, gateway_state: Arc<GatewayState>) {
    let accepting = Client::accept(stream, &relay.path);
    let accepted = tokio::time::timeout(UPGRADE_TIMEOUT, accepting).await;
    let Ok(Ok(mut client)) = accepted else {
        return;
    };
    let Some(mut session) = open(&mut client, &gateway_state).await else {
        return;
    };
    gateway_state.attached(session.shard);
    if let Some(refusal) = serve(&mut client, &mut session, &relay, &gateway_state).await {
        gateway_state.refuse(refusal);
        client.close(FINAL_CLOSE_CODE).await;
    }
    gateway_state.detached(session);
}

/// Waits for serenity's IDENTIFY or RESUME and returns the new or the detached session.
async fn open(client: &mut Client, gateway_state: &GatewayState) -> Option<Session> {
    loop {
        match client.receive().await?.kind {
            FromClient::Identify(payload) => return Some(Session::identified(payload)),
            FromClient::Resume(id) => match gateway_state.take_session(&id) {
                Some(session) => return Some(session),
                None => drop(client.send(frames::invalid_session()).await),
            },
            FromClient::Heartbeat => drop(client.answer_heartbeat().await),
            FromClient::Presence | FromClient::Other => {}
        }
    }
}

/// Keeps the session connected until serenity disconnects (`None`) or Discord refuses the bot for good.
async fn serve(
    client: &mut Client,
    session: &mut Session,
    relay: &Relay,
    gateway_state: &GatewayState,
) -> Option<Final> {
    let mut last = None;
    loop {
        let gateway = tokio::select! {
            gateway = connect(relay, gateway_state, session, last) => gateway,
            () = client.gone() => return None,
        };
        let connection = Connection::new(gateway, client, session, &relay.config, gateway_state);
        let (reason, was_resuming) = connection.run().await;
        gateway_state.ended(session.shard, reason);
        if reason == Reason::Client {
            return None;
        }
        if let Reason::Closed(code) = reason
            && let Some(refusal) = Final::of(code)
        {
            return Some(refusal);
        }
        session.ended(reason, was_resuming);
        log_end(session, reason);
        last = Some(reason);
    }
}

/// Logs the end of a connection and what comes next.
fn log_end(session: &Session, reason: Reason) {
    let shard = session.shard;
    let next = match session.opening() {
        Opening::Identify => "beginning a new session",
        Opening::Resume => "resuming",
    };
    if reason.is_ordinary() {
        tracing::info!(shard, "The connection to Discord ended: {reason}; {next}");
    } else {
        tracing::warn!(shard, "The connection to Discord ended: {reason}; {next}");
    }
}

/// Connects to the gateway, retrying forever. `last` is why the previous connection ended.
async fn connect(
    relay: &Relay,
    gateway_state: &GatewayState,
    session: &mut Session,
    mut last: Option<Reason>,
) -> Socket {
    loop {
        tokio::time::sleep(wait(gateway_state, session, last.take())).await;
        gateway_state.stage(session.shard, Stage::Connecting);
        let url = format!(
            "{}/?v=10&encoding=json",
            session
                .next_url(&relay.config.gateway_url)
                .trim_end_matches('/')
        );
        match upstream::connect(&url, &relay.tls, relay.config.ack_limit).await {
            Ok(socket) => return socket,
            Err(error) => {
                tracing::warn!(shard = session.shard, %error, "cannot connect to the gateway");
                gateway_state.ended(session.shard, Reason::Connect);
            }
        }
    }
}

/// The wait before the next attempt: backoff, pause after an invalid session, and session start budget.
fn wait(gateway_state: &GatewayState, session: &Session, last: Option<Reason>) -> Duration {
    let wait = gateway_state.wait_before_connecting(session.shard);
    if session.opening() == Opening::Resume {
        return wait;
    }
    let pause = match last {
        Some(Reason::Invalid { .. }) => reconnect::invalid_session_pause(fastrand::f64()),
        _ => Duration::ZERO,
    };
    let budget = gateway_state.until_identify();
    if budget > LONG_WAIT {
        tracing::warn!(
            shard = session.shard,
            wait = ?Duration::from_secs(budget.as_secs()),
            "new session delayed by Discord's session start limit"
        );
    }
    wait.max(pause).max(budget)
}

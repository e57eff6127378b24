//! One socket of serenity's, served for as long as serenity keeps it: connections to the gateway come and go behind it,
//! are resumed or begun anew, and serenity sees one that never breaks.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use super::RelayConfig;
use super::client::Client;
use super::connection::Connection;
use super::frames::{self, FromClient};
use super::gateway_state::GatewayState;
use super::reason::{Final, Reason};
use super::session::{Opening, Session};
use super::upstream::{self, Socket};
use crate::domain::reconnect;
use crate::domain::text;
use crate::health::Stage;
use crate::notify::backoff::jitter;

/// The close code on which serenity ends for good.
const ENDS_SERENITY: u16 = 4004;

/// serenity asks for the upgrade at once.
const UPGRADE: Duration = Duration::from_secs(10);

/// A wait for a new session that is longer than this is worth a line in the log.
const LONG_WAIT: Duration = Duration::from_secs(60);

/// Serves a socket of serenity's from beginning to end.
pub(super) async fn bridge(
    stream: TcpStream,
    config: RelayConfig,
    gateway_state: Arc<GatewayState>,
) {
    let accepted = tokio::time::timeout(UPGRADE, Client::accept(stream, &config.path)).await;
    let Ok(Ok(mut client)) = accepted else {
        return;
    };
    let Some(mut session) = open(&mut client, &gateway_state).await else {
        return;
    };
    gateway_state.attached(session.shard);
    if let Some(refusal) = serve(&mut client, &mut session, &config, &gateway_state).await {
        gateway_state.refuse(refusal);
        client.close(ENDS_SERENITY).await;
    }
    gateway_state.detached(session);
}

/// What serenity wants: a new session, or one that it has left behind.
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

/// Keeps the session connected until serenity goes (`None`) or Discord will not have us.
async fn serve(
    client: &mut Client,
    session: &mut Session,
    config: &RelayConfig,
    gateway_state: &GatewayState,
) -> Option<Final> {
    let mut last = None;
    loop {
        let gateway = tokio::select! {
            gateway = reach(config, gateway_state, session, last) => gateway,
            () = client.gone() => return None,
        };
        let connection = Connection::new(gateway, client, session, config, gateway_state);
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
        log(session, reason);
        last = Some(reason);
    }
}

/// One line for the log.
fn log(session: &Session, reason: Reason) {
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

/// Reaches the gateway, however many attempts that takes. `last` is why the connection before this one ended.
async fn reach(
    config: &RelayConfig,
    gateway_state: &GatewayState,
    session: &mut Session,
    mut last: Option<Reason>,
) -> Socket {
    loop {
        tokio::time::sleep(wait(gateway_state, session, last.take())).await;
        gateway_state.stage(session.shard, Stage::Connecting);
        let url = format!(
            "{}/?v=10&encoding=json",
            session.next_url(&config.gateway_url).trim_end_matches('/')
        );
        match upstream::connect(&url, &config.tls, config.ack_limit).await {
            Ok(socket) => return socket,
            Err(error) => {
                tracing::warn!(shard = session.shard, %error, "Discord's gateway was not reached; trying again");
                gateway_state.ended(session.shard, Reason::Connect);
            }
        }
    }
}

fn wait(gateway_state: &GatewayState, session: &Session, last: Option<Reason>) -> Duration {
    let wait = gateway_state.wait_before_connecting(session.shard);
    if session.opening() == Opening::Resume {
        return wait;
    }
    let pause = match last {
        Some(Reason::Invalid { .. }) => reconnect::invalid_session_pause(jitter()),
        _ => Duration::ZERO,
    };
    let budget = gateway_state.until_identify();
    if budget > LONG_WAIT {
        tracing::warn!(
            shard = session.shard,
            "Discord limits how many sessions may be begun in a day; the next one is begun in {}",
            text::duration(budget)
        );
    }
    wait.max(pause).max(budget)
}

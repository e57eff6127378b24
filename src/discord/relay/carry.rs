//! One socket of serenity's, served for as long as serenity keeps it: connections to the gateway come and go behind it,
//! are resumed or begun anew, and serenity sees one that never breaks.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use super::RelayConfig;
use super::client::Client;
use super::connection::Connection;
use super::frames::{self, FromClient};
use super::line::Line;
use super::reason::{Final, Reason};
use super::session::{Opening, Session};
use super::upstream::{self, Socket};
use crate::domain::reconnect;
use crate::domain::text;
use crate::notify::backoff::jitter;
use crate::vitals::Stage;

/// The close code on which serenity ends for good.
const ENDS_SERENITY: u16 = 4004;

/// serenity asks for the upgrade at once.
const UPGRADE: Duration = Duration::from_secs(10);

/// A wait for a new session that is longer than this is worth a line in the log.
const LONG_WAIT: Duration = Duration::from_secs(60);

/// Serves a socket of serenity's from beginning to end.
pub(super) async fn carry(stream: TcpStream, config: RelayConfig, line: Arc<Line>) {
    let accepted = tokio::time::timeout(UPGRADE, Client::accept(stream, &config.path)).await;
    let Ok(Ok(mut client)) = accepted else {
        return;
    };
    let Some(mut session) = open(&mut client, &line).await else {
        return;
    };
    line.attached(session.shard);
    if let Some(refusal) = serve(&mut client, &mut session, &config, &line).await {
        line.refuse(refusal);
        client.close(ENDS_SERENITY).await;
    }
    line.detached(session);
}

/// What serenity wants: a new session, or one that it has left behind.
async fn open(client: &mut Client, line: &Line) -> Option<Session> {
    loop {
        match client.hear().await?.kind {
            FromClient::Identify(payload) => return Some(Session::identified(payload)),
            FromClient::Resume(id) => match line.take_session(&id) {
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
    line: &Line,
) -> Option<Final> {
    let mut last = None;
    loop {
        let gateway = tokio::select! {
            gateway = reach(config, line, session, last) => gateway,
            () = client.gone() => return None,
        };
        let connection = Connection::new(gateway, client, session, config, line);
        let (reason, was_resuming) = connection.run().await;
        line.ended(session.shard, reason);
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
    line: &Line,
    session: &mut Session,
    mut last: Option<Reason>,
) -> Socket {
    loop {
        tokio::time::sleep(wait(line, session, last.take())).await;
        line.stage(session.shard, Stage::Connecting);
        let url = format!(
            "{}/?v=10&encoding=json",
            session.next_url(&config.gateway_url).trim_end_matches('/')
        );
        match upstream::connect(&url, &config.tls, config.ack_limit).await {
            Ok(socket) => return socket,
            Err(error) => {
                tracing::warn!(shard = session.shard, %error, "Discord's gateway was not reached; trying again");
                line.ended(session.shard, Reason::Connect);
            }
        }
    }
}

fn wait(line: &Line, session: &Session, last: Option<Reason>) -> Duration {
    let wait = line.wait_before_connecting(session.shard);
    if session.opening() == Opening::Resume {
        return wait;
    }
    let pause = match last {
        Some(Reason::Invalid { .. }) => reconnect::invalid_session_pause(jitter()),
        _ => Duration::ZERO,
    };
    let budget = line.until_identify();
    if budget > LONG_WAIT {
        tracing::warn!(
            shard = session.shard,
            "Discord limits how many sessions may be begun in a day; the next one is begun in {}",
            text::duration(budget)
        );
    }
    wait.max(pause).max(budget)
}

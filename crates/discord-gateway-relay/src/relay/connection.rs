//! One connection to the gateway, from HELLO to its end: IDENTIFY or RESUME, heartbeats, dispatches and presence. Every
//! wait has a time limit.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;

use super::client::Client;
use super::frames::{self, Event, FromClient, FromGateway};
use super::gateway_state::{GatewayState, Sent};
use super::reason::Reason;
use super::session::{Opening, Session};
use super::upstream::Socket;
use super::{RelayConfig, client};
use crate::clock::Stopwatch;
use crate::observer::{Membership, Stage};
use crate::presence::PresenceUpdate;

/// Limit for HELLO, READY and RESUMED; the acknowledgment limit applies if it is shorter.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(15);

/// Minimum gap between presence updates after a change.
const CHANGE_GAP: Duration = Duration::from_secs(15);

/// Minimum gap between presence refreshes. Discord allows five updates in 20 seconds.
const REFRESH_GAP: Duration = Duration::from_secs(5);

/// What the connection is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Hello,
    /// Permission from the session start limit to send IDENTIFY.
    IdentifySlot,
    Ready,
    Resumed,
    Nothing,
}

/// An open gateway connection.
pub(super) struct Connection<'a> {
    client: &'a mut Client,
    session: &'a mut Session,
    config: &'a RelayConfig,
    gateway_state: &'a GatewayState,
    gateway: Socket,
    awaited: Awaited,
    awaited_since: Stopwatch,
    /// Time between heartbeats; `None` before HELLO.
    heartbeat_interval: Option<Duration>,
    last_heartbeat: Stopwatch,
    last_ack: Stopwatch,
    /// Whether the presence may differ from what Discord shows.
    presence_is_stale: bool,
}

impl<'a> Connection<'a> {
    /// Takes over the newly opened `gateway` socket for the `session` that `client` requested.
    pub(super) fn new(
        gateway: Socket,
        client: &'a mut Client,
        session: &'a mut Session,
        config: &'a RelayConfig,
        gateway_state: &'a GatewayState,
    ) -> Self {
        let now = Stopwatch::start();
        Self {
            client,
            session,
            config,
            gateway_state,
            gateway,
            awaited: Awaited::Hello,
            awaited_since: now,
            heartbeat_interval: None,
            last_heartbeat: now,
            last_ack: now,
            presence_is_stale: true,
        }
    }

    /// Runs the connection until it ends; returns the reason, and whether RESUME was still unanswered.
    pub(super) async fn run(mut self) -> (Reason, bool) {
        let mut presence = self.config.presence.clone();
        presence.mark_unchanged();
        loop {
            let tick = tokio::time::sleep(Duration::from_secs(1).min(self.config.ack_limit / 4));
            let ended = tokio::select! {
                received = self.client.receive() => self.on_client_payload(received).await,
                message = self.gateway.next() => self.on_gateway_message(message).await,
                Ok(()) = presence.changed() => {
                    self.presence_is_stale = true;
                    Ok(())
                }
                () = tick => Ok(()),
            };
            let ended = match ended {
                Ok(()) => self.on_tick().await,
                ended => ended,
            };
            if let Err(reason) = ended {
                return (reason, self.awaited == Awaited::Resumed);
            }
        }
    }

    fn wait_for(&mut self, awaited: Awaited) {
        self.awaited = awaited;
        self.awaited_since = Stopwatch::start();
    }

    /// Does what is due by time: heartbeats, presence updates and timeouts.
    async fn on_tick(&mut self) -> Result<(), Reason> {
        let limit = RESPONSE_TIMEOUT.min(self.config.ack_limit);
        let is_late = self.awaited_since.elapsed() > limit;
        match self.awaited {
            Awaited::Hello if is_late => return Err(Reason::Hello),
            Awaited::Ready if is_late => return Err(Reason::Ready),
            Awaited::Resumed if is_late => return Err(Reason::Resume),
            Awaited::IdentifySlot => self.identify().await?,
            _ => {}
        }
        let Some(interval) = self.heartbeat_interval else {
            return Ok(());
        };
        if self.last_ack.elapsed() > self.config.ack_limit {
            return Err(Reason::Acks);
        }
        if self.last_heartbeat.elapsed() >= interval {
            self.send_heartbeat().await?;
        }
        self.update_presence().await
    }

    async fn send_heartbeat(&mut self) -> Result<(), Reason> {
        self.last_heartbeat = Stopwatch::start();
        self.send_to_gateway(frames::heartbeat(self.session.sequence))
            .await
    }

    /// Sends IDENTIFY as soon as the session start limit allows it.
    async fn identify(&mut self) -> Result<(), Reason> {
        if self.gateway_state.try_identify().is_err() {
            return Ok(());
        }
        self.wait_for(Awaited::Ready);
        self.gateway_state
            .stage(self.session.shard, Stage::Identifying);
        let current = self.config.presence.borrow().clone();
        let identify = frames::identify(self.session.identify(), &current.presence);
        self.note_presence(current);
        self.send_to_gateway(identify).await
    }

    /// Sends the presence if it differs from the last one sent in this session, or if a refresh is due.
    async fn update_presence(&mut self) -> Result<(), Reason> {
        if !self.presence_is_stale || self.awaited != Awaited::Nothing {
            return Ok(());
        }
        let current = self.config.presence.borrow().clone();
        let sent = self.gateway_state.presence_sent(self.session.shard);
        let (gap, since) = match &sent {
            Some(sent) if sent.refreshes != current.refreshes => (REFRESH_GAP, sent.at.elapsed()),
            Some(sent) if sent.presence != current.presence => (CHANGE_GAP, sent.at.elapsed()),
            Some(_) => {
                self.presence_is_stale = false;
                return Ok(());
            }
            None => (Duration::ZERO, Duration::ZERO),
        };
        if since < gap {
            return Ok(());
        }
        self.presence_is_stale = false;
        let update = frames::presence_update(&current.presence);
        self.note_presence(current);
        self.send_to_gateway(update).await
    }

    fn note_presence(&self, current: PresenceUpdate) {
        let sent = Sent {
            at: Stopwatch::start(),
            presence: current.presence,
            refreshes: current.refreshes,
        };
        self.gateway_state.note_presence(self.session.shard, sent);
    }

    async fn on_client_payload(
        &mut self,
        received: Option<client::Received>,
    ) -> Result<(), Reason> {
        let Some(received) = received else {
            return Err(Reason::Client);
        };
        match received.kind {
            FromClient::Heartbeat if self.client.answer_heartbeat().await => Ok(()),
            FromClient::Presence => Ok(()),
            // serenity did not accept the acknowledgment, or sent a second IDENTIFY or RESUME: its state is broken.
            FromClient::Heartbeat | FromClient::Identify(_) | FromClient::Resume(_) => {
                Err(Reason::Client)
            }
            FromClient::Other if self.awaited == Awaited::Nothing => {
                self.send_to_gateway(received.text).await
            }
            FromClient::Other => Ok(()),
        }
    }

    async fn on_gateway_message(
        &mut self,
        message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<(), Reason> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => {
                let code = frame.map_or(1005, |frame| u16::from(frame.code));
                return Err(Reason::Closed(code));
            }
            Some(Err(_)) | None => return Err(Reason::Lost),
            Some(Ok(_)) => return Ok(()),
        };
        match frames::from_gateway(&text) {
            FromGateway::Hello {
                heartbeat_interval_ms,
            } => self.on_hello(heartbeat_interval_ms).await,
            FromGateway::HeartbeatAck => {
                self.last_ack = Stopwatch::start();
                let latency = self.last_heartbeat.elapsed();
                self.gateway_state.acknowledged(self.session.shard, latency);
                Ok(())
            }
            FromGateway::HeartbeatRequest => self.send_heartbeat().await,
            FromGateway::Reconnect => Err(Reason::Asked),
            FromGateway::InvalidSession { resumable } => Err(Reason::Invalid { resumable }),
            FromGateway::Dispatch { sequence, event } => {
                self.on_dispatch(event)?;
                if !self.client.send(text).await {
                    return Err(Reason::Client);
                }
                // Only payloads that serenity has received advance the sequence.
                self.session.sequence = sequence.or(self.session.sequence);
                Ok(())
            }
            FromGateway::Other => Ok(()),
        }
    }

    async fn on_hello(&mut self, heartbeat_interval_ms: u64) -> Result<(), Reason> {
        // At least two heartbeats within the limit, so that a late acknowledgment is detected in time.
        let interval = Duration::from_millis(heartbeat_interval_ms).min(self.config.ack_limit / 2);
        self.heartbeat_interval = Some(interval);
        self.last_ack = Stopwatch::start();
        self.send_heartbeat().await?;
        match self.session.opening() {
            Opening::Identify => {
                self.wait_for(Awaited::IdentifySlot);
                self.identify().await
            }
            Opening::Resume => {
                self.wait_for(Awaited::Resumed);
                self.gateway_state
                    .stage(self.session.shard, Stage::Resuming);
                self.gateway_state.resuming();
                self.send_to_gateway(self.session.resume()).await
            }
        }
    }

    fn on_dispatch(&mut self, event: Event) -> Result<(), Reason> {
        let shard = self.session.shard;
        match event {
            Event::Ready {
                session,
                resume_url,
                guilds,
            } => {
                self.wait_for(Awaited::Nothing);
                self.gateway_state.is_up(shard, Some(guilds.len()));
                self.gateway_state.membership(Membership::All {
                    shard,
                    shards: self.session.shards,
                    guilds: guilds.clone(),
                });
                self.session.started(session, resume_url, guilds);
            }
            Event::BrokenReady => return Err(Reason::BrokenReady),
            Event::Resumed => {
                self.wait_for(Awaited::Nothing);
                self.session.resumed();
                self.gateway_state.is_up(shard, None);
            }
            Event::JoinedGuild(joined) => {
                self.session.guilds.insert(joined.guild);
                self.gateway_state.guilds(shard, self.session.guilds.len());
                self.gateway_state.membership(Membership::Joined(joined));
            }
            Event::LeftGuild(guild) => {
                self.session.guilds.remove(&guild);
                self.gateway_state.guilds(shard, self.session.guilds.len());
                self.gateway_state.membership(Membership::Left { guild });
            }
            Event::Activity => self.gateway_state.saw_activity(),
            Event::Other => {}
        }
        Ok(())
    }

    async fn send_to_gateway(&mut self, text: String) -> Result<(), Reason> {
        self.gateway
            .send(Message::Text(text))
            .await
            .map_err(|_| Reason::Lost)
    }
}

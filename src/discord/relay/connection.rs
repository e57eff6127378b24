//! One connection to the gateway, carried until it is over: HELLO, IDENTIFY or RESUME, heartbeats, dispatches, presence,
//! and an end to every wait.

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
use crate::health::Stage;

/// HELLO, READY and RESUMED must come within this time, or within the limit for acks where that is shorter.
const PATIENCE: Duration = Duration::from_secs(15);

/// At most one presence update in this time because something has changed.
const CHANGE_GAP: Duration = Duration::from_secs(15);

/// At most one in this time because a refresh is wanted: Discord takes five in twenty seconds.
const REFRESH_GAP: Duration = Duration::from_secs(5);

/// What is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Hello,
    /// The right to begin a session.
    Turn,
    Ready,
    Resumed,
    Nothing,
}

/// A connection at work.
pub(super) struct Connection<'a> {
    client: &'a mut Client,
    session: &'a mut Session,
    config: &'a RelayConfig,
    gateway_state: &'a GatewayState,
    gateway: Socket,
    awaited: Awaited,
    awaited_since: Stopwatch,
    /// Between two heartbeats of ours; `None` before HELLO.
    beat: Option<Duration>,
    last_beat: Stopwatch,
    last_ack: Stopwatch,
    /// The presence may differ from what Discord shows.
    presence_is_stale: bool,
}

impl<'a> Connection<'a> {
    /// `gateway` has just been opened for `session`, which `client` wants.
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
            beat: None,
            last_beat: now,
            last_ack: now,
            presence_is_stale: true,
        }
    }

    /// Carries it to its end, and says how that came; and whether RESUME was still unanswered then.
    pub(super) async fn run(mut self) -> (Reason, bool) {
        let mut presence = self.config.presence.clone();
        presence.mark_unchanged();
        loop {
            let turn = tokio::time::sleep(Duration::from_secs(1).min(self.config.ack_limit / 4));
            let ended = tokio::select! {
                received = self.client.receive() => self.client_said(received).await,
                message = self.gateway.next() => self.gateway_said(message).await,
                Ok(()) = presence.changed() => {
                    self.presence_is_stale = true;
                    Ok(())
                }
                () = turn => Ok(()),
            };
            let ended = match ended {
                Ok(()) => self.turn().await,
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

    /// What time alone brings: heartbeats, presence, and the ends of waiting.
    async fn turn(&mut self) -> Result<(), Reason> {
        let patience = PATIENCE.min(self.config.ack_limit);
        let is_late = self.awaited_since.elapsed() > patience;
        match self.awaited {
            Awaited::Hello if is_late => return Err(Reason::Hello),
            Awaited::Ready if is_late => return Err(Reason::Ready),
            Awaited::Resumed if is_late => return Err(Reason::Resume),
            Awaited::Turn => self.identify().await?,
            _ => {}
        }
        let Some(beat) = self.beat else { return Ok(()) };
        if self.last_ack.elapsed() > self.config.ack_limit {
            return Err(Reason::Acks);
        }
        if self.last_beat.elapsed() >= beat {
            self.beat().await?;
        }
        self.update_presence().await
    }

    async fn beat(&mut self) -> Result<(), Reason> {
        self.last_beat = Stopwatch::start();
        self.tell_gateway(frames::heartbeat(self.session.sequence))
            .await
    }

    /// Begins a session as soon as that may be.
    async fn identify(&mut self) -> Result<(), Reason> {
        if self.gateway_state.try_identify().is_err() {
            return Ok(());
        }
        self.wait_for(Awaited::Ready);
        self.gateway_state
            .stage(self.session.shard, Stage::Identifying);
        let shown = self.config.presence.borrow().clone();
        let identify = frames::identify(self.session.identify(), &shown.presence);
        self.note_presence(shown);
        self.tell_gateway(identify).await
    }

    /// Sends the presence where it differs from what the session has had, or where a refresh is wanted.
    async fn update_presence(&mut self) -> Result<(), Reason> {
        if !self.presence_is_stale || self.awaited != Awaited::Nothing {
            return Ok(());
        }
        let shown = self.config.presence.borrow().clone();
        let sent = self.gateway_state.presence_sent(self.session.shard);
        let (gap, since) = match &sent {
            Some(sent) if sent.refreshes != shown.refreshes => (REFRESH_GAP, sent.at.elapsed()),
            Some(sent) if sent.presence != shown.presence => (CHANGE_GAP, sent.at.elapsed()),
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
        let update = frames::presence_update(&shown.presence);
        self.note_presence(shown);
        self.tell_gateway(update).await
    }

    fn note_presence(&self, shown: crate::domain::presence::PresenceUpdate) {
        let sent = Sent {
            at: Stopwatch::start(),
            presence: shown.presence,
            refreshes: shown.refreshes,
        };
        self.gateway_state.note_presence(self.session.shard, sent);
    }

    async fn client_said(&mut self, received: Option<client::Received>) -> Result<(), Reason> {
        let Some(received) = received else {
            return Err(Reason::Client);
        };
        match received.kind {
            FromClient::Heartbeat if self.client.answer_heartbeat().await => Ok(()),
            FromClient::Presence => Ok(()),
            // A heartbeat whose answer it does not take, or a second opening: it has lost its way.
            FromClient::Heartbeat | FromClient::Identify(_) | FromClient::Resume(_) => {
                Err(Reason::Client)
            }
            FromClient::Other if self.awaited == Awaited::Nothing => {
                self.tell_gateway(received.text).await
            }
            FromClient::Other => Ok(()),
        }
    }

    async fn gateway_said(
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
            } => self.greeted(heartbeat_interval_ms).await,
            FromGateway::HeartbeatAck => {
                self.last_ack = Stopwatch::start();
                let latency = self.last_beat.elapsed();
                self.gateway_state.acknowledged(self.session.shard, latency);
                Ok(())
            }
            FromGateway::HeartbeatRequest => self.beat().await,
            FromGateway::Reconnect => Err(Reason::Asked),
            FromGateway::InvalidSession { resumable } => Err(Reason::Invalid { resumable }),
            FromGateway::Dispatch { sequence, event } => {
                self.delivery(event)?;
                if !self.client.send(text).await {
                    return Err(Reason::Client);
                }
                // Only what serenity has been handed counts as seen.
                self.session.sequence = sequence.or(self.session.sequence);
                Ok(())
            }
            FromGateway::Other => Ok(()),
        }
    }

    async fn greeted(&mut self, heartbeat_interval_ms: u64) -> Result<(), Reason> {
        // At least two beats within the limit, so that one that is late shows in time.
        let beat = Duration::from_millis(heartbeat_interval_ms).min(self.config.ack_limit / 2);
        self.beat = Some(beat);
        self.last_ack = Stopwatch::start();
        self.beat().await?;
        match self.session.opening() {
            Opening::Identify => {
                self.wait_for(Awaited::Turn);
                self.identify().await
            }
            Opening::Resume => {
                self.wait_for(Awaited::Resumed);
                self.gateway_state
                    .stage(self.session.shard, Stage::Resuming);
                self.gateway_state.resuming();
                self.tell_gateway(self.session.resume()).await
            }
        }
    }

    fn delivery(&mut self, event: Event) -> Result<(), Reason> {
        let shard = self.session.shard;
        match event {
            Event::Ready {
                session,
                resume_url,
                guilds,
            } => {
                self.wait_for(Awaited::Nothing);
                self.gateway_state.is_up(shard, Some(guilds.len()));
                self.session.begun(session, resume_url, guilds);
            }
            Event::BrokenReady => return Err(Reason::BrokenReady),
            Event::Resumed => {
                self.wait_for(Awaited::Nothing);
                self.session.resumed();
                self.gateway_state.is_up(shard, None);
            }
            Event::JoinedGuild(id) => {
                self.session.guilds.insert(id);
                self.gateway_state.guilds(shard, self.session.guilds.len());
            }
            Event::LeftGuild(id) => {
                self.session.guilds.remove(&id);
                self.gateway_state.guilds(shard, self.session.guilds.len());
            }
            Event::Activity => self.gateway_state.saw_activity(),
            Event::Other => {}
        }
        Ok(())
    }

    async fn tell_gateway(&mut self, text: String) -> Result<(), Reason> {
        self.gateway
            .send(Message::Text(text))
            .await
            .map_err(|_| Reason::Lost)
    }
}

//! One connection, carried in both directions until one of its ends is over.
//!
//! serenity's upgrade is answered only when the gateway has been reached, however long that takes: serenity waits
//! without a limit, keeps its session, and resumes. When the gateway goes, serenity's socket is simply dropped, because
//! that is what it recovers from best.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::RelayConfig;
use super::frames::{self, FromClient, FromGateway};
use super::line::{Final, Line};
use super::upstream::{self, Socket};
use crate::clock::Stopwatch;

/// HELLO, READY and RESUMED must come within this time, or within the limit for acks where that is shorter.
const PATIENCE: Duration = Duration::from_secs(15);

/// At most one presence update in this time; Discord itself takes five in twenty seconds.
const PRESENCE_GAP: Duration = Duration::from_secs(15);

/// Why a connection is over, as a word for the metrics.
type Reason = &'static str;

/// Carries one connection of serenity's from beginning to end.
pub(super) async fn carry(stream: TcpStream, config: RelayConfig, line: Arc<Line>) {
    let gateway = reach(&config, &line).await;
    let Ok(client) = accept(stream).await else {
        return line.ended("client");
    };
    let carrying = Carrying {
        client,
        gateway,
        config,
        line: Arc::clone(&line),
        state: State::new(),
    };
    let reason = carrying.run().await;
    tracing::debug!(reason, "the connection to the gateway has ended");
    line.ended(reason);
}

/// Reaches the gateway, however many attempts it takes.
async fn reach(config: &RelayConfig, line: &Line) -> Socket {
    loop {
        tokio::time::sleep(line.wait_before_connecting(config.max_reconnects)).await;
        let url = format!(
            "{}/?v=10&encoding=json",
            config.gateway_url.trim_end_matches('/')
        );
        match upstream::connect(&url, &config.tls).await {
            Ok(socket) => return socket,
            Err(error) => {
                tracing::warn!(%error, "Discord's gateway was not reached; trying again");
                line.ended("connect");
            }
        }
    }
}

async fn accept(
    stream: TcpStream,
) -> Result<WebSocketStream<TcpStream>, tokio_tungstenite::tungstenite::Error> {
    // Every path is ours: the query is serenity's own.
    #[expect(
        clippy::result_large_err,
        reason = "the callback's type is the library's"
    )]
    let any = |_: &Request, response: Response| Ok(response);
    tokio_tungstenite::accept_hdr_async(stream, any).await
}

/// What is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Ready,
    Resumed,
    Nothing,
}

struct State {
    opened: Stopwatch,
    awaited: Awaited,
    awaited_since: Stopwatch,
    /// Between two heartbeats of ours; `None` before HELLO.
    beat: Option<Duration>,
    last_beat: Stopwatch,
    /// The beat that has not been acknowledged.
    unacknowledged: Option<Stopwatch>,
    sequence: Option<u64>,
    presence_sent: Option<Stopwatch>,
    presence_is_stale: bool,
}

impl State {
    fn new() -> Self {
        let now = Stopwatch::start();
        Self {
            opened: now,
            awaited: Awaited::Nothing,
            awaited_since: now,
            beat: None,
            last_beat: now,
            unacknowledged: None,
            sequence: None,
            presence_sent: None,
            presence_is_stale: false,
        }
    }

    fn wait_for(&mut self, awaited: Awaited) {
        self.awaited = awaited;
        self.awaited_since = Stopwatch::start();
    }
}

struct Carrying {
    client: WebSocketStream<TcpStream>,
    gateway: Socket,
    config: RelayConfig,
    line: Arc<Line>,
    state: State,
}

impl Carrying {
    async fn run(mut self) -> Reason {
        let mut presence = self.config.presence.clone();
        presence.mark_unchanged();
        loop {
            let turn = tokio::time::sleep(Duration::from_secs(1).min(self.config.ack_limit / 4));
            let ended = tokio::select! {
                message = self.client.next() => self.client_said(message).await,
                message = self.gateway.next() => self.gateway_said(message).await,
                Ok(()) = presence.changed() => {
                    self.state.presence_is_stale = true;
                    Ok(())
                }
                () = turn => Ok(()),
            };
            if let Err(reason) = ended {
                return reason;
            }
            if let Err(reason) = self.keep_alive().await {
                return reason;
            }
        }
    }

    /// What time alone brings: heartbeats, presence, and the ends of waiting.
    async fn keep_alive(&mut self) -> Result<(), Reason> {
        if self
            .state
            .unacknowledged
            .is_some_and(|since| since.elapsed() > self.config.ack_limit)
        {
            return Err("ack");
        }
        let patience = PATIENCE.min(self.config.ack_limit);
        // Without it there is no heartbeat, even where the gateway takes a RESUME before it.
        if self.state.beat.is_none() && self.state.opened.elapsed() > patience {
            return Err("hello");
        }
        if self.state.awaited_since.elapsed() > patience {
            self.lost_patience().await?;
        }
        if let Some(beat) = self.state.beat
            && self.state.last_beat.elapsed() >= beat
        {
            self.beat().await?;
        }
        if self.state.presence_is_stale {
            self.update_presence().await?;
        }
        Ok(())
    }

    async fn lost_patience(&mut self) -> Result<(), Reason> {
        match self.state.awaited {
            Awaited::Nothing => Ok(()),
            Awaited::Ready => Err("ready"),
            Awaited::Resumed => {
                // Dropping the socket would only bring the same RESUME again: this session is given up.
                self.state.wait_for(Awaited::Nothing);
                self.tell_client(frames::invalid_session()).await
            }
        }
    }

    async fn beat(&mut self) -> Result<(), Reason> {
        self.state.last_beat = Stopwatch::start();
        self.state
            .unacknowledged
            .get_or_insert_with(Stopwatch::start);
        self.tell_gateway(frames::heartbeat(self.state.sequence))
            .await
    }

    async fn update_presence(&mut self) -> Result<(), Reason> {
        let is_too_soon = self
            .state
            .presence_sent
            .is_some_and(|sent| sent.elapsed() < PRESENCE_GAP);
        if self.state.awaited != Awaited::Nothing || is_too_soon {
            return Ok(());
        }
        self.state.presence_is_stale = false;
        self.state.presence_sent = Some(Stopwatch::start());
        let update = frames::presence_update(&self.config.presence.borrow());
        self.tell_gateway(update).await
    }

    async fn client_said(
        &mut self,
        message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<(), Reason> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err("client"),
            Some(Ok(_)) => return Ok(()),
        };
        match frames::from_client(&text) {
            FromClient::Heartbeat => self.tell_client(frames::heartbeat_ack()).await,
            FromClient::Presence => Ok(()),
            FromClient::Identify(payload) => {
                self.line.wait_for_identify().await;
                self.state.wait_for(Awaited::Ready);
                self.state.presence_sent = Some(Stopwatch::start());
                self.state.presence_is_stale = false;
                let identify = frames::identify(payload, &self.config.presence.borrow());
                self.tell_gateway(identify).await
            }
            FromClient::Resume(payload) => {
                self.line.resuming();
                self.state.wait_for(Awaited::Resumed);
                self.state.sequence = payload["d"]["seq"].as_u64();
                self.tell_gateway(text).await
            }
            FromClient::Other => self.tell_gateway(text).await,
        }
    }

    async fn gateway_said(
        &mut self,
        message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<(), Reason> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => return self.closed(frame).await,
            Some(Err(_)) | None => return Err("gateway"),
            Some(Ok(_)) => return Ok(()),
        };
        let (kind, sequence) = frames::from_gateway(&text);
        self.state.sequence = sequence.or(self.state.sequence);
        match kind {
            FromGateway::Hello {
                heartbeat_interval_ms,
            } => {
                // At least two beats within the limit, so that one that is late shows in time.
                let beat =
                    Duration::from_millis(heartbeat_interval_ms).min(self.config.ack_limit / 2);
                self.state.beat = Some(beat);
                self.beat().await?;
            }
            FromGateway::HeartbeatAck => {
                if let Some(since) = self.state.unacknowledged.take() {
                    self.line.acknowledged(since.elapsed());
                }
                return Ok(());
            }
            FromGateway::HeartbeatRequest => return self.beat().await,
            FromGateway::BrokenReady => {
                tracing::error!("Discord's READY could not be read; connecting again");
                return Err("ready");
            }
            FromGateway::Ready { guilds } => {
                self.line.guilds(guilds);
                self.up();
            }
            FromGateway::Resumed => self.up(),
            FromGateway::InvalidSession => self.state.wait_for(Awaited::Nothing),
            FromGateway::Activity => self.line.saw_activity(),
            FromGateway::Other => {}
        }
        self.tell_client(text).await
    }

    fn up(&mut self) {
        self.state.wait_for(Awaited::Nothing);
        self.line.is_up();
    }

    /// The gateway has said why it ends. Only what serenity handles well is passed on.
    async fn closed(&mut self, frame: Option<CloseFrame<'static>>) -> Result<(), Reason> {
        let code = frame.map_or(1000, |frame| u16::from(frame.code));
        tracing::info!(code, "Discord's gateway closed the connection");
        let passed_on = match Final::of(code) {
            Some(reason) => {
                self.line.refuse(reason);
                4004
            }
            // The session is gone: serenity must hear it, or it would resume in vain.
            None if matches!(code, 4006 | 4009) => 4009,
            None => return Err("closed"),
        };
        let frame = CloseFrame {
            code: CloseCode::from(passed_on),
            reason: "".into(),
        };
        // serenity may have gone first.
        let _ = self.client.close(Some(frame)).await;
        Err("closed")
    }

    async fn tell_client(&mut self, text: String) -> Result<(), Reason> {
        self.client
            .send(Message::Text(text))
            .await
            .map_err(|_| "client")
    }

    async fn tell_gateway(&mut self, text: String) -> Result<(), Reason> {
        self.gateway
            .send(Message::Text(text))
            .await
            .map_err(|_| "gateway")
    }
}

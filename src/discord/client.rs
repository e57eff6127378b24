//! The connection to Discord: who we are, where the gateway is, the client, the commands. Tried again for ever, unless
//! Discord's answer is final.

use std::sync::Arc;
use std::time::Duration;

use poise::serenity_prelude as serenity;
use serenity::gateway::GatewayError;
use serenity::{GatewayIntents, Http, HttpBuilder, HttpError};
use tokio::sync::watch;

use super::relay::{self, Final, Line, RelayConfig};
use super::{Config, Desk, Refused, buttons, commands, error};
use crate::vitals::Gateway;

/// No call to Discord's REST API may take longer; serenity itself sets no limit.
const REST_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two attempts to connect.
const RETRY: Duration = Duration::from_secs(5);

/// Only guilds: enough for slash commands and buttons, and no privilege needed.
const INTENTS: GatewayIntents = GatewayIntents::GUILDS;

/// Runs until `stop` turns true (then `None`), or Discord refuses us for good.
pub(super) async fn run(
    token: &str,
    config: &Config,
    desk: &Desk,
    mut stop: watch::Receiver<bool>,
) -> Option<Refused> {
    loop {
        let ended = tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return None,
            ended = connect(token, config, desk) => ended,
        };
        desk.vitals.set_gateway(Gateway::Connecting);
        desk.metrics.gateway_up.set(0);
        match ended {
            Err(Ended::Final(refused)) => return Some(refused),
            Err(Ended::Passing(reason)) => {
                tracing::warn!(reason, "Discord cannot be reached; trying again");
            }
            Ok(()) => tracing::warn!("The connection to Discord ended; connecting again"),
        }
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return None,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

/// Why a connection ended.
enum Ended {
    Final(Refused),
    Passing(String),
}

impl From<serenity::Error> for Ended {
    fn from(error: serenity::Error) -> Self {
        match &error {
            serenity::Error::Gateway(GatewayError::InvalidAuthentication) => {
                Self::Final(Refused::Token)
            }
            serenity::Error::Gateway(
                refusal @ (GatewayError::DisallowedGatewayIntents
                | GatewayError::InvalidGatewayIntents),
            ) => Self::Final(Refused::Gateway(refusal.to_string())),
            serenity::Error::Http(HttpError::UnsuccessfulRequest(response))
                if response.status_code.as_u16() == 401 =>
            {
                Self::Final(Refused::Token)
            }
            _ => Self::Passing(error::outside(&error)),
        }
    }
}

async fn connect(token: &str, config: &Config, desk: &Desk) -> Result<(), Ended> {
    let client = reqwest::Client::builder().timeout(REST_TIMEOUT).build();
    let client = client.map_err(|error| Ended::Passing(error.without_url().to_string()))?;
    // serenity's own limiter ignores a configured origin, so it is off and the origin is always set: one path in tests
    // and in production.
    let http = HttpBuilder::new(token)
        .client(client)
        .proxy(&config.api_url)
        .ratelimiter_disabled(true)
        .build();
    let me = http.get_current_application_info().await?;
    http.set_application_id(me.id);
    let gateway = http.get_gateway().await?;
    let line = Arc::new(Line::new(
        Arc::clone(&desk.vitals),
        Arc::clone(&desk.metrics),
    ));
    let relay_config = RelayConfig {
        gateway_url: gateway.url,
        ack_limit: config.heartbeat_timeout,
        max_reconnects: config.max_reconnects,
        tls: relay::public_tls().map_err(|error| Ended::Passing(error.to_string()))?,
        presence: desk.presence.clone(),
    };
    // On the main runtime: whatever serenity does, the relay keeps its time.
    let serving = desk
        .home
        .spawn(relay::start(relay_config, Arc::clone(&line)));
    let started = serving
        .await
        .map_err(|error| Ended::Passing(error.to_string()))?;
    let (address, relay) = started.map_err(|error| Ended::Passing(error.to_string()))?;
    let mut client = serenity::ClientBuilder::new_with_http(http, INTENTS)
        .framework(framework(desk))
        .event_handler(Greeting)
        .raw_event_handler(Unread { desk: desk.clone() })
        .await?;
    // serenity looked the gateway up itself, and would fall back to the public one where that failed.
    *client.ws_url.lock().await = address;
    let registration = tokio::spawn(register(
        Arc::clone(&client.http),
        config.guild.map(|guild| guild.0),
    ));
    let ended = client.start().await;
    registration.abort();
    relay.abort();
    match line.take_refusal() {
        Some(Final::Token) => Err(Ended::Final(Refused::Token)),
        Some(Final::Intents(code)) => Err(Ended::Final(Refused::Gateway(format!(
            "it does not let us have the intents that we ask for (code {code})"
        )))),
        Some(Final::Other(code)) => Err(Ended::Passing(format!(
            "the gateway closed with code {code}"
        ))),
        None => Ok(ended?),
    }
}

fn framework(desk: &Desk) -> poise::Framework<Desk, error::CommandError> {
    let data = desk.clone();
    let options = poise::FrameworkOptions {
        commands: commands::all(),
        on_error: |error| Box::pin(error::answer(error)),
        post_command: |ctx| {
            let name: &str = &ctx.command().qualified_name;
            ctx.data().metrics.commands.with_label_values(&[name]).inc();
            Box::pin(std::future::ready(()))
        },
        event_handler: |framework, event| {
            Box::pin(buttons::on_event(
                framework.serenity_context,
                event,
                framework.user_data,
            ))
        },
        allowed_mentions: Some(serenity::CreateAllowedMentions::new()),
        initialize_owners: false,
        ..poise::FrameworkOptions::default()
    };
    // Setup must not fail: a bot whose setup failed is online and answers nothing, for ever.
    poise::Framework::builder()
        .options(options)
        .setup(move |_, _, _| Box::pin(std::future::ready(Ok(data))))
        .build()
}

/// Registers the commands: in one guild at once, or everywhere. Tried until Discord takes them.
async fn register(http: Arc<Http>, guild: Option<u64>) {
    let commands = poise::builtins::create_application_commands(&commands::all());
    loop {
        match register_once(&http, guild, &commands).await {
            Ok(()) => {
                return tracing::info!(
                    count = commands.len(),
                    "The commands are registered with Discord"
                );
            }
            Err(error) => {
                let reason = error::outside(&error);
                tracing::warn!(
                    reason,
                    "the commands could not be registered with Discord; trying again"
                );
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn register_once(
    http: &Http,
    guild: Option<u64>,
    commands: &[serenity::CreateCommand],
) -> Result<(), serenity::Error> {
    let Some(guild) = guild else {
        return http.create_global_commands(&commands).await.map(drop);
    };
    http.create_guild_commands(guild.into(), &commands).await?;
    // Those of a time without a home guild would stand in every list a second time.
    let no_commands: [serenity::CreateCommand; 0] = [];
    http.create_global_commands(&no_commands).await.map(drop)
}

/// Tells the log who we are.
struct Greeting;

#[serenity::async_trait]
impl serenity::EventHandler for Greeting {
    async fn ready(&self, _: serenity::Context, ready: serenity::Ready) {
        tracing::info!(
            guilds = ready.guilds.len(),
            "Connected to Discord as {}",
            ready.user.name
        );
    }

    async fn resume(&self, _: serenity::Context, _: serenity::ResumedEvent) {
        tracing::info!("The connection to Discord was resumed");
    }
}

/// Counts what serenity could not read: such an interaction is lost, and only a debug line would say so.
struct Unread {
    desk: Desk,
}

#[serenity::async_trait]
impl serenity::RawEventHandler for Unread {
    async fn raw_event(&self, _: serenity::Context, event: serenity::Event) {
        if let serenity::Event::Unknown(unknown) = event
            && unknown.kind == "INTERACTION_CREATE"
        {
            self.desk.metrics.interactions_unread.inc();
            tracing::error!("an interaction from Discord could not be read and was not answered");
        }
    }
}

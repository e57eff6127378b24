//! The connection to Discord: who we are, where the gateway is, the client, the commands. Tried again for ever, unless
//! Discord's answer is final.

use std::sync::Arc;
use std::time::Duration;

use poise::serenity_prelude as serenity;
use serenity::gateway::GatewayError;
use serenity::{
    ConnectionStage, GatewayIntents, Http, HttpBuilder, HttpError, ShardStageUpdateEvent,
};
use tokio::sync::watch;

use super::{Config, Desk, Refused, buttons, commands, error};
use crate::metrics::Metrics;
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
    let mut client = serenity::ClientBuilder::new_with_http(http, INTENTS)
        .framework(framework(desk))
        .event_handler(Stages { desk: desk.clone() })
        .raw_event_handler(Unread { desk: desk.clone() })
        .await?;
    // Where its own look-up fails, serenity falls back to the public gateway for the life of the client.
    *client.ws_url.lock().await = gateway.url;
    let registration = tokio::spawn(register(
        Arc::clone(&client.http),
        config.guild.map(|guild| guild.0),
    ));
    let latency = tokio::spawn(measure_latency(
        Arc::clone(&client.shard_manager),
        Arc::clone(&desk.metrics),
    ));
    let ended = client.start().await;
    registration.abort();
    latency.abort();
    Ok(ended?)
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
        let registered = match guild {
            Some(guild) => http.create_guild_commands(guild.into(), &commands).await,
            None => http.create_global_commands(&commands).await,
        };
        match registered {
            Ok(commands) => {
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

/// Keeps the latency metric in step with the last heartbeat.
async fn measure_latency(shards: Arc<serenity::ShardManager>, metrics: Arc<Metrics>) {
    loop {
        let latency = shards
            .runners
            .lock()
            .await
            .values()
            .find_map(|runner| runner.latency);
        if let Some(latency) = latency {
            metrics.gateway_latency_seconds.set(latency.as_secs_f64());
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Keeps the vitals in step with the connection.
struct Stages {
    desk: Desk,
}

impl Stages {
    fn is_ready(&self) {
        self.desk.vitals.set_gateway(Gateway::Ready);
        self.desk.metrics.gateway_up.set(1);
    }
}

#[serenity::async_trait]
impl serenity::EventHandler for Stages {
    async fn ready(&self, _: serenity::Context, ready: serenity::Ready) {
        self.is_ready();
        tracing::info!(
            guilds = ready.guilds.len(),
            "Connected to Discord as {}",
            ready.user.name
        );
    }

    async fn resume(&self, _: serenity::Context, _: serenity::ResumedEvent) {
        self.is_ready();
        tracing::info!("The connection to Discord was resumed");
    }

    async fn shard_stage_update(&self, _: serenity::Context, update: ShardStageUpdateEvent) {
        if update.new != ConnectionStage::Connected {
            self.desk.vitals.set_gateway(Gateway::Connecting);
            self.desk.metrics.gateway_up.set(0);
        }
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

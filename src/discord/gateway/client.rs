//! The connection to Discord: looks up the application and the gateway, then runs serenity's client. Retries forever,
//! unless Discord's answer is final.
//!
//! Each client has its own runtime, which ends with it, so tasks that serenity leaves running end too.

use std::sync::Arc;
use std::time::Duration;

use discord_gateway_relay::rest::{GatewayInfo, Rest, RestError};
use discord_gateway_relay::{Final, GatewayState, PrivilegedIntent, Registration, RelayConfig};
use poise::serenity_prelude as serenity;
use serenity::{GatewayIntents, HttpBuilder};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;

use super::command_guilds::CommandGuilds;
use super::framework::{self, Events};
use super::invite::FirstLists;
use super::membership::{GuildFeed, Recorder};
use super::observer::GatewayObserver;
use super::presence_feed::{pass_on, translate};
use super::welcome::Greeter;
use crate::discord::ui::{error, texts};
use crate::discord::{Config, DiscordState, Refused, commands, http_client};
use crate::domain::discord_id::{ApplicationId, GuildId};
use crate::domain::text;
use crate::health::{Component, Health};
use crate::store::guild;

/// Delay before a client that ended is replaced.
const RESTART_DELAY: Duration = Duration::from_secs(5);

/// How often the runtime reports progress to the health check.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// serenity opens its shards five seconds apart, and may need some time to reopen one. A client that takes longer than
/// `STUCK_AFTER` plus `PER_SHARD` for each shard is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(60);
const PER_SHARD: Duration = Duration::from_secs(10);

/// Guilds and message events without their content. That is enough for slash commands, buttons and detecting activity,
/// and needs no privileged intent.
const INTENTS: GatewayIntents = GatewayIntents::GUILDS.union(GatewayIntents::GUILD_MESSAGES);

/// Settings for the next client, adjusted when Discord refuses the current ones.
struct Learned {
    privileged: Vec<PrivilegedIntent>,
    least_shards: u32,
}

/// Why a client ended.
enum Ended {
    Stopping,
    Final(Refused),
    /// Temporary: try again after `wait`.
    Retry {
        reason: String,
        wait: Duration,
    },
}

/// Keeps a client running until `stop` turns true (then `None`) or Discord refuses the bot for good. Blocks its thread.
pub(in crate::discord) fn run(
    token: &str,
    config: &Config,
    app: &DiscordState,
    stop: &watch::Receiver<bool>,
) -> Option<Refused> {
    let (membership_sender, changes) = mpsc::unbounded_channel();
    let guild_feed = Arc::new(Mutex::new(GuildFeed {
        changes,
        first_lists: FirstLists::default(),
    }));
    let gateway_state = Arc::new(GatewayState::new(
        Arc::new(GatewayObserver {
            health: Arc::clone(&app.health),
            metrics: Arc::clone(&app.metrics),
            memberships: membership_sender,
        }),
        config.max_reconnects,
    ));
    let mut learned = Learned {
        privileged: config.privileged_intents.clone(),
        least_shards: 1,
    };
    loop {
        let client = ClientRun {
            token,
            config,
            app,
            gateway_state: &gateway_state,
            guild_feed: &guild_feed,
        };
        match client.run(&mut learned, stop.clone()) {
            Ended::Stopping => return None,
            Ended::Final(refused) => return Some(refused),
            Ended::Retry { reason, wait } => {
                tracing::warn!(
                    reason,
                    retry_in = text::duration(wait),
                    "no connection to Discord"
                );
                let mut stop = stop.clone();
                let waited = app.bot.main_runtime.block_on(async {
                    tokio::select! {
                        _ = stop.wait_for(|stopping| *stopping) => false,
                        () = report_progress(&app.health) => true,
                        () = tokio::time::sleep(wait) => true,
                    }
                });
                if !waited {
                    return None;
                }
            }
        }
    }
}

/// Reports progress of the current runtime to the health check; never ends. Its worker fires the timer, and this thread records
/// the progress, so both of them run.
async fn report_progress(health: &Health) {
    loop {
        health.record_progress(Component::DiscordRuntime);
        tokio::time::sleep(PROGRESS_EVERY).await;
    }
}

/// One client, from the gateway lookup to its end.
struct ClientRun<'a> {
    token: &'a str,
    config: &'a Config,
    app: &'a DiscordState,
    gateway_state: &'a Arc<GatewayState>,
    /// What the gateway says about guilds. The task that records it is replaced with the client.
    guild_feed: &'a Arc<Mutex<GuildFeed>>,
}

impl ClientRun<'_> {
    fn run(&self, learned: &mut Learned, mut stop: watch::Receiver<bool>) -> Ended {
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => {
                return self.retry(texts::runtime_failed(error));
            }
        };
        let ended = runtime.block_on(async {
            tokio::select! {
                _ = stop.wait_for(|stopping| *stopping) => Ended::Stopping,
                () = report_progress(&self.app.health) => Ended::Stopping,
                ended = self.connect(learned) => ended,
            }
        });
        // Tasks that serenity spawned end here.
        runtime.shutdown_timeout(Duration::from_millis(500));
        ended
    }

    fn retry(&self, reason: impl Into<String>) -> Ended {
        Ended::Retry {
            reason: reason.into(),
            wait: RESTART_DELAY,
        }
    }

    /// What a failed REST call means for this attempt: a retry, or the end.
    fn refused(&self, error: RestError) -> Ended {
        let least = match &error {
            RestError::Unauthorized => return Ended::Final(Refused::Token),
            RestError::Limited { retry_after } => *retry_after,
            _ => Duration::ZERO,
        };
        Ended::Retry {
            wait: self.gateway_state.lookup_failed().max(least),
            reason: error.to_string(),
        }
    }

    async fn connect(&self, learned: &mut Learned) -> Ended {
        let rest = match http_client() {
            Ok(client) => Rest::new(client, &self.config.api_url, self.token),
            Err(error) => return self.refused(error),
        };
        let found = async { Ok((rest.application().await?, rest.gateway().await?)) };
        let (application, mut gateway) = match found.await {
            Ok(found) => found,
            Err(error) => return self.refused(error),
        };
        if let Err(ended) = self.admit(application).await {
            return ended;
        }
        gateway.shards = gateway.shards.max(learned.least_shards);
        let shards = gateway.shards;
        let ran = self.run_client(&rest, application, gateway, learned).await;
        self.gateway_state.client_ended();
        let ended = match ran {
            Ok(ended) => ended,
            Err(reason) => return self.retry(reason),
        };
        match self.gateway_state.take_refusal() {
            Some(refusal) => self.learn(refusal, application, shards, learned),
            None => ended,
        }
    }

    /// Refuses the token of another bot than the one in the stored guilds: their keys would end, because that bot is not there.
    async fn admit(&self, application: serenity::ApplicationId) -> Result<(), Ended> {
        let of_token = ApplicationId(application.get());
        match guild::other_application(&self.app.store.reader, of_token).await {
            Ok(None) => {
                self.app.health.confirm_application();
                Ok(())
            }
            Ok(Some(stored)) => {
                let refused = Refused::Application { stored, of_token };
                Err(Ended::Final(refused))
            }
            Err(error) => Err(self.retry(error.to_string())),
        }
    }

    /// Records the guilds of the bot and welcomes new ones; never ends.
    fn recording(
        &self,
        rest: &Rest,
        application: serenity::ApplicationId,
    ) -> impl Future<Output = ()> + use<> {
        let (store, clock) = (self.app.store.clone(), self.app.checks.clock);
        let (joined, to_welcome) = mpsc::unbounded_channel();
        let greeter = self.app.senders.messenger.clone().map(|messenger| Greeter {
            store: store.clone(),
            messenger,
            clock,
        });
        let recorder = Recorder {
            store,
            rest: rest.clone(),
            application: ApplicationId(application.get()),
            clock,
            only_guild: self.config.guild,
            joined,
        };
        let guild_feed = Arc::clone(self.guild_feed);
        async move {
            let mut guild_feed = guild_feed.lock().await;
            let greeting = async {
                if let Some(greeter) = greeter {
                    greeter.run(to_welcome).await;
                }
            };
            tokio::join!(recorder.run(&mut guild_feed), greeting);
        }
    }

    /// Runs serenity until it ends; the error says why it could not start.
    async fn run_client(
        &self,
        rest: &Rest,
        application: serenity::ApplicationId,
        gateway: GatewayInfo,
        learned: &Learned,
    ) -> Result<Ended, String> {
        let shards = gateway.shards;
        self.gateway_state.begin(shards as usize, gateway.limit);
        // On the main runtime, so that the relay's timers work even if serenity blocks its own runtime.
        let main_runtime = &self.app.bot.main_runtime;
        let presence = self.app.bot.presence.clone();
        let (presence_sender, relayed_presence) = watch::channel(translate(&presence.borrow()));
        let relay_config = RelayConfig {
            gateway_url: gateway.url,
            ack_limit: self.config.heartbeat_timeout,
            presence: relayed_presence,
        };
        let starting = discord_gateway_relay::start(relay_config, Arc::clone(self.gateway_state));
        let started = main_runtime.spawn(starting).await;
        let (address, serving) = started
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        // These tasks end with the client.
        let mut tasks = JoinSet::new();
        tasks.spawn_on(serving, main_runtime);
        tasks.spawn_on(pass_on(presence, presence_sender), main_runtime);
        tasks.spawn_on(self.recording(rest, application), main_runtime);
        let limit = STUCK_AFTER + PER_SHARD * shards;
        tasks.spawn_on(
            discord_gateway_relay::watch_detached(Arc::clone(self.gateway_state), limit),
            main_runtime,
        );

        let mut client = self.client(application, learned).await?;
        // serenity looked the gateway up itself; if that failed, it would use the public gateway.
        *client.ws_url.lock().await = address;
        let commands = poise::builtins::create_application_commands(&commands::all());
        let record = CommandGuilds(&self.app.store);
        let registration = Registration {
            application,
            commands: &commands,
            only_guild: self
                .config
                .guild
                .map(|GuildId(guild)| serenity::GuildId::new(guild)),
            guild_hint: texts::IS_BOT_IN_GUILD,
            record: &record,
            command_ids: &self.app.bot.command_ids,
        };
        let registering = registration.run(rest);
        let ended = tokio::select! {
            ended = client.start_shards(shards) => match ended {
                Ok(()) => self.retry(texts::CLIENT_ENDED),
                Err(error) => self.retry(error::outside(&error)),
            },
            error = registering => self.refused(error),
            _ = tasks.join_next() => self.retry(texts::CLIENT_STALLED),
        };
        Ok(ended)
    }

    async fn client(
        &self,
        application: serenity::ApplicationId,
        learned: &Learned,
    ) -> Result<serenity::Client, String> {
        // serenity's own rate limiter ignores a configured origin. So it is off and the origin is always set: tests and
        // production use the same code path.
        let http = HttpBuilder::new(self.token)
            .client(http_client().map_err(|error| error.to_string())?)
            .proxy(&self.config.api_url)
            .ratelimiter_disabled(true)
            .application_id(application)
            .build();
        serenity::ClientBuilder::new_with_http(http, intents(&learned.privileged))
            .framework(framework::framework(self.app))
            .event_handler(Events)
            .raw_event_handler(framework::Unparsed {
                app: self.app.clone(),
            })
            .await
            .map_err(|error| error::outside(&error))
    }

    /// What a final close code means: the end, or another attempt with fewer intents or more shards.
    fn learn(
        &self,
        refusal: Final,
        application: serenity::ApplicationId,
        shards: u32,
        learned: &mut Learned,
    ) -> Ended {
        match refusal {
            Final::Token => Ended::Final(Refused::Token),
            Final::Version => Ended::Final(Refused::Version),
            Final::Intents(code) if learned.privileged.is_empty() => {
                Ended::Final(Refused::Intents(code))
            }
            Final::Intents(_) => {
                let rejected = texts::privileged_intents_rejected(&learned.privileged, application);
                tracing::error!("{rejected}");
                learned.privileged.clear();
                self.retry(texts::PRIVILEGED_INTENTS_REJECTED)
            }
            Final::Shards => {
                learned.least_shards = shards + 1;
                self.retry(texts::more_shards_required(shards))
            }
        }
    }
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("discord-worker")
        .enable_all()
        .build()
}

fn intents(privileged: &[PrivilegedIntent]) -> GatewayIntents {
    privileged.iter().fold(INTENTS, |intents, requested| {
        intents
            | match requested {
                PrivilegedIntent::Members => GatewayIntents::GUILD_MEMBERS,
                PrivilegedIntent::Presences => GatewayIntents::GUILD_PRESENCES,
                PrivilegedIntent::MessageContent => GatewayIntents::MESSAGE_CONTENT,
            }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_requested_privileged_intents_are_added() {
        assert_eq!(intents(&[]).bits(), 1 | 1 << 9);
        assert_eq!(
            intents(PrivilegedIntent::ALL).bits(),
            1 | 1 << 1 | 1 << 8 | 1 << 9 | 1 << 15
        );
    }
}

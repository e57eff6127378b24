//! `rollcall alerts …`: shows and sets where alerts go, without Discord's client.

use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::json;

use super::terminal::guild_argument::GuildArgument;
use super::terminal::{app_error, print_line, print_note, usage};
use super::{Database, with_store};
use crate::actions::Error;
use crate::actions::incidents::replace_alerts::{self, AlertChoice};
use crate::app::{self, AppError, ChannelAccess};
use crate::clock::Clock;
use crate::domain::discord_id::{ChannelId, GuildId, RoleId};
use crate::domain::notifications::alert_policy::{Responder, WAITS};
use crate::domain::text;
use crate::settings::Settings;
use crate::store::notifications::alert_settings::{self, AlertSettings};
use crate::store::{Effect, Store};

#[derive(Debug, Subcommand)]
pub(super) enum AlertsCommand {
    /// Show where alerts go
    Show {
        #[command(flatten)]
        guild: GuildArgument,
        /// Print a JSON object, or null
        #[arg(long)]
        json: bool,
    },
    /// Set where alerts go; omitted options keep their values
    Set(SetArguments),
}

#[derive(Debug, Args)]
#[command(group(
    ArgGroup::new("change")
        .required(true)
        .multiple(true)
        .args(["channel", "role", "remind_after", "recovery", "warnings"])
))]
pub(super) struct SetArguments {
    /// Channel for alerts, by id; Discord is asked whether it belongs to the Discord server
    #[arg(long, value_name = "ID", value_parser = usage::discord_id)]
    channel: Option<u64>,
    /// Role to mention, by id, or none
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: Option<RoleChoice>,
    /// Remind after this time without an acknowledgment, such as 15m, or never
    #[arg(long, value_name = "TIME", value_parser = wait)]
    remind_after: Option<Wait>,
    /// Whether a recovery without an earlier message is posted
    #[arg(long, value_name = "BOOL")]
    recovery: Option<bool>,
    /// Whether a server that is overdue but not offline is posted
    #[arg(long, value_name = "BOOL")]
    warnings: Option<bool>,
    #[command(flatten)]
    guild: GuildArgument,
    /// Print the settings as a JSON object
    #[arg(long)]
    json: bool,
}

/// A role, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RoleChoice(Option<RoleId>);

/// A time to wait; `None`: never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wait(Option<Duration>);

fn role(text: &str) -> Result<RoleChoice, String> {
    if text == "none" {
        return Ok(RoleChoice(None));
    }
    usage::discord_id(text).map(|id| RoleChoice(Some(RoleId(id))))
}

fn wait(typed: &str) -> Result<Wait, String> {
    if typed == "never" {
        return Ok(Wait(None));
    }
    text::parse_duration(typed, Duration::from_secs(60))
        .filter(|wait| WAITS.contains(wait))
        .map(|wait| Wait(Some(wait)))
        .ok_or_else(|| {
            format!(
                "must be a duration from {} to {}, or never. Example: `15m`",
                text::short_duration(*WAITS.start()),
                text::short_duration(*WAITS.end())
            )
        })
}

pub(super) async fn run(settings: &Settings, command: AlertsCommand) -> Result<(), AppError> {
    let database = match command {
        AlertsCommand::Show { .. } => Database::Existing,
        AlertsCommand::Set(_) => Database::MayBeNew,
    };
    with_store(settings, database, async |store| match command {
        AlertsCommand::Show { guild, json } => show(store, guild.guild_id(settings), json).await,
        AlertsCommand::Set(arguments) => set(settings, store, arguments).await,
    })
    .await
}

async fn show(store: &Store, guild: GuildId, as_json: bool) -> Result<(), AppError> {
    let known = alert_settings::get(&store.reader, guild).await?;
    if as_json {
        print_line(
            &known
                .map_or(serde_json::Value::Null, |known| shown(&known))
                .to_string(),
        );
        return Ok(());
    }
    match known {
        Some(known) => lines(&known).iter().for_each(|line| print_line(line)),
        None => print_note(
            "Alerts are off: no channel is set. Set one with `rollcall alerts set --channel ID`, or with `/setup` in Discord",
        ),
    }
    Ok(())
}

async fn set(settings: &Settings, store: &Store, arguments: SetArguments) -> Result<(), AppError> {
    let requester = arguments.guild.requester(settings);
    let guild = requester.guild;
    if guild == GuildId::LOCAL {
        return Err(AppError::Setting(
            "alerts are sent in a Discord server. Use --guild or set DISCORD_GUILD_ID".to_owned(),
        ));
    }
    let channel = arguments.channel.map(ChannelId);
    if let Some(channel) = channel {
        check_channel(settings, guild, channel).await?;
    }
    let as_json = arguments.json;
    let choose = move |known: Option<&AlertSettings>| {
        let known = known.map(AlertChoice::of);
        let Some(channel) = channel.or(known.map(|known| known.channel)) else {
            return Err(Error::Invalid(
                "no channel is set yet. Add --channel with the id of one".to_owned(),
            ));
        };
        let mut chosen = AlertChoice {
            channel,
            role: known.and_then(|known| known.role),
            preferences: known.map(|known| known.preferences).unwrap_or_default(),
        };
        arguments.apply(guild, &mut chosen)?;
        Ok(chosen)
    };
    let adjusted = replace_alerts::adjust(store, requester, choose, Clock::SYSTEM.now()).await;
    if adjusted.map_err(app_error)? == Effect::Nothing {
        print_note("Nothing changed: the alerts were set so already");
    }
    show(store, guild, as_json).await
}

/// Refuses a channel of another guild, which would see the monitors of this one.
pub(super) async fn check_channel(
    settings: &Settings,
    guild: GuildId,
    channel: ChannelId,
) -> Result<(), AppError> {
    let problem = match app::channel_access(settings, guild, channel).await? {
        ChannelAccess::Visible => return Ok(()),
        ChannelAccess::Hidden => "Rollcall lacks the permission View Channel there",
        ChannelAccess::Missing => "it does not exist in this Discord server",
    };
    Err(AppError::Other(format!("--channel: {problem}")))
}

impl SetArguments {
    fn apply(&self, guild: GuildId, chosen: &mut AlertChoice) -> Result<(), Error> {
        if let Some(RoleChoice(role)) = self.role {
            if role.is_some_and(|role| role.0 == guild.0) {
                return Err(Error::Invalid(
                    "--role: everyone is never mentioned. Choose a role".to_owned(),
                ));
            }
            chosen.role = role;
        }
        let preferences = &mut chosen.preferences;
        if let Some(Wait(wait)) = self.remind_after {
            preferences.policy.remind_after = wait;
        }
        if let Some(recovery) = self.recovery {
            preferences.notify_on_recovery = recovery;
        }
        if let Some(warnings) = self.warnings {
            preferences.notify_on_warning = warnings;
        }
        Ok(())
    }
}

fn lines(known: &AlertSettings) -> Vec<String> {
    let preferences = &known.preferences;
    let or = |value: Option<String>, none: &str| value.unwrap_or_else(|| none.to_owned());
    let remind = preferences.policy.remind_after.map(text::duration);
    let escalation = preferences.policy.escalate.map(|(after, responder)| {
        let to = match responder {
            Responder::Role(id) => format!("role {id}"),
            Responder::User(id) => format!("user {id}"),
        };
        format!("{to} after {}", text::duration(after))
    });
    let mut lines = vec![
        format!("channel       {}", known.channel),
        format!(
            "role          {}",
            or(known.role.map(|role| role.to_string()), "none")
        ),
        format!("recovery      {}", preferences.notify_on_recovery),
        format!("warnings      {}", preferences.notify_on_warning),
        format!("remind after  {}", or(remind, "never")),
        format!("escalation    {}", or(escalation, "never")),
    ];
    if let Some((reason, since)) = &known.broken {
        lines.push(format!(
            "broken        {reason}, since {}",
            text::timestamp(*since)
        ));
    }
    lines
}

fn shown(known: &AlertSettings) -> serde_json::Value {
    let preferences = &known.preferences;
    let escalate = preferences.policy.escalate.map(|(after, responder)| {
        let (role, user) = match responder {
            Responder::Role(id) => (Some(id.to_string()), None),
            Responder::User(id) => (None, Some(id.to_string())),
        };
        json!({ "after_seconds": after.as_secs(), "role": role, "user": user })
    });
    json!({
        "channel": known.channel.to_string(), "role": known.role.map(|role| role.to_string()),
        "recovery": preferences.notify_on_recovery, "warnings": preferences.notify_on_warning,
        "remind_after_seconds": preferences.policy.remind_after.map(|wait| wait.as_secs()), "escalate": escalate,
        "broken": known.broken.as_ref().map(|(reason, since)| json!({ "reason": reason, "since": text::timestamp(*since) })),
    })
}

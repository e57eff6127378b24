//! `/alerts escalation | notifications | summary | override`: alert settings other than the channel and the role.

use std::ops::RangeInclusive;
use std::time::Duration;

use poise::serenity_prelude as serenity;

use crate::actions::Error;
use crate::actions::incidents::alerts;
use crate::discord::Context;
use crate::discord::notifications::alerts_card;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::discord::ui::{complete, roles};
use crate::domain::discord_id::UserId;
use crate::domain::notifications::alert_policy::{AlertPreferences, BulkAlert, Responder};
use crate::domain::patch::Patch;
use crate::domain::text;
use crate::store::notifications::alert_override::Override;

/// Shortest and longest time until a reminder or an escalation.
const WAITS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(7 * 86_400);

/// Shortest and longest window in which the changes of a bulk alert are counted.
const WINDOWS: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(86_400);

/// Who is called again when nobody takes care of an incident; what is left out stays as it is
#[poise::command(slash_command, guild_only)]
pub(super) async fn escalation(
    ctx: Context<'_>,
    #[description = "Call the role again after so long, such as 15m; off: never"]
    #[max_length = 16]
    remind: Option<String>,
    #[description = "Call somebody else after so long, such as 30m; off: never"]
    #[max_length = 16]
    escalate: Option<String>,
    #[description = "Who is called then: a role, in the channel"] role: Option<serenity::RoleId>,
    #[description = "Who is called then: a member, by direct message"] user: Option<serenity::User>,
) -> Result<(), CommandError> {
    let role = roles::chosen(ctx, role)?.map(Responder::Role);
    let user = user.map(|user| Responder::User(UserId(user.id.get())));
    let responder = role.or(user);
    change(ctx, async {
        if role.is_some() && user.is_some() {
            return Err(invalid("name `role` or `user`, not both"));
        }
        let remind = wait("remind", remind.as_deref())?;
        let escalate = wait("escalate", escalate.as_deref())?;
        let known = current(ctx).await?;
        let escalate = match (escalate, known.policy.escalate) {
            (Patch::Clear, _) => None,
            (after, known) => {
                let after = after.apply(known.map(|(after, _)| after));
                let responder = responder.or(known.map(|(_, responder)| responder));
                match (after, responder) {
                    (Some(after), Some(responder)) => Some((after, responder)),
                    (None, None) => None,
                    _ => return Err(invalid("`escalate` needs `role` or `user`, and they need it; a right one is `escalate:30m role:@leads`")),
                }
            }
        };
        Ok(move |chosen: &mut AlertPreferences| {
            chosen.policy.remind_after = remind.apply(chosen.policy.remind_after);
            chosen.policy.escalate = escalate;
        })
    })
    .await
}

/// Leave out what you do not want to be told; what is not named stays as it is
#[poise::command(slash_command, guild_only)]
pub(super) async fn notifications(
    ctx: Context<'_>,
    #[description = "Tell ends of outages, too; a message that is there says so all the same"]
    recovery: Option<bool>,
    #[description = "Tell of servers that are silent and not offline by their thresholds yet"]
    warnings: Option<bool>,
) -> Result<(), CommandError> {
    change(ctx, async {
        Ok(move |chosen: &mut AlertPreferences| {
            chosen.notify_on_recovery = recovery.unwrap_or(chosen.notify_on_recovery);
            chosen.notify_on_warning = warnings.unwrap_or(chosen.notify_on_warning);
        })
    })
    .await
}

/// A word about all of them when many endpoints change at once; with nothing named it is switched off
#[poise::command(slash_command, guild_only)]
pub(super) async fn summary(
    ctx: Context<'_>,
    #[description = "From so many on"]
    #[min = 2]
    #[max = 100_000]
    count: Option<u32>,
    #[description = "From such a share of all endpoints on, in percent"]
    #[min = 1]
    #[max = 100]
    percent: Option<u8>,
    #[description = "Within so long, such as 30s or 5m; a minute where it is left out"]
    #[max_length = 16]
    window: Option<String>,
) -> Result<(), CommandError> {
    change(ctx, async {
        let window = match window.as_deref() {
            None => Duration::from_secs(60),
            Some(text) => length("window", text, WINDOWS)?,
        };
        let bulk = BulkAlert {
            count,
            percent,
            window,
        };
        let wanted = (count.is_some() || percent.is_some()).then_some(bulk);
        Ok(move |chosen: &mut AlertPreferences| chosen.bulk = wanted)
    })
    .await
}

/// Tell of one monitor differently; with nothing named it is told of like all the others
#[poise::command(slash_command, guild_only, rename = "override")]
pub(super) async fn override_monitor(
    ctx: Context<'_>,
    #[description = "An endpoint, a device or a server, by name"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    monitor: String,
    #[description = "False: nothing is told of it, until you say otherwise"] notify: Option<bool>,
    #[description = "Called for it instead of the usual role"] role: Option<serenity::RoleId>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let role = roles::chosen(ctx, role)?;
    let work = async {
        let app = ctx.data();
        let found = complete::named(&app.store.reader, requester.guild, None, &monitor).await?;
        let own = (notify.is_some() || role.is_some()).then(|| Override {
            notify: notify.unwrap_or(true),
            role,
        });
        alerts::set_override(&app.store, requester, found.id, own, app.now()).await?;
        let mut lines = vec![alerts_card::overridden(&found.name, own)];
        lines.extend(roles::unreachable(ctx, role.as_slice()).await);
        Ok(Message::sentence(lines.join("\n")))
    };
    reply::answer(ctx, work).await
}

async fn current(ctx: Context<'_>) -> Result<AlertPreferences, CommandError> {
    let known = super::settings(ctx).await?;
    Ok(known.ok_or_else(super::no_channel_set)?.preferences)
}

/// Changes the alert preferences, then shows all alert settings.
async fn change<C>(
    ctx: Context<'_>,
    read: impl Future<Output = Result<C, CommandError>>,
) -> Result<(), CommandError>
where
    C: FnOnce(&mut AlertPreferences) + Send + 'static,
{
    let requester = reply::manager(ctx)?;
    let work = async {
        let change = read.await?;
        let app = ctx.data();
        alerts::prefer(&app.store, requester, change, app.now()).await?;
        super::show_settings(ctx).await
    };
    reply::answer(ctx, work).await
}

/// Reads the time until a reminder or an escalation; `off` clears it.
fn wait(option: &str, text: Option<&str>) -> Result<Patch<Duration>, CommandError> {
    match text.map(str::trim) {
        None => Ok(Patch::Keep),
        Some("off") => Ok(Patch::Clear),
        Some(text) => Ok(Patch::Set(length(option, text, WAITS)?)),
    }
}

fn length(
    option: &str,
    text: &str,
    allowed: RangeInclusive<Duration>,
) -> Result<Duration, CommandError> {
    text::parse_duration(text, Duration::from_secs(60))
        .filter(|length| allowed.contains(length))
        .ok_or_else(|| {
            invalid(&format!(
                "`{option}`: the time must lie between {} and {}; a right one is `15m`",
                text::duration(*allowed.start()),
                text::duration(*allowed.end())
            ))
        })
}

fn invalid(sentence: &str) -> CommandError {
    Error::Invalid(sentence.to_owned()).into()
}

//! `/alerts escalation | notifications | summary | override`: alert settings other than the channel and the role.

use std::ops::RangeInclusive;
use std::time::Duration;

use poise::serenity_prelude as serenity;

use crate::actions::incidents::alerts;
use crate::discord::Context;
use crate::discord::notifications::texts;
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::reply::{self, Message};
use crate::discord::ui::roles::RoleLookup;
use crate::discord::ui::{complete, roles};
use crate::domain::discord_id::UserId;
use crate::domain::notifications::alert_policy::{
    AlertPreferences, BULK_WINDOW, BULK_WINDOWS, BulkAlert, Responder, WAITS,
};
use crate::domain::patch::Patch;
use crate::domain::text::duration_rule::DurationRule;
use crate::store::Effect;
use crate::store::notifications::alert_override::Override;

/// Set reminders and escalation; omitted options stay unchanged
#[poise::command(slash_command, guild_only)]
pub(super) async fn escalation(
    ctx: Context<'_>,
    #[description = "Remind after this time without acknowledgment, such as 15m, or off"]
    #[max_length = 16]
    remind: Option<String>,
    #[description = "Escalate after this time without acknowledgment, such as 30m, or off"]
    #[max_length = 16]
    escalate: Option<String>,
    #[description = "Escalate to this role, in the channel"] role: Option<serenity::RoleId>,
    #[description = "Escalate to this member, by direct message"] user: Option<serenity::User>,
) -> Result<(), CommandError> {
    let role = roles::chosen(ctx, role)?.map(Responder::Role);
    let user = user.map(|user| Responder::User(UserId(user.id.get())));
    let responder = role.or(user);
    change(ctx, async {
        if role.is_some() && user.is_some() {
            return Err(texts::role_and_user());
        }
        if let Some(Responder::User(user)) = user {
            require_member(ctx, user).await?;
        }
        let remind = wait("remind", remind.as_deref())?;
        let escalate = wait("escalate", escalate.as_deref())?;
        let known = current(ctx).await?.policy.escalate;
        if escalation_after(&escalate, responder, known).is_none() {
            return Err(texts::incomplete_escalation());
        }
        Ok(move |chosen: &mut AlertPreferences| {
            let policy = &mut chosen.policy;
            policy.remind_after = remind.apply(policy.remind_after);
            // The policy at this time, which another member may have changed since the check above.
            let known = policy.escalate;
            policy.escalate = escalation_after(&escalate, responder, known).unwrap_or(known);
        })
    })
    .await
}

/// When an incident is escalated, and to whom.
type Escalation = Option<(Duration, Responder)>;

/// The escalation after a change; `None` if it would have no time or no responder.
fn escalation_after(
    after: &Patch<Duration>,
    responder: Option<Responder>,
    known: Escalation,
) -> Option<Escalation> {
    if *after == Patch::Clear {
        return Some(None);
    }
    let after = after.clone().apply(known.map(|(after, _)| after));
    let responder = responder.or(known.map(|(_, responder)| responder));
    match (after, responder) {
        (Some(after), Some(responder)) => Some(Some((after, responder))),
        (None, None) => Some(None),
        _ => None,
    }
}

/// Fails if a user is not a member of the guild.
async fn require_member(ctx: Context<'_>, user: UserId) -> Result<(), CommandError> {
    let (app, guild) = (ctx.data(), reply::requester(ctx)?.guild);
    let messenger = app.senders.messenger.clone().ok_or_else(|| {
        CommandError::Internal("received a command, but there is no messenger".into())
    })?;
    // On the main runtime, to which the connections of the messenger belong.
    let asked = app
        .bot
        .main_runtime
        .spawn(async move { messenger.is_member(guild, user).await })
        .await
        .map_err(|error| CommandError::Internal(error.to_string()))?;
    match asked {
        Ok(true) => Ok(()),
        Ok(false) => Err(texts::not_a_member(user)),
        Err(error) => Err(texts::could_not_ask_for_membership(&error)),
    }
}

/// Choose optional notifications; omitted options stay unchanged
#[poise::command(slash_command, guild_only)]
pub(super) async fn notifications(
    ctx: Context<'_>,
    #[description = "Post recoveries that have no earlier message"] recovery: Option<bool>,
    #[description = "Notify when a server is overdue but not offline yet"] warnings: Option<bool>,
) -> Result<(), CommandError> {
    change(ctx, async {
        Ok(move |chosen: &mut AlertPreferences| {
            chosen.notify_on_recovery = recovery.unwrap_or(chosen.notify_on_recovery);
            chosen.notify_on_warning = warnings.unwrap_or(chosen.notify_on_warning);
        })
    })
    .await
}

/// Send one summary when many endpoints change at once (no options: turn it off)
#[poise::command(slash_command, guild_only)]
pub(super) async fn summary(
    ctx: Context<'_>,
    #[description = "Minimum number of endpoints"]
    #[min = 2]
    #[max = 100_000]
    count: Option<u32>,
    #[description = "Minimum share of all endpoints, in percent"]
    #[min = 1]
    #[max = 100]
    percent: Option<u8>,
    #[description = "Time in which they change status, such as 30s or 5m (default: 1m)"]
    #[max_length = 16]
    window: Option<String>,
) -> Result<(), CommandError> {
    change(ctx, async {
        let window = match window.as_deref() {
            None => BULK_WINDOW,
            Some(text) => length("window", text, BULK_WINDOWS)?,
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

/// Override notifications for one monitor (no options: remove the override)
#[poise::command(slash_command, guild_only, rename = "override")]
pub(super) async fn override_monitor(
    ctx: Context<'_>,
    #[description = "Name of an endpoint, a device or a server"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    monitor: String,
    #[description = "False: send no notifications about it"] notify: Option<bool>,
    #[description = "Mention this role instead of the usual one"] role: Option<serenity::RoleId>,
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
        let effect = alerts::set_override(&app.store, requester, found.id, own, app.now()).await?;
        let mut lines = match effect {
            Effect::Changed => vec![texts::overridden(&found.name, own)],
            Effect::Nothing => vec![texts::override_unchanged(&found.name, own)],
        };
        lines.extend(
            RoleLookup::of_command(ctx)
                .unreachable(role.as_slice())
                .await,
        );
        Ok(Message::sentence(lines.join("\n")))
    };
    reply::answer(ctx, work).await
}

async fn current(ctx: Context<'_>) -> Result<AlertPreferences, CommandError> {
    let known = super::settings(ctx).await?;
    Ok(known.ok_or_else(texts::no_channel_set)?.preferences)
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
        let effect = alerts::prefer(&app.store, requester, change, app.now()).await?;
        super::show_effect(ctx, effect, texts::NOTHING_CHANGED).await
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
    let rule = DurationRule {
        subject: texts::DURATION,
        unit: Duration::from_secs(60),
        shortest: *allowed.start(),
        longest: *allowed.end(),
        examples: texts::DURATION_EXAMPLE,
    };
    rule.parse(text).map_err(|error| wrong(option, error))
}

//! The alert settings of a guild.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actions::incidents::alerts;
use crate::actions::incidents::replace_alerts::{self, AlertChoice};
use crate::domain::discord_id::{ChannelId, GuildId, RoleId, UserId};
use crate::domain::notifications::alert_policy::{
    AlertPreferences, BULK_WINDOW, BulkAlert, EscalationPolicy, Responder,
};
use crate::domain::notifications::destination_health::DeliveryError;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::request::{Admin, Caller, InBody, Reader};
use crate::http::api::routes::{Json, NoContent};
use crate::http::api::values::{AlertWait, Bounded, BulkWindow, DateTime, DiscordId, date_time};
use crate::notify::messenger::ChannelAccess;
use crate::store::notifications::alert_settings::{self, AlertSettings};

/// The alert settings.
#[derive(Serialize, ToSchema)]
#[schema(as = Alerts)]
pub(super) struct AlertsView {
    #[schema(examples("175928847299117063"))]
    channel: String,
    /// Why nothing can be posted there; null if it works.
    #[schema(required)]
    broken: Option<BrokenView>,
    /// Mentioned when an incident opens.
    #[schema(required, examples("41771983423143936"))]
    role: Option<String>,
    /// Whether a recovery without an earlier message is posted.
    recovery: bool,
    /// Whether a server that is overdue but not offline is posted.
    warnings: bool,
    #[schema(required)]
    remind_after_seconds: Option<u64>,
    #[schema(required)]
    escalate: Option<EscalationView>,
    #[schema(required)]
    bulk: Option<BulkView>,
}

/// Why a destination does not work.
#[derive(Serialize, ToSchema)]
#[schema(as = Broken)]
pub(super) struct BrokenView {
    #[schema(examples("Rollcall may not send messages there"))]
    pub reason: String,
    pub since: DateTime,
}

/// Who is notified of an incident that has not been acknowledged: a role or a user.
#[derive(Serialize, ToSchema)]
#[schema(as = Escalation)]
struct EscalationView {
    after_seconds: u64,
    #[schema(required)]
    role: Option<String>,
    #[schema(required)]
    user: Option<String>,
}

/// When many endpoints that change at once are one message.
#[derive(Serialize, ToSchema)]
#[schema(as = BulkAlert)]
struct BulkView {
    #[schema(required)]
    count: Option<u32>,
    #[schema(required)]
    percent: Option<u8>,
    window_seconds: u64,
}

impl From<AlertSettings> for AlertsView {
    fn from(settings: AlertSettings) -> Self {
        let AlertPreferences {
            notify_on_recovery,
            notify_on_warning,
            policy,
            bulk,
        } = settings.preferences;
        let broken = settings.broken.map(|(reason, since)| BrokenView {
            reason,
            since: date_time(since),
        });
        let escalate = policy.escalate.map(|(after, responder)| EscalationView {
            after_seconds: after.as_secs(),
            role: match responder {
                Responder::Role(id) => Some(id.to_string()),
                Responder::User(_) => None,
            },
            user: match responder {
                Responder::User(id) => Some(id.to_string()),
                Responder::Role(_) => None,
            },
        });
        let bulk = bulk.map(|bulk| BulkView {
            count: bulk.count,
            percent: bulk.percent,
            window_seconds: bulk.window.as_secs(),
        });
        Self {
            channel: settings.channel.to_string(),
            broken,
            role: settings.role.map(|role| role.to_string()),
            recovery: notify_on_recovery,
            warnings: notify_on_warning,
            remind_after_seconds: policy.remind_after.as_ref().map(Duration::as_secs),
            escalate,
            bulk,
        }
    }
}

pub(super) async fn show(
    reader: Reader,
    State(app): State<HttpState>,
) -> Result<Json<AlertsView>, Problem> {
    view(&app, &reader).await.map(Json)
}

async fn view(app: &HttpState, caller: &Caller) -> Result<AlertsView, Problem> {
    let settings = alert_settings::get(&app.store.reader, caller.0.guild_id).await?;
    settings
        .map(AlertsView::from)
        .ok_or_else(Problem::not_found)
}

/// All alert settings.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "channel": "175928847299117063", "role": "41771983423143936", "remind_after": "15m" })))]
pub(super) struct SetAlerts {
    channel: DiscordId,
    /// Mentioned when an incident opens; default: none.
    role: Option<DiscordId>,
    /// Default: true.
    recovery: Option<bool>,
    /// Default: true.
    warnings: Option<bool>,
    /// Default: never. Needs `role`, `escalate`, or an override with a role.
    remind_after: Option<AlertWait>,
    /// Default: never.
    escalate: Option<Escalate>,
    /// Default: none.
    bulk: Option<Bulk>,
}

/// Who is notified of an incident that has not been acknowledged: either a role, in the channel, or a user, by direct message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Escalate {
    after: AlertWait,
    role: Option<DiscordId>,
    user: Option<DiscordId>,
}

/// When many endpoints that change at once are one message: by number, by percentage of all endpoints, or either.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Bulk {
    #[schema(inline)]
    count: Option<Bounded<2, 100_000>>,
    #[schema(inline)]
    percent: Option<Bounded<1, 100>>,
    /// Default: 1m.
    window: Option<BulkWindow>,
}

fn contradiction(detail: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, detail)
}

/// A role that may be mentioned: any but everyone, whose id is that of the guild.
pub(super) fn role(guild: GuildId, role: Option<DiscordId>) -> Result<Option<RoleId>, Problem> {
    match role {
        Some(role) if role.0 == guild.0 => Err(contradiction(
            "`role`: everyone is never mentioned. Choose a role",
        )),
        role => Ok(role.map(|role| RoleId(role.0))),
    }
}

impl SetAlerts {
    fn read(self, guild: GuildId) -> Result<AlertChoice, Problem> {
        let escalate = self
            .escalate
            .map(|escalate| escalate.read(guild))
            .transpose()?;
        let policy = EscalationPolicy {
            remind_after: self.remind_after.map(|wait| wait.0),
            escalate,
        };
        Ok(AlertChoice {
            channel: ChannelId(self.channel.0),
            role: role(guild, self.role)?,
            preferences: AlertPreferences {
                notify_on_recovery: self.recovery.unwrap_or(true),
                notify_on_warning: self.warnings.unwrap_or(true),
                policy,
                bulk: self.bulk.map(Bulk::read).transpose()?,
            },
        })
    }
}

impl Escalate {
    fn read(self, guild: GuildId) -> Result<(Duration, Responder), Problem> {
        let role = role(guild, self.role)?.map(Responder::Role);
        let user = self.user.map(|user| Responder::User(UserId(user.0)));
        match (role, user) {
            (Some(responder), None) | (None, Some(responder)) => Ok((self.after.0, responder)),
            _ => Err(contradiction(
                "`escalate`: needs either a `role` or a `user`",
            )),
        }
    }
}

impl Bulk {
    fn read(self) -> Result<BulkAlert, Problem> {
        if self.count.is_none() && self.percent.is_none() {
            return Err(contradiction(
                "`bulk`: needs a `count`, a `percent`, or both",
            ));
        }
        let percent = self.percent.map(Bounded::get);
        Ok(BulkAlert {
            count: self.count.map(Bounded::get),
            percent: percent.and_then(|percent| u8::try_from(percent).ok()),
            window: self.window.map_or(BULK_WINDOW, |window| window.0),
        })
    }
}

pub(super) async fn set(
    admin: Admin,
    State(app): State<HttpState>,
    InBody(body): InBody<SetAlerts>,
) -> Result<Json<AlertsView>, Problem> {
    let (requester, now) = (admin.requester(), app.clock.now());
    let chosen = body.read(requester.guild)?;
    check_with_discord(&app, requester.guild, &chosen).await?;
    // The answer is the same if they were so already.
    let _ = replace_alerts::replace(&app.store, requester, chosen, now).await?;
    view(&app, &admin).await.map(Json)
}

/// Refuses a channel of another guild, which would see the alerts of this one, and a user who is no member.
async fn check_with_discord(
    app: &HttpState,
    guild: GuildId,
    chosen: &AlertChoice,
) -> Result<(), Problem> {
    let messenger = app.messenger.as_ref().ok_or_else(Problem::no_discord)?;
    let no_answer = |error: DeliveryError| {
        tracing::warn!(%error, "cannot look up the channel or the user of alert settings");
        Problem::no_discord()
    };
    let missing = |detail: &str| Err(Problem::new(StatusCode::NOT_FOUND, detail));
    let has_channel = messenger.has_channel(guild, chosen.channel).await;
    if has_channel.map_err(no_answer)? != ChannelAccess::Visible {
        // The same answer for channels of others and for channels that do not exist.
        return missing("`channel`: not found in this Discord server, or not visible to Rollcall");
    }
    let Some((_, Responder::User(user))) = chosen.preferences.policy.escalate else {
        return Ok(());
    };
    match messenger.is_member(guild, user).await.map_err(no_answer)? {
        true => Ok(()),
        false => missing("`escalate.user`: this user is not a member of this Discord server"),
    }
}

pub(super) async fn remove(
    admin: Admin,
    State(app): State<HttpState>,
) -> Result<NoContent, Problem> {
    alerts::remove(&app.store, admin.requester(), app.clock.now()).await?;
    Ok(NoContent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<AlertChoice, Problem> {
        let body: SetAlerts = serde_json::from_str(text).unwrap();
        body.read(GuildId(7))
    }

    #[test]
    fn omitted_settings_get_their_defaults() {
        let chosen = read(r#"{"channel":"5"}"#).unwrap();
        assert_eq!((chosen.channel, chosen.role), (ChannelId(5), None));
        assert_eq!(chosen.preferences, AlertPreferences::default());
    }

    #[test]
    fn settings_that_contradict_each_other_are_conflicts() {
        for (text, detail) in [
            (r#"{"channel":"5","role":"7"}"#, "everyone"),
            (r#"{"channel":"5","escalate":{"after":"5m"}}"#, "either"),
            (
                r#"{"channel":"5","escalate":{"after":"5m","role":"8","user":"9"}}"#,
                "either",
            ),
            (
                r#"{"channel":"5","escalate":{"after":"5m","role":"7"}}"#,
                "everyone",
            ),
            (r#"{"channel":"5","bulk":{}}"#, "`count`"),
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.detail().contains(detail), "{text}: {problem:?}");
        }
    }
}

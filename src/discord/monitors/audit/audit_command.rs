//! The command `/audit`: the audit log of a guild, for its managers.

use crate::discord::Context;
use crate::discord::monitors::audit::{audit_card, event_type};
use crate::discord::ui::complete;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::store::event::{self, EventFilter};

/// Show the audit log, newest first
#[poise::command(slash_command, guild_only, default_member_permissions = "MANAGE_GUILD")]
pub(in crate::discord) async fn audit(
    ctx: Context<'_>,
    #[description = "Only events of this type"]
    #[rename = "type"]
    #[autocomplete = "event_type::complete"]
    #[max_length = 64]
    kind: Option<String>,
    #[description = "Only events of this monitor"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    monitor: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let kind = kind.as_deref().map(event_type::parse).transpose()?;
        let reader = &ctx.data().store.reader;
        let monitor = match &monitor {
            Some(text) => Some(complete::named(reader, requester.guild, None, text).await?),
            None => None,
        };
        let filter = EventFilter {
            kind,
            monitor: monitor.map(|monitor| monitor.id),
            before: i64::MAX,
        };
        let events = event::list(reader, requester.guild, filter, audit_card::EVENTS).await?;
        Ok(Message::embed(audit_card::audit(&events)))
    };
    reply::answer(ctx, work).await
}

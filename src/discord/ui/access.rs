//! Permission checks: every member may read; changes need Manage Server.
//!
//! Discord hides managing commands from other members, but a guild's admins can override that, and it does not cover
//! buttons. So the permission is checked again here, from the interaction itself.

use poise::serenity_prelude as serenity;
use serenity::Permissions;

use super::error::CommandError;
use super::texts;
use crate::actions::Requester;
use crate::actions::incidents::alerts;
use crate::domain::discord_id::{GuildId, UserId};
use crate::domain::event::Actor;
use crate::domain::notifications::alert_policy::Responder;
use crate::store::Reader;

/// The requester of an interaction: its member and its guild.
pub(in crate::discord) fn requester(
    guild: Option<serenity::GuildId>,
    user: serenity::UserId,
) -> Result<Requester, CommandError> {
    let guild = guild.ok_or_else(|| CommandError::Refused(texts::ONLY_IN_SERVERS.into()))?;
    Ok(Requester {
        guild: GuildId(guild.get()),
        actor: Actor::Member(UserId(user.get())),
    })
}

/// Whether these permissions allow managing monitors.
pub(in crate::discord) fn may_manage(permissions: Option<Permissions>) -> bool {
    permissions.is_some_and(|held| held.manage_guild() || held.administrator())
}

/// Refuses members who may not manage monitors.
pub(in crate::discord) fn require_manage(
    permissions: Option<Permissions>,
) -> Result<(), CommandError> {
    if may_manage(permissions) {
        return Ok(());
    }
    Err(CommandError::Refused(texts::NEEDS_MANAGE_SERVER.into()))
}

/// Refuses members who are neither responders nor managers.
pub(in crate::discord) async fn require_responder(
    reader: &Reader,
    requester: Requester,
    member: Option<&serenity::Member>,
) -> Result<(), CommandError> {
    let is_manager = may_manage(member.and_then(|member| member.permissions));
    if is_manager || is_responder(reader, requester, member).await? {
        return Ok(());
    }
    Err(CommandError::Refused(texts::ONLY_RESPONDERS.into()))
}

/// Whether a member is a responder, by role or by user id.
pub(in crate::discord) async fn is_responder(
    reader: &Reader,
    requester: Requester,
    member: Option<&serenity::Member>,
) -> Result<bool, CommandError> {
    let held = member.map_or(&[][..], |member| &member.roles);
    let responders = alerts::responders(reader, requester.guild).await?;
    Ok(responders.into_iter().any(|responder| match responder {
        Responder::Role(role) => held.iter().any(|held| held.get() == role.0),
        Responder::User(user) => requester.actor == Actor::Member(user),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managing_needs_manage_server_or_administrator() {
        assert!(may_manage(Some(Permissions::MANAGE_GUILD)));
        assert!(may_manage(Some(Permissions::ADMINISTRATOR)));
        assert!(!may_manage(Some(
            Permissions::all() - Permissions::MANAGE_GUILD - Permissions::ADMINISTRATOR
        )));
        assert!(!may_manage(None));
    }
}

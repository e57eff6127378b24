//! On-call roles: which roles can be chosen, and whether a mention would notify their members.
//!
//! Discord accepts a message that mentions a deleted role, or a role that Rollcall may not mention, but notifies no one. So
//! Rollcall warns when roles are chosen and shown, before the first outage.

use std::collections::HashMap;

use poise::serenity_prelude as serenity;
use serenity::Permissions;

use crate::discord::Context;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::texts;
use crate::domain::discord_id::RoleId;

/// Validates a role that was chosen as on-call role, and returns its id.
pub(in crate::discord) fn chosen(
    ctx: Context<'_>,
    role: Option<serenity::RoleId>,
) -> Result<Option<RoleId>, CommandError> {
    let everyone = ctx.guild_id().map(serenity::GuildId::get);
    let role = role.map(serenity::RoleId::get);
    if role.is_some() && role == everyone {
        return Err(CommandError::Refused(
            texts::EVERYONE_IS_NOT_MENTIONED.into(),
        ));
    }
    Ok(role.map(RoleId))
}

/// One sentence for each of these roles that a mention would not notify; empty if Discord does not return the roles.
pub(in crate::discord) async fn unreachable(ctx: Context<'_>, roles: &[RoleId]) -> Vec<String> {
    let Some(guild) = ctx.guild_id().filter(|_| !roles.is_empty()) else {
        return Vec::new();
    };
    let known = match guild.roles(ctx.http()).await {
        Ok(known) => known,
        Err(error) => {
            tracing::debug!(%error, "cannot look up a role");
            return Vec::new();
        }
    };
    let mentionable: HashMap<RoleId, bool> = known
        .values()
        .map(|role| (RoleId(role.id.get()), role.mentionable))
        .collect();
    let may_mention_all = permissions(ctx).is_none_or(|held| {
        held.intersects(Permissions::MENTION_EVERYONE | Permissions::ADMINISTRATOR)
    });
    let mut roles = roles.to_vec();
    roles.sort_unstable();
    roles.dedup();
    let why = |role| why_unreachable(role, mentionable.get(&role).copied(), may_mention_all);
    roles.into_iter().filter_map(why).collect()
}

/// Rollcall's own permissions in the channel of a command.
fn permissions(ctx: Context<'_>) -> Option<Permissions> {
    match ctx {
        poise::Context::Application(ctx) => ctx.interaction.app_permissions,
        poise::Context::Prefix(_) => None,
    }
}

/// Why a role would not be notified. `is_mentionable` is `None` if the role was deleted.
fn why_unreachable(
    role: RoleId,
    is_mentionable: Option<bool>,
    may_mention_all: bool,
) -> Option<String> {
    match is_mentionable {
        None => Some(texts::role_deleted(role)),
        Some(false) if !may_mention_all => Some(texts::role_not_mentionable(role)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_notified_only_if_it_exists_and_can_be_mentioned() {
        for (is_mentionable, may_mention_all, is_notified) in [
            (None, true, false),
            (None, false, false),
            (Some(false), false, false),
            (Some(false), true, true),
            (Some(true), false, true),
            (Some(true), true, true),
        ] {
            let why = why_unreachable(RoleId(7), is_mentionable, may_mention_all);
            assert_eq!(
                why.is_none(),
                is_notified,
                "{is_mentionable:?}, {may_mention_all}"
            );
        }
    }
}

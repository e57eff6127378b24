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
    match (role, ctx.guild_id()) {
        (Some(role), Some(guild)) => chosen_in(guild, role).map(Some),
        (role, _) => Ok(role.map(|role| RoleId(role.get()))),
    }
}

/// Validates a role of a guild. The id of @everyone is that of its guild.
pub(in crate::discord) fn chosen_in(
    guild: serenity::GuildId,
    role: serenity::RoleId,
) -> Result<RoleId, CommandError> {
    if role.get() == guild.get() {
        return Err(CommandError::Refused(
            texts::EVERYONE_IS_NOT_MENTIONED.into(),
        ));
    }
    Ok(RoleId(role.get()))
}

/// Where the roles of an interaction are looked up.
#[derive(Clone, Copy)]
pub(in crate::discord) struct RoleLookup<'a> {
    pub http: &'a serenity::Http,
    pub guild: Option<serenity::GuildId>,
    /// Rollcall's own permissions in the channel of the interaction.
    pub own_permissions: Option<Permissions>,
}

impl<'a> RoleLookup<'a> {
    pub(in crate::discord) fn of_command(ctx: Context<'a>) -> Self {
        Self {
            http: ctx.http(),
            guild: ctx.guild_id(),
            own_permissions: permissions(ctx),
        }
    }

    pub(in crate::discord) fn of_press(
        ctx: &'a serenity::Context,
        press: &serenity::ComponentInteraction,
    ) -> Self {
        Self {
            http: &ctx.http,
            guild: press.guild_id,
            own_permissions: press.app_permissions,
        }
    }

    /// Whether the guild lacks a role; `false` if Discord does not return the roles.
    pub(in crate::discord) async fn is_missing(self, role: RoleId) -> bool {
        let Some(guild) = self.guild else {
            return false;
        };
        let known = guild.roles(self.http).await;
        known.is_ok_and(|known| !known.contains_key(&serenity::RoleId::new(role.0)))
    }

    /// One sentence for each of these roles that a mention would not notify; empty if Discord does not return the roles.
    pub(in crate::discord) async fn unreachable(self, roles: &[RoleId]) -> Vec<String> {
        let Some(guild) = self.guild.filter(|_| !roles.is_empty()) else {
            return Vec::new();
        };
        let known = match guild.roles(self.http).await {
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
        let may_mention_all = self.own_permissions.is_none_or(|held| {
            held.intersects(Permissions::MENTION_EVERYONE | Permissions::ADMINISTRATOR)
        });
        let mut roles = roles.to_vec();
        roles.sort_unstable();
        roles.dedup();
        let why = |role| why_unreachable(role, mentionable.get(&role).copied(), may_mention_all);
        roles.into_iter().filter_map(why).collect()
    }
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
    fn everyone_is_no_on_call_role() {
        let guild = serenity::GuildId::new(5);
        let chosen = |role| chosen_in(guild, serenity::RoleId::new(role));
        assert!(chosen(5).is_err());
        assert_eq!(chosen(6).ok(), Some(RoleId(6)));
    }

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

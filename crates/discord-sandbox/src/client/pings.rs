//! Whom a message pings: the mentions in its content that `allowed_mentions` permits. Mentions in embeds never ping.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::Guild;

/// The bit of a permission set that lets the bot mention everybody and every role.
const MENTION_EVERYONE: u64 = 1 << 17;

/// The ids after `prefix` in mentions such as `<@1>`.
fn mentioned(content: &str, prefix: &str) -> BTreeSet<String> {
    let after = content.split(prefix).skip(1);
    let ids = after.filter_map(|rest| {
        rest.split_once('>')
            .map(|(id, _)| id.trim_start_matches('!'))
    });
    ids.filter(|id| id.parse::<u64>().is_ok())
        .map(str::to_owned)
        .collect()
}

/// Whether `allowed_mentions` permits this one: its kind as a whole, or its id.
fn is_allowed(allowed: &Value, kind: &str, id: &str) -> bool {
    if allowed.is_null() {
        return true;
    }
    let has = |list: &Value, word: &str| {
        list.as_array()
            .is_some_and(|list| list.iter().any(|item| item == word))
    };
    has(&allowed["parse"], kind) || has(&allowed[kind], id)
}

/// The users and roles that a message pings, and whether it pings everyone.
pub(super) fn pings(body: &Value, guild: Option<&Guild>) -> Value {
    let content = body["content"].as_str().unwrap_or_default();
    let allowed = &body["allowed_mentions"];
    let holds_right = guild.is_none_or(|guild| guild.bot_permissions & MENTION_EVERYONE != 0);
    let may_ping = |id: &String| {
        let role = id.parse().ok().and_then(|id| guild?.role(id));
        role.is_some_and(|role| role.is_mentionable || holds_right)
    };
    let users = mentioned(content, "<@").into_iter();
    let users: Vec<String> = users
        .filter(|id| is_allowed(allowed, "users", id))
        .collect();
    let roles = mentioned(content, "<@&").into_iter().filter(may_ping);
    let roles: Vec<String> = roles
        .filter(|id| is_allowed(allowed, "roles", id))
        .collect();
    let names_everyone = content.contains("@everyone") || content.contains("@here");
    let everyone = names_everyone && holds_right && is_allowed(allowed, "everyone", "");
    json!({ "users": users, "roles": roles, "everyone": everyone })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Role;

    fn of(content: &str, allowed: Value, bot_permissions: u64) -> Value {
        let guild = Guild {
            roles: vec![Role::new(5, "ops"), Role::new(6, "all").mentionable()],
            bot_permissions,
            ..Guild::default()
        };
        let mut body = json!({ "content": content });
        if !allowed.is_null() {
            body["allowed_mentions"] = allowed;
        }
        pings(&body, Some(&guild))
    }

    #[test]
    fn only_allowed_mentions_ping() {
        let content = "<@1> <@!2> <@&5> <@&6> <@&7> @everyone <@x>";
        let none = json!({ "users": [], "roles": [], "everyone": false });
        assert_eq!(
            of(content, Value::Null, MENTION_EVERYONE),
            json!({ "users": ["1", "2"], "roles": ["5", "6"], "everyone": true })
        );
        assert_eq!(
            of(content, Value::Null, 0),
            json!({ "users": ["1", "2"], "roles": ["6"], "everyone": false })
        );
        assert_eq!(of(content, json!({ "parse": [] }), MENTION_EVERYONE), none);
        assert_eq!(
            of(content, json!({ "parse": ["roles"], "users": ["2"] }), 0),
            json!({ "users": ["2"], "roles": ["6"], "everyone": false })
        );
        assert_eq!(of("", Value::Null, MENTION_EVERYONE), none);
    }
}

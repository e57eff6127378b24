//! The link that invites the bot, and whether it is time to show it: at the start, if the bot is in no guild.

use std::collections::HashSet;
use std::fmt::Display;

use poise::serenity_prelude::Permissions;

/// What alerts and boards need, and for pictures Attach Files. Replies to commands need no other permission.
const PERMISSIONS: Permissions = Permissions::VIEW_CHANNEL
    .union(Permissions::SEND_MESSAGES)
    .union(Permissions::EMBED_LINKS)
    .union(Permissions::ATTACH_FILES);

/// The address that invites the bot of an application, with the permissions that it needs.
pub(super) fn link(application: impl Display) -> String {
    let permissions = PERMISSIONS.bits();
    format!(
        "https://discord.com/oauth2/authorize?client_id={application}&scope=bot+applications.commands&permissions={permissions}"
    )
}

/// Finds out whether the bot started in no guild: every shard lists its guilds once before that is known. Later lists of a
/// shard do not count, so the answer is given once per process.
#[derive(Debug, Default)]
pub(super) struct FirstLists {
    empty: HashSet<usize>,
    is_known: bool,
}

impl FirstLists {
    /// Takes the list of a shard; `true` once, if none of the shards has a guild.
    pub(super) fn show_no_guild(&mut self, shard: usize, shards: u64, guilds: usize) -> bool {
        if self.is_known {
            return false;
        }
        if guilds > 0 {
            self.is_known = true;
            return false;
        }
        self.empty.insert(shard);
        self.is_known = self.empty.len() as u64 >= shards;
        self.is_known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_the_link_that_the_log_shows() {
        let link = link("APPLICATION_ID");
        for page in ["README.md", "docs/quick-start.md"] {
            let text = std::fs::read_to_string(page).unwrap();
            assert!(text.contains(&link), "{page} lacks {link}");
        }
        let page = std::fs::read_to_string("docs/quick-start.md").unwrap();
        let named = format!(
            "{} is View Channels ({}) + Send Messages ({}) + Embed Links ({}) + Attach Files ({})",
            PERMISSIONS.bits(),
            Permissions::VIEW_CHANNEL.bits(),
            Permissions::SEND_MESSAGES.bits(),
            Permissions::EMBED_LINKS.bits(),
            Permissions::ATTACH_FILES.bits()
        );
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains(&named), "{named}");
    }

    #[test]
    fn no_guild_is_known_once_when_every_shard_has_listed_none() {
        // The lists in their order, as shard and number of guilds, and for which of them the answer is yes.
        for (shards, lists, expected) in [
            (1, vec![(0, 0), (0, 0)], vec![true, false]),
            (1, vec![(0, 1), (0, 0)], vec![false, false]),
            (2, vec![(0, 0), (1, 0), (1, 0)], vec![false, true, false]),
            (2, vec![(0, 0), (0, 0), (1, 0)], vec![false, false, true]),
            (2, vec![(0, 0), (1, 3), (1, 0)], vec![false, false, false]),
        ] {
            let mut first = FirstLists::default();
            let answers = lists
                .iter()
                .map(|(shard, guilds)| first.show_no_guild(*shard, shards, *guilds));
            assert_eq!(answers.collect::<Vec<_>>(), expected, "{lists:?}");
        }
    }
}

//! The channels, roles and members of a guild, with their names.

use crate::sandbox::Sandbox;
use crate::shapes;
use crate::terminal::Names;
use crate::world::{Channel, GuildId, Member, Role};

impl Sandbox {
    /// Adds a text channel to a guild, announces it to the bot and returns its id.
    ///
    /// # Panics
    /// If there is no such guild.
    pub fn add_channel(&self, guild: GuildId, name: &str) -> u64 {
        self.shared.change(|world| {
            let id = world.new_id();
            let Some(known) = world.guild_mut(guild) else {
                panic!("there is no such guild");
            };
            let channel = Channel {
                id,
                name: name.to_owned(),
            };
            known.channels.push(channel.clone());
            let created = shapes::channel(known, &channel);
            world.dispatch("CHANNEL_CREATE", &created);
            id
        })
    }

    /// Renames a channel, and announces it to the bot.
    ///
    /// # Panics
    /// If there is no such channel.
    pub fn set_channel_name(&self, channel: u64, name: &str) {
        self.shared.change(|world| {
            let holds_it = |guild: &&mut crate::world::Guild| guild.has_channel(channel);
            let Some(guild) = world.guilds.iter_mut().find(holds_it) else {
                panic!("there is no such channel");
            };
            let mut channels = guild.channels.iter_mut();
            if let Some(known) = channels.find(|known| known.id == channel) {
                name.clone_into(&mut known.name);
                let renamed = known.clone();
                let updated = shapes::channel(guild, &renamed);
                world.dispatch("CHANNEL_UPDATE", &updated);
            }
        });
    }

    /// The names of a guild and of the bot, for showing its messages.
    pub fn names(&self, guild: GuildId) -> Names {
        let world = self.shared.read();
        let Some(known) = world.guild(guild) else {
            return Names::default();
        };
        let members = known.members.iter().map(|one| (one.id, one.name.clone()));
        let roles = known.roles.iter().map(|one| (one.id, one.name.clone()));
        let channels = known.channels.iter().map(|one| (one.id, one.name.clone()));
        Names {
            users: members.collect(),
            roles: roles.collect(),
            channels: channels.collect(),
        }
    }

    /// The text channels of a guild. The first one is `Sandbox::channel`.
    pub fn channels(&self, guild: GuildId) -> Vec<Channel> {
        let world = self.shared.read();
        world
            .guild(guild)
            .map_or_else(Vec::new, |guild| guild.channels.clone())
    }

    /// The roles of a guild, without @everyone.
    pub fn roles(&self, guild: GuildId) -> Vec<Role> {
        let world = self.shared.read();
        world
            .guild(guild)
            .map_or_else(Vec::new, |guild| guild.roles.clone())
    }

    /// Makes members known by their names: to the bot's requests, in what it receives about them, and in the client. A
    /// member whose id is known already is replaced.
    ///
    /// A user who is not known is still a member of each guild.
    pub fn add_members(&self, guild: GuildId, members: &[Member]) {
        self.shared.change(|world| {
            if let Some(guild) = world.guild_mut(guild) {
                let is_new = |known: &Member| members.iter().all(|new| new.id != known.id);
                guild.members.retain(is_new);
                guild.members.extend_from_slice(members);
            }
        });
    }

    /// The members of a guild that are known by their names.
    pub fn members(&self, guild: GuildId) -> Vec<Member> {
        let world = self.shared.read();
        world
            .guild(guild)
            .map_or_else(Vec::new, |guild| guild.members.clone())
    }
}

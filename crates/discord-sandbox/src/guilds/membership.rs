//! Which guilds the bot is in: it is removed from a guild, added to it again, or its token belongs to another bot.

use serde_json::json;

use crate::sandbox::Sandbox;
use crate::shapes;
use crate::world::GuildId;

impl Sandbox {
    /// Adds the bot to a new guild, which has a system channel, while the bot may be connected.
    pub fn invite_bot(&self, name: &str) -> GuildId {
        let id = self.add_guild(name);
        self.open_system_channel(id);
        self.announce_guild(id);
        id
    }

    /// Announces a guild that the bot is in, as Discord does when the guild is available again.
    pub fn announce_guild(&self, id: GuildId) {
        self.shared.change(|world| {
            let guild = world.guild(id).cloned();
            if let Some(guild) = guild {
                let created = shapes::guild(&guild, world);
                world.dispatch_in(id, "GUILD_CREATE", &created);
            }
        });
    }

    /// Removes the bot from a guild. Without a connection, the bot learns it from the next READY.
    pub fn remove_bot(&self, id: GuildId) {
        self.shared.change(|world| {
            let position = world.guilds.iter().position(|guild| guild.id == id);
            if let Some(guild) = position.map(|index| world.guilds.remove(index)) {
                world.left_guilds.push(guild);
                world.dispatch_in(id, "GUILD_DELETE", &json!({ "id": id.0.to_string() }));
            }
        });
    }

    /// Adds the bot again to a guild that had removed it.
    pub fn add_bot(&self, id: GuildId) {
        self.shared.change(|world| {
            let position = world.left_guilds.iter().position(|guild| guild.id == id);
            if let Some(guild) = position.map(|index| world.left_guilds.remove(index)) {
                let created = shapes::guild(&guild, world);
                world.guilds.push(guild);
                world.dispatch_in(id, "GUILD_CREATE", &created);
            }
        });
    }

    /// Announces that a guild is unavailable, as Discord does during an outage: the bot is still in it.
    pub fn guild_becomes_unavailable(&self, id: GuildId) {
        let data = json!({ "id": id.0.to_string(), "unavailable": true });
        self.shared
            .change(|world| world.dispatch_in(id, "GUILD_DELETE", &data));
    }

    /// Gives the token to another bot, with another application id, in the same guilds.
    pub fn replace_application(&self) {
        self.shared
            .change(|world| world.application_id = world.new_id());
    }
}

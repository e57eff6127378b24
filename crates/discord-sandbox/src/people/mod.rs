//! Acts as the members of a guild: types commands, presses buttons and waits for the replies.

mod forms;
mod menus;
mod sending;
pub(crate) mod slash;

use serde_json::{Value, json};

use crate::reply::{File, Reply};
use crate::sandbox::Sandbox;
use crate::world::{ADMINISTRATOR, Answer, Guild, GuildId, Member};
use sending::{AUTOCOMPLETE, Act, COMMAND};
use slash::{Offered, Parsed, Typed};

pub use forms::{Form, FormError};
pub use slash::SlashError;

/// A member of a guild who can act.
#[derive(Clone, Debug)]
pub struct As<'a> {
    sandbox: &'a Sandbox,
    member: Member,
    guild: GuildId,
    /// The channel that the member is in, if it is not the guild's first one.
    channel: Option<u64>,
    ignores_permissions: bool,
}

/// The member that the shortcuts of `Sandbox` act as; has the Manage Server permission.
pub(crate) fn admin() -> Member {
    Member::manager(1001, "ada")
}

impl Sandbox {
    /// Acts as a member of the guild that exists from the start.
    pub fn member(&self, member: &Member) -> As<'_> {
        As {
            sandbox: self,
            member: member.clone(),
            guild: self.guild(),
            channel: None,
            ignores_permissions: false,
        }
    }

    /// Types a command as a member with the Manage Server permission.
    ///
    /// # Panics
    /// If Discord's client would reject the command, or no reply comes.
    pub async fn slash(&self, line: &str) -> Reply {
        self.member(&admin()).slash(line).await
    }

    /// Like `slash`, with a file for one of the options.
    pub async fn slash_with_file(&self, line: &str, option: &str, file: File) -> Reply {
        match self
            .member(&admin())
            .try_slash_with_file(line, option, file)
            .await
        {
            Ok(reply) => reply,
            Err(error) => panic!("{line}: {error}"),
        }
    }

    /// Types part of a command; returns the choices for its last option as name and value.
    pub async fn autocomplete(&self, line: &str) -> Vec<(String, String)> {
        self.member(&admin()).autocomplete(line).await
    }

    /// Presses a button by its label or custom id.
    pub async fn press(&self, reply: &Reply, button: &str) -> Reply {
        self.member(&admin()).press(reply, button).await
    }

    /// Keeps a file that a member attaches to a command, and returns its id.
    pub(crate) fn upload(&self, file: File) -> u64 {
        self.shared.change(|world| {
            let id = world.new_id();
            world.uploads.insert(id, (file.name, file.content));
            id
        })
    }

    /// Reads a reply again, in its current form.
    pub fn refresh(&self, reply: &Reply) -> Reply {
        let mut fresh = reply.clone();
        if let Some(message) = self.shared.read().messages.get(&reply.message_id) {
            fresh.body = message.body.clone();
        }
        fresh
    }
}

impl As<'_> {
    pub fn in_guild(mut self, guild: GuildId) -> Self {
        self.guild = guild;
        self
    }

    /// In another channel of the guild than the first one.
    pub fn in_channel(mut self, channel: u64) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Also sends commands that Discord's client would hide, to test that the bot checks permissions by itself.
    pub fn forging(mut self) -> Self {
        self.ignores_permissions = true;
        self
    }

    /// # Panics
    /// If Discord's client would reject the command, or no reply comes.
    pub async fn slash(&self, line: &str) -> Reply {
        match self.try_slash(line).await {
            Ok(reply) => reply,
            Err(error) => panic!("{line}: {error}"),
        }
    }

    /// Types a command and waits for its reply.
    ///
    /// # Errors
    /// If Discord's client would reject the command, or no reply comes.
    pub async fn try_slash(&self, line: &str) -> Result<Reply, SlashError> {
        let typed = self.reading(|offered| slash::typed(line, offered))?;
        self.interact(self.command(&typed)?).await
    }

    /// Like `try_slash`, with a file for one of the options.
    ///
    /// # Errors
    /// If Discord's client would reject the command, or no reply comes.
    pub async fn try_slash_with_file(
        &self,
        line: &str,
        option: &str,
        file: File,
    ) -> Result<Reply, SlashError> {
        let id = self.sandbox.upload(file);
        let mut typed = self.reading(|offered| slash::typed(line, offered))?;
        typed.files.push((option.to_owned(), id));
        self.interact(self.command(&typed)?).await
    }

    /// The choices for the last option of a line, as name and value.
    ///
    /// # Panics
    /// If the line is invalid, or the bot does not respond with choices.
    pub async fn autocomplete(&self, line: &str) -> Vec<(String, String)> {
        match self.try_autocomplete(line).await {
            Ok(choices) => choices,
            Err(error) => panic!("{line}: {error}"),
        }
    }

    /// The choices for the last option of a line, as name and value.
    ///
    /// # Errors
    /// If the line is invalid, or the bot does not respond with choices in time.
    pub async fn try_autocomplete(&self, line: &str) -> Result<Vec<(String, String)>, SlashError> {
        let parsed = self.reading(|offered| slash::parse_partial(line, offered))?;
        self.completed(parsed).await
    }

    /// The choices for the focused option of a command.
    pub(crate) async fn complete(
        &self,
        typed: &Typed,
    ) -> Result<Vec<(String, String)>, SlashError> {
        let parsed = self.reading(|offered| slash::build(typed, offered))?;
        self.check_permission(&parsed)?;
        self.completed(parsed).await
    }

    async fn completed(&self, parsed: Parsed) -> Result<Vec<(String, String)>, SlashError> {
        let act = Act {
            kind: AUTOCOMPLETE,
            data: parsed.data,
            message: None,
        };
        let Answer::Choices(choices) = self.begin(act).await?.1 else {
            return Err(SlashError::NoAnswer);
        };
        let word = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        let named = choices.iter();
        Ok(named
            .map(|choice| (word(&choice["name"]), word(&choice["value"])))
            .collect())
    }

    /// A complete command, as Discord's client would send it.
    pub(crate) fn command(&self, typed: &Typed) -> Result<Act, SlashError> {
        let mut parsed = self.reading(|offered| slash::build(typed, offered))?;
        self.check_permission(&parsed)?;
        for (_, id) in &typed.files {
            parsed.data["resolved"]["attachments"][id.to_string()] = self.attachment(*id)?;
        }
        Ok(Act {
            kind: COMMAND,
            data: parsed.data,
            message: None,
        })
    }

    /// An uploaded file, as it is resolved for the bot.
    fn attachment(&self, id: u64) -> Result<Value, SlashError> {
        let world = self.sandbox.shared.read();
        let (name, content) = world
            .uploads
            .get(&id)
            .ok_or_else(|| SlashError::BadOption(format!("there is no file {id}")))?;
        let address = self.sandbox.shared.rest_address;
        let url = format!("http://{address}/sandbox/uploads/{id}");
        Ok(json!({
            "id": id.to_string(), "filename": name, "size": content.len(), "url": url, "proxy_url": url,
            "ephemeral": true,
        }))
    }

    fn guild_now(&self) -> Result<Guild, SlashError> {
        let world = self.sandbox.shared.read();
        let guild = world.guild(self.guild).cloned();
        guild.ok_or(SlashError::NoSuchGuild)
    }

    /// Reads what was typed against the commands and the names of the guild.
    fn reading<T>(
        &self,
        read: impl FnOnce(Offered<'_>) -> Result<T, SlashError>,
    ) -> Result<T, SlashError> {
        let guild = self.guild_now()?;
        let commands = self.sandbox.commands(self.guild);
        read(Offered {
            commands: &commands,
            guild: &guild,
        })
    }

    /// # Panics
    /// If there is no such button, or no reply comes.
    pub async fn press(&self, reply: &Reply, button: &str) -> Reply {
        match self.try_press(reply, button).await {
            Ok(reply) => reply,
            Err(error) => panic!("{button}: {error}"),
        }
    }

    /// Presses a button and waits for the reply.
    ///
    /// # Errors
    /// If there is no such button that can be pressed, or no reply comes.
    pub async fn try_press(&self, reply: &Reply, button: &str) -> Result<Reply, SlashError> {
        self.interact(self.press_of(reply, button)?).await
    }

    /// Presses a button that does not exist, with any custom id.
    ///
    /// # Errors
    /// If the bot opens a form, or no reply comes.
    pub async fn press_forged(&self, reply: &Reply, custom_id: &str) -> Result<Reply, SlashError> {
        self.interact(menus::press(reply, custom_id)).await
    }

    fn check_permission(&self, parsed: &Parsed) -> Result<(), SlashError> {
        let needed = parsed.command["default_member_permissions"]
            .as_str()
            .and_then(|bits| bits.parse::<u64>().ok());
        let held = self.member.permissions;
        let is_permitted =
            needed.is_none_or(|needed| held & needed == needed || held & ADMINISTRATOR != 0);
        if is_permitted || self.ignores_permissions {
            Ok(())
        } else {
            Err(SlashError::NotPermitted)
        }
    }
}

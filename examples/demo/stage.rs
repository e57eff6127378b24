//! Everything that the demo plays with: the stand-in for Discord with its channels and members, the machines, and the bot.

use discord_sandbox::{Member, Role, Sandbox};

use crate::bot::Bot;
use crate::machines::Machine;

pub type DemoResult = Result<(), Box<dyn std::error::Error>>;

const ON_CALL: u64 = 2001;

/// How many endpoints run on the machine that fails.
const RACK: usize = 12;

pub struct Stage {
    pub sandbox: Sandbox,
    pub bot: Bot,
    /// A web shop on a machine of its own.
    pub shop: Machine,
    /// A machine with twelve endpoints.
    pub rack: Machine,
    /// What the bot asks whether its own network works.
    pub internet: Machine,
    pub alerts: u64,
}

/// A member who may manage the server and is on call.
pub fn ada() -> Member {
    Member::manager(1001, "ada").with_role(ON_CALL)
}

/// A member who is on call.
pub fn sam() -> Member {
    Member::plain(1002, "sam").with_role(ON_CALL)
}

impl Stage {
    pub async fn open() -> Result<Self, Box<dyn std::error::Error>> {
        let builder = Sandbox::builder();
        let sandbox = builder
            .guild_name("Corner Shop")
            .bot_name("Rollcall")
            .start()
            .await;
        let guild = sandbox.guild();
        let role = Role::new(ON_CALL, "on-call").with_color(0xE6_7E_22);
        sandbox.set_roles(guild, &[role.mentionable()]);
        sandbox.add_members(guild, &[ada(), sam()]);
        let alerts = sandbox.add_channel(guild, "alerts");
        sandbox.add_channel(guild, "status");
        let internet = Machine::start(2)?;
        let hosts: Vec<_> = internet
            .ports()
            .map(|port| ([127, 0, 0, 1], port).into())
            .collect();
        Ok(Self {
            bot: Bot::start(&sandbox, &hosts)?,
            sandbox,
            shop: Machine::start(1)?,
            rack: Machine::start(RACK)?,
            internet,
            alerts,
        })
    }

    /// Waits until the bot is connected. Fails if it ends instead.
    pub async fn wait_until_ready(&mut self) -> DemoResult {
        tokio::select! {
            () = self.sandbox.wait_until_ready() => Ok(()),
            error = self.bot.ended() => Err(error.into()),
        }
    }

    /// The address of the shop. It has a name, so that the shop counts as another machine than the rack.
    pub fn shop_target(&self) -> String {
        let port = self.shop.ports().next().unwrap_or_default();
        format!("http://localhost:{port}/")
    }

    /// Stops the bot and removes its files.
    pub fn close(self) -> DemoResult {
        println!("Stopping the bot");
        Ok(self.bot.stop()?)
    }
}

//! Rollcall without a Discord account: the bot with a local sandbox instead of Discord, sample endpoints that go down and
//! recover, and a prompt for slash commands.
//!
//! `cargo run --example demo` opens the prompt; `-- --script` runs a fixed tour and exits.

#[path = "demo/bot.rs"]
mod bot;
#[path = "demo/channel.rs"]
mod channel;
#[path = "demo/listeners.rs"]
mod listeners;
#[path = "demo/prompt.rs"]
mod prompt;
#[path = "demo/tour.rs"]
mod tour;

use discord_sandbox::Sandbox;

const INTRODUCTION: &str = "\
Rollcall demo: the real bot, a local stand-in for Discord, and four sample endpoints.
One of them goes down and comes back every half a minute, and the channel #alerts says so. Nothing here reaches the network.
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let is_script = std::env::args().any(|argument| argument == "--script");
    println!("{INTRODUCTION}");
    let sandbox = Sandbox::start().await;
    let mut listeners = listeners::Listeners::start().await?;
    let bot = bot::Bot::start(&sandbox)?;
    println!("Starting the bot; its log is {}", bot.log().display());
    sandbox.wait_until_ready().await;
    let result = match is_script {
        true => tour::run(&sandbox, &mut listeners).await,
        false => prompt::run(&sandbox, &mut listeners).await,
    };
    println!("Stopping the bot");
    bot.stop()?;
    result
}

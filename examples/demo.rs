//! Rollcall without a Discord account: the bot with a local sandbox instead of Discord, sample endpoints that go down and
//! recover, and a prompt for slash commands.
//!
//! `cargo run --example demo` opens the prompt; `-- --web` opens the same in the browser, as in Discord's client;
//! `-- --script` runs a fixed tour and exits.

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
#[path = "demo/web.rs"]
mod web;

use discord_sandbox::Sandbox;

const INTRODUCTION: &str = "\
Rollcall demo: the real bot, a local stand-in for Discord, and four sample endpoints.
One of them goes down and comes back every half a minute, and the channel #alerts says so. Nothing here reaches the network.
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let has = |flag: &str| std::env::args().any(|argument| argument == flag);
    println!("{INTRODUCTION}");
    if has("--web") {
        return in_browser().await;
    }
    let is_script = has("--script");
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

/// The demo in the browser, until a signal ends it.
async fn in_browser() -> Result<(), Box<dyn std::error::Error>> {
    let mut stop = web::Stop::on_signals()?;
    let sandbox = web::builder().start().await;
    let alerts = web::name_everything(&sandbox);
    let mut listeners = listeners::Listeners::start().await?;
    let bot = bot::Bot::start(&sandbox)?;
    println!("Starting the bot; its log is {}", bot.log().display());
    let shown = async {
        sandbox.wait_until_ready().await;
        web::run(&sandbox, &mut listeners, alerts).await
    };
    let result = tokio::select! {
        result = shown => result,
        () = stop.wait() => Ok(()),
    };
    println!("Stopping the bot");
    bot.stop()?;
    result
}

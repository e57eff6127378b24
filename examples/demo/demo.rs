//! Rollcall without a Discord account: the real bot, a stand-in for Discord on this machine, and a story of a minute.
//!
//! `cargo run --example demo` plays a story in the terminal and then opens a prompt; `-- --web` shows it in the browser, in a page
//! like Discord's client; `-- --script` runs it without pauses, fails at the first surprise and exits.

mod bot;
mod completion;
mod controls;
mod machines;
mod prompt;
mod screen;
mod signals;
mod stage;
mod story;
mod terminal;
mod web;

use screen::Screen;
use stage::{DemoResult, Stage};

const INTRODUCTION: &str = "\
Rollcall demo: the real bot with its own SQLite file, a stand-in for Discord in
this process, and endpoints, jobs and a server on this machine. Connections go
to 127.0.0.1 only; nothing reaches Discord or the internet.
";

const HELP: &str = "\
Usage: cargo run --example demo [-- OPTION]

  (none)     a story of a minute, then a prompt for slash commands; Enter skips to the prompt
  --web      the same in the browser, in a page like Discord's client
  --script   the story without pauses, then the end; exit code 1 if something is not as expected
  --help     this text
";

enum Mode {
    Terminal,
    Web,
    Script,
}

fn mode() -> Result<Option<Mode>, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok(Some(Mode::Terminal)),
        ["--web"] => Ok(Some(Mode::Web)),
        ["--script"] => Ok(Some(Mode::Script)),
        ["--help" | "-h"] => Ok(None),
        _ => Err(format!("unknown arguments: {}", arguments.join(" "))),
    }
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match mode() {
        Ok(Some(mode)) => match run(&mode).await {
            Ok(()) => std::process::ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("The demo failed: {error}");
                std::process::ExitCode::FAILURE
            }
        },
        Ok(None) => {
            print!("{HELP}");
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprint!("{error}\n\n{HELP}");
            std::process::ExitCode::from(2)
        }
    }
}

/// Runs the demo until it ends or a signal ends it, and leaves nothing behind.
async fn run(mode: &Mode) -> DemoResult {
    println!("{INTRODUCTION}");
    let mut stop = signals::Stop::on_signals()?;
    let mut stage = Stage::open().await?;
    let shown = async {
        stage.wait_until_ready().await?;
        let screen = Screen::new();
        match mode {
            Mode::Script => story::play(&mut stage, &screen, story::Pauses::None).await,
            Mode::Terminal => prompt::after_story(&mut stage, &screen).await,
            Mode::Web => web::run(&mut stage, &screen).await,
        }
    };
    let result = tokio::select! {
        result = shown => result,
        () = stop.wait() => Ok(()),
    };
    stage.close()?;
    result
}

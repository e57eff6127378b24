//! The prompt: reads slash commands and prints their replies.

use std::io::Write;
use std::time::Duration;

use discord_sandbox::{File, Member, Reply, Sandbox};
use tokio::sync::mpsc;

use crate::channel::Channel;
use crate::listeners::Listeners;

const HELP: &str = "\
Type a slash command as in Discord, for example
  /endpoints list all:true
  /offline_endpoints list
  /offline_endpoints recheck ip:flaky
  /endpoint add target:tcp://127.0.0.1:1 name:nobody
  /endpoint import list.txt          (a file of yours)
  complete /endpoints show endpoint:  (what autocomplete offers)
  press Recheck all                  (a button of the last answer, or of the last message in #alerts)
  /mute monitor:flaky duration:5m
  help, quit";

/// The time between two changes of the flaky endpoint.
const CHANGE_EVERY: Duration = Duration::from_secs(30);

/// How often the channel is polled.
const POLL: Duration = Duration::from_millis(500);

pub async fn run(
    sandbox: &Sandbox,
    listeners: &mut Listeners,
) -> Result<(), Box<dyn std::error::Error>> {
    for sample in listeners.samples() {
        sandbox
            .slash(&format!(
                "/endpoint add target:{} name:{}",
                sample.target, sample.name
            ))
            .await;
    }
    sandbox.slash(&Channel::setup(sandbox)).await;
    println!("{HELP}");
    let mut lines = typed_lines();
    let mut channel = Channel::default();
    let mut last = channel.print_changes(sandbox);
    let mut change = Box::pin(tokio::time::sleep(CHANGE_EVERY));
    loop {
        print!("\n> ");
        std::io::stdout().flush()?;
        let line = loop {
            tokio::select! {
                line = lines.recv() => break line,
                () = &mut change => {
                    println!("(flaky {})", listeners.toggle_flaky().await?);
                    change.set(tokio::time::sleep(CHANGE_EVERY));
                }
                () = tokio::time::sleep(POLL) => last = channel.print_changes(sandbox).or(last),
            }
        };
        let Some(line) = line else { return Ok(()) };
        match line.trim() {
            "" => {}
            "quit" | "exit" => return Ok(()),
            "help" => println!("{HELP}"),
            line => answer(sandbox, line, &mut last).await,
        }
    }
}

/// The typed lines, read in their own thread, because reading a terminal blocks.
fn typed_lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

async fn answer(sandbox: &Sandbox, line: &str, last: &mut Option<Reply>) {
    let ada = Member::manager(1001, "ada");
    if let Some(partial) = line.strip_prefix("complete ") {
        for (name, value) in sandbox.member(&ada).autocomplete(partial).await {
            println!("{name}  →  {value}");
        }
        return;
    }
    let replied = match (line.strip_prefix("press "), last.as_ref()) {
        (Some(button), Some(last)) => sandbox.member(&ada).try_press(last, button).await,
        (Some(_), None) => {
            return println!("There is no answer yet whose button could be pressed.");
        }
        (None, _) => match line.strip_prefix("/endpoint import ") {
            Some(path) => match std::fs::read(path) {
                Ok(content) => {
                    let file = File {
                        name: "list.txt".into(),
                        content,
                    };
                    sandbox
                        .member(&ada)
                        .try_slash_with_file("/endpoint import", "file", file)
                        .await
                }
                Err(error) => return println!("{path} cannot be read: {error}"),
            },
            None => sandbox.member(&ada).try_slash(line).await,
        },
    };
    match replied {
        Ok(reply) => {
            // A public reply is in the channel and is printed from there.
            if reply.is_ephemeral() {
                print!("{}", reply.render());
            }
            *last = Some(reply);
        }
        Err(error) => println!("{error}"),
    }
}

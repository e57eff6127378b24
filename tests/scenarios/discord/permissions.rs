//! Commands for managers, without the permission: an admin of a guild can show a command to everybody. Walks all commands that
//! are registered, so that a new one cannot forget to ask.

use discord_sandbox::{File, Member, Sandbox};
use serde_json::Value;

use super::commands::{bot, connected};
use crate::harness::{Rollcall, Web, assert_contains};

/// A command that can be typed: its words, whether its root is for managers, and its options.
struct Typed {
    words: String,
    is_managing: bool,
    options: Vec<Value>,
}

fn collect(words: &str, command: &Value, is_managing: bool, typed: &mut Vec<Typed>) {
    let words = format!("{words}{}", command["name"].as_str().unwrap());
    let options = command["options"].as_array().cloned().unwrap_or_default();
    // Types 1 and 2 are subcommands and groups of them.
    let below = |option: &&Value| matches!(option["type"].as_u64(), Some(1 | 2));
    if !options.iter().any(|option| below(&option)) {
        let command = Typed {
            words,
            is_managing,
            options,
        };
        return typed.push(command);
    }
    for option in &options {
        collect(&format!("{words} "), option, is_managing, typed);
    }
}

/// Every command of the home guild.
fn all(sandbox: &Sandbox) -> Vec<Typed> {
    let mut typed = Vec::new();
    for command in sandbox.commands(sandbox.guild()) {
        let permissions = &command["default_member_permissions"];
        let is_managing = permissions.as_str().is_some_and(|bits| bits != "0");
        collect("/", &command, is_managing, &mut typed);
    }
    assert!(typed.len() > 40, "the commands were not found");
    typed
}

/// At least one of everything that a suggestion can be about.
async fn furnish(sandbox: &Sandbox, rollcall: &Rollcall, web: &Web) {
    let home = sandbox.guild().0.to_string();
    for add in [
        &["endpoint", "add", "203.0.113.7:80", "--name", "door"][..],
        &["device", "add", "pump"],
        &["server", "add", "mail"],
        &["key", "create", "--kind", "read"],
    ] {
        rollcall.done(&[add, &["--guild", &home]].concat());
    }
    let webhook = format!("/alerts webhook add name:hook url:{}", web.target());
    let channel = sandbox.channel(sandbox.guild());
    let summary = format!("/summary schedule period:daily channel:{channel}");
    for line in [
        "/group set monitor:door group:site",
        "/maintenance start title:works",
        &webhook,
        &summary,
    ] {
        let done = sandbox.slash(line).await;
        assert!(
            !done.text().contains("There is no"),
            "{line}: {}",
            done.render()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_managers_get_suggestions_for_the_options_of_managing_commands() {
    let (sandbox, rollcall) = bot().await;
    let web = Web::up();
    let _running = connected(&sandbox, &rollcall).await;
    furnish(&sandbox, &rollcall, &web).await;
    let bob = Member::plain(7, "bob");
    let mut asked = 0;
    for command in all(&sandbox).iter().filter(|command| command.is_managing) {
        let options = command.options.iter();
        for option in options.filter(|option| option["autocomplete"] == true) {
            let line = format!("{} {}:", command.words, option["name"].as_str().unwrap());
            let for_manager = sandbox.autocomplete(&line).await;
            assert!(!for_manager.is_empty(), "{line} suggests nothing");
            let for_member = sandbox.member(&bob).forging().autocomplete(&line).await;
            assert_eq!(for_member, [], "{line}");
            asked += 1;
        }
    }
    assert!(asked >= 20, "{asked} options");
    let read = sandbox
        .member(&bob)
        .autocomplete("/endpoints show endpoint:")
        .await;
    assert_eq!(read.len(), 1, "members may read");
}

/// A value that Discord's client accepts for an option; `None` for a file.
fn value(option: &Value) -> Option<String> {
    if let Some(choice) = option["choices"]
        .as_array()
        .and_then(|choices| choices.first())
    {
        return Some(choice["name"].as_str().unwrap().to_owned());
    }
    Some(match option["type"].as_u64().unwrap() {
        3 => "door".to_owned(),
        4 | 10 => option["min_value"].as_f64().unwrap_or(1.0).to_string(),
        5 => "true".to_owned(),
        11 => return None,
        _ => "1001".to_owned(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn only_managers_can_run_managing_commands() {
    let (sandbox, rollcall) = bot().await;
    let _running = connected(&sandbox, &rollcall).await;
    let bob = Member::plain(7, "bob");
    for command in all(&sandbox).iter().filter(|command| command.is_managing) {
        let mut line = command.words.clone();
        let mut file = None;
        for option in command
            .options
            .iter()
            .filter(|option| option["required"] == true)
        {
            let name = option["name"].as_str().unwrap();
            match value(option) {
                Some(value) => line += &format!(" \"{name}:{value}\""),
                None => file = Some(name),
            }
        }
        let bob = sandbox.member(&bob).forging();
        let refused = match file {
            Some(option) => {
                let file = File {
                    name: "x.txt".into(),
                    description: None,
                    content: b"203.0.113.9:80".to_vec(),
                };
                bob.try_slash_with_file(&line, option, file).await
            }
            None => bob.try_slash(&line).await,
        };
        let refused = refused.unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(refused.is_ephemeral(), "{line}");
        assert_contains(&refused, "You need the permission **Manage Server**");
    }
    assert_eq!(rollcall.list().len(), 0);
}

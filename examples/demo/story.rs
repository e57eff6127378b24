//! The story: what a small company sees of Rollcall in a minute. Every scene waits for what it shows and fails if that does not
//! come, so that the story can be part of a test run.

use std::collections::BTreeSet;
use std::time::Duration;

use discord_sandbox::{File, Member, Reply};

use crate::screen::Screen;
use crate::stage::{DemoResult, Stage, ada, sam};

/// Whether there are pauses to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pauses {
    ForReading,
    None,
}

/// The time to read a scene.
const PAUSE: Duration = Duration::from_millis(2_500);

/// The limit of every wait.
const PATIENCE: Duration = Duration::from_secs(30);

const RACK_IS_OFFLINE: &str = "12 monitors on 127.0.0.1 are offline";
const CAUSE: &str = "Probable cause";
const BACKUP_RECOVERED: &str = "backup was offline for";

/// How often commands are repeated while their answer is not there yet.
const AGAIN: Duration = Duration::from_millis(200);

/// Plays the whole story.
pub async fn play(stage: &mut Stage, screen: &Screen, pauses: Pauses) -> DemoResult {
    let story = Story { screen, pauses };
    story.alerts_and_first_endpoint(stage).await?;
    story.machine_fails(stage).await?;
    story.machine_recovers(stage).await?;
    story.backup_fails(stage).await?;
    story.own_network_fails(stage).await?;
    story.power_failure(stage).await?;
    story.everything_else(stage).await?;
    screen.heading("The end of the story");
    Ok(())
}

/// Sets up the same monitors and alerts as the story, after the user has skipped it.
pub async fn skip_to_the_end(stage: &mut Stage) -> DemoResult {
    stage.bot.start_again_if_killed()?;
    stage.wait_until_ready().await?;
    for machine in [&mut stage.internet, &mut stage.shop, &mut stage.rack] {
        machine.recovers()?;
    }
    let ada = ada();
    let ada = stage.sandbox.member(&ada);
    // The first message of the channel is the test of `/alerts setup`. What is there already is refused, which is fine.
    if stage.sandbox.messages_in(stage.alerts).is_empty() {
        let setup = "/alerts setup channel:#alerts role:@on-call";
        let _ = ada.try_slash(setup).await;
    }
    let add = format!("/endpoint add target:{} name:shop", stage.shop_target());
    let _ = ada.try_slash(&add).await;
    let _ = ada
        .try_slash_with_file("/endpoint import", "file", rack_file(stage))
        .await;
    Ok(())
}

/// The endpoints of the machine, as a file for `/endpoint import`.
fn rack_file(stage: &Stage) -> File {
    let lines = (1..).zip(stage.rack.ports());
    let lines = lines.map(|(number, port)| format!("127.0.0.1:{port} web-{number:02}\n"));
    File {
        name: "endpoints.txt".to_owned(),
        description: None,
        content: lines.collect::<String>().into_bytes(),
    }
}

struct Story<'a> {
    screen: &'a Screen,
    pauses: Pauses,
}

impl Story<'_> {
    async fn alerts_and_first_endpoint(&self, stage: &mut Stage) -> DemoResult {
        self.screen
            .heading("1  Alerts go to a channel, and the first endpoint answers");
        self.types(
            stage,
            &ada(),
            "/alerts setup channel:#alerts role:@on-call",
            "Alerts",
        )
        .await?;
        let add = format!("/endpoint add target:{} name:shop", stage.shop_target());
        self.types(stage, &ada(), &add, "First check").await?;
        self.pause().await;
        Ok(())
    }

    async fn machine_fails(&self, stage: &mut Stage) -> DemoResult {
        self.screen
            .heading("2  Twelve endpoints run on one machine, and it fails");
        let file = rack_file(stage);
        self.screen
            .action("ada", "types /endpoint import and attaches endpoints.txt");
        let imported = stage
            .sandbox
            .member(&ada())
            .try_slash_with_file("/endpoint import", "file", file)
            .await?;
        self.screen.reply(stage, &imported);
        self.until(stage, "/status", "13 online").await?;
        stage.rack.goes_down().await;
        if self.pauses == Pauses::ForReading {
            self.sees(stage, RACK_IS_OFFLINE, CAUSE).await?;
            self.pause().await;
        }
        Ok(())
    }

    async fn machine_recovers(&self, stage: &mut Stage) -> DemoResult {
        self.screen
            .heading("3  Sam is on it, and the machine recovers: the same message turns green");
        let incident = self.sees(stage, RACK_IS_OFFLINE, CAUSE).await?;
        self.screen.action("sam", "presses Acknowledge");
        stage
            .sandbox
            .member(&sam())
            .try_press(&incident, "Acknowledge")
            .await?;
        self.sees(stage, RACK_IS_OFFLINE, "Acknowledged").await?;
        self.pause().await;
        stage.rack.recovers()?;
        self.sees(stage, "12 monitors on 127.0.0.1 were offline for", "")
            .await?;
        self.pause().await;
        Ok(())
    }

    async fn backup_fails(&self, stage: &mut Stage) -> DemoResult {
        self.screen
            .heading("4  The backup fails, and the alert has its last line");
        let added = self
            .types(stage, &ada(), "/device add name:backup", "/ping/")
            .await?;
        let url = ping_url(added.text()).ok_or("the answer has no ping URL")?;
        let job = "echo 'dumping shop...'; echo 'pg_dump: error: no space left on device'; exit 1";
        self.screen.action(
            "cron",
            &format!("runs rollcall ping URL -- sh -c \"{job}\""),
        );
        stage.bot.run(&["ping", &url, "--", "sh", "-c", job])?;
        self.sees(stage, "backup is offline", "no space left on device")
            .await?;
        self.pause().await;
        self.screen.action("cron", "runs it again, and it works");
        stage.bot.run(&["ping", &url, "--", "true"])?;
        if self.pauses == Pauses::ForReading {
            self.sees(stage, BACKUP_RECOVERED, "").await?;
            self.pause().await;
        }
        Ok(())
    }

    async fn own_network_fails(&self, stage: &mut Stage) -> DemoResult {
        self.screen
            .heading("5  Rollcall loses its own network: no false alarm");
        let before = self.mentions(stage);
        stage.internet.hangs().await?;
        stage.rack.goes_down().await;
        stage.shop.goes_down().await;
        self.sees(stage, "Rollcall lost network connectivity", "on hold")
            .await?;
        self.pause().await;
        for machine in [&mut stage.internet, &mut stage.rack, &mut stage.shop] {
            machine.recovers()?;
        }
        self.sees(stage, BACKUP_RECOVERED, "").await?;
        self.sees(stage, "Rollcall had no network connectivity", "")
            .await?;
        self.until(stage, "/status", "14 online").await?;
        self.screen.show_changes(stage);
        if !self.mentions(stage).is_subset(&before) {
            return Err("there was an alert although only Rollcall's own network was down".into());
        }
        self.pause().await;
        Ok(())
    }

    async fn power_failure(&self, stage: &mut Stage) -> DemoResult {
        self.screen
            .heading("6  kill -9, and the shop goes down meanwhile: it is posted once");
        stage.bot.kill()?;
        stage.shop.goes_down().await;
        self.pause().await;
        stage.bot.start_again()?;
        self.sees(stage, "shop is offline", "").await?;
        self.pause().await;
        stage.shop.recovers()?;
        self.sees(stage, "shop was offline for", "").await?;
        let posted = self
            .messages(stage)
            .iter()
            .filter(|one| one.text().contains("shop was offline"))
            .count();
        if posted != 1 {
            return Err(format!("{posted} messages are about the shop instead of one").into());
        }
        self.pause().await;
        Ok(())
    }

    async fn everything_else(&self, stage: &mut Stage) -> DemoResult {
        self.screen
            .heading("7  Servers, a board, maintenance, and what everybody may read");
        let added = self
            .types(stage, &ada(), "/server add name:db-1", "rc_server_")
            .await?;
        let key = server_key(added.text()).ok_or("the answer has no key")?;
        std::fs::write(stage.bot.file("key"), key)?;
        self.screen.action("db-1", "runs rollcall agent --once");
        let address = std::fs::read_to_string(stage.bot.file("address"))?;
        let url = format!("http://{}", address.trim());
        let reported = stage
            .bot
            .run(&["agent", "--url", &url, "--key-file", "key", "--once"])?;
        if !reported.status.success() {
            return Err(String::from_utf8_lossy(&reported.stderr)
                .into_owned()
                .into());
        }
        self.types(stage, &ada(), "/servers show server:db-1", "disk")
            .await?;
        self.types(
            stage,
            &ada(),
            "/maintenance start monitor:shop duration:30m",
            "Maintenance",
        )
        .await?;
        self.types(stage, &ada(), "/board create channel:#status", "board")
            .await?;
        self.types(stage, &sam(), "/status", "online").await?;
        self.pause().await;
        Ok(())
    }

    /// A member types a command; its answer must contain some words.
    async fn types(
        &self,
        stage: &Stage,
        member: &Member,
        line: &str,
        words: &str,
    ) -> Result<Reply, Box<dyn std::error::Error>> {
        self.screen.action(&member.name, &format!("types {line}"));
        let reply = stage.sandbox.member(member).try_slash(line).await?;
        let reply = self.settled(stage, reply, words).await?;
        if reply.is_ephemeral() {
            self.screen.reply(stage, &reply);
        }
        self.screen.show_changes(stage);
        Ok(reply)
    }

    /// An answer that is edited until it contains the words.
    async fn settled(
        &self,
        stage: &Stage,
        reply: Reply,
        words: &str,
    ) -> Result<Reply, Box<dyn std::error::Error>> {
        let edited = async {
            loop {
                let reply = stage.sandbox.refresh(&reply);
                if reply.text().contains(words) {
                    return reply;
                }
                tokio::time::sleep(AGAIN).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, edited).await;
        found.map_err(|_| format!("`{words}` was expected in:\n{}", reply.render()).into())
    }

    /// Repeats a command until its answer contains the words, and shows that one.
    async fn until(&self, stage: &Stage, line: &str, words: &str) -> DemoResult {
        let ada = ada();
        let answered = async {
            loop {
                let reply = stage.sandbox.member(&ada).try_slash(line).await?;
                if reply.text().contains(words) {
                    return Ok::<_, Box<dyn std::error::Error>>(reply);
                }
                tokio::time::sleep(AGAIN).await;
            }
        };
        let reply = tokio::time::timeout(PATIENCE, answered).await;
        let reply = reply.map_err(|_| format!("`{words}` never came after {line}"))??;
        self.screen.action("ada", &format!("types {line}"));
        self.screen.reply(stage, &reply);
        Ok(())
    }

    /// Waits for a message in #alerts with these words, and shows what has changed.
    async fn sees(
        &self,
        stage: &Stage,
        title: &str,
        words: &str,
    ) -> Result<Reply, Box<dyn std::error::Error>> {
        let there = async {
            loop {
                let messages = self.messages(stage);
                let is_meant =
                    |one: &&Reply| one.text().contains(title) && one.text().contains(words);
                if let Some(found) = messages.iter().find(is_meant) {
                    return found.clone();
                }
                tokio::time::sleep(AGAIN).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, there).await;
        let found = found.map_err(|_| format!("`{title}` with `{words}` never came"))?;
        self.screen.show_changes(stage);
        Ok(found)
    }

    fn messages(&self, stage: &Stage) -> Vec<Reply> {
        stage.sandbox.messages_in(stage.alerts)
    }

    /// The messages with a mention.
    fn mentions(&self, stage: &Stage) -> BTreeSet<u64> {
        let mentions = |one: &&Reply| {
            let content = one.json()["content"].as_str();
            content.is_some_and(|text| text.contains("<@"))
        };
        let messages = self.messages(stage);
        messages
            .iter()
            .filter(mentions)
            .map(Reply::message_id)
            .collect()
    }

    async fn pause(&self) {
        if self.pauses == Pauses::ForReading {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The ping URL in an answer.
fn ping_url(text: String) -> Option<String> {
    let start = text.find("http://")?;
    let rest = &text[start..];
    let end = rest.find(|one: char| one.is_whitespace() || "`\"'>)".contains(one));
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

/// The key of a server in an answer.
fn server_key(text: String) -> Option<String> {
    let rest = &text[text.find("rc_server_")?..];
    let end = rest.find(|one: char| !one.is_ascii_alphanumeric() && one != '_');
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

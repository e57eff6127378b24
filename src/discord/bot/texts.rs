//! The texts of the bot itself in Discord: `/ping`, `/help` and `/bot health`.

use std::time::Duration;

use crate::discord::bot::help_topic::HelpTopic;
use crate::discord::ui::embed::relative;
use crate::discord::ui::error::CommandError;
use crate::domain::Timestamp;
use crate::domain::text;

// What Discord does not show

pub(super) const CHANNEL_NOT_SEEN: &str = "it does not exist, or the bot cannot see it";

// Ping

pub(super) fn pong(latency: Option<Duration>, uptime: Duration) -> String {
    let uptime = text::duration(uptime);
    match latency {
        Some(latency) => {
            let latency = text::latency(latency);
            format!("Pong. Gateway latency: {latency} · up for {uptime}")
        }
        None => format!("Pong. Gateway latency: not measured yet · up for {uptime}"),
    }
}

// Help

pub(super) const GUIDE_FOOTER: &str =
    "Choose a topic below. /help command:… shows the options of a command";
pub(super) const CHOOSE_TOPIC: &str = "Choose a topic";
pub(super) const ABOUT_ROLLCALL: &str = "Rollcall monitors endpoints, devices and servers. It notifies you when one goes offline and when it recovers.";
pub(super) const NEEDS_MANAGE_SERVER: &str = "Requires the permission **Manage Server**.";
pub(super) const NEEDS_RESPONDER: &str =
    "Requires an on-call role or the permission **Manage Server**.";
pub(super) const NO_OPTIONS: &str = "This command has no options.";

/// The title of a page of the guide, and its name in the menu.
pub(super) fn topic(topic: HelpTopic) -> &'static str {
    match topic {
        HelpTopic::Start => "First steps",
        HelpTopic::Checks => "Checks",
        HelpTopic::Devices => "Devices and jobs",
        HelpTopic::Servers => "Servers",
        HelpTopic::Alerts => "Incidents and alerts",
        HelpTopic::Silences => "Silences",
        HelpTopic::Keys => "Keys and API",
        HelpTopic::Bot => "About the bot",
    }
}

pub(super) fn step_alerts(command: &str) -> String {
    format!(
        "**1. Turn on alerts**\n{command} leads you to the first alert: channel, role, first endpoint, test."
    )
}

pub(super) fn step_endpoint(command: &str) -> String {
    format!(
        "**2. Add an endpoint**\n{command} adds a website or a port, such as `target:example.org`. Rollcall checks it from then on."
    )
}

pub(super) fn step_board(command: &str) -> String {
    format!(
        "**3. Create a board**\n{command} posts a message that always shows the current status."
    )
}

/// In place of the steps, for members who may take none of them.
pub(super) fn for_members(command: &str) -> String {
    format!(
        "{command} shows the current status. Members with the permission **Manage Server** add monitors and set up alerts."
    )
}

/// A line of a topic: a command and its description.
pub(super) fn command(mention: &str, description: &str) -> String {
    format!("{mention} {description}")
}

/// An option of a command.
pub(super) fn option(name: &str, description: &str, is_required: bool) -> String {
    match is_required {
        true => format!("`{name}` (required) {description}"),
        false => format!("`{name}` {description}"),
    }
}

pub(super) fn unknown_command(name: &str) -> CommandError {
    CommandError::Refused(format!(
        "Unknown command {}. Choose one from the list, or leave out `command` to see the guide.",
        text::code(&text::cut(name, 64))
    ))
}

// Health

pub(super) const HEALTHY: &str = "Rollcall is healthy";
pub(super) const UNHEALTHY: &str = "Rollcall has problems";
pub(super) const CONNECTION: &str = "Connection to Discord";
pub(super) const PROBLEMS: &str = "Problems";
pub(super) const NO_JOB_RUN: &str = "No background job has run yet.";

/// A fact of `/readyz` that does not hold, by its name there, and its state.
pub(super) fn problem(fact: &str, state: &str) -> String {
    format!("{}: {state}", fact.replace('_', " "))
}

pub(super) fn shards(count: usize) -> String {
    text::count(count as u64, "shard")
}

/// One line of the connection: a shard's number, stage and latency.
pub(super) fn shard(id: usize, is_ready: bool, stage: &str, latency: Option<Duration>) -> String {
    let mark = if is_ready { "🟢" } else { "🟡" };
    match latency {
        Some(latency) => format!("{mark} {id}: {stage} · {}", text::latency(latency)),
        None => format!("{mark} {id}: {stage} · latency not measured yet"),
    }
}

pub(super) fn failed_health_checks(count: u32) -> String {
    let checks = text::count(count.into(), "health check");
    format!("{checks} failed in a row")
}

/// The queues of the scheduler and of the database.
pub(super) fn queues(checks_queued: u64, checks_in_flight: u64, writes_waiting: u64) -> String {
    let queued = text::count(checks_queued, "check");
    let in_flight = text::count(checks_in_flight, "check");
    let writes = text::count(writes_waiting, "write");
    format!("{queued} waiting · {in_flight} running · {writes} waiting")
}

/// The last run of a background job.
pub(super) fn job_run(name: &str, started_at: Timestamp, took: Duration) -> String {
    let (started, took) = (relative(started_at), text::latency(took));
    format!("`{name}` {started} · took {took}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::NOW;

    const LATENCY: Duration = Duration::from_millis(45);

    #[test]
    fn texts_of_ping_and_help() {
        let texts = [
            pong(Some(LATENCY), Duration::from_secs(7_500)),
            pong(None, Duration::from_secs(12)),
            GUIDE_FOOTER.to_owned(),
            CHOOSE_TOPIC.to_owned(),
            ABOUT_ROLLCALL.to_owned(),
            step_alerts("`/one`"),
            step_endpoint("`/two`"),
            step_board("`/three`"),
            for_members("`/status`"),
            command("`/status`", "Count monitors by status"),
            NEEDS_MANAGE_SERVER.to_owned(),
            NEEDS_RESPONDER.to_owned(),
            NO_OPTIONS.to_owned(),
            option("target", "Address", true),
            option(
                "name",
                "Name (default: the host, with an unusual port)",
                false,
            ),
            unknown_command("@everyone").to_string(),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Pong. Gateway latency: 45 ms · up for 2 h 5 min
        Pong. Gateway latency: not measured yet · up for 12 s
        Choose a topic below. /help command:… shows the options of a command
        Choose a topic
        Rollcall monitors endpoints, devices and servers. It notifies you when one goes offline and when it recovers.
        **1. Turn on alerts**
        `/one` leads you to the first alert: channel, role, first endpoint, test.
        **2. Add an endpoint**
        `/two` adds a website or a port, such as `target:example.org`. Rollcall checks it from then on.
        **3. Create a board**
        `/three` posts a message that always shows the current status.
        `/status` shows the current status. Members with the permission **Manage Server** add monitors and set up alerts.
        `/status` Count monitors by status
        Requires the permission **Manage Server**.
        Requires an on-call role or the permission **Manage Server**.
        This command has no options.
        `target` (required) Address
        `name` Name (default: the host, with an unusual port)
        Unknown command `@everyone`. Choose one from the list, or leave out `command` to see the guide.
        ");
    }

    #[test]
    fn texts_of_health() {
        let texts = [
            HEALTHY.to_owned(),
            UNHEALTHY.to_owned(),
            CONNECTION.to_owned(),
            shards(1),
            shards(2),
            shard(0, true, "ready", Some(LATENCY)),
            shard(1, false, "identifying", None),
            failed_health_checks(1),
            failed_health_checks(4),
            queues(0, 1, 0),
            queues(1, 2, 1),
            problem("check_results", "failing"),
            NO_JOB_RUN.to_owned(),
            job_run("keep_alive", NOW, Duration::from_millis(3)),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Rollcall is healthy
        Rollcall has problems
        Connection to Discord
        1 shard
        2 shards
        🟢 0: ready · 45 ms
        🟡 1: identifying · latency not measured yet
        1 health check failed in a row
        4 health checks failed in a row
        0 checks waiting · 1 check running · 0 writes waiting
        1 check waiting · 2 checks running · 1 write waiting
        check results: failing
        No background job has run yet.
        `keep_alive` <t:1769860800:R> · took 3.00 ms
        ");
    }
}

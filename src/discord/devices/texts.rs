//! The texts of devices in Discord: errors and the sentences of cards.

use std::time::Duration;

use crate::discord::ui::embed;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::texts::{local_address, status_since};
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::heartbeat_schedule::{HeartbeatSchedule, cron_time};
use crate::domain::devices::public_url::PublicUrl;
use crate::domain::devices::shell_lines;
use crate::domain::monitor::MonitorKind;
use crate::domain::status::Status;
use crate::domain::text;
use crate::store::devices::device::Device;
use crate::store::devices::device_log::Line;

pub(super) const NO_DEVICES: &str = "No devices yet";
pub(super) const HOW_TO_ADD: &str = "Add one with `/device add`, which shows its ping URL. Devices can also register themselves with a fleet key, which `/keys create` creates.";

/// The label of the URL to which a device sends pings.
pub(super) const PING_URL: &str = "Ping URL";

/// The label of a device's slug, which is a part of the URL of pings.
pub(super) const SLUG: &str = "Slug";

/// The label of a device's log.
pub(super) const LOG: &str = "Log (newest first)";

/// The error if a device is removed between the search for its name and the command.
pub(super) fn already_removed() -> CommandError {
    CommandError::Refused("This device has been removed.".into())
}

/// `/device threshold` without an option.
pub(super) fn no_threshold() -> CommandError {
    CommandError::Refused(
        "Set `threshold`, such as `threshold:26h`, or `every` and `grace`, such as `every:1d grace:2h`. `threshold:default` resets it to the bot's setting."
            .into(),
    )
}

pub(super) fn threshold_and_schedule() -> CommandError {
    CommandError::Refused(
        "Choose either `threshold`, or `every` and `grace`, such as `every:1d grace:2h`.".into(),
    )
}

pub(super) fn list_title(count: usize) -> String {
    text::count(count as u64, "device")
}

/// A device in the list, in at most 160 characters. Its id distinguishes it, and commands accept it. The beginning of
/// its UUID shows which machine it is; the whole is a secret.
pub(super) fn listed(device: &Device) -> String {
    let (mark, id) = (embed::mark(device.status), device.id);
    let name = text::cut(&text::escape(&device.name), 70);
    let uuid = text::code(device.uuid.beginning());
    match device.last_seen_at {
        Some(at) => format!(
            "{mark} **{name}** · `#{id}` · {uuid} · last heartbeat {}",
            embed::relative(at)
        ),
        None => format!("{mark} **{name}** · `#{id}` · {uuid} · no heartbeat yet"),
    }
}

/// The last line of a list that does not show all devices.
pub(super) fn more(count: usize) -> String {
    format!("… and {}", text::count(count as u64, "more device"))
}

/// The status of a device, and why its last run failed; what to do if it has never sent anything. `shows_url` is whether the
/// ping URL is shown, too.
pub(super) fn status(device: &Device, shows_url: bool) -> String {
    if device.status == Status::Unknown && device.last_seen_at.is_none() {
        let what_to_do = match shows_url {
            true => "No heartbeat yet. Run its job, or send a request to its ping URL.",
            false => {
                "No heartbeat yet. Members with Manage Server see its ping URL in `/devices show`."
            }
        };
        return what_to_do.to_owned();
    }
    let status = status_since(MonitorKind::Device, device.status, device.since);
    match &device.failure {
        Some(failure) => {
            let reason = text::cut(&text::escape(failure), 500);
            format!("{status}: {reason}")
        }
        None => status,
    }
}

/// What the reply for an added device shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewDeviceReply<'a> {
    pub name: &'a str,
    pub ping_url: &'a str,
    pub address: &'a PublicUrl,
    /// `None`: the threshold from the settings, `default_threshold`.
    pub schedule: Option<HeartbeatSchedule>,
    pub default_threshold: Duration,
}

/// The reply that shows the ping URL of a new device and what to copy, in at most 2,000 characters.
pub(super) fn added(device: &NewDeviceReply<'_>) -> String {
    let time = device.schedule.and_then(|of| cron_time(of.every));
    let (threshold, every) = match device.schedule {
        Some(schedule) => (schedule.threshold(), schedule.every),
        None => (device.default_threshold, device.default_threshold),
    };
    let name = embed::bold(device.name);
    let threshold = text::duration(threshold);
    let about_crontab = match &time {
        Some(_) => REPLACE_JOB.to_owned(),
        None => replace_job_and_time(every),
    };
    let time = time.as_deref().unwrap_or(NO_CRON_TIME);
    let job = shell_lines::job_line(device.ping_url);
    let reported_job = shell_lines::reported_job_line(device.ping_url);
    let mut parts = vec![
        format!(
            "Added {name}. From its first ping on, it is offline after {threshold} without another ping, or as soon as its job reports a failure."
        ),
        KEEP_URL_SECRET.to_owned(),
        embed::block(device.ping_url),
        about_crontab,
        embed::block(&format!("{time} {job}")),
        WITH_PROGRAM.to_owned(),
        embed::block(&format!("{time} {reported_job}")),
        WITHOUT_JOB.to_owned(),
        embed::block(&shell_lines::heartbeat_line(device.ping_url)),
    ];
    parts.extend(local_address(device.address));
    parts.join("\n")
}

const KEEP_URL_SECRET: &str =
    "**Ping URL** · Anyone who has this URL can send pings. Keep it secret.";
const REPLACE_JOB: &str = "**Crontab line** · It reports the exit status and the output of each run. Replace `your-job` with your command.";
const WITH_PROGRAM: &str =
    "**Or**, if the program `rollcall` is installed there · It reports the start, too.";
const WITHOUT_JOB: &str = "**Ping without a job**";

/// In place of the time of a crontab line. No cron accepts it, so nothing runs before it is replaced.
const NO_CRON_TIME: &str = "<minute> <hour> <day> <month> <weekday>";

fn replace_job_and_time(every: Duration) -> String {
    let every = text::duration(every);
    format!(
        "**Crontab line** · It reports the exit status and the output of each run. Replace `your-job` with your command, and `{NO_CRON_TIME}` with times that are at most {every} apart."
    )
}

/// The ping URL on the card of a device.
pub(super) fn ping_url(address: &PublicUrl, uuid: &DeviceUuid) -> String {
    let url = text::code(&address.ping_url(uuid));
    match local_address(address) {
        Some(note) => format!("{url}\n{note}"),
        None => url,
    }
}

/// One log line in at most 200 characters, so that five fit into a field.
pub(super) fn log_line(line: &Line) -> String {
    // The output of a job says at its end how it went.
    let mut lines = line.message.lines().map(str::trim);
    let message = match &*line.kind {
        "line" => lines.next(),
        _ => lines.rev().find(|line| !line.is_empty()),
    };
    let message = message.unwrap_or_default();
    let mut parts = vec![embed::relative(line.at)];
    parts.extend(ping(&line.kind, line.run_time));
    if !message.is_empty() {
        parts.push(text::cut(&text::escape(message), 120));
    }
    parts.join(" · ")
}

/// The ping that a log line records; `None` if it records a message only.
fn ping(kind: &str, run_time: Option<Duration>) -> Option<String> {
    match (kind, run_time.map(length)) {
        ("line", _) => None,
        ("fail", Some(length)) => Some(format!("failure after {length}")),
        ("fail", None) => Some("failure".to_owned()),
        (kind, Some(length)) => Some(format!("{kind} after {length}")),
        (kind, None) => Some(kind.to_owned()),
    }
}

/// The length of a run. It may be a few milliseconds or several hours.
fn length(run_time: Duration) -> String {
    if run_time < Duration::from_secs(60) {
        text::latency(run_time)
    } else {
        text::duration(run_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::domain::devices::public_url::MAX_PUBLIC_URL_BYTES;
    use crate::domain::devices::slug::Slug;
    use crate::domain::discord_id::GuildId;
    use crate::domain::monitor::MonitorId;

    fn pump() -> Device {
        Device {
            id: MonitorId(7),
            guild_id: GuildId(1),
            uuid: DeviceUuid::from_random([7; 16]),
            name: "pump".into(),
            device_type: None,
            status: Status::Online,
            since: NOW,
            is_active: true,
            last_seen_at: Some(NOW),
            failure: None,
            threshold: None,
            created_at: NOW,
            slug: Slug::parse("pump").ok(),
            group: None,
        }
    }

    fn address(text: &str) -> PublicUrl {
        PublicUrl::parse(text).unwrap()
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "most of it is the snapshot")]
    fn texts_of_added_devices() {
        let address = address("https://example.org");
        let ping_url = address.ping_url(&pump().uuid);
        let shown = |every: Option<&str>, grace: Option<&str>| {
            added(&NewDeviceReply {
                name: "backup",
                ping_url: &ping_url,
                address: &address,
                schedule: HeartbeatSchedule::parse(every, grace).unwrap(),
                default_threshold: Duration::from_secs(300),
            })
        };
        let texts = [
            shown(Some("1d"), Some("2h")),
            shown(Some("45m"), None),
            shown(None, None),
        ];
        insta::assert_snapshot!(texts.join("\n---\n"), @r#"
        Added **backup**. From its first ping on, it is offline after 1 d 2 h without another ping, or as soon as its job reports a failure.
        **Ping URL** · Anyone who has this URL can send pings. Keep it secret.
        ```
        https://example.org/ping/07070707-0707-4707-8707-070707070707
        ```
        **Crontab line** · It reports the exit status and the output of each run. Replace `your-job` with your command.
        ```
        0 3 * * * output=$(your-job 2>&1); code=$?; printf \%s "$output" | tail -c 10000 | curl -fsS -m 10 --retry 5 -o /dev/null --data-binary @- "https://example.org/ping/07070707-0707-4707-8707-070707070707/$code"
        ```
        **Or**, if the program `rollcall` is installed there · It reports the start, too.
        ```
        0 3 * * * rollcall ping "https://example.org/ping/07070707-0707-4707-8707-070707070707" -- your-job
        ```
        **Ping without a job**
        ```
        curl -fsS -m 10 --retry 5 -o /dev/null "https://example.org/ping/07070707-0707-4707-8707-070707070707"
        ```
        ---
        Added **backup**. From its first ping on, it is offline after 49 min 30 s without another ping, or as soon as its job reports a failure.
        **Ping URL** · Anyone who has this URL can send pings. Keep it secret.
        ```
        https://example.org/ping/07070707-0707-4707-8707-070707070707
        ```
        **Crontab line** · It reports the exit status and the output of each run. Replace `your-job` with your command, and `<minute> <hour> <day> <month> <weekday>` with times that are at most 45 min apart.
        ```
        <minute> <hour> <day> <month> <weekday> output=$(your-job 2>&1); code=$?; printf \%s "$output" | tail -c 10000 | curl -fsS -m 10 --retry 5 -o /dev/null --data-binary @- "https://example.org/ping/07070707-0707-4707-8707-070707070707/$code"
        ```
        **Or**, if the program `rollcall` is installed there · It reports the start, too.
        ```
        <minute> <hour> <day> <month> <weekday> rollcall ping "https://example.org/ping/07070707-0707-4707-8707-070707070707" -- your-job
        ```
        **Ping without a job**
        ```
        curl -fsS -m 10 --retry 5 -o /dev/null "https://example.org/ping/07070707-0707-4707-8707-070707070707"
        ```
        ---
        Added **backup**. From its first ping on, it is offline after 5 min without another ping, or as soon as its job reports a failure.
        **Ping URL** · Anyone who has this URL can send pings. Keep it secret.
        ```
        https://example.org/ping/07070707-0707-4707-8707-070707070707
        ```
        **Crontab line** · It reports the exit status and the output of each run. Replace `your-job` with your command, and `<minute> <hour> <day> <month> <weekday>` with times that are at most 5 min apart.
        ```
        <minute> <hour> <day> <month> <weekday> output=$(your-job 2>&1); code=$?; printf \%s "$output" | tail -c 10000 | curl -fsS -m 10 --retry 5 -o /dev/null --data-binary @- "https://example.org/ping/07070707-0707-4707-8707-070707070707/$code"
        ```
        **Or**, if the program `rollcall` is installed there · It reports the start, too.
        ```
        <minute> <hour> <day> <month> <weekday> rollcall ping "https://example.org/ping/07070707-0707-4707-8707-070707070707" -- your-job
        ```
        **Ping without a job**
        ```
        curl -fsS -m 10 --retry 5 -o /dev/null "https://example.org/ping/07070707-0707-4707-8707-070707070707"
        ```
        "#);
    }

    #[test]
    fn the_page_about_devices_shows_the_line_of_the_reply() {
        let url = "https://rollcall.example.org/ping/<uuid>";
        let page = include_str!("../../../docs/devices.md");
        for line in [
            shell_lines::job_line(url),
            shell_lines::reported_job_line(url),
        ] {
            assert!(page.contains(&format!("\n0 3 * * * {line}\n")), "{line}");
        }
    }

    #[test]
    fn the_reply_for_an_added_device_fits_with_the_longest_texts() {
        let address = address(&format!("http://{}a", "a.".repeat(96)));
        assert_eq!(address.as_str().len(), MAX_PUBLIC_URL_BYTES);
        let shown = added(&NewDeviceReply {
            name: &"*".repeat(64),
            ping_url: &address.ping_url(&pump().uuid),
            address: &address,
            schedule: HeartbeatSchedule::parse(Some("2111111"), Some("59s")).unwrap(),
            default_threshold: Duration::from_secs(300),
        });
        assert!(shown.chars().count() < 2_000, "{shown}");
    }

    #[test]
    fn texts_of_devices() {
        let new = Device {
            status: Status::Unknown,
            last_seen_at: None,
            ..pump()
        };
        let failed = Device {
            status: Status::Offline,
            failure: Some("exit status 3: disk full".into()),
            ..pump()
        };
        let texts = [
            NO_DEVICES.to_owned(),
            HOW_TO_ADD.to_owned(),
            LOG.to_owned(),
            SLUG.to_owned(),
            already_removed().to_string(),
            list_title(1),
            list_title(40),
            listed(&pump()),
            listed(&new),
            no_threshold().to_string(),
            threshold_and_schedule().to_string(),
            more(1),
            more(15),
            status(&pump(), true),
            status(&failed, true),
            status(&new, true),
            status(&new, false),
            PING_URL.to_owned(),
            ping_url(&address("https://example.org"), &new.uuid),
            ping_url(&PublicUrl::bound(([127, 0, 0, 1], 8080).into()), &new.uuid),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        No devices yet
        Add one with `/device add`, which shows its ping URL. Devices can also register themselves with a fleet key, which `/keys create` creates.
        Log (newest first)
        Slug
        This device has been removed.
        1 device
        40 devices
        🟢 **pump** · `#7` · `07070707` · last heartbeat <t:1769860800:R>
        ⚪ **pump** · `#7` · `07070707` · no heartbeat yet
        Set `threshold`, such as `threshold:26h`, or `every` and `grace`, such as `every:1d grace:2h`. `threshold:default` resets it to the bot's setting.
        Choose either `threshold`, or `every` and `grace`, such as `every:1d grace:2h`.
        … and 1 more device
        … and 15 more devices
        online, changed <t:1769860800:R>
        went offline <t:1769860800:R>: exit status 3: disk full
        No heartbeat yet. Run its job, or send a request to its ping URL.
        No heartbeat yet. Members with Manage Server see its ping URL in `/devices show`.
        Ping URL
        `https://example.org/ping/07070707-0707-4707-8707-070707070707`
        `http://127.0.0.1:8080/ping/07070707-0707-4707-8707-070707070707`
        Other machines cannot use `http://127.0.0.1:8080`. Set `PUBLIC_URL` in the settings of Rollcall to the address that they use, such as `PUBLIC_URL=https://rollcall.example.org`.
        ");
    }

    #[test]
    fn texts_of_a_device_log() {
        let line = |kind: &str, run_time: Option<u64>, message: &str| {
            log_line(&Line {
                id: 1,
                at: NOW,
                kind: kind.into(),
                level: None,
                device_time: None,
                message: message.into(),
                run_time: run_time.map(Duration::from_millis),
            })
        };
        let texts = [
            line("line", None, "pump started\nsecond line"),
            line("line", None, ""),
            line("start", None, ""),
            line("success", None, "backup complete"),
            line("success", Some(12), ""),
            line("success", Some(7_500_000), "backup complete"),
            line("fail", None, "copying\ndisk full\n\n"),
            line("fail", Some(4_200), "disk full"),
            line("log", None, "half of the files are copied"),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        <t:1769860800:R> · pump started
        <t:1769860800:R>
        <t:1769860800:R> · start
        <t:1769860800:R> · success · backup complete
        <t:1769860800:R> · success after 12 ms
        <t:1769860800:R> · success after 2 h 5 min · backup complete
        <t:1769860800:R> · failure · disk full
        <t:1769860800:R> · failure after 4.2 s · disk full
        <t:1769860800:R> · log · half of the files are copied
        ");
    }
}

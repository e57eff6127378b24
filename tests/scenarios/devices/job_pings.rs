//! `rollcall ping` runs a job and reports it as `docs/devices.md` describes it.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::devices::http_devices_servers::{device, key, read_with, text};
use crate::harness::other_machine::{Ended, OtherMachine};
use crate::harness::own_timer::stopwatch;
use crate::harness::{Rollcall, Running};

/// The local monitor list.
const LOCAL: &str = "0";

/// A device, and what tests need to read it.
pub struct Backup {
    pub uuid: String,
    pub read: String,
}

impl Backup {
    pub fn add(rollcall: &Rollcall) -> Self {
        let added = rollcall.done(&["device", "add", "backup", "--json"]).json();
        Self {
            uuid: text(&added["uuid"]),
            read: key(rollcall, "read", LOCAL),
        }
    }

    pub fn url(&self, running: &Running<'_>) -> String {
        format!("http://{}/ping/{}", running.address(), self.uuid)
    }

    /// The status of the device, and why its last run failed.
    pub fn state(&self, running: &Running<'_>) -> (String, Value) {
        let path = format!("/api/v1/devices/{}", self.uuid);
        let shown = read_with(running, &self.read, &path).json;
        (text(&shown["status"]), shown["failure"].clone())
    }

    /// The kinds and the messages of the pings so far, and whether each has a run time.
    pub fn log(&self, running: &Running<'_>) -> Vec<(String, String, bool)> {
        let path = format!("/api/v1/devices/{}/logs", self.uuid);
        let page = read_with(running, &self.read, &path).json;
        let lines = page["logs"].as_array().unwrap().iter();
        let shown = |line: &Value| {
            (
                text(&line["kind"]),
                text(&line["message"]),
                line["run_ms"].is_number(),
            )
        };
        lines.map(shown).collect()
    }
}

/// Runs `rollcall ping` with these arguments.
fn ping(machine: &OtherMachine, arguments: &[&str]) -> Ended {
    let arguments = [&["ping"], arguments].concat();
    machine.rollcall(&arguments).ended()
}

fn line(kind: &str, message: &str, has_run_time: bool) -> (String, String, bool) {
    (kind.to_owned(), message.to_owned(), has_run_time)
}

#[test]
fn a_job_passes_through_and_is_reported_with_its_run_time() {
    let rollcall = Rollcall::new();
    let backup = Backup::add(&rollcall);
    let running = rollcall.run();
    let machine = OtherMachine::new();
    let url = backup.url(&running);
    let job = "cat; echo done; umask";
    let mut program = machine.rollcall(&["ping", &url, "--", "sh", "-c", job]);
    program.input("one file\n");
    let ended = program.ended();
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{ended:?}");
    let umask = machine
        .start("/bin/sh", &["-c", "umask"], "")
        .ended()
        .text();
    let output = format!("one file\ndone\n{umask}");
    assert_eq!(ended.text(), output, "the job has the umask of its caller");
    let expected = [line("start", "", false), line("success", &output, true)];
    assert_eq!(backup.log(&running), expected);
    assert_eq!(backup.state(&running), ("online".into(), Value::Null));
    assert_eq!(machine.files(), Vec::<String>::new());
}

#[test]
fn the_exit_status_of_a_failed_job_is_kept_and_its_last_line_is_the_reason() {
    let rollcall = Rollcall::new();
    let backup = Backup::add(&rollcall);
    let running = rollcall.run();
    let machine = OtherMachine::new();
    let url = backup.url(&running);
    let file = machine.secret_file("no-program", "text");
    for (job, code, out, err, failure) in [
        (
            vec!["sh", "-c", "echo one >&2; echo 'disk full' >&2; exit 3"],
            3,
            "",
            "one\ndisk full\n",
            "exit status 3: disk full",
        ),
        (
            vec!["sh", "-c", "kill -KILL $$"],
            137,
            "",
            "",
            "exit status 137",
        ),
        (
            vec!["no-such-job"],
            127,
            "",
            "rollcall ping: cannot run no-such-job: there is no such command\n",
            "exit status 127: cannot run no-such-job: there is no such command",
        ),
        (
            vec![&file],
            126,
            "",
            &format!("rollcall ping: cannot run {file}: it is not executable\n"),
            &format!("exit status 126: cannot run {file}: it is not executable"),
        ),
    ] {
        let ended = ping(&machine, &[&[url.as_str(), "--"], job.as_slice()].concat());
        assert_eq!((ended.code, ended.text().as_str()), (code, out), "{job:?}");
        assert_eq!(ended.err, err, "{job:?}");
        let expected = ("offline".to_owned(), json!(failure));
        assert_eq!(backup.state(&running), expected, "{job:?}");
    }
}

#[test]
fn five_megabytes_of_output_pass_through_unchanged() {
    let rollcall = Rollcall::new();
    let backup = Backup::add(&rollcall);
    let running = rollcall.run();
    let machine = OtherMachine::new();
    let mut bytes: Vec<u8> = (0_u32..5 * 1024 * 1024)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    bytes.extend_from_slice(b"\nthe last line\n");
    std::fs::write(machine.path("output"), &bytes).unwrap();
    let url = backup.url(&running);
    let job = ["--quiet", &url, "--", "sh", "-c", "cat output; exit 4"];
    let ended = ping(&machine, &job);
    assert_eq!((ended.code, ended.err.as_str()), (4, ""));
    assert!(ended.out == bytes, "{} bytes", ended.out.len());
    let failure = json!("exit status 4: the last line");
    assert_eq!(backup.state(&running), ("offline".into(), failure));
}

#[test]
fn output_arrives_while_the_job_runs_and_a_closed_output_ends_it() {
    let rollcall = Rollcall::new();
    let backup = Backup::add(&rollcall);
    let running = rollcall.run();
    let machine = OtherMachine::new();
    let url = backup.url(&running);
    let mut program = machine.rollcall(&["ping", &url, "--", "sh", "-c", "printf half; read line"]);
    program.wait_for_output("half");
    program.input("\n");
    assert_eq!(program.ended().code, 0);
    // `yes` ends by itself only because nobody reads its output.
    let script = r#""$0" ping "$1" -- yes | head -n 1"#;
    let arguments = ["-c", script, env!("CARGO_BIN_EXE_rollcall"), &url];
    let path = std::env::var("PATH").unwrap();
    let ended = machine.start("/bin/sh", &arguments, &path).ended();
    assert_eq!(ended.text(), "y\n", "{ended:?}");
    let (status, failure) = backup.state(&running);
    assert_eq!(status, "offline");
    assert!(text(&failure).starts_with("exit status 1"), "{failure}");
}

#[test]
fn an_unreachable_rollcall_changes_neither_the_output_nor_the_exit_status() {
    let machine = OtherMachine::new();
    let uuid = "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f";
    let url = format!("http://127.0.0.1:1/ping/{uuid}");
    let job = ["--", "sh", "-c", "echo out; exit 3"];
    let start = stopwatch();
    let program = machine.rollcall(&[&["ping", url.as_str()], job.as_slice()].concat());
    program.wait_for_output("out");
    assert!(start.elapsed().as_secs() < 20, "the job waits for no ping");
    let ended = program.ended();
    assert_eq!((ended.code, ended.text().as_str()), (3, "out\n"));
    let note = "rollcall ping: the end of the job was not reported: Connection refused";
    assert!(ended.err.starts_with(note), "{ended:?}");
    assert!(!ended.err.contains(uuid), "{ended:?}");
    // A signal ends the wait.
    let arguments = [&["ping", "--quiet", url.as_str()], job.as_slice()].concat();
    let program = machine.rollcall(&arguments);
    program.wait_for_output("out");
    program.wait_for_children_to_end();
    program.signal("TERM");
    let ended = program.ended();
    assert_eq!((ended.code, ended.err.as_str()), (3, ""));
}

#[test]
fn the_end_is_reported_once_rollcall_is_up_again() {
    let rollcall = Rollcall::new();
    let backup = Backup::add(&rollcall);
    let running = rollcall.run();
    let (url, address) = (backup.url(&running), running.address().to_string());
    assert_eq!(running.stop().0, 0);
    let machine = OtherMachine::new();
    let program = machine.rollcall(&["ping", &url, "--", "sh", "-c", "echo out; exit 3"]);
    program.wait_for_output("out");
    let rollcall = rollcall.with("HTTP_BIND", address);
    let running = rollcall.run();
    let ended = program.ended();
    assert_eq!((ended.code, ended.err.as_str()), (3, ""));
    assert_eq!(
        backup.state(&running),
        ("offline".into(), json!("exit status 3: out"))
    );
}

#[test]
fn a_ping_without_a_job_succeeds_or_says_why_not() {
    let rollcall = Rollcall::new();
    let backup = Backup::add(&rollcall);
    let ping_key = key(&rollcall, "ping", LOCAL);
    let running = rollcall.run();
    let machine = OtherMachine::new();
    let url = backup.url(&running);
    let file = machine.secret_file("url", &format!("{url}/log\n"));
    let by_slug = format!("http://{}/ping/{ping_key}/mail?create=1", running.address());
    for arguments in [
        vec![url.as_str()],
        vec!["--url-file", &file],
        vec![&by_slug],
    ] {
        let ended = ping(&machine, &arguments);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{arguments:?}");
    }
    let kinds = [line("success", "", false), line("log", "", false)];
    assert_eq!(backup.log(&running), kinds);
    let unknown = format!("{}0", &url[..url.len() - 1]);
    let unknown = if unknown == url {
        format!("{}1", &url[..url.len() - 1])
    } else {
        unknown
    };
    for (flag, printed) in [
        (
            None,
            "rollcall ping: the ping was not delivered: 404 Not Found: not found\n",
        ),
        (Some("--quiet"), ""),
    ] {
        let arguments: Vec<&str> = flag.into_iter().chain([unknown.as_str()]).collect();
        let ended = ping(&machine, &arguments);
        assert_eq!((ended.code, ended.err.as_str()), (1, printed));
    }
}

#[test]
fn a_job_with_a_slug_adds_its_device() {
    let rollcall = Rollcall::new();
    let ping_key = key(&rollcall, "ping", LOCAL);
    let read = key(&rollcall, "read", LOCAL);
    let running = rollcall.run();
    let machine = OtherMachine::new();
    let url = format!("http://{}/ping/{ping_key}/mail?create=1", running.address());
    let ended = ping(&machine, &[&url, "--", "sh", "-c", "exit 5"]);
    assert_eq!((ended.code, ended.err.as_str()), (5, ""));
    let devices = read_with(&running, &read, "/api/v1/devices").json;
    let uuid = text(&devices["devices"][0]["uuid"]);
    assert_eq!(device(&running, &read, &uuid)["failure"], "exit status 5");
}

#[test]
fn a_wrong_url_is_a_mistake_but_a_lost_file_does_not_stop_the_job() {
    let machine = OtherMachine::new();
    let job = ["--", "echo", "out"];
    for (url, expected) in [
        (
            "https://canary.example.org",
            "error: URL: this is not a ping URL of Rollcall.",
        ),
        (
            "https://example.org/ping/canary/backup/start",
            "error: URL: the ping URL of a job must end with the device",
        ),
    ] {
        let ended = ping(&machine, &[&[url], job.as_slice()].concat());
        assert_eq!((ended.code, ended.out.len()), (2, 0), "{ended:?}");
        assert!(ended.err.starts_with(expected), "{ended:?}");
        assert!(!ended.err.contains("canary"), "{ended:?}");
    }
    let invalid = machine.secret_file("invalid", "canary");
    std::fs::set_permissions(&invalid, std::fs::Permissions::from_mode(0o644)).unwrap();
    let lost = machine.path("lost");
    for (file, expected) in [
        (&lost, "there is no such file or folder"),
        (&invalid, "this is not a ping URL of Rollcall."),
    ] {
        let ended = ping(
            &machine,
            &[&["--url-file", file.as_str()], job.as_slice()].concat(),
        );
        assert_eq!(
            (ended.code, ended.text().as_str()),
            (0, "out\n"),
            "{ended:?}"
        );
        assert!(
            ended
                .err
                .contains("rollcall ping: the job runs without pings: --url-file: "),
            "{ended:?}"
        );
        assert!(
            ended.err.contains(expected) && !ended.err.contains("canary"),
            "{ended:?}"
        );
        let is_warned = ended.err.contains("warning: other users can read");
        assert_eq!(is_warned, file == &invalid, "{ended:?}");
    }
    let ended = ping(&machine, &["--url-file", &lost]);
    assert_eq!(ended.code, 2, "without a job, it is a mistake: {ended:?}");
}

//! Pings from a device's job: it has started, succeeded or failed, or it sends a line for the log.

use std::time::Duration;

use strum::IntoStaticStr;

use crate::monitor::ValidationError;
use crate::text;

/// The maximum length of a device's failure reason, in characters.
const LONGEST_REASON: usize = 200;

/// The meaning of a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Signal {
    Start,
    Success,
    /// With the exit status, if one was given.
    Fail(Option<u8>),
    /// A heartbeat with a line for the log; it says nothing about the job's result.
    Log,
}

impl Signal {
    /// Reads the last segment of a ping's path: `start`, `success`, `fail`, `log`, or an exit status from 0 to 255.
    pub fn from_path(part: &str) -> Option<Self> {
        match part {
            "start" => Some(Self::Start),
            "success" => Some(Self::Success),
            "fail" => Some(Self::Fail(None)),
            "log" => Some(Self::Log),
            status => match status.parse().ok()? {
                0 => Some(Self::Success),
                status => Some(Self::Fail(Some(status))),
            },
        }
    }

    /// The name in storage.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Whether the signal ends a run of the job.
    pub const fn ends_run(self) -> bool {
        matches!(self, Self::Success | Self::Fail(_))
    }
}

/// One ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    pub signal: Signal,
    /// The run's ID, which distinguishes runs at the same time; empty for a run without one.
    pub run: String,
    /// The kept part of the text sent with the ping.
    pub message: String,
    /// Its last line with text; `None`: that of `message`.
    pub last_line: Option<String>,
    /// How long the job took, if the job reports it.
    pub run_time: Option<Duration>,
}

impl Ping {
    /// Returns the failure reason of a `Fail` ping: the exit status and the last non-empty line of its message, where given.
    pub fn failure(&self) -> Option<String> {
        let Signal::Fail(status) = self.signal else {
            return None;
        };
        let lines = self.message.lines().rev().map(str::trim);
        let last_line = self.last_line.clone().or_else(|| {
            lines
                .map(|line| line.chars().filter(|letter| !text::is_unseen(*letter)))
                .map(Iterator::collect::<String>)
                .find(|line| !line.is_empty())
        });
        let sentence = match (status, last_line) {
            (Some(status), Some(line)) => format!("exit status {status}: {line}"),
            (Some(status), None) => format!("exit status {status}"),
            (None, Some(line)) => line,
            (None, None) => "its last run failed".to_owned(),
        };
        Some(text::cut(&sentence, LONGEST_REASON))
    }
}

/// Reads the ID of a run: a UUID, as Healthchecks' clients send it.
pub fn parse_run(text: &str) -> Result<String, ValidationError> {
    super::device::DeviceUuid::parse(text)
        .map(|uuid| uuid.as_str().to_owned())
        .map_err(|_| {
            ValidationError::new(
                "`rid` must be a uuid. Example: `rid=7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f`",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_path_segment_sets_the_signal() {
        for (part, signal) in [
            ("start", Some(Signal::Start)),
            ("success", Some(Signal::Success)),
            ("fail", Some(Signal::Fail(None))),
            ("log", Some(Signal::Log)),
            ("0", Some(Signal::Success)),
            ("1", Some(Signal::Fail(Some(1)))),
            ("255", Some(Signal::Fail(Some(255)))),
            ("256", None),
            ("-1", None),
            ("Start", None),
            ("", None),
        ] {
            assert_eq!(Signal::from_path(part), signal, "{part}");
        }
    }

    #[test]
    fn a_failure_reason_has_the_exit_status_and_the_last_line() {
        let failure = |signal, message: &str| {
            let ping = Ping {
                signal,
                run: String::new(),
                message: message.to_owned(),
                last_line: None,
                run_time: None,
            };
            ping.failure()
        };
        for (signal, message, reason) in [
            (Signal::Fail(None), "", Some("its last run failed")),
            (Signal::Fail(None), "one\ndisk full\n\n", Some("disk full")),
            (Signal::Fail(Some(3)), "", Some("exit status 3")),
            (
                Signal::Fail(Some(3)),
                "no\u{202e} such\u{0} file",
                Some("exit status 3: no such file"),
            ),
            (Signal::Success, "well", None),
            (Signal::Log, "well", None),
        ] {
            assert_eq!(failure(signal, message).as_deref(), reason);
        }
        let long = failure(Signal::Fail(None), &"x".repeat(10_000)).unwrap();
        assert_eq!(long.chars().count(), 200);
    }

    #[test]
    fn run_ids_are_uuids() {
        assert_eq!(
            parse_run("7F9C24E53B1A4C0E9D2F8A6B5C4D3E2F").unwrap(),
            "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f"
        );
        assert!(parse_run("tuesday").is_err());
    }
}

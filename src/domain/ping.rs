//! What a job says of itself when it pings: that it begins, has ended well or badly, or just something for the log.

use std::time::Duration;

use super::monitor::Refusal;
use super::text;

/// Bytes of a ping's body that are kept, as with Healthchecks.
pub const KEPT_BODY: usize = 10_000;

/// Characters of the sentence that a failure leaves on its device.
const LONGEST_REASON: usize = 200;

/// What a ping means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Start,
    Success,
    /// With the exit status where one was given.
    Fail(Option<u8>),
    /// A sign of life and a line for the log; it says nothing of the job.
    Log,
}

impl Signal {
    /// Reads the last part of a ping's path: `start`, `success`, `fail`, `log`, or an exit status from 0 to 255.
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

    /// The word under which it is stored.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Success => "success",
            Self::Fail(_) => "fail",
            Self::Log => "log",
        }
    }

    /// Whether a run of the job has ended with it.
    pub const fn ends_run(self) -> bool {
        matches!(self, Self::Success | Self::Fail(_))
    }
}

/// One ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    pub signal: Signal,
    /// Tells runs apart that go on at the same time; empty for the one that has no name.
    pub run: String,
    /// What came with it.
    pub message: String,
    /// How long the job took, where the job says so itself.
    pub run_time: Option<Duration>,
}

impl Ping {
    /// Why the device is offline after this ping: the last line of what came with it, where there is one.
    pub fn failure(&self) -> Option<String> {
        let Signal::Fail(status) = self.signal else {
            return None;
        };
        let said = self.message.lines().rev().map(str::trim);
        let said = said
            .map(|line| line.chars().filter(|letter| !text::is_unseen(*letter)))
            .map(Iterator::collect::<String>)
            .find(|line| !line.is_empty());
        let sentence = match (status, said) {
            (Some(status), Some(said)) => format!("exit status {status}: {said}"),
            (Some(status), None) => format!("exit status {status}"),
            (None, Some(said)) => said,
            (None, None) => "its job failed".to_owned(),
        };
        Some(text::cut(&sentence, LONGEST_REASON))
    }
}

/// Reads the name of a run: a uuid, as Healthchecks' clients send it.
pub fn parse_run(text: &str) -> Result<String, Refusal> {
    super::device::DeviceUuid::parse(text)
        .map(|uuid| uuid.as_str().to_owned())
        .map_err(|_| {
            Refusal::new(
                "`rid` must be a uuid; a right one is `rid=7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f`",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_of_the_path_says_what_is_meant() {
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
    fn a_failure_tells_its_last_line() {
        let failure = |signal, message: &str| {
            let ping = Ping {
                signal,
                run: String::new(),
                message: message.to_owned(),
                run_time: None,
            };
            ping.failure()
        };
        for (signal, message, reason) in [
            (Signal::Fail(None), "", Some("its job failed")),
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
    fn runs_are_told_apart_by_uuids() {
        assert_eq!(
            parse_run("7F9C24E53B1A4C0E9D2F8A6B5C4D3E2F").unwrap(),
            "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f"
        );
        assert!(parse_run("tuesday").is_err());
    }
}

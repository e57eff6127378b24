//! Whether Rollcall accepts the reports, and what to print when that changes.

use std::time::Duration;

use crate::clock::Stopwatch;
use crate::domain::text;

/// Failures since the last report that was accepted.
#[derive(Default)]
pub(super) struct Reachability {
    failures: u32,
    failing_since: Option<Stopwatch>,
}

impl Reachability {
    /// Counts a report that was not accepted. Returns the line to print if it is the first one.
    pub(super) fn failed(&mut self, reason: &str) -> Option<String> {
        self.failures = self.failures.saturating_add(1);
        if self.failing_since.is_some() {
            return None;
        }
        self.failing_since = Some(Stopwatch::start());
        Some(format!(
            "Rollcall does not accept reports: {reason}. Trying again, with growing pauses."
        ))
    }

    /// Returns the line to print if this is the first report that was accepted after others that were not.
    pub(super) fn accepted(&mut self) -> Option<String> {
        self.failures = 0;
        let length = self.failing_since.take()?.elapsed();
        Some(accepted_again(length))
    }

    /// The failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}

fn accepted_again(length: Duration) -> String {
    format!(
        "Rollcall accepts reports again, after {}.",
        text::duration(length)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_is_printed() {
        let mut reachability = Reachability::default();
        assert_eq!(reachability.accepted(), None);
        let line = reachability.failed("Connection refused");
        insta::assert_snapshot!(line.unwrap(), @"Rollcall does not accept reports: Connection refused. Trying again, with growing pauses.");
        assert_eq!(reachability.failed("503 Service Unavailable"), None);
        assert_eq!(reachability.failures(), 2);
        let line = reachability.accepted().unwrap();
        assert!(
            line.starts_with("Rollcall accepts reports again, after "),
            "{line}"
        );
        assert_eq!(
            (reachability.accepted(), reachability.failures()),
            (None, 0)
        );
        assert!(reachability.failed("timeout").is_some());
    }
}

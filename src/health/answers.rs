//! Whether Discord answers messages. A refusal with a reason is an answer: it concerns one destination, and others are
//! unaffected. Pure: every method takes the time since the start.

use std::time::Duration;

/// Since when Discord has answered no message.
#[derive(Debug, Default)]
pub(super) struct Answers {
    last_answer: Duration,
    unanswered: Option<Unanswered>,
}

/// Messages without an answer, and none with one since the first of them.
#[derive(Debug)]
struct Unanswered {
    since: Duration,
    /// The guild of the first one.
    guild: u64,
    is_of_several_guilds: bool,
}

impl Answers {
    /// Records that Discord answered.
    pub fn answered(&mut self, now: Duration) {
        self.last_answer = now;
        self.unanswered = None;
    }

    /// Records that a message to a guild, sent at `sent`, was not answered.
    pub fn unanswered(&mut self, guild: u64, sent: Duration) {
        let since = sent.max(self.last_answer);
        let unanswered = self.unanswered.get_or_insert(Unanswered {
            since,
            guild,
            is_of_several_guilds: false,
        });
        unanswered.since = unanswered.since.min(since);
        unanswered.is_of_several_guilds |= unanswered.guild != guild;
    }

    /// Records that no message waits for Discord, so unanswered ones are no longer needed.
    pub fn nothing_waits(&mut self) {
        self.unanswered = None;
    }

    /// How long Discord has answered no message; `None` while it does, or none is sent.
    pub fn unanswered_for(&self, now: Duration) -> Option<Duration> {
        let unanswered = self.unanswered.as_ref()?;
        Some(now.saturating_sub(unanswered.since))
    }

    /// The guild of all unanswered messages; `None` if there are none, or they are of several.
    pub fn only_guild(&self) -> Option<u64> {
        let unanswered = self.unanswered.as_ref()?;
        (!unanswered.is_of_several_guilds).then_some(unanswered.guild)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens at which second: `+` an answer, `-` nothing waits, or a guild whose message, sent then, is not answered.
    /// Then for how long no message is answered at second 60, and whether one guild alone is affected.
    const CASES: &str = "
        -                   | -  - | nothing was sent
        20:1                | 40 1 | one message
        20:1 25:1 50:1      | 40 1 | the first one counts
        20:1 25:2           | 40 - | two guilds
        20:1 30:+           | -  - | an answer ends it
        20:1 30:+ 40:2      | 20 2 | and it begins again
        30:+ 25:1           | 30 1 | sent before an answer to another one
        20:1 25:-           | -  - | the message is no longer needed
        20:1 20:2 30:+ 40:1 | 20 1 | only guilds since the answer count
    ";

    #[test]
    fn messages_are_unanswered_since_the_first_one_after_the_last_answer() {
        for line in CASES.trim().lines() {
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let mut answers = Answers::default();
            for (second, what) in parts[0].split(' ').filter_map(|one| one.split_once(':')) {
                let at = Duration::from_secs(second.parse().unwrap());
                match what {
                    "+" => answers.answered(at),
                    "-" => answers.nothing_waits(),
                    guild => answers.unanswered(guild.parse().unwrap(), at),
                }
            }
            let unanswered = answers.unanswered_for(Duration::from_secs(60));
            let number = |found: Option<u64>| found.map_or("-".to_owned(), |one| one.to_string());
            let found = [
                number(unanswered.map(|found| found.as_secs())),
                number(answers.only_guild()),
            ];
            let expected: Vec<&str> = parts[1].split_whitespace().collect();
            assert_eq!(found, expected[..], "{line}");
        }
    }
}

//! What must hold for Rollcall to be ready: one rule for `/readyz`, the dead-man ping and its line in the log. Pure.

use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use super::progress::STALLED_AFTER;
use super::{Gateway, Token};

/// The longest that a check result may wait to be recorded.
const RESULT_WAITS: Duration = Duration::from_secs(30);

/// How long lost check results count if no others follow: their endpoints may have been removed.
const LOSS_COUNTS: Duration = Duration::from_secs(300);

/// The longest that Discord may answer no message. Each attempt waits 10 s for an answer, so it is more than one message.
pub const UNANSWERED: Duration = Duration::from_secs(40);

/// A connection to Discord that is away for less than this withholds no ping: Discord asks for reconnects all the time.
const GATEWAY_AWAY: Duration = Duration::from_secs(60);

/// Something that holds while Rollcall works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Fact {
    /// The database answers a query.
    Database,
    /// The last change could be stored.
    Writes,
    Scheduler,
    /// The scheduler knows all endpoints and their recent changes.
    Monitors,
    /// The last check results could be stored, and none wait for long.
    CheckResults,
    /// Discord answers messages.
    Deliveries,
    /// Overdue devices and servers are found.
    BackgroundJobs,
    DiscordRuntime,
    Gateway,
    DiscordToken,
    Connectivity,
    NameResolution,
}

impl Fact {
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// What the rule is applied to.
#[derive(Clone, Debug)]
pub struct Facts {
    pub observed: OtherFacts,
    /// Time without progress.
    pub writer: Duration,
    pub scheduler: Duration,
    pub recorder: Duration,
    pub deliveries: Duration,
    /// Of the one that has made none for longest.
    pub background_jobs: Duration,
    /// `None`: no token is set.
    pub discord_runtime: Option<Duration>,
    /// Time since the endpoints were read last; `None`: never.
    pub monitors_read: Option<Duration>,
    /// Time since check results were lost; `None`: others have been recorded since.
    pub results_lost: Option<Duration>,
    /// How long the oldest check result has waited; `None`: none waits.
    pub oldest_result: Option<Duration>,
    /// How long Discord has answered no message; `None`: it does, or none is sent.
    pub unanswered: Option<Duration>,
    pub gateway: Gateway,
    /// How long the gateway has not been ready; `None` while it is.
    pub gateway_away: Option<Duration>,
    pub token: Token,
}

/// What only others know.
#[derive(Clone, Copy, Debug)]
pub struct OtherFacts {
    pub is_database_readable: bool,
    pub is_write_failing: bool,
    pub is_connectivity_lost: bool,
    pub is_name_resolution_lost: bool,
}

/// `Ok` if a fact holds; either way with the word for its state.
type FactState = Result<&'static str, &'static str>;

impl Facts {
    /// The word for the state of a fact.
    pub fn word(&self, fact: Fact) -> &'static str {
        self.state(fact).unwrap_or_else(|trouble| trouble)
    }

    /// The facts that do not hold. Rollcall is ready if there are none.
    pub fn failing(&self) -> Vec<Fact> {
        let fails = |fact: &Fact| self.state(*fact).is_err();
        Fact::VARIANTS.iter().copied().filter(fails).collect()
    }

    /// The facts for which no dead-man ping is sent: those that do not hold, except for a short reconnect, connectivity and name
    /// resolution. Whether the network works is what the arrival of the ping itself shows, better than the reference hosts.
    pub fn withholding_ping(&self) -> Vec<Fact> {
        let mut failing = self.failing();
        failing.retain(|fact| match fact {
            Fact::Gateway => self.gateway_away.is_some_and(|away| away >= GATEWAY_AWAY),
            Fact::Connectivity | Fact::NameResolution => false,
            _ => true,
        });
        failing
    }

    fn state(&self, fact: Fact) -> FactState {
        match fact {
            Fact::Database => ok_if(self.observed.is_database_readable, "failing"),
            Fact::Writes => {
                running(self.writer)?;
                ok_if(!self.observed.is_write_failing, "failing")
            }
            Fact::Scheduler => running(self.scheduler),
            Fact::Monitors => {
                let is_read = self.monitors_read.is_some_and(|ago| ago < STALLED_AFTER);
                ok_if(is_read, "not loaded")
            }
            Fact::CheckResults => self.check_results(),
            Fact::Deliveries => {
                running(self.deliveries)?;
                let is_answered = self.unanswered.is_none_or(|length| length < UNANSWERED);
                ok_if(is_answered, "unanswered")
            }
            Fact::BackgroundJobs => running(self.background_jobs),
            Fact::DiscordRuntime => self.discord_runtime.map_or(Ok("off"), running),
            Fact::Gateway => match self.gateway {
                Gateway::Off | Gateway::Ready => Ok(self.gateway.as_str()),
                Gateway::Connecting => Err(self.gateway.as_str()),
            },
            Fact::DiscordToken => match self.token {
                Token::Accepted => Ok(self.token.as_str()),
                Token::InDoubt | Token::Rejected => Err(self.token.as_str()),
            },
            Fact::Connectivity => up_unless(self.observed.is_connectivity_lost),
            Fact::NameResolution => up_unless(self.observed.is_name_resolution_lost),
        }
    }

    fn check_results(&self) -> FactState {
        running(self.recorder)?;
        let is_lost = self.results_lost.is_some_and(|ago| ago < LOSS_COUNTS);
        ok_if(!is_lost, "failing")?;
        let is_waiting = self.oldest_result.is_some_and(|wait| wait > RESULT_WAITS);
        ok_if(!is_waiting, "waiting")
    }
}

fn ok_if(holds: bool, trouble: &'static str) -> FactState {
    if holds { Ok("ok") } else { Err(trouble) }
}

fn up_unless(is_lost: bool) -> FactState {
    if is_lost { Err("lost") } else { Ok("up") }
}

fn running(stalled_for: Duration) -> FactState {
    ok_if(stalled_for < STALLED_AFTER, "stuck")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn working() -> Facts {
        let moment = Duration::from_secs(5);
        Facts {
            observed: OtherFacts {
                is_database_readable: true,
                is_write_failing: false,
                is_connectivity_lost: false,
                is_name_resolution_lost: false,
            },
            writer: moment,
            scheduler: moment,
            recorder: moment,
            deliveries: moment,
            background_jobs: moment,
            discord_runtime: Some(moment),
            monitors_read: Some(moment),
            results_lost: None,
            oldest_result: None,
            unanswered: None,
            gateway: Gateway::Ready,
            gateway_away: None,
            token: Token::Accepted,
        }
    }

    /// What is so, with milliseconds or a word; the fact that fails and its state; whether it withholds the dead-man ping.
    const CASES: &str = "
        readable no              | database failing       | withheld
        writing no               | writes failing         | withheld
        writer 29999             | -                      | sent
        writer 30000             | writes stuck           | withheld
        scheduler 29999          | -                      | sent
        scheduler 30000          | scheduler stuck        | withheld
        monitors never           | monitors not_loaded    | withheld
        monitors 29999           | -                      | sent
        monitors 30000           | monitors not_loaded    | withheld
        recorder 29999           | -                      | sent
        recorder 30000           | check_results stuck    | withheld
        lost 0                   | check_results failing  | withheld
        lost 299999              | check_results failing  | withheld
        lost 300000              | -                      | sent
        oldest 30000             | -                      | sent
        oldest 30001             | check_results waiting  | withheld
        deliveries 29999         | -                      | sent
        deliveries 30000         | deliveries stuck       | withheld
        unanswered 39999         | -                      | sent
        unanswered 40000         | deliveries unanswered  | withheld
        jobs 29999               | -                      | sent
        jobs 30000               | background_jobs stuck  | withheld
        runtime never            | -                      | sent
        runtime 29999            | -                      | sent
        runtime 30000            | discord_runtime stuck  | withheld
        gateway off              | -                      | sent
        away 0                   | gateway connecting     | sent
        away 59999               | gateway connecting     | sent
        away 60000               | gateway connecting     | withheld
        token in_doubt           | discord_token in_doubt | withheld
        token rejected           | discord_token rejected | withheld
        connectivity no          | connectivity lost      | sent
        names no                 | name_resolution lost   | sent
    ";

    fn with(what: &str) -> Facts {
        let mut facts = working();
        let (name, value) = what.split_once(' ').unwrap();
        let time = || Duration::from_millis(value.parse().unwrap());
        match name {
            "readable" => facts.observed.is_database_readable = false,
            "writing" => facts.observed.is_write_failing = true,
            "connectivity" => facts.observed.is_connectivity_lost = true,
            "names" => facts.observed.is_name_resolution_lost = true,
            "writer" => facts.writer = time(),
            "scheduler" => facts.scheduler = time(),
            "monitors" => facts.monitors_read = (value != "never").then(time),
            "recorder" => facts.recorder = time(),
            "lost" => facts.results_lost = Some(time()),
            "oldest" => facts.oldest_result = Some(time()),
            "deliveries" => facts.deliveries = time(),
            "unanswered" => facts.unanswered = Some(time()),
            "jobs" => facts.background_jobs = time(),
            "runtime" => facts.discord_runtime = (value != "never").then(time),
            "gateway" => facts.gateway = Gateway::Off,
            "away" => {
                (facts.gateway, facts.gateway_away) = (Gateway::Connecting, Some(time()));
            }
            "token" if value == "in_doubt" => facts.token = Token::InDoubt,
            "token" => facts.token = Token::Rejected,
            name => panic!("{name}"),
        }
        facts
    }

    #[test]
    fn each_fact_fails_at_its_limit_and_alone() {
        for line in CASES.trim().lines() {
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let facts = with(parts[0]);
            let found = match facts.failing()[..] {
                [] => "-".to_owned(),
                [fact] => format!("{} {}", fact.as_str(), facts.word(fact).replace(' ', "_")),
                ref several => panic!("{several:?}"),
            };
            let ping = match facts.withholding_ping()[..] {
                [] => "sent",
                _ => "withheld",
            };
            assert_eq!([&*found, ping], parts[1..], "{line}");
        }
    }

    #[test]
    fn every_failing_fact_is_listed() {
        let mut facts = with("away 60000");
        facts.observed.is_write_failing = true;
        facts.observed.is_connectivity_lost = true;
        facts.results_lost = Some(Duration::ZERO);
        let all = [
            Fact::Writes,
            Fact::CheckResults,
            Fact::Gateway,
            Fact::Connectivity,
        ];
        assert_eq!(facts.failing(), all);
        assert_eq!(facts.withholding_ping(), all[..3]);
    }

    #[test]
    fn every_fact_has_a_case_that_fails() {
        for fact in Fact::VARIANTS {
            let name = format!("| {} ", fact.as_str());
            assert!(CASES.contains(&name), "{name}");
        }
    }
}

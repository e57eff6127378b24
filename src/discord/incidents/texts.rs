//! The texts of incidents in Discord: refusals of `/ack`, and the sentences of an incident's message and of a reminder.

use crate::discord::ui::embed::{self, bold, date_and_time, relative};
use crate::discord::ui::error::CommandError;
use crate::domain::Timestamp;
use crate::domain::discord_id::UserId;
use crate::domain::text;
use crate::notify::wording;
use crate::store::incidents::incident::Outage;

/// Maximum characters of a recheck result.
const RESULT: usize = 300;

/// The text that a member entered as incident is no number of one.
pub(super) fn invalid_incident(entered: &str) -> CommandError {
    CommandError::Refused(format!(
        "Invalid incident {}. Choose one from the list or enter its number, such as `#12`.",
        text::code(&text::cut(entered, 100))
    ))
}

pub(super) fn no_unacknowledged_incidents() -> CommandError {
    CommandError::Refused("There are no unacknowledged incidents.".into())
}

/// `/ack` without an option, while several incidents are unacknowledged.
pub(super) fn several_unacknowledged_incidents(count: usize) -> CommandError {
    CommandError::Refused(format!(
        "{count} incidents are unacknowledged. Choose one with `incident`."
    ))
}

/// Precedes the list of monitors that joined an acknowledged incident.
pub(super) fn unacknowledged(user: UserId) -> String {
    format!(
        "The acknowledgment by <@{}> does not cover this, so the incident is unacknowledged again.",
        user
    )
}

/// In a reminder, which has no buttons.
pub(super) fn open_the_incident(link: &str) -> String {
    format!("[Open the incident to recheck, acknowledge or mute it]({link})")
}

/// One line about an outage in the message of its incident.
pub(super) fn outage(outage: &Outage) -> String {
    let (mark, monitor) = (wording::mark(outage), monitor(outage));
    let happened = wording::happened(outage, true, text::escape, relative);
    format!("{mark} {monitor} {happened}")
}

fn monitor(outage: &Outage) -> String {
    let name = bold(wording::name(outage));
    match &outage.target {
        Some(target) => {
            let target = text::code(&text::cut(target, embed::TARGET_LENGTH));
            format!("{name} {target}")
        }
        None => name,
    }
}

/// The number of monitors of an incident that its message does not list.
pub(super) fn and_more_monitors(count: u64) -> String {
    format!("… and {}", text::count(count, "more monitor"))
}

pub(super) fn acknowledged(by: UserId, at: Timestamp) -> String {
    format!("by <@{by}> {}", relative(at))
}

/// In a reminder.
pub(super) fn acknowledged_line(by: UserId, at: Timestamp) -> String {
    format!("Acknowledged {}", acknowledged(by, at))
}

pub(super) fn rechecked(by: UserId, at: Timestamp, result: &str) -> String {
    let result = text::cut(&text::escape(result), RESULT);
    format!("by <@{by}> {}\n{result}", relative(at))
}

/// Who muted the monitors of an incident, or scheduled their maintenance.
pub(super) fn silenced_until(by: UserId, until: Timestamp) -> String {
    format!("until {} by <@{by}>", date_and_time(until))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::domain::incidents::outage_reason::OutageReason;
    use crate::domain::monitor::MonitorId;
    use crate::domain::transition::OutageEnd;

    #[test]
    fn texts_of_incidents() {
        let alice = UserId(42);
        let ongoing = Outage {
            monitor_id: MonitorId(1),
            name: Some("shop".into()),
            target: Some("https://shop.example.org/".into()),
            reason: OutageReason::TimedOut,
            detail: None,
            started_at: NOW,
            ended: None,
            is_flapping: false,
            continued_by: None,
            exists: true,
            times: 1,
        };
        let of_removed_monitor = Outage {
            name: None,
            target: None,
            ended: Some((NOW.plus(Duration::from_secs(750)), OutageEnd::Recovered)),
            ..ongoing.clone()
        };
        let texts = [
            invalid_incident("shop").to_string(),
            no_unacknowledged_incidents().to_string(),
            several_unacknowledged_incidents(3).to_string(),
            open_the_incident("https://discord.com/channels/1/2/3"),
            outage(&ongoing),
            outage(&of_removed_monitor),
            and_more_monitors(175),
            acknowledged(alice, NOW),
            rechecked(alice, NOW, "3 of 5 checks passed"),
            silenced_until(alice, NOW),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Invalid incident `shop`. Choose one from the list or enter its number, such as `#12`.
        There are no unacknowledged incidents.
        3 incidents are unacknowledged. Choose one with `incident`.
        [Open the incident to recheck, acknowledge or mute it](https://discord.com/channels/1/2/3)
        🔴 **shop** `https://shop.example.org/` went offline <t:1769860800:R>: timed out
        🟢 **a removed monitor** recovered <t:1769861550:R> after 12 min 30 s
        … and 175 more monitors
        by <@42> <t:1769860800:R>
        by <@42> <t:1769860800:R>
        3 of 5 checks passed
        until <t:1769860800:f> by <@42>
        ");
    }
}

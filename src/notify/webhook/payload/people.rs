//! What the formats for people share: the lines below the title, each about one monitor. The first message about an incident
//! names its monitors; later ones name only those that joined or left since then.

use crate::domain::Timestamp;
use crate::domain::text;
use crate::notify::transport::CurrentIncident;
use crate::notify::wording;
use crate::store::incidents::incident::Outage;

/// Maximum number of monitors in a message for people, and of its characters.
const NAMED: usize = 10;
const LENGTH: usize = 1_900;

/// Maximum characters of a target.
const TARGET: usize = 200;

/// How a format writes text from outside, addresses, and times.
pub(super) struct Style {
    pub(super) escape: fn(&str) -> String,
    pub(super) code: fn(&str) -> String,
    pub(super) when: fn(Timestamp) -> String,
}

/// Text without characters that cannot be seen, for receivers that show it as it is.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .filter(|character| !text::is_unseen(*character))
        .collect()
}

/// The lines of a message about an incident.
pub(super) fn lines(current: &CurrentIncident, style: &Style) -> String {
    let incident = &current.incident;
    if let Some(sentence) = wording::sentence(&incident.kind, style.escape, style.when) {
        return text::cut(&sentence, LENGTH);
    }
    let (outages, count) = match current.delivered_revision {
        0 => (&incident.outages, incident.counts.monitors),
        _ => (&current.changes.outages, current.changes.count),
    };
    // The title names a single monitor already, and says how long it was offline.
    let is_single = incident.counts.monitors == 1 && incident.outages.len() == 1;
    let line = |outage: &Outage| {
        let happened = wording::happened(outage, !is_single, style.escape, style.when);
        let target = outage.target.as_deref();
        let target = target.map(|target| (style.code)(&text::cut(target, TARGET)) + " ");
        let target = target.unwrap_or_default();
        if is_single {
            return target + &happened;
        }
        let name = text::cut(&(style.escape)(wording::name(outage)), 100);
        format!("{} {name} {target}{happened}", wording::mark(outage))
    };
    let mut lines: Vec<String> = outages.iter().take(NAMED).map(line).collect();
    let named: u64 = lines.len() as u64;
    if count > named {
        let more = text::count(count - named, "more monitor");
        lines.push(format!("… and {more}"));
    }
    text::cut(&lines.join("\n"), LENGTH)
}

//! The texts of monitors in Discord: the status overview and user-defined groups.

use crate::discord::ui::embed::{bold, mark, relative};
use crate::discord::ui::texts::{NOT_SET_UP, status_since};
use crate::domain::discord_id::UserId;
use crate::domain::status::Status;
use crate::domain::{Timestamp, text};
use crate::store::monitors::monitor::Monitor;

pub(super) const NO_MONITORS_TITLE: &str = "No monitors yet";

pub(super) const NO_MONITORS: &str = "Add an endpoint with `/endpoint add`, a device with `/device add` or a server with `/server add`.";

pub(super) fn online_count(online: u64, total: u64) -> String {
    format!("{online} of {} online", text::count(total, "monitor"))
}

/// Above a status that everyone sees. It shows the name without notifying its member, because replies mention nobody.
pub(super) fn shared(by: UserId, at: Timestamp) -> String {
    format!("Shared by <@{by}> · {}", relative(at))
}

pub(super) fn monitor(monitor: &Monitor) -> String {
    format!(
        "{} **{}** {} · {}",
        mark(monitor.status),
        text::cut(&text::escape(&monitor.name), 80),
        monitor.kind.as_str(),
        status_since(monitor.kind, monitor.status, monitor.since)
    )
}

/// Servers that have not reported yet.
pub(super) fn not_set_up(number: u64) -> String {
    format!("{} {number} {NOT_SET_UP}", mark(Status::Unknown))
}

pub(super) fn more_monitors(number: u64) -> String {
    format!("… and {}", text::count(number, "more monitor"))
}

// Groups.

pub(super) const NO_GROUPS_TITLE: &str = "No groups yet";

pub(super) const NO_GROUPS: &str = "Add a monitor to a group with `/group set`.";

pub(super) fn group_count(number: usize) -> String {
    text::count(number as u64, "group")
}

pub(super) fn group(name: &str, monitors: u64) -> String {
    format!("{}: {}", bold(name), text::count(monitors, "monitor"))
}

/// After a monitor has been added to a group, or removed from its group.
pub(super) fn group_set(monitor: &str, group: Option<&str>) -> String {
    match group {
        Some(group) => format!("{} is now in the group {}.", bold(monitor), bold(group)),
        None => format!("{} is now in no group.", bold(monitor)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::domain::monitor::{MonitorId, MonitorKind};
    use crate::domain::status::Status;

    #[test]
    fn texts_of_monitors() {
        let pump = Monitor {
            id: MonitorId(7),
            kind: MonitorKind::Device,
            name: "pump".into(),
            status: Status::Offline,
            since: NOW,
        };
        let texts = [
            NO_MONITORS_TITLE.to_owned(),
            NO_MONITORS.to_owned(),
            shared(UserId(1001), NOW),
            online_count(0, 1),
            online_count(11, 12),
            monitor(&pump),
            more_monitors(1),
            more_monitors(7),
            NO_GROUPS_TITLE.to_owned(),
            NO_GROUPS.to_owned(),
            group_count(1),
            group_count(2),
            group("shop", 1),
            group("shop", 2),
            group_set("pump", Some("shop")),
            group_set("pump", None),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        No monitors yet
        Add an endpoint with `/endpoint add`, a device with `/device add` or a server with `/server add`.
        Shared by <@1001> · <t:1769860800:R>
        0 of 1 monitor online
        11 of 12 monitors online
        🔴 **pump** device · went offline <t:1769860800:R>
        … and 1 more monitor
        … and 7 more monitors
        No groups yet
        Add a monitor to a group with `/group set`.
        1 group
        2 groups
        **shop**: 1 monitor
        **shop**: 2 monitors
        **pump** is now in the group **shop**.
        **pump** is now in no group.
        ");
    }
}

//! The texts of endpoints in Discord: replies, errors, titles of cards and the sentences in them.

use std::time::Duration;

use crate::actions::endpoints::first_check::FirstCheck;
use crate::actions::endpoints::manage_endpoint::NamedEndpoint;
use crate::discord::ui::embed::{bold, mark, mention, name_and_target, relative};
use crate::discord::ui::error::CommandError;
use crate::discord::ui::texts::status_since;
use crate::domain::endpoints::certificate_expiry::Certificate;
use crate::domain::endpoints::check_result::{Failure, FailureClass, NotChecked};
use crate::domain::endpoints::http_check::{DEFAULT_REDIRECTS, HttpCheck};
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::status::Status;
use crate::domain::{Timestamp, text};
use crate::store::endpoints::endpoint::{Description, Endpoint};

pub(super) fn changed(name: &str) -> String {
    format!("Changed {}.", bold(name))
}

pub(super) fn nothing_to_change() -> CommandError {
    CommandError::Refused(
        "Set `name`, `target` or `interval`, such as `interval:30s`. `/endpoint http` changes the options of an HTTP check."
            .to_owned(),
    )
}

/// The endpoint was removed between its addition and the reply.
pub(super) const REMOVED_IN_THE_MEANTIME: &str = "The endpoint was removed in the meantime.";

const CANNOT_CHECK: &str = "Rollcall does not check this address, because it is not public. Ask the operator of Rollcall to add it to the setting `PROBE_ALLOW`.";

/// A new endpoint with what is known about its first check. `not_checked`: why it was not run, if that is known.
pub(super) fn added(first: &FirstCheck, not_checked: Option<NotChecked>) -> String {
    let first_check = match first {
        FirstCheck::Done(checked) => first_check(checked, not_checked),
        FirstCheck::Running => "The first check is running. Its result appears here.".to_owned(),
        FirstCheck::Canceled => {
            "Before its first check, the endpoint was changed, paused or removed.".to_owned()
        }
    };
    format!("✅ Added. {first_check}")
}

/// The same status as on the card: a failure is a warning until the next checks confirm it.
fn first_check(checked: &Endpoint, not_checked: Option<NotChecked>) -> String {
    match (&checked.state.failure, checked.latency) {
        (Some(failure), _) if failure.class == FailureClass::NotAllowed => {
            format!("⚠️ First check failed: {failure}. {CANNOT_CHECK}")
        }
        (Some(failure), _) if checked.state.status == Status::Offline => {
            format!("First check failed: 🔴 {failure}. It is offline.")
        }
        (Some(failure), _) => format!(
            "First check failed: 🟡 {failure}. It will be offline if the next checks fail, too."
        ),
        (None, _) if checked.state.status == Status::Unknown => match not_checked {
            Some(why) => format!("First check: ⚪ unknown, because {why}. Rollcall tries again."),
            None => "First check: ⚪ unknown. Rollcall tries again.".to_owned(),
        },
        (None, Some(latency)) => format!("First check: 🟢 up, {}", text::latency(latency)),
        (None, None) => "First check: 🟢 up".to_owned(),
    }
}

/// In place of a result that did not arrive while the reply could be edited.
pub(super) const FIRST_CHECK_NOT_FINISHED: &str =
    "✅ Added. The first check has not finished yet. `/endpoints show` shows its result later.";

/// A target whose address the policy does not allow.
pub(super) fn not_allowed() -> CommandError {
    CommandError::Refused(CANNOT_CHECK.to_owned())
}

pub(super) fn already_exists(is_allowed: bool) -> String {
    match is_allowed {
        true => "This endpoint already exists.".to_owned(),
        false => format!("This endpoint already exists.\n{CANNOT_CHECK}"),
    }
}

/// Endpoints whose rows cannot be read; `None` if there are none.
pub(super) fn unreadable_endpoints(ids: &[MonitorId]) -> Option<String> {
    let names: Vec<String> = ids.iter().map(|id| format!("`#{id}`")).collect();
    Some(match names.as_slice() {
        [] => return None,
        [name] => format!(
            "⚠️ The stored data of the endpoint {name} cannot be read, so Rollcall does not check it. Remove it with `/endpoint remove` and add it again."
        ),
        names => format!(
            "⚠️ The stored data of the endpoints {} cannot be read, so Rollcall does not check them. Remove them with `/endpoint remove` and add them again.",
            names.join(", ")
        ),
    })
}

pub(super) fn removed(endpoint: &NamedEndpoint) -> String {
    format!("Removed {}.", named(endpoint))
}

pub(super) fn paused(endpoint: &NamedEndpoint) -> String {
    let endpoint = named(endpoint);
    format!("Paused {endpoint}. Resume the checks with `/endpoint resume`.")
}

pub(super) fn resumed(endpoint: &NamedEndpoint) -> String {
    format!("Resumed {}. The next check runs now.", named(endpoint))
}

fn named(endpoint: &NamedEndpoint) -> String {
    name_and_target(&endpoint.monitor.name, &endpoint.target)
}

// Import and export.

pub(super) fn file_too_large() -> CommandError {
    CommandError::Refused(
        "The file is larger than 1 MiB. Split it and import the parts separately.".to_owned(),
    )
}

pub(super) fn file_not_delivered() -> CommandError {
    CommandError::Refused("Discord did not deliver the file in time. Try again.".to_owned())
}

pub(super) fn exported(number: usize) -> String {
    format!("Exported {}.", text::count(number as u64, "endpoint"))
}

// Lists.

pub(super) const NO_ENDPOINTS: &str = "There are no endpoints yet. Add the first one with `/endpoint add target:https://example.org/`.";

pub(super) const NO_ACTIVE_ENDPOINTS: &str = "There are no active endpoints. `/endpoints list all:True` also lists offline and paused endpoints.";

pub(super) const NEVER_CHECKED: &str = "never checked";

/// In place of a time.
pub(super) const NEVER: &str = "never";

pub(super) fn endpoint_count(total: u64) -> String {
    text::count(total, "endpoint")
}

pub(super) fn active_endpoint_count(total: u64) -> String {
    text::count(total, "active endpoint")
}

pub(super) fn no_offline_endpoints(reason: Option<FailureClass>) -> String {
    match reason {
        Some(reason) => format!(
            "No endpoints are offline for this reason ({}).",
            reason.text()
        ),
        None => "No endpoints are offline. 🎉".to_owned(),
    }
}

pub(super) fn offline_endpoint_count(total: u64, reason: Option<FailureClass>) -> String {
    let count = text::count(total, "offline endpoint");
    match reason {
        Some(reason) => format!("{count}: {}", reason.text()),
        None => count,
    }
}

/// The second line of an entry in the list of offline endpoints.
pub(super) fn outage(
    failure: Option<&Failure>,
    since: Timestamp,
    last_check: Option<Timestamp>,
    next_check: Timestamp,
) -> String {
    let reason = failure.map_or_else(|| "unknown reason".to_owned(), ToString::to_string);
    format!(
        "{} · went offline {} · {} · next check {}",
        text::cut(&reason, 80),
        relative(since),
        last_check.map_or_else(
            || NEVER_CHECKED.to_owned(),
            |at| format!("checked {}", relative(at))
        ),
        relative(next_check),
    )
}

// The details of one endpoint.

pub(super) const LAST_SEEN_ONLINE: &str = "Last seen online";

pub(super) fn status(status: Status, since: Timestamp) -> String {
    format!(
        "{} {}",
        mark(status),
        status_since(MonitorKind::Endpoint, status, since)
    )
}

pub(super) fn interval(own: Option<Duration>, default: Duration) -> String {
    match own {
        Some(own) => text::duration(own),
        None => format!("{} (default)", text::duration(default)),
    }
}

pub(super) fn failure(failure: &Failure, consecutive_failures: u32) -> String {
    match consecutive_failures {
        0 | 1 => failure.to_string(),
        number => format!("{failure}, {number} times in a row"),
    }
}

pub(super) fn last_check(at: Timestamp, latency: Option<Duration>) -> String {
    match latency {
        Some(latency) => format!("{}, took {}", relative(at), text::latency(latency)),
        None => relative(at),
    }
}

/// The options of an HTTP check. Header values may be secrets, so only the names are shown.
pub(super) fn http_request(http_check: &HttpCheck) -> String {
    let method = http_check.method.as_str();
    let mut parts = vec![match http_check.expected_status {
        (first, last) if first == last => format!("{method}; expects status {first}"),
        (first, last) => format!("{method}; expects status {first}–{last}"),
    }];
    if let Some(keyword) = &http_check.keyword {
        parts.push(format!("expects the text {}", text::code(keyword)));
    }
    if !http_check.headers.is_empty() {
        let names = http_check.headers.iter().map(|(name, _)| text::code(name));
        let names = names.collect::<Vec<_>>().join(", ");
        parts.push(match http_check.headers.len() {
            1 => format!("sends the header {names}"),
            _ => format!("sends the headers {names}"),
        });
    }
    match http_check.followed_redirects() {
        DEFAULT_REDIRECTS => {}
        0 => parts.push("follows no redirects".to_owned()),
        number => {
            let redirects = text::count(number.into(), "redirect");
            parts.push(format!("follows up to {redirects}"));
        }
    }
    if !http_check.verify_tls {
        parts.push("accepts any certificate".to_owned());
    }
    text::cut(&parts.join("; "), 1024)
}

pub(super) const CERTIFICATE_EXPIRES: &str = "Certificate expires";

/// When a certificate expires; with a warning if a threshold was crossed.
pub(super) fn certificate_expires(certificate: &Certificate, threshold: Option<u32>) -> String {
    let mark = match threshold {
        Some(_) => "⚠️ ",
        None => "",
    };
    let time = relative(certificate.expires_at);
    match &certificate.host {
        None => format!("{mark}{time}"),
        Some(host) => format!("{mark}{time} (that of {})", text::code(host)),
    }
}

pub(super) const FINAL_TARGET: &str = "Redirects lead to";

pub(super) fn id_footer(id: MonitorId) -> String {
    format!("id {id}")
}

// Rechecks.

pub(super) const ONLINE: &str = "Online";
pub(super) const WARNING: &str = "Warning";
pub(super) const OFFLINE: &str = "Offline";
pub(super) const STILL_OFFLINE: &str = "Still offline";
pub(super) const COULD_NOT_BE_CHECKED: &str = "Could not be checked";

pub(super) const CHECK_PASSED: &str = "The check passed.";

pub(super) fn back_online_after(down_for: Duration) -> String {
    format!("Back online after {}", text::duration(down_for))
}

pub(super) fn reason(failure: &Failure) -> String {
    format!("Reason: {failure}")
}

/// The check did not run.
pub(super) fn own_problem(problem: &str) -> String {
    format!(
        "Rollcall could not run the check: {problem}. Try again, or ask the operator of Rollcall."
    )
}

/// The endpoint was changed or removed during its check, so the result does not count.
pub(super) fn changed_or_removed(description: &Description) -> String {
    format!(
        "{} was changed or removed in the meantime. Try again.",
        mention(description)
    )
}

/// The title of a recheck of all inactive endpoints.
pub(super) fn recovered(found: u64, recovered: u64) -> String {
    match (found, recovered) {
        (0, _) => "No endpoints are offline".to_owned(),
        (_, 0) => "No endpoint was reactivated".to_owned(),
        (2.., all) if all == found => format!("All {all} endpoints reactivated"),
        (_, some) => format!("{} reactivated", text::count(some, "endpoint")),
    }
}

// A recheck of a target that no endpoint has. `problem` is the sentence that says so.

pub(super) fn choose_from_list(problem: &str) -> String {
    format!("{problem} Choose the endpoint from the list, or set the option `port`.")
}

pub(super) fn ask_a_manager(problem: &str) -> String {
    format!("{problem} A member with the permission Manage Server can add it with `/endpoint add`.")
}

pub(super) fn offer_to_add(problem: &str) -> String {
    format!("{problem} Do you want to add it?")
}

/// The target is too long for a button.
pub(super) fn add_with_command(problem: &str) -> String {
    format!("{problem} Add it with `/endpoint add`.")
}

// Statistics.

pub(super) const LAST_RECHECK_RUN: &str = "Last automatic recheck";
pub(super) const NEXT_RECHECK_RUN: &str = "Next automatic recheck";

/// In place of a reason or an outage.
pub(super) const NONE: &str = "none";

pub(super) fn active(number: u64, total: u64) -> String {
    format!("Active **{number}**{}", share(number, total))
}

pub(super) fn inactive(number: u64, total: u64) -> String {
    format!("Inactive **{number}**{}", share(number, total))
}

pub(super) fn with_status(status: Status, number: u64, total: u64) -> String {
    format!(
        "{} {number} {}{}",
        mark(status),
        status.as_str(),
        share(number, total)
    )
}

/// A share such as ` (12.5%)`; empty if the total is 0.
#[expect(
    clippy::cast_precision_loss,
    reason = "a share is shown with one decimal"
)]
fn share(number: u64, total: u64) -> String {
    if total == 0 {
        String::new()
    } else {
        format!(" ({:.1}%)", number as f64 * 100.0 / total as f64)
    }
}

pub(super) fn with_reason(reason: FailureClass, number: u64) -> String {
    format!("{} × {number}", reason.text())
}

pub(super) fn longest_outage(description: &Description, since: Timestamp) -> String {
    let outage = format!("{} went offline {}", mention(description), relative(since));
    text::cut(&outage, 1024)
}

pub(super) fn reactivated(in_one_day: u64, in_seven_days: u64) -> String {
    format!("{in_one_day} in the last 24 h · {in_seven_days} in the last 7 d")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::domain::discord_id::GuildId;
    use crate::domain::endpoints::http_check::Method;
    use crate::domain::endpoints::status_rule::State;
    use crate::domain::monitor::MonitorRef;
    use crate::store::monitors::monitor::Monitor;

    const MINUTE: Duration = Duration::from_secs(60);

    fn shop() -> Description {
        Description {
            name: "shop".into(),
            target: "https://shop.example.org/health".parse().unwrap(),
            http_check: None,
            interval: None,
        }
    }

    fn named_shop() -> NamedEndpoint {
        let Description { name, target, .. } = shop();
        NamedEndpoint {
            reference: MonitorRef {
                guild: GuildId(1),
                id: MonitorId(7),
            },
            monitor: Monitor {
                id: MonitorId(7),
                kind: MonitorKind::Endpoint,
                name,
                status: Status::Online,
                since: Timestamp::from_millis(0),
            },
            target: target.to_string(),
        }
    }

    /// The shop after a check that took 4 ms and led to this status.
    fn checked(status: Status, class: FailureClass) -> Endpoint {
        let is_failing = matches!(status, Status::Warning | Status::Offline);
        Endpoint {
            id: MonitorId(7),
            guild_id: GuildId(1),
            description: shop(),
            state: State {
                status,
                failure: is_failing.then(|| Failure::new(class)),
                ..State::new(NOW)
            },
            last_check_at: Some(NOW),
            recheck_counts_from: None,
            last_seen_at: None,
            next_check_at: None,
            latency: Some(Duration::from_millis(4)),
            certificate: None,
            created_at: NOW,
        }
    }

    fn done(status: Status, class: FailureClass, not_checked: Option<NotChecked>) -> String {
        added(
            &FirstCheck::Done(Box::new(checked(status, class))),
            not_checked,
        )
    }

    #[test]
    fn texts_of_added_endpoints() {
        let texts = [
            done(Status::Online, FailureClass::Refused, None),
            done(Status::Warning, FailureClass::Refused, None),
            done(Status::Offline, FailureClass::Refused, None),
            done(Status::Warning, FailureClass::NotAllowed, None),
            done(Status::Unknown, FailureClass::Refused, None),
            done(
                Status::Unknown,
                FailureClass::Refused,
                Some(NotChecked::Resolver),
            ),
            added(&FirstCheck::Running, None),
            added(&FirstCheck::Canceled, None),
            FIRST_CHECK_NOT_FINISHED.to_owned(),
            not_allowed().to_string(),
            already_exists(true),
            already_exists(false),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        ✅ Added. First check: 🟢 up, 4.00 ms
        ✅ Added. First check failed: 🟡 connection refused. It will be offline if the next checks fail, too.
        ✅ Added. First check failed: 🔴 connection refused. It is offline.
        ✅ Added. ⚠️ First check failed: address not allowed. Rollcall does not check this address, because it is not public. Ask the operator of Rollcall to add it to the setting `PROBE_ALLOW`.
        ✅ Added. First check: ⚪ unknown. Rollcall tries again.
        ✅ Added. First check: ⚪ unknown, because the resolver gave no usable answer. Rollcall tries again.
        ✅ Added. The first check is running. Its result appears here.
        ✅ Added. Before its first check, the endpoint was changed, paused or removed.
        ✅ Added. The first check has not finished yet. `/endpoints show` shows its result later.
        Rollcall does not check this address, because it is not public. Ask the operator of Rollcall to add it to the setting `PROBE_ALLOW`.
        This endpoint already exists.
        This endpoint already exists.
        Rollcall does not check this address, because it is not public. Ask the operator of Rollcall to add it to the setting `PROBE_ALLOW`.
        ");
    }

    #[test]
    fn texts_of_endpoints() {
        let texts = [
            changed("shop"),
            nothing_to_change().to_string(),
            REMOVED_IN_THE_MEANTIME.to_owned(),
            removed(&named_shop()),
            paused(&named_shop()),
            resumed(&named_shop()),
            unreadable_endpoints(&[MonitorId(7)]).unwrap(),
            unreadable_endpoints(&[MonitorId(7), MonitorId(9)]).unwrap(),
            file_too_large().to_string(),
            file_not_delivered().to_string(),
            exported(1),
            exported(12),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Changed **shop**.
        Set `name`, `target` or `interval`, such as `interval:30s`. `/endpoint http` changes the options of an HTTP check.
        The endpoint was removed in the meantime.
        Removed **shop** `https://shop.example.org/health`.
        Paused **shop** `https://shop.example.org/health`. Resume the checks with `/endpoint resume`.
        Resumed **shop** `https://shop.example.org/health`. The next check runs now.
        ⚠️ The stored data of the endpoint `#7` cannot be read, so Rollcall does not check it. Remove it with `/endpoint remove` and add it again.
        ⚠️ The stored data of the endpoints `#7`, `#9` cannot be read, so Rollcall does not check them. Remove them with `/endpoint remove` and add them again.
        The file is larger than 1 MiB. Split it and import the parts separately.
        Discord did not deliver the file in time. Try again.
        Exported 1 endpoint.
        Exported 12 endpoints.
        ");
    }

    #[test]
    fn texts_of_endpoint_lists() {
        let status_503 = Failure::with(FailureClass::UnexpectedStatus, "503");
        let texts = [
            NO_ENDPOINTS.to_owned(),
            NO_ACTIVE_ENDPOINTS.to_owned(),
            NEVER_CHECKED.to_owned(),
            NEVER.to_owned(),
            endpoint_count(0),
            endpoint_count(1),
            endpoint_count(12),
            active_endpoint_count(1),
            active_endpoint_count(12),
            no_offline_endpoints(None),
            no_offline_endpoints(Some(FailureClass::TimedOut)),
            offline_endpoint_count(1, None),
            offline_endpoint_count(12, None),
            offline_endpoint_count(1, Some(FailureClass::TimedOut)),
            offline_endpoint_count(12, Some(FailureClass::TimedOut)),
            outage(
                Some(&status_503),
                NOW.minus(MINUTE * 7),
                Some(NOW),
                NOW.plus(MINUTE),
            ),
            outage(None, NOW.minus(MINUTE * 7), None, NOW.plus(MINUTE)),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        There are no endpoints yet. Add the first one with `/endpoint add target:https://example.org/`.
        There are no active endpoints. `/endpoints list all:True` also lists offline and paused endpoints.
        never checked
        never
        0 endpoints
        1 endpoint
        12 endpoints
        1 active endpoint
        12 active endpoints
        No endpoints are offline. 🎉
        No endpoints are offline for this reason (timed out).
        1 offline endpoint
        12 offline endpoints
        1 offline endpoint: timed out
        12 offline endpoints: timed out
        unexpected status (503) · went offline <t:1769860380:R> · checked <t:1769860800:R> · next check <t:1769860860:R>
        unknown reason · went offline <t:1769860380:R> · never checked · next check <t:1769860860:R>
        ");
    }

    #[test]
    fn texts_of_endpoint_details() {
        let refused = Failure::new(FailureClass::Refused);
        let all_options = HttpCheck {
            method: Method::Head,
            headers: vec![
                ("Accept".to_owned(), "text/plain".to_owned()),
                ("Authorization".to_owned(), "canary".to_owned()),
            ],
            expected_status: (204, 204),
            keyword: Some("in stock".to_owned()),
            max_redirects: 3,
            verify_tls: false,
        };
        let no_redirects = HttpCheck {
            max_redirects: 0,
            ..HttpCheck::default()
        };
        let expects_redirect = HttpCheck {
            expected_status: (301, 308),
            ..HttpCheck::default()
        };
        let one_redirect = HttpCheck {
            max_redirects: 1,
            ..HttpCheck::default()
        };
        let texts = [
            LAST_SEEN_ONLINE.to_owned(),
            status(Status::Offline, NOW),
            status(Status::Online, NOW),
            interval(Some(MINUTE * 5), MINUTE),
            interval(None, MINUTE),
            failure(&refused, 1),
            failure(&refused, 5),
            last_check(NOW, None),
            last_check(NOW, Some(Duration::from_millis(12))),
            http_request(&HttpCheck::default()),
            http_request(&HttpCheck::default()),
            http_request(&no_redirects),
            http_request(&expects_redirect),
            http_request(&one_redirect),
            http_request(&all_options),
            id_footer(MonitorId(7)),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Last seen online
        🔴 went offline <t:1769860800:R>
        🟢 online, changed <t:1769860800:R>
        5 min
        1 min (default)
        connection refused
        connection refused, 5 times in a row
        <t:1769860800:R>
        <t:1769860800:R>, took 12 ms
        GET; expects status 200–399
        GET; expects status 200–399
        GET; expects status 200–399; follows no redirects
        GET; expects status 301–308; follows no redirects
        GET; expects status 200–399; follows up to 1 redirect
        HEAD; expects status 204; expects the text `in stock`; sends the headers `Accept`, `Authorization`; follows up to 3 redirects; accepts any certificate
        id 7
        ");
    }

    #[test]
    fn texts_of_rechecks() {
        let problem = "No endpoint has the address or name `203.0.113.7`.";
        let texts = [
            ONLINE.to_owned(),
            WARNING.to_owned(),
            OFFLINE.to_owned(),
            STILL_OFFLINE.to_owned(),
            COULD_NOT_BE_CHECKED.to_owned(),
            CHECK_PASSED.to_owned(),
            back_online_after(Duration::from_secs(425)),
            reason(&Failure::with(FailureClass::UnexpectedStatus, "503")),
            own_problem("no file descriptors left"),
            changed_or_removed(&shop()),
            recovered(0, 0),
            recovered(3, 0),
            recovered(1, 1),
            recovered(3, 1),
            recovered(3, 2),
            recovered(3, 3),
            choose_from_list(problem),
            ask_a_manager(problem),
            offer_to_add(problem),
            add_with_command(problem),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Online
        Warning
        Offline
        Still offline
        Could not be checked
        The check passed.
        Back online after 7 min 5 s
        Reason: unexpected status (503)
        Rollcall could not run the check: no file descriptors left. Try again, or ask the operator of Rollcall.
        **shop** `https://shop.example.org/health` was changed or removed in the meantime. Try again.
        No endpoints are offline
        No endpoint was reactivated
        1 endpoint reactivated
        1 endpoint reactivated
        2 endpoints reactivated
        All 3 endpoints reactivated
        No endpoint has the address or name `203.0.113.7`. Choose the endpoint from the list, or set the option `port`.
        No endpoint has the address or name `203.0.113.7`. A member with the permission Manage Server can add it with `/endpoint add`.
        No endpoint has the address or name `203.0.113.7`. Do you want to add it?
        No endpoint has the address or name `203.0.113.7`. Add it with `/endpoint add`.
        ");
    }

    #[test]
    fn texts_of_endpoint_statistics() {
        let texts = [
            LAST_RECHECK_RUN.to_owned(),
            NEXT_RECHECK_RUN.to_owned(),
            NONE.to_owned(),
            active(0, 0),
            active(11, 12),
            inactive(1, 12),
            with_status(Status::Online, 11, 12),
            with_status(Status::Offline, 1, 12),
            with_reason(FailureClass::TimedOut, 2),
            longest_outage(&shop(), NOW),
            reactivated(0, 1),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Last automatic recheck
        Next automatic recheck
        none
        Active **0**
        Active **11** (91.7%)
        Inactive **1** (8.3%)
        🟢 11 online (91.7%)
        🔴 1 offline (8.3%)
        timed out × 2
        **shop** `https://shop.example.org/health` went offline <t:1769860800:R>
        0 in the last 24 h · 1 in the last 7 d
        ");
    }
}

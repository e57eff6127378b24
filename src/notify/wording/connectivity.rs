//! The texts about Rollcall's own connectivity.

use crate::domain::endpoints::connectivity::Loss;
use crate::domain::{Timestamp, text};

pub(super) fn title(loss: Loss, began: Timestamp, ended: Option<Timestamp>) -> String {
    let length = ended.map(|ended| text::duration(ended.since(began)));
    match (loss, length) {
        (Loss::Network, None) => "⚪ Rollcall lost network connectivity".to_owned(),
        (Loss::Network, Some(length)) => {
            format!("⚪ Rollcall had no network connectivity for {length}")
        }
        (Loss::NameResolution, None) => "⚪ Rollcall cannot resolve names".to_owned(),
        (Loss::NameResolution, Some(length)) => {
            format!("⚪ Rollcall could not resolve names for {length}")
        }
    }
}

pub(super) fn explanation(loss: Loss, failing: u64, has_ended: bool) -> String {
    let what = text::count(failing, "endpoint");
    let checked_again = "Rollcall checks all endpoints again and sends separate alerts for those that are still offline.";
    match (loss, has_ended) {
        (Loss::Network, false) => format!(
            "{what} failed, and so did all hosts that Rollcall uses to test its own connection. Alerts are on hold until the connection is restored, for at most 5 min."
        ),
        (Loss::Network, true) => format!(
            "{what} failed, and so did all hosts that Rollcall uses to test its own connection. {checked_again}"
        ),
        (Loss::NameResolution, false) => format!(
            "{what} failed, and so did all names that Rollcall uses to test its resolver. Until the resolver works again, for at most 5 min, failures of endpoints that have a name do not count. Endpoints that have an IP address are not affected."
        ),
        (Loss::NameResolution, true) => format!(
            "{what} failed, and so did all names that Rollcall uses to test its resolver. {checked_again}"
        ),
    }
}

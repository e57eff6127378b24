//! The ping URL of a device, and the URLs of its signals. It is a secret: anyone who has it can send pings as the device. So no
//! error and no `Debug` shows it.

use std::fmt;

use reqwest::Url;

use crate::domain::devices::ping_url::PingPath;

/// What stands before the device in the path.
const PREFIX: &str = "/ping/";

/// A ping URL. Its query stays: it may have `create=1`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PingAddress(Url);

impl fmt::Debug for PingAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PingAddress")
    }
}

/// Why a text is no ping URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PingAddressError {
    #[error(
        "this is not a ping URL of Rollcall. `/device add` and `/devices show` show it. Example: `https://rollcall.example.org/ping/<uuid>`"
    )]
    Invalid,
    #[error(
        "the ping URL of a job must end with the device: `rollcall ping` adds `/start` and the exit status itself"
    )]
    HasSignal,
}

impl PingAddress {
    /// Reads the URL of one ping; it may end with a signal, such as `/fail`.
    pub(super) fn of_ping(text: &str) -> Result<Self, PingAddressError> {
        let url = Url::parse(text.trim()).map_err(|_| PingAddressError::Invalid)?;
        let is_http = matches!(url.scheme(), "http" | "https");
        let is_plain = url.username().is_empty() && url.password().is_none();
        let names_device = device(&url).is_some_and(|device| PingPath::parse(device).is_some());
        match is_http && is_plain && url.fragment().is_none() && names_device {
            true => Ok(Self(url)),
            false => Err(PingAddressError::Invalid),
        }
    }

    /// Reads the URL of a job: signals are added to it.
    pub(super) fn of_job(text: &str) -> Result<Self, PingAddressError> {
        let address = Self::of_ping(text)?;
        let with_signal = device(&address.0).map(|device| {
            let device = device.strip_suffix('/').unwrap_or(device);
            format!("{device}/log")
        });
        match with_signal.and_then(|path| PingPath::parse(&path)) {
            Some(_) => Ok(address),
            None => Err(PingAddressError::HasSignal),
        }
    }

    /// The URL itself.
    pub(super) fn url(&self) -> Url {
        self.0.clone()
    }

    /// The URL of a signal of a run: `start`, `fail` or an exit status. `run` is a UUID, unless the URL already has one.
    pub(super) fn signal(&self, signal: &str, run: Option<&str>) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(signal);
        }
        let has_run = url.query_pairs().any(|(name, _)| name == "rid");
        if let Some(run) = run.filter(|_| !has_run) {
            url.query_pairs_mut().append_pair("rid", run);
        }
        url
    }
}

/// The part of the path that names the device.
fn device(url: &Url) -> Option<&str> {
    let (_, device) = url.path().rsplit_once(PREFIX)?;
    Some(device)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f";
    const RUN: &str = "00000000-0000-4000-8000-000000000000";

    #[test]
    fn signals_stand_behind_the_device_and_before_the_query() {
        for (url, expected) in [
            (
                "https://example.org/ping/key/backup",
                "https://example.org/ping/key/backup/3?rid=RUN",
            ),
            (
                "https://example.org/rollcall/ping/UUID/",
                "https://example.org/rollcall/ping/UUID/3?rid=RUN",
            ),
            (
                "http://example.org:8080/ping/key/start?create=1",
                "http://example.org:8080/ping/key/start/3?create=1&rid=RUN",
            ),
            (
                "http://example.org/ping/UUID?rid=own\n",
                "http://example.org/ping/UUID/3?rid=own",
            ),
        ] {
            let address = PingAddress::of_job(&url.replace("UUID", UUID)).unwrap();
            let found = address.signal("3", Some(RUN)).to_string();
            assert_eq!(found, expected.replace("UUID", UUID).replace("RUN", RUN));
        }
        let address = PingAddress::of_job("http://example.org/ping/key/backup").unwrap();
        let start = address.signal("start", None).to_string();
        assert_eq!(start, "http://example.org/ping/key/backup/start");
    }

    #[test]
    fn a_job_needs_a_url_without_a_signal() {
        for path in ["UUID/start", "UUID/0", "UUID/fail/", "key/backup/success"] {
            let url = format!("https://example.org/ping/{}", path.replace("UUID", UUID));
            let has_signal = Err(PingAddressError::HasSignal);
            assert_eq!(PingAddress::of_job(&url), has_signal, "{path}");
            assert_eq!(PingAddress::of_ping(&url).unwrap().url().as_str(), url);
        }
    }

    #[test]
    fn other_texts_are_refused_without_showing_them() {
        for text in [
            "",
            "canary",
            "ftp://example.org/ping/UUID",
            "https://example.org/UUID",
            "https://example.org/ping/",
            "https://example.org/ping/canary",
            "https://example.org/ping/UUID/256",
            "https://example.org/ping/UUID#canary",
            "https://user:canary@example.org/ping/UUID",
            "https://example.org/api/push/canary",
        ] {
            let text = text.replace("UUID", UUID);
            let error = PingAddress::of_job(&text).unwrap_err();
            assert_eq!(error, PingAddressError::Invalid, "{text}");
            assert!(!error.to_string().contains("canary"));
        }
        let address = PingAddress::of_job("http://example.org/ping/canary/backup").unwrap();
        assert!(!format!("{address:?}").contains("canary"));
    }
}

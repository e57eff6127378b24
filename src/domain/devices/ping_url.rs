//! The path of a ping: which device it names, by its uuid or by a ping key and a slug, and what it reports.

use std::fmt;

use super::device::DeviceUuid;
use super::ping::Signal;
use super::slug::Slug;

/// The device that a ping names.
#[derive(Clone, PartialEq, Eq)]
pub enum PingTarget {
    Uuid(DeviceUuid),
    Slug {
        /// The text in the place of the ping key. It may be a secret, so `Debug` does not show it.
        key: String,
        slug: Slug,
    },
}

impl fmt::Debug for PingTarget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(uuid) => write!(out, "Uuid({uuid})"),
            Self::Slug { slug, .. } => write!(out, "Slug([hidden], {slug})"),
        }
    }
}

/// What the path of a ping says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingPath {
    pub target: PingTarget,
    pub signal: Signal,
}

impl PingPath {
    /// Reads what follows `/ping/`: `<uuid>`, `<uuid>/<signal>`, `<key>/<slug>` or `<key>/<slug>/<signal>`, each with an
    /// optional slash at the end. `None` if it is none of these.
    pub fn parse(path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let parts: Vec<&str> = path.split('/').collect();
        let uuid = DeviceUuid::parse(parts.first()?).ok();
        let (target, signal) = match (uuid, parts.as_slice()) {
            (Some(uuid), [_]) => (PingTarget::Uuid(uuid), None),
            (Some(uuid), [_, signal]) => (PingTarget::Uuid(uuid), Some(signal)),
            (None, [key, slug]) => (by_slug(key, slug)?, None),
            (None, [key, slug, signal]) => (by_slug(key, slug)?, Some(signal)),
            _ => return None,
        };
        let signal = match signal {
            Some(signal) => Signal::from_path(signal)?,
            None => Signal::Success,
        };
        Some(Self { target, signal })
    }
}

fn by_slug(key: &str, slug: &str) -> Option<PingTarget> {
    let slug = Slug::parse(slug).ok()?;
    (!key.is_empty()).then(|| PingTarget::Slug {
        key: key.to_owned(),
        slug,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f";

    #[test]
    fn a_path_names_a_device_by_its_uuid_or_by_key_and_slug() {
        let by_uuid = || PingTarget::Uuid(DeviceUuid::parse(UUID).unwrap());
        let by_key = || by_slug("key", "db-1").unwrap();
        for (path, target, signal) in [
            (UUID, by_uuid(), Signal::Success),
            (
                "7F9C24E53B1A4C0E9D2F8A6B5C4D3E2F",
                by_uuid(),
                Signal::Success,
            ),
            (&format!("{UUID}/"), by_uuid(), Signal::Success),
            (&format!("{UUID}/start"), by_uuid(), Signal::Start),
            (&format!("{UUID}/fail/"), by_uuid(), Signal::Fail(None)),
            (&format!("{UUID}/0"), by_uuid(), Signal::Success),
            (&format!("{UUID}/255"), by_uuid(), Signal::Fail(Some(255))),
            ("key/db-1", by_key(), Signal::Success),
            ("key/db-1/", by_key(), Signal::Success),
            ("key/db-1/log", by_key(), Signal::Log),
            ("key/db-1/success", by_key(), Signal::Success),
            ("key/db-1/255/", by_key(), Signal::Fail(Some(255))),
            (
                "key/start",
                by_slug("key", "start").unwrap(),
                Signal::Success,
            ),
        ] {
            let expected = PingPath { target, signal };
            assert_eq!(PingPath::parse(path), Some(expected), "{path}");
        }
    }

    #[test]
    fn other_paths_are_rejected() {
        for path in [
            "",
            "/",
            "key",
            "key/",
            "key//",
            "/slug",
            "key/Slug",
            "key/a.b",
            "key/slug//",
            "key/slug/256",
            "key/slug/Start",
            "key/slug/fail/1",
        ] {
            assert_eq!(PingPath::parse(path), None, "{path}");
        }
        for rest in ["//", "/256", "/-1", "/nonsense", "/slug/fail", "/fail/1"] {
            assert_eq!(PingPath::parse(&format!("{UUID}{rest}")), None, "{rest}");
        }
    }

    #[test]
    fn debug_hides_the_key() {
        let shown = format!("{:?}", PingPath::parse("secret/db-1"));
        assert!(
            !shown.contains("secret") && shown.contains("db-1"),
            "{shown}"
        );
    }
}

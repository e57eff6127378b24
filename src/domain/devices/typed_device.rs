//! Devices as people name them: by a UUID, or by the URL of a ping, as it stands in a crontab.

use super::device::DeviceUuid;
use super::ping_url::{PingPath, PingTarget};

/// Reads the UUID that a person typed or pasted: alone, or in the URL of a ping. `None` if the text has none.
pub fn uuid_in(text: &str) -> Option<DeviceUuid> {
    let text = text.trim().trim_matches(['<', '>', '`', '"', '\'']);
    let path = match text.split_once("://") {
        Some((_, url)) => url.split_once("/ping/")?.1,
        None => return DeviceUuid::parse(text).ok(),
    };
    let path = path.split(['?', '#']).next()?;
    match PingPath::parse(path)?.target {
        PingTarget::Uuid(uuid) => Some(uuid),
        PingTarget::Slug { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f";

    #[test]
    fn a_uuid_stands_alone_or_in_the_url_of_a_ping() {
        for text in [
            UUID,
            " 7F9C24E5-3B1A-4C0E-9D2F-8A6B5C4D3E2F ",
            "7f9c24e53b1a4c0e9d2f8a6b5c4d3e2f",
            "`7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f`",
            "https://rollcall.example/ping/7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f",
            "<http://127.0.0.1:8080/ping/7f9c24e53b1a4c0e9d2f8a6b5c4d3e2f/>",
            "https://x.example/base/ping/7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f/fail?rid=1#a",
        ] {
            let found = uuid_in(text);
            assert_eq!(found.as_ref().map(DeviceUuid::as_str), Some(UUID), "{text}");
        }
    }

    #[test]
    fn other_texts_have_no_uuid() {
        for text in [
            "",
            "pump",
            "7f9c24e5",
            "ping/7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f",
            "https://x.example/7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f",
            "https://x.example/ping/",
            "https://x.example/ping/key/backup",
            "https://x.example/ping/7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f/nonsense",
        ] {
            assert_eq!(uuid_in(text), None, "{text}");
        }
    }
}

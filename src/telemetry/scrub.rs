//! Masks secrets in the log. Every line passes through here, including the errors of libraries. Known secrets are masked,
//! and so are API keys, the tokens in Discord's URLs of interactions and webhooks, and what authenticates a ping in its path.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use tracing_subscriber::fmt::MakeWriter;

/// The text that replaces a secret.
const MASK: &str = "[hidden]";

/// Minimum length of a secret; a shorter one would mask ordinary words.
const SHORTEST: usize = 6;

/// Path segments that are followed by a number and then by a token.
const BEFORE_TOKENS: [&str; 2] = ["/webhooks/", "/interactions/"];

/// The paths of pings, in which the next segment is a UUID, a token or a key.
const BEFORE_PING_SECRETS: [&str; 2] = ["/ping/", "/api/push/"];

/// Minimum length of such a segment; no other path has a longer one there.
const SHORTEST_PING_SECRET: usize = 20;

/// The beginning of every API key. Its kind and its id follow, which are no secrets.
const BEFORE_KEYS: &str = "rc_";

/// Texts that must never be logged.
#[derive(Clone, Default)]
pub struct Secrets(Arc<[String]>);

impl Secrets {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let long_enough = secrets
            .into_iter()
            .filter(|secret| secret.len() >= SHORTEST);
        Self(long_enough.map(str::to_owned).collect())
    }

    /// The text with its secrets masked.
    pub fn scrub<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut clean = Cow::Borrowed(text);
        for secret in self.0.iter() {
            if clean.contains(secret.as_str()) {
                clean = Cow::Owned(clean.replace(secret.as_str(), MASK));
            }
        }
        for before in BEFORE_TOKENS {
            if clean.contains(before) {
                clean = Cow::Owned(without_tokens(&clean, before));
            }
        }
        for before in BEFORE_PING_SECRETS {
            if clean.contains(before) {
                clean = Cow::Owned(without_segments(&clean, before));
            }
        }
        if clean.contains(BEFORE_KEYS) {
            clean = Cow::Owned(without_keys(&clean));
        }
        clean
    }
}

/// The length of the letters and digits at the start of a text, and of hyphens and underscores in between.
fn length_of_word(text: &str) -> usize {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.find(|c: char| !is_of_word(c)).unwrap_or(text.len())
}

/// Masks long path segments that follow `before`.
fn without_segments(text: &str, before: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(before) {
        let (head, tail) = rest.split_at(at + before.len());
        clean.push_str(head);
        rest = tail;
        let length = length_of_word(rest);
        if length >= SHORTEST_PING_SECRET {
            clean.push_str(MASK);
            rest = &rest[length..];
        }
    }
    clean.push_str(rest);
    clean
}

/// Masks the secrets of API keys, also of keys that were cut: `rc_<kind>_<id>_<secret>`.
fn without_keys(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(BEFORE_KEYS) {
        let (head, tail) = rest.split_at(at);
        clean.push_str(head);
        let (key, after) = tail.split_at(length_of_word(tail));
        let mut parts = key.splitn(4, '_');
        match (parts.nth(1), parts.next(), parts.next()) {
            (Some(kind), Some(id), Some(secret)) if !secret.is_empty() => {
                clean.push_str(&format!("{BEFORE_KEYS}{kind}_{id}_{MASK}"));
            }
            _ => clean.push_str(key),
        }
        rest = after;
    }
    clean.push_str(rest);
    clean
}

/// Masks the token that follows `before`, a number and a slash.
fn without_tokens(text: &str, before: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(before) {
        let (head, tail) = rest.split_at(at + before.len());
        clean.push_str(head);
        rest = tail;
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let Some(token) = rest.get(digits..).and_then(|tail| tail.strip_prefix('/')) else {
            continue;
        };
        let is_of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '%');
        let end = token.find(|c: char| !is_of_token(c)).unwrap_or(token.len());
        if digits == 0 || end == 0 {
            continue;
        }
        clean.push_str(&rest[..digits]);
        clean.push('/');
        clean.push_str(MASK);
        rest = &token[end..];
    }
    clean.push_str(rest);
    clean
}

/// Makes writers that mask secrets.
#[derive(Clone)]
pub struct Scrubbed<M> {
    pub inner: M,
    pub secrets: Secrets,
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Scrubbed<M> {
    type Writer = Scrubbing<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Scrubbing {
            inner: self.inner.make_writer(),
            secrets: self.secrets.clone(),
        }
    }
}

/// Masks secrets in everything that is written through it; each log event is one write.
pub struct Scrubbing<W> {
    inner: W,
    secrets: Secrets,
}

impl<W: io::Write> io::Write for Scrubbing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.inner.write_all(self.secrets.scrub(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::domain::key::{ApiKey, KeyKind};

    #[test]
    fn secrets_and_tokens_in_urls_are_masked() {
        let secrets = Secrets::new(["canary-token", "https://hc.example/canary", "short"]);
        for (text, clean) in [
            ("nothing here", "nothing here"),
            ("short words stay", "short words stay"),
            ("Bot canary-token!", "Bot [hidden]!"),
            ("to https://hc.example/canary?", "to [hidden]?"),
            (
                "url (http://d/api/v10/webhooks/12/aW50ZXI_-.x/messages/@original)",
                "url (http://d/api/v10/webhooks/12/[hidden]/messages/@original)",
            ),
            (
                "/interactions/1/abc/callback and /interactions/2/def",
                "/interactions/1/[hidden]/callback and /interactions/2/[hidden]",
            ),
            (
                "/webhooks/ /webhooks/x/y /webhooks/1/",
                "/webhooks/ /webhooks/x/y /webhooks/1/",
            ),
            (
                "GET /ping/rc_ping_2fY8kQ0aZ3Lm_4dS6pV2eY8Kj/backup/fail?rid=1",
                "GET /ping/[hidden]/backup/fail?rid=1",
            ),
            (
                "/ping/7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f and /ping/7f9c24e53b1a4c0e9d2f8a6b5c4d3e2f/3",
                "/ping/[hidden] and /ping/[hidden]/3",
            ),
            (
                "http://x/api/push/Wq3ZkT8nB1xRj5LpVd0mYc7HsGf2EuA9?status=up",
                "http://x/api/push/[hidden]?status=up",
            ),
            (
                "/ping/ /ping/start /api/push/x",
                "/ping/ /ping/start /api/push/x",
            ),
            (
                "Bearer rc_admin_2fY8kQ0aZ3Lm_4dS6pV2eY8Kj, rc_device_9hT1cW7bX5Rn_x",
                "Bearer rc_admin_2fY8kQ0aZ3Lm_[hidden], rc_device_9hT1cW7bX5Rn_[hidden]",
            ),
            (
                "rc_ rc_ping rc_ping_2fY8kQ0aZ3Lm arc_x_y_",
                "rc_ rc_ping rc_ping_2fY8kQ0aZ3Lm arc_x_y_",
            ),
        ] {
            assert_eq!(secrets.scrub(text), clean);
        }
    }

    #[test]
    fn the_secret_of_every_kind_of_key_is_masked() {
        for kind in KeyKind::ALL {
            let key = ApiKey::from_random(*kind, [0xa7; 16], [0xa7; 32]).reveal();
            let secret = key.rsplit('_').next().unwrap();
            for line in [format!("key={key}"), format!("\"GET /ping/{key}/db-1\"")] {
                let clean = Secrets::default().scrub(&line).into_owned();
                assert!(!clean.contains(&secret[..8]), "{clean}");
            }
        }
    }

    #[test]
    fn written_lines_are_scrubbed() {
        let mut written = Vec::new();
        let mut writer = Scrubbing {
            inner: &mut written,
            secrets: Secrets::new(["canary"]),
        };
        writer.write_all(b"a canary sings\n").unwrap();
        assert_eq!(written, b"a [hidden] sings\n");
    }

    proptest::proptest! {
        #[test]
        fn other_text_is_unchanged(text in "[a-z0-9/ .]{0,60}") {
            let clean = Secrets::new(["canary"]).scrub(&text).into_owned();
            if !text.contains("canary") && !clean.contains(MASK) {
                proptest::prop_assert_eq!(clean, text);
            }
        }
    }
}

//! Masks secrets in the log. Every line passes through here, including the errors of libraries. Known secrets are masked,
//! and so are the tokens in Discord's URLs of interactions and webhooks.

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
        clean
    }
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
        ] {
            assert_eq!(secrets.scrub(text), clean);
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

//! Push tokens, as Uptime Kuma creates them. A device that keeps its token keeps the URL that its scripts push to, except for
//! the host.

use std::fmt;

use super::device::DeviceUuid;
use crate::monitor::ValidationError;

/// The length of a token.
const LENGTH: usize = 32;

/// A device's push token: a secret of 32 letters and digits. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PushToken(String);

impl PushToken {
    /// Reads a token. A uuid without hyphens is not one, because a push to it names the device with that uuid.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        let is_token =
            text.len() == LENGTH && text.bytes().all(|letter| letter.is_ascii_alphanumeric());
        if !is_token {
            return Err(ValidationError::new(format!(
                "the push token must have {LENGTH} letters and digits. Example: `Wq3ZkT8nB1xRj5LpVd0mYc7HsGf2EuA9`"
            )));
        }
        if DeviceUuid::parse(text).is_ok() {
            return Err(ValidationError::new(
                "the push token is a uuid. Use it as the uuid of the device. Example of a token: `Wq3ZkT8nB1xRj5LpVd0mYc7HsGf2EuA9`",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the token, to hash it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PushToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "Wq3ZkT8nB1xRj5LpVd0mYc7HsGf2EuA9";

    #[test]
    fn a_push_token_has_32_letters_and_digits() {
        assert_eq!(PushToken::parse(TOKEN).unwrap().as_str(), TOKEN);
        let (shorter, longer) = (&TOKEN[1..], format!("{TOKEN}x"));
        let hyphen = TOKEN.replace('Z', "-");
        let umlaut = format!("{}ä", &TOKEN[2..]);
        let uuid = "7f9c24e53b1a4c0e9d2f8a6b5c4d3e2f";
        for wrong in [
            "",
            shorter,
            &longer,
            &hyphen,
            &umlaut,
            uuid,
            &uuid.to_uppercase(),
        ] {
            assert!(PushToken::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn debug_hides_the_token() {
        let shown = format!("{:?}", PushToken::parse(TOKEN).unwrap());
        assert_eq!(shown, "[hidden]");
    }
}

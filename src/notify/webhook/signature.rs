//! Signatures as <https://www.standardwebhooks.com> describes them: HMAC-SHA256 over id, timestamp and body, so that the
//! receiver can verify who sent a message, and when.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Prefix of a key.
const PREFIX: &str = "whsec_";

/// Random bytes of a key.
pub const KEY_LENGTH: usize = 32;

/// A key in the form that people copy.
pub fn key_text(key: &[u8; KEY_LENGTH]) -> String {
    format!("{PREFIX}{}", BASE64_STANDARD.encode(key))
}

/// The value of `webhook-signature`; `None` if the key is invalid.
pub(super) fn sign(key: &str, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let key = BASE64_STANDARD.decode(key.strip_prefix(PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    Some(format!("v1,{signature}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example from the tests of the specification's own libraries.
    #[test]
    fn the_signature_matches_the_example_of_the_specification() {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = sign(key, id, 1_614_265_330, br#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn an_invalid_key_signs_nothing() {
        for key in ["", "whsec_", "whsec_*", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            let signed = sign(key, "msg_1", 1, b"{}");
            assert_eq!(signed.is_some(), key == "whsec_", "{key}");
        }
        assert!(sign(&key_text(&[7; KEY_LENGTH]), "msg_1", 1, b"{}").is_some());
    }
}

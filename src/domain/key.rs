//! API keys: `rc_<kind>_<id>_<secret><checksum>`. The ID is public and identifies the row; the secret is 256 random bits
//! that are not stored anywhere; the checksum distinguishes a mistyped key from an unknown one and lets secret scanners
//! recognize a Rollcall key.

use std::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray};

/// Digits and letters only, so that a double click selects the whole key.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The length of an ID, in base62 digits: 71 bits, so that IDs do not collide.
const ID_LENGTH: usize = 12;

/// The lengths of half a secret (128 bits) and of a checksum (32 bits), in base62 digits.
const HALF_LENGTH: usize = 22;
const CHECKSUM_LENGTH: usize = 6;

/// The kind of a key, which decides what it permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum KeyKind {
    /// Registers devices, and authenticates them until they have a key of their own.
    Fleet,
    /// The key of one device.
    Device,
    /// The key of one server: its agent sends reports with it.
    Server,
    /// Reads all data of a guild.
    Read,
    /// Reads and changes all data of a guild.
    Admin,
    /// Sends pings by slug, and adds devices by pings; nothing else, because it stands in the URLs of jobs.
    Ping,
}

impl KeyKind {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The name in the key, in storage and in JSON.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// The public part of a key, used to list and revoke it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; ID_LENGTH]);

impl fmt::Debug for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl KeyId {
    /// Reads an ID from storage or input; `None` if it is not valid.
    pub fn parse(text: &str) -> Option<Self> {
        let letters: [u8; ID_LENGTH] = text.as_bytes().try_into().ok()?;
        let is_id = letters.iter().all(|letter| ALPHABET.contains(letter));
        is_id.then_some(Self(letters))
    }

    pub fn as_str(&self) -> &str {
        // All bytes come from `ALPHABET`, so they are valid UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A complete key, received or about to be shown. `Debug` does not show its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub kind: KeyKind,
    pub id: KeyId,
    secret: [u8; 32],
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ApiKey({}, {})", self.kind.as_str(), self.id)
    }
}

impl ApiKey {
    /// Creates a key from random bytes: 16 for the ID, 32 for the secret.
    pub fn from_random(kind: KeyKind, id: [u8; 16], secret: [u8; 32]) -> Self {
        let letters = base62(u128::from_be_bytes(id), HALF_LENGTH);
        let mut last = [0; ID_LENGTH];
        last.copy_from_slice(&letters.as_bytes()[HALF_LENGTH - ID_LENGTH..]);
        Self {
            kind,
            id: KeyId(last),
            secret,
        }
    }

    /// The secret of 256 bits, of which only a hash is stored.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Formats the complete key. It is shown once, when it is created.
    pub fn reveal(&self) -> String {
        let (first, second) = self.secret.split_at(16);
        let half = |bytes: &[u8]| {
            let number = bytes
                .iter()
                .fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
            base62(number, HALF_LENGTH)
        };
        let body = format!(
            "rc_{}_{}_{}{}",
            self.kind.as_str(),
            self.id,
            half(first),
            half(second)
        );
        let checksum = checksum(&body);
        format!("{body}{checksum}")
    }

    /// Reads a key; `None` if the text is not a key or was mistyped.
    pub fn parse(text: &str) -> Option<Self> {
        let checked = text.len().checked_sub(CHECKSUM_LENGTH)?;
        let (body, sum) = text.split_at_checked(checked)?;
        if checksum(body) != sum {
            return None;
        }
        let mut parts = body.strip_prefix("rc_")?.splitn(3, '_');
        let kind = parts.next()?.parse::<KeyKind>().ok()?;
        let id = KeyId::parse(parts.next()?)?;
        let letters = parts
            .next()
            .filter(|letters| letters.len() == 2 * HALF_LENGTH)?;
        let (first, second) = letters.split_at_checked(HALF_LENGTH)?;
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(&number(first)?.to_be_bytes());
        secret[16..].copy_from_slice(&number(second)?.to_be_bytes());
        Some(Self { kind, id, secret })
    }
}

fn checksum(body: &str) -> String {
    base62(crc32fast::hash(body.as_bytes()).into(), CHECKSUM_LENGTH)
}

/// Formats a number in base62, padded with leading zeros.
fn base62(mut number: u128, length: usize) -> String {
    let mut letters = vec![b'0'; length];
    for place in letters.iter_mut().rev() {
        *place = ALPHABET[usize::try_from(number % 62).unwrap_or(0)];
        number /= 62;
    }
    letters.into_iter().map(char::from).collect()
}

/// Reads a base62 number; `None` if a digit is not valid or the number overflows.
fn number(letters: &str) -> Option<u128> {
    letters.bytes().try_fold(0_u128, |number, letter| {
        let digit = ALPHABET.iter().position(|known| *known == letter)?;
        number
            .checked_mul(62)?
            .checked_add(u128::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> ApiKey {
        ApiKey::from_random(KeyKind::Device, [byte; 16], [byte; 32])
    }

    #[test]
    fn a_key_shows_its_kind_and_id_and_debug_hides_its_secret() {
        let text = key(0xa7).reveal();
        assert!(text.starts_with("rc_device_"), "{text}");
        assert_eq!(text.len(), "rc_device_".len() + 12 + 1 + 44 + 6);
        assert_eq!(ApiKey::parse(&text), Some(key(0xa7)));
        assert!(!format!("{:?}", key(0xa7)).contains(&text[25..40]));
    }

    #[test]
    fn malformed_keys_are_rejected() {
        let text = key(1).reveal();
        let (head, tail) = text.split_at(30);
        let other = if tail.starts_with('x') { 'y' } else { 'x' };
        for wrong in [
            String::new(),
            "rc_".into(),
            "Bearer x".into(),
            "äöüäöüäöü".into(),
            text[1..].to_owned(),
            format!("{text}0"),
            format!("{head}{other}{}", &tail[1..]),
            text.replace("device", "server"),
        ] {
            assert_eq!(ApiKey::parse(&wrong), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn keys_round_trip(id: [u8; 16], secret: [u8; 32], kind in 0_usize..KeyKind::ALL.len()) {
            let key = ApiKey::from_random(KeyKind::ALL[kind], id, secret);
            proptest::prop_assert_eq!(ApiKey::parse(&key.reveal()), Some(key));
        }

        #[test]
        fn parsing_never_panics(text: String) {
            let _ = ApiKey::parse(&text);
        }
    }
}

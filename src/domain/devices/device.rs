//! Devices, the monitors that send heartbeats: their UUIDs, and the rule for when an overdue device is offline.

use std::fmt;
use std::time::Duration;

use crate::monitor::ValidationError;
use crate::text::duration_rule::DurationRule;

/// A device's own UUID in canonical form: 36 characters, lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceUuid(String);

impl DeviceUuid {
    /// Creates a random UUID (version 4) from 16 random bytes.
    pub fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        ))
    }

    /// Reads a UUID with or without hyphens, in upper or lower case.
    pub fn parse(text: &str) -> Result<Self, ValidationError> {
        let hex: String = text
            .chars()
            .filter(|letter| *letter != '-')
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        let is_hex = hex.len() == 32 && hex.chars().all(|letter| letter.is_ascii_hexdigit());
        let has_hyphens_in_place = text.len() == 32
            || text.len() == 36
                && text
                    .char_indices()
                    .all(|(at, letter)| (letter == '-') == matches!(at, 8 | 13 | 18 | 23));
        if !is_hex || !has_hyphens_in_place {
            return Err(ValidationError::new(
                "the uuid must be 32 hexadecimal digits. Example: `7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f`",
            ));
        }
        Ok(Self(format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first 8 characters, which distinguish devices in lists. Unlike the whole, they are no secret.
    pub fn beginning(&self) -> &str {
        &self.0[..8]
    }

    /// Returns the UUID's 128 bits.
    pub fn number(&self) -> u128 {
        let digits = self.0.bytes().filter(|byte| *byte != b'-');
        digits.fold(0, |number, digit| {
            let value = char::from(digit).to_digit(16).unwrap_or_default();
            number << 4 | u128::from(value)
        })
    }

    /// Returns the name of a device that does not send one.
    pub fn default_name(&self) -> String {
        format!("device {}", self.beginning())
    }
}

impl fmt::Display for DeviceUuid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The shortest and the longest offline threshold. Jobs that run once a month need more than a month.
pub const THRESHOLD_RANGE: (Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(35 * 24 * 3600));

const THRESHOLD: DurationRule = DurationRule {
    subject: "the threshold",
    unit: Duration::from_secs(1),
    shortest: THRESHOLD_RANGE.0,
    longest: THRESHOLD_RANGE.1,
    examples: "`10m` or `26h`",
};

/// Reads a device's own threshold: `90`, `90s`, `10m`, `26h`; a bare number is seconds.
pub fn parse_threshold(text: &str) -> Result<Duration, ValidationError> {
    Ok(THRESHOLD.parse(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_parsed_in_every_spelling_and_written_in_one() {
        let canonical = "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f";
        for text in [
            canonical,
            "7F9C24E5-3B1A-4C0E-9D2F-8A6B5C4D3E2F",
            "7f9c24e53b1a4c0e9d2f8a6b5c4d3e2f",
        ] {
            assert_eq!(DeviceUuid::parse(text).unwrap().as_str(), canonical);
        }
        for wrong in [
            "",
            "7f9c24e5",
            "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2",
            "7f9c24e53-b1a-4c0e-9d2f-8a6b5c4d3e2f",
            "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2g",
            "../../7f9c24e53b1a4c0e9d2f8a6b5c4d3e",
        ] {
            assert!(DeviceUuid::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_random_uuid_is_a_version_4() {
        let uuid = DeviceUuid::from_random([0xff; 16]);
        assert_eq!(uuid.as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(DeviceUuid::parse(uuid.as_str()), Ok(uuid.clone()));
        assert_eq!(uuid.default_name(), "device ffffffff");
        assert_eq!(uuid.number(), 0xffff_ffff_ffff_4fff_bfff_ffff_ffff_ffff);
    }

    #[test]
    fn thresholds_range_from_a_second_to_five_weeks() {
        for (text, seconds) in [
            ("1s", Some(1)),
            ("26h", Some(26 * 3600)),
            ("840h", Some(840 * 3600)),
            ("841h", None),
            ("0s", None),
            ("soon", None),
        ] {
            let read = parse_threshold(text).ok();
            assert_eq!(read, seconds.map(Duration::from_secs), "{text}");
        }
    }
}

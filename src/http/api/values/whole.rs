//! Whole numbers as JSON Schema defines them: `2.0` is one, too.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The largest number up to which a float stands for exactly one whole number.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A whole number that fits into 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole(pub i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(from)?;
        let whole = number
            .as_i64()
            .or_else(|| number.as_f64().and_then(of_float));
        whole
            .map(Self)
            .ok_or_else(|| D::Error::custom("must be a whole number. Example: `17`"))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "it is whole and within the range that floats represent exactly"
)]
fn of_float(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_without_a_fraction_are_whole() {
        let read = |text: &str| serde_json::from_str::<Whole>(text).ok();
        for (text, number) in [
            ("2", 2),
            ("2.0", 2),
            ("-3e2", -300),
            ("9007199254740992.0", 1 << 53),
        ] {
            assert_eq!(read(text), Some(Whole(number)), "{text}");
        }
        for wrong in [
            "2.5",
            "1e300",
            "\"2\"",
            "true",
            "null",
            "18446744073709551615",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}

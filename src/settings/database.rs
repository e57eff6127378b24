//! Where the database is, and how large it may become.

use super::read::Variables;

/// Where the database is, and how large it may become.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    pub url: String,
    /// Near this size, samples and check results are no longer stored.
    pub max_bytes: u64,
}

const MEGABYTE: u64 = 1_000_000;

impl Variables {
    pub(super) fn database(&mut self) -> DatabaseSettings {
        DatabaseSettings {
            url: self.text("DATABASE_URL", "sqlite://data/rollcall.db"),
            max_bytes: self.value(
                "DATABASE_MAX_BYTES",
                "10GB",
                "a size of at least 10MB, such as 500MB or 10GB",
                |text| parse_bytes(text).filter(|bytes| *bytes >= 10 * MEGABYTE),
            ),
        }
    }
}

/// Reads a number of bytes: `10GB`, `500 MB`, or without a unit.
fn parse_bytes(text: &str) -> Option<u64> {
    let split = text.find(|character: char| !character.is_ascii_digit());
    let (number, unit) = text.split_at(split.unwrap_or(text.len()));
    let factor = match unit.trim().to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => MEGABYTE,
        "GB" => 1_000 * MEGABYTE,
        "TB" => 1_000_000 * MEGABYTE,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_thousands() {
        for (text, bytes) in [
            ("10GB", Some(10_000_000_000)),
            ("500 mb", Some(500_000_000)),
            ("2KB", Some(2_000)),
            ("1TB", Some(1_000_000_000_000)),
            ("12345", Some(12_345)),
            ("12345B", Some(12_345)),
            ("", None),
            ("GB", None),
            ("-1GB", None),
            ("1.5GB", None),
            ("1GiB", None),
            ("99999999999999999999", None),
            ("99999999999TB", None),
        ] {
            assert_eq!(parse_bytes(text), bytes, "{text}");
        }
    }
}

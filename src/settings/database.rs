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
            url: self.value(
                "DATABASE_URL",
                "sqlite://data/rollcall.db",
                "the path of a SQLite file behind `sqlite://`",
                |text| names_a_file(text).then(|| text.to_owned()),
            ),
            max_bytes: self.value(
                "DATABASE_MAX_BYTES",
                "10GB",
                "a size of at least 10MB, such as 500MB or 10GB",
                |text| parse_bytes(text).filter(|bytes| *bytes >= 10 * MEGABYTE),
            ),
        }
    }
}

/// Whether a text has the form of an address of a SQLite file.
fn names_a_file(text: &str) -> bool {
    text.strip_prefix("sqlite:")
        .map(|rest| rest.strip_prefix("//").unwrap_or(rest))
        .is_some_and(|file| !matches!(file, "" | ":memory:"))
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
    fn the_address_names_a_sqlite_file() {
        for (text, is_valid) in [
            ("sqlite://data/rollcall.db", true),
            ("sqlite:///data/rollcall.db", true),
            ("sqlite:rollcall.db", true),
            ("sqlite:", false),
            ("sqlite://", false),
            ("sqlite::memory:", false),
            ("sqlite://:memory:", false),
            ("rollcall.db", false),
            ("postgres://localhost/rollcall", false),
        ] {
            assert_eq!(names_a_file(text), is_valid, "{text}");
        }
    }

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

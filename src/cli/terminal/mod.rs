//! What the commands share: arguments, files, progress, output, and the way from an error to an exit code.

mod finder;
pub(super) mod guild_argument;
pub(super) mod http_check;
pub(super) mod input_file;
pub(super) mod progress;
pub(super) mod rollcall_client;
pub(super) mod usage;

use std::io::Write as _;
use std::time::Duration;

pub(super) use finder::find_monitor;

use crate::actions::Error;
use crate::app::AppError;
use crate::domain::text::parse_duration;

/// Prints a line to standard output. A closed pipe (`| head`) is not an error.
pub(super) fn print_line(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints a note to standard error, so that it does not mix with data.
pub(super) fn print_note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Parses a duration such as `10s` or `500ms`; a bare number is in seconds.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    parse_duration(text, Duration::from_secs(1))
        .filter(|length| !length.is_zero())
        .ok_or_else(|| "must be a duration. Example: `10s`, `500ms` or `1h`".to_owned())
}

/// Maps an action's error to an exit code: invalid input counts as usage, a database error as database.
pub(super) fn app_error(error: Error) -> AppError {
    match error {
        Error::Internal(error) => AppError::Store(error),
        Error::Invalid(sentence) => AppError::Setting(sentence),
        error @ (Error::NotFound(_) | Error::Conflict(_) | Error::Quota { .. }) => {
            AppError::Other(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_durations_are_refused_with_an_example() {
        assert_eq!(seconds("10"), Ok(Duration::from_secs(10)));
        assert!(seconds("0").unwrap_err().contains("Example:"));
        assert!(seconds("soon").unwrap_err().contains("Example:"));
    }
}

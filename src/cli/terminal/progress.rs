//! Progress bars: only on a terminal, and on standard error, so that they never mix with data.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for `length` checks; hidden if standard error is not a terminal or `quiet` is set.
pub(in crate::cli) fn bar(length: usize, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template(
        "{bar:30} {pos}/{len} checked, {per_sec}, {elapsed} elapsed, about {eta} left",
    );
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// A counter for work of unknown length.
pub(in crate::cli) fn spinner(quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner();
    let style =
        ProgressStyle::with_template("{spinner} {pos} checked, {per_sec}, {elapsed} elapsed");
    spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    spinner
}

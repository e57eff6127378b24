//! A bar for long work: on a terminal only, and on standard error, so that it never mixes with data.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over `length` looks; nothing is drawn where standard error is not a terminal, or `quiet` is set.
pub(super) fn bar(length: usize, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template(
        "{bar:30} {pos}/{len} looked at, {elapsed} passed, about {eta} to go",
    );
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// A counter for work whose length shows only as it goes on.
pub(super) fn spinner(quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {pos} looked at, {elapsed} passed");
    spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    spinner
}

//! How we look: one prober, one deadline, one match over the kinds of look.

use std::time::Duration;

use crate::domain::Instant;
use crate::domain::check::HttpCheck;
use crate::domain::target::Target;

/// One look to be taken.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub target: &'a Target,
    /// What an HTTP look asks for; `None` means `HttpCheck::default()`, and TCP looks ignore it.
    pub check: Option<&'a HttpCheck>,
    /// The whole look, from the name to the last byte, takes at most this long.
    pub timeout: Duration,
    /// The instant that the outcome is dated with.
    pub now: Instant,
}

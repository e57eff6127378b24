//! What the lines of a device's log are: what it logged, and its pings.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// The kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum LineKind {
    /// The device logged it.
    Line,
    /// A ping: its job has started.
    Start,
    Success,
    Fail,
    /// A ping that says nothing about the job's result.
    Log,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_stay() {
        let words = LineKind::VARIANTS.iter().map(|kind| <&str>::from(*kind));
        let words: Vec<&str> = words.collect();
        assert_eq!(words, ["line", "start", "success", "fail", "log"]);
    }
}

//! A change to an optional value.

/// What an edit does to an optional value. `Default` keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    #[default]
    Keep,
    /// Removes the value, so that the default applies again.
    Clear,
    Set(T),
}

impl<T> Patch<T> {
    /// Returns the value after the edit.
    pub fn apply(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }

    /// Whether the value stays as it is.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Converts the new value.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(convert(value)),
        }
    }

    /// Converts the new value, if that is possible.
    ///
    /// # Errors
    /// The error of `convert`.
    pub fn try_map<U, E>(self, convert: impl FnOnce(T) -> Result<U, E>) -> Result<Patch<U>, E> {
        Ok(match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(convert(value)?),
        })
    }
}

impl<T> From<Option<T>> for Patch<T> {
    /// A value sets it, and `None` clears it.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_keeps_clears_or_sets() {
        for (patch, before, after) in [
            (Patch::Keep, Some(1), Some(1)),
            (Patch::Keep, None, None),
            (Patch::Clear, Some(1), None),
            (Patch::Clear, None, None),
            (Patch::Set(2), Some(1), Some(2)),
            (Patch::Set(2), None, Some(2)),
        ] {
            assert_eq!(patch.apply(before), after);
        }
        assert!(Patch::<u8>::default().is_keep());
    }

    #[test]
    fn only_a_new_value_is_converted() {
        let parse = |text: &str| text.parse::<u8>();
        assert_eq!(Patch::Keep.try_map(parse), Ok(Patch::Keep));
        assert_eq!(Patch::Clear.try_map(parse), Ok(Patch::Clear));
        assert_eq!(Patch::Set("7").map(str::len), Patch::Set(1));
        assert_eq!(Patch::Set("7").try_map(parse), Ok(Patch::Set(7)));
        assert!(Patch::Set("x").try_map(parse).is_err());
    }
}

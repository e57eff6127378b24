//! The part of a list that a member sees. Commands and buttons request it, cards and buttons show it.

use super::texts;
use crate::domain::endpoints::check_result::FailureClass;

/// A page number with the number of pages and of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::discord) struct Pages {
    /// Counted from 1.
    pub page: u32,
    pub count: u32,
    pub total: u64,
}

impl Pages {
    /// The requested page, or the last one if there are fewer.
    pub(in crate::discord) fn new(wanted: u32, total: u64, per_page: u32) -> Self {
        let count = u32::try_from(total.div_ceil(u64::from(per_page)))
            .unwrap_or(u32::MAX)
            .max(1);
        Self {
            page: wanted.clamp(1, count),
            count,
            total,
        }
    }

    /// `None` if there is only one page.
    pub(in crate::discord) fn footer(&self) -> Option<String> {
        texts::page(self.page, self.count, self.total)
    }
}

/// The page and filter of the offline list, and whether the reader may manage.
#[derive(Clone, Copy, Debug)]
pub(in crate::discord) struct OfflineView {
    /// Counted from 1; numbers beyond the last page show the last page.
    pub page: u32,
    pub reason: Option<FailureClass>,
    pub may_manage: bool,
}

/// The page and filter of the endpoint list.
#[derive(Clone, Copy, Debug)]
pub(in crate::discord) struct EndpointsView {
    /// Counted from 1; numbers beyond the last page show the last page.
    pub page: u32,
    /// Whether to list every endpoint, not only the active ones.
    pub all: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_beyond_the_last_show_the_last() {
        assert_eq!(
            Pages::new(9, 21, 10),
            Pages {
                page: 3,
                count: 3,
                total: 21
            }
        );
        assert_eq!(
            Pages::new(0, 0, 10),
            Pages {
                page: 1,
                count: 1,
                total: 0
            }
        );
    }
}

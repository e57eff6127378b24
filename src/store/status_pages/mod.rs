//! Status pages and their items.

pub mod item;
pub mod page;

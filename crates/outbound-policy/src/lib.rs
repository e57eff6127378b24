#![doc = include_str!("../README.md")]

mod allow_list;
mod clock;
mod embedded;
mod guard;
pub mod hostile;
mod policy;
mod ranges;
#[cfg(test)]
mod tests;

pub use allow_list::AllowListError;
pub use embedded::reached_host;
pub use guard::{AdmitError, Guard};
pub use policy::{AddressPolicy, Denied};

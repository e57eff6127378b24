//! Silences: mutes and maintenance windows.

pub mod edit;
pub mod end;
pub mod start;
#[cfg(test)]
mod tests;

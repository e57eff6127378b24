//! Silences: mutes and maintenance windows.

pub mod end;
pub mod start;
#[cfg(test)]
mod tests;

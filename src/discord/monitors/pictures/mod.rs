//! Pictures in replies: a command or a button adds one to its message with `attach::with_picture`.

pub(in crate::discord) mod attach;
pub(in crate::discord) mod latency;
mod picture_limit;
pub(in crate::discord) mod server;
pub(in crate::discord) mod strip;
mod texts;

pub use picture_limit::PictureLimit;

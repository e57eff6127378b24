//! Writes scenes as pictures: PNG for Discord and files, SVG for pages. Both draw the same shapes in the same places.

mod canvas;
mod font;
mod hatching;
mod palette;
mod picture_cache;
pub mod png;
pub mod renderer;
#[cfg(test)]
mod scene_tests;
pub mod svg;
#[cfg(test)]
mod tests;

pub use font::width as text_width;

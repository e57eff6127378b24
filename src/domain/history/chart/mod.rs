//! Pictures of the history, as scenes: what is drawn where. A scene knows no file format; `notify/picture` in the program writes it
//! as PNG or SVG, so that a picture in Discord and one on a page are the same.

mod axis;
pub mod class_periods;
pub mod days;
mod drawing;
pub mod hours;
pub mod inactive;
pub mod latency_chart;
mod panel;
pub mod scene;
pub mod server_chart;
pub mod status_chart;
mod text_width;

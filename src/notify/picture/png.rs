//! Scenes as PNG with a palette: a third of the size of one with a color for each pixel. The same scene gives the same bytes.

use png::{BitDepth, ColorType, Compression, Encoder, Filter};

use super::canvas::Canvas;
use super::font::UnreadableTexts;
use crate::domain::history::chart::scene::{Scene, Theme};

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PngPicture {
    pub bytes: Vec<u8>,
    /// The texts that stand as `#1`, `#2` and so on in the picture.
    pub unreadable: Vec<String>,
}

/// Draws a scene. This takes milliseconds of a CPU.
///
/// # Errors
/// A scene without pixels.
pub fn png(scene: &Scene, theme: Theme) -> Result<PngPicture, png::EncodingError> {
    let mut canvas = Canvas::new(scene, theme);
    let mut unreadable = UnreadableTexts::default();
    for shape in &scene.shapes {
        canvas.draw(shape, |text| unreadable.replace(text));
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, canvas.width.into(), canvas.height.into());
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(canvas.palette.bytes());
    // Neighboring numbers of a palette have nothing in common, so a filter makes the file larger.
    encoder.set_filter(Filter::NoFilter);
    encoder.set_compression(Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&canvas.pixels)?;
    writer.finish()?;
    Ok(PngPicture {
        bytes,
        unreadable: unreadable.0,
    })
}

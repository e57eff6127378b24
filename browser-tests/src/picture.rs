//! PNG files with a palette: a picture of a page has few colors that matter, and needs a third of the bytes this way.

use std::collections::HashMap;

use crate::driver::DriverError;

/// The most colors that a palette may have.
const LARGEST_PALETTE: usize = 256;

type Color = [u8; 3];

fn failed(what: &str, error: impl std::fmt::Display) -> DriverError {
    DriverError::new(format!("the picture cannot be {what}: {error}"))
}

/// Returns the same picture with at most 256 colors. The most frequent ones, such as backgrounds, stay exactly as they are.
///
/// # Errors
/// If `file` is no PNG with three or four bytes per pixel.
pub fn with_palette(file: &[u8]) -> Result<Vec<u8>, DriverError> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file))
        .read_info()
        .map_err(|error| failed("read", error))?;
    let size = reader.output_buffer_size().unwrap_or_default();
    let mut bytes = vec![0; size];
    let frame = reader
        .next_frame(&mut bytes)
        .map_err(|error| failed("read", error))?;
    let step = match frame.color_type {
        png::ColorType::Rgb => 3,
        png::ColorType::Rgba => 4,
        other => return Err(failed("read", format!("{other:?}"))),
    };
    let pixels: Vec<Color> = bytes[..frame.buffer_size()]
        .chunks_exact(step)
        .map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    let palette = palette(&pixels);
    encode(&pixels, &palette, &frame)
}

/// The colors to use: from the most frequent one on, each that differs enough from those before it.
fn palette(pixels: &[Color]) -> Vec<Color> {
    let mut counts: HashMap<Color, usize> = HashMap::new();
    for pixel in pixels {
        *counts.entry(*pixel).or_default() += 1;
    }
    let mut colors: Vec<(usize, Color)> = counts.into_iter().map(|(color, n)| (n, color)).collect();
    colors.sort_unstable_by(|one, other| other.cmp(one));
    let mut least = 0;
    loop {
        let mut chosen: Vec<Color> = Vec::with_capacity(LARGEST_PALETTE);
        for (_, color) in &colors {
            if chosen.len() <= LARGEST_PALETTE
                && chosen.iter().all(|one| distance(*one, *color) > least)
            {
                chosen.push(*color);
            }
        }
        if chosen.len() <= LARGEST_PALETTE {
            return chosen;
        }
        least = (least + 1) * 5 / 4;
    }
}

/// The square of the distance between two colors.
fn distance(one: Color, other: Color) -> u32 {
    one.iter()
        .zip(other)
        .map(|(one, other)| u32::from(one.abs_diff(other)).pow(2))
        .sum()
}

fn encode(
    pixels: &[Color],
    palette: &[Color],
    frame: &png::OutputInfo,
) -> Result<Vec<u8>, DriverError> {
    let mut nearest: HashMap<Color, u8> = HashMap::new();
    let index_of = |pixel: &Color| {
        *nearest.entry(*pixel).or_insert_with(|| {
            let all = (0..=u8::MAX).zip(palette);
            let best = all.min_by_key(|(_, color)| distance(**color, *pixel));
            best.map_or(0, |(index, _)| index)
        })
    };
    let indexes: Vec<u8> = pixels.iter().map(index_of).collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, frame.width, frame.height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette.concat());
    encoder.set_compression(png::Compression::High);
    // Neighboring indexes say nothing about each other.
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder
        .write_header()
        .map_err(|error| failed("written", error))?;
    writer
        .write_image_data(&indexes)
        .and_then(|()| writer.finish())
        .map_err(|error| failed("written", error))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::{Color, distance, palette, with_palette};

    fn file(pixels: &[Color]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, u32::try_from(pixels.len()).unwrap(), 1);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&pixels.concat()).unwrap();
        writer.finish().unwrap();
        file
    }

    fn colors(file: &[u8]) -> Vec<Color> {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut bytes).unwrap();
        let pixels = bytes.chunks_exact(3);
        pixels.map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
    }

    /// As many different shades, and a background that is more frequent.
    fn shades(number: usize) -> Vec<Color> {
        let shades = (0..=5).flat_map(|green| (0..=u8::MAX).map(move |red| [red, green * 40, 9]));
        let mut pixels: Vec<Color> = shades.take(number - 1).collect();
        pixels.extend([[49, 51, 56]; 3]);
        pixels
    }

    #[test]
    fn up_to_256_colors_stay_exactly_as_they_are() {
        for number in [1, 2, 255, 256] {
            let pixels = shades(number);
            assert_eq!(
                colors(&with_palette(&file(&pixels)).unwrap()),
                pixels,
                "{number}"
            );
        }
    }

    #[test]
    fn of_more_colors_the_frequent_ones_stay_and_the_others_hardly_change() {
        for number in [257, 1_200] {
            let pixels = shades(number);
            assert!(palette(&pixels).len() <= 256);
            let after = colors(&with_palette(&file(&pixels)).unwrap());
            assert_eq!(after.last(), Some(&[49, 51, 56]));
            let changes = pixels
                .iter()
                .zip(&after)
                .map(|(one, other)| distance(*one, *other));
            assert!(changes.max() <= Some(64), "{number}");
        }
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        let error = with_palette(b"no picture").unwrap_err().to_string();
        assert!(error.starts_with("the picture cannot be read: "), "{error}");
    }
}

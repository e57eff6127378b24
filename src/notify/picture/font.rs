//! The font of pictures: Noto Sans, with Latin, Greek and Cyrillic. What it lacks is numbered in the picture, and named in the message
//! below it.

use std::sync::LazyLock;

use ab_glyph::{Font as _, FontRef, ScaleFont as _};

use crate::domain::history::chart::scene::{Anchor, TextLabel};

static FONT: LazyLock<Option<FontRef<'static>>> =
    LazyLock::new(|| FontRef::try_from_slice(notosans::REGULAR_TTF).ok());

/// Texts that the font cannot show, in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnreadableTexts(pub Vec<String>);

impl UnreadableTexts {
    /// The text with a number (`#1`) in the place of each part that the font lacks.
    pub fn replace(&mut self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut missing = String::new();
        for character in text.chars() {
            // A space between two characters that it lacks belongs to them.
            if !has(character) || (character == ' ' && !missing.is_empty()) {
                missing.push(character);
                continue;
            }
            self.number(&mut missing, &mut shown);
            shown.push(character);
        }
        self.number(&mut missing, &mut shown);
        shown
    }

    fn number(&mut self, missing: &mut String, shown: &mut String) {
        let part = missing.trim_end();
        if part.is_empty() {
            return;
        }
        let known = self.0.iter().position(|one| one == part);
        let index = known.unwrap_or_else(|| {
            self.0.push(part.to_owned());
            self.0.len() - 1
        });
        let spaces = &missing[part.len()..];
        shown.push_str(&format!("#{}{spaces}", index + 1));
        missing.clear();
    }
}

fn has(character: char) -> bool {
    let font = FONT.as_ref();
    font.is_some_and(|font| font.glyph_id(character).0 != 0)
}

/// Draws a text: calls `draw` with the pixel and how much of it is covered, from 0 to 1. A pixel may be called twice.
pub fn draw(label: &TextLabel, text: &str, mut draw: impl FnMut(i32, i32, f32)) {
    let Some(font) = FONT.as_ref() else { return };
    let font = font.as_scaled(em(font, label.size));
    let mut x = match label.anchor {
        Anchor::Start => label.at.x,
        Anchor::Middle => label.at.x - width(text, label.size) / 2.0,
        Anchor::End => label.at.x - width(text, label.size),
    };
    let mut last = None;
    for character in text.chars() {
        let id = font.glyph_id(character);
        x += last.map_or(0.0, |last| font.kern(last, id));
        let glyph = id.with_scale_and_position(font.scale(), (x, label.at.y));
        if let Some(outline) = font.outline_glyph(glyph) {
            let bounds = outline.px_bounds();
            let (left, top) = (pixel(bounds.min.x), pixel(bounds.min.y));
            outline.draw(|x, y, covered| {
                let (x, y) = (i32::try_from(x), i32::try_from(y));
                if let (Ok(x), Ok(y)) = (x, y) {
                    draw(left + x, top + y, covered);
                }
            });
        }
        x += font.h_advance(id);
        last = Some(id);
    }
}

/// The width of a text, in pixels.
pub fn width(text: &str, size: f32) -> f32 {
    let Some(font) = FONT.as_ref() else {
        return 0.0;
    };
    let font = font.as_scaled(em(font, size));
    let mut width = 0.0;
    let mut last = None;
    for character in text.chars() {
        let id = font.glyph_id(character);
        width += last.map_or(0.0, |last| font.kern(last, id)) + font.h_advance(id);
        last = Some(id);
    }
    width
}

/// The scale at which an em has this size: a scale of the library is the height of a line.
fn em(font: &FontRef<'static>, size: f32) -> f32 {
    let units = font.units_per_em().unwrap_or(1_000.0);
    size * font.height_unscaled() / units
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the place of a pixel in a picture of a thousand"
)]
fn pixel(place: f32) -> i32 {
    place.floor() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_font_lacks_is_numbered() {
        let mut unreadable = UnreadableTexts::default();
        for (text, shown) in [
            ("shop", "shop"),
            ("Магазин Ωμέγα łódź", "Магазин Ωμέγα łódź"),
            ("店", "#1"),
            ("the 店 and 商 店", "the #1 and #2"),
            ("🦀", "#3"),
            ("店!", "#1!"),
            ("", ""),
        ] {
            assert_eq!(unreadable.replace(text), shown, "{text}");
        }
        assert_eq!(unreadable.0, ["店", "商 店", "🦀"]);
    }

    #[test]
    fn a_text_is_about_half_as_wide_as_high_for_each_character() {
        let found = width("Latency", 15.0);
        assert!((45.0..60.0).contains(&found), "{found}");
        assert!((width("Latency", 30.0) - 2.0 * found).abs() < 0.01);
    }
}

//! Pixels on which shapes are drawn. Edges are smooth in eight steps: more would need more colors, and a larger file.

use zeno::{Command, Fill, Mask, PathBuilder, Stroke, Style};

use super::font;
use super::hatching;
use super::palette::Palette;
use crate::domain::history::chart::scene::{Area, Ink, Scene, ScenePoint, Shape, TextLabel, Theme};

/// Into how many steps the cover of a pixel is divided.
const STEPS: u16 = 7;

/// A picture in progress.
#[derive(Debug)]
pub struct Canvas {
    pub width: u16,
    pub height: u16,
    /// A number of the palette for each pixel, row by row.
    pub pixels: Vec<u8>,
    pub palette: Palette,
    theme: Theme,
}

impl Canvas {
    /// The background alone.
    pub fn new(scene: &Scene, theme: Theme) -> Self {
        let mut palette = Palette::default();
        let background = palette.number(theme.color(Ink::Background));
        let size = usize::from(scene.width) * usize::from(scene.height);
        Self {
            width: scene.width,
            height: scene.height,
            pixels: vec![background; size],
            palette,
            theme,
        }
    }

    /// Draws a shape. Of a text, `shown` is what the font can show of it.
    pub fn draw(&mut self, shape: &Shape, shown: impl FnOnce(&str) -> String) {
        match shape {
            Shape::Rectangle { area, ink } => match whole_pixels(*area) {
                Some(pixels) => self.cover(&pixels, *ink),
                None => self.fill(&rectangle(*area), *ink),
            },
            Shape::Hatching { area, ink } => {
                for line in hatching::lines(*area) {
                    self.stroke(&line, hatching::WIDTH, *ink);
                }
            }
            Shape::Polygon { points, ink } => self.fill(points, *ink),
            Shape::Line { points, width, ink } => self.stroke(points, *width, *ink),
            Shape::Text(label) => self.text(label, &shown(&label.text)),
        }
    }

    /// Covers pixels wholly: without edges to smooth, that takes a tenth of the time. Cells of a picture are many.
    fn cover(&mut self, pixels: &Pixels, ink: Ink) {
        let number = self.palette.number(self.theme.color(ink));
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let rows = self.pixels.chunks_mut(width.max(1)).take(height);
        for row in rows.take(pixels.bottom).skip(pixels.top) {
            let right = pixels.right.min(width);
            if let Some(covered) = row.get_mut(pixels.left..right) {
                covered.fill(number);
            }
        }
    }

    fn fill(&mut self, points: &[ScenePoint], ink: Ink) {
        let mut path = path(points);
        path.close();
        self.path(&path, Fill::NonZero.into(), ink);
    }

    fn stroke(&mut self, points: &[ScenePoint], width: f32, ink: Ink) {
        self.path(&path(points), Stroke::new(width).into(), ink);
    }

    fn path(&mut self, path: &Vec<Command>, style: Style<'_>, ink: Ink) {
        let (mask, placement) = Mask::new(path).style(style).render();
        let width = usize::try_from(placement.width).unwrap_or(0).max(1);
        for (row, y) in mask.chunks(width).zip(placement.top..) {
            for (cover, x) in row.iter().zip(placement.left..) {
                self.blend(x, y, u16::from(*cover), ink);
            }
        }
    }

    fn text(&mut self, label: &TextLabel, text: &str) {
        let ink = label.ink;
        font::draw(label, text, |x, y, covered| {
            self.blend(x, y, cover(covered), ink);
        });
    }

    /// Covers a pixel with an ink, from 0 to 255. Nothing is outside the picture.
    fn blend(&mut self, x: i32, y: i32, cover: u16, ink: Ink) {
        let level = (cover * STEPS + 127) / 255;
        let (Ok(x), Ok(y)) = (u16::try_from(x), u16::try_from(y)) else {
            return;
        };
        if level == 0 || x >= self.width || y >= self.height {
            return;
        }
        let index = usize::from(y) * usize::from(self.width) + usize::from(x);
        let Some(pixel) = self.pixels.get_mut(index) else {
            return;
        };
        let below = self.palette.color(*pixel).unwrap_or_default();
        let over = self.theme.color(ink);
        let mut mixed = over;
        for (mixed, below) in mixed.iter_mut().zip(below) {
            let sum = u16::from(*mixed) * level + u16::from(below) * (STEPS - level);
            *mixed = u8::try_from((sum + STEPS / 2) / STEPS).unwrap_or(u8::MAX);
        }
        *pixel = self.palette.number(mixed);
    }
}

/// The edges of an area: the right and the lower one are outside.
struct Pixels {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

/// `None` if an edge is within a pixel, or outside the picture at its left or its top.
fn whole_pixels(area: Area) -> Option<Pixels> {
    let edges = [area.left, area.top, area.right(), area.bottom()];
    let largest = f32::from(u16::MAX);
    if !edges
        .iter()
        .all(|edge| edge.fract() == 0.0 && (0.0..=largest).contains(edge))
    {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole numbers from 0 to 65,535"
    )]
    let [left, top, right, bottom] = edges.map(|edge| edge as usize);
    Some(Pixels {
        left,
        top,
        right,
        bottom,
    })
}

fn rectangle(area: Area) -> [ScenePoint; 4] {
    let at = |x, y| ScenePoint { x, y };
    [
        at(area.left, area.top),
        at(area.right(), area.top),
        at(area.right(), area.bottom()),
        at(area.left, area.bottom()),
    ]
}

fn path(points: &[ScenePoint]) -> Vec<Command> {
    let mut path = Vec::with_capacity(points.len() + 1);
    let mut rest = points.iter();
    if let Some(first) = rest.next() {
        path.move_to((first.x, first.y));
    }
    for point in rest {
        path.line_to((point.x, point.y));
    }
    path
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 255"
)]
fn cover(covered: f32) -> u16 {
    (covered.clamp(0.0, 1.0) * 255.0) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pixels of a picture with an area in it.
    fn drawn(area: Area, as_polygon: bool) -> Vec<u8> {
        let scene = Scene {
            width: 20,
            height: 10,
            shapes: Vec::new(),
            description: String::new(),
        };
        let mut canvas = Canvas::new(&scene, Theme::Dark);
        let ink = Ink::Online;
        let shape = match as_polygon {
            true => Shape::Polygon {
                points: rectangle(area).to_vec(),
                ink,
            },
            false => Shape::Rectangle { area, ink },
        };
        canvas.draw(&shape, str::to_owned);
        canvas.pixels
    }

    #[test]
    fn a_rectangle_of_whole_pixels_is_the_same_as_a_polygon() {
        for (left, top, width, height, covered) in [
            (0.0, 0.0, 20.0, 10.0, 200),
            (3.0, 2.0, 4.0, 5.0, 20),
            (3.0, 2.0, 1.0, 1.0, 1),
            // Beyond the right and the lower edge.
            (18.0, 8.0, 10.0, 10.0, 4),
            (20.0, 10.0, 10.0, 10.0, 0),
            (-2.0, -2.0, 4.0, 4.0, 4),
            (3.0, 2.0, 0.0, 5.0, 0),
        ] {
            let area = Area {
                left,
                top,
                width,
                height,
            };
            let pixels = drawn(area, false);
            assert_eq!(pixels, drawn(area, true), "{area}");
            let count = pixels.iter().filter(|number| **number != 0).count();
            assert_eq!(count, covered, "{area}");
        }
    }

    #[test]
    fn edges_within_pixels_are_smooth() {
        let area = Area {
            left: 1.5,
            top: 1.0,
            width: 2.0,
            height: 1.0,
        };
        let row = &drawn(area, false)[20..40];
        assert!(
            row[1] != 0 && row[1] == row[3] && row[1] != row[2],
            "{row:?}"
        );
    }
}

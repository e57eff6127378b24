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
            Shape::Rectangle { area, ink } => self.fill(&rectangle(*area), *ink),
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

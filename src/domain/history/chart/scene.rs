//! A picture as shapes with positions, in pixels from the top left corner. What is later in the list is drawn over what is earlier.

use std::fmt;

use strum::{EnumString, IntoStaticStr};

/// A position.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScenePoint {
    pub x: f32,
    pub y: f32,
}

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

impl Area {
    pub fn right(self) -> f32 {
        self.left + self.width
    }

    pub fn bottom(self) -> f32 {
        self.top + self.height
    }
}

/// What a color stands for; the theme says which color that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ink {
    Background,
    Text,
    /// Labels of axes, and explanations.
    FaintText,
    Grid,
    /// A figure over time.
    Figure,
    /// Two more figures in the same place. They differ in their dashes, too.
    SecondFigure,
    ThirdFigure,
    /// The range of a figure.
    Band,
    Online,
    Offline,
    /// Behind a figure, where the monitor was offline.
    OfflineGround,
    Maintenance,
    Unknown,
    Paused,
    /// How much downtime, from 1 to `Ink::MOST_HEAT`; a higher number has more contrast to the background.
    Heat(u8),
}

impl Ink {
    pub const MOST_HEAT: u8 = 5;

    /// The ink of a text on this much heat.
    pub const fn on_heat(level: u8) -> Self {
        match level {
            0..=2 => Self::Text,
            3.. => Self::Background,
        }
    }
}

/// The colors of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Theme {
    #[default]
    Dark,
    Light,
}

impl Theme {
    /// Its stored form: `dark` or `light`.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Red, green and blue. Text has a contrast of at least 4.5 to the background, and everything else of 3 (WCAG 2.2, AA), but for
    /// the grid and grounds, which say nothing alone.
    pub const fn color(self, ink: Ink) -> [u8; 3] {
        match (self, ink) {
            (Self::Dark, Ink::Background) => [0x2b, 0x2d, 0x31],
            (Self::Dark, Ink::Text) => [0xf2, 0xf3, 0xf5],
            (Self::Dark, Ink::FaintText) => [0xb5, 0xba, 0xc1],
            (Self::Dark, Ink::Grid) => [0x3f, 0x42, 0x48],
            (Self::Dark, Ink::Figure) => [0x7d, 0xb4, 0xff],
            (Self::Dark, Ink::SecondFigure) => [0x4f, 0xd1, 0xc5],
            (Self::Dark, Ink::ThirdFigure) => [0xf0, 0xa0, 0x4b],
            (Self::Dark, Ink::Band) => [0x3e, 0x5a, 0x86],
            (Self::Dark, Ink::Online) => [0x3b, 0xa5, 0x5d],
            (Self::Dark, Ink::Offline) => [0xf2, 0x5f, 0x5c],
            (Self::Dark, Ink::OfflineGround) => [0x5a, 0x2f, 0x35],
            (Self::Dark, Ink::Maintenance) => [0xb0, 0x8c, 0xff],
            (Self::Dark, Ink::Unknown) => [0x8a, 0x90, 0x99],
            (Self::Dark, Ink::Paused) => [0xe0, 0xb0, 0x50],
            (Self::Dark, Ink::Heat(level)) => match level {
                0..=1 => [0x8f, 0x44, 0x46],
                2 => [0xad, 0x51, 0x52],
                3 => [0xec, 0x78, 0x76],
                4 => [0xf8, 0xa1, 0x9e],
                5.. => [0xff, 0xd6, 0xd2],
            },
            (Self::Light, Ink::Background) => [0xff, 0xff, 0xff],
            (Self::Light, Ink::Text) => [0x06, 0x06, 0x07],
            (Self::Light, Ink::FaintText) => [0x4e, 0x50, 0x58],
            (Self::Light, Ink::Grid) => [0xe3, 0xe5, 0xe8],
            (Self::Light, Ink::Figure) => [0x1f, 0x5f, 0xc4],
            (Self::Light, Ink::SecondFigure) => [0x0f, 0x76, 0x6e],
            (Self::Light, Ink::ThirdFigure) => [0xb4, 0x53, 0x09],
            (Self::Light, Ink::Band) => [0xa9, 0xc6, 0xf2],
            (Self::Light, Ink::Online) => [0x1f, 0x8a, 0x4c],
            (Self::Light, Ink::Offline) => [0xc6, 0x28, 0x28],
            (Self::Light, Ink::OfflineGround) => [0xfa, 0xd9, 0xd9],
            (Self::Light, Ink::Maintenance) => [0x6f, 0x42, 0xc1],
            (Self::Light, Ink::Unknown) => [0x74, 0x7a, 0x84],
            (Self::Light, Ink::Paused) => [0x9a, 0x67, 0x00],
            (Self::Light, Ink::Heat(level)) => match level {
                0..=1 => [0xe8, 0x9a, 0x9a],
                2 => [0xdc, 0x74, 0x74],
                3 => [0xc9, 0x42, 0x42],
                4 => [0xa8, 0x28, 0x28],
                5.. => [0x70, 0x10, 0x10],
            },
        }
    }
}

/// Where a text lies from its position on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A text on one line. Its position is on the base line.
#[derive(Clone, Debug, PartialEq)]
pub struct TextLabel {
    pub at: ScenePoint,
    pub anchor: Anchor,
    /// In pixels.
    pub size: f32,
    pub ink: Ink,
    pub text: String,
}

/// A part of a picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Rectangle {
        area: Area,
        ink: Ink,
    },
    /// A rectangle of slanted lines, which differs from others without colors.
    Hatching {
        area: Area,
        ink: Ink,
    },
    /// A filled polygon.
    Polygon {
        points: Vec<ScenePoint>,
        ink: Ink,
    },
    Line {
        points: Vec<ScenePoint>,
        width: f32,
        ink: Ink,
    },
    Text(TextLabel),
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    pub width: u16,
    pub height: u16,
    /// Over the background.
    pub shapes: Vec<Shape>,
    /// What it shows, for people who do not see it: at most 1,024 characters.
    pub description: String,
}

/// The maximum length of a description, in characters: the limit of Discord.
pub const LONGEST_DESCRIPTION: usize = 1_024;

impl fmt::Display for Scene {
    /// A line for each shape, for tests.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{} x {}: {}",
            self.width, self.height, self.description
        )?;
        for shape in &self.shapes {
            writeln!(out, "{shape}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rectangle { area, ink } => write!(out, "{ink:?} rectangle {area}"),
            Self::Hatching { area, ink } => write!(out, "{ink:?} hatching {area}"),
            Self::Polygon { points, ink } => write!(out, "{ink:?} polygon {}", Points(points)),
            Self::Line { points, width, ink } => {
                write!(out, "{ink:?} line of {width} {}", Points(points))
            }
            Self::Text(label) => write!(
                out,
                "{:?} text at {},{} {:?} of {}: {}",
                label.ink, label.at.x, label.at.y, label.anchor, label.size, label.text
            ),
        }
    }
}

impl fmt::Display for Area {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "at {:.1},{:.1}, {:.1} x {:.1}",
            self.left, self.top, self.width, self.height
        )
    }
}

/// At most six of them: the first ones and the last one.
struct Points<'a>(&'a [ScenePoint]);

impl fmt::Display for Points<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "({})", self.0.len())?;
        for point in self
            .0
            .iter()
            .take(5)
            .chain(self.0.iter().skip(5).next_back())
        {
            write!(out, " {:.1},{:.1}", point.x, point.y)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contrast of two colors as WCAG 2.2 defines it.
    fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            match value <= 0.040_45 {
                true => value / 12.92,
                false => ((value + 0.055) / 1.055).powf(2.4),
            }
        };
        let luminance =
            |[r, g, b]: [u8; 3]| 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_ink_that_says_something_has_enough_contrast() {
        for theme in [Theme::Dark, Theme::Light] {
            let ground = theme.color(Ink::Background);
            for (ink, least) in [
                (Ink::Text, 4.5),
                (Ink::FaintText, 4.5),
                (Ink::Figure, 3.0),
                (Ink::SecondFigure, 3.0),
                (Ink::ThirdFigure, 3.0),
                (Ink::Online, 3.0),
                (Ink::Offline, 3.0),
                (Ink::Maintenance, 3.0),
                (Ink::Unknown, 3.0),
                (Ink::Paused, 3.0),
            ] {
                let found = contrast(theme.color(ink), ground);
                assert!(found >= least, "{theme:?} {ink:?}: {found:.2}");
            }
        }
    }

    #[test]
    fn more_heat_has_more_contrast_and_texts_on_it_are_readable() {
        for theme in [Theme::Dark, Theme::Light] {
            let ground = theme.color(Ink::Background);
            let mut last = 1.5;
            for level in 1..=Ink::MOST_HEAT {
                let heat = theme.color(Ink::Heat(level));
                let found = contrast(heat, ground);
                assert!(found > last, "{theme:?} {level}: {found:.2}");
                last = found;
                let text = contrast(theme.color(Ink::on_heat(level)), heat);
                assert!(text >= 4.5, "{theme:?} text on {level}: {text:.2}");
            }
        }
    }
}

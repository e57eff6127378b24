//! What the pictures share: their size, titles, labels, marks and explanations.

use super::scene::{Anchor, Area, Ink, LONGEST_DESCRIPTION, Scene, ScenePoint, Shape, TextLabel};
use super::text_width::{fitted, width};

pub(super) const WIDTH: u16 = 1_000;
pub(super) const HEIGHT: u16 = 340;

/// The left edge of titles.
pub(super) const LEFT: f32 = 20.0;

/// The right edge of everything.
pub(super) const RIGHT: f32 = 980.0;

/// Where the figures begin, below the title and the explanation.
pub(super) const TOP: f32 = 78.0;

pub(super) const TITLE_SIZE: f32 = 20.0;
pub(super) const LABEL_SIZE: f32 = 15.0;

/// Labels within figures.
pub(super) const SMALL_SIZE: f32 = 12.0;

/// The longest name in a description, in characters.
pub(super) const LONGEST_NAME: usize = 50;

pub(super) fn scene(height: u16, shapes: Vec<Shape>, description: String) -> Scene {
    Scene {
        width: WIDTH,
        height,
        shapes,
        description,
    }
}

/// The title of a picture: what it is about, and what it shows of it. Of a long name, its beginning.
pub(super) fn title(name: &str, rest: &str) -> Shape {
    let space = RIGHT - LEFT - width(rest, TITLE_SIZE);
    Shape::Text(TextLabel {
        at: ScenePoint { x: LEFT, y: 32.0 },
        anchor: Anchor::Start,
        size: TITLE_SIZE,
        ink: Ink::Text,
        text: format!("{}{rest}", fitted(name, TITLE_SIZE, space)),
    })
}

pub(super) fn label(at: ScenePoint, anchor: Anchor, ink: Ink, text: &str) -> Shape {
    let size = LABEL_SIZE;
    sized_label(at, anchor, TextStyle { ink, size }, text)
}

/// How a text is written.
#[derive(Clone, Copy)]
pub(super) struct TextStyle {
    pub ink: Ink,
    pub size: f32,
}

pub(super) fn sized_label(at: ScenePoint, anchor: Anchor, style: TextStyle, text: &str) -> Shape {
    Shape::Text(TextLabel {
        at,
        anchor,
        size: style.size,
        ink: style.ink,
        text: text.to_owned(),
    })
}

/// A sentence in an area in which there is nothing else, above the line that may be in its middle.
pub(super) fn remark(area: Area, text: &str) -> Shape {
    let at = ScenePoint {
        x: area.left + area.width / 2.0,
        y: area.top + area.height / 2.0 - 8.0,
    };
    label(at, Anchor::Middle, Ink::FaintText, text)
}

/// The edge of a rectangle, a pixel wide and within it.
pub(super) fn outline(area: Area, ink: Ink) -> Shape {
    let (left, top) = (area.left + 0.5, area.top + 0.5);
    let (right, bottom) = (area.right() - 0.5, area.bottom() - 0.5);
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
    let points = corners.iter().chain(&corners[..1]);
    Shape::Line {
        points: points.map(|(x, y)| ScenePoint { x: *x, y: *y }).collect(),
        width: 1.0,
        ink,
    }
}

/// A triangle that points down to a place. It is as high as half its width.
pub(super) fn mark(tip: ScenePoint, width: f32, ink: Ink) -> Shape {
    let (left, right) = (tip.x - width / 2.0, tip.x + width / 2.0);
    let y = tip.y - width / 2.0;
    Shape::Polygon {
        points: vec![ScenePoint { x: left, y }, ScenePoint { x: right, y }, tip],
        ink,
    }
}

/// The line below the title that explains inks and marks, from left to right.
pub(super) struct Legend {
    x: f32,
}

impl Legend {
    /// The base line of its texts.
    const Y: f32 = 58.0;

    pub(super) fn new() -> Self {
        Self { x: LEFT }
    }

    /// Adds an entry: what `sample` draws in an area, and what it stands for.
    pub(super) fn add(
        &mut self,
        shapes: &mut Vec<Shape>,
        text: &str,
        sample: impl FnOnce(&mut Vec<Shape>, Area),
    ) {
        self.add_wide(shapes, text, 1, sample);
    }

    /// Adds an entry with space for some areas side by side, of which `sample` gets the first.
    pub(super) fn add_wide(
        &mut self,
        shapes: &mut Vec<Shape>,
        text: &str,
        areas: u16,
        sample: impl FnOnce(&mut Vec<Shape>, Area),
    ) {
        let area = Area {
            left: self.x,
            top: Self::Y - 12.0,
            width: 16.0,
            height: 14.0,
        };
        sample(shapes, area);
        self.x += area.width * f32::from(areas) + 6.0;
        self.note(shapes, text);
    }

    /// Adds a text alone.
    pub(super) fn note(&mut self, shapes: &mut Vec<Shape>, text: &str) {
        let at = ScenePoint {
            x: self.x,
            y: Self::Y,
        };
        shapes.push(label(at, Anchor::Start, Ink::FaintText, text));
        self.x += width(text, LABEL_SIZE) + 16.0;
    }
}

/// Sentences as long as they fit into a description.
pub(super) struct Sentences {
    text: String,
    characters: usize,
}

impl Sentences {
    pub(super) fn new(first: String) -> Self {
        Self {
            characters: first.chars().count(),
            text: first,
        }
    }

    /// Adds a sentence if it fits, and `reserved` more characters after it; returns whether it did.
    pub(super) fn add(&mut self, sentence: &str, reserved: usize) -> bool {
        let characters = self.characters + 1 + sentence.chars().count();
        let is_added = characters + reserved <= LONGEST_DESCRIPTION;
        if is_added {
            self.text.push(' ');
            self.text.push_str(sentence);
            self.characters = characters;
        }
        is_added
    }

    /// Adds a sentence for each item as long as they fit, and how many items have none: `And 35 more monitors.`
    pub(super) fn add_all(
        mut self,
        sentences: impl ExactSizeIterator<Item = String>,
        noun: &str,
    ) -> Self {
        let mut rest = sentences.len();
        let more = |rest| format!("And {}.", crate::text::count(rest, &format!("more {noun}")));
        for sentence in sentences {
            let reserved = match rest {
                1 => 0,
                _ => {
                    1 + more(u64::try_from(rest).unwrap_or(u64::MAX))
                        .chars()
                        .count()
                }
            };
            if !self.add(&sentence, reserved) {
                break;
            }
            rest -= 1;
        }
        if rest > 0 {
            self.add(&more(u64::try_from(rest).unwrap_or(u64::MAX)), 0);
        }
        self
    }

    pub(super) fn finish(self) -> String {
        crate::text::cut(&self.text, LONGEST_DESCRIPTION)
    }
}

/// A number of things, or their place in a list, in pixels.
pub(super) fn pixels(number: usize) -> f32 {
    u16::try_from(number).unwrap_or(u16::MAX).into()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "shares and pixels, of which three digits matter"
)]
pub(super) fn to_f32(number: f64) -> f32 {
    number as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_whole_sentences_up_to_its_limit() {
        // The first sentence, and three with their space before them.
        for (length, sentences, more) in [
            (340, 3, None),
            // Four more characters than the limit.
            (342, 2, Some("And 1 more day.")),
            (800, 1, Some("And 2 more days.")),
            (2_000, 0, Some("And 3 more days.")),
        ] {
            let first = Sentences::new("A".to_owned());
            let all = vec!["b".repeat(length); 3];
            let text = first.add_all(all.into_iter(), "day").finish();
            assert!(text.chars().count() <= LONGEST_DESCRIPTION);
            assert_eq!(text.matches(" b").count(), sentences, "{length}");
            assert_eq!(more.is_some(), text.contains("And "), "{length}");
            assert!(more.is_none_or(|more| text.ends_with(more)), "{length}");
        }
        let exact = Sentences::new("A".to_owned());
        let text = exact
            .add_all(["b".repeat(1_022)].into_iter(), "day")
            .finish();
        assert_eq!(text.chars().count(), LONGEST_DESCRIPTION);
        let one_more = Sentences::new("A".to_owned());
        let text = one_more
            .add_all(["b".repeat(1_023)].into_iter(), "day")
            .finish();
        assert_eq!(text, "A And 1 more day.");
    }
}

//! The colors of a picture: at most 256, so that a pixel is a byte. A chart has about a hundred.

use std::collections::HashMap;

/// The most colors.
const MOST: usize = 256;

/// Colors by their numbers.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    colors: Vec<[u8; 3]>,
    numbers: HashMap<[u8; 3], u8>,
}

impl Palette {
    /// The number of a color; of one beyond the last number, that of the most similar one.
    pub fn number(&mut self, color: [u8; 3]) -> u8 {
        if let Some(number) = self.numbers.get(&color) {
            return *number;
        }
        let next = u8::try_from(self.colors.len())
            .ok()
            .filter(|_| self.colors.len() < MOST);
        let number = match next {
            Some(next) => {
                self.colors.push(color);
                next
            }
            None => self.nearest(color),
        };
        self.numbers.insert(color, number);
        number
    }

    /// `None` for a number that stands for no color.
    pub fn color(&self, number: u8) -> Option<[u8; 3]> {
        self.colors.get(usize::from(number)).copied()
    }

    /// Red, green and blue of each color.
    pub fn bytes(&self) -> Vec<u8> {
        self.colors.concat()
    }

    fn nearest(&self, color: [u8; 3]) -> u8 {
        let distance = |other: &[u8; 3]| -> u32 {
            let parts = color.iter().zip(other);
            parts
                .map(|(one, other)| u32::from(one.abs_diff(*other)).pow(2))
                .sum()
        };
        let nearest = (0..=u8::MAX)
            .zip(&self.colors)
            .min_by_key(|(_, other)| distance(other));
        nearest.map_or(0, |(number, _)| number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_beyond_the_last_number_are_the_most_similar_ones() {
        let mut palette = Palette::default();
        for red in 0..=255 {
            assert_eq!(palette.number([red, 0, 0]), red);
        }
        assert_eq!(palette.number([7, 0, 0]), 7);
        assert_eq!(palette.number([7, 1, 1]), 7);
        assert_eq!(palette.number([255, 255, 255]), 255);
        assert_eq!(palette.bytes().len(), 3 * 256);
    }
}

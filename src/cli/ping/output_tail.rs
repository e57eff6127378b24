//! The end of a job's output: the 8,000 bytes that Rollcall keeps from the end of a ping's body.

use std::collections::VecDeque;

/// The maximum size, in bytes.
pub(super) const KEPT: usize = 8_000;

/// The last bytes of an output of any size.
#[derive(Debug, Default)]
pub(super) struct OutputTail {
    bytes: VecDeque<u8>,
    is_cut: bool,
}

impl OutputTail {
    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let surplus = (self.bytes.len() + bytes.len()).saturating_sub(KEPT);
        self.is_cut |= surplus > 0;
        self.bytes.drain(..surplus.min(self.bytes.len()));
        let kept = &bytes[bytes.len().saturating_sub(KEPT)..];
        self.bytes.extend(kept);
    }

    /// The bytes that are kept, from the beginning of a character.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let is_inside = |byte: &&u8| self.is_cut && (0x80..0xc0).contains(*byte);
        // A character has at most three bytes behind its first one; more of them are no text.
        let inside = self.bytes.iter().take(3).take_while(is_inside).count();
        self.bytes.iter().skip(inside).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(pieces: &[&[u8]]) -> Vec<u8> {
        let mut tail = OutputTail::default();
        for piece in pieces {
            tail.push(piece);
            assert!(tail.bytes.len() <= KEPT);
        }
        tail.bytes()
    }

    #[test]
    fn an_output_up_to_the_limit_is_kept_whole() {
        let output: Vec<u8> = (0..=255).cycle().take(KEPT + 1).collect();
        assert_eq!(tail(&[]), b"");
        for length in [1, KEPT - 1, KEPT] {
            let output = &output[..length];
            assert_eq!(tail(&[output]), output, "{length}");
            let (start, end) = output.split_at(length / 2);
            assert_eq!(tail(&[start, end]), output, "{length}");
        }
        assert_eq!(tail(&[&output]), &output[1..]);
        assert_eq!(tail(&[&output[..KEPT], &output[KEPT..]]), &output[1..]);
        assert_eq!(tail(&[&output, &output]), &output[1..]);
    }

    #[test]
    fn a_cut_output_begins_with_a_whole_character() {
        for (character, rest) in [("é", 0), ("€", 0), ("🟢", 0)] {
            let output = format!("{character}{}", "x".repeat(KEPT - 1));
            assert_eq!(tail(&[output.as_bytes()]).len(), KEPT - 1 + rest);
        }
        let no_text = vec![0x80; KEPT + 1];
        assert_eq!(tail(&[&no_text]).len(), KEPT - 3);
        let whole = vec![0x80; KEPT];
        assert_eq!(tail(&[&whole]), whole, "nothing was cut off");
    }
}

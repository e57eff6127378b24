//! What is kept of the body of a ping: its beginning and its end, and its last line. Logs say at the beginning what ran, and at
//! the end why it failed.

use crate::text;

/// The maximum kept size of a body, in bytes; the same as in Healthchecks, which keeps the beginning only.
pub const KEPT_BODY: usize = KEPT_HEAD + KEPT_TAIL;

const KEPT_HEAD: usize = 2_000;
const KEPT_TAIL: usize = 8_000;

/// The maximum kept size of the last line, in bytes: more than is shown of it.
const KEPT_LINE: usize = 1_000;

/// A body of any size, of which a bounded part is kept.
#[derive(Debug, Default)]
pub struct KeptBody {
    head: Vec<u8>,
    /// At most twice `KEPT_TAIL`, so that it is shortened seldom.
    tail: Vec<u8>,
    omitted: usize,
    /// The beginning of the current line, without spaces before it, and of the last one with text in it.
    line: Vec<u8>,
    last_line: Vec<u8>,
}

impl KeptBody {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.push_lines(bytes);
        let free = KEPT_HEAD - self.head.len();
        let (head, rest) = bytes.split_at(bytes.len().min(free));
        self.head.extend_from_slice(head);
        // One piece at a time, so that a large one does not need its own size twice.
        for piece in rest.chunks(KEPT_TAIL) {
            self.tail.extend_from_slice(piece);
            if self.tail.len() > 2 * KEPT_TAIL {
                self.shorten_tail();
            }
        }
    }

    /// The text that is kept, with a line between beginning and end that says how much is missing, and the last line of the
    /// whole body that is not empty.
    pub fn finish(mut self) -> (String, Option<String>) {
        self.end_line();
        self.shorten_tail();
        let last_line = (!self.last_line.is_empty()).then(|| visible(&self.last_line));
        if self.omitted == 0 {
            self.head.append(&mut self.tail);
            return (lossy(&self.head), last_line);
        }
        let message = format!(
            "{}\n[{} bytes omitted]\n{}",
            lossy(&self.head),
            self.omitted,
            lossy(&self.tail)
        );
        (message, last_line)
    }

    fn shorten_tail(&mut self) {
        let surplus = self.tail.len().saturating_sub(KEPT_TAIL);
        self.tail.drain(..surplus);
        self.omitted += surplus;
    }

    fn push_lines(&mut self, bytes: &[u8]) {
        for (index, part) in bytes
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .enumerate()
        {
            if index > 0 {
                self.end_line();
            }
            let part = match self.line.is_empty() {
                true => part.trim_ascii_start(),
                false => part,
            };
            let free = KEPT_LINE - self.line.len();
            self.line.extend_from_slice(&part[..part.len().min(free)]);
        }
    }

    fn end_line(&mut self) {
        if !visible(&self.line).is_empty() {
            std::mem::swap(&mut self.line, &mut self.last_line);
        }
        self.line.clear();
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A line without invisible characters.
fn visible(line: &[u8]) -> String {
    let line: String = lossy(line)
        .chars()
        .filter(|letter| !text::is_unseen(*letter))
        .collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(pieces: &[&[u8]]) -> (String, Option<String>) {
        let mut body = KeptBody::default();
        for piece in pieces {
            body.push(piece);
        }
        body.finish()
    }

    #[test]
    fn a_body_up_to_the_limit_is_kept_whole() {
        let body = "0123456789".repeat(1_000);
        assert_eq!(body.len(), KEPT_BODY);
        let (message, last_line) = kept(&[body.as_bytes()]);
        assert_eq!(message, body);
        assert_eq!(last_line.map(|line| line.len()), Some(KEPT_LINE));
    }

    #[test]
    fn beginning_and_end_of_a_longer_body_are_kept() {
        for length in [KEPT_BODY + 1, 100_000, 1_000_000] {
            let body: String = ('a'..='z').cycle().take(length).collect();
            let omitted = length - KEPT_BODY;
            let expected = format!(
                "{}\n[{omitted} bytes omitted]\n{}",
                &body[..2_000],
                &body[length - 8_000..]
            );
            for size in [1_000, 16_384, length] {
                let pieces: Vec<&[u8]> = body.as_bytes().chunks(size).collect();
                assert_eq!(kept(&pieces).0, expected, "{length} in pieces of {size}");
            }
        }
    }

    #[test]
    fn the_last_line_with_text_is_found_wherever_it_is() {
        let blank = "\n \u{202e}\r\n".repeat(5_000);
        let long = "x".repeat(50_000);
        for (body, expected) in [
            ("", None),
            (" \n\n", None),
            ("one\ndisk full\n\n", Some("disk full")),
            ("one\r\n  two \r\n", Some("two")),
            (&*format!("disk full\n{blank}"), Some("disk full")),
            (&*format!("first\n{long} end"), Some(&long[..KEPT_LINE])),
        ] {
            for size in [1, 7, 1_000] {
                let pieces: Vec<&[u8]> = body.as_bytes().chunks(size).collect();
                assert_eq!(kept(&pieces).1.as_deref(), expected, "{size}");
            }
        }
    }
}

//! Finds the keyword in bytes that arrive in pieces, without keeping the bytes.

/// Knuth-Morris-Pratt search: finds the keyword across any split of the content.
pub(super) struct Search<'a> {
    keyword: &'a [u8],
    /// For each prefix of the keyword, the length of its longest border.
    borders: Vec<usize>,
    matched: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(keyword: &'a [u8]) -> Self {
        let mut borders = vec![0; keyword.len()];
        let mut matched = 0;
        for index in 1..keyword.len() {
            matched = advance(keyword, &borders, matched, keyword[index]);
            borders[index] = matched;
        }
        Self {
            keyword,
            borders,
            matched: 0,
        }
    }

    pub(super) fn pass(&mut self, data: &[u8]) {
        for byte in data {
            if self.found() {
                return;
            }
            self.matched = advance(self.keyword, &self.borders, self.matched, *byte);
        }
    }

    pub(super) fn found(&self) -> bool {
        self.matched == self.keyword.len()
    }
}

/// How much of the keyword is matched after one more byte; `matched` is shorter than the keyword.
fn advance(keyword: &[u8], borders: &[usize], mut matched: usize, byte: u8) -> usize {
    while matched > 0 && keyword[matched] != byte {
        matched = borders[matched - 1];
    }
    matched + usize::from(keyword[matched] == byte)
}

//! Many rows in one statement.
//!
//! sqlx hands each statement to its worker thread, which costs about 50 µs whatever the statement does; rows per
//! statement decide what a row costs. Only three sizes are used, so that the prepared statements are few and kept.

/// Rows per statement, largest first; every count is made of these.
const SIZES: [usize; 3] = [256, 16, 1];

/// Cuts `rows` into pieces of the three sizes.
pub(super) fn pieces<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= rows.len())?;
        let (piece, rest) = rows.split_at(size);
        rows = rest;
        Some(piece)
    })
}

/// `(?,?),(?,?)` for `rows` rows of `columns` columns, bound in this order.
///
/// Not numbered: SQLite keeps the names of placeholders in a list and walks it for each one that is bound, which costs
/// ten times what storing the row does. A store that wants `$1` changes this function only.
pub(super) fn placeholders(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    vec![row; rows].join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_exactly_one_piece() {
        for count in [0, 1, 15, 16, 17, 255, 256, 300, 1000] {
            let rows: Vec<usize> = (0..count).collect();
            let joined: Vec<usize> = pieces(&rows).flatten().copied().collect();
            assert_eq!(joined, rows);
            assert!(pieces(&rows).all(|piece| SIZES.contains(&piece.len())));
        }
    }

    #[test]
    fn every_row_has_its_placeholders() {
        assert_eq!(placeholders(2, 3), "(?,?,?),(?,?,?)");
        assert_eq!(placeholders(1, 1), "(?)");
    }
}

//! Statements with many rows.
//!
//! sqlx passes each statement to its worker thread, which costs about 50 µs regardless of the statement, so the number of
//! rows per statement decides the cost of a row. Only three sizes are used, so that prepared statements are few and stay
//! cached.

use crate::domain::discord_id::GuildId;

/// Rows per statement, largest first; every count is a sum of these.
const SIZES: [usize; 3] = [256, 16, 1];

/// Cuts `rows` into pieces of the three sizes.
pub(in crate::store) fn pieces<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= rows.len())?;
        let (piece, rest) = rows.split_at(size);
        rows = rest;
        Some(piece)
    })
}

/// `(?,?),(?,?)` for `rows` rows of `columns` columns, bound in this order.
///
/// Not numbered: SQLite keeps the names of placeholders in a list and walks it for each bound value, which costs ten times
/// as much as storing the row. A database that needs `$1` requires a change of this function only.
pub(in crate::store) fn placeholders(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    vec![row; rows].join(",")
}

/// The condition for rows of the guild that is bound as `$1`. For all guilds (`None`), `$1` is bound, too. One condition for
/// both would read the rows of every guild to find those of one.
pub(in crate::store) const fn of_guild(guild: Option<GuildId>) -> &'static str {
    match guild {
        Some(_) => "guild_id = $1",
        None => "$1 IS NULL",
    }
}

/// Like `of_guild`, without the guilds that have removed the bot.
pub(in crate::store) const fn of_present_guild(guild: Option<GuildId>) -> &'static str {
    match guild {
        Some(_) => "guild_id = $1",
        None => "$1 IS NULL AND guild_id NOT IN (SELECT guild_id FROM left_guilds)",
    }
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

//! Lists: all have one shape and one cursor. A cursor is the position of the last item of a page in the order of its list, so
//! items that are added or removed in the meantime neither repeat nor hide others.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

/// The longest cursor: a name of 64 characters, each of 4 bytes, and two numbers.
const LONGEST_CURSOR: usize = 512;

/// Separates the parts of a cursor; names do not contain it.
const SEPARATOR: char = '\u{1f}';

/// Where a page ended. Every text of its alphabet is a position, if only of an item that never was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor(Vec<String>);

impl Cursor {
    /// A part as text; empty if there is none.
    pub fn text(&self, part: usize) -> &str {
        self.0.get(part).map_or("", String::as_str)
    }

    /// A part as a number; 0 if there is none.
    pub fn number(&self, part: usize) -> i64 {
        self.text(part).parse().unwrap_or_default()
    }
}

impl<const PARTS: usize> From<[String; PARTS]> for Cursor {
    fn from(parts: [String; PARTS]) -> Self {
        Self(parts.into())
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let parts = self.0.join(&SEPARATOR.to_string());
        to.serialize_str(&URL_SAFE_NO_PAD.encode(parts))
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(from)?;
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if text.is_empty() || text.len() > LONGEST_CURSOR || !text.bytes().all(is_known) {
            return Err(D::Error::custom(
                "must be the `next_cursor` of a page, unchanged",
            ));
        }
        let bytes = URL_SAFE_NO_PAD.decode(text.as_bytes());
        let bytes = bytes.unwrap_or_else(|_| text.as_bytes().to_vec());
        let parts = String::from_utf8_lossy(&bytes);
        Ok(Self(parts.split(SEPARATOR).map(str::to_owned).collect()))
    }
}

impl PartialSchema for Cursor {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[A-Za-z0-9_-]+$"))
            .max_length(Some(LONGEST_CURSOR))
            .description(Some("The `next_cursor` of the page before."));
        schema.into()
    }
}

impl ToSchema for Cursor {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Cursor")
    }
}

/// How many items a page has at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageLimit<const DEFAULT: u32, const MOST: u32>(u32);

impl<const DEFAULT: u32, const MOST: u32> Default for PageLimit<DEFAULT, MOST> {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

impl<const DEFAULT: u32, const MOST: u32> PageLimit<DEFAULT, MOST> {
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<'de, const DEFAULT: u32, const MOST: u32> Deserialize<'de> for PageLimit<DEFAULT, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(from)?;
        let limit = text.parse().ok();
        let limit = limit.filter(|limit| (1..=MOST).contains(limit));
        limit.map(Self).ok_or_else(|| {
            D::Error::custom(format!(
                "must be a number from 1 to {MOST}. Example: `limit={DEFAULT}`"
            ))
        })
    }
}

impl<const DEFAULT: u32, const MOST: u32> PartialSchema for PageLimit<DEFAULT, MOST> {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(1))
            .maximum(Some(MOST))
            .default(Some(DEFAULT.into()))
            .description(Some("The most items of the page."));
        schema.into()
    }
}

impl<const DEFAULT: u32, const MOST: u32> ToSchema for PageLimit<DEFAULT, MOST> {}

/// A whole number of a query that is not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Natural(pub i64);

impl<'de> Deserialize<'de> for Natural {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(from)?;
        let number = text.parse().ok().filter(|number| *number >= 0);
        number
            .map(Self)
            .ok_or_else(|| D::Error::custom("must be a whole number, 0 or more. Example: `17`"))
    }
}

impl PartialSchema for Natural {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(0));
        schema.into()
    }
}

impl ToSchema for Natural {}

/// A page of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageOf<T> {
    pub items: Vec<T>,
    /// `None` on the last page.
    pub next_cursor: Option<Cursor>,
}

/// The page of the first `limit` items, of which one more may have been read.
pub(super) fn page<T>(
    mut items: Vec<T>,
    limit: u32,
    cursor_of: impl Fn(&T) -> Cursor,
) -> PageOf<T> {
    let limit = limit as usize;
    let has_more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| has_more);
    let next_cursor = last.map(cursor_of);
    PageOf { items, next_cursor }
}

/// The query of a list that has no filters. Quotas bound such lists, so that by default they fit into one page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    #[param(inline)]
    cursor: Option<Cursor>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLimit<10_000, 10_000>,
}

/// The page of a complete list that is in the order of its positions.
pub(super) fn page_of<T, K>(
    mut items: Vec<T>,
    query: &PageQuery,
    position: impl Fn(&T) -> K,
) -> PageOf<T>
where
    K: Ord + for<'a> From<&'a Cursor> + Into<Cursor>,
{
    if let Some(cursor) = &query.cursor {
        let after = K::from(cursor);
        items.retain(|item| position(item) > after);
    }
    page(items, query.limit.get(), |item| position(item).into())
}

/// A position in a list by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ById(pub i64);

impl From<&Cursor> for ById {
    fn from(cursor: &Cursor) -> Self {
        Self(cursor.number(0))
    }
}

impl From<ById> for Cursor {
    fn from(position: ById) -> Self {
        [position.0.to_string()].into()
    }
}

/// A position in a list by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ByName {
    name: String,
    id: i64,
}

impl ByName {
    pub fn new(name: &str, id: i64) -> Self {
        Self {
            name: name.to_owned(),
            id,
        }
    }
}

impl From<&Cursor> for ByName {
    fn from(cursor: &Cursor) -> Self {
        Self::new(cursor.text(0), cursor.number(1))
    }
}

impl From<ByName> for Cursor {
    fn from(position: ByName) -> Self {
        [position.name, position.id.to_string()].into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(cursor: &Cursor) -> String {
        let json = serde_json::to_string(cursor).unwrap();
        json.trim_matches('"').to_owned()
    }

    fn read(text: &str) -> Option<Cursor> {
        serde_json::from_value(text.into()).ok()
    }

    #[test]
    fn pages_follow_each_other_though_items_come_and_go() {
        let names = |page: &PageOf<ByName>| -> Vec<String> {
            page.items.iter().map(|item| item.name.clone()).collect()
        };
        let list = |names: &[&str]| -> Vec<ByName> {
            names.iter().map(|name| ByName::new(name, 7)).collect()
        };
        let page = |names: &[&str], cursor: Option<&Cursor>| {
            let query: PageQuery =
                serde_json::from_value(serde_json::json!({ "limit": "2", "cursor": cursor }))
                    .unwrap();
            page_of(list(names), &query, ByName::clone)
        };
        let first = page(&["a", "b", "c", "d"], None);
        assert_eq!(names(&first), ["a", "b"]);
        let cursor = read(&written(&first.next_cursor.unwrap())).unwrap();
        // The item of the cursor is gone, or still there.
        for names_now in [&["a", "aa", "c", "d"], &["a", "b", "c", "d"]] {
            let second = page(names_now, Some(&cursor));
            let found = (names(&second), second.next_cursor);
            assert_eq!(found, (vec!["c".into(), "d".into()], None), "{names_now:?}");
        }
    }

    #[test]
    fn a_limit_is_a_number_up_to_the_maximum() {
        let read = |text: &str| serde_json::from_value::<PageLimit<50, 200>>(text.into()).ok();
        assert_eq!(read("1"), Some(PageLimit(1)));
        assert_eq!(read("200"), Some(PageLimit(200)));
        for wrong in ["0", "201", "-1", "x", ""] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_cursor_has_at_most_512_characters_of_its_alphabet() {
        assert!(read(&"a".repeat(512)).is_some());
        for wrong in ["", "a b", "ä", &"a".repeat(513)] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_position_round_trips(name in "[^\u{1f}]{0,64}", id: i64) {
            let position = ByName::new(&name, id);
            let cursor = read(&written(&position.clone().into())).unwrap();
            prop_assert_eq!(ByName::from(&cursor), position);
        }

        #[test]
        fn every_text_of_the_alphabet_is_a_position(text in "[A-Za-z0-9_-]{1,512}") {
            prop_assert!(read(&text).is_some());
        }
    }
}

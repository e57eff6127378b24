//! Tables of pages: compressed, damaged, too long, in every encoding, in pieces of every size.

use std::io::Write;
use std::time::Duration;

use encoding_rs::{ISO_2022_JP, SHIFT_JIS};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert_eq};

use super::*;
use crate::clock::Stopwatch;

const DAMAGED: Option<PageProblem> = Some(PageProblem::Unreadable(
    "the page is not valid gzip, although its header says so",
));

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn coded(name: &str) -> PageFormat {
    PageFormat {
        coding: Coding::parse([name.as_bytes()].into_iter()),
        charset: None,
    }
}

fn of_type(content_type: &str) -> PageFormat {
    PageFormat {
        coding: Coding::Identity,
        charset: charset(content_type.as_bytes()),
    }
}

/// What a search finds in a page that arrives in pieces of this size.
fn search(format: PageFormat, keyword: &str, page: &[u8], size: usize) -> Option<PageProblem> {
    let mut search = PageSearch::new(keyword, format);
    for piece in page.chunks(size) {
        search.pass(piece);
    }
    search.end(false)
}

#[test]
fn a_compressed_page_is_searched_in_its_decompressed_form() {
    let page = "x".repeat(5_000) + "needle" + &"y".repeat(5_000);
    let page = page.as_bytes();
    for (name, bytes) in [
        ("gzip", gzip(page)),
        ("X-GZIP", gzip(page)),
        (" identity, gzip ,", gzip(page)),
        ("deflate", zlib(page)),
        ("deflate", deflate(page)),
        ("identity", page.to_vec()),
        ("", page.to_vec()),
    ] {
        for size in [1, 7, 1_024, usize::MAX] {
            assert_eq!(search(coded(name), "needle", &bytes, size), None, "{name}");
            let missing = search(coded(name), "noodle", &bytes, size);
            assert_eq!(missing, Some(PageProblem::KeywordMissing), "{name}");
        }
    }
}

#[test]
fn a_page_that_cannot_be_decompressed_says_why() {
    for (name, why) in [
        (
            "zstd",
            "the page is compressed with zstd, which Rollcall cannot read",
        ),
        (
            "BR",
            "the page is compressed with br, which Rollcall cannot read",
        ),
        (
            "compress",
            "the page is compressed with compress, which Rollcall cannot read",
        ),
        (
            "gzip, gzip",
            "the page is compressed more than once, which Rollcall cannot read",
        ),
    ] {
        let found = search(coded(name), "a", b"a", 1);
        assert_eq!(found, Some(PageProblem::Unreadable(why)));
    }
    for name in ["none", "aws-chunked", "utf-8", "identity, `@everyone`", ""] {
        assert_eq!(search(coded(name), "a", b"a", 1), None, "{name}");
    }
    let both = search(coded("gzip, aws-chunked"), "a", &gzip(b"a"), 1);
    assert_eq!(both, None);
    let not_deflate = search(coded("deflate"), "a", b"\xffa", 1);
    let why = "the page is not valid deflate, although its header says so";
    assert_eq!(not_deflate, Some(PageProblem::Unreadable(why)));
}

#[test]
fn damaged_data_counts_unless_the_keyword_came_before() {
    let page: Vec<u8> = (0..9_000_u32).flat_map(u32::to_be_bytes).collect();
    let page = [b"needle", &page[..]].concat();
    let whole = gzip(&page);
    let mut wrong_sum = whole.clone();
    *wrong_sum.last_mut().unwrap() ^= 1;
    let mut wrong_inside = whole.clone();
    let middle = whole.len() / 2;
    wrong_inside[middle..middle + 40].fill(0xff);
    for bytes in [
        &wrong_sum[..],
        &wrong_inside,
        &whole[..whole.len() - 1],
        &whole[..middle],
        &whole[..5],
        b"needle",
    ] {
        assert_eq!(search(coded("gzip"), "noodle", bytes, 3), DAMAGED);
    }
    assert_eq!(search(coded("gzip"), "needle", &whole[..middle], 3), None);
    let with_rest = [&whole[..], b"and something else"].concat();
    assert_eq!(search(coded("gzip"), "needle", &with_rest, 3), None);
    let missing = Some(PageProblem::KeywordMissing);
    assert_eq!(search(coded("gzip"), "noodle", &with_rest, 3), missing);
    assert_eq!(search(coded("gzip"), "needle", b"", 1), missing);
}

#[test]
fn the_cap_counts_decompressed_bytes() {
    for (before, expected) in [
        (BODY_CAP - 7, None),
        (BODY_CAP - 6, None),
        (BODY_CAP - 5, Some(PageProblem::KeywordNotInTheBeginning)),
        (3 * BODY_CAP, Some(PageProblem::KeywordNotInTheBeginning)),
    ] {
        let page = gzip(("x".repeat(before) + "needle").as_bytes());
        for size in [1, usize::MAX] {
            assert_eq!(
                search(coded("gzip"), "needle", &page, size),
                expected,
                "{before}"
            );
        }
    }
    for (length, expected) in [
        (BODY_CAP - 1, PageProblem::KeywordMissing),
        (BODY_CAP, PageProblem::KeywordMissing),
        (BODY_CAP + 1, PageProblem::KeywordNotInTheBeginning),
    ] {
        let page = gzip(&vec![b'x'; length]);
        assert_eq!(search(coded("gzip"), "y", &page, 9), Some(expected));
    }
}

#[test]
fn a_page_that_expands_to_much_more_is_not_decompressed_to_the_end() {
    let bomb = gzip(&vec![0; 10 * 1024 * 1024]);
    assert!(bomb.len() < 11 * 1024);
    let mut page = PageSearch::new("ü", coded("gzip"));
    let time = Stopwatch::start();
    let mut passed = 0;
    for piece in bomb.chunks(100) {
        if page.has_failed() {
            break;
        }
        passed += piece.len();
        page.pass(piece);
    }
    // The cap is in the first 66 bytes of it; data is decompressed in blocks of 1 KiB.
    assert_eq!(passed, 1_100);
    let PageSource::Compressed(inflater) = &page.0 else {
        panic!("it is compressed")
    };
    assert_eq!(inflater.decoded().unwrap().length, BODY_CAP);
    assert_eq!(page.end(false), Some(PageProblem::KeywordNotInTheBeginning));
    assert!(time.elapsed() < Duration::from_secs(1), "{time:?}");
}

#[test]
fn the_content_type_names_the_encoding() {
    for (content_type, name) in [
        ("text/html; charset=iso-8859-1", Some("windows-1252")),
        ("text/html;Charset=\"UTF-8\"", Some("UTF-8")),
        (
            "text/html; x=y; charset = 'latin1' ; z",
            Some("windows-1252"),
        ),
        ("text/plain; charset=utf-16", Some("UTF-16LE")),
        ("text/html; charset=windows-1251", Some("windows-1251")),
        ("text/html; charset=what", None),
        ("text/html; charset=\"", None),
        ("text/html; charset=", None),
        ("text/html", None),
        ("charset=utf-8", None),
    ] {
        let found = charset(content_type.as_bytes()).map(Encoding::name);
        assert_eq!(found, name, "{content_type}");
    }
}

const GERMAN: &str = "Danke für € 5, Grüße";

/// Asserts for pages, given with their type and the keyword, whether the keyword is found.
fn assert_found(cases: &[(&str, &str, Vec<u8>, bool)]) {
    for (content_type, keyword, page, is_found) in cases {
        for size in [1, 2, 3, usize::MAX] {
            let found = search(of_type(content_type), keyword, page, size).is_none();
            assert_eq!(found, *is_found, "{content_type} {keyword} {size}");
        }
    }
}

#[test]
fn the_keyword_is_found_in_the_encoding_of_the_page() {
    let latin = |text: &str| encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    let latin_1 = "text/html; charset=iso-8859-1";
    let utf_8 = "text/html; charset=utf-8";
    assert_found(&[
        ("text/html", "für", GERMAN.into(), true),
        (utf_8, "für", GERMAN.into(), true),
        (latin_1, "für €", latin(GERMAN), true),
        ("text/html", "für €", latin(GERMAN), true),
        ("", "für", latin(GERMAN), true),
        // Wrongly declared: the bytes of the keyword are there.
        (latin_1, "für", GERMAN.into(), true),
        (utf_8, "für", latin(GERMAN), false),
        ("text/html; charset=iso-8859-2", "für", latin("für"), true),
        ("text/html; charset=windows-1251", "я", vec![0xff], true),
    ]);
    // What UTF-8 looks like in windows-1252 counts only if it is not UTF-8.
    let invalid = [GERMAN.as_bytes(), b"\xff"].concat();
    assert_found(&[
        ("text/html", "fÃ¼r", GERMAN.into(), false),
        ("text/html", "fÃ¼r", invalid, true),
    ]);
}

#[test]
fn the_keyword_is_found_in_encodings_of_more_than_one_byte() {
    let utf16 = |text: &str| {
        let units = text.encode_utf16().flat_map(u16::to_be_bytes);
        units.collect::<Vec<u8>>()
    };
    let with_mark = || utf16(&format!("\u{feff}{GERMAN}"));
    let big_endian = "text/plain; charset=utf-16be";
    let jp = "text/html; charset=iso-2022-jp";
    let japanese = |encoding: &'static Encoding| encoding.encode("本日営業中").0.into_owned();
    assert_found(&[
        (big_endian, "für", utf16(GERMAN), true),
        (big_endian, "Danke", utf16(GERMAN), true),
        ("text/plain", "Danke", with_mark(), true),
        ("text/html; charset=utf-8", "für", with_mark(), true),
        ("text/plain", "Danke", utf16(GERMAN), false),
        (
            "text/html; charset=shift_jis",
            "営業中",
            japanese(SHIFT_JIS),
            true,
        ),
        (jp, "営業中", japanese(ISO_2022_JP), true),
        (jp, "ok", b"it is ok".to_vec(), true),
    ]);
}

#[test]
fn a_character_that_the_cap_cuts_does_not_make_a_page_invalid() {
    let page = format!("{}ü", "x".repeat(BODY_CAP - 1));
    let found = search(of_type("text/html"), "Ã", page.as_bytes(), 4_096);
    assert_eq!(found, Some(PageProblem::KeywordNotInTheBeginning));
    let found = search(of_type("text/html"), "Ã", b"x\xc3", 1);
    assert_eq!(found, None);
}

proptest::proptest! {
    #[test]
    fn the_pieces_of_a_page_do_not_matter(bytes in vec(any::<u8>(), 0..3_000), cut in any::<proptest::sample::Index>(), size in 1_usize..600) {
        let mut compressed = gzip(&bytes);
        let at = cut.index(compressed.len());
        for damage in [0, 1] {
            compressed[at] ^= damage;
            for keyword in ["a", "ab", "é"] {
                let whole = search(coded("gzip"), keyword, &compressed, usize::MAX);
                prop_assert_eq!(search(coded("gzip"), keyword, &compressed, size), whole);
                let plain = search(of_type(""), keyword, &bytes, usize::MAX);
                prop_assert_eq!(search(of_type(""), keyword, &bytes, size), plain);
                if damage == 0 {
                    prop_assert_eq!(whole, plain);
                }
            }
        }
    }
}

//! Mistakes in files for `endpoint import`.

use super::{Row, page, row};

/// Imports a file of this name.
macro_rules! import {
    ($name:literal, $content:expr) => {
        row(concat!("endpoint import ", $name)).file($name, $content)
    };
}

pub(super) fn rows() -> Vec<Row> {
    [lists(), tables(), of_other_monitors()]
        .into_iter()
        .flatten()
        .collect()
}

fn lists() -> Vec<Row> {
    vec![
        import!("empty.txt", ""),
        import!("comments.txt", "# nothing\n\n"),
        import!("words.txt", "the shop\nexample.org:99999\n"),
        import!("twice.txt", "203.0.113.7:80\n203.0.113.7:80\n"),
        import!("latin.txt", [b'm', 0xfc, b'n', b'c', b'h', b'e', b'n']),
        import!("picture.png", [0x89, b'P', b'N', b'G', 0, 1, 2, 3]),
        import!("many.txt", "203.0.113.7:81\n203.0.113.7:82\n").set("QUOTA_ENDPOINTS", "1"),
    ]
}

fn tables() -> Vec<Row> {
    vec![
        import!(
            "no-target.csv",
            "name,url,interval\nshop,https://example.org,5m\n"
        ),
        import!(
            "excel.csv",
            "target;name;interval\nhttps://example.org/;shop;5m\n"
        ),
        import!(
            "interval.csv",
            "target,name,interval\nhttps://example.org/a,shop,often\n"
        ),
        import!(
            "columns.csv",
            "name,host,port,tags\nshop,203.0.113.7,8080,web\nmail,203.0.113.7,smtp,web\n"
        ),
        import!("wrong-columns.csv", "name,interval\nshop,5m\n"),
        import!(
            "mark.csv",
            "\u{feff}target,name\nhttps://example.org/bom,bom\n"
        ),
        import!("short.csv", "target,name\nhttps://example.org/b\n"),
        import!("quote.csv", "target,name\n\"https://example.org/c,shop\n"),
        import!("broken.json", "[{\"target\": \"https://example.org/d\"\n"),
        import!("object.json", "{\"target\": \"https://example.org/e\"}\n"),
        import!("number.json", "[{\"target\": 7}]\n"),
        import!("url.json", "[{\"url\": \"https://example.org/f\"}]\n"),
    ]
}

fn of_other_monitors() -> Vec<Row> {
    vec![
        import!(
            "kuma.json",
            "{\"version\": \"1.23.0\", \"monitorList\": [{\"name\": \"shop\", \"url\": \"https://example.org/g\", \"type\": \"http\"}]}\n"
        ),
        import!(
            "gatus.yaml",
            "endpoints:\n  - name: shop\n    url: https://example.org/h\n    interval: 60s\n"
        ),
        import!(
            "targets.json",
            "[{\"targets\": [\"203.0.113.7:9100\"], \"labels\": {\"job\": \"node\"}}]\n"
        ),
        import!("kuma.db", b"SQLite format 3\0\x10\0\x01\x01\0".to_vec()),
    ]
}

#[test]
fn mistakes_in_import_files() {
    insta::assert_snapshot!("import_files", page(&rows()));
}

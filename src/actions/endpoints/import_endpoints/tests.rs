//! Files of every format, and what is wrong in them.

use super::*;
use crate::actions::endpoints::endpoint_limits::EndpointLimits;
use crate::domain::discord_id::GuildId;
use crate::domain::event::Actor;
use crate::store::Store;
use crate::store::endpoints::endpoint;
use crate::store::testing::TestStore;

const REQUESTER: Requester = Requester {
    guild: GuildId(1),
    actor: Actor::CommandLine,
};
const NOW: Timestamp = Timestamp::from_millis(1);

async fn import_up_to(store: &Store, quota: u64, file: &[u8]) -> Result<Imported, Error> {
    let limits = EndpointLimits::of_quota(quota);
    let limits = &limits;
    import(LimitedStore { store, limits }, REQUESTER, file, NOW).await
}

async fn check(file: &str, added: usize, refused: &[(usize, &str)]) -> TestStore {
    let store = TestStore::open().await;
    let imported = import_up_to(&store, 100, file.as_bytes()).await.unwrap();
    assert_eq!(imported.added, added, "{imported:?}");
    assert_eq!(imported.refused.len(), refused.len(), "{imported:?}");
    for (found, (line, words)) in imported.refused.iter().zip(refused) {
        assert_eq!(found.line, *line);
        assert!(found.reason.contains(words), "{found:?}");
    }
    store
}

#[tokio::test]
async fn text_files_have_one_target_per_line() {
    let file = "# my things\n203.0.113.7:80 front door\n\ntcp://example.org\nhttp://example.org/\n[2001:db8::1]:53\n203.0.113.7:80\n";
    let refused = [(4, "port is missing"), (7, "line 2")];
    let store = check(file, 3, &refused).await;
    let all = endpoint::all(&store.reader, None).await.unwrap();
    let names: Vec<&str> = all
        .iter()
        .map(|endpoint| endpoint.description.name.as_str())
        .collect();
    assert_eq!(names, ["front door", "example.org", "[2001:db8::1]:53"]);
}

#[tokio::test]
async fn the_first_line_of_a_text_may_resemble_another_format() {
    check("203.0.113.7:80 front,target,x\n", 1, &[]).await;
    check("example.org my shop, url\nexample.com\n", 2, &[]).await;
    check("[::1]:53 dns\n[fe80::1]:53\n", 2, &[]).await;
    check("[2001:db8::1]\n203.0.113.7:80\n", 1, &[(1, "port")]).await;
}

#[tokio::test]
async fn csv_columns_may_come_in_any_order() {
    let file = "name,target,interval\n\"shop, main\",https://example.org/,5m\n,tcp://example.org:1,\nx,tcp://example.org:2,soon\n";
    let store = check(file, 2, &[(4, "interval")]).await;
    let first = endpoint::all(&store.reader, None).await.unwrap().remove(0);
    assert_eq!(first.description.name, "shop, main");
    assert_eq!(
        first.description.interval,
        Some(std::time::Duration::from_secs(300))
    );
}

#[tokio::test]
async fn tables_may_have_semicolons_or_tabs_and_the_columns_of_other_programs() {
    for file in [
        "target;name\nhttps://example.org/;shop\n",
        "\u{feff}URL;Name;Interval\nhttps://example.org/;shop;5m\n",
        "name\turl\nshop\thttps://example.org/\n",
        "name,host,port\nshop,example.org,443\n",
        "hostname,name\nexample.org,shop\n",
        "name,url,host,port\nshop,https://example.org/,203.0.113.7,80\n",
    ] {
        let store = check(file, 1, &[]).await;
        let added = endpoint::all(&store.reader, None).await.unwrap().remove(0);
        let description = added.description;
        let found = (description.name.as_str(), description.target.to_string());
        assert_eq!(found, ("shop", "https://example.org/".to_owned()), "{file}");
    }
    let refused = [(2, "1 to 65535"), (3, "empty")];
    check(
        "host,port\nexample.org,http\n,80\n203.0.113.7,80\n",
        1,
        &refused,
    )
    .await;
}

#[tokio::test]
async fn columns_that_are_not_read_are_named() {
    for (file, unread) in [
        (
            "target,name,interval,status\n203.0.113.7:1,a,,online\n",
            &[][..],
        ),
        (
            "target,tags,Type,tags\n203.0.113.7:2,a,b,c\n",
            &["tags", "Type"][..],
        ),
        ("target,,name\n203.0.113.7:3,a,b\n", &[]),
    ] {
        let parsed = EndpointFile::parse(file.as_bytes()).unwrap();
        assert_eq!(parsed.unread_columns, unread, "{file}");
    }
}

#[tokio::test]
async fn json_arrays_may_hold_objects_and_plain_strings() {
    let file = r#"[{"target":"tcp://example.org:1","interval":30},"tcp://example.org:2",7,{"name":"x"},{"url":"https://example.org/"},{"hostname":"203.0.113.7","port":80},{"host":"example.org","port":"x"},{"url":null,"hostname":"203.0.113.8","port":80},{"url":"https://","hostname":"203.0.113.9"},{"target":"https://example.com/","url":"https://example.com/other"}]"#;
    let refused = [(3, "neither"), (4, "empty"), (7, "1 to 65535"), (9, "port")];
    check(file, 6, &refused).await;
}

#[tokio::test]
async fn unreadable_files_are_rejected_whole() {
    let store = TestStore::open().await;
    for (file, words) in [
        (&b"[{]"[..], "not valid JSON"),
        (&b"{\"monitorList\": []}"[..], "one JSON object"),
        (&b"endpoints:\n  - name: shop\n"[..], "YAML"),
        (&b"name,interval\nshop,5m\n"[..], "`name`, `interval`"),
        (&[0xff, 0xfe, 0x00][..], "UTF-8"),
        (&[b'x'; MAX_FILE + 1][..], "1 MiB"),
    ] {
        let error = import_up_to(&store, 100, file)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
    assert!(endpoint::all(&store.reader, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_file_that_exceeds_the_quota_adds_nothing() {
    let store = TestStore::open().await;
    let error = import_up_to(&store, 1, b"203.0.113.7:1\n203.0.113.7:2\n")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file has 2 endpoints, but this Discord server may have 1 (0 in use). Import fewer, remove some, or ask the operator to raise QUOTA_ENDPOINTS"
    );
    assert!(endpoint::all(&store.reader, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn importing_twice_changes_nothing() {
    let store = TestStore::open().await;
    for (added, already_there) in [(1, 0), (0, 1)] {
        let imported = import_up_to(&store, 10, b"203.0.113.7:1\n").await.unwrap();
        assert_eq!(
            (imported.added, imported.already_there),
            (added, already_there)
        );
    }
}

#[tokio::test]
async fn a_name_that_a_file_chooses_is_refused_if_it_is_taken() {
    let file = "203.0.113.7:1 shop\n203.0.113.7:2 door\n203.0.113.7:3 SHOP\n";
    let refused = [(
        3,
        "line 1 has the same name. Choose another name, such as `SHOP (2)`",
    )];
    let store = check(file, 2, &refused).await;
    let file = b"203.0.113.7:1 shop\n203.0.113.7:4 Door\n203.0.113.7:5 gate\n";
    let imported = import_up_to(&store, 100, file).await.unwrap();
    assert_eq!((imported.added, imported.already_there), (1, 1));
    let [refused] = &imported.refused[..] else {
        panic!("{imported:?}")
    };
    assert_eq!(
        (refused.line, refused.reason.as_str()),
        (
            2,
            "an endpoint named `door` already exists (#2). Choose another name, such as `Door (2)`"
        )
    );
}

#[tokio::test]
async fn a_default_name_that_is_taken_gets_a_number() {
    let file = "https://example.org/\nhttps://example.org/a\nhttps://example.org/b\n";
    let store = check(file, 3, &[]).await;
    let all = endpoint::all(&store.reader, None).await.unwrap();
    let names = all.into_iter().map(|endpoint| endpoint.description.name);
    let expected = ["example.org", "example.org (2)", "example.org (3)"];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    let events: Vec<(String,)> = store
        .rows("SELECT details ->> 'name' FROM events WHERE kind = 'endpoint_added' ORDER BY id")
        .await;
    assert_eq!(
        events.into_iter().map(|(name,)| name).collect::<Vec<_>>(),
        expected
    );
}

//! Mistakes in the arguments of the command line.

use super::{Row, page, row};

pub(super) fn rows() -> Vec<Row> {
    [commands(), options(), numbers(), files(), keys_and_guilds()]
        .into_iter()
        .flatten()
        .collect()
}

/// Commands that are none.
fn commands() -> Vec<Row> {
    vec![
        row("list"),
        row("add https://example.org"),
        row("start"),
        row("stop"),
        row("status"),
        row("fly"),
        row("endpont list"),
        row("endpoint"),
        row("endpoint ad example.org"),
        row("endpoint help-me"),
        row("device"),
        row("device list"),
        row("server remove web"),
        row("key new"),
        row("run --verbose"),
        row("run now"),
        row("--json"),
    ]
}

fn options() -> Vec<Row> {
    vec![
        row("endpoint add"),
        row("endpoint add a.example b.example"),
        row("endpoint add example.org --nam shop"),
        row("endpoint add example.org --name ''"),
        row(
            "endpoint add example.org --name 'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg'",
        ),
        row("endpoint add example.org --status 2xx"),
        row("endpoint add example.org --status 999"),
        row("endpoint add example.org --method DELETE"),
        row("endpoint add example.org --keyword ''"),
        row("endpoint add example.org --header Authorization"),
        row("endpoint add example.org --redirects 11"),
        row("endpoint add example.org --redirects many"),
        row("endpoint add tcp://203.0.113.7:80 --keyword ok"),
        row("endpoint export --format xml"),
        row("endpoint remove 7"),
        row("endpoint remove shop.example"),
        // The first one is no mistake, but a name that the next one misspells.
        row("endpoint add 203.0.113.7:443 --name 'Web Shop'"),
        row("endpoint remove 'web shpo'"),
        row("check --active --inactive"),
        row("device add pump --uuid x"),
        row("device add pump --slug 'Ä B'"),
        row("device add pump --push-token short"),
        row("server add ''"),
        row("completions tcsh"),
    ]
}

/// Numbers, durations and ids.
fn numbers() -> Vec<Row> {
    vec![
        row("endpoint add example.org --interval"),
        row("endpoint add example.org --interval -5"),
        row("endpoint add example.org --interval -5s"),
        row("endpoint add example.org --interval soon"),
        row("endpoint add example.org --interval 0"),
        row("endpoint add example.org --interval 25h"),
        row("endpoint add example.org --interval 60 s"),
        row("endpoint add example.org --guild abc"),
        row("endpoint add example.org --guild -1"),
        row("endpoint list --guild 99999999999999999999999"),
        row("endpoint list --guild ''"),
        row("check --limit 0"),
        row("check --limit many"),
        row("check --concurrent 0"),
        row("check --timeout soon"),
        row("check --timeout 0"),
        row("check --older-than 5 --dry-run"),
        row("check --older-than yesterday"),
        row("recheck --hours -1"),
        row("recheck --hours soon"),
        row("recheck --batch 10001"),
        row("device add pump --threshold '5 minutes'"),
    ]
}

fn files() -> Vec<Row> {
    vec![
        row("backup"),
        row("backup /nonexistent/copy.db"),
        row("backup rollcall.db"),
        row("backup logs-file/copy.db").file("logs-file", "x"),
        row("endpoint import missing.txt"),
        row("endpoint import ."),
        row("endpoint add example.org --header-file missing"),
        row("endpoint add example.org --header-file empty").file("empty", ""),
        row("device add pump --push-token-file missing"),
        row("device add pump --uuid 7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f --uuid-file id")
            .file("id", "x"),
    ]
}

fn keys_and_guilds() -> Vec<Row> {
    vec![
        row("key list"),
        row("server list"),
        row("guild list"),
        row("endpoint list"),
        row("key create"),
        row("key create --kind root"),
        row("key revoke x"),
        row("key revoke 2fY8kQ0aZ3Lm"),
        row("key rotate 2fY8kQ0aZ3Lm"),
        row("guild forget"),
        row("guild forget abc"),
        row("guild forget 0"),
        row("guild forget 42"),
        row("guild adopt"),
        row("guild adopt").set("DISCORD_TOKEN", "canary.canary.canary"),
    ]
}

#[test]
fn mistakes_in_arguments() {
    let page = page(&rows());
    assert!(!page.contains("! error: error"), "{page}");
    insta::assert_snapshot!("arguments", page);
}

//! Mistakes in targets of `endpoint add`, and targets as people type them.

use super::{Row, page, row};

pub(super) fn rows() -> Vec<Row> {
    [names(), addresses(), schemes()]
        .into_iter()
        .flatten()
        .collect()
}

fn names() -> Vec<Row> {
    vec![
        row("endpoint add example.org"),
        row("endpoint add https://example.org"),
        row("endpoint add www.example.org:443"),
        row("endpoint add example.org/health"),
        row("endpoint add localhost:3000"),
        row("endpoint add <https://example.org>"),
        row("endpoint add 'https://münchen.example'"),
        row("endpoint add example.org:port"),
        row("endpoint add example.org:0"),
        row("endpoint add example.org:65536"),
        row("endpoint add example.org:"),
        row("endpoint add -example.org"),
        row("endpoint add exa_mple..org:80"),
        row("endpoint add 'example org'"),
        row("endpoint add localhost"),
        row("endpoint add shop"),
        row("endpoint add ''"),
    ]
}

fn addresses() -> Vec<Row> {
    vec![
        row("endpoint add 203.0.113.7"),
        row("endpoint add 203.0.113.7:25565"),
        row("endpoint add 203.0.113.300:80"),
        row("endpoint add 127.0.0.1:80"),
        row("endpoint add 169.254.169.254:80"),
        row("endpoint add 203.0.113.7:25"),
        row("endpoint add 2001:db8::1"),
        row("endpoint add 2001:db8::1:80"),
        row("endpoint add [2001:db8::1]:80"),
        row("endpoint add [2001:db8::1"),
        row("endpoint add 10.0.0.0/8"),
    ]
}

fn schemes() -> Vec<Row> {
    vec![
        row("endpoint add ftp://example.org"),
        row("endpoint add ping://example.org"),
        row("endpoint add htps://example.org"),
        row("endpoint add https:/example.org"),
        row("endpoint add https//example.org"),
        row("endpoint add http://"),
        row("endpoint add tcp:203.0.113.7:80"),
        row("endpoint add tcp://203.0.113.7"),
        row("endpoint add tcp://203.0.113.7:80/path"),
        row("endpoint add https://user:canary@example.org"),
        row("endpoint add https://example.org/#top"),
        row("endpoint add 'https://example.org/a b'"),
    ]
}

#[test]
fn mistakes_in_targets() {
    insta::assert_snapshot!("targets", page(&rows()));
}

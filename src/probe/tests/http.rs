//! Checks over plain HTTP: requests and responses.

use std::net::Ipv6Addr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::stage::{End, Stand, closed_port, read_request, repeat};
use super::{HASTY, PATIENT, broken, check, down, plain, prober, run_check, run_check_with};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::check_result::{FailureClass, Timings, Verdict};
use crate::domain::endpoints::http_check::{BODY_CAP, HttpCheck, Method};
use crate::domain::endpoints::target::Target;
use crate::probe::{Check, RedirectScope};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The verdict on a response that is followed by an orderly close.
async fn verdict_on(answer: impl Into<Vec<u8>>) -> Verdict {
    let stand = Stand::answering(answer).await;
    run_check(&stand.http()).await.verdict
}

async fn verdict_with(answer: impl Into<Vec<u8>>, http_check: &HttpCheck) -> Verdict {
    let stand = Stand::answering(answer).await;
    run_check_with(&stand.http(), http_check).await.verdict
}

fn keyword(word: &str) -> HttpCheck {
    HttpCheck {
        keyword: Some(word.into()),
        ..HttpCheck::default()
    }
}

fn redirects(hops: u8) -> HttpCheck {
    HttpCheck {
        max_redirects: hops,
        ..HttpCheck::default()
    }
}

#[tokio::test]
async fn a_good_response_is_up_with_every_phase_timed() {
    let stand = Stand::answering(OK).await;
    let result = run_check(&stand.http()).await;
    assert_eq!(result.verdict, Verdict::Up);
    let Timings {
        resolve,
        connect,
        tls,
        first_byte,
        total,
    } = result.timings;
    assert_eq!((resolve, tls), (None, None));
    assert!(connect.unwrap() + first_byte.unwrap() <= total);
    assert_eq!(stand.accepted(), 1);
}

#[tokio::test]
async fn the_request_has_the_documented_form() {
    let stand = Stand::answering(OK).await;
    let http_check = HttpCheck {
        method: Method::Options,
        headers: vec![
            ("X-Key".into(), "secret".into()),
            ("accept".into(), "text/html".into()),
        ],
        ..HttpCheck::default()
    };
    run_check_with(&format!("{}a/b?c=d", stand.http()), &http_check).await;
    let expected = format!(
        "OPTIONS /a/b?c=d HTTP/1.1\r\nHost: {}\r\nUser-Agent: Rollcall/{} (+monitor)\r\nX-Key: secret\r\naccept: text/html\r\nConnection: close\r\n\r\n",
        stand.address,
        env!("CARGO_PKG_VERSION"),
    );
    assert_eq!(stand.questions(), [expected]);
}

#[tokio::test]
async fn the_status_is_compared_with_the_expected_range() {
    for (status, up) in [
        (200, true),
        (204, true),
        (399, true),
        (304, true),
        (400, false),
        (503, false),
        (101, false),
        (999, false),
    ] {
        let verdict = verdict_on(format!(
            "HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n"
        ))
        .await;
        let expected = if up {
            Verdict::Up
        } else {
            down(FailureClass::UnexpectedStatus, &status.to_string())
        };
        assert_eq!(verdict, expected, "{status}");
    }
    let only_teapots = HttpCheck {
        expected_status: (418, 418),
        ..HttpCheck::default()
    };
    assert_eq!(
        verdict_with("HTTP/1.1 418 \r\n\r\n", &only_teapots).await,
        Verdict::Up
    );
    assert_eq!(
        verdict_with(OK, &only_teapots).await,
        down(FailureClass::UnexpectedStatus, "200")
    );
}

#[tokio::test]
async fn interim_responses_are_skipped() {
    let answer =
        format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n{OK}");
    assert_eq!(verdict_on(answer).await, Verdict::Up);
    let endless = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
    assert_eq!(
        verdict_on(endless).await,
        broken("response headers longer than 16 KiB")
    );
}

#[tokio::test]
async fn bodies_of_every_framing_are_read_to_the_end() {
    for answer in [
        "HTTP/1.1 200 OK\r\n\r\nuntil the end".to_owned(),
        "HTTP/1.0 200 OK\r\n\r\nold".to_owned(),
        "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nok".to_owned(),
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nok".to_owned(),
        "\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned(),
        "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok and more than announced".to_owned(),
        "HTTP/1.1 200 OK\r\nBad Header: x\r\n: none\r\nContent-Length : 2\r\n\r\nok".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 999\r\n\r\n2\r\nok\r\n0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nuntil the end".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0002;a=\"b\"\r\nok\r\nA \r\n0123456789\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", BODY_CAP * 2, "x".repeat(BODY_CAP * 2)),
    ] {
        assert_eq!(verdict_on(answer.clone()).await, Verdict::Up, "{answer:.200}");
    }
}

#[tokio::test]
async fn responses_that_end_early_are_protocol_errors() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
    ] {
        assert_eq!(
            verdict_on(answer).await,
            broken("the response ended early"),
            "{answer}"
        );
    }
    assert_eq!(
        verdict_on("").await,
        broken("connection closed without a response")
    );
}

#[tokio::test]
async fn invalid_responses_are_described_in_fixed_sentences() {
    for (answer, words) in [
        ("SSH-2.0-OpenSSH_9.6\r\n", "the response is not HTTP"),
        ("220 mail.example ESMTP\r\n", "the response is not HTTP"),
        ("\u{0}\u{1}\u{2}", "the response is not HTTP"),
        ("HTTP/2.0 200 OK\r\n\r\n", "the response is not HTTP/1.1"),
        ("HTTP/1.1 abc\r\n\r\n", "invalid response headers"),
        ("HTTP/1.1 099 x\r\n\r\n", "invalid response headers"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "invalid content length",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "invalid content length",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
            "conflicting content lengths",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "invalid chunked encoding",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
            "invalid chunked encoding",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n",
            "invalid chunked encoding",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000001\r\nx\r\n",
            "invalid chunked encoding",
        ),
    ] {
        assert_eq!(verdict_on(answer).await, broken(words), "{answer:?}");
    }
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(200));
    assert_eq!(verdict_on(many).await, broken("too many response headers"));
    let extension = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;{}",
        "x".repeat(20_000)
    );
    assert_eq!(
        verdict_on(extension).await,
        broken("invalid chunked encoding")
    );
}

#[tokio::test]
async fn other_protocols_are_detected_without_waiting_for_more() {
    let stand = Stand::saying(vec![b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()], End::Hold).await;
    assert_eq!(
        run_check(&stand.http()).await.verdict,
        broken("the response is not HTTP")
    );
}

#[tokio::test]
async fn an_unresponsive_server_times_out_with_the_phase() {
    let unresponsive = Stand::with(|stream| End::Hold.of(stream)).await;
    let result = check(&prober(), &unresponsive.http(), None, HASTY).await;
    assert_eq!(
        result.verdict,
        down(FailureClass::TimedOut, "waiting for the response")
    );
    assert!(result.timings.first_byte.unwrap() <= result.timings.total);
    for piece in [
        "H",
        "HTTP/1.1 200 OK\r\nContent-",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        "HTTP/1.1 200 OK\r\n\r\nok",
    ] {
        let stand = Stand::saying(vec![piece.into()], End::Hold).await;
        let result = check(&prober(), &stand.http(), None, HASTY).await;
        assert_eq!(
            result.verdict,
            down(FailureClass::TimedOut, "reading the response"),
            "{piece}"
        );
    }
}

#[tokio::test]
async fn a_slow_response_does_not_extend_the_deadline() {
    let stand = Stand::with(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        // This test is about timing: every pause is shorter than the check's timeout, their sum is not.
        while stream.write_all(b"x").await.is_ok() {
            let _ = tokio::time::timeout(HASTY / 10, std::future::pending::<()>()).await;
        }
    })
    .await;
    let result = check(&prober(), &stand.http(), None, HASTY).await;
    assert_eq!(
        result.verdict,
        down(FailureClass::TimedOut, "reading the response")
    );
    assert!(result.timings.total >= HASTY && result.timings.total < HASTY + Duration::from_secs(5));
}

#[tokio::test]
async fn endless_responses_stop_at_the_caps() {
    let body = Stand::with(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        repeat(&mut stream, &[b'x'; 4096]).await;
    })
    .await;
    assert_eq!(run_check(&body.http()).await.verdict, Verdict::Up);
    assert_eq!(
        run_check_with(&body.http(), &keyword("y")).await.verdict,
        not_in_the_beginning()
    );
    let chunks = Stand::with(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        repeat(&mut stream, b"3\r\nabc\r\n").await;
    })
    .await;
    assert_eq!(run_check(&chunks.http()).await.verdict, Verdict::Up);
    let head = Stand::with(|mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        repeat(&mut stream, b"X-More: and more\r\n").await;
    })
    .await;
    assert_eq!(
        run_check(&head.http()).await.verdict,
        broken("response headers longer than 16 KiB")
    );
}

#[tokio::test]
async fn resets_are_reported_with_the_phase() {
    let stand = Stand::with(|stream| End::Reset.of(stream)).await;
    let Verdict::Down(failure) = run_check(&stand.http()).await.verdict else {
        panic!("a reset passed")
    };
    // The reset races with our connect and our request: the phase may differ, the class must not.
    assert_eq!(failure.class, FailureClass::ProtocolError);
    assert!(failure.detail.unwrap().starts_with("connection reset "));
    for (piece, phase) in [
        ("", "waiting for the response"),
        ("HTTP/1.1 200 OK\r\nContent-", "reading the response"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
            "reading the response",
        ),
        ("HTTP/1.1 200 OK\r\n\r\nok", "reading the response"),
    ] {
        let stand = Stand::saying(vec![piece.into()], End::Reset).await;
        assert_eq!(
            run_check(&stand.http()).await.verdict,
            broken(&format!("connection reset {phase}")),
            "{piece:?}"
        );
    }
}

#[tokio::test]
async fn head_requests_and_empty_responses_have_no_body() {
    let http_check = HttpCheck {
        method: Method::Head,
        ..HttpCheck::default()
    };
    let stand = Stand::saying(
        vec![b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n".to_vec()],
        End::Hold,
    )
    .await;
    assert_eq!(
        run_check_with(&stand.http(), &http_check).await.verdict,
        Verdict::Up
    );
    for status in [204, 304] {
        let answer = format!("HTTP/1.1 {status} x\r\nTransfer-Encoding: chunked\r\n\r\n");
        let stand = Stand::saying(vec![answer.into()], End::Hold).await;
        assert_eq!(
            run_check(&stand.http()).await.verdict,
            Verdict::Up,
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_keyword_is_found_across_packets_and_chunks() {
    let http_check = keyword("abcabd");
    let chunked = |body: &str| {
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}0\r\n\r\n")
    };
    assert_eq!(
        verdict_with(chunked("3\r\nabc\r\n5\r\nabcab\r\n1\r\nd\r\n"), &http_check).await,
        Verdict::Up
    );
    assert_eq!(
        verdict_with(chunked("3\r\nabc\r\n3\r\nab\n\r\n"), &http_check).await,
        plain(FailureClass::KeywordMissing)
    );
    let pieces = b"HTTP/1.1 200 OK\r\n\r\n..abcabcabd.."
        .map(|byte| vec![byte])
        .to_vec();
    let stand = Stand::saying(pieces, End::Close).await;
    assert_eq!(
        run_check_with(&stand.http(), &http_check).await.verdict,
        Verdict::Up
    );
    assert_eq!(
        verdict_with("HTTP/1.1 200 OK\r\nX: abcabd\r\n\r\n", &http_check).await,
        plain(FailureClass::KeywordMissing)
    );
}

#[tokio::test]
async fn a_keyword_counts_only_within_the_cap() {
    let http_check = keyword("needle");
    let missing = || plain(FailureClass::KeywordMissing);
    for (before, rest, expected) in [
        (0, "needle", Verdict::Up),
        (BODY_CAP - 6, "needle", Verdict::Up),
        (BODY_CAP - 6, "needle and more", Verdict::Up),
        (BODY_CAP - 5, "needle", not_in_the_beginning()),
        (BODY_CAP, "needle", not_in_the_beginning()),
        (BODY_CAP - 1, "", missing()),
        (BODY_CAP - 1, "x", missing()),
        (BODY_CAP, "x", not_in_the_beginning()),
    ] {
        let body = format!("{}{rest}", "x".repeat(before));
        let length = body.len();
        for answer in [
            format!("HTTP/1.1 200 OK\r\n\r\n{body}"),
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"),
            format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
            ),
        ] {
            let verdict = verdict_with(answer, &http_check).await;
            assert_eq!(verdict, expected, "{before} {rest}");
        }
    }
}

fn not_in_the_beginning() -> Verdict {
    down(
        FailureClass::KeywordMissing,
        "not in the first 64 KiB of the page",
    )
}

#[tokio::test]
async fn a_page_in_a_coding_and_an_encoding_of_its_own_is_read() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, b"Danke f\xfcr alles").unwrap();
    let body = gzip.finish().unwrap();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=ISO-8859-1\r\n";
    let coded = |coding: &str| {
        let head = format!("{head}Content-Encoding: {coding}\r\n\r\n");
        [head.as_bytes(), &body].concat()
    };
    for (coding, http_check, expected) in [
        ("gzip", keyword("für"), Verdict::Up),
        ("gzip", keyword("fur"), plain(FailureClass::KeywordMissing)),
        (
            "zstd",
            keyword("für"),
            broken("the page is compressed with zstd, which Rollcall cannot read"),
        ),
        (
            "deflate",
            keyword("für"),
            broken("the page is not valid deflate, although its header says so"),
        ),
        // Without a keyword, nobody needs to read it.
        ("zstd", HttpCheck::default(), Verdict::Up),
        ("deflate", HttpCheck::default(), Verdict::Up),
    ] {
        let verdict = verdict_with(coded(coding), &http_check).await;
        assert_eq!(verdict, expected, "{coding}");
    }
}

#[tokio::test]
async fn redirects_are_followed_and_the_last_response_decides() {
    let good = Stand::answering(OK).await;
    let broken = Stand::answering("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n").await;
    let to = async |goal: &Stand| {
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: {}x?y\r\n\r\n", goal.http());
        Stand::answering(answer).await
    };
    assert_eq!(
        run_check(&to(&good).await.http()).await.verdict,
        Verdict::Up
    );
    assert!(good.questions()[0].starts_with("GET /x?y HTTP/1.1\r\n"));
    let unavailable = down(FailureClass::UnexpectedStatus, "503");
    assert_eq!(
        run_check(&to(&broken).await.http()).await.verdict,
        unavailable
    );
    // Without redirects, the redirect itself is judged.
    let start = to(&broken).await;
    assert_eq!(
        run_check_with(&start.http(), &redirects(0)).await.verdict,
        Verdict::Up
    );
    for (status, verdict) in [
        ((302, 302), Verdict::Up),
        ((300, 399), Verdict::Up),
        ((301, 301), down(FailureClass::UnexpectedStatus, "302")),
    ] {
        let expects_redirect = HttpCheck {
            expected_status: status,
            ..HttpCheck::default()
        };
        let found = run_check_with(&start.http(), &expects_redirect).await;
        assert_eq!(found.verdict, verdict, "{status:?}");
    }
    assert_eq!(broken.accepted(), 1);
}

#[tokio::test]
async fn a_check_follows_only_so_many_redirects() {
    let looping = Stand::answering("HTTP/1.1 301 Moved\r\nLocation: /again\r\n\r\n").await;
    let mut requests = 0;
    for (limit, followed) in [(1, 1), (5, 5), (10, 10), (200, 10)] {
        let result = run_check_with(&looping.http(), &redirects(limit)).await;
        let problem = match followed {
            1 => "more than 1 redirect".to_owned(),
            _ => format!("more than {followed} redirects"),
        };
        assert_eq!(result.verdict, down(FailureClass::ProtocolError, &problem));
        requests += followed + 1;
        assert_eq!(looping.accepted(), requests);
    }
}

#[tokio::test]
async fn redirects_of_a_limited_check_lead_to_usual_ports_and_to_its_own() {
    let goal = Stand::answering(OK).await;
    let to_goal = format!("HTTP/1.1 302 x\r\nLocation: {}\r\n\r\n", goal.http());
    let start = Stand::answering(to_goal).await;
    let looping = Stand::answering("HTTP/1.1 302 x\r\nLocation: /again\r\n\r\n").await;
    for (stand, scope, problem) in [
        (&start, RedirectScope::Anywhere, None),
        (
            &start,
            RedirectScope::UsualPorts,
            Some("the redirect leads to an unusual port"),
        ),
        (
            &looping,
            RedirectScope::UsualPorts,
            Some("more than 5 redirects"),
        ),
    ] {
        let target = stand.http().parse().unwrap();
        let check = Check {
            target: &target,
            http_check: None,
            timeout: PATIENT,
            now: Timestamp::from_millis(0),
            redirects: scope,
        };
        let result = super::prober().check(check).await;
        let expected = problem.map_or(Verdict::Up, broken);
        assert_eq!(result.verdict, expected, "{scope:?}");
    }
    let first: Target = "https://example.org:8443/".parse().unwrap();
    for (next, is_permitted) in [
        ("http://other.example/", true),
        ("https://other.example/", true),
        ("https://example.org:8443/a", true),
        ("https://other.example:8443/", false),
        ("https://example.org:8444/", false),
    ] {
        let next: Target = next.parse().unwrap();
        assert_eq!(
            RedirectScope::UsualPorts.permits(&first, &next),
            is_permitted,
            "{next}"
        );
    }
}

#[tokio::test]
async fn where_redirects_lead_is_known_without_the_query() {
    let goal = Stand::answering(OK).await;
    let location = format!("{}login?token=secret", goal.http());
    let start = Stand::answering(format!("HTTP/1.1 302 x\r\nLocation: {location}\r\n\r\n")).await;
    let final_target = async |stand: &Stand| {
        let target = stand.http().parse().unwrap();
        let check = Check {
            target: &target,
            http_check: None,
            timeout: PATIENT,
            now: Timestamp::from_millis(0),
            redirects: RedirectScope::Anywhere,
        };
        let checked = super::prober().check_in_turn(check, GuildId(1), None).await;
        let checked = checked.unwrap();
        let last = checked.response.unwrap();
        assert_eq!((last.status, last.is_tls), (200, false));
        (checked.final_target, last.redirects)
    };
    let expected = format!("{}login", goal.http());
    let (found, redirects) = final_target(&start).await;
    assert_eq!((found.as_deref(), redirects), (Some(&*expected), 1));
    assert_eq!(final_target(&goal).await, (None, 0));
}

#[tokio::test]
async fn every_hop_is_judged_by_the_guard() {
    for place in [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[::ffff:10.0.0.1]/",
        "//192.168.0.1/",
        "http://8.8.8.8:25/",
    ] {
        let stand =
            Stand::answering(format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\n\r\n")).await;
        let result = run_check_with(&stand.http(), &redirects(3)).await;
        assert_eq!(result.verdict, plain(FailureClass::NotAllowed), "{place}");
        assert_eq!(result.timings, Timings::default(), "{place}");
    }
    let stand = Stand::answering(format!(
        "HTTP/1.1 302 Found\r\nLocation: tcp://{}\r\n\r\n",
        closed_port().await
    ))
    .await;
    assert_eq!(
        run_check_with(&stand.http(), &redirects(1)).await.verdict,
        broken("the redirect leads to a URL that is neither HTTP nor HTTPS")
    );
}

#[tokio::test]
async fn secret_headers_are_not_sent_to_another_origin() {
    let other = Stand::answering(OK).await;
    let start = Stand::answering(format!(
        "HTTP/1.1 307 x\r\nLocation: {}\r\n\r\n",
        other.http()
    ))
    .await;
    let http_check = HttpCheck {
        headers: vec![("Authorization".into(), "Bearer secret".into())],
        ..redirects(1)
    };
    assert_eq!(
        run_check_with(&start.http(), &http_check).await.verdict,
        Verdict::Up
    );
    assert!(start.questions()[0].contains("Bearer secret"));
    assert!(!other.questions()[0].contains("secret"));

    let looping = Stand::answering("HTTP/1.1 307 x\r\nLocation: /in\r\n\r\n").await;
    run_check_with(&looping.http(), &http_check).await;
    assert!(
        looping.questions()[1].contains("Bearer secret"),
        "the same origin may receive it"
    );
}

#[tokio::test]
async fn ipv6_goes_in_brackets_in_the_host_header() {
    let stand = Stand::on(Ipv6Addr::LOCALHOST.into(), |mut stream| async move {
        let request = read_request(&mut stream).await;
        let expected = format!("Host: [::1]:{}\r\n", stream.local_addr().unwrap().port());
        let answer = if request.contains(&expected) {
            OK
        } else {
            "HTTP/1.1 400 x\r\n\r\n"
        };
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    assert_eq!(run_check(&stand.http()).await.verdict, Verdict::Up);
}

#[tokio::test]
async fn a_refused_connection_is_no_protocol_error() {
    let result = check(
        &prober(),
        &format!("http://{}/", closed_port().await),
        None,
        PATIENT,
    )
    .await;
    assert_eq!(result.verdict, plain(FailureClass::Refused));
    assert_eq!(result.timings.first_byte, None);
}

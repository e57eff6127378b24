//! The rate limits of addresses: each address has its own, valid keys keep working, and behind a trusted proxy the client's
//! address counts.

use crate::devices::http_devices_servers::{key, quick};
use crate::harness::client::{Client, Response};

const UNKNOWN: &str = "/ping/00000000-0000-4000-8000-000000000000";

/// What the limit of lookups refuses with; the other limit answers after a lookup.
const NOT_RECENT: &str = "that was not used recently";

/// Uses up the bucket of failures: ten unknown UUIDs are answered, further ones are refused.
async fn use_up_failures(client: Client, headers: &str) {
    for _ in 0..10 {
        assert_eq!(client.get(UNKNOWN, headers).await.status, 404);
    }
    let refused = client.get(UNKNOWN, headers).await;
    assert_eq!(refused.status, 429, "{refused:?}");
}

/// Uses up the bucket of lookups.
async fn use_up_lookups(client: Client) {
    for _ in 0..200 {
        let refused = client.get(UNKNOWN, "").await;
        if refused.body.contains(NOT_RECENT) {
            assert!(refused.head.contains("retry-after: 1"), "{refused:?}");
            return;
        }
    }
    panic!("lookups are not limited");
}

async fn read_with(client: Client, key: &str) -> Response {
    let header = format!("X-Api-Key: {key}\r\n");
    client.get("/api/v3/checks/", &header).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_lookups_left_can_use_known_keys_but_no_others() {
    let rollcall = quick();
    let known = key(&rollcall, "read", "42");
    let others = [(); 5].map(|()| key(&rollcall, "read", "42"));
    let running = rollcall.run();
    let [client, other] = [1, 2].map(|number| Client::new(number, running.address()));
    assert_eq!(read_with(client, &known).await.status, 200);
    let mut is_refused = false;
    for fresh in &others {
        use_up_lookups(client).await;
        assert_eq!(read_with(client, &known).await.status, 200);
        let answer = read_with(client, fresh).await;
        // One lookup comes back every second: on a slow machine, before the attempt.
        if answer.status == 429 {
            assert!(answer.body.contains(NOT_RECENT), "{answer:?}");
            assert_eq!(read_with(other, fresh).await.status, 200);
            assert_eq!(read_with(client, fresh).await.status, 200, "known by now");
            is_refused = true;
            break;
        }
    }
    assert!(is_refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn ipv4_clients_of_an_ipv6_socket_have_limits_of_their_own() {
    let rollcall = quick().with("HTTP_BIND", "[::]:0");
    let running = rollcall.run();
    use_up_failures(Client::new(1, running.address()), "").await;
    use_up_failures(Client::new(2, running.address()), "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_the_client_has_the_limit() {
    let rollcall = quick().with("TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/8");
    let running = rollcall.run();
    let [proxy, other] = [1, 2].map(|number| Client::new(number, running.address()));
    for client in ["203.0.113.1", "nonsense, 203.0.113.2, 10.0.0.1"] {
        use_up_failures(proxy, &format!("X-Forwarded-For: {client}\r\n")).await;
    }
    // The proxy itself.
    use_up_failures(proxy, "").await;
    let malformed = "X-Forwarded-For: nonsense\r\n";
    assert_eq!(proxy.get(UNKNOWN, malformed).await.status, 429);
    // Not trusted: it cannot choose its address.
    use_up_failures(other, "X-Forwarded-For: 203.0.113.3\r\n").await;
    let forged = "X-Forwarded-For: 203.0.113.4\r\n";
    assert_eq!(other.get(UNKNOWN, forged).await.status, 429);
}

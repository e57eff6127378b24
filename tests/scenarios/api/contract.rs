//! The API behaves as `/api/openapi.json` describes it: every operation exists, every key grants what is listed, what is
//! valid by its schema is accepted, and everything else is refused with a problem, never with a server error.

use discord_sandbox::Sandbox;
use serde_json::{Value, json};

use super::cases;
use super::document::{BASE, Document, Operation};
use super::fixture::TestApi;
use crate::harness::query_plans::{assert_no_scans, traced};
use crate::harness::{Answer, Rollcall, alerting};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
const KINDS: [&str; 6] = ["fleet", "device", "server", "read", "ping", "admin"];

fn bot(sandbox: &Sandbox) -> Rollcall {
    alerting::bot(sandbox)
        .with("DISCORD_GUILD_ID", sandbox.guild().0.to_string())
        .with("PROBE_TIMEOUT", "1s")
        .with("PROBE_INTERVAL", "1h")
        .with("QUOTA_ENDPOINTS", "10000")
        .with("QUOTA_DEVICES", "10000")
        .with("QUOTA_SERVERS", "10000")
        .with("QUOTA_KEYS", "10000")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_described_methods_exist_and_none_answers_without_a_key() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    let document = Document::of(&running);
    let paths = document.0["paths"].as_object().unwrap();
    let mut refused = 0;
    let keyed = paths.iter().filter(|(path, _)| path.starts_with(BASE));
    for (path, methods) in keyed {
        let concrete = path
            .replace("{uuid}", "00000000-0000-4000-8000-000000000000")
            .replace("{name}", "web")
            .replace("{id}", "1");
        for method in METHODS {
            let answer = running.call(&method.to_uppercase(), &concrete, "", "");
            let expected: &[u16] = match methods.get(method) {
                Some(_) => &[401, 429],
                None => &[405],
            };
            assert!(
                expected.contains(&answer.status),
                "{method} {path}: {answer:?}"
            );
            refused += usize::from(answer.status == 401);
        }
        if methods.get("get").is_some() {
            let head = running.call("HEAD", &concrete, "", "");
            assert!(matches!(head.status, 401 | 429), "{path}: {head:?}");
            assert_eq!(head.text, "", "{path}");
        }
    }
    assert!(refused > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_works_with_exactly_the_listed_keys() {
    let sandbox = Sandbox::start().await;
    let rollcall = traced(bot(&sandbox));
    let api = TestApi::new(&rollcall, &sandbox);
    let document = Document::of(&api.running);
    for operation in document.operations() {
        let mut fixture = api.fixture();
        let body = fixture.example(&operation).map(|body| body.to_string());
        let body = body.unwrap_or_default();
        let keys = operation.keys();
        // The admin key goes last, because it may remove the monitor.
        for kind in KINDS {
            let answer = fixture.call(&operation, kind, "", &body);
            document.check(&operation, &answer);
            let name = operation.name();
            match keys.contains(&kind) {
                true => assert!(is_accepted(&answer), "{name} {kind}: {answer:?}"),
                false => assert_eq!(answer.status, 403, "{name} {kind}: {answer:?}"),
            }
        }
    }
    assert_no_scans(&rollcall).await;
}

/// Whether a valid request was accepted: it may contradict what is stored.
fn is_accepted(answer: &Answer) -> bool {
    answer.status < 300 || answer.status == 409
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_accepted_exactly_if_it_is_valid_by_its_schema() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let api = TestApi::new(&rollcall, &sandbox);
    let document = Document::of(&api.running);
    let (mut accepted, mut refused) = (0, 0);
    for operation in document.operations() {
        let Some(content) = operation.body() else {
            continue;
        };
        let mut fixture = api.fixture();
        let example = fixture.example(&operation).unwrap();
        for body in cases::bodies(&document, &operation, &example) {
            let answer = fixture.call(&operation, operation.best_key(), "", &body.to_string());
            let violation = document.violation(&content["schema"], &body);
            let name = operation.name();
            match &violation {
                None => {
                    // An earlier case may have removed or changed what this one is about.
                    let is_fine = is_accepted(&answer) || answer.status == 404;
                    assert!(is_fine, "{name} {body}: {answer:?}");
                    accepted += 1;
                }
                Some(violation) => {
                    let is_refused = matches!(answer.status, 400 | 422);
                    assert!(is_refused, "{name} {body}: {violation}: {answer:?}");
                    refused += 1;
                }
            }
            document.check(&operation, &answer);
        }
    }
    assert!(accepted > 50 && refused > 100, "{accepted} {refused}");
    assert!(!rollcall.log().contains("panicked"));
}

/// Bodies that no operation accepts, with the status of the refusal.
fn broken_bodies() -> Vec<(String, u16)> {
    let deep = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
    vec![
        ("{".into(), 400),
        ("nul".into(), 400),
        ("\"text\"".into(), 400),
        (r#"{"a":1e999}"#.into(), 400),
        (deep(16), 400),
        (format!(r#"{{"a":"{}"}}"#, "x".repeat(1_025)), 422),
        (format!(r#"{{"a":"{}"}}"#, "x".repeat(70_000)), 413),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_bodies_are_refused_with_a_problem() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let api = TestApi::new(&rollcall, &sandbox);
    let document = Document::of(&api.running);
    for operation in document.operations() {
        if operation.body().is_none() {
            continue;
        }
        let (mut fixture, name) = (api.fixture(), operation.name());
        let kind = operation.best_key();
        for (body, status) in broken_bodies() {
            let answer = fixture.call(&operation, kind, "", &body);
            assert_eq!(answer.status, status, "{name} {body:.40}: {answer:?}");
            document.check(&operation, &answer);
        }
        let path = fixture.path(&operation);
        let headers: &[_] = &[("Content-Encoding", "gzip")];
        let compressed = api.running.call_with(
            &operation.method,
            &path,
            (&fixture.keys[kind], headers),
            "{}",
        );
        assert_eq!(compressed.status, 415, "{name}: {compressed:?}");
        document.check(&operation, &compressed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_accepted_exactly_if_it_is_valid_by_its_schema() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let api = TestApi::new(&rollcall, &sandbox);
    let document = Document::of(&api.running);
    for operation in document.operations() {
        let mut fixture = api.fixture();
        let (name, kind) = (operation.name(), operation.best_key());
        for parameter in operation.query() {
            let field = parameter["name"].as_str().unwrap();
            for (text, value) in cases::query_values(&document, parameter) {
                let query = format!("?{field}={}", percent_encoded(&text));
                let answer = fixture.call(&operation, kind, &query, "");
                match is_valid(&document, parameter, &text, &value) {
                    true => assert_eq!(answer.status, 200, "{name} {query}: {answer:?}"),
                    false => {
                        assert_eq!(answer.status, 400, "{name} {query}: {answer:?}");
                        let detail = answer.json["detail"].as_str().unwrap();
                        assert!(detail.contains(field), "{name} {query}: {detail}");
                    }
                }
                document.check(&operation, &answer);
            }
        }
        if operation.query().next().is_some() {
            let answer = fixture.call(&operation, kind, "?unknown_parameter=1", "");
            assert_eq!(answer.status, 400, "{name}: {answer:?}");
        }
    }
}

/// Whether the text of a parameter is valid: in a query, a number is a text, too.
fn is_valid(document: &Document, parameter: &Value, text: &str, value: &Value) -> bool {
    let schema = &parameter["schema"];
    [value.clone(), json!(text)]
        .iter()
        .any(|value| document.violation(schema, value).is_none())
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_without_operations_is_not_found() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let api = TestApi::new(&rollcall, &sandbox);
    for path in ["/api/v1", "/api/v1/", "/api/v1//", "/api/v1/nonsense"] {
        let answer = api.running.call("GET", path, "", "");
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert_eq!(answer.json["status"], 404, "{path}: {answer:?}");
    }
}

/// Path segments that name nothing.
const STRANGE: [&str; 6] = [
    "nonsense",
    "%00",
    "..%2f..%2fetc",
    "'%20OR%201=1",
    "-1",
    "99999999999999999999",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_names_nothing_is_not_found() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let api = TestApi::new(&rollcall, &sandbox);
    let document = Document::of(&api.running);
    let with_parameter = |operation: &Operation| operation.path.contains('{');
    for operation in document.operations().into_iter().filter(with_parameter) {
        let (fixture, name) = (api.fixture(), operation.name());
        let body = fixture.example(&operation).map(|body| body.to_string());
        let body = body.unwrap_or_default();
        let (start, end) = operation.path.split_once('{').unwrap();
        let end = end.split_once('}').unwrap().1;
        for strange in STRANGE {
            let path = format!("{start}{strange}{end}");
            let key = &fixture.keys[operation.best_key()];
            let answer = api.running.call(&operation.method, &path, key, &body);
            assert_eq!(answer.status, 404, "{name} {strange}: {answer:?}");
            document.check(&operation, &answer);
        }
    }
}

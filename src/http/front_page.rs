//! `/`: a small page for people who open the address of Rollcall in a browser. It says what this is, whether it works, and
//! where to go on; it shows nothing of any Discord server.

use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

use super::HttpState;
use super::health::{ReadinessView, readiness};
use crate::domain::text;

/// `has_operator_pages`: whether the port has those of the operator, too.
pub(super) async fn page(State(app): State<HttpState>, has_operator_pages: bool) -> Response {
    let readiness = readiness(&app).await;
    let links = match has_operator_pages {
        true => OPERATOR_LINKS,
        false => "",
    };
    let page = render(&readiness, &text::duration(app.health.uptime()), links);
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, Html(page)).into_response()
}

const OPERATOR_LINKS: &str = r#"<li><a href="/healthz">Liveness</a>, <a href="/readyz">readiness</a>, <a href="/metrics">metrics</a>
"#;

/// The page. Every text in it comes from Rollcall itself.
fn render(readiness: &ReadinessView, uptime: &str, operator_links: &str) -> String {
    let state = match readiness.ready {
        true => "works",
        false => "does not work completely",
    };
    let version = env!("CARGO_PKG_VERSION");
    let ReadinessView {
        database,
        scheduler,
        gateway,
        ..
    } = readiness;
    format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Rollcall</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem }}
td, th {{ padding: .2rem 1.5rem .2rem 0; text-align: left }}
</style>
<main>
<h1>Rollcall</h1>
<p>The monitor that lives in Discord, version {version}. It <strong>{state}</strong>, and has been running for {uptime}.</p>
<table>
<tr><th scope="row">Database<td>{database}
<tr><th scope="row">Scheduler<td>{scheduler}
<tr><th scope="row">Discord<td>{gateway}
</table>
<ul>
<li><a href="/api/openapi.json">API description</a> (OpenAPI)
{operator_links}</ul>
<p>Type <kbd>/help</kbd> in Discord to begin.</p>
</main>
</html>
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_whether_everything_works() {
        let readiness = |ready| ReadinessView {
            ready,
            failing: Vec::new(),
            database: "ok",
            writes: "ok",
            scheduler: "ok",
            monitors: "ok",
            check_results: "ok",
            deliveries: "ok",
            background_jobs: "ok",
            discord_runtime: "ok",
            gateway: "connected",
            discord_token: "accepted",
            connectivity: "up",
            name_resolution: "up",
            gateway_away_seconds: None,
            gateway_failed_checks: 0,
            shards: Vec::new(),
        };
        let page = render(&readiness(true), "3 min", OPERATOR_LINKS);
        assert!(page.contains(r#"<a href="/metrics">"#), "{page}");
        assert!(page.contains("It <strong>works</strong>, and has been running for 3 min"));
        let page = render(&readiness(false), "3 min", "");
        assert!(!page.contains("/metrics"), "{page}");
        assert!(page.contains("<strong>does not work completely</strong>"));
        assert!(page.len() < 2_000, "{}", page.len());
    }
}

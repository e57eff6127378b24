//! `/`: a small page for people who open the address of Rollcall in a browser. It says what this is, whether it works, and
//! where to go on; it shows nothing of any Discord server.

use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

use super::HttpState;
use super::health::{ReadinessView, readiness};
use crate::domain::text;

pub(super) async fn page(State(app): State<HttpState>) -> Response {
    let readiness = readiness(&app).await;
    let page = render(&readiness, &text::duration(app.health.uptime()));
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, Html(page)).into_response()
}

/// The page. Every text in it comes from Rollcall itself.
fn render(readiness: &ReadinessView, uptime: &str) -> String {
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
<li><a href="/healthz">Liveness</a>, <a href="/readyz">readiness</a>, <a href="/metrics">metrics</a>
</ul>
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
        let page = render(&readiness(true), "3 min");
        assert!(page.contains("It <strong>works</strong>, and has been running for 3 min"));
        let page = render(&readiness(false), "3 min");
        assert!(page.contains("<strong>does not work completely</strong>"));
        assert!(page.len() < 2_000, "{}", page.len());
    }
}

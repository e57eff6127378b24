//! `/metrics` in the Prometheus text format. Gauges that count rows are read from the database at each scrape.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::HttpState;
use crate::domain::status::Status;
use crate::store::endpoints::endpoint;

pub(super) async fn metrics(State(app): State<HttpState>) -> Response {
    match endpoint::counts_by_status(&app.store.reader, None).await {
        Ok(counts) => {
            for &status in Status::ALL {
                let count = counts
                    .iter()
                    .find(|(known, _)| *known == status)
                    .map_or(0, |(_, count)| *count);
                let gauge = app.metrics.endpoints.with_label_values(&[status.as_str()]);
                gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
        Err(error) => tracing::warn!(%error, "cannot count endpoints for /metrics"),
    }
    app.metrics
        .gateway_failed_checks
        .set(app.health.failed_checks().into());
    app.metrics
        .database_bytes
        .set(i64::try_from(app.store.reader.size_on_disk()).unwrap_or(i64::MAX));
    match app.store.reader.rows_over_limit().await {
        Ok(counts) => {
            for (kind, count) in counts {
                let gauge = app
                    .metrics
                    .rows_over_limit
                    .with_label_values(&[kind.as_str()]);
                gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
        Err(error) => tracing::warn!(%error, "cannot count deleted rows for /metrics"),
    }
    app.metrics
        .unreadable_rows
        .set(i64::try_from(app.store.reader.unreadable_rows()).unwrap_or(i64::MAX));
    match app.metrics.render() {
        Ok(text) => (
            [(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot render metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

//! `/metrics` in the Prometheus text format. What is a count of rows is read when it is asked for.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Desk;
use crate::domain::status::Status;
use crate::store::endpoint;

pub(super) async fn metrics(State(desk): State<Desk>) -> Response {
    match endpoint::counts_by_status(&desk.store.reader, None).await {
        Ok(counts) => {
            for &status in Status::ALL {
                let count = counts
                    .iter()
                    .find(|(known, _)| *known == status)
                    .map_or(0, |(_, count)| *count);
                let gauge = desk.metrics.endpoints.with_label_values(&[status.word()]);
                gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
        Err(error) => tracing::warn!(%error, "the endpoints could not be counted for /metrics"),
    }
    desk.metrics
        .gateway_failed_checks
        .set(desk.vitals.failed_checks().into());
    desk.metrics
        .database_bytes
        .set(i64::try_from(desk.store.reader.size_on_disk()).unwrap_or(i64::MAX));
    match desk.metrics.render() {
        Ok(text) => (
            [(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

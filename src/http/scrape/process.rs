//! `/metrics`: the metrics of the process. Gauges that count rows are read from the database at each scrape.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::exposition::TEXT_FORMAT;
use crate::domain::monitor::MonitorKind;
use crate::domain::status::Status;
use crate::http::HttpState;
use crate::store::StoreError;
use crate::store::monitors::series::{self, MonitorCount};

pub(in crate::http) async fn metrics(State(app): State<HttpState>) -> Response {
    if let Err(error) = read_counts(&app).await {
        tracing::warn!(%error, "cannot count rows for /metrics");
    }
    let metrics = &app.metrics;
    metrics
        .gateway_failed_checks
        .set(app.health.failed_checks().into());
    let reader = &app.store.reader;
    metrics.database_bytes.set(shown(reader.size_on_disk()));
    metrics
        .unreadable_rows
        .set(i64::try_from(reader.unreadable_rows()).unwrap_or(i64::MAX));
    match metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot render metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn read_counts(app: &HttpState) -> Result<(), StoreError> {
    let (metrics, reader) = (&app.metrics, &app.store.reader);
    for (kind, count) in reader.rows_over_limit().await? {
        let gauge = metrics.rows_over_limit.with_label_values(&[kind.as_str()]);
        gauge.set(shown(count));
    }
    let open = series::open_incidents(reader).await?;
    metrics.incidents_open.set(shown(open));
    let counts = series::counts(reader).await?;
    for (kind, gauges) in [
        (MonitorKind::Endpoint, &metrics.endpoints),
        (MonitorKind::Device, &metrics.devices),
        (MonitorKind::Server, &metrics.servers),
    ] {
        for &status in Status::ALL {
            let is_it = |known: &&MonitorCount| (known.kind, known.status) == (kind, status);
            let count = counts.iter().find(is_it).map_or(0, |known| known.count);
            gauges
                .with_label_values(&[status.as_str()])
                .set(shown(count));
        }
    }
    Ok(())
}

fn shown(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

//! How long ranges of the history of one monitor take to answer.

use std::path::Path;
use std::time::Duration;

use sqlx::Connection;

use crate::product::{Product, keys};
use crate::table::{Goal, Row};
use crate::{Result, Size, seed};

pub fn millis(length: Duration) -> f64 {
    length.as_secs_f64() * 1e3
}

/// A monitor of which every check is kept.
pub async fn of_one_monitor(folder: &Path, size: Size) -> Result<Vec<Row>> {
    let keys = keys(folder, 4)?;
    let [uptime, year, week, checks] = keys.as_slice() else {
        return Err("keys are missing".into());
    };
    let product = Product::start(folder)?;
    let monday = last_monday(folder).await?;
    let week_of = format!("from={}&to={}", monday - 7 * 86_400, monday);
    let paths = [
        (
            uptime,
            format!("/monitors/7/uptime?range={}d", size.days),
            "uptime, outages, percentiles: the whole history",
            Goal::AtMost(3.0),
        ),
        (
            year,
            "/monitors/7/uptime?range=1y".to_owned(),
            "uptime, outages, percentiles: a year",
            Goal::AtMost(3.0),
        ),
        (
            week,
            format!("/monitors/7/latency?{week_of}&step=1h"),
            "every check of a week, as a series",
            Goal::AtMost(2.0),
        ),
        (
            checks,
            format!("/monitors/7/checks?{week_of}"),
            "every check of a week, as JSON lines",
            Goal::None,
        ),
    ];
    let mut rows = Vec::new();
    for (key, path, what, goal) in paths {
        let (time, _) = product.ask(key, &path)?;
        rows.push(Row::new(what, "ms", (None, millis(time)), goal));
    }
    Ok(rows)
}

/// The start of the week that has begun last, in seconds.
async fn last_monday(folder: &Path) -> Result<i64> {
    let mut connection = seed::connect(folder).await?;
    let monday = sqlx::query_scalar(
        "SELECT CAST(strftime('%s', 'now', '-6 days', 'weekday 1', 'start of day') AS INTEGER)",
    )
    .fetch_one(&mut connection)
    .await?;
    connection.close().await?;
    Ok(monday)
}

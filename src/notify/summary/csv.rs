//! The figures of a summary as CSV: one line for each monitor, the worst first. Cells that a spreadsheet would run get a mark.

use super::SummaryDocument;
use crate::domain::history::summary::SummarizedMonitor;
use crate::domain::millis;
use crate::domain::text::{self, csv_cell};

/// How many monitors a file that is attached to a message has: with the longest names it stays below the 10 MiB of Discord.
pub const MOST_ATTACHED: usize = 10_000;

const COLUMNS: [&str; 16] = [
    "id",
    "kind",
    "name",
    "group",
    "from",
    "to",
    "uptime",
    "outages",
    "offline_ms",
    "online_ms",
    "maintenance_ms",
    "unknown_ms",
    "paused_ms",
    "longest_outage_ms",
    "mean_time_to_recovery_ms",
    "removed",
];

/// A line for each of the first `most` monitors.
///
/// # Errors
/// There is no memory for it.
pub fn csv(document: &SummaryDocument, most: usize) -> Result<Vec<u8>, ::csv::Error> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for one in document.summary.monitors.iter().take(most) {
        writer.write_record(cells(one, document).map(|cell| csv_cell::mark(&cell)))?;
    }
    writer
        .into_inner()
        .map_err(|error| ::csv::Error::from(error.into_error()))
}

fn cells(one: &SummarizedMonitor, document: &SummaryDocument) -> [String; 16] {
    let (figures, times, range) = (&one.figures, one.figures.times, document.summary.range);
    let uptime = times.uptime().map(|uptime| uptime.fraction().to_string());
    let recovery = figures.mean_time_to_recovery.map(millis);
    [
        one.id.to_string(),
        one.kind.as_str().to_owned(),
        one.name.clone(),
        one.group.clone().unwrap_or_default(),
        text::timestamp(range.from),
        text::timestamp(range.to),
        uptime.unwrap_or_default(),
        figures.outages.to_string(),
        millis(times.offline).to_string(),
        millis(times.online).to_string(),
        millis(times.maintenance).to_string(),
        millis(times.unknown).to_string(),
        millis(times.paused).to_string(),
        millis(figures.longest_outage).to_string(),
        recovery
            .map(|length| length.to_string())
            .unwrap_or_default(),
        one.is_removed.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::summary::testing::{document, eventful, monitor};

    #[test]
    fn every_monitor_is_a_line_the_worst_first() {
        let file = csv(&eventful(), usize::MAX).unwrap();
        insta::assert_snapshot!(String::from_utf8(file).unwrap());
    }

    #[test]
    fn cells_that_a_spreadsheet_would_run_are_marked() {
        let hostile = "=HYPERLINK(\"https://evil.example\"),\n@x";
        let mut monitors = vec![monitor(hostile, 5)];
        monitors[0].group = Some("+1".to_owned());
        let file = csv(&document(monitors), usize::MAX).unwrap();
        let mut reader = ::csv::Reader::from_reader(&file[..]);
        let rows: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 1);
        assert_eq!(&rows[0][2], format!("'{hostile}"));
        assert_eq!(&rows[0][3], "'+1");
    }

    #[test]
    fn an_attached_file_has_a_limit_and_fits_into_discords() {
        for (monitors, lines) in [(0, 1), (2, 3), (3, 4), (4, 4)] {
            let monitors = vec![monitor("m", 1); monitors];
            let file = csv(&document(monitors), 3).unwrap();
            assert_eq!(file.iter().filter(|byte| **byte == b'\n').count(), lines);
        }
        let mut longest = monitor(&"\u{1f600}".repeat(100), 1);
        longest.group = Some("\u{1f600}".repeat(64));
        let file = csv(&document(vec![longest]), 1).unwrap();
        assert!(
            file.len() * MOST_ATTACHED < 10 * 1024 * 1024,
            "{}",
            file.len()
        );
    }
}

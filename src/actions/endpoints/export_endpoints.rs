//! Exports endpoints as a file that `import` can read: text, CSV or JSON.

use std::time::Duration;

use strum::IntoStaticStr;

use serde_json::json;

use crate::actions::Error;
use crate::domain::Timestamp;
use crate::domain::text::csv_cell;
use crate::store::endpoints::endpoint::Endpoint;

/// Format of an exported file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ExportFormat {
    /// One target per line, followed by its name.
    #[strum(serialize = "txt")]
    Text,
    #[default]
    Csv,
    Json,
}

impl ExportFormat {
    /// The value in options, which is also the extension of the file name.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// Writes `endpoints` in the given format.
pub fn export(endpoints: &[Endpoint], format: ExportFormat) -> Result<Vec<u8>, Error> {
    let failed = |error: String| Error::Internal(crate::store::StoreError::Damaged(error));
    match format {
        ExportFormat::Text => Ok(endpoints
            .iter()
            .map(text_line)
            .collect::<String>()
            .into_bytes()),
        ExportFormat::Csv => csv(endpoints).map_err(|error| failed(error.to_string())),
        ExportFormat::Json => {
            let objects: Vec<serde_json::Value> = endpoints.iter().map(object).collect();
            serde_json::to_vec_pretty(&objects).map_err(|error| failed(error.to_string()))
        }
    }
}

fn text_line(endpoint: &Endpoint) -> String {
    format!(
        "{} {}\n",
        endpoint.description.target, endpoint.description.name
    )
}

fn csv(endpoints: &[Endpoint]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["target", "name", "interval", "status"])?;
    for endpoint in endpoints {
        let interval = endpoint
            .description
            .interval
            .map(interval_text)
            .unwrap_or_default();
        let target = endpoint.description.target.to_string();
        let cells = [
            &target,
            &endpoint.description.name,
            &interval,
            endpoint.state.status.as_str(),
        ];
        writer.write_record(cells.map(csv_cell::mark))?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

/// Formats an interval for `parse_interval`: in seconds if it is a whole number of them, else in milliseconds.
fn interval_text(interval: Duration) -> String {
    match interval.subsec_millis() {
        0 => format!("{}s", interval.as_secs()),
        _ => format!("{}ms", interval.as_millis()),
    }
}

fn object(endpoint: &Endpoint) -> serde_json::Value {
    json!({
        "target": endpoint.description.target.to_string(),
        "name": endpoint.description.name,
        "interval": endpoint.description.interval.map(interval_text),
        "status": endpoint.state.status.as_str(),
    })
}

/// One endpoint as shown by the command line's `--json`. Timestamps are RFC 3339, `null` if there is none.
pub fn listed(endpoint: &Endpoint) -> serde_json::Value {
    let target = &endpoint.description.target;
    let failure = endpoint
        .state
        .failure
        .as_ref()
        .filter(|_| !endpoint.is_active());
    json!({
        "id": endpoint.id.0,
        // A string, as Discord writes ids: numbers of this size lose digits in many JSON parsers.
        "guild_id": endpoint.guild_id.to_string(),
        "name": endpoint.description.name,
        "target": target.to_string(),
        "host": target.host.to_string(),
        "port": target.port,
        "status": endpoint.state.status.as_str(),
        "is_active": endpoint.is_active(),
        "inactive_reason": failure.map(|failure| failure.class.as_str()),
        "inactive_detail": failure.and_then(|failure| failure.detail.as_deref()),
        "last_check_date": endpoint.last_check_at.map(rfc3339),
        "last_seen_at": endpoint.last_seen_at.map(rfc3339),
    })
}

/// Formats a timestamp as RFC 3339 in UTC, with milliseconds: `2026-01-31T12:00:00.123Z`.
pub fn rfc3339(timestamp: Timestamp) -> String {
    chrono::DateTime::from_timestamp_millis(timestamp.millis())
        .map(|date| date.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::Requester;
    use crate::actions::endpoints::endpoint_limits::{EndpointLimits, LimitedStore};
    use crate::actions::endpoints::{import_endpoints, manage_endpoint};
    use crate::domain::discord_id::GuildId;
    use crate::domain::event::Actor;
    use crate::store::endpoints::endpoint::{self, Description};
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn exported_files_can_be_imported_in_every_format() {
        let requester = |guild| Requester {
            guild: GuildId(guild),
            actor: Actor::CommandLine,
        };
        let store = TestStore::open().await;
        let limited = LimitedStore {
            store: &store,
            limits: &EndpointLimits::of_quota(10),
        };
        let file = "target,name,interval\nhttps://example.org/a?b=c,\"shop, main\",5m\n[2001:db8::1]:53,dns,\n";
        let now = Timestamp::from_millis(1);
        import_endpoints::import(limited, requester(1), file.as_bytes(), now)
            .await
            .unwrap();
        let original = endpoint::all(&store.reader, Some(GuildId(1)))
            .await
            .unwrap();
        for (format, guild) in [ExportFormat::Text, ExportFormat::Csv, ExportFormat::Json]
            .into_iter()
            .zip(2..)
        {
            let exported = export(&original, format).unwrap();
            import_endpoints::import(limited, requester(guild), &exported, now)
                .await
                .unwrap();
            let copy = endpoint::all(&store.reader, Some(GuildId(guild)))
                .await
                .unwrap();
            for (copied, original) in copy.iter().zip(&original) {
                assert_eq!(copied.description.target, original.description.target);
                assert_eq!(copied.description.name, original.description.name);
                if format != ExportFormat::Text {
                    assert_eq!(copied.description.interval, original.description.interval);
                }
            }
            assert_eq!(copy.len(), original.len());
        }
    }

    /// Names as members may choose them: a formula, quotes and commas, blanks inside, and apostrophes in front.
    const NAME: &str = "['=+@,;\"\\-a-z\u{ff1d}]([ '=+@,;\"\\-a-z]{0,20}['=+@,;\"\\-a-z])?";

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]

        #[test]
        fn every_name_survives_an_export_and_an_import(names in proptest::collection::vec(NAME, 1..20)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let requester = |guild| Requester { guild: GuildId(guild), actor: Actor::CommandLine };
                let (store, now) = (TestStore::open().await, Timestamp::from_millis(1));
                // Names are unique.
                let numbered = names.iter().zip(1..);
                let names: Vec<String> = numbered.map(|(name, number)| format!("{name}{number}")).collect();
                let targets = 1..=names.len();
                let descriptions = targets.zip(&names).map(|(port, name)| Description {
                    name: name.clone(),
                    target: format!("tcp://192.0.2.1:{port}").parse().unwrap(),
                    http_check: None,
                    interval: None,
                });
                let limited = LimitedStore { store: &store, limits: &EndpointLimits::of_quota(100) };
                manage_endpoint::add(limited, requester(1), descriptions.collect(), now).await.unwrap();
                let original = endpoint::all(&store.reader, Some(GuildId(1))).await.unwrap();
                let file = export(&original, ExportFormat::Csv).unwrap();
                let imported = import_endpoints::import(limited, requester(2), &file, now).await.unwrap();
                assert_eq!((imported.added, imported.refused), (names.len(), Vec::new()));
                let copy = endpoint::all(&store.reader, Some(GuildId(2))).await.unwrap();
                let copied: Vec<&str> = copy.iter().map(|copy| copy.description.name.as_str()).collect();
                assert_eq!(copied, names);
                assert_eq!(export(&copy, ExportFormat::Csv).unwrap(), file);
                let mut rows = csv::Reader::from_reader(&file[..]);
                for row in rows.records() {
                    for cell in &row.unwrap() {
                        assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}']), "{cell:?}");
                    }
                }
            });
        }
    }

    #[test]
    fn timestamps_are_written_in_utc() {
        assert_eq!(
            rfc3339(Timestamp::from_millis(1_769_860_800_123)),
            "2026-01-31T12:00:00.123Z"
        );
    }
}

//! This machine: the settings, the database, and the port.

use std::path::Path;

use super::Finding;
use super::healthcheck;
use crate::app;
use crate::domain::discord_id::{ChannelId, GuildId};
use crate::domain::text;
use crate::private_files;
use crate::settings::Settings;
use crate::store::monitors::monitor;
use crate::store::notifications::alert_settings;
use crate::store::{Store, StoreError};

/// Settings that are odd.
pub(super) fn settings(settings: &Settings) -> Vec<Finding> {
    const PART: &str = "settings";
    let warnings = settings.warnings.iter();
    let findings: Vec<Finding> = warnings
        .map(|warning| Finding::warning(PART, warning))
        .collect();
    match findings.is_empty() {
        true => vec![Finding::ok(
            PART,
            "all are valid; `rollcall settings` shows them",
        )],
        false => findings,
    }
}

/// What the database says.
pub(super) struct DatabaseFacts {
    pub finding: Finding,
    /// Whether a bot holds it.
    pub is_running: bool,
    pub alert_channels: Vec<(GuildId, ChannelId)>,
}

impl From<Finding> for DatabaseFacts {
    fn from(finding: Finding) -> Self {
        Self {
            finding,
            is_running: false,
            alert_channels: Vec::new(),
        }
    }
}

/// Opens the database, unless there is none.
pub(super) async fn database(settings: &Settings) -> DatabaseFacts {
    const PART: &str = "database";
    let url = &settings.database.url;
    match Store::must_exist(url) {
        Ok(()) => {}
        Err(StoreError::Missing(path)) => return missing(PART, &path).into(),
        Err(error) => return Finding::problem(PART, error.to_string()).into(),
    }
    let is_running = matches!(Store::lock(url), Err(StoreError::Running(_)));
    let store = match Store::open(url).await {
        Ok(store) => store,
        Err(error) => return Finding::problem(PART, error.to_string()).into(),
    };
    let read = facts(&store).await;
    store.close().await;
    let (monitors, alert_channels) = match read {
        Ok(read) => read,
        Err(error) => return Finding::problem(PART, error.to_string()).into(),
    };
    let state = match is_running {
        true => "Rollcall is running",
        false => "Rollcall is not running",
    };
    let sentence = format!("{}, {state}", text::count(monitors, "monitor"));
    DatabaseFacts {
        finding: Finding::ok(PART, sentence),
        is_running,
        alert_channels,
    }
}

async fn facts(store: &Store) -> Result<(u64, Vec<(GuildId, ChannelId)>), StoreError> {
    let counts = monitor::counts_by_status(&store.reader, None).await?;
    let channels = alert_settings::channels(&store.reader).await?;
    Ok((counts.iter().map(|(_, count)| count).sum(), channels))
}

fn missing(part: &'static str, path: &str) -> Finding {
    let folder = match Path::new(path).parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match private_files::can_create_in(folder) {
        Ok(()) => Finding::warning(
            part,
            format!("there is no database {path} yet. `rollcall run` creates it"),
        ),
        Err(reason) => Finding::problem(
            part,
            format!(
                "there is no database {path}, and it cannot be created: {reason}. Set DATABASE_URL to a file that Rollcall may write"
            ),
        ),
    }
}

/// Whether the HTTP server answers, or could listen.
pub(super) async fn port(settings: &Settings, is_running: bool) -> Finding {
    const PART: &str = "port";
    let bind = settings.http.bind;
    if is_running {
        return match healthcheck::check(settings).await {
            Ok(address) => Finding::ok(PART, format!("Rollcall answers at {address}")),
            Err(error) => Finding::problem(PART, error.to_string()),
        };
    }
    match app::can_listen(settings).await {
        Ok(()) => Finding::ok(PART, format!("HTTP_BIND={bind} is free")),
        Err(error) => Finding::problem(PART, error.to_string()),
    }
}

//! The monitors whose history a command shows: all of a Discord server, a group, or one, also one that was removed.

use crate::actions::Requester;
use crate::app::AppError;
use crate::cli::terminal::find_monitor;
use crate::cli::terminal::guild_argument::GuildArgument;
use crate::domain::monitor::MonitorId;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::history::monitor_history::HistoryScope;
use crate::store::history::removed_monitor;

#[derive(Debug, clap::Args)]
pub(super) struct MonitorArguments {
    /// Name or id of a monitor; also of one that was removed [default: every monitor]
    #[arg(conflicts_with = "group")]
    monitor: Option<String>,
    /// Only the monitors of a group
    #[arg(long, value_parser = crate::cli::name)]
    group: Option<String>,
    #[command(flatten)]
    pub guild: GuildArgument,
}

impl MonitorArguments {
    /// Which monitors are meant.
    ///
    /// # Errors
    /// `AppError::Other` if there is no such monitor, or more than one.
    pub async fn scope(
        &self,
        settings: &Settings,
        store: &Store,
    ) -> Result<HistoryScope, AppError> {
        if let Some(group) = &self.group {
            return Ok(HistoryScope::Group(group.clone()));
        }
        let Some(text) = &self.monitor else {
            return Ok(HistoryScope::All);
        };
        let requester = self.guild.requester(settings);
        one_monitor(store, requester, text)
            .await
            .map(HistoryScope::One)
    }
}

/// A monitor by its name or id, also one that was removed: its history outlives it.
///
/// # Errors
/// `AppError::Other` if there is no such monitor, or more than one.
pub(super) async fn one_monitor(
    store: &Store,
    requester: Requester,
    text: &str,
) -> Result<MonitorId, AppError> {
    let error = match find_monitor(store, requester, None, text).await {
        Ok(found) => return Ok(found.id),
        Err(error) => error,
    };
    let removed = removed_monitor::named(&store.reader, requester.guild, text).await?;
    match removed.as_slice() {
        [only] => Ok(*only),
        [] => Err(error),
        _ => Err(AppError::Other(format!(
            "more than one monitor with the name `{text}` was removed. Use its id: `rollcall uptime` shows it"
        ))),
    }
}

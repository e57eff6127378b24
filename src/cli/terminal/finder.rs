//! The monitor that a person means on the command line: by its id, its UUID or its name, in one Discord server.

use crate::actions::Requester;
use crate::app::AppError;
use crate::domain::devices::device::DeviceUuid;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::store::Store;
use crate::store::devices::device;
use crate::store::monitors::monitor::{self, Monitor};
use crate::store::monitors::search;

/// Finds a monitor of the requester's guild. `kind`: only those of this kind.
///
/// # Errors
/// `AppError::Other` if there is none, or more than one.
pub(in crate::cli) async fn find_monitor(
    store: &Store,
    requester: Requester,
    kind: Option<MonitorKind>,
    text: &str,
) -> Result<Monitor, AppError> {
    let guild = requester.guild;
    let by_id = match text.trim_start_matches('#').parse::<i64>() {
        Ok(id) => monitor::by_id(&store.reader, guild, MonitorId(id)).await?,
        Err(_) => None,
    };
    let by_id = match (by_id, DeviceUuid::parse(text)) {
        (None, Ok(uuid)) => match device::id_of(&store.reader, guild, &uuid).await? {
            Some(id) => monitor::by_id(&store.reader, guild, id).await?,
            None => None,
        },
        (by_id, _) => by_id,
    };
    let mut found = match by_id.filter(|found| kind.is_none_or(|kind| kind == found.kind)) {
        Some(found) => vec![found],
        None => search::with_name(&store.reader, guild, kind, text).await?,
    };
    let word = kind.map_or("monitor", MonitorKind::as_str);
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(AppError::Other(format!(
            "more than one monitor has the name `{text}`. Use its id, as shown by `rollcall endpoint list`, `rollcall device list` and `rollcall server list`"
        ))),
        (None, _) => Err(AppError::Other(format!(
            "Discord server {guild} has no {word} `{text}`. `rollcall {} list` shows them; use --guild to select another Discord server",
            kind.map_or("endpoint", MonitorKind::as_str)
        ))),
    }
}

//! The monitor that a person means on the command line: by its id, its UUID or its name, in one Discord server.

use crate::actions::Requester;
use crate::app::AppError;
use crate::domain::devices::device::DeviceUuid;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::store::Store;
use crate::store::devices::device;
use crate::store::monitors::monitor::{self, Monitor};
use crate::store::monitors::search;

const LISTS: &str = "`rollcall endpoint list`, `rollcall device list` and `rollcall server list`";

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
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(AppError::Other(format!(
            "more than one monitor has the name `{text}`. Use its id: {LISTS} show it"
        ))),
        (None, _) => Err(AppError::Other(not_found(requester, kind, text))),
    }
}

fn not_found(requester: Requester, kind: Option<MonitorKind>, text: &str) -> String {
    let place = match requester.guild {
        GuildId::LOCAL => "the local monitor list".to_owned(),
        guild => format!("Discord server {guild}"),
    };
    let (word, lists) = match kind {
        Some(kind) => {
            let kind = kind.as_str();
            (kind, format!("`rollcall {kind} list` shows them"))
        }
        None => ("monitor", format!("{LISTS} show them")),
    };
    format!("{place} has no {word} `{text}`. {lists}; use --guild to select another Discord server")
}

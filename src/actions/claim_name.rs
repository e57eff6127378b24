//! Names are unique among the monitors of one kind of a guild. Each action that names a monitor claims the name in its own
//! transaction, so that of two requests for the same name one fails.

use std::fmt;

use super::Error;
use crate::domain::monitor::name::NameScope;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::text;
use crate::store::monitors::monitor_name::{self, NameHolder};
use crate::store::{StoreError, Tx};

/// Why a monitor cannot have a name. `Display` is a sentence for the requester.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenName {
    kind: MonitorKind,
    holder: NameHolder,
    /// The next free form of the name.
    free: String,
}

impl TakenName {
    /// The monitor that has the name.
    pub fn holder(&self) -> MonitorId {
        self.holder.id
    }

    /// The sentence for a device that registers without its UUID: it may have registered before.
    pub fn without_uuid(&self) -> String {
        let (id, name, free) = (
            self.holder.id,
            text::code(&self.holder.name),
            text::code(&self.free),
        );
        format!(
            "a device named {name} already exists (#{id}). If this is the same device, send its `uuid`, too. Otherwise choose another name, such as {free}"
        )
    }

    /// The sentence for a line of a file whose name an earlier line has.
    pub fn as_in_line(&self, line: usize) -> String {
        let free = text::code(&self.free);
        format!("line {line} has the same name. Choose another name, such as {free}")
    }
}

impl fmt::Display for TakenName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, name, free) = (
            self.holder.id,
            text::code(&self.holder.name),
            text::code(&self.free),
        );
        match self.kind {
            MonitorKind::Endpoint => write!(
                out,
                "an endpoint named {name} already exists (#{id}). Choose another name, such as {free}"
            ),
            MonitorKind::Device => write!(
                out,
                "a device named {name} already exists (#{id}). Choose another name, such as {free}"
            ),
            MonitorKind::Server => write!(
                out,
                "a server named {name} already exists (#{id}). Choose another name, such as {free}"
            ),
        }
    }
}

impl From<TakenName> for Error {
    fn from(taken: TakenName) -> Self {
        Self::Conflict(taken.to_string())
    }
}

/// Makes sure that a new monitor may have a name.
pub async fn for_new(
    tx: &mut Tx<'_>,
    scope: NameScope,
    name: &str,
) -> Result<Result<(), TakenName>, StoreError> {
    match monitor_name::holder(tx, scope, name).await? {
        Some(holder) => Ok(Err(taken(tx, scope, name, holder).await?)),
        None => Ok(Ok(())),
    }
}

/// Makes sure that a monitor may be renamed. It may change the case of its name.
pub async fn for_rename(
    tx: &mut Tx<'_>,
    scope: NameScope,
    id: MonitorId,
    name: &str,
) -> Result<Result<(), TakenName>, StoreError> {
    match monitor_name::holder(tx, scope, name).await? {
        Some(holder) if holder.id != id => Ok(Err(taken(tx, scope, name, holder).await?)),
        _ => Ok(Ok(())),
    }
}

async fn taken(
    tx: &mut Tx<'_>,
    scope: NameScope,
    name: &str,
    holder: NameHolder,
) -> Result<TakenName, StoreError> {
    Ok(TakenName {
        kind: scope.kind,
        holder,
        free: monitor_name::free_form(tx, scope, name).await?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::Requester;
    use crate::actions::devices::manage_device::{self, DeviceEdit, NewDevice};
    use crate::actions::endpoints::endpoint_limits::{EndpointLimits, LimitedStore};
    use crate::actions::endpoints::manage_endpoint::{self, EndpointEdit};
    use crate::actions::servers::manage_server::{self, ServerEdit};
    use crate::domain::Timestamp;
    use crate::domain::devices::device::DeviceUuid;
    use crate::domain::discord_id::GuildId;
    use crate::domain::event::Actor;
    use crate::store::Store;
    use crate::store::devices::device;
    use crate::store::endpoints::endpoint::Description;
    use crate::store::testing::TestStore;

    const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

    fn requester(guild: GuildId) -> Requester {
        Requester {
            guild,
            actor: Actor::CommandLine,
        }
    }

    /// Adds a monitor of a guild that may have two of each kind. `number` is in its target or its UUID.
    async fn add(
        store: &Store,
        scope: NameScope,
        name: &str,
        number: u8,
    ) -> Result<MonitorId, Error> {
        let (requester, name) = (requester(scope.guild), name.to_owned());
        match scope.kind {
            MonitorKind::Endpoint => {
                let limits = &EndpointLimits::of_quota(2);
                let description = Description {
                    name,
                    target: format!("tcp://192.0.2.{number}:80").parse().unwrap(),
                    http_check: None,
                    interval: None,
                };
                let limited = LimitedStore { store, limits };
                let added = manage_endpoint::add_one(limited, requester, description, NOW).await?;
                Ok(added.unwrap())
            }
            MonitorKind::Device => {
                let uuid = DeviceUuid::from_random([number; 16]);
                let new = NewDevice {
                    uuid: uuid.clone(),
                    name,
                    device_type: None,
                    slug: None,
                    push_token: None,
                    threshold: None,
                };
                manage_device::add(store, requester, new, 2, NOW).await?;
                let id = device::id_of(&store.reader, scope.guild, &uuid).await?;
                Ok(id.unwrap())
            }
            MonitorKind::Server => {
                let added = manage_server::add(store, requester, name, 2, NOW).await?;
                Ok(added.0)
            }
        }
    }

    async fn rename(
        store: &Store,
        scope: NameScope,
        id: MonitorId,
        name: &str,
    ) -> Result<(), Error> {
        let (requester, name) = (requester(scope.guild), Some(name.to_owned()));
        match scope.kind {
            MonitorKind::Endpoint => {
                let limits = &EndpointLimits::of_quota(2);
                let edit = EndpointEdit {
                    name,
                    ..EndpointEdit::default()
                };
                let limited = LimitedStore { store, limits };
                let edited = manage_endpoint::edit(limited, requester, id, edit, NOW).await;
                edited.map(drop)
            }
            MonitorKind::Device => {
                let edit = DeviceEdit {
                    name,
                    ..DeviceEdit::default()
                };
                manage_device::edit(store, requester, id, edit, NOW).await
            }
            MonitorKind::Server => {
                let edit = ServerEdit {
                    name,
                    ..ServerEdit::default()
                };
                manage_server::edit(store, requester, id, edit, NOW).await
            }
        }
    }

    async fn remove(store: &Store, scope: NameScope, id: MonitorId) -> Result<(), Error> {
        let requester = requester(scope.guild);
        match scope.kind {
            MonitorKind::Endpoint => {
                let removed = manage_endpoint::remove(store, requester, id, NOW).await;
                removed.map(drop)
            }
            MonitorKind::Device => manage_device::remove(store, requester, id, NOW).await,
            MonitorKind::Server => manage_server::remove(store, requester, id, NOW).await,
        }
    }

    const KINDS: [(MonitorKind, &str); 3] = [
        (MonitorKind::Endpoint, "an endpoint"),
        (MonitorKind::Device, "a device"),
        (MonitorKind::Server, "a server"),
    ];

    fn home(kind: MonitorKind) -> NameScope {
        NameScope {
            guild: GuildId(1),
            kind,
        }
    }

    fn conflict<T: fmt::Debug>(result: Result<T, Error>) -> String {
        match result.unwrap_err() {
            Error::Conflict(sentence) => sentence,
            error => panic!("{error:?}"),
        }
    }

    #[tokio::test]
    async fn a_name_is_taken_once_per_guild_and_kind() {
        let store = TestStore::open().await;
        for (kind, a_monitor) in KINDS {
            let scope = home(kind);
            let shop = add(&store, scope, "Shop", 1).await.unwrap();
            let sentence = format!(
                "{a_monitor} named `Shop` already exists (#{shop}). Choose another name, such as `sHOP (2)`"
            );
            assert_eq!(conflict(add(&store, scope, "sHOP", 2).await), sentence);
            let other = add(&store, scope, "other", 2).await.unwrap();
            let refused = rename(&store, scope, other, "sHOP").await;
            assert_eq!(conflict(refused), sentence);
            rename(&store, scope, shop, "SHOP").await.unwrap();
            rename(&store, scope, other, "other").await.unwrap();
            for guild in [GuildId(2), GuildId::LOCAL] {
                let elsewhere = NameScope { guild, kind };
                add(&store, elsewhere, "shop", 3).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_removed_monitor_gives_back_its_name_and_its_place_in_the_quota() {
        let store = TestStore::open().await;
        for (kind, _) in KINDS {
            let scope = home(kind);
            let shop = add(&store, scope, "shop", 1).await.unwrap();
            add(&store, scope, "other", 2).await.unwrap();
            assert!(add(&store, scope, "third", 3).await.is_err(), "{kind:?}");
            remove(&store, scope, shop).await.unwrap();
            add(&store, scope, "SHOP", 1).await.unwrap();
            assert!(add(&store, scope, "third", 3).await.is_err(), "{kind:?}");
        }
    }

    #[tokio::test]
    async fn of_two_processes_that_add_a_name_at_once_one_gets_it() {
        let store = TestStore::open().await;
        let second = Store::open(&store.url()).await.unwrap();
        for (kind, a_monitor) in KINDS {
            let scope = home(kind);
            let (one, other) = tokio::join!(
                add(&store, scope, "shop", 1),
                add(&second, scope, "shop", 2)
            );
            let refused = match (one, other) {
                (Ok(_), refused) | (refused, Ok(_)) => conflict(refused),
                neither => panic!("{neither:?}"),
            };
            let beginning = format!("{a_monitor} named `shop` already exists");
            assert!(refused.starts_with(&beginning), "{refused}");
        }
        second.close().await;
    }
}

//! Autocomplete and lookup by name for what a guild has stored: endpoints, devices, servers and groups.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse};

use super::error::CommandError;
use super::{reply, texts};
use crate::discord::Context;
use crate::domain::devices::typed_device;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::name::NameKey;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::silences::maintenance::zones;
use crate::domain::text;
use crate::store::Reader;
use crate::store::devices::device;
use crate::store::endpoints::endpoint::{self, Endpoint};
use crate::store::monitors::group;
use crate::store::monitors::monitor::{self, Monitor};
use crate::store::monitors::search::{self, MonitorMatch, MonitorQuery};

/// Discord's limits: characters per choice, and choices per list.
pub(in crate::discord) const CHOICE_LENGTH: usize = 100;
pub(in crate::discord) const CHOICES: u32 = 25;

/// Suggests endpoints whose name or target contains the typed text, offline ones first.
pub(in crate::discord) async fn endpoint(
    ctx: Context<'_>,
    partial: &str,
) -> CreateAutocompleteResponse {
    let Ok(requester) = reply::requester(ctx) else {
        return CreateAutocompleteResponse::new();
    };
    let found = endpoint::search(
        &ctx.data().store.reader,
        requester.guild,
        partial.trim(),
        CHOICES,
    )
    .await;
    match found {
        Ok(found) => {
            CreateAutocompleteResponse::new().set_choices(found.iter().map(choice).collect())
        }
        Err(error) => {
            tracing::warn!(%error, "cannot load endpoints for autocomplete");
            CreateAutocompleteResponse::new()
        }
    }
}

/// Suggests devices whose name, or the beginning of whose UUID, contains the typed text.
pub(in crate::discord) async fn device(
    ctx: Context<'_>,
    partial: &str,
) -> CreateAutocompleteResponse {
    of_kind(ctx, Some(MonitorKind::Device), partial).await
}

/// Suggests servers whose name contains the typed text.
pub(in crate::discord) async fn server(
    ctx: Context<'_>,
    partial: &str,
) -> CreateAutocompleteResponse {
    of_kind(ctx, Some(MonitorKind::Server), partial).await
}

/// Suggests monitors of every kind whose name, target or beginning of the UUID contains the typed text.
pub(in crate::discord) async fn monitor(
    ctx: Context<'_>,
    partial: &str,
) -> CreateAutocompleteResponse {
    of_kind(ctx, None, partial).await
}

/// Suggests groups whose name contains the typed text.
pub(in crate::discord) async fn group(
    ctx: Context<'_>,
    partial: &str,
) -> CreateAutocompleteResponse {
    let Ok(requester) = reply::requester(ctx) else {
        return CreateAutocompleteResponse::new();
    };
    let known = group::list(&ctx.data().store.reader, requester.guild).await;
    let known = known.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot load groups for autocomplete");
        Vec::new()
    });
    let partial = partial.trim().to_lowercase();
    let choices = known
        .into_iter()
        .filter(|(name, _)| name.to_lowercase().contains(&partial))
        .take(CHOICES as usize)
        .map(|(name, _)| AutocompleteChoice::new(name.clone(), name));
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}

/// Finds a guild's group by name, ignoring case, and returns the name as stored.
pub(in crate::discord) async fn known_group(
    reader: &Reader,
    guild: GuildId,
    name: &str,
) -> Result<String, CommandError> {
    let known = group::list(reader, guild).await?;
    let names = known.into_iter().map(|(name, _)| name);
    // Two may differ in case only; then the exact one is meant.
    let key = NameKey::of(name.trim());
    let alike: Vec<String> = names.filter(|known| NameKey::of(known) == key).collect();
    let exact = alike.iter().find(|known| *known == name.trim());
    exact
        .or(alike.first())
        .cloned()
        .ok_or_else(|| CommandError::Refused(texts::no_group(name)))
}

async fn of_kind(
    ctx: Context<'_>,
    kind: Option<MonitorKind>,
    partial: &str,
) -> CreateAutocompleteResponse {
    let Ok(requester) = reply::requester(ctx) else {
        return CreateAutocompleteResponse::new();
    };
    let reader = &ctx.data().store.reader;
    let text = partial.trim();
    let uuid = typed_device::uuid_in(text);
    let wanted = MonitorQuery {
        kind,
        text,
        id: id_in(text),
        uuid: uuid.as_ref(),
    };
    match search::search(reader, requester.guild, wanted, CHOICES).await {
        Ok(found) => {
            let choices = found.iter().map(|found| monitor_choice(kind, found));
            CreateAutocompleteResponse::new().set_choices(choices.collect())
        }
        Err(error) => {
            tracing::warn!(%error, "cannot load monitors for autocomplete");
            CreateAutocompleteResponse::new()
        }
    }
}

/// `kind`: the only kind of the list; `None` if it has all kinds, so that each choice shows its own.
fn monitor_choice(kind: Option<MonitorKind>, found: &MonitorMatch) -> AutocompleteChoice {
    let label = match kind {
        Some(_) => texts::monitor_choice(found),
        None => texts::choice_of_any_kind(found),
    };
    AutocompleteChoice::new(
        text::cut(&label, CHOICE_LENGTH),
        format!("#{}", found.monitor.id),
    )
}

fn id_in(text: &str) -> Option<MonitorId> {
    let id = text.strip_prefix('#')?.parse().ok()?;
    Some(MonitorId(id))
}

/// Finds the one monitor of a kind (`None`: any kind) that a person means: by `#` and its id, by the UUID or the ping URL of a
/// device, or by its name.
pub(in crate::discord) async fn named(
    reader: &Reader,
    guild: GuildId,
    kind: Option<MonitorKind>,
    text: &str,
) -> Result<Monitor, CommandError> {
    let text = text.trim();
    let identified = identified(reader, guild, text).await?;
    let is_wanted = |monitor: &Monitor| kind.is_none_or(|kind| kind == monitor.kind);
    if let Some(monitor) = identified.filter(is_wanted) {
        return Ok(monitor);
    }
    let mut found = search::with_name(reader, guild, kind, text).await?;
    match (found.pop(), found.is_empty()) {
        (Some(monitor), true) => Ok(monitor),
        (Some(last), false) => {
            found.push(last);
            let sentence = texts::several_monitors(text, &found);
            Err(CommandError::Refused(sentence))
        }
        (None, _) => {
            let near = search::near_name(reader, guild, kind, text).await?;
            Err(CommandError::Refused(texts::no_monitor(text, &near)))
        }
    }
}

/// The monitor of a guild that a text identifies by an id or a UUID.
async fn identified(
    reader: &Reader,
    guild: GuildId,
    text: &str,
) -> Result<Option<Monitor>, CommandError> {
    let id = match (id_in(text), typed_device::uuid_in(text)) {
        (Some(id), _) => Some(id),
        (None, Some(uuid)) => device::id_of(reader, guild, &uuid).await?,
        (None, None) => None,
    };
    match id {
        Some(id) => Ok(monitor::by_id(reader, guild, id).await?),
        None => Ok(None),
    }
}

fn choice(endpoint: &Endpoint) -> AutocompleteChoice {
    let target = endpoint.description.target.to_string();
    let label = texts::endpoint_choice(&endpoint.description.name, &target, endpoint.state.status);
    AutocompleteChoice::new(
        text::cut(&label, CHOICE_LENGTH),
        value(endpoint.id.0, target),
    )
}

/// The value of a choice: the target, which stays readable in the option, or the id if the target is too long.
fn value(id: i64, target: String) -> String {
    if target.len() <= CHOICE_LENGTH {
        target
    } else {
        format!("#{id}")
    }
}

/// Names of time zones.
pub(in crate::discord) async fn zone(_: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let choices = zones(partial)
        .take(CHOICES as usize)
        .map(|name| AutocompleteChoice::new(name, name));
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::devices::device::DeviceUuid;
    use crate::store::endpoints::endpoint::Description;
    use crate::store::servers::server;
    use crate::store::testing::{TestStore, new_device};

    const HOME: GuildId = GuildId(1);

    #[test]
    fn targets_too_long_for_a_choice_use_the_id() {
        assert_eq!(
            value(7, "tcp://203.0.113.7:80".into()),
            "tcp://203.0.113.7:80"
        );
        assert_eq!(
            value(7, format!("http://example.org/{}", "x".repeat(90))),
            "#7"
        );
    }

    /// A device, a server and an endpoint named `shop`; their ids.
    async fn three_shops(store: &TestStore, uuid: &DeviceUuid) -> [MonitorId; 3] {
        let uuid = uuid.clone();
        store
            .write(move |tx| {
                Box::pin(async move {
                    let now = Timestamp::from_millis(1);
                    let new = new_device(HOME, &uuid, "Shop");
                    let description = Description {
                        name: "shop".into(),
                        target: "https://shop.example/".parse().unwrap(),
                        http_check: None,
                        interval: None,
                    };
                    Ok([
                        device::insert(tx, &new, now).await?,
                        server::insert(tx, HOME, "SHOP", now).await?,
                        endpoint::insert(tx, HOME, &description, now)
                            .await?
                            .unwrap(),
                    ])
                })
            })
            .await
    }

    #[tokio::test]
    async fn a_monitor_is_found_by_id_uuid_ping_url_or_name_in_its_own_guild() {
        let store = TestStore::open().await;
        let uuid = DeviceUuid::from_random([7; 16]);
        let [device, server, endpoint] = three_shops(&store, &uuid).await;
        let unhyphenated = uuid.as_str().replace('-', "").to_uppercase();
        let of_device = Some(MonitorKind::Device);
        for (kind, text, id) in [
            (of_device, "shop".to_owned(), device),
            (of_device, " sHop ".to_owned(), device),
            (Some(MonitorKind::Server), "shop".to_owned(), server),
            (Some(MonitorKind::Endpoint), "shop".to_owned(), endpoint),
            (None, format!("#{server}"), server),
            (of_device, uuid.to_string(), device),
            (None, unhyphenated, device),
            (
                of_device,
                format!("https://x.example/ping/{uuid}/fail"),
                device,
            ),
        ] {
            let found = named(&store.reader, HOME, kind, &text).await.unwrap();
            assert_eq!(found.id, id, "{kind:?} {text}");
            let elsewhere = named(&store.reader, GuildId(2), kind, &text).await;
            assert!(elsewhere.is_err(), "{kind:?} {text}");
        }
        let wrong_kind = named(&store.reader, HOME, of_device, &format!("#{server}")).await;
        assert!(wrong_kind.is_err());
        let ambiguous = named(&store.reader, HOME, None, "shop").await.unwrap_err();
        let sentence = format!(
            "More than one monitor is named `shop`: `#{device}` (device), `#{server}` (server), `#{endpoint}` (endpoint). \
             Enter one of these ids with its `#`, or choose it from the list."
        );
        assert_eq!(ambiguous.to_string(), sentence);
    }
}

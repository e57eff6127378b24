//! API keys: programs create, rotate and revoke them. A key is shown once.

use std::cmp::Reverse;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::list::{Cursor, PageQuery, page_of};
use super::problem::Problem;
use super::request::{Admin, Caller, InBody, InPath, InQuery, Reader};
use super::routes::{Created, Json, NoContent, Routes, about};
use super::values::{DateTime, Id, KeyKindWord, Word, date_time};
use crate::actions::manage_key;
use crate::domain::Timestamp;
use crate::domain::key::{ApiKey, KeyId, KeyKind};
use crate::http::HttpState;
use crate::store::api_key::{self, StoredKey};

pub(super) fn routes(routes: &mut Routes) {
    routes.tag(
        "keys",
        "API keys. Only their hashes are stored, so a key is shown once.",
    );
    routes.get::<Reader, _>(
        "/keys",
        about("list_keys", "List keys").describe("The newest first, with those that were revoked."),
        list,
    );
    routes.post::<Admin, _>(
        "/keys",
        about("create_key", "Create a key")
            .describe("The keys of devices and servers are created with them."),
        create,
    );
    routes.get::<Reader, _>("/keys/{id}", about("get_key", "Get a key"), show);
    routes.post::<Admin, _>(
        "/keys/{id}/rotate",
        about("rotate_key", "Replace a key")
            .describe("The old key stays valid for another 24 hours."),
        rotate,
    );
    routes.delete::<Admin, _>("/keys/{id}", about("revoke_key", "Revoke a key"), revoke);
}

/// A key, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Key)]
struct KeyView {
    #[schema(examples("0QmZ1xRj5LpV"))]
    id: String,
    kind: KeyKindWord,
    /// The id of the device or server whose own key it is.
    #[schema(required)]
    monitor: Option<Id>,
    is_valid: bool,
    created_at: DateTime,
    #[schema(required)]
    expires_at: Option<DateTime>,
    #[schema(required)]
    revoked_at: Option<DateTime>,
}

impl KeyView {
    fn of(key: &StoredKey, now: Timestamp) -> Self {
        Self {
            id: key.id.to_string(),
            kind: Word(key.kind),
            monitor: key.monitor_id.map(|id| id.0),
            is_valid: key.is_valid(now),
            created_at: date_time(key.created_at),
            expires_at: key.expires_at.map(date_time),
            revoked_at: key.revoked_at.map(date_time),
        }
    }
}

/// A page of keys.
#[derive(Serialize, ToSchema)]
struct KeyList {
    keys: Vec<KeyView>,
    #[schema(required)]
    next_cursor: Option<Cursor>,
}

/// A position in the list of keys.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct NewestFirst {
    created: Reverse<i64>,
    id: String,
}

impl NewestFirst {
    fn of(key: &StoredKey) -> Self {
        Self {
            created: Reverse(key.created_at.millis()),
            id: key.id.to_string(),
        }
    }
}

impl From<&Cursor> for NewestFirst {
    fn from(cursor: &Cursor) -> Self {
        Self {
            created: Reverse(cursor.number(0)),
            id: cursor.text(1).to_owned(),
        }
    }
}

impl From<NewestFirst> for Cursor {
    fn from(position: NewestFirst) -> Self {
        [position.created.0.to_string(), position.id].into()
    }
}

async fn list(
    reader: Reader,
    State(app): State<HttpState>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<KeyList>, Problem> {
    let now = app.clock.now();
    let keys = api_key::list(&app.store.reader, Some(reader.0.guild_id)).await?;
    let page = page_of(keys, &query, NewestFirst::of);
    Ok(Json(KeyList {
        keys: page.items.iter().map(|key| KeyView::of(key, now)).collect(),
        next_cursor: page.next_cursor,
    }))
}

async fn show(
    reader: Reader,
    State(app): State<HttpState>,
    InPath(id): InPath<KeyId>,
) -> Result<Json<KeyView>, Problem> {
    let key = find(&app, &reader, id).await?;
    Ok(Json(KeyView::of(&key, app.clock.now())))
}

async fn find(app: &HttpState, caller: &Caller, id: KeyId) -> Result<StoredKey, Problem> {
    let key = api_key::find(&app.store.reader, &id).await?;
    key.filter(|key| key.guild_id == caller.0.guild_id)
        .ok_or_else(Problem::not_found)
}

/// The kinds of keys that belong to a guild.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum GuildKeyKind {
    /// Registers devices and sends their heartbeats.
    Fleet,
    /// Reads everything.
    Read,
    /// Reads and changes everything.
    Admin,
    /// Sends pings by slug.
    Ping,
}

impl From<GuildKeyKind> for KeyKind {
    fn from(kind: GuildKeyKind) -> Self {
        match kind {
            GuildKeyKind::Fleet => Self::Fleet,
            GuildKeyKind::Read => Self::Read,
            GuildKeyKind::Admin => Self::Admin,
            GuildKeyKind::Ping => Self::Ping,
        }
    }
}

/// A key to be created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "kind": "read" })))]
struct NewKey {
    kind: GuildKeyKind,
}

/// A key that was created.
#[derive(Serialize, ToSchema)]
struct CreatedKey {
    #[schema(examples("0QmZ1xRj5LpV"))]
    id: String,
    kind: KeyKindWord,
    /// The whole key, which is not shown again.
    #[schema(examples("rc_read_…"))]
    key: String,
}

impl From<ApiKey> for CreatedKey {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            kind: Word(key.kind),
            key: key.reveal(),
        }
    }
}

async fn create(
    admin: Admin,
    State(app): State<HttpState>,
    InBody(body): InBody<NewKey>,
) -> Result<Created<CreatedKey>, Problem> {
    let (requester, now) = (admin.requester(), app.clock.now());
    let key =
        manage_key::create(&app.store, requester, body.kind.into(), app.quota_keys, now).await?;
    Ok(Created(key.into()))
}

async fn rotate(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<KeyId>,
) -> Result<Created<CreatedKey>, Problem> {
    let key = manage_key::rotate(
        &app.store,
        admin.requester(),
        id,
        app.quota_keys,
        app.clock.now(),
    )
    .await?;
    Ok(Created(key.into()))
}

async fn revoke(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<KeyId>,
) -> Result<NoContent, Problem> {
    manage_key::revoke(&app.store, admin.requester(), id, app.clock.now()).await?;
    app.key_cache.forget(&id);
    Ok(NoContent)
}

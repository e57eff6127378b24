//! Notes of incidents as programs read and change them.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::actions::incidents::{manage_note, respond};
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::incidents::note::NoteId;
use crate::http::HttpState;
use crate::http::api::list::{Cursor, PageLimit, page};
use crate::http::api::problem::Problem;
use crate::http::api::request::{Admin, InBody, InPath, InQuery, Reader};
use crate::http::api::routes::{Created, Json, NoContent};
use crate::http::api::values::{DateTime, Id, NoteText, date_time};
use crate::store::incidents::incident::{self, Note};

/// A note of an incident.
#[derive(Serialize, ToSchema)]
#[schema(as = Note)]
pub(super) struct NoteView {
    id: Id,
    /// The id of its incident.
    incident: Id,
    at: DateTime,
    /// Who wrote it: `discord:<user id>` or `key:<key id>`.
    #[schema(examples("key:0123456789ab"))]
    by: String,
    #[schema(examples("the provider works on it"))]
    text: String,
}

impl From<Note> for NoteView {
    fn from(note: Note) -> Self {
        Self {
            id: note.id.0,
            incident: note.incident.0,
            at: date_time(note.at),
            by: note.actor.to_string(),
            text: note.text,
        }
    }
}

/// The text of a note: a new one, or its change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "text": "the provider works on it" })))]
pub(super) struct NoteBody {
    text: NoteText,
}

/// The query of the list of notes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct NoteQuery {
    #[param(inline)]
    cursor: Option<Cursor>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLimit<50, 200>,
}

/// A page of notes.
#[derive(Serialize, ToSchema)]
pub(super) struct NoteList {
    notes: Vec<NoteView>,
    #[schema(required)]
    next_cursor: Option<Cursor>,
}

pub(super) async fn list(
    caller: Reader,
    State(app): State<HttpState>,
    InPath(id): InPath<IncidentId>,
    InQuery(query): InQuery<NoteQuery>,
) -> Result<Json<NoteList>, Problem> {
    let (reader, requester) = (&app.store.reader, caller.requester());
    respond::find(reader, requester, id).await?;
    let after = NoteId(query.cursor.map_or(0, |cursor| cursor.number(0)));
    let (of, limit) = (requester.incident(id), query.limit.get());
    let notes = incident::notes_after(reader, of, after, limit + 1).await?;
    let page = page(notes, limit, |note| [note.id.0.to_string()].into());
    Ok(Json(NoteList {
        notes: page.items.into_iter().map(NoteView::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

pub(super) async fn add(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<IncidentId>,
    InBody(body): InBody<NoteBody>,
) -> Result<Created<NoteView>, Problem> {
    let (requester, now) = (admin.requester(), app.clock.now());
    let note = manage_note::add(&app.store, requester, id, body.text.0, now).await?;
    Ok(Created(note.into()))
}

pub(super) async fn show(
    caller: Reader,
    State(app): State<HttpState>,
    InPath(id): InPath<NoteId>,
) -> Result<Json<NoteView>, Problem> {
    let note = manage_note::get(&app.store.reader, caller.requester(), id).await?;
    Ok(Json(note.into()))
}

pub(super) async fn edit(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<NoteId>,
    InBody(body): InBody<NoteBody>,
) -> Result<Json<NoteView>, Problem> {
    let (requester, now) = (admin.requester(), app.clock.now());
    let note = manage_note::edit(&app.store, requester, id, body.text.0, now).await?;
    Ok(Json(note.into()))
}

pub(super) async fn remove(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<NoteId>,
) -> Result<NoContent, Problem> {
    manage_note::remove(&app.store, admin.requester(), id, app.clock.now()).await?;
    Ok(NoContent)
}

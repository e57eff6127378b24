//! Incidents, as people see them in Discord, and their notes: programs read, acknowledge and annotate them.

mod incident;
mod note;

use axum::http::StatusCode;

use super::request::{Admin, Reader};
use super::routes::{Routes, about};

const CONFLICT: &[StatusCode] = &[StatusCode::CONFLICT];

pub(super) fn routes(routes: &mut Routes) {
    routes.tag(
        "incidents",
        "Outages that are grouped: people see them, acknowledge them and get notified of them.",
    );
    routes.get::<Reader, _>(
        "/incidents",
        about("list_incidents", "List incidents").describe("Newest first."),
        incident::list,
    );
    routes.get::<Reader, _>(
        "/incidents/{id}",
        about("get_incident", "Get an incident"),
        incident::show,
    );
    routes.post::<Admin, _>(
        "/incidents/{id}/acknowledge",
        about("acknowledge_incident", "Acknowledge an incident")
            .describe(
                "Stops reminders and escalation. 409 if it is resolved or already acknowledged.",
            )
            .refuses(CONFLICT),
        incident::acknowledge,
    );
    note_routes(routes);
}

fn note_routes(routes: &mut Routes) {
    routes.get::<Reader, _>(
        "/incidents/{id}/notes",
        about("list_incident_notes", "List the notes of an incident").describe("Oldest first."),
        note::list,
    );
    routes.post::<Admin, _>(
        "/incidents/{id}/notes",
        about("add_incident_note", "Add a note to an incident")
            .describe("The incident may be open or resolved. Its message in Discord shows the last 3 notes. 409 if it has 100 notes already.")
            .refuses(CONFLICT),
        note::add,
    );
    routes.get::<Reader, _>("/notes/{id}", about("get_note", "Get a note"), note::show);
    routes.patch::<Admin, _>(
        "/notes/{id}",
        about("edit_note", "Change a note")
            .describe("Its author and its time stay; the audit log says who changed it."),
        note::edit,
    );
    routes.delete::<Admin, _>(
        "/notes/{id}",
        about("remove_note", "Delete a note"),
        note::remove,
    );
}

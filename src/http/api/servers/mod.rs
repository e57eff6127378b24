//! Servers: the reports of their agents, and what programs read and change.

mod limits;
mod server;
mod stats;

use axum::http::StatusCode;

use super::request::{Admin, OfServer, Reader, ReaderOf, ServerKey};
use super::routes::{Routes, about};

pub(super) fn routes(routes: &mut Routes) {
    routes.tag(
        "servers",
        "The agents of servers send reports. The time since the last one decides the status, by three thresholds; a limit on a reported number makes it worse while it is exceeded.",
    );
    routes.post::<ServerKey, _>(
        "/server-stats",
        about("report_server_stats", "Send a report of a server")
            .describe("The key stands in the header, or, for agents that cannot send headers, in `server_key`.")
            .refuses(&[StatusCode::NOT_FOUND]),
        stats::report,
    );
    routes.get::<Reader, _>(
        "/servers",
        about("list_servers", "List servers").describe("By name."),
        server::list,
    );
    routes.post::<Admin, _>(
        "/servers",
        about("add_server", "Add a server")
            .describe("Its key is shown only in this answer.")
            .refuses(&[StatusCode::CONFLICT]),
        server::add,
    );
    routes.get::<ReaderOf<OfServer>, _>(
        "/servers/{id}",
        about("get_server", "Get a server"),
        server::show,
    );
    routes.patch::<Admin, _>(
        "/servers/{id}",
        about("edit_server", "Change a server").refuses(&[StatusCode::CONFLICT]),
        server::edit,
    );
    routes.delete::<Admin, _>(
        "/servers/{id}",
        about("remove_server", "Remove a server").describe("Its keys become invalid."),
        server::remove,
    );
    routes.get::<ReaderOf<OfServer>, _>(
        "/servers/{id}/stats",
        about("get_server_stats", "Get every reported number as a series").describe(
            "Each number has its mean, minimum and maximum per step. A step so short that there would be more than 1,000 points is lengthened; `step_seconds` says to what.",
        ),
        stats::series,
    );
    routes.get::<ReaderOf<OfServer>, _>(
        "/servers/{id}/status",
        about("get_server_status", "Get the status of a server"),
        server::show,
    );
    limits::routes(routes);
}

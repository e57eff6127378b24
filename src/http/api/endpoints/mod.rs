//! Endpoints: the same actions as the `/endpoint` commands, for programs.

mod change;
mod endpoint;
mod service_discovery;
mod view;

use super::request::{Admin, Reader};
use super::routes::{CONFLICT, Routes, about};

pub(super) fn routes(routes: &mut Routes) {
    routes.tag("endpoints", "Ports and URLs that Rollcall checks.");
    routes.get::<Reader, _>(
        "/endpoints",
        about("list_endpoints", "List endpoints")
            .describe("Inactive ones first, the longest inactive first of them, then by name."),
        endpoint::list,
    );
    routes.post::<Admin, _>(
        "/endpoints",
        about("add_endpoint", "Add an endpoint").refuses(CONFLICT),
        endpoint::add,
    );
    routes.get::<Reader, _>(
        "/endpoints/{id}",
        about("get_endpoint", "Get an endpoint"),
        endpoint::show,
    );
    routes.patch::<Admin, _>(
        "/endpoints/{id}",
        about("edit_endpoint", "Change an endpoint").refuses(CONFLICT),
        endpoint::edit,
    );
    routes.delete::<Admin, _>(
        "/endpoints/{id}",
        about("remove_endpoint", "Remove an endpoint"),
        endpoint::remove,
    );
    routes.get::<Reader, _>(
        "/sd",
        about("discover_endpoints", "Discover the targets of endpoints")
            .describe("For `http_sd_configs` of Prometheus."),
        service_discovery::list,
    );
    routes.post::<Admin, _>(
        "/endpoints/{id}/recheck",
        about("recheck_endpoint", "Check an endpoint now")
            .describe("The answer has its new status.")
            .refuses(CONFLICT),
        endpoint::recheck,
    );
}

//! Who is notified, and where: alert settings, their overrides for single monitors, and webhooks.

mod alert_overrides;
mod alerts;
mod webhooks;

use super::request::{Admin, Reader};
use super::routes::{CONFLICT, NOT_FOUND_OR_CONFLICT, Routes, about};

pub(super) fn routes(routes: &mut Routes) {
    alert_routes(routes);
    webhook_routes(routes);
}

fn alert_routes(routes: &mut Routes) {
    routes.tag(
        "alerts",
        "Which notifications go to Discord, to which channel, and who is mentioned.",
    );
    routes.get::<Reader, _>(
        "/alerts",
        about("get_alerts", "Get the alert settings")
            .describe("404 if there is no alert channel yet.")
            .refuses(&[axum::http::StatusCode::NOT_FOUND]),
        alerts::show,
    );
    routes.put::<Admin, _>(
        "/alerts",
        about("set_alerts", "Replace all alert settings")
            .describe("Omitted settings get their defaults. The channel must belong to the Discord server of the key.")
            .refuses(NOT_FOUND_OR_CONFLICT),
        alerts::set,
    );
    routes.delete::<Admin, _>(
        "/alerts",
        about("remove_alerts", "Stop notifications in Discord")
            .describe("Webhooks go on.")
            .refuses(&[axum::http::StatusCode::NOT_FOUND]),
        alerts::remove,
    );
    routes.get::<Reader, _>(
        "/alerts/overrides",
        about(
            "list_alert_overrides",
            "List what is different for single monitors",
        )
        .describe("By the name of the monitor."),
        alert_overrides::list,
    );
    routes.get::<Reader, _>(
        "/alerts/overrides/{id}",
        about("get_alert_override", "Get what is different for a monitor"),
        alert_overrides::show,
    );
    routes.put::<Admin, _>(
        "/alerts/overrides/{id}",
        about("set_alert_override", "Set what is different for a monitor").refuses(CONFLICT),
        alert_overrides::set,
    );
    routes.delete::<Admin, _>(
        "/alerts/overrides/{id}",
        about(
            "remove_alert_override",
            "Let the alert settings apply to a monitor again",
        ),
        alert_overrides::remove,
    );
}

fn webhook_routes(routes: &mut Routes) {
    routes.tag(
        "webhooks",
        "Notifications to other programs. docs/webhooks.md describes the messages.",
    );
    routes.get::<Reader, _>(
        "/webhooks",
        about("list_webhooks", "List webhooks").describe("By name."),
        webhooks::list,
    );
    routes.post::<Admin, _>(
        "/webhooks",
        about("add_webhook", "Add a webhook")
            .describe("The key for its signatures is shown only in this answer.")
            .refuses(CONFLICT),
        webhooks::add,
    );
    routes.get::<Reader, _>(
        "/webhooks/{id}",
        about("get_webhook", "Get a webhook"),
        webhooks::show,
    );
    routes.patch::<Admin, _>(
        "/webhooks/{id}",
        about("edit_webhook", "Change a webhook")
            .describe("With a new URL it counts as working again.")
            .refuses(CONFLICT),
        webhooks::edit,
    );
    routes.delete::<Admin, _>(
        "/webhooks/{id}",
        about("remove_webhook", "Remove a webhook"),
        webhooks::remove,
    );
}

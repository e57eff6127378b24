//! Devices: what they send, and what programs read and change.

pub(super) mod device;
mod log;
mod send;
mod state;

use super::request::{Admin, OfDevice, OwnKey, Reader, ReaderOf, Registrar};
use super::routes::{CONFLICT, NOT_FOUND_OR_CONFLICT, Routes, about};

pub(super) fn routes(routes: &mut Routes) {
    routes.tag(
        "devices",
        "Devices send heartbeats. With a fleet or admin key, the first heartbeat of an unknown UUID adds the device.",
    );
    sending(routes);
    managing(routes);
}

/// What devices do.
fn sending(routes: &mut Routes) {
    routes.post::<Registrar, _>(
        "/device/register",
        about("register_device", "Register a device")
            .describe("Adds the device, or updates it if it exists. The key of a new device is shown only in this answer. A new device with the name of another device is refused; a known device then keeps its name.")
            .refuses(CONFLICT),
        send::register,
    );
    routes.post::<OwnKey, _>(
        "/device/{uuid}/heartbeat",
        about("send_heartbeat", "Send a heartbeat")
            .describe("The body is ignored.")
            .refuses(CONFLICT),
        send::heartbeat,
    );
    routes.post::<OwnKey, _>(
        "/device/{uuid}/logs",
        about("append_device_logs", "Append lines to the log of a device")
            .describe("The body is a list of lines, or one JSON value per line (`application/x-ndjson`). The last 1,000 lines are kept.")
            .refuses(CONFLICT),
        log::append,
    );
    routes.get::<OwnKey, _>(
        "/device/{uuid}/state",
        about("get_target_state", "Get the target state of a device")
            .describe("Counts as a heartbeat, also with a 304. Send the `ETag` as `If-None-Match`.")
            .refuses(CONFLICT),
        state::target,
    );
    routes.patch::<OwnKey, _>(
        "/device/{uuid}/state",
        about("report_state", "Update the current state of a device").refuses(CONFLICT),
        state::report,
    );
    routes.patch::<OwnKey, _>(
        "/device/state",
        about(
            "report_own_state",
            "Update the current state of the device that the body or the key identifies",
        )
        .describe("`uuid` identifies the device. It is optional with the device's own key.")
        .refuses(NOT_FOUND_OR_CONFLICT),
        state::report_own,
    );
}

/// What programs do.
fn managing(routes: &mut Routes) {
    routes.get::<Reader, _>(
        "/devices",
        about("list_devices", "List devices").describe("By name."),
        device::list,
    );
    routes.post::<Admin, _>(
        "/devices",
        about("add_device", "Add a device before its first heartbeat")
            .describe("Its key is shown only in this answer.")
            .refuses(CONFLICT),
        device::add,
    );
    routes.get::<ReaderOf<OfDevice>, _>(
        "/devices/{uuid}",
        about("get_device", "Get a device with its states")
            .describe("With the device's own key, this counts as a heartbeat."),
        device::show,
    );
    routes.patch::<Admin, _>(
        "/devices/{uuid}",
        about("edit_device", "Change a device").refuses(CONFLICT),
        device::edit,
    );
    routes.delete::<Admin, _>(
        "/devices/{uuid}",
        about("remove_device", "Remove a device").describe("Its keys become invalid."),
        device::remove,
    );
    routes.get::<ReaderOf<OfDevice>, _>(
        "/devices/{uuid}/logs",
        about("list_device_logs", "List the log of a device, oldest first")
            .describe("Pings are included. With the device's own key, this counts as a heartbeat."),
        log::list,
    );
}

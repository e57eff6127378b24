//! Devices: `/device` and `/devices`, and the cards of devices.

pub(in crate::discord) mod device_card;
pub(in crate::discord) mod device_command;
pub(in crate::discord) mod devices_command;
mod texts;

//! Alert settings, destinations and deliveries.

pub mod alert_override;
pub mod alert_settings;
pub mod board;
pub mod delivery;
pub mod destination;
pub mod queue;
pub mod webhook;

#![doc = include_str!("../README.md")]

mod clock;
mod intent;
mod observer;
mod presence;
mod reconnect;
mod registration;
mod relay;
pub mod rest;

pub use intent::PrivilegedIntent;
pub use observer::{JoinedGuild, Membership, NoObserver, Observer, Stage};
pub use presence::{OnlineStatus, Presence, PresenceUpdate};
pub use reconnect::StartLimit;
pub use registration::{CommandIds, GuildRecord, Registration};
pub use relay::{
    Final, GatewayState, RelayConfig, StartError, reconnect_reasons, start, watch_detached,
};

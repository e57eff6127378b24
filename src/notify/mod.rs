//! What the outside is told: people, through a messenger, and their webhooks; the service manager that started us; and a dead-man's switch that
//! raises the alarm when we fall silent.

pub mod backoff;
pub mod dead_man;
pub mod messenger;
pub mod service_manager;
pub mod webhook;
pub mod wording;

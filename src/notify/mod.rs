//! What machines outside are told: the service manager that started us, and a dead-man's switch that raises the alarm when
//! we fall silent.

pub mod dead_man;
pub mod service_manager;

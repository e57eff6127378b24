//! Incidents: the message of an incident, what its buttons do, `/ack`, and `/incidents`.

pub(in crate::discord) mod ack_command;
pub(in crate::discord) mod handlers;
pub(in crate::discord) mod incident_card;
mod incident_option;
mod incidents_card;
pub(in crate::discord) mod incidents_command;
mod texts;

#[cfg(test)]
mod card_tests;

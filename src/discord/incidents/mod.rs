//! Incidents: the message of an incident, what its buttons do, and `/ack`.

pub(in crate::discord) mod ack_command;
pub(in crate::discord) mod handlers;
pub(in crate::discord) mod incident_card;
mod texts;

#[cfg(test)]
mod card_tests;

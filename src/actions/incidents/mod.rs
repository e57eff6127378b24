//! Incidents: which one an outage joins, responses to them, their notes, their probable cause, and the end of flapping.

mod alert_events;
pub mod alerts;
pub mod diagnose;
pub mod manage_note;
pub mod notify;
pub mod outage_picture;
mod reminders;
pub mod replace_alerts;
pub mod respond;
pub mod settle_flapping;

/// The refusal for incidents that the requester's guild does not have.
fn not_found() -> super::Error {
    super::Error::NotFound("this incident does not exist".into())
}

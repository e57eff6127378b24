//! Incidents: their messages, reminders and escalation.

mod escalation;
mod messages;

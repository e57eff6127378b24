//! Incidents: their messages, reminders and escalation.

mod ends_of_outages;
mod escalation;
mod joining;
mod messages;

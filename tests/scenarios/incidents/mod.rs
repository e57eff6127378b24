//! Incidents: their messages, reminders and escalation, and what programs do with them.

mod ends_of_outages;
mod escalation;
mod joining;
mod messages;
mod over_http;

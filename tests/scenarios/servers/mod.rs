//! Servers: added in Discord, the agent that reports for one, and servers without reports.

mod not_set_up;
mod server_add;
mod server_agent;

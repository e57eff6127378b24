//! Servers: the agent that reports for one, and servers without reports.

mod not_set_up;
mod server_agent;

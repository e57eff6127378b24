//! Servers: the agent that reports for one.

mod server_agent;

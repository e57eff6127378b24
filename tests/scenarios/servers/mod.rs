//! Servers: added in Discord, the agent that reports for one, and servers without reports.

mod agent_script;
mod not_set_up;
mod server_add;
pub mod server_agent;
mod server_limits;

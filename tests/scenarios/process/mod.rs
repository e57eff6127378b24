//! The process: start and stop, crashes, one-shot commands, and what a running bot reports about itself.

mod backups;
mod command_line;
mod connection_limits;
mod documentation;
mod lookup_limits;
mod management;
mod metrics_port;
mod observability;
mod private_files;
mod prometheus;
mod prometheus_probe;
mod readiness;
mod setup_instructions;
mod soak;
mod start_and_stop;

//! Parses the command line, runs, sets the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    rollcall::main()
}

//! The lines that replies show for people to copy, run as they stand.

use std::os::unix::fs::PermissionsExt as _;

use discord_sandbox::Reply;

use crate::harness::{CommandOutput, Rollcall};

/// The lines in the code blocks of a reply.
pub fn lines_of(reply: &Reply) -> Vec<String> {
    let text = reply.text();
    let blocks = text.split("```").skip(1).step_by(2);
    blocks.map(|block| block.trim().to_owned()).collect()
}

/// Runs a line with `sh` in the bot's folder, with a line of input. `None` without curl, which the lines need.
pub fn run_line(rollcall: &Rollcall, line: &str, input: &str) -> Option<CommandOutput> {
    let bin = rollcall.path("bin").display().to_string();
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
    let home = rollcall.path("").display().to_string();
    let variables = [
        ("PATH", path.as_str()),
        ("HOME", home.as_str()),
        ("LINE", line),
        ("INPUT", input),
    ];
    let has_curl = rollcall.execute_other("sh", &["-c", "command -v curl"], &variables);
    if has_curl.code != 0 {
        eprintln!("curl is not installed, so the line is not run: {line}");
        return None;
    }
    let script = r#"printf '%s\n' "$INPUT" | sh -c "$LINE""#;
    let output = rollcall.execute_other("sh", &["-c", script], &variables);
    assert_eq!(
        (output.code, output.err.as_str()),
        (0, ""),
        "{line}: {output:?}"
    );
    Some(output)
}

/// The command that cron runs for a line of a crontab: a `%` ends it, unless a backslash stands before it.
pub fn cron_command(line: &str) -> String {
    let fields: Vec<&str> = line.splitn(6, ' ').collect();
    assert!(!fields[5].replace("\\%", "").contains('%'), "{line}");
    fields[5].replace("\\%", "%")
}

/// Puts the program `rollcall` where the lines find it.
pub fn install_rollcall(rollcall: &Rollcall) {
    let folder = rollcall.path("bin");
    std::fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rollcall"), folder.join("rollcall")).unwrap();
}

/// Makes the program that the lines call in place of a job.
pub fn set_job(rollcall: &Rollcall, script: &str) {
    let folder = rollcall.path("bin");
    std::fs::create_dir_all(&folder).unwrap();
    let job = folder.join("your-job");
    std::fs::write(&job, script).unwrap();
    std::fs::set_permissions(&job, std::fs::Permissions::from_mode(0o755)).unwrap();
}

//! The lines that people copy into a shell or a crontab to send reports. The key stands in a file, because other users of the
//! machine can read command lines. They have no `%`, which cron reads as the end of a line.

use crate::devices::public_url::PublicUrl;

/// The file with the key. cron sets `HOME`, too.
const KEY_FILE: &str = "$HOME/rollcall.header";

/// The line that asks for the key and saves it to a file that only its owner can read, as a header for curl.
pub fn key_file_line() -> String {
    format!("(umask 077; read -r key && echo \"Authorization: Bearer $key\" > \"{KEY_FILE}\")")
}

/// The line that sends a report with the load of a Linux machine. It needs curl 7.55 or newer.
pub fn report_line(address: &PublicUrl) -> String {
    format!(
        "curl -fsS -m 10 --retry 5 -o /dev/null -H \"@{KEY_FILE}\" -d \"{{\\\"load\\\": [$(cut -d' ' -f1-3 /proc/loadavg | tr ' ' ,)]}}\" {address}/api/v1/server-stats"
    )
}

/// The line that runs the agent, on a machine with the program `rollcall`.
pub fn agent_line(address: &PublicUrl) -> String {
    format!("rollcall agent --url {address} --key-file \"{KEY_FILE}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_server() {
        let address = PublicUrl::parse("https://example.org/rollcall").unwrap();
        assert_eq!(
            key_file_line(),
            r#"(umask 077; read -r key && echo "Authorization: Bearer $key" > "$HOME/rollcall.header")"#
        );
        let report = report_line(&address);
        assert_eq!(
            report,
            r#"curl -fsS -m 10 --retry 5 -o /dev/null -H "@$HOME/rollcall.header" -d "{\"load\": [$(cut -d' ' -f1-3 /proc/loadavg | tr ' ' ,)]}" https://example.org/rollcall/api/v1/server-stats"#
        );
        assert!(!report.contains('%'), "cron reads it as the end of a line");
        assert_eq!(
            agent_line(&address),
            r#"rollcall agent --url https://example.org/rollcall --key-file "$HOME/rollcall.header""#
        );
    }
}

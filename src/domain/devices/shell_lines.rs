//! The lines that people copy into a shell or a crontab to send pings. They have no `%`, which cron reads as the end of a
//! line, except as `\%`, which cron and the shell read as `%`.

/// The name in place of the job.
const JOB: &str = "your-job";

/// The maximum output of a job that a ping contains, in bytes: as much as Rollcall keeps.
const OUTPUT_BYTES: usize = 10_000;

/// How to send one ping: it retries, and prints nothing if it succeeds.
const CURL: &str = "curl -fsS -m 10 --retry 5 -o /dev/null";

/// The line that sends a heartbeat.
pub fn heartbeat_line(ping_url: &str) -> String {
    format!("{CURL} \"{ping_url}\"")
}

/// The line that runs a job and reports its exit status with the end of its output.
pub fn job_line(ping_url: &str) -> String {
    format!(
        "output=$({JOB} 2>&1); code=$?; printf \\%s \"$output\" | tail -c {OUTPUT_BYTES} | {CURL} --data-binary @- \"{ping_url}/$code\""
    )
}

/// The line that does the same and more, on a machine with the program `rollcall`.
pub fn reported_job_line(ping_url: &str) -> String {
    format!("rollcall ping \"{ping_url}\" -- {JOB}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://example.org/ping/07070707-0707-4707-8707-070707070707";

    #[test]
    fn lines_of_a_device() {
        assert_eq!(
            heartbeat_line(URL),
            r#"curl -fsS -m 10 --retry 5 -o /dev/null "https://example.org/ping/07070707-0707-4707-8707-070707070707""#
        );
        assert_eq!(
            job_line(URL),
            r#"output=$(your-job 2>&1); code=$?; printf \%s "$output" | tail -c 10000 | curl -fsS -m 10 --retry 5 -o /dev/null --data-binary @- "https://example.org/ping/07070707-0707-4707-8707-070707070707/$code""#
        );
    }

    #[test]
    fn the_line_for_the_program_has_the_job_behind_two_hyphens() {
        assert_eq!(
            reported_job_line(URL),
            r#"rollcall ping "https://example.org/ping/07070707-0707-4707-8707-070707070707" -- your-job"#
        );
    }

    #[test]
    fn cron_does_not_cut_the_lines() {
        for line in [heartbeat_line(URL), job_line(URL), reported_job_line(URL)] {
            assert!(!line.replace("\\%", "").contains('%'), "{line}");
            // The shortest limit of a cron for one command.
            assert!(line.len() + crate::devices::public_url::MAX_PUBLIC_URL_BYTES < 998);
        }
    }
}

//! Mistakes in the settings: the environment, `.env`, and the file of the token.

use super::{Row, page, row};

/// A command that reads the settings and the empty database.
const LIST: &str = "endpoint list";

pub(super) fn rows() -> Vec<Row> {
    [names(), values(), empty_values(), tokens(), dot_env()]
        .into_iter()
        .flatten()
        .collect()
}

/// Names that are no settings, and old ones.
fn names() -> Vec<Row> {
    vec![
        row(LIST).set("DISCORD_TOKN", "canary"),
        row(LIST).set("PROBE_INTERVALL", "60s"),
        row(LIST).set("HTTP_BIN", "127.0.0.1:8080"),
        row(LIST).set("discord_token", "canary"),
        row(LIST).set("PROBE_USER_AGENT", "x"),
        row(LIST).set("ROLLCALL_TOKEN", "canary"),
        row(LIST).set("PROBE_WITNESSES", "1.1.1.1:443"),
        row(LIST)
            .set("RETENTION_OUTCOMES", "2d")
            .set("RETENTION_CHECK_RESULTS", "3d"),
        row(LIST)
            .set("HOME", "/root")
            .set("DISCORD_WEBHOOK", "https://example.org/canary")
            .set("LOGLEVEL", "debug"),
    ]
}

fn values() -> Vec<Row> {
    vec![
        row(LIST).set("PROBE_INTERVAL", "soon"),
        row(LIST).set("PROBE_INTERVAL", "-5"),
        row(LIST).set("PROBE_INTERVAL", "0"),
        row(LIST).set("PROBE_TIMEOUT", "1h"),
        row(LIST).set("PROBE_CONCURRENCY", "many"),
        row(LIST)
            .set("PROBE_INTERVAL", "5s")
            .set("PROBE_MIN_INTERVAL", "10s"),
        row(LIST).set("PROBE_ALLOW", "everything"),
        row(LIST).set("PROBE_ALLOW", "everything,lan,10.0.0.1/8"),
        row(LIST).set("DATABASE_URL", "data/rollcall.db"),
        row(LIST).set("DATABASE_URL", "postgres://user:canary@localhost/rollcall"),
        row(LIST).set("PROBE_RESOLVER", "dns.google"),
        row(LIST).set("CONNECTIVITY_HOSTS", "the router"),
        row(LIST).set("CONNECTIVITY_NAMES", "https://example.org"),
        row(LIST).set("HTTP_BIND", "8080"),
        row(LIST).set("HTTP_BIND", "localhost"),
        row(LIST).set("HTTP_BIND", "example.org:8080"),
        row(LIST).set("HTTP_BIND", ":99999"),
        row(LIST).set("HTTP_BIND", "localhost:8080"),
        row(LIST).set("HTTP_BIND", ":8080"),
        row(LIST).set("TRUSTED_PROXIES", "10.0.0.1/8"),
        row(LIST).set("DISCORD_GUILD_ID", "my server"),
        row(LIST).set("DISCORD_GUILD_ID", "0"),
        row(LIST).set("DISCORD_API_URL", "https://discord.com/api/v10"),
        row(LIST).set("DISCORD_PRIVILEGED_INTENTS", "all"),
        row(LIST).set("DISCORD_PRESENCE", "{foo} online"),
        row(LIST).set("DISCORD_PRESENCE", "{online of {total}"),
        row(LIST).set("HEARTBEAT_ENABLED", "yes"),
        row(LIST).set("WARNING_THRESHOLD_MINUTES", "1"),
        row(LIST).set("HEALTHCHECK_PING_URL", "canary"),
        row(LIST).set("DATABASE_MAX_BYTES", "1GiB"),
        row(LIST).set("LOG_LEVEL", "loud"),
        row(LIST).set("LOG_FORMAT", "xml"),
        row(LIST)
            .set("PROBE_INTERVAL", "soon")
            .set("LOG_LEVEL", "loud")
            .set("DISCORD_TOKN", "canary"),
    ]
}

fn empty_values() -> Vec<Row> {
    vec![
        row(LIST).set("PROBE_INTERVAL", ""),
        row(LIST).set("DISCORD_PRESENCE", " "),
        row(LIST)
            .set("DISCORD_TOKEN", "")
            .set("DISCORD_GUILD_ID", "")
            .set("PROBE_ALLOW", ""),
    ]
}

fn tokens() -> Vec<Row> {
    vec![
        row(LIST).set("DISCORD_TOKEN", "canary"),
        row(LIST).set("DISCORD_TOKEN", "canary.\ncanary.canary"),
        row(LIST).set("DISCORD_TOKEN", "Bot canary.canary.canary"),
        row(LIST).set("DISCORD_TOKEN", "'canary.canary.canary'"),
        row(LIST).set("DISCORD_TOKEN", "canary canary"),
        row(LIST).set("DISCORD_TOKEN", "123456789012345678"),
        row(LIST).set("DISCORD_TOKEN", "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6"),
        row(LIST)
            .set("DISCORD_TOKEN", "canary.canary.canary")
            .set("DISCORD_TOKEN_FILE", "token"),
        row(LIST).set("DISCORD_TOKEN_FILE", "missing"),
        row(LIST).set("DISCORD_TOKEN_FILE", "."),
        row(LIST)
            .set("DISCORD_TOKEN_FILE", "token")
            .file("token", ""),
        row(LIST)
            .set("DISCORD_TOKEN_FILE", "token")
            .file("token", "canary.canary.canary\nsecond\n"),
        row(LIST)
            .set("DISCORD_TOKEN_FILE", "token")
            .file("token", "\n".repeat(4097)),
        row(LIST)
            .set("DISCORD_TOKEN_FILE", "token")
            .file("token", "canary.canary.canary\n")
            .mode(0o644),
        row(LIST)
            .set("DISCORD_TOKEN_FILE", "token")
            .file("token", "canary.canary.canary\n"),
    ]
}

fn dot_env() -> Vec<Row> {
    vec![
        // Every mistake at once.
        row(LIST).set("LOG_LEVEL", "loud").file(
            ".env",
            "PROBE_ALLOW=lan, loopback\ncanary\nPROBE_INTERVAL=soon\n",
        ),
        row(LIST).file(
            ".env",
            "# comment\n\nDISCORD_PRESENCE={online} of {total}\n",
        ),
        row(LIST).file(".env", "LOG_LEVEL=info\ncanary\n"),
        row(LIST).file(".env", "DISCORD_TOKEN: canary\n"),
        row(LIST).file(".env", "DISCORD_PRESENCE=\"{online}\nLOG_LEVEL=info\n"),
        row(LIST).file(
            ".env",
            "PROBE_INTERVAL=10s\nMY_OWN=1\nDISCORD_TOKN=canary\n",
        ),
        row(LIST).file(".env", "LOG_LEVEL=info\nLOG_LEVEL=debug\n"),
        row(LIST).file(".env", "PROBE_INTERVAL=soon\n"),
        row(LIST)
            .file(".env", "DISCORD_TOKEN=canary.canary.canary\n")
            .mode(0o644),
        row(LIST).file(".env", "PROBE_INTERVAL=10s\n").mode(0o644),
        row(LIST).file(".env", [0xff, 0xfe]),
        row(LIST).file(".env", "#\n".repeat(131_073)),
    ]
}

#[test]
fn mistakes_in_settings() {
    let page = page(&rows());
    let answers = page.lines().filter(|line| line.starts_with("     !"));
    for answer in answers {
        assert!(!answer.contains("canary"), "{answer}");
    }
    insta::assert_snapshot!("settings", page);
}

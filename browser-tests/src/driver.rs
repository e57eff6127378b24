//! chromedriver as its own process, and its protocol: JSON over HTTP (<https://www.w3.org/TR/webdriver2/>).

use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// The limit of one request. Longer than any wait in the page, so that a wait reports its own sentence.
const REQUEST_LIMIT: Duration = Duration::from_secs(300);

/// The largest answer, in bytes. A picture of a window has some megabytes.
const LARGEST_ANSWER: u64 = 64 << 20;

/// What chromedriver prints when it listens, before its port.
const STARTED: &str = "started successfully on port ";

const INSTALL: &str = "On Debian, `apt-get install chromium chromium-driver` installs both.";

/// Why a browser cannot be used, as a sentence.
#[derive(Debug)]
pub struct DriverError(String);

impl DriverError {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for DriverError {}

/// A chromedriver on a port that it chose, with one session. Ends the browser and itself when dropped.
pub(crate) struct Driver {
    process: Child,
    /// Read to the end only when dropped: a closed pipe would end chromedriver.
    _output: BufReader<ChildStdout>,
    agent: ureq::Agent,
    address: String,
    session: Option<String>,
}

impl Driver {
    /// Starts `program`, which is `chromedriver` but in a test. What it and the browser write is in `folder`.
    pub(crate) fn start(program: &str, folder: &Path) -> Result<Self, DriverError> {
        let mut process = Command::new(program)
            .arg("--port=0")
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                DriverError(format!("{program} cannot be started: {error}. {INSTALL}"))
            })?;
        let Some(output) = process.stdout.take() else {
            unreachable!("the output is piped");
        };
        let mut output = BufReader::new(output);
        let port = port_in(&mut output);
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(REQUEST_LIMIT))
            .http_status_as_error(false)
            // A proxy of the environment does not know this machine's ports.
            .proxy(None)
            .build()
            .new_agent();
        let mut driver = Self {
            process,
            _output: output,
            agent,
            address: String::new(),
            session: None,
        };
        let port = port.ok_or_else(|| DriverError(format!("{program} printed no port")))?;
        driver.address = format!("http://127.0.0.1:{port}");
        Ok(driver)
    }

    /// Starts the browser with these capabilities.
    pub(crate) fn open(&mut self, capabilities: &Value) -> Result<(), DriverError> {
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let opened = self.send("POST", "/session", &body).map_err(|error| {
            DriverError(format!(
                "chromedriver cannot start Chromium: {error} {INSTALL}"
            ))
        })?;
        self.session = opened["sessionId"].as_str().map(str::to_owned);
        Ok(())
    }

    /// Sends a command of the session, as in `POST /session/<id>/url`, and returns its value.
    pub(crate) fn post(&self, command: &str, body: &Value) -> Result<Value, DriverError> {
        let session = self.session.as_deref().unwrap_or_default();
        self.send("POST", &format!("/session/{session}/{command}"), body)
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value, DriverError> {
        let url = format!("{}{path}", self.address);
        let answer = match method {
            "POST" => {
                let request = self.agent.post(url).content_type("application/json");
                request.send(body.to_string())
            }
            _ => self.agent.delete(url).call(),
        };
        let read = |mut answer: ureq::http::Response<ureq::Body>| {
            let body = answer.body_mut().with_config();
            body.limit(LARGEST_ANSWER).read_to_string()
        };
        let text = answer
            .and_then(read)
            .map_err(|error| DriverError(format!("chromedriver does not respond: {error}")))?;
        let mut answer: Value = serde_json::from_str(&text)
            .map_err(|error| DriverError(format!("chromedriver answers without JSON: {error}")))?;
        let value = answer["value"].take();
        match (value["error"].as_str(), value["message"].as_str()) {
            (Some(error), Some(message)) => {
                // The rest is a list of addresses in chromedriver.
                let first = message.lines().next().unwrap_or_default();
                Err(DriverError(format!("{error}: {first}")))
            }
            _ => Ok(value),
        }
    }
}

/// The port that chromedriver listens on; nothing if it ends before that.
fn port_in(output: &mut impl BufRead) -> Option<u16> {
    output.lines().map_while(Result::ok).find_map(|line| {
        let port = line.split_once(STARTED)?.1.trim_end_matches('.').parse();
        port.ok()
    })
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Closes the browser. If that fails, chromedriver is gone, and the browser with it.
        if let Some(session) = self.session.take() {
            let _ = self.send("DELETE", &format!("/session/{session}"), &Value::Null);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Driver, port_in};

    #[test]
    fn the_port_is_in_the_line_that_chromedriver_prints() {
        let mut output = &b"Starting ChromeDriver 156 on port 0\nOnly local connections are allowed.\nChromeDriver was started successfully on port 43661.\nmore\n"[..];
        assert_eq!(port_in(&mut output), Some(43_661));
        assert_eq!(port_in(&mut &b"Starting ChromeDriver 156\n"[..]), None);
    }

    #[test]
    fn a_missing_chromedriver_is_a_sentence_that_names_the_packages() {
        let Err(error) = Driver::start("no-such-chromedriver", Path::new("/")) else {
            panic!("it was started");
        };
        let sentence = error.to_string();
        assert!(
            sentence.starts_with("no-such-chromedriver cannot be started: "),
            "{sentence}"
        );
        assert!(
            sentence.ends_with("`apt-get install chromium chromium-driver` installs both."),
            "{sentence}"
        );
    }

    #[test]
    fn a_program_that_is_no_chromedriver_is_reported() {
        let error = Driver::start("true", Path::new("/"))
            .err()
            .map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("true printed no port"));
    }
}

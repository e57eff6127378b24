//! One window of a headless Chromium: what a person can do there, and what a test may ask the page.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::driver::{Driver, DriverError};

/// The limit of a wait for the page, in milliseconds. The bot declares an endpoint offline in two seconds.
const WAIT_LIMIT: u64 = 30_000;

/// The name of an element's reference in the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long processes of a closed browser may still write into its folder.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// The size of a window in CSS pixels, its pixels per CSS pixel, and the color scheme that the system prefers.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub width: u32,
    pub height: u32,
    pub scale: u32,
    pub is_dark: bool,
}

impl Window {
    /// A window on a computer.
    pub const WIDE: Self = Self {
        width: 1280,
        height: 800,
        scale: 1,
        is_dark: true,
    };

    /// A telephone.
    pub const NARROW: Self = Self {
        width: 390,
        height: 844,
        scale: 1,
        is_dark: true,
    };
}

/// A browser with a profile of its own. Both are gone when it is dropped.
pub struct Browser {
    driver: Option<Driver>,
    folder: PathBuf,
}

impl Browser {
    /// Opens a window.
    ///
    /// # Errors
    /// If Chromium or chromedriver is missing or does not start.
    pub fn open(window: Window) -> Result<Self, DriverError> {
        let folder = tempfile::Builder::new().prefix("browser-tests-").tempdir();
        let folder = folder
            .map_err(|error| DriverError::new(format!("no folder for a profile: {error}")))?
            .keep();
        let mut browser = Self {
            driver: None,
            folder,
        };
        let driver = browser
            .driver
            .insert(Driver::start("chromedriver", &browser.folder)?);
        driver.open(&capabilities(&browser.folder))?;
        browser.resize(window)?;
        Ok(browser)
    }

    /// The folder with its profile.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Changes the size and the color scheme of the window.
    ///
    /// # Errors
    /// If the browser is gone.
    pub fn resize(&self, window: Window) -> Result<(), DriverError> {
        let metrics = json!({
            "width": window.width, "height": window.height, "deviceScaleFactor": window.scale, "mobile": false,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)?;
        let scheme = if window.is_dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme }, { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        )?;
        self.devtools(
            "Emulation.setTimezoneOverride",
            json!({ "timezoneId": "UTC" }),
        )?;
        Ok(())
    }

    /// Changes the limit of a wait.
    ///
    /// # Errors
    /// If the browser is gone.
    pub fn set_patience(&self, limit: Duration) -> Result<(), DriverError> {
        let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        self.post("timeouts", &json!({ "script": limit }))?;
        Ok(())
    }

    pub fn go(&self, url: &str) {
        self.must("url", &json!({ "url": url }));
    }

    /// Runs a script in the page: a function body that may use `args`.
    pub fn run(&self, body: &str, args: &Value) -> Value {
        let script = format!("const args = arguments[0]; {body}");
        self.must("execute/sync", &json!({ "script": script, "args": [args] }))
    }

    /// Waits until a script returns something else than nothing, `false` or an empty text, and returns that.
    ///
    /// # Panics
    /// After 30 seconds (default), with the text of the page.
    pub fn wait(&self, what: &str, body: &str, args: &Value) -> Value {
        let script = format!(
            "const [args, done] = arguments;
            const find = () => {{ {body} }};
            const again = () => {{ const found = find(); found ? done(found) : setTimeout(again, 20); }};
            again();"
        );
        let sent = self.post(
            "execute/async",
            &json!({ "script": script, "args": [args] }),
        );
        sent.unwrap_or_else(|error| {
            let text = self.run("return document.body.innerText;", &Value::Null);
            let text = text.as_str().unwrap_or_default();
            panic!("{what}: {error}. The page has:\n{text}")
        })
    }

    /// Waits for an element that a script returns.
    pub fn element(&self, what: &str, body: &str, args: &Value) -> Element<'_> {
        let found = self.wait(what, body, args);
        let id = found[ELEMENT].as_str();
        Element {
            browser: self,
            id: id
                .unwrap_or_else(|| panic!("{what}: {found} is no element"))
                .to_owned(),
        }
    }

    /// Presses keys, one after the other, where the focus is.
    pub fn press_keys(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            let key = key.to_string();
            [
                json!({ "type": "keyDown", "value": key }),
                json!({ "type": "keyUp", "value": key }),
            ]
        });
        let strokes: Vec<Value> = strokes.collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.must("actions", &json!({ "actions": [keyboard] }));
    }

    /// What the window shows, as PNG.
    ///
    /// # Errors
    /// If the browser is gone.
    pub fn picture(&self) -> Result<Vec<u8>, DriverError> {
        let taken = self.devtools("Page.captureScreenshot", json!({ "format": "png" }))?;
        let text = taken["data"].as_str().unwrap_or_default();
        let decoded = STANDARD.decode(text);
        decoded.map_err(|error| DriverError::new(format!("the picture cannot be read: {error}")))
    }

    /// The errors in the console since this was asked last, such as exceptions and refused requests.
    pub fn console_errors(&self) -> Vec<String> {
        let log = self.must("se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().map_or(&[][..], Vec::as_slice);
        let severe = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        severe
            .filter_map(|entry| entry["message"].as_str().map(str::to_owned))
            .collect()
    }

    fn devtools(&self, command: &str, parameters: Value) -> Result<Value, DriverError> {
        self.post(
            "goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        )
    }

    fn post(&self, command: &str, body: &Value) -> Result<Value, DriverError> {
        let driver = self.driver.as_ref();
        let driver = driver.ok_or_else(|| DriverError::new("the browser is closed"))?;
        driver.post(command, body)
    }

    fn must(&self, command: &str, body: &Value) -> Value {
        let answer = self.post(command, body);
        answer.unwrap_or_else(|error| panic!("{command} {body}: {error}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.driver = None;
        let started = Instant::now();
        // Fails while a process of the browser still writes there.
        while fs::remove_dir_all(&self.folder).is_err() && self.folder.exists() {
            if started.elapsed() > LAST_WRITES {
                eprintln!("{} cannot be removed", self.folder.display());
                return;
            }
            std::thread::yield_now();
        }
    }
}

/// An element of the page.
pub struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

impl Element<'_> {
    /// Scrolls to it and clicks in its middle. Fails if something covers it, as for a person.
    pub(crate) fn click(&self) -> Result<(), DriverError> {
        let command = format!("element/{}/click", self.id);
        self.browser.post(&command, &json!({}))?;
        Ok(())
    }

    /// Types into it; for a file field, chooses the file with this path.
    pub fn enter(&self, text: &str) {
        let command = format!("element/{}/value", self.id);
        self.browser.must(&command, &json!({ "text": text }));
    }
}

/// How the browser is started, with everything that it writes in one folder.
fn capabilities(folder: &Path) -> Value {
    let profile = folder.join("profile");
    let mut arguments = vec![
        "--headless=new".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        "--no-first-run".to_owned(),
        "--no-proxy-server".to_owned(),
        "--disable-gpu".to_owned(),
        // Containers often have 64 MiB there, which is too little.
        "--disable-dev-shm-usage".to_owned(),
        "--hide-scrollbars".to_owned(),
        // Letters without colored edges are the same on every machine.
        "--disable-lcd-text".to_owned(),
        "--lang=en-US".to_owned(),
    ];
    if is_root() {
        // Chromium's sandbox refuses root, as in a container.
        arguments.push("--no-sandbox".to_owned());
    }
    json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
        "timeouts": { "script": WAIT_LIMIT },
    })
}

/// On systems without `/proc`, nobody runs browsers as root.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

//! Takes the pictures of README.md: the real bot, real failures, and the page of the sandbox in Chromium.
//!
//! Usage: `screenshots FOLDER`. `contrib/screenshots` calls it.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use browser_tests::{ENTER, Machine, Message, Page, Story, Window, picture};
use serde_json::json;

/// The largest file, in bytes. The front page has several.
const LARGEST: usize = 150_000;

/// Rollcall waits longer and longer between the checks of an endpoint that is offline.
const PATIENCE: Duration = Duration::from_secs(120);

/// A loopback address that reads as another machine.
const MACHINE: [u8; 4] = [127, 0, 20, 7];

/// What runs on the machine: the name and the port of each endpoint, and whether it is a web server to the bot.
const SERVICES: [(&str, u16, bool); 12] = [
    ("store", 8080, true),
    ("checkout", 8081, true),
    ("search", 7700, true),
    ("images", 9000, true),
    ("mail", 2525, false),
    ("postgres", 5432, false),
    ("redis", 6379, false),
    ("grafana", 3000, true),
    ("wiki", 8085, true),
    ("git", 3001, true),
    ("minecraft", 25565, false),
    ("forum", 8090, true),
];

/// Twice the pixels, for screens that have them. As wide as the front page shows it, without the list of members.
const WINDOW: Window = Window {
    width: 960,
    height: 800,
    scale: 2,
    is_dark: true,
};

/// Half as wide on the front page, so only the messages.
const HALF: Window = Window {
    width: 600,
    ..WINDOW
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("usage: screenshots FOLDER")?;
    let addresses = SERVICES.map(|(_, port, _)| SocketAddr::from((MACHINE, port)));
    let mut machine = Machine::start(&addresses)
        .map_err(|error| format!("the endpoints cannot be started: {error}"))?;
    let page = Page::open(Story::Skipped, WINDOW)?;
    page.browser.set_patience(PATIENCE)?;
    let studio = Studio { page, folder };
    studio.import()?;
    machine.hangs()?;
    studio.incident()?;
    machine.recovers()?;
    studio.recovery()?;
    studio.command()?;
    Ok(())
}

struct Studio {
    page: Page,
    folder: PathBuf,
}

impl Studio {
    /// Adds the endpoints from a file and waits until the board shows all of them online.
    fn import(&self) -> Result<(), Box<dyn Error>> {
        let page = &self.page;
        let mut list = String::new();
        for (name, port, is_web) in SERVICES {
            let address = SocketAddr::from((MACHINE, port));
            match is_web {
                true => writeln!(list, "http://{address}/ {name}")?,
                false => writeln!(list, "{address} {name}")?,
            }
        }
        let file = page.browser.folder().join("endpoints.txt");
        fs::write(&file, list)?;
        page.types("/endpoint import ");
        let path = file.display().to_string();
        page.find("#chips input[type=file]", "").enter(&path);
        page.click("#say", "");
        page.browser.press_keys(ENTER);
        page.hides("#typed");
        page.sends("/board create channel:#status");
        page.go_to_channel("status");
        page.message("25 of 25 monitors online");
        // The list of members; its button hides it in a window of this width.
        page.click("#open-people", "");
        page.go_to_channel("alerts");
        // A message that follows an answer has the name of its author above it.
        for member in ["sam", "ada"] {
            page.act_as(member);
            page.sends("/status");
            page.message("25 online");
        }
        Ok(())
    }

    fn incident(&self) -> Result<(), Box<dyn Error>> {
        let incident = self.page.message("12 monitors on 127.0.20.7 are offline");
        incident.says("All 12 endpoints on it are offline");
        incident.says("7 seconds ago");
        self.take("incident", &incident, WINDOW)
    }

    fn recovery(&self) -> Result<(), Box<dyn Error>> {
        self.page.act_as("sam");
        let incident = self.page.message("12 monitors on 127.0.20.7");
        incident.press("Acknowledge");
        incident.says("Acknowledged");
        incident.says("12 monitors on 127.0.20.7 were offline for");
        self.take("recovery", &incident, HALF)
    }

    fn command(&self) -> Result<(), Box<dyn Error>> {
        let page = &self.page;
        page.act_as("ada");
        page.types("/maintenance start duration:2h monitor:g");
        page.shows("#popup li", "git · endpoint http");
        let message = page.message("12 monitors on");
        self.take("command", &message, HALF)
    }

    /// Takes a picture in both themes, as high as the message needs.
    fn take(
        &self,
        name: &str,
        message: &Message<'_>,
        window: Window,
    ) -> Result<(), Box<dyn Error>> {
        let browser = &self.page.browser;
        browser.resize(window)?;
        let measure = "if (document.querySelector('#popup').hidden) document.activeElement?.blur();
            const around = innerHeight - document.querySelector('#scroll').clientHeight;
            return around + document.getElementById(args).offsetHeight + 40;";
        let height = browser.run(measure, &json!(message.id()));
        let height = u32::try_from(height.as_u64().unwrap_or_default())?;
        for (theme, is_dark) in [("dark", true), ("light", false)] {
            browser.resize(Window {
                height,
                is_dark,
                ..window
            })?;
            let is_drawn = "return document.documentElement.dataset.theme === args && document.fonts.status === 'loaded';";
            browser.wait(theme, is_drawn, &json!(theme));
            let taken = picture::with_palette(&browser.picture()?)?;
            save(&self.folder.join(format!("{name}-{theme}.png")), &taken)?;
        }
        browser.resize(WINDOW)?;
        Ok(())
    }
}

fn save(path: &Path, file: &[u8]) -> Result<(), Box<dyn Error>> {
    fs::write(path, file)?;
    println!("{}: {} bytes", path.display(), file.len());
    if file.len() > LARGEST {
        return Err(format!("{} has more than {LARGEST} bytes", path.display()).into());
    }
    Ok(())
}

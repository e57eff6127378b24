//! What the terminal shows: the channels, as messages appear and change, and what members do. While the prompt is open, it is printed
//! above the prompt.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use discord_sandbox::{Names, Reply, View};
use rustyline::ExternalPrinter;

use crate::stage::Stage;

/// The widest text that is easy to read.
const WIDEST: usize = 100;

/// How the screen prints; by default to standard output.
type Printer = Box<dyn FnMut(String) + Send>;

pub struct Screen {
    has_styles: bool,
    printer: Mutex<Printer>,
    shown: Mutex<HashMap<u64, String>>,
}

impl Screen {
    pub fn new() -> Self {
        let has_styles = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self {
            has_styles,
            printer: Mutex::new(Box::new(|text| print!("{text}"))),
            shown: Mutex::default(),
        }
    }

    /// From now on prints above a prompt.
    pub fn print_above(&self, mut printer: impl ExternalPrinter + Send + 'static) {
        let print = move |text| {
            // The terminal is gone, and with it everybody who could read this.
            let _ = printer.print(text);
        };
        *self.printer.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(print);
    }

    pub fn print(&self, text: String) {
        let mut printer = self.printer.lock().unwrap_or_else(PoisonError::into_inner);
        (*printer)(text);
    }

    /// A heading of the story.
    pub fn heading(&self, text: &str) {
        let line = match self.has_styles {
            true => format!("\n\u{1b}[1;7m {text} \u{1b}[0m\n"),
            false => format!("\n== {text}\n"),
        };
        self.print(line);
    }

    /// What a member does.
    pub fn action(&self, member: &str, what: &str) {
        let line = match self.has_styles {
            true => format!("\u{1b}[1;36m{member}\u{1b}[0m {what}\n"),
            false => format!("{member} {what}\n"),
        };
        self.print(line);
    }

    /// A message that only one member sees.
    pub fn reply(&self, stage: &Stage, reply: &Reply) {
        self.print(indented(&self.rendered(stage, reply)));
    }

    /// Prints the messages that are new in the channels, or have changed.
    pub fn show_changes(&self, stage: &Stage) {
        for channel in stage.sandbox.channels(stage.sandbox.guild()) {
            for message in stage.sandbox.messages_in(channel.id) {
                self.show_if_changed(stage, &channel.name, &message);
            }
        }
    }

    fn show_if_changed(&self, stage: &Stage, channel: &str, message: &Reply) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let content = message.json().to_string();
        let known = shown.insert(message.message_id(), content.clone());
        if known.as_ref() == Some(&content) {
            return;
        }
        let what = match known {
            None => format!("#{channel}"),
            Some(_) => format!("#{channel}, the same message, edited"),
        };
        let heading = match self.has_styles {
            true => format!("\u{1b}[2m{what}\u{1b}[0m\n"),
            false => format!("{what}\n"),
        };
        self.print(heading + &indented(&self.rendered(stage, message)));
    }

    fn rendered(&self, stage: &Stage, message: &Reply) -> String {
        let names = names(stage);
        let view = View {
            names: &names,
            width: width(),
            has_styles: self.has_styles,
            now: stage.sandbox.now(),
        };
        view.message(message)
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn width() -> usize {
    let columns = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    columns.unwrap_or(WIDEST).min(WIDEST).saturating_sub(4)
}

fn names(stage: &Stage) -> Names {
    stage.sandbox.names(stage.sandbox.guild())
}

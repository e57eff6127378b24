//! What the terminal shows: the channels, as messages appear and change, and what members do. While the prompt is open, it is printed
//! above the prompt.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use discord_sandbox::{Names, Reply, View};
use rustyline::ExternalPrinter;
use tokio::sync::oneshot;

use crate::stage::Stage;

/// The widest text that is easy to read.
const WIDEST: usize = 100;

/// The longest wait for the prompt to take text.
const PROMPT_TAKES_TEXT_WITHIN: Duration = Duration::from_millis(200);

/// What is printed above the prompt.
enum Output {
    Text(String),
    /// Everything before it has been printed.
    Mark(oneshot::Sender<()>),
}

pub struct Screen {
    has_styles: bool,
    /// Prints above the prompt. `None`: there is no prompt, and the text goes to standard output.
    above_prompt: Mutex<Option<mpsc::Sender<Output>>>,
    shown: Mutex<HashMap<u64, String>>,
}

impl Screen {
    pub fn new() -> Self {
        let has_styles = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self {
            has_styles,
            above_prompt: Mutex::default(),
            shown: Mutex::default(),
        }
    }

    /// From now on prints above a prompt. It happens in a thread of its own: the editor takes no text after a key that ended its line,
    /// and the task that handles that line must not wait for it.
    pub fn print_above(&self, mut printer: impl ExternalPrinter + Send + 'static) {
        let (sender, outputs) = mpsc::channel();
        std::thread::spawn(move || {
            // Fails if the terminal is gone, and with it everybody who could read this. Nobody may wait for a mark any longer.
            for output in outputs {
                match output {
                    Output::Text(text) => drop(printer.print(text)),
                    Output::Mark(printed) => drop(printed.send(())),
                }
            }
        });
        *self.above_prompt() = Some(sender);
    }

    fn above_prompt(&self) -> std::sync::MutexGuard<'_, Option<mpsc::Sender<Output>>> {
        let printer = self.above_prompt.lock();
        printer.unwrap_or_else(PoisonError::into_inner)
    }

    pub fn print(&self, text: String) {
        match &*self.above_prompt() {
            // Fails if the thread has panicked, which the terminal shows.
            Some(prompt) => drop(prompt.send(Output::Text(text))),
            None => print!("{text}"),
        }
    }

    /// Waits until everything has been printed, but not for long: what the editor has not taken by then, its next prompt shows.
    pub async fn everything_is_printed(&self) {
        let (mark, printed) = oneshot::channel();
        let is_above_prompt = match &*self.above_prompt() {
            Some(prompt) => prompt.send(Output::Mark(mark)).is_ok(),
            None => false,
        };
        if is_above_prompt {
            // Either way the next prompt may appear.
            drop(tokio::time::timeout(PROMPT_TAKES_TEXT_WITHIN, printed).await);
        }
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

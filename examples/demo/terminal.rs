//! The user's terminal: Enter during the story, and its settings, which are restored however the demo ends.

use std::io::{IsTerminal, Read, Write};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// How often the terminal is asked for a key.
const POLL: Duration = Duration::from_millis(50);

/// What the user does while the story is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressed {
    Enter,
    /// Ctrl-D, the end of the input.
    End,
}

/// Waits until the user presses Enter or ends the input. Without a terminal, nobody does. It asks now and then, because a thread that
/// waits for a line could not be stopped when the prompt reads the terminal.
pub async fn pressed() -> Pressed {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return std::future::pending().await;
    }
    while !has_line(&input) {
        tokio::time::sleep(POLL).await;
    }
    // The terminal has a whole line, or none will come, so this does not block.
    match input.lock().read(&mut [0; 256]) {
        Ok(1..) => Pressed::Enter,
        Ok(0) | Err(_) => Pressed::End,
    }
}

fn has_line(input: &std::io::Stdin) -> bool {
    let mut asked = [PollFd::new(input, PollFlags::IN)];
    // An error ends the input, too: reading it shows that.
    poll(&mut asked, Some(&Timespec::default())).map_or(true, |ready| ready > 0)
}

/// Restores the settings of the terminal when it is dropped: a signal may end the demo while the prompt reads single keys.
pub struct Restored(Option<Termios>);

impl Restored {
    /// Remembers the settings.
    pub fn at_the_end() -> Self {
        Self(tcgetattr(std::io::stdin()).ok())
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        let Some(settings) = &self.0 else { return };
        // Either fails only if the terminal is gone. The prompt has asked for marks around what is pasted.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, settings);
        let _ = std::io::stdout().write_all(b"\x1b[?2004l");
        let _ = std::io::stdout().flush();
    }
}

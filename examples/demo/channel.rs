//! The alert channel, printed whenever a message is new or changes.

use std::collections::HashMap;

use discord_sandbox::{Reply, Sandbox};

/// The messages as they were last printed, by their time of arrival.
#[derive(Default)]
pub struct Channel {
    printed: HashMap<u64, String>,
}

impl Channel {
    /// The command that sends alerts to this channel.
    pub fn setup(sandbox: &Sandbox) -> String {
        format!("/alerts setup channel:{}", sandbox.channel(sandbox.guild()))
    }

    /// Prints new and changed messages, and returns the last of them.
    pub fn print_changes(&mut self, sandbox: &Sandbox) -> Option<Reply> {
        let mut last = None;
        for message in sandbox.messages(sandbox.guild()) {
            let rendered = message.render();
            let known = self.printed.insert(message.came_at(), rendered.clone());
            let how = match known {
                Some(known) if known == rendered => continue,
                Some(_) => "changed",
                None => "new",
            };
            println!("\n# alerts ({how})\n{rendered}");
            last = Some(message);
        }
        last
    }
}

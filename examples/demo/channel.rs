//! The channel that alerts are told in, drawn whenever a message comes or changes.

use std::collections::HashMap;

use discord_sandbox::{Reply, Sandbox};

/// What stood in the channel when it was drawn last, by message.
#[derive(Default)]
pub struct Channel {
    drawn: HashMap<u64, String>,
}

impl Channel {
    /// The command that has alerts told there.
    pub fn setup(sandbox: &Sandbox) -> String {
        format!("/alerts setup channel:{}", sandbox.channel(sandbox.guild()))
    }

    /// Draws what has come or changed, and answers the last of it.
    pub fn draw_news(&mut self, sandbox: &Sandbox) -> Option<Reply> {
        let mut last = None;
        for message in sandbox.messages(sandbox.guild()) {
            let drawing = message.render();
            let known = self.drawn.insert(message.came_at(), drawing.clone());
            let how = match known {
                Some(known) if known == drawing => continue,
                Some(_) => "changed",
                None => "new",
            };
            println!("\n# alerts ({how})\n{drawing}");
            last = Some(message);
        }
        last
    }
}

//! The prompt: people type slash commands as in Discord, press buttons and fill in forms. What happens in the channels is printed
//! above it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use discord_sandbox::{File, Member, Reply};
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{CompletionType, Config, Editor};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::completion::{Actor, Completion};
use crate::controls::{self, Button, MenuOption};
use crate::screen::Screen;
use crate::stage::{DemoResult, Stage, ada, sam};
use crate::story;
use crate::terminal::{self, Pressed};

/// Three lines of a narrow terminal.
const HELP: &str = "\
Type a slash command, with Tab for what is possible: /status, /endpoint add …
press, choose, fill: buttons, menus, forms · attach FILE /endpoint import
as sam, as ada: who types · toggle shop, rack, internet · quit or Ctrl-D
";

/// How often the channels are read.
const POLL: Duration = Duration::from_millis(300);

/// Plays the story until it ends or the user presses Enter, then opens the prompt.
pub async fn after_story(stage: &mut Stage, screen: &Screen) -> DemoResult {
    screen.print("The story takes a minute. Press Enter to skip to the prompt.\n".to_owned());
    let pressed = tokio::select! {
        played = story::play(stage, screen, story::Pauses::ForReading) => played.map(|()| None)?,
        pressed = terminal::pressed() => Some(pressed),
    };
    match pressed {
        Some(Pressed::End) => return Ok(()),
        Some(Pressed::Enter) => story::skip_to_the_end(stage).await?,
        None => {}
    }
    screen.show_changes(stage);
    run(stage, screen).await
}

async fn run(stage: &mut Stage, screen: &Screen) -> DemoResult {
    let _restored = terminal::Restored::at_the_end();
    let actor = Arc::new(Actor::new(ada()));
    let completion = Completion::new(stage.sandbox.clone(), Arc::clone(&actor), Handle::current());
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .build();
    let mut editor: Editor<Completion, DefaultHistory> = Editor::with_config(config)?;
    editor.set_helper(Some(completion));
    screen.print(HELP.to_owned());
    // Without a terminal there is no prompt to print above.
    if let Ok(printer) = editor.create_external_printer() {
        screen.print_above(printer);
    }
    let mut lines = typed_lines(editor, Arc::clone(&actor));
    let session = Session {
        actor: &actor,
        screen,
    };
    loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            () = tokio::time::sleep(POLL) => {
                screen.show_changes(stage);
                continue;
            }
        };
        let Some((line, done)) = line else {
            return Ok(());
        };
        let flow = session.enter(stage, line.trim()).await?;
        screen.show_changes(stage);
        // The next prompt appears when everything about this line has been printed.
        screen.everything_is_printed().await;
        let _ = done.send(());
        if flow.is_break() {
            return Ok(());
        }
    }
}

type TypedLine = (String, oneshot::Sender<()>);

/// The typed lines, read in their own thread, because reading a terminal blocks. Each must be answered before the next is read.
fn typed_lines(
    mut editor: Editor<Completion, DefaultHistory>,
    actor: Arc<Actor>,
) -> mpsc::Receiver<TypedLine> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        loop {
            let line = match editor.readline(&format!("{}> ", actor.get().name)) {
                Ok(line) => line,
                Err(ReadlineError::Interrupted | ReadlineError::Eof) => return,
                Err(error) => return eprintln!("the terminal cannot be read: {error}"),
            };
            // Only the history misses a line that cannot be added.
            let _ = editor.add_history_entry(&line);
            let (done, answered) = oneshot::channel();
            if sender.blocking_send((line, done)).is_err() || answered.blocking_recv().is_err() {
                return;
            }
        }
    });
    lines
}

struct Session<'a> {
    actor: &'a Actor,
    screen: &'a Screen,
}

impl Session<'_> {
    async fn enter(
        &self,
        stage: &mut Stage,
        line: &str,
    ) -> Result<ControlFlow<()>, Box<dyn std::error::Error>> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, rest.trim()) {
            ("", _) => {}
            ("quit" | "exit", _) => return Ok(ControlFlow::Break(())),
            ("help" | "?", _) => self.screen.print(HELP.to_owned()),
            ("as", name) => self.switch(name),
            ("toggle", name) => self.toggle(stage, name).await?,
            ("press", label) => self.press(stage, label).await,
            ("choose", label) => self.choose(stage, label).await,
            ("fill", fields) => self.fill(stage, fields).await,
            ("attach", rest) => self.attach(stage, rest).await,
            (command, _) if command.starts_with('/') => {
                let member = self.actor.get();
                let replied = stage.sandbox.member(&member).try_slash(line).await;
                self.show(stage, replied.map_err(|error| error.to_string()));
            }
            (word, _) => {
                let text = format!(
                    "{word} is nothing that the demo knows. Commands begin with /.\n{HELP}"
                );
                self.screen.print(text);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn switch(&self, name: &str) {
        let members = [ada(), sam()];
        match members
            .iter()
            .find(|member| member.name.eq_ignore_ascii_case(name))
        {
            Some(member) => self.actor.set(member.clone()),
            None => self
                .screen
                .print("The members are ada, who manages the server, and sam.\n".to_owned()),
        }
    }

    async fn toggle(&self, stage: &mut Stage, name: &str) -> DemoResult {
        let machine = match name {
            "shop" => &mut stage.shop,
            "rack" => &mut stage.rack,
            "internet" => &mut stage.internet,
            _ => {
                self.screen
                    .print("The machines are shop, rack and internet.\n".to_owned());
                return Ok(());
            }
        };
        let state = match machine.is_up() {
            true => {
                machine.goes_down().await;
                "down"
            }
            false => {
                machine.recovers()?;
                "up"
            }
        };
        self.screen.print(format!("{name} is {state}\n"));
        Ok(())
    }

    async fn press(&self, stage: &Stage, label: &str) {
        let Some(button) = self.button(stage, label) else {
            return;
        };
        let member = self.actor.get();
        let member = stage.sandbox.member(&member);
        let replied = member.try_press(&button.message, &button.label).await;
        self.show(stage, replied.map_err(|error| error.to_string()));
    }

    async fn choose(&self, stage: &Stage, label: &str) {
        let options = controls::menu_options(&stage.sandbox, self.actor.last().as_ref());
        let is_meant = |one: &&MenuOption| one.label.eq_ignore_ascii_case(label);
        let Some(option) = options.iter().find(is_meant) else {
            let labels = options.iter().map(|one| one.label.as_str());
            return self.refuse("menu option", label, labels);
        };
        let member = self.actor.get();
        let member = stage.sandbox.member(&member);
        let replied = member
            .try_choose_in(&option.message, &option.menu, &[&option.value])
            .await;
        self.show(stage, replied.map_err(|error| error.to_string()));
    }

    /// The button with a label; says which ones there are if none has it.
    fn button(&self, stage: &Stage, label: &str) -> Option<Button> {
        let buttons = controls::buttons(&stage.sandbox, self.actor.last().as_ref());
        let is_meant = |one: &&Button| one.label.eq_ignore_ascii_case(label);
        let found = buttons.iter().find(is_meant).cloned();
        if found.is_none() {
            let labels = buttons.iter().map(|one| one.label.as_str());
            self.refuse("button", label, labels);
        }
        found
    }

    fn refuse<'b>(&self, what: &str, label: &str, known: impl Iterator<Item = &'b str>) {
        let mut listed: Vec<&str> = Vec::new();
        for label in known {
            if !listed.contains(&label) {
                listed.push(label);
            }
        }
        let text = match listed.is_empty() {
            true => format!("There is no {what} yet.\n"),
            false => format!(
                "There is no {what} `{label}`. There are: {}\n",
                listed.join(" · ")
            ),
        };
        self.screen.print(text);
    }

    /// Opens the form of a button and submits it: `fill Add an endpoint: Address=example.org, Name=shop`.
    async fn fill(&self, stage: &Stage, text: &str) {
        let Some((label, fields)) = text.split_once(':') else {
            let text = "Example: fill Add an endpoint: Address=example.org, Name=shop\n";
            return self.screen.print(text.to_owned());
        };
        let Some(button) = self.button(stage, label.trim()) else {
            return;
        };
        let fields: Vec<(&str, &str)> = fields
            .split(',')
            .filter_map(|field| field.split_once('='))
            .map(|(label, value)| (label.trim(), value.trim()))
            .collect();
        let member: Member = self.actor.get();
        let member = stage.sandbox.member(&member);
        let replied = match member.try_open_form(&button.message, &button.label).await {
            Ok(form) => member
                .try_submit(&form, &fields)
                .await
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        self.show(stage, replied);
    }

    async fn attach(&self, stage: &Stage, rest: &str) {
        let Some((path, command)) = rest.split_once(' ') else {
            return self
                .screen
                .print("Example: attach list.txt /endpoint import\n".to_owned());
        };
        let content = match std::fs::read(path) {
            Ok(content) => content,
            Err(error) => {
                return self
                    .screen
                    .print(format!("{path} cannot be read: {error}\n"));
            }
        };
        let name = std::path::Path::new(path).file_name().unwrap_or_default();
        let file = File {
            name: name.to_string_lossy().into_owned(),
            description: None,
            content,
        };
        let member = self.actor.get();
        let member = stage.sandbox.member(&member);
        let replied = member
            .try_slash_with_file(command.trim(), "file", file)
            .await;
        self.show(stage, replied.map_err(|error| error.to_string()));
    }

    fn show(&self, stage: &Stage, replied: Result<Reply, String>) {
        match replied {
            Ok(reply) => {
                // A public message is printed as part of its channel.
                if reply.is_ephemeral() {
                    self.screen.reply(stage, &reply);
                }
                self.actor.answered(reply);
            }
            Err(error) => self.screen.print(format!("{error}\n")),
        }
    }
}

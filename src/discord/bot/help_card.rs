//! The help cards: the first steps, the commands of one topic, or one command with its options.

use poise::serenity_prelude as serenity;
use serenity::{
    CreateActionRow, CreateEmbed, CreateEmbedFooter, CreateSelectMenu, CreateSelectMenuKind,
    CreateSelectMenuOption,
};

use crate::discord::bot::help_topic::HelpTopic;
use crate::discord::bot::texts;
use crate::discord::ui::command_name::{ADD_ENDPOINT, CREATE_BOARD, SET_UP_ALERTS, SHOW_STATUS};
use crate::discord::ui::custom_id::Button;
use crate::discord::ui::embed::GREY;

/// One command as shown to members.
#[derive(Clone, Debug)]
pub(in crate::discord) struct HelpEntry {
    /// The full name without a slash: `endpoint add`.
    pub name: String,
    /// Discord's id of the command, or of its parent.
    pub id: Option<u64>,
    pub description: String,
    pub needs: Needs,
    pub parameters: Vec<Parameter>,
}

/// Who may use a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::discord) enum Needs {
    Nothing,
    /// An on-call role, or the permission Manage Server.
    Responder,
    /// The permission Manage Server.
    Manager,
}

/// The member who reads the help.
#[derive(Clone, Copy, Debug)]
pub(in crate::discord) struct Viewer {
    pub is_responder: bool,
    pub is_manager: bool,
}

/// An option of a command.
#[derive(Clone, Debug)]
pub(in crate::discord) struct Parameter {
    pub name: String,
    pub description: String,
    pub is_required: bool,
}

impl Viewer {
    pub(super) fn may_use(self, needs: Needs) -> bool {
        match needs {
            Needs::Nothing => true,
            Needs::Responder => self.is_responder || self.is_manager,
            Needs::Manager => self.is_manager,
        }
    }
}

/// One page of the guide. `entries`: the commands that the member may use.
pub(in crate::discord) fn page(topic: HelpTopic, entries: &[HelpEntry]) -> CreateEmbed {
    let description = match topic {
        HelpTopic::Start => first_steps(entries),
        _ => commands(topic, entries),
    };
    CreateEmbed::new()
        .title(texts::topic(topic))
        .description(description)
        .colour(GREY)
        .footer(CreateEmbedFooter::new(texts::GUIDE_FOOTER))
}

/// The menu of pages. It omits topics in which the member may use no command.
pub(in crate::discord) fn menu(shown: HelpTopic, entries: &[HelpEntry]) -> CreateActionRow {
    let option = |topic: HelpTopic| {
        CreateSelectMenuOption::new(texts::topic(topic), topic.as_str())
            .default_selection(topic == shown)
    };
    let topics = HelpTopic::ALL.iter().copied();
    let options = topics
        .filter(|topic| *topic == HelpTopic::Start || of(*topic, entries).next().is_some())
        .map(option)
        .collect();
    let kind = CreateSelectMenuKind::String { options };
    let menu = CreateSelectMenu::new(Button::HelpTopic.custom_id(), kind);
    CreateActionRow::SelectMenu(menu.placeholder(texts::CHOOSE_TOPIC))
}

fn first_steps(entries: &[HelpEntry]) -> String {
    let find = |name: &str| entries.iter().find(|entry| entry.name == name).map(mention);
    let steps = [
        find(SET_UP_ALERTS).map(|command| texts::step_alerts(&command)),
        find(ADD_ENDPOINT).map(|command| texts::step_endpoint(&command)),
        find(CREATE_BOARD).map(|command| texts::step_board(&command)),
    ];
    let steps: Vec<String> = steps.into_iter().flatten().collect();
    let mut paragraphs = vec![texts::ABOUT_ROLLCALL.to_owned()];
    if steps.is_empty() {
        paragraphs.extend(find(SHOW_STATUS).map(|command| texts::for_members(&command)));
    }
    paragraphs.extend(steps);
    paragraphs.join("\n\n")
}

fn commands(topic: HelpTopic, entries: &[HelpEntry]) -> String {
    let lines: Vec<String> = of(topic, entries)
        .map(|entry| texts::command(&mention(entry), &entry.description))
        .collect();
    lines.join("\n")
}

/// The commands of a topic, in the order of its roots.
fn of(topic: HelpTopic, entries: &[HelpEntry]) -> impl Iterator<Item = &HelpEntry> {
    let roots = topic.roots().iter();
    roots.flat_map(|root| entries.iter().filter(move |entry| entry.root() == *root))
}

pub(in crate::discord) fn one(entry: &HelpEntry) -> CreateEmbed {
    let mut lines = vec![entry.description.clone()];
    match entry.needs {
        Needs::Nothing => {}
        Needs::Responder => lines.push(texts::NEEDS_RESPONDER.to_owned()),
        Needs::Manager => lines.push(texts::NEEDS_MANAGE_SERVER.to_owned()),
    }
    lines.push(String::new());
    lines.extend(entry.parameters.iter().map(|parameter| {
        texts::option(
            &parameter.name,
            &parameter.description,
            parameter.is_required,
        )
    }));
    if entry.parameters.is_empty() {
        lines.push(texts::NO_OPTIONS.to_owned());
    }
    CreateEmbed::new()
        .title(format!("/{}", entry.name))
        .description(lines.join("\n"))
        .colour(GREY)
}

impl HelpEntry {
    pub(super) fn root(&self) -> &str {
        self.name.split(' ').next().unwrap_or_default()
    }
}

/// A mention that opens the command on click, or its plain name if its id is not known.
fn mention(entry: &HelpEntry) -> String {
    match entry.id {
        Some(id) => format!("</{}:{id}>", entry.name),
        None => format!("`/{}`", entry.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::{card_text, fits};

    fn entry(name: &str, id: Option<u64>, needs: Needs) -> HelpEntry {
        HelpEntry {
            name: name.into(),
            id,
            description: format!("Description of {name}"),
            needs,
            parameters: Vec::new(),
        }
    }

    #[test]
    fn the_guide_shows_managers_three_steps_and_members_the_status() {
        let all = [
            entry(SHOW_STATUS, Some(1), Needs::Nothing),
            entry(SET_UP_ALERTS, Some(2), Needs::Manager),
            entry(ADD_ENDPOINT, Some(3), Needs::Manager),
            entry(CREATE_BOARD, None, Needs::Manager),
        ];
        let cards = [
            page(HelpTopic::Start, &all),
            page(HelpTopic::Start, &all[..1]),
        ];
        insta::assert_snapshot!(cards.map(card_text).join("\n\n"), @"
        [grey] First steps
        Rollcall monitors endpoints, devices and servers. It notifies you when one goes offline and when it recovers.

        **1. Turn on alerts**
        </setup:2> leads you to the first alert: channel, role, first endpoint, test.

        **2. Add an endpoint**
        </endpoint add:3> adds a website or a port, such as `target:example.org`. Rollcall checks it from then on.

        **3. Create a board**
        `/board create` posts a message that always shows the current status.
        — Choose a topic below. /help command:… shows the options of a command

        [grey] First steps
        Rollcall monitors endpoints, devices and servers. It notifies you when one goes offline and when it recovers.

        </status:1> shows the current status. Members with the permission **Manage Server** add monitors and set up alerts.
        — Choose a topic below. /help command:… shows the options of a command
        ");
    }

    #[test]
    fn a_topic_lists_its_commands_and_no_others() {
        let entries = [
            entry("endpoint add", Some(8), Needs::Manager),
            entry("endpoints list", Some(7), Needs::Nothing),
            entry("ping", None, Needs::Nothing),
        ];
        insta::assert_snapshot!(card_text(page(HelpTopic::Checks, &entries)), @"
        [grey] Checks
        </endpoints list:7> Description of endpoints list
        </endpoint add:8> Description of endpoint add
        — Choose a topic below. /help command:… shows the options of a command
        ");
    }

    #[test]
    fn the_menu_leaves_out_topics_without_a_command() {
        let entries = [
            entry("endpoints list", Some(7), Needs::Nothing),
            entry("ping", None, Needs::Nothing),
        ];
        let row = serde_json::to_value(menu(HelpTopic::Checks, &entries)).unwrap();
        let options = row["components"][0]["options"].as_array().unwrap().clone();
        let shown: Vec<String> = options
            .iter()
            .map(|option| {
                format!(
                    "{} {} {}",
                    option["value"], option["label"], option["default"]
                )
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        "start" "First steps" false
        "checks" "Checks" true
        "bot" "About the bot" false
        "#);
    }

    #[test]
    fn one_command_is_shown_with_its_options() {
        let mut add = entry("endpoint add", Some(8), Needs::Manager);
        add.parameters = [("target", true), ("name", false)]
            .map(|(name, is_required)| Parameter {
                name: name.into(),
                description: format!("Description of {name}"),
                is_required,
            })
            .into();
        insta::assert_snapshot!(card_text(one(&add)), @"
        [grey] /endpoint add
        Description of endpoint add
        Requires the permission **Manage Server**.

        `target` (required) Description of target
        `name` Description of name
        ");
        let others = [
            one(&entry("ping", None, Needs::Nothing)),
            one(&entry("ack", None, Needs::Responder)),
        ];
        insta::assert_snapshot!(others.map(card_text).join("\n\n"), @"
        [grey] /ping
        Description of ping

        This command has no options.

        [grey] /ack
        Description of ack
        Requires an on-call role or the permission **Manage Server**.

        This command has no options.
        ");
    }

    #[test]
    fn help_fits_with_more_commands_than_exist() {
        let parameter = Parameter {
            name: "x".repeat(32),
            description: "y".repeat(100),
            is_required: true,
        };
        let entry = |number: usize| HelpEntry {
            name: format!("alerts subcommand{number:02}"),
            id: Some(u64::MAX),
            description: "x".repeat(80),
            needs: Needs::Nothing,
            parameters: vec![parameter.clone(); 25],
        };
        let entries: Vec<_> = (0..30).map(entry).collect();
        fits(page(HelpTopic::Alerts, &entries));
        fits(one(&entries[0]));
    }
}

//! The screens of the setup: what a step asks for, what happened before, and the buttons that lead on.

use poise::serenity_prelude as serenity;
use serenity::{ButtonStyle, CreateActionRow, CreateButton, CreateEmbed};

use crate::discord::setup::state::SetupState;
use crate::discord::setup::texts;
use crate::discord::ui::buttons::{channel_menu, role_menu};
use crate::discord::ui::custom_id::Button;
use crate::discord::ui::reply::Message;
use crate::discord::ui::setup_button::{SetupButton, SetupStep, TypedEndpoint};
use crate::domain::endpoints::target::Target;
use crate::domain::text;

/// The longest description of a screen, in characters. Discord's limit is 4,096.
const LONGEST: usize = 4_000;

/// Discord's limit for the label of a button, in characters.
const LABEL: usize = 80;

/// What a screen says about the last press, and what it offers because of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remark {
    pub lines: Vec<String>,
    /// The nearest valid form of a target that could not be read.
    pub suggestion: Option<Target>,
    /// What was typed into the form of an endpoint that was not added.
    pub typed: TypedEndpoint,
}

impl Remark {
    pub(super) fn of(line: impl Into<String>) -> Self {
        Self {
            lines: vec![line.into()],
            ..Self::default()
        }
    }
}

/// The screen of a step.
pub(super) fn message(step: SetupStep, state: &SetupState, remark: &Remark) -> Message {
    let step = state.reachable(step);
    let question = match (step, state.channel) {
        (SetupStep::Channel, known) => texts::channel(known),
        (SetupStep::Role, _) => texts::role(state.role),
        (SetupStep::Endpoint, _) => texts::endpoint(state.endpoints),
        (SetupStep::Test, Some(channel)) => texts::test(channel, state.role, state.endpoints),
        (SetupStep::Test, None) => texts::channel(None),
    };
    let mut paragraphs = remark.lines.clone();
    paragraphs.push(question);
    let embed = CreateEmbed::new()
        .title(texts::title(step))
        .description(text::cut(&paragraphs.join("\n\n"), LONGEST));
    let mut message = Message::embed(embed);
    message.rows = rows(step, state, remark);
    message
}

fn rows(step: SetupStep, state: &SetupState, remark: &Remark) -> Vec<CreateActionRow> {
    let menu = match step {
        SetupStep::Channel => {
            let menu = Button::Setup(SetupButton::Channel);
            Some(channel_menu(&menu, texts::CHOOSE_CHANNEL))
        }
        SetupStep::Role => {
            let menu = Button::Setup(SetupButton::Role);
            Some(role_menu(&menu, texts::CHOOSE_ROLE))
        }
        SetupStep::Endpoint | SetupStep::Test => None,
    };
    let mut buttons = match step {
        SetupStep::Channel | SetupStep::Role => Vec::new(),
        SetupStep::Endpoint => endpoint_buttons(remark),
        SetupStep::Test => vec![button(
            SetupButton::Test,
            texts::SEND_TEST,
            ButtonStyle::Primary,
        )],
    };
    buttons.extend(ways(step, state));
    let buttons = (!buttons.is_empty()).then_some(CreateActionRow::Buttons(buttons));
    menu.into_iter().chain(buttons).collect()
}

/// The nearest valid form, and the form with what was typed.
fn endpoint_buttons(remark: &Remark) -> Vec<CreateButton> {
    let suggested = remark.suggestion.as_ref().and_then(|target| {
        let label = text::cut(&format!("Add {target}"), LABEL);
        Some(button(
            SetupButton::add(target)?,
            &label,
            ButtonStyle::Primary,
        ))
    });
    let (label, style) = match (&suggested, remark.typed == TypedEndpoint::default()) {
        (_, true) => (texts::ADD_ENDPOINT, ButtonStyle::Primary),
        (None, false) => (texts::ENTER_AGAIN, ButtonStyle::Primary),
        (Some(_), false) => (texts::ENTER_AGAIN, ButtonStyle::Secondary),
    };
    let form = button(SetupButton::form(&remark.typed), label, style);
    suggested.into_iter().chain([form]).collect()
}

/// The buttons to the steps before and after. A step that is done can be passed; the role and the endpoint can be skipped.
fn ways(step: SetupStep, state: &SetupState) -> Vec<CreateButton> {
    let to = |step, label| button(SetupButton::Show(step), label, ButtonStyle::Secondary);
    let onward = |is_done| if is_done { texts::NEXT } else { texts::SKIP };
    match step {
        SetupStep::Channel if state.channel.is_none() => Vec::new(),
        SetupStep::Channel => vec![to(SetupStep::Role, texts::NEXT)],
        SetupStep::Role => vec![
            to(SetupStep::Channel, texts::BACK),
            to(SetupStep::Endpoint, onward(state.role.is_some())),
        ],
        SetupStep::Endpoint => vec![
            to(SetupStep::Role, texts::BACK),
            to(SetupStep::Test, onward(state.endpoints > 0)),
        ],
        SetupStep::Test => vec![to(SetupStep::Endpoint, texts::BACK)],
    }
}

fn button(button: SetupButton, label: &str, style: ButtonStyle) -> CreateButton {
    Button::Setup(button).with_label(label, style)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::fits;
    use crate::domain::discord_id::{ChannelId, RoleId};
    use serde_json::Value;

    /// The title of a screen, and its components: the placeholder of a menu, or the label of a button, each with its id.
    fn drawn(step: SetupStep, state: &SetupState, remark: &Remark) -> String {
        let message = message(step, state, remark);
        let embed = serde_json::to_value(&message.embeds[0]).unwrap();
        let rows = serde_json::to_value(&message.rows).unwrap();
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let mut lines = vec![text(&embed, "title")];
        for row in rows.as_array().unwrap() {
            let parts = row["components"].as_array().unwrap().iter();
            let part = |part: &Value| {
                let shown = text(part, "label") + &text(part, "placeholder");
                format!("[{shown}] {}", text(part, "custom_id"))
            };
            lines.push(parts.map(part).collect::<Vec<_>>().join(" "));
        }
        lines.join("\n")
    }

    #[test]
    fn every_screen_leads_on_and_only_optional_steps_can_be_skipped() {
        let new = SetupState::default();
        let with_channel = SetupState {
            channel: Some(ChannelId(5)),
            ..new
        };
        let done = SetupState {
            role: Some(RoleId(7)),
            endpoints: 2,
            ..with_channel
        };
        let none = Remark::default();
        let steps = SetupStep::ALL.into_iter();
        let mut screens = vec![drawn(SetupStep::Test, &new, &none)];
        screens.extend(steps.clone().map(|step| drawn(step, &with_channel, &none)));
        screens.extend(steps.map(|step| drawn(step, &done, &none)));
        insta::assert_snapshot!(screens.join("\n"), @"
        Setup, step 1 of 4: the alert channel
        [Choose a channel] setup|channel
        Setup, step 1 of 4: the alert channel
        [Choose a channel] setup|channel
        [Next] setup|show|role
        Setup, step 2 of 4: the on-call role
        [Choose a role] setup|role
        [Back] setup|show|channel [Skip] setup|show|endpoint
        Setup, step 3 of 4: an endpoint
        [Add an endpoint] setup|form [Back] setup|show|role [Skip] setup|show|test
        Setup, step 4 of 4: a test alert
        [Send a test alert] setup|test [Back] setup|show|endpoint
        Setup, step 1 of 4: the alert channel
        [Choose a channel] setup|channel
        [Next] setup|show|role
        Setup, step 2 of 4: the on-call role
        [Choose a role] setup|role
        [Back] setup|show|channel [Next] setup|show|endpoint
        Setup, step 3 of 4: an endpoint
        [Add an endpoint] setup|form [Back] setup|show|role [Next] setup|show|test
        Setup, step 4 of 4: a test alert
        [Send a test alert] setup|test [Back] setup|show|endpoint
        ");
    }

    #[test]
    fn a_mistyped_target_can_be_entered_again_or_replaced_by_the_nearest_form() {
        let state = SetupState {
            channel: Some(ChannelId(5)),
            ..SetupState::default()
        };
        let mut remark = Remark::of("Not a target.");
        remark.typed = TypedEndpoint {
            target: "my shop".into(),
            name: "a".into(),
        };
        let without = drawn(SetupStep::Endpoint, &state, &remark);
        remark.suggestion = Some("https://shop/".parse().unwrap());
        let with = drawn(SetupStep::Endpoint, &state, &remark);
        insta::assert_snapshot!([without, with].join("\n"), @"
        Setup, step 3 of 4: an endpoint
        [Enter it again] setup|form|7|my shopa [Back] setup|show|role [Skip] setup|show|test
        Setup, step 3 of 4: an endpoint
        [Add https://shop/] setup|add|https://shop/ [Enter it again] setup|form|7|my shopa [Back] setup|show|role [Skip] setup|show|test
        ");
    }

    #[test]
    fn a_screen_fits_with_the_longest_texts() {
        let state = SetupState {
            channel: Some(ChannelId(u64::MAX)),
            role: Some(RoleId(u64::MAX)),
            endpoints: u64::MAX,
        };
        let remark = Remark {
            lines: vec!["*".repeat(3_000); 3],
            ..Remark::default()
        };
        for step in SetupStep::ALL {
            let message = message(step, &state, &remark);
            message.embeds.into_iter().for_each(fits);
        }
    }
}

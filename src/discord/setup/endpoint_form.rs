//! The form of an endpoint in the setup. What is typed there is read as `/endpoint add` reads it; a mistake is shown on the
//! screen, and nothing that was typed is lost.

use poise::serenity_prelude as serenity;
use serenity::{
    ActionRowComponent, CreateActionRow, CreateInputText, CreateModal, InputTextStyle,
    ModalInteraction,
};

use crate::actions::Requester;
use crate::discord::setup::screen::Remark;
use crate::discord::setup::texts;
use crate::discord::ui::error::{self, CommandError};
use crate::discord::ui::setup_button::{SetupStep, TypedEndpoint};
use crate::discord::{DiscordState, endpoints};
use crate::domain::endpoints::target::Target;
use crate::domain::endpoints::typed_target;
use crate::domain::monitor::parse_name;
use crate::store::endpoints::endpoint::Description;

/// The custom ids of the form and of its inputs. They are stable, because a form may be open during an update.
pub(super) const FORM: &str = "setup-endpoint";
const TARGET: &str = "target";
const NAME: &str = "name";

/// The longest inputs, in characters, as of the options of `/endpoint add`.
const LONGEST_TARGET: u16 = 512;
const LONGEST_NAME: u16 = 64;

/// The form, filled in with what was typed before.
pub(super) fn modal(typed: TypedEndpoint) -> CreateModal {
    let target = CreateInputText::new(InputTextStyle::Short, texts::TARGET_LABEL, TARGET)
        .placeholder(texts::TARGET_EXAMPLE)
        .max_length(LONGEST_TARGET);
    let name = CreateInputText::new(InputTextStyle::Short, texts::NAME_LABEL, NAME)
        .required(false)
        .max_length(LONGEST_NAME);
    // Without a value, Discord shows the placeholder.
    let filled = |input: CreateInputText, text: String| match text.is_empty() {
        true => input,
        false => input.value(text),
    };
    let inputs = [filled(target, typed.target), filled(name, typed.name)];
    let rows = inputs.map(CreateActionRow::InputText);
    CreateModal::new(FORM, texts::FORM_TITLE).components(rows.into())
}

/// What was typed into a form.
pub(super) fn typed(form: &ModalInteraction) -> TypedEndpoint {
    let inputs = form.data.components.iter().flat_map(|row| &row.components);
    let mut typed = TypedEndpoint::default();
    for input in inputs {
        let ActionRowComponent::InputText(input) = input else {
            continue;
        };
        let text = input.value.clone().unwrap_or_default();
        match input.custom_id.as_str() {
            TARGET => typed.target = text,
            NAME => typed.name = text,
            _ => {}
        }
    }
    typed
}

/// Adds the endpoint that was typed. Returns the step to show next, and what to say there.
pub(super) async fn add_typed(
    app: &DiscordState,
    requester: Requester,
    typed: TypedEndpoint,
) -> Result<(SetupStep, Remark), CommandError> {
    let description = match read(&typed) {
        Ok(description) => description,
        Err(remark) => return Ok((SetupStep::Endpoint, *remark)),
    };
    match add(app, requester, description).await {
        Err(CommandError::Refused(sentence)) => {
            let remark = Remark {
                typed,
                ..Remark::of(sentence)
            };
            Ok((SetupStep::Endpoint, remark))
        }
        added => Ok((SetupStep::Test, Remark::of(added?))),
    }
}

/// Adds an endpoint with default options. Returns the step to show next, and what to say there.
pub(super) async fn add_target(
    app: &DiscordState,
    requester: Requester,
    target: Target,
) -> Result<(SetupStep, Remark), CommandError> {
    let name = target.default_name();
    match add(app, requester, described(target, name)).await {
        Err(CommandError::Refused(sentence)) => Ok((SetupStep::Endpoint, Remark::of(sentence))),
        added => Ok((SetupStep::Test, Remark::of(added?))),
    }
}

/// What was typed as an endpoint; otherwise what is wrong with it.
fn read(typed: &TypedEndpoint) -> Result<Description, Box<Remark>> {
    let wrong = |sentence: String, suggestion| {
        Box::new(Remark {
            lines: vec![error::sentence(&sentence)],
            suggestion,
            typed: typed.clone(),
        })
    };
    let target = match typed_target::read(&typed.target) {
        Ok(target) => target,
        Err(problem) => {
            let sentence = problem.to_string();
            // The button adds the default name, so it is offered only if no other one was typed.
            let suggestion = problem.suggestion.filter(|_| typed.name.trim().is_empty());
            return Err(wrong(sentence, suggestion));
        }
    };
    let name = match typed.name.trim() {
        "" => target.default_name(),
        name => parse_name(name).map_err(|problem| wrong(problem.to_string(), None))?,
    };
    Ok(described(target, name))
}

fn described(target: Target, name: String) -> Description {
    Description {
        name,
        target,
        http_check: None,
        interval: None,
    }
}

async fn add(
    app: &DiscordState,
    requester: Requester,
    description: Description,
) -> Result<String, CommandError> {
    let reply = endpoints::handlers::add(app, requester, description).await?;
    Ok(match reply.awaited {
        Some(_) => texts::FIRST_CHECK_RUNNING.to_owned(),
        None => reply.message.content,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(target: &str, name: &str) -> Result<(String, String), (String, Option<String>)> {
        let typed = TypedEndpoint {
            target: target.into(),
            name: name.into(),
        };
        let found = read(&typed).map(|found| (found.target.to_string(), found.name));
        found.map_err(|remark| {
            assert_eq!(remark.typed, typed, "nothing that was typed is lost");
            let suggestion = remark.suggestion.map(|target| target.to_string());
            (remark.lines.join("\n"), suggestion)
        })
    }

    #[test]
    fn targets_are_read_as_people_type_them_and_get_a_name() {
        let read = |target, name| read_as(target, name).unwrap();
        let own = |target: &str, name: &str| (target.to_owned(), name.to_owned());
        assert_eq!(
            read("example.org", ""),
            own("https://example.org/", "example.org")
        );
        assert_eq!(
            read("example.org", " shop "),
            own("https://example.org/", "shop")
        );
    }

    #[test]
    fn mistakes_have_a_sentence_and_the_nearest_form() {
        let wrong = |target, name| read_as(target, name).unwrap_err();
        let (sentence, suggestion) = wrong("shop", "");
        assert_eq!(
            (&*sentence, suggestion.as_deref()),
            (
                "This is neither an address nor a URL. Try `https://shop/`.",
                Some("https://shop/")
            )
        );
        let (sentence, suggestion) = wrong("shop", "my name");
        assert!(sentence.contains("Try `https://shop/`"), "{sentence}");
        assert_eq!(suggestion, None, "the button would lose the name");
        let (sentence, suggestion) = wrong("example.org", &"x".repeat(65));
        assert!(sentence.contains("64"), "{sentence}");
        assert_eq!(suggestion, None);
    }
}

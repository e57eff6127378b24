//! What the buttons, menus and the form of the setup do. Each press checks the permission, the guild and the stored state
//! again, so old messages work, too.

use poise::serenity_prelude as serenity;
use serenity::{
    ComponentInteraction, ComponentInteractionDataKind, CreateInteractionResponse, ModalInteraction,
};

use crate::actions::Requester;
use crate::actions::incidents::alerts::{self, AlertEdit};
use crate::discord::DiscordState;
use crate::discord::notifications::alert_channel;
use crate::discord::setup::endpoint_form;
use crate::discord::setup::screen::{self, Remark};
use crate::discord::setup::state::SetupState;
use crate::discord::setup::texts;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::Message;
use crate::discord::ui::roles::{self, RoleLookup};
use crate::discord::ui::setup_button::{SetupButton, SetupStep};
use crate::discord::ui::{access, texts as shared_texts};
use crate::domain::discord_id::GuildId;
use crate::domain::patch::Patch;
use crate::notify::messenger::SetupMessage;

/// Handles a press by a member who may manage.
pub(in crate::discord) async fn press(
    ctx: &serenity::Context,
    press: &ComponentInteraction,
    app: &DiscordState,
    requester: Requester,
    button: SetupButton,
) -> Result<(), CommandError> {
    let response = match button {
        SetupButton::Start => resumed(app, requester.guild).await?.into_response(),
        SetupButton::Show(step) => {
            let screen = shown(app, requester.guild, step, Remark::default()).await?;
            screen.into_update()
        }
        SetupButton::Form(typed) => CreateInteractionResponse::Modal(endpoint_form::modal(typed)),
        button => {
            // Discord's answers may take longer than Discord waits for a response.
            press
                .create_response(&ctx.http, CreateInteractionResponse::Acknowledge)
                .await?;
            let lookup = RoleLookup::of_press(ctx, press);
            let (step, remark) = match button {
                SetupButton::Channel => choose_channel(press, app, requester).await?,
                SetupButton::Role => choose_role(press, app, requester, lookup).await?,
                SetupButton::Add(target) => {
                    endpoint_form::add_target(app, requester, target).await?
                }
                SetupButton::Test => send_test(app, requester.guild, lookup).await?,
                SetupButton::Start | SetupButton::Show(_) | SetupButton::Form(_) => {
                    return Err(unknown());
                }
            };
            let screen = shown(app, requester.guild, step, remark).await?;
            press.edit_response(&ctx.http, screen.into_edit()).await?;
            return Ok(());
        }
    };
    Ok(press.create_response(&ctx.http, response).await?)
}

/// Handles a form that a member has submitted.
pub(in crate::discord) async fn submit(
    ctx: &serenity::Context,
    form: &ModalInteraction,
    app: &DiscordState,
) -> Result<(), CommandError> {
    let requester = access::requester(form.guild_id, form.user.id)?;
    access::require_manage(form.member.as_ref().and_then(|member| member.permissions))?;
    if form.data.custom_id != endpoint_form::FORM {
        return Err(unknown());
    }
    // The form belongs to the message with its button, which is updated.
    form.create_response(&ctx.http, CreateInteractionResponse::Acknowledge)
        .await?;
    let typed = endpoint_form::typed(form);
    let (step, remark) = endpoint_form::add_typed(app, requester, typed).await?;
    let screen = shown(app, requester.guild, step, remark).await?;
    form.edit_response(&ctx.http, screen.into_edit()).await?;
    Ok(())
}

fn unknown() -> CommandError {
    CommandError::Refused(shared_texts::UNKNOWN_BUTTON.into())
}

/// The screen where the setup goes on.
async fn resumed(app: &DiscordState, guild: GuildId) -> Result<Message, CommandError> {
    let state = SetupState::load(app, guild).await?;
    Ok(screen::message(
        state.next_step(),
        &state,
        &Remark::default(),
    ))
}

/// The screen of a step with the state that is stored now.
async fn shown(
    app: &DiscordState,
    guild: GuildId,
    step: SetupStep,
    remark: Remark,
) -> Result<Message, CommandError> {
    let state = SetupState::load(app, guild).await?;
    Ok(screen::message(step, &state, &remark))
}

/// Keeps a step on its screen with the sentence that says why it failed.
fn or_stay(
    step: SetupStep,
    result: Result<(SetupStep, Remark), CommandError>,
) -> Result<(SetupStep, Remark), CommandError> {
    match result {
        Err(CommandError::Refused(sentence)) => Ok((step, Remark::of(sentence))),
        result => result,
    }
}

async fn choose_channel(
    press: &ComponentInteraction,
    app: &DiscordState,
    requester: Requester,
) -> Result<(SetupStep, Remark), CommandError> {
    let chosen = async {
        let channel = alert_channel::chosen(app, requester.guild, press).await?;
        let _ = alert_channel::test_and_set(app, requester, channel, Patch::Keep).await?;
        let remark = Remark::of(texts::channel_set(channel));
        Ok((SetupStep::Role, remark))
    };
    or_stay(SetupStep::Channel, chosen.await)
}

async fn choose_role(
    press: &ComponentInteraction,
    app: &DiscordState,
    requester: Requester,
    lookup: RoleLookup<'_>,
) -> Result<(SetupStep, Remark), CommandError> {
    let chosen = async {
        let ComponentInteractionDataKind::RoleSelect { values } = &press.data.kind else {
            return Err(unknown());
        };
        let (Some(role), Some(guild)) = (values.first(), press.guild_id) else {
            return Err(unknown());
        };
        let role = roles::chosen_in(guild, *role)?;
        // The values of a menu are untrusted input.
        if lookup.is_missing(role).await {
            return Err(CommandError::Refused(shared_texts::role_deleted(role)));
        }
        let edit = AlertEdit {
            role: Patch::Set(role),
            ..AlertEdit::default()
        };
        let _ = alerts::edit(&app.store, requester, edit, app.now()).await?;
        let mut remark = Remark::of(texts::role_set(role));
        remark.lines.extend(lookup.unreachable(&[role]).await);
        Ok((SetupStep::Endpoint, remark))
    };
    or_stay(SetupStep::Role, chosen.await)
}

async fn send_test(
    app: &DiscordState,
    guild: GuildId,
    lookup: RoleLookup<'_>,
) -> Result<(SetupStep, Remark), CommandError> {
    let SetupState { channel, role, .. } = SetupState::load(app, guild).await?;
    let Some(channel) = channel else {
        return Ok((SetupStep::Channel, Remark::default()));
    };
    let sent = async {
        alert_channel::post(app, channel, SetupMessage::TestAlert(role)).await?;
        let mut remark = Remark::of(texts::test_sent(channel, role));
        remark
            .lines
            .extend(lookup.unreachable(role.as_slice()).await);
        Ok((SetupStep::Test, remark))
    };
    or_stay(SetupStep::Test, sent.await)
}

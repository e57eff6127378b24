//! Adds a picture to a reply: shown in its first embed, with its description for people who do not see it. The text is complete
//! without it, so no failure here is one of the reply.

use poise::serenity_prelude as serenity;
use serenity::{ComponentInteraction, CreateAttachment, Permissions};

use super::texts;
use crate::actions::Requester;
use crate::actions::manage_guild::settings;
use crate::discord::ui::access;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::discord::{Context, DiscordState};
use crate::domain::history::chart::scene::Scene;
use crate::notify::picture::renderer::DescribedPicture;
use crate::store::guild::guild_setting;

/// The name of the file.
const FILE_NAME: &str = "picture.png";

/// Who asks for a picture, and whether Rollcall may attach files where they ask.
#[derive(Clone, Copy, Debug)]
pub(in crate::discord) struct PictureRequest {
    pub requester: Requester,
    pub may_attach: bool,
}

impl PictureRequest {
    /// Of a command.
    pub(in crate::discord) fn of_command(ctx: Context<'_>) -> Result<Self, CommandError> {
        let held = match ctx {
            poise::Context::Application(ctx) => ctx.interaction.app_permissions,
            poise::Context::Prefix(_) => None,
        };
        Ok(Self {
            requester: reply::requester(ctx)?,
            may_attach: may_attach(held),
        })
    }

    /// Of a button or a menu.
    pub(in crate::discord) fn of_press(press: &ComponentInteraction) -> Result<Self, CommandError> {
        Ok(Self {
            requester: access::requester(press.guild_id, press.user.id)?,
            may_attach: may_attach(press.app_permissions),
        })
    }
}

/// Whether these permissions of the bot allow files. Discord always sends them.
fn may_attach(held: Option<Permissions>) -> bool {
    held.is_none_or(|held| held.attach_files() || held.administrator())
}

/// The message with the picture of a scene. Without the permission, beyond the rate limit and after a failure, it is the text alone,
/// and the scene is not even loaded if no picture can follow.
pub(in crate::discord) async fn with_picture(
    app: &DiscordState,
    request: PictureRequest,
    message: Message,
    scene: impl Future<Output = Result<Scene, CommandError>>,
) -> Message {
    let (requester, now) = (request.requester, app.now());
    if !request.may_attach {
        let remark = settings::may_remark_attach_files(&app.store, requester.guild, now).await;
        return match remark {
            Ok(true) => with_sentence(message, Some(texts::ATTACH_FILES.to_owned())),
            Ok(false) => message,
            Err(error) => {
                tracing::warn!(%error, "cannot record a remark about a permission");
                message
            }
        };
    }
    if let Err(wait) = app.bot.picture_limit.count(requester, now) {
        return with_sentence(message, Some(texts::too_many_pictures(wait)));
    }
    match rendered(app, requester, scene).await {
        Ok(picture) => attached(message, &picture),
        Err(error) => {
            tracing::warn!(%error, "a reply has no picture");
            message
        }
    }
}

async fn rendered(
    app: &DiscordState,
    requester: Requester,
    scene: impl Future<Output = Result<Scene, CommandError>>,
) -> Result<DescribedPicture, CommandError> {
    let scene = scene.await?;
    let theme = guild_setting::picture_theme(&app.store.reader, requester.guild).await?;
    let picture = app.senders.pictures.render(scene, theme).await;
    picture.map_err(|error| CommandError::Internal(error.to_string()))
}

/// The message with a picture, in its first embed if it has one.
pub(in crate::discord) fn attached(mut message: Message, picture: &DescribedPicture) -> Message {
    if let Some(first) = message.embeds.first_mut() {
        *first = std::mem::take(first).attachment(FILE_NAME);
    }
    let file = CreateAttachment::bytes(picture.png.bytes.clone(), FILE_NAME);
    message.files.push(file.description(&picture.description));
    with_sentence(message, texts::numbered(&picture.png.unreadable))
}

fn with_sentence(mut message: Message, sentence: Option<String>) -> Message {
    let content = Some(message.content).filter(|content| !content.is_empty());
    message.content = reply::lines([content, sentence]);
    message
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::notify::picture::png::PngPicture;

    fn picture(unreadable: &[&str]) -> DescribedPicture {
        DescribedPicture {
            png: Arc::new(PngPicture {
                bytes: vec![1, 2, 3],
                unreadable: unreadable.iter().map(|&one| one.to_owned()).collect(),
            }),
            description: "Latency of shop.".to_owned(),
        }
    }

    #[test]
    fn files_need_a_permission() {
        let without = Permissions::all() - Permissions::ATTACH_FILES - Permissions::ADMINISTRATOR;
        assert!(!may_attach(Some(without)));
        assert!(may_attach(Some(Permissions::ATTACH_FILES)));
        assert!(may_attach(Some(Permissions::ADMINISTRATOR)));
        assert!(may_attach(None));
    }

    #[test]
    fn a_picture_is_shown_in_the_embed_and_described() {
        let embed = serenity::CreateEmbed::new().title("shop");
        let found = attached(Message::embed(embed), &picture(&[]));
        let shown = serde_json::to_value(&found.embeds).unwrap();
        assert_eq!(shown[0]["image"]["url"], "attachment://picture.png");
        assert_eq!(shown[0]["title"], "shop");
        let file = found.files.first().unwrap();
        assert_eq!((&*file.filename, &*file.data), (FILE_NAME, &[1, 2, 3][..]));
        assert_eq!(file.description.as_deref(), Some("Latency of shop."));
        assert_eq!(found.content, "");
    }

    #[test]
    fn what_the_font_lacks_is_named_below_the_text_of_a_message() {
        let found = attached(Message::sentence("One sentence."), &picture(&["店"]));
        assert_eq!(found.content, "One sentence.\nIn the picture, `#1` is 店.");
        assert_eq!(found.files.len(), 1);
    }
}

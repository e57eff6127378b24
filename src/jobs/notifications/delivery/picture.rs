//! Draws the picture of a message: of a resolved incident, or of a summary. The message does not wait for it if something fails: then
//! it is text alone.

use super::context::DeliveryContext;
use super::load::LoadedDelivery;
use crate::actions::history::summary::summary_picture;
use crate::actions::incidents::outage_picture;
use crate::notify::picture::renderer::DescribedPicture;
use crate::notify::transport::Content;
use crate::store::guild::guild_setting;

/// The picture; `None` if there is none, or it could not be drawn.
pub(super) async fn of(
    context: &DeliveryContext,
    loaded: &LoadedDelivery,
) -> Option<DescribedPicture> {
    match drawn(context, loaded).await {
        Ok(picture) => picture,
        Err(error) => {
            let guild = loaded.destination.guild_id;
            tracing::warn!(delivery = loaded.delivery.id, %guild, %error, "a message has no picture");
            None
        }
    }
}

async fn drawn(
    context: &DeliveryContext,
    loaded: &LoadedDelivery,
) -> Result<Option<DescribedPicture>, Box<dyn std::error::Error + Send + Sync>> {
    let (reader, now) = (&context.store.reader, context.clock.now());
    let guild = loaded.destination.guild_id;
    let scene = match &loaded.content {
        Content::Incident(current) => {
            outage_picture::scene(reader, &current.incident, context.kept_checks, now).await?
        }
        Content::Summary(document) if summary_picture::is_worth_it(&document.summary) => {
            Some(summary_picture::scene(reader, guild, &document.summary, now).await?)
        }
        Content::Summary(_) | Content::Reminder(_) | Content::Joined(_) | Content::Board(_) => None,
    };
    let Some(scene) = scene else {
        return Ok(None);
    };
    let theme = guild_setting::picture_theme(reader, guild).await?;
    Ok(Some(context.pictures.render(scene, theme).await?))
}

//! Draws the picture of a resolved incident for its message. The message does not wait for it if something fails: then it is text alone.

use super::context::DeliveryContext;
use super::load::LoadedDelivery;
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
            tracing::warn!(delivery = loaded.delivery.id, %guild, %error, "a resolved incident has no picture");
            None
        }
    }
}

async fn drawn(
    context: &DeliveryContext,
    loaded: &LoadedDelivery,
) -> Result<Option<DescribedPicture>, Box<dyn std::error::Error + Send + Sync>> {
    let Content::Incident(current) = &loaded.content else {
        return Ok(None);
    };
    let (reader, incident) = (&context.store.reader, &current.incident);
    let now = context.clock.now();
    let scene = outage_picture::scene(reader, incident, context.kept_checks, now).await?;
    let Some(scene) = scene else {
        return Ok(None);
    };
    let theme = guild_setting::picture_theme(reader, incident.guild_id).await?;
    Ok(Some(context.pictures.render(scene, theme).await?))
}

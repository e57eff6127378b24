//! What the commands about summaries do.

use poise::serenity_prelude::{CreateEmbed, CreateEmbedFooter};

use super::{summary_card, texts};
use crate::actions::Requester;
use crate::actions::history::summary::{self, schedules, summary_picture};
use crate::discord::DiscordState;
use crate::discord::monitors::history::range_option;
use crate::discord::monitors::pictures::attach::{PictureRequest, with_picture};
use crate::discord::notifications::alert_channel;
use crate::discord::ui::embed::GREY;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::Message;
use crate::domain::discord_id::GuildId;
use crate::domain::history::summary::schedule::ScheduleId;
use crate::notify::messenger::SetupMessage;
use crate::notify::summary::SummaryDocument;
use crate::store::guild::guild_setting;
use crate::store::history::summary_schedule::{self, NewSchedule};

/// The range of a summary for which none is given.
const DEFAULT_RANGE: &str = "7d";

/// The summary of a range, with its picture.
pub(super) async fn show(
    app: &DiscordState,
    request: PictureRequest,
    typed: Option<&str>,
) -> Result<Message, CommandError> {
    let (reader, now) = (&app.store.reader, app.now());
    let guild = request.requester.guild;
    let range = range_option::wanted(app, guild, Some(typed.unwrap_or(DEFAULT_RANGE))).await?;
    let document = SummaryDocument {
        summary: summary::of(reader, guild, range.until(now), now).await?,
        zone: guild_setting::timezone(reader, guild).await?,
    };
    let message = summary_card::message(&document);
    if !summary_picture::is_worth_it(&document.summary) {
        return Ok(message);
    }
    let scene = async {
        let scene = summary_picture::scene(reader, guild, &document.summary, now);
        Ok(scene.await?)
    };
    Ok(with_picture(app, request, message, scene).await)
}

/// The schedules of a guild.
pub(super) async fn list(app: &DiscordState, guild: GuildId) -> Result<Message, CommandError> {
    let reader = &app.store.reader;
    let all = summary_schedule::list(reader, guild).await?;
    if all.is_empty() {
        return Ok(Message::sentence(texts::NO_SCHEDULES));
    }
    let lines: Vec<String> = all.iter().map(texts::schedule).collect();
    let zone = guild_setting::timezone(reader, guild).await?;
    let card = CreateEmbed::new()
        .title(texts::TITLE)
        .description(lines.join("\n"))
        .colour(GREY)
        .footer(CreateEmbedFooter::new(texts::zone(zone)));
    Ok(Message::embed(card))
}

/// Schedules summaries for a channel, after a message has arrived there.
pub(super) async fn schedule(
    app: &DiscordState,
    requester: Requester,
    new: NewSchedule,
) -> Result<Message, CommandError> {
    alert_channel::check_guild(app, requester.guild, new.channel).await?;
    let zone = guild_setting::timezone(&app.store.reader, requester.guild).await?;
    let announced = SetupMessage::SummariesStart {
        times: new.times,
        zone,
    };
    alert_channel::post(app, new.channel, announced).await?;
    schedules::schedule(&app.store, requester, new, app.now()).await?;
    Ok(Message::sentence(texts::scheduled(
        new.channel,
        new.times,
        zone,
    )))
}

/// Stops the summaries of a schedule.
pub(super) async fn stop(
    app: &DiscordState,
    requester: Requester,
    id: ScheduleId,
) -> Result<Message, CommandError> {
    let stopped = schedules::stop(&app.store, requester, id, app.now()).await?;
    Ok(Message::sentence(texts::stopped(&stopped)))
}

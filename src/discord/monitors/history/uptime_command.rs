//! `/uptime`: uptime, downtime and outages of monitors in a range, for every member.

use super::handlers::{self, HistoryOptions};
use super::range_option;
use crate::discord::Context;
use crate::discord::monitors::pictures::attach::PictureRequest;
use crate::discord::ui::complete;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply;

/// Show uptime and downtime of monitors, the worst first
#[poise::command(slash_command, guild_only)]
pub(in crate::discord) async fn uptime(
    ctx: Context<'_>,
    #[description = "Name of an endpoint, a device or a server (default: all monitors)"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    monitor: Option<String>,
    #[description = "Group (default: all monitors)"]
    #[autocomplete = "complete::group"]
    #[max_length = 64]
    group: Option<String>,
    #[description = "Such as 24h, last month, 2026-10 or 2026-10-03..2026-10-17 (default: 30d)"]
    #[autocomplete = "range_option::suggest"]
    #[max_length = 40]
    range: Option<String>,
    #[description = "Page (default: 1)"]
    #[min = 1]
    page: Option<u32>,
) -> Result<(), CommandError> {
    let request = PictureRequest::of_command(ctx)?;
    let wanted = HistoryOptions {
        monitor,
        group,
        range,
        page,
    };
    let work = async {
        let (app, guild) = (ctx.data(), request.requester.guild);
        let view = handlers::view(app, guild, wanted).await?;
        handlers::uptime_with_picture(app, request, &view).await
    };
    reply::answer(ctx, work).await
}

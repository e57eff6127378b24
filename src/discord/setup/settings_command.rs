//! `/settings …`: what a Discord server sets for itself.

use crate::actions::manage_guild::settings as guild_settings;
use crate::discord::Context;
use crate::discord::setup::texts;
use crate::discord::ui::complete;
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::reply::{self, Message};
use crate::domain::history::chart::scene::Theme;
use crate::domain::silences::maintenance::parse_zone;
use crate::store::Effect;
use crate::store::guild::guild_setting;

/// The choices of the option `theme`.
#[derive(Clone, Copy, Debug, poise::ChoiceParameter)]
enum ThemeChoice {
    #[name = "dark"]
    Dark,
    #[name = "light"]
    Light,
}

impl From<ThemeChoice> for Theme {
    fn from(choice: ThemeChoice) -> Self {
        match choice {
            ThemeChoice::Dark => Self::Dark,
            ThemeChoice::Light => Self::Light,
        }
    }
}

/// Change the settings of this Discord server
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    subcommands("timezone", "pictures")
)]
pub(in crate::discord) async fn settings(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Show or set the time zone of the history and of maintenance
#[poise::command(slash_command, guild_only)]
async fn timezone(
    ctx: Context<'_>,
    #[description = "Time zone, such as Europe/Berlin (default: show the present one)"]
    #[autocomplete = "complete::zone"]
    #[max_length = 40]
    zone: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let Some(zone) = zone else {
            let known = guild_setting::timezone(&app.store.reader, requester.guild).await?;
            return Ok(Message::sentence(texts::timezone(known)));
        };
        let zone = parse_zone(&zone).map_err(|error| wrong("zone", error))?;
        let changed = guild_settings::set_timezone(&app.store, requester, zone, app.now()).await?;
        Ok(Message::sentence(match changed {
            Effect::Changed => texts::timezone_set(zone),
            Effect::Nothing => texts::timezone(zone),
        }))
    };
    reply::answer(ctx, work).await
}

/// Show or set the colors of pictures
#[poise::command(slash_command, guild_only)]
async fn pictures(
    ctx: Context<'_>,
    #[description = "Colors (default: show the present ones)"] theme: Option<ThemeChoice>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let Some(theme) = theme.map(Theme::from) else {
            let known = guild_setting::picture_theme(&app.store.reader, requester.guild).await?;
            return Ok(Message::sentence(texts::picture_theme(known)));
        };
        let now = app.now();
        let changed = guild_settings::set_picture_theme(&app.store, requester, theme, now).await?;
        Ok(Message::sentence(match changed {
            Effect::Changed => texts::picture_theme_set(theme),
            Effect::Nothing => texts::picture_theme(theme),
        }))
    };
    reply::answer(ctx, work).await
}

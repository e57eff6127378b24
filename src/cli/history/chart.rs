//! `rollcall chart`: a picture of the history as a file: of one monitor, or of all of a Discord server.

use std::path::{Path, PathBuf};

use crate::actions::Error;
use crate::actions::history::charts::latency_chart::{ChartRequest, latency_scene};
use crate::actions::history::charts::server_metrics::{self, MetricsRequest};
use crate::actions::history::charts::weekday_hours::{self, HoursRequest};
use crate::actions::history::charts::{day_figures, inactive_endpoints};
use crate::actions::history::uptime;
use crate::app::AppError;
use crate::cli::history::monitor_arguments::one_monitor;
use crate::cli::terminal::guild_argument::GuildArgument;
use crate::cli::terminal::{app_error, print_note};
use crate::cli::{Database, with_store};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::chart::scene::{Scene, Theme};
use crate::domain::history::range::{HistoryRange, parse_range};
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::silences::maintenance::Tz;
use crate::domain::text;
use crate::notify::picture::{png, svg};
use crate::settings::Settings;
use crate::store::Store;
use crate::store::guild::guild_setting;
use crate::store::history::monitor_history::{self, HistoryScope};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ChartArguments {
    /// Name or id of a monitor, also of one that was removed: the latency of an endpoint or a device, or what a server reports. Or a
    /// picture of all monitors: uptime (their days), downtime (how long each was offline on each day), hours (downtime by weekday
    /// and hour) or inactive (how many endpoints were inactive)
    #[arg(value_name = "MONITOR")]
    subject: String,
    /// File to write, such as shop.png or shop.svg
    #[arg(value_parser = chart_file)]
    file: ChartFile,
    /// Range in the time zone of the Discord server, such as 24h, 7d, today, "this month" or 2026-10; of uptime, downtime, hours and
    /// inactive at most 92 days [default: 24h of a monitor, 30d of all]
    #[arg(long, value_name = "RANGE")]
    range: Option<String>,
    /// Only the monitors of a group, for uptime, downtime and hours
    #[arg(long, value_parser = crate::cli::name)]
    group: Option<String>,
    /// Colors
    #[arg(long, value_enum, default_value_t)]
    theme: ThemeName,
    #[command(flatten)]
    guild: GuildArgument,
}

/// A picture of all monitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
enum ChartOfAll {
    Uptime,
    Downtime,
    Hours,
    Inactive,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum ThemeName {
    #[default]
    Dark,
    Light,
}

impl From<ThemeName> for Theme {
    fn from(name: ThemeName) -> Self {
        match name {
            ThemeName::Dark => Self::Dark,
            ThemeName::Light => Self::Light,
        }
    }
}

/// A file with the format that its name says.
#[derive(Clone, Debug)]
struct ChartFile {
    path: PathBuf,
    is_svg: bool,
}

fn chart_file(text: &str) -> Result<ChartFile, String> {
    let path = PathBuf::from(text);
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    let is_svg = match ending.to_str() {
        Some("png") => false,
        Some("svg") => true,
        _ => {
            return Err(
                "the format is unknown. Use a name that ends with .png or .svg, such as `shop.png`"
                    .to_owned(),
            );
        }
    };
    Ok(ChartFile { path, is_svg })
}

pub(in crate::cli) async fn run(
    settings: &Settings,
    arguments: ChartArguments,
) -> Result<(), AppError> {
    with_store(settings, Database::Existing, async |store| {
        let of_all: Option<ChartOfAll> = arguments.subject.parse().ok();
        let default = if of_all.is_some() { "30d" } else { "24h" };
        let name = arguments.range.as_deref().unwrap_or(default);
        let now = Clock::SYSTEM.now();
        let guild = arguments.guild.guild_id(settings);
        let zone = guild_setting::timezone(&store.reader, guild).await?;
        let range = parse_range(name, zone, now)
            .map_err(|error| AppError::Setting(format!("--range: {error}")))?;
        let drawing = Drawing {
            store,
            guild,
            zone,
            range,
            name,
            now,
        };
        let scene = match of_all {
            Some(picture) => {
                let scope = match &arguments.group {
                    Some(group) => HistoryScope::Group(group.clone()),
                    None => HistoryScope::All,
                };
                drawing.of_all(picture, scope).await
            }
            None if arguments.group.is_some() => Err(Error::Invalid(
                "`--group` is for pictures of all monitors. Example: `rollcall chart uptime mail.png --group mail`".to_owned(),
            )),
            None => {
                let requester = arguments.guild.requester(settings);
                let id = one_monitor(store, requester, &arguments.subject).await?;
                drawing.of_one(id, settings).await
            }
        };
        write(&scene.map_err(range_error)?, arguments.theme.into(), &arguments.file)
    })
    .await
}

/// What is wrong with a range is wrong with the option.
fn range_error(error: Error) -> AppError {
    match error {
        Error::Invalid(sentence) if !sentence.starts_with('`') => {
            AppError::Setting(format!("--range: {sentence}"))
        }
        error => app_error(error),
    }
}

/// What all pictures need.
struct Drawing<'a> {
    store: &'a Store,
    guild: GuildId,
    zone: Tz,
    range: HistoryRange,
    /// The range as it was typed.
    name: &'a str,
    now: Timestamp,
}

impl Drawing<'_> {
    async fn of_one(&self, id: MonitorId, settings: &Settings) -> Result<Scene, Error> {
        let (reader, guild) = (&self.store.reader, self.guild);
        let scope = HistoryScope::One(id);
        let found = monitor_history::monitors(reader, guild, &scope, self.range).await?;
        if found
            .first()
            .is_some_and(|one| one.kind == MonitorKind::Server)
        {
            let request = MetricsRequest {
                guild,
                server: id,
                range: self.range,
                range_name: self.name.to_owned(),
            };
            return server_metrics::scene(reader, &request).await;
        }
        let request = ChartRequest {
            guild,
            monitor: id,
            range: self.range,
            range_name: self.name.to_owned(),
            kept_checks: settings.retention.check_archive,
        };
        latency_scene(reader, &request, self.now).await
    }

    async fn of_all(&self, picture: ChartOfAll, scope: HistoryScope) -> Result<Scene, Error> {
        let (reader, guild) = (&self.store.reader, self.guild);
        match picture {
            ChartOfAll::Uptime => Ok(self.days(&scope).await?.strip(self.name)),
            ChartOfAll::Downtime => Ok(self.days(&scope).await?.offline(self.name)),
            ChartOfAll::Hours => {
                let request = HoursRequest {
                    guild,
                    scope,
                    range: self.range,
                    range_name: self.name.to_owned(),
                };
                weekday_hours::scene(reader, &request, self.now).await
            }
            ChartOfAll::Inactive if scope != HistoryScope::All => Err(Error::Invalid(
                "`--group` is for uptime, downtime and hours. Leave it out for `rollcall chart inactive`".to_owned(),
            )),
            ChartOfAll::Inactive => {
                let found = inactive_endpoints::of(reader, guild, self.range).await?;
                Ok(found.scene(self.name))
            }
        }
    }

    /// The worst monitors first.
    async fn days(&self, scope: &HistoryScope) -> Result<day_figures::DayFigures, Error> {
        let reader = &self.store.reader;
        let mut all = uptime::list(reader, self.guild, scope, self.range, self.now).await?;
        uptime::sort_by_uptime(&mut all);
        day_figures::of(reader, &all, self.range, self.zone, self.now).await
    }
}

fn write(scene: &Scene, theme: Theme, file: &ChartFile) -> Result<(), AppError> {
    if file.is_svg {
        return save(&file.path, svg::svg(scene, theme).as_bytes(), scene);
    }
    let picture = png::png(scene, theme)
        .map_err(|error| AppError::Other(format!("cannot draw the picture: {error}")))?;
    save(&file.path, &picture.bytes, scene)?;
    for (number, text) in (1..).zip(&picture.unreadable) {
        print_note(&format!("In the picture, #{number} stands for {text}"));
    }
    Ok(())
}

fn save(path: &Path, bytes: &[u8], scene: &Scene) -> Result<(), AppError> {
    std::fs::write(path, bytes)
        .map_err(|error| AppError::Other(format!("cannot write {}: {error}", path.display())))?;
    let size = text::bytes(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    print_note(&format!("Wrote {} ({size})", path.display()));
    print_note(&scene.description);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_file_says_its_format() {
        for (name, is_svg) in [
            ("a.png", Some(false)),
            ("a.b/C.PNG", Some(false)),
            ("a.svg", Some(true)),
            ("a.jpg", None),
            ("png", None),
            ("", None),
            ("a.", None),
        ] {
            let found = chart_file(name).ok().map(|file| file.is_svg);
            assert_eq!(found, is_svg, "{name}");
        }
    }
}

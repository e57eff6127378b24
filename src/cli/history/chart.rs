//! `rollcall chart`: a picture of a monitor's latency and status in a range, as a file.

use std::path::{Path, PathBuf};

use crate::actions::history::chart::{ChartRequest, latency_scene};
use crate::app::AppError;
use crate::cli::history::monitor_arguments::one_monitor;
use crate::cli::terminal::guild_argument::GuildArgument;
use crate::cli::terminal::{app_error, print_note};
use crate::cli::{Database, with_store};
use crate::clock::Clock;
use crate::domain::history::chart::scene::{Scene, Theme};
use crate::domain::history::range::parse_range;
use crate::domain::text;
use crate::notify::picture::{png, svg};
use crate::settings::Settings;
use crate::store::guild::guild_setting;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ChartArguments {
    /// Name or id of the monitor; also of one that was removed
    monitor: String,
    /// File to write, such as shop.png or shop.svg
    #[arg(value_parser = chart_file)]
    file: ChartFile,
    /// Range in the time zone of the Discord server, such as 24h, 7d, today, "this month" or 2026-10
    #[arg(long, value_name = "RANGE", default_value = "24h")]
    range: String,
    /// Colors
    #[arg(long, value_enum, default_value_t)]
    theme: ThemeName,
    #[command(flatten)]
    guild: GuildArgument,
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
        let now = Clock::SYSTEM.now();
        let requester = arguments.guild.requester(settings);
        let zone = guild_setting::timezone(&store.reader, requester.guild).await?;
        let range = parse_range(&arguments.range, zone, now)
            .map_err(|error| AppError::Setting(format!("--range: {error}")))?;
        let request = ChartRequest {
            guild: requester.guild,
            monitor: one_monitor(store, requester, &arguments.monitor).await?,
            range,
            range_name: arguments.range.clone(),
            kept_checks: settings.retention.check_archive,
        };
        let scene = latency_scene(&store.reader, &request, now);
        let scene = scene.await.map_err(app_error)?;
        write(&scene, arguments.theme.into(), &arguments.file)
    })
    .await
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

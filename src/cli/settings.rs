//! `rollcall settings`: the values in force, and where each comes from.

use clap::Args;
use serde_json::json;

use super::terminal::{print_line, print_note};
use crate::app::AppError;
use crate::settings::{EffectiveSetting, Origin, Settings, SettingsError};

#[derive(Debug, Args)]
pub(super) struct SettingsArguments {
    /// Only settings that are set
    #[arg(long)]
    set: bool,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

/// Prints the settings, also if some are invalid.
pub(super) fn run(arguments: &SettingsArguments) -> Result<(), AppError> {
    let effective = Settings::effective();
    let is_set = |setting: &&EffectiveSetting| {
        matches!(setting.origin, Origin::Environment | Origin::DotEnv)
    };
    let settings = effective.settings.iter();
    let settings: Vec<_> = match arguments.set {
        true => settings.filter(is_set).collect(),
        false => settings.collect(),
    };
    if arguments.json {
        let shown: Vec<_> = settings.into_iter().map(shown).collect();
        print_line(&serde_json::Value::Array(shown).to_string());
    } else {
        if settings.is_empty() {
            print_note("No setting is set. docs/settings.md explains all settings");
        }
        for setting in settings {
            print_line(&line(setting));
        }
    }
    for warning in &effective.warnings {
        print_note(&format!("warning: {warning}"));
    }
    match effective.mistakes.is_empty() {
        true => Ok(()),
        false => Err(SettingsError(effective.mistakes).into()),
    }
}

fn line(setting: &EffectiveSetting) -> String {
    let value = match (&setting.value, setting.origin) {
        (Some(value), _) if value.is_empty() => "(empty)",
        (Some(value), _) => value,
        (None, Origin::Environment | Origin::DotEnv) => "(secret)",
        (None, _) => "-",
    };
    let origin = setting.origin.as_str();
    format!("{:<28} {origin:<12} {value}", setting.name)
}

fn shown(setting: &EffectiveSetting) -> serde_json::Value {
    json!({
        "name": setting.name, "value": setting.value, "origin": setting.origin.as_str(), "is_secret": setting.is_secret,
    })
}

//! The settings as they are in force, and where each comes from, for people who wonder why Rollcall does what it does.

use strum::IntoStaticStr;

use super::Settings;
use super::environment::renamed::{self, RENAMED};
use super::read::Variables;

/// Where the value of a setting comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(const_into_str)]
pub enum Origin {
    #[strum(serialize = "environment")]
    Environment,
    #[strum(serialize = ".env")]
    DotEnv,
    #[strum(serialize = "default")]
    Default,
    /// Neither set nor with a default.
    #[strum(serialize = "not set")]
    Unset,
}

impl Origin {
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// A setting as it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveSetting {
    pub name: String,
    /// `None` if it has none, and if it is a secret.
    pub value: Option<String>,
    pub origin: Origin,
    pub is_secret: bool,
}

/// All settings by name, and what is wrong or odd about them, in sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EffectiveSettings {
    pub settings: Vec<EffectiveSetting>,
    pub mistakes: Vec<String>,
    pub warnings: Vec<String>,
}

impl Settings {
    /// Reads the same as `from_environment`, and keeps all texts, the invalid ones, too.
    pub fn effective() -> EffectiveSettings {
        effective(Self::variables())
    }
}

fn effective(mut read: Variables) -> EffectiveSettings {
    for name in RENAMED {
        if read.of_dot_env.remove(name.old) && !read.variables.contains_key(name.new) {
            read.of_dot_env.insert(name.new.to_owned());
        }
    }
    let renamed = renamed::adopt(&mut read.variables);
    read.warnings.extend(renamed);
    Settings::all(&mut read);
    let names = std::mem::take(&mut read.names);
    let settings = names.into_iter().map(|name| one(&read, name)).collect();
    EffectiveSettings {
        settings,
        mistakes: read.mistakes,
        warnings: read.warnings,
    }
}

/// A value with an @ may contain a password. A setting that is set to nothing has its default, except where nothing has a meaning of its own.
fn one(read: &Variables, name: String) -> EffectiveSetting {
    let may_be_empty = read.empty_is_a_value.contains(&name);
    let set = read.variables.get(&name).map(|value| value.trim());
    let set = set.filter(|value| may_be_empty || !value.is_empty());
    let default = read.defaults.get(&name).map(String::as_str);
    let origin = match (set, default) {
        (Some(_), _) if read.of_dot_env.contains(&name) => Origin::DotEnv,
        (Some(_), _) => Origin::Environment,
        (None, Some(_)) => Origin::Default,
        (None, None) => Origin::Unset,
    };
    let is_secret = read.secrets.contains(&name);
    EffectiveSetting {
        value: set
            .or(default)
            .filter(|value| !is_secret && !value.contains('@'))
            .map(str::to_owned),
        is_secret,
        origin,
        name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_value_and_its_origin_and_no_secret_is_shown() {
        let read = Variables {
            variables: [
                ("DISCORD_TOKEN", "canary.a.b"),
                ("HEALTHCHECK_PING_URL", "https://example.org/canary"),
                ("PROBE_INTERVAL", "10s"),
                ("PROBE_TIMEOUT", " "),
                ("LOG_LEVEL", "loud"),
                ("DATABASE_URL", "postgres://me:canary@localhost/rollcall"),
                (
                    "DISCORD_TOKEN_FILE",
                    &format!("canary.{}.b", "x".repeat(50)),
                ),
                ("CONNECTIVITY_NAMES", ""),
                (RENAMED[0].old, "192.0.2.1:53"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            of_dot_env: ["PROBE_INTERVAL", RENAMED[0].old].map(str::to_owned).into(),
            ..Variables::default()
        };
        let effective = effective(read);
        assert!(!format!("{effective:?}").contains("canary"));
        assert_eq!(effective.mistakes.len(), 3, "{:?}", effective.mistakes);
        let of = |name: &str| {
            let mut settings = effective.settings.iter();
            let found = settings.find(|setting| setting.name == name).unwrap();
            (found.value.as_deref(), found.origin)
        };
        assert_eq!(of("DISCORD_TOKEN"), (None, Origin::Environment));
        assert_eq!(of("DISCORD_TOKEN_FILE"), (None, Origin::Environment));
        assert_eq!(of("DATABASE_URL"), (None, Origin::Environment));
        assert_eq!(of("DISCORD_GUILD_ID"), (None, Origin::Unset));
        assert_eq!(of("HEALTHCHECK_PING_URL"), (None, Origin::Environment));
        assert_eq!(of("PROBE_INTERVAL"), (Some("10s"), Origin::DotEnv));
        assert_eq!(of("PROBE_TIMEOUT"), (Some("10s"), Origin::Default));
        assert_eq!(of("PROBE_MIN_INTERVAL"), (Some("10s"), Origin::Default));
        assert_eq!(of("LOG_LEVEL"), (Some("loud"), Origin::Environment));
        assert_eq!(of("CONNECTIVITY_NAMES"), (Some(""), Origin::Environment));
        assert_eq!(
            of("CONNECTIVITY_HOSTS"),
            (Some("192.0.2.1:53"), Origin::DotEnv)
        );
        let names = effective.settings.iter().map(|setting| &setting.name);
        assert!(names.eq(Settings::known().names.iter()));
    }
}

//! What the fuzz targets in `fuzz/` call: each function gives any bytes to the code of the product and asserts what must
//! hold. It is compiled with `--cfg fuzzing` only, as the other files of this name are.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::actions::endpoints::endpoint_limits::{EndpointLimits, LimitedStore};
use crate::actions::endpoints::export_endpoints::{ExportFormat, export};
use crate::actions::endpoints::import_endpoints::{self, EndpointFile};
use crate::actions::incidents::replace_alerts::{self, AlertChoice};
use crate::actions::{Requester, manage_key};
use crate::app::Parts;
use crate::discord::Button;
use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, GuildId};
use crate::domain::endpoints::status_rule::State;
use crate::domain::endpoints::target::{MAX_TARGET_BYTES, Target};
use crate::domain::event::Actor;
use crate::domain::key::KeyKind;
use crate::domain::monitor::{MonitorId, check_interval, parse_name};
use crate::domain::notifications::alert_policy::AlertPreferences;
use crate::http::fuzzing::Interface;
use crate::probe;
use crate::settings::{Settings, SettingsError};
use crate::store::Store;
use crate::store::endpoints::endpoint::{self, Description, Endpoint};

/// Discord's limit for a custom id, in characters.
const LONGEST_CUSTOM_ID: usize = 100;

/// How many inputs share one database. The changes of one input are there for the next ones.
const INPUTS_OF_A_STORE: u64 = 500;

/// How many endpoints a guild may import.
const QUOTA: u64 = 3;

const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

/// The text of a target: what it is parsed to has one spelling, which is within the limit and is parsed to the same.
pub fn target(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match text.parse::<Target>() {
        Ok(target) => assert_canonical(&target),
        Err(error) => assert!(error.to_string().contains(". Example: `"), "{error}"),
    }
}

fn assert_canonical(target: &Target) {
    let text = target.to_string();
    assert!(text.len() <= MAX_TARGET_BYTES, "{text}");
    assert_eq!(text.parse().as_ref(), Ok(target));
}

/// The custom id of a pressed button: what it is parsed to is parsed from its own custom id, too.
pub fn custom_id(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if text.chars().count() > LONGEST_CUSTOM_ID {
        return;
    }
    if let Some(button) = Button::parse(text) {
        assert_eq!(Button::parse(&button.custom_id()), Some(button));
    }
}

/// Options of a check, a seed for the sizes of pieces, and the response of a checked server.
pub fn response(data: &[u8]) {
    if let [options, seed, response @ ..] = data {
        probe::fuzzing::check(*options, *seed, response);
    }
}

/// An import file: every accepted endpoint is within the limits, an export of them reads back the same, and an import never
/// adds more than the quota.
pub fn endpoint_file(data: &[u8]) {
    let Ok(file) = EndpointFile::parse(data) else {
        return;
    };
    assert!(file.descriptions.len() + file.refused.len() <= data.len());
    let mut targets = HashSet::new();
    for description in &file.descriptions {
        assert_canonical(&description.target);
        assert!(targets.insert(&description.target), "{description:?}");
        let name = &description.name;
        assert_eq!(parse_name(name).as_ref(), Ok(name));
        if let Some(interval) = description.interval {
            assert_eq!(check_interval(interval), Ok(interval));
        }
    }
    assert_line_is_read(data);
    assert_exported(&file.descriptions);
    // An import takes a thousand times as long as the rest, so only files at the limit and beyond it are imported.
    if file.descriptions.len() as u64 >= QUOTA {
        with_bot(|bot| bot.import(data, &file));
    }
}

/// One target alone is a valid file.
fn assert_line_is_read(data: &[u8]) {
    let text = std::str::from_utf8(data).unwrap_or_default();
    if let Ok(target) = text.parse::<Target>() {
        let file = EndpointFile::parse(data).unwrap_or_default();
        let targets: Vec<_> = file.descriptions.iter().map(|one| &one.target).collect();
        assert_eq!(targets, [&target]);
    }
}

fn assert_exported(descriptions: &[Description]) {
    let endpoints: Vec<Endpoint> = descriptions.iter().map(endpoint_of).collect();
    for format in [ExportFormat::Text, ExportFormat::Csv, ExportFormat::Json] {
        let exported = export(&endpoints, format).expect("it is written to memory");
        let again = EndpointFile::parse(&exported).expect("an export is a valid file");
        let known = descriptions.iter().cloned().map(|known| match format {
            // The text has no column for it.
            ExportFormat::Text => Description {
                interval: None,
                ..known
            },
            ExportFormat::Csv | ExportFormat::Json => known,
        });
        assert_eq!(again.descriptions, known.collect::<Vec<_>>(), "{format:?}");
        assert_eq!(again.refused, [], "{format:?}");
    }
}

fn endpoint_of(description: &Description) -> Endpoint {
    Endpoint {
        id: MonitorId(1),
        guild_id: GuildId::LOCAL,
        description: description.clone(),
        state: State::new(NOW),
        last_check_at: None,
        recheck_counts_from: None,
        last_seen_at: None,
        next_check_at: None,
        latency: None,
        certificate: None,
        created_at: NOW,
    }
}

/// Settings, one `NAME=value` in each line: every sentence about a mistake begins with the name of a setting.
pub fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let variables = lines.map(|(name, value)| (name.to_owned(), value.to_owned()));
    if let Err(SettingsError(mistakes)) = Settings::from_variables(variables.collect()) {
        for mistake in mistakes {
            let is_in_name = |letter: char| letter.is_ascii_uppercase() || letter == '_';
            let after = mistake.trim_start_matches(is_in_name);
            assert!(mistake.len() - after.len() > 4, "{mistake}");
        }
    }
}

/// A request to the HTTP interface: the answer is no failure of Rollcall, and a refusal by the API is a problem.
pub fn request(data: &[u8]) {
    with_bot(|bot| bot.runtime.block_on(bot.interface.check(data)));
}

/// A bot with a database of its own, without Discord and without a network.
struct IsolatedBot {
    runtime: Runtime,
    store: Store,
    interface: Interface,
    folder: PathBuf,
    inputs: u64,
}

thread_local! {
    static BOT: RefCell<Option<IsolatedBot>> = const { RefCell::new(None) };
}

fn with_bot(run: impl FnOnce(&IsolatedBot)) {
    BOT.with_borrow_mut(|bot| {
        if let Some(old) = bot.take_if(|bot| bot.inputs == INPUTS_OF_A_STORE) {
            old.close();
        }
        let bot = bot.get_or_insert_with(IsolatedBot::start);
        bot.inputs += 1;
        run(bot);
    });
}

impl IsolatedBot {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("rollcall-fuzz-{}", std::process::id()));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("the system has room for it");
        // A process cannot remove its last one, and a later process may have the same id.
        let _ = std::fs::remove_dir_all(&folder);
        let (store, interface) = runtime.block_on(async {
            let url = format!("sqlite://{}/rollcall.db", folder.display());
            let store = Store::open(&url).await.expect("the folder is new");
            let settings = Settings::from_variables(HashMap::new()).expect("none is needed");
            let parts = Parts::new(&settings, &store).expect("the settings are valid");
            let mut app = parts.http();
            // Checks are out of time before they connect.
            app.checks.timeout = Duration::ZERO;
            let key = first_key(&store).await;
            (store, Interface::new(app, key).await)
        });
        Self {
            runtime,
            store,
            interface,
            folder,
            inputs: 0,
        }
    }

    fn close(self) {
        drop(self.interface);
        self.runtime.block_on(self.store.close());
        drop(self.runtime);
        std::fs::remove_dir_all(&self.folder).expect("the folder is there");
    }

    /// Imports a file for a new guild.
    fn import(&self, data: &[u8], file: &EndpointFile) {
        let guild = GuildId(1_000 + self.inputs);
        let limited = LimitedStore {
            store: &self.store,
            limits: &EndpointLimits::of_quota(QUOTA),
        };
        self.runtime.block_on(async {
            let result = import_endpoints::import(limited, operator(guild), data, NOW).await;
            let added = endpoint::all(&self.store.reader, Some(guild)).await;
            let added = added.expect("it is readable").into_iter();
            let mut added: Vec<_> = added.map(|added| added.description).collect();
            added.sort_by_key(|one| file.descriptions.iter().position(|known| known == one));
            let known = match result {
                Ok(imported) => {
                    assert_eq!(imported.refused.len(), file.refused.len());
                    assert!(file.descriptions.len() as u64 <= QUOTA);
                    &file.descriptions[..]
                }
                Err(_) => {
                    assert!(file.descriptions.len() as u64 > QUOTA);
                    &[]
                }
            };
            assert_eq!(added, known);
        });
    }
}

/// An admin key of a guild with alerts, which need Discord to be set up by a request.
async fn first_key(store: &Store) -> String {
    let requester = operator(GuildId(1));
    let chosen = AlertChoice {
        channel: ChannelId(5),
        role: None,
        preferences: AlertPreferences::default(),
    };
    let set_up = replace_alerts::replace(store, requester, chosen, NOW).await;
    let _ = set_up.expect("the store is new");
    let key = manage_key::create(store, requester, KeyKind::Admin, 1, NOW).await;
    key.expect("the store is new").reveal()
}

fn operator(guild: GuildId) -> Requester {
    Requester {
        guild,
        actor: Actor::CommandLine,
    }
}

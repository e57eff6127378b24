//! Texts that a rule of the domain reads: names, durations, targets. Reading and schema stand beside each other.

use std::borrow::Cow;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::pattern;
use crate::actions::silences::start::MUTE_RANGE;
use crate::domain::Timestamp;
use crate::domain::devices::device::{self, DeviceUuid};
use crate::domain::devices::push_token::PushToken;
use crate::domain::devices::slug::{self, Slug};
use crate::domain::endpoints::http_check::{HttpCheck, MAX_KEYWORD};
use crate::domain::endpoints::target::{MAX_TARGET_BYTES, Target};
use crate::domain::incidents::note::{MAX_NOTE, parse_note};
use crate::domain::key::KeyId;
use crate::domain::monitor::{INTERVAL_RANGE, MAX_NAME, parse_interval, parse_name};
use crate::domain::notifications::alert_policy::{BULK_WINDOWS, WAITS};
use crate::domain::notifications::webhook;
use crate::domain::servers::metric::{LONGEST_METRIC, Metric};
use crate::domain::silences::maintenance::parse_time;
use crate::domain::text;

/// How a text is read, and how its schema describes it.
pub(in crate::http) trait TextRule {
    type Value;
    const NAME: &'static str;
    const EXAMPLE: &'static str;

    /// Reads the text, or says what is wrong with it.
    fn read(text: &str) -> Result<Self::Value, String>;

    fn describe(schema: ObjectBuilder) -> ObjectBuilder;
}

/// A text of a request, as its rule read it.
#[derive(Clone, Debug)]
pub(in crate::http) struct Text<R: TextRule>(pub R::Value);

impl<'de, R: TextRule> Deserialize<'de> for Text<R> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(from)?;
        R::read(&text).map(Self).map_err(D::Error::custom)
    }
}

impl<R: TextRule> PartialSchema for Text<R> {
    fn schema() -> RefOr<Schema> {
        R::describe(ObjectBuilder::new().schema_type(Type::String))
            .examples([R::EXAMPLE])
            .into()
    }
}

impl<R: TextRule> ToSchema for Text<R> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(R::NAME)
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $alias:ident, $rule:ident, $value:ty, $name:literal, $example:literal, $read:expr, $describe:expr;)*) => {
        $(
            $(#[$doc])*
            pub(in crate::http) type $alias = Text<$rule>;

            #[derive(Clone, Debug)]
            pub(in crate::http) struct $rule;

            impl TextRule for $rule {
                type Value = $value;
                const NAME: &'static str = $name;
                const EXAMPLE: &'static str = $example;

                fn read(text: &str) -> Result<$value, String> {
                    let read: fn(&str) -> Result<$value, String> = $read;
                    read(text)
                }

                fn describe(schema: ObjectBuilder) -> ObjectBuilder {
                    let describe: fn(ObjectBuilder) -> ObjectBuilder = $describe;
                    describe(schema)
                }
            }
        )*
    };
}

const SECOND: Duration = Duration::from_secs(1);

const MINUTE: Duration = Duration::from_secs(60);

/// Ids are stored as signed 64-bit integers.
const MOST_DISCORD_ID: u64 = i64::MAX as u64;

/// The most quantiles of a series.
const MOST_QUANTILES: usize = 10;

/// The longest step that every unit can write with the digits that are read.
const LONGEST_STEP: Duration = Duration::from_secs(366 * 86_400);

texts! {
    /// The name of a monitor or a group.
    Name, NameRule, String, "Name", "web shop",
        |text| parse_name(text).map_err(|error| error.to_string()),
        |schema| schema
            .min_length(Some(1))
            .max_length(Some(MAX_NAME))
            .pattern(Some(pattern::visible_text()));

    /// A note of an incident.
    NoteText, NoteTextRule, String, "NoteText", "the provider works on it",
        |text| parse_note(text).map_err(|error| error.to_string()),
        |schema| schema
            .min_length(Some(1))
            .max_length(Some(MAX_NOTE))
            .pattern(Some(pattern::visible_lines()))
            .description(Some("1 to 1,000 characters on any number of lines."));

    /// A check interval.
    Interval, IntervalRule, Duration, "Interval", "60s",
        |text| parse_interval(text).map_err(|error| error.to_string()),
        |schema| schema
            .pattern(Some(pattern::durations(INTERVAL_RANGE.0, INTERVAL_RANGE.1, SECOND)))
            .description(Some("A duration from 1s to 24h, such as `30s` or `5m`; a bare number is seconds."));

    /// The time without a heartbeat after which a device is offline.
    DeviceThreshold, DeviceThresholdRule, Duration, "DeviceThreshold", "26h",
        |text| device::parse_threshold(text).map_err(|error| error.to_string()),
        |schema| schema
            .pattern(Some(pattern::durations(device::THRESHOLD_RANGE.0, device::THRESHOLD_RANGE.1, SECOND)))
            .description(Some("A duration from 1s to 35d, such as `10m` or `26h`; a bare number is seconds."));

    /// A target of an endpoint.
    TargetText, TargetRule, Target, "Target", "https://example.org/health",
        |text| text.parse::<Target>().map_err(|error| error.to_string()),
        |schema| schema
            .max_length(Some(MAX_TARGET_BYTES))
            .pattern(Some(pattern::target()))
            .description(Some("`tcp://host:port`, `http(s)://host[:port]/path`, or `ip:port`."));

    /// The status codes that an HTTP check expects.
    ExpectedStatus, ExpectedStatusRule, String, "ExpectedStatus", "200-399",
        |text| HttpCheck::parse_status(text).map(|_| text.to_owned()).map_err(|error| error.to_string()),
        |schema| schema
            .pattern(Some(pattern::expected_status()))
            .description(Some("A status code or a range, such as `200` or `200-399`."));

    /// A text that must occur in a response.
    Keyword, KeywordRule, String, "Keyword", "ok",
        |text| HttpCheck::parse_keyword(text).map_err(|error| error.to_string()),
        |schema| schema.min_length(Some(1)).max_length(Some(MAX_KEYWORD));

    /// A moment in time.
    Moment, MomentRule, Timestamp, "Moment", "2026-01-31T12:00:00Z",
        |input| text::parse_timestamp(input)
            .ok_or_else(|| "must be a timestamp. Examples: `2026-01-31T12:00:00Z`, `1769860800`".to_owned()),
        |schema| schema
            .pattern(Some(pattern::moment()))
            .description(Some("RFC 3339, or whole seconds since 1970."));

    /// A range of the history. Its days are those of the guild's time zone, so the handler reads it.
    RangeText, RangeTextRule, String, "Range", "30d",
        |input| Ok(input.to_owned()),
        |schema| schema
            .pattern(Some(pattern::range()))
            .description(Some("`24h`, `7d`, `30d`, `90d`, `1y`, `today`, `yesterday`, `this month`, `2026-10`, `2026-Q3` or `2026-10-03..2026-10-17`, in the time zone of the Discord server. Default: `30d`."));

    /// The length of a step of a series.
    Step, StepRule, Duration, "Step", "60s",
        |input| text::parse_duration(input, SECOND)
            .filter(|step| !step.is_zero())
            .ok_or_else(|| "must be a duration. Example: `60s`".to_owned()),
        |schema| schema
            .pattern(Some(pattern::durations(Duration::from_millis(1), LONGEST_STEP, SECOND)))
            .description(Some("A duration, such as `60s` or `1h`; a bare number is seconds."));

    /// Quantiles of latencies.
    Quantiles, QuantilesRule, Vec<f64>, "Quantiles", "0.5,0.95,0.99",
        read_quantiles,
        |schema| schema
            .pattern(Some(QUANTILES_PATTERN))
            .description(Some("1 to 10 numbers from 0 to 1, separated by commas. Default: `0.5,0.95,0.99`."));

    /// The numbers that a limit of a server is about.
    MetricText, MetricRule, Metric, "MetricName", "disk",
        |input| input.parse::<Metric>().map_err(|error| error.to_string()),
        |schema| schema
            .min_length(Some(1))
            .max_length(Some(LONGEST_METRIC))
            .pattern(Some(pattern::metric()))
            .description(Some("The path of a number in the reports, such as `cpu` or `metrics.queue`, of at most 128 bytes, with at most one `*` for any text. `disk` and `memory` also stand for the percentages below them. Of several numbers, the worst one decides."));

    /// The slug of a device.
    SlugText, SlugRule, Slug, "Slug", "database-backup",
        |input| Slug::parse(input).map_err(|error| error.to_string()),
        |schema| schema
            .max_length(Some(slug::LONGEST))
            .pattern(Some("^[a-z0-9_-]+$"))
            .description(Some("Names the device in the URLs of pings."));

    /// A push token of a device.
    PushTokenText, PushTokenRule, PushToken, "PushToken", "Wq3ZkT8nB1xRj5LpVd0mYc7HsGf2EuA9",
        |input| PushToken::parse(input).map_err(|error| error.to_string()),
        |schema| schema
            .pattern(Some("^(?![0-9A-Fa-f]{32}$)[0-9A-Za-z]{32}$"))
            .description(Some("A token of Uptime Kuma, to which pushes go on working. It is not shown again."));

    /// The public id of an API key.
    KeyIdText, KeyIdRule, KeyId, "KeyId", "0QmZ1xRj5LpV",
        |input| KeyId::parse(input).ok_or_else(|| "must be the id of an API key".to_owned()),
        |schema| schema.pattern(Some("^[0-9A-Za-z]{12}$"));

    /// An id of Discord.
    DiscordId, DiscordIdRule, u64, "DiscordId", "175928847299117063",
        |input| input.parse().ok().filter(|id| (1..=MOST_DISCORD_ID).contains(id))
            .ok_or_else(|| "must be an id of Discord, as a text. Example: `\"175928847299117063\"`".to_owned()),
        |schema| schema
            .pattern(Some(format!("^{}$", pattern::integers(1, MOST_DISCORD_ID))))
            .description(Some("An id of Discord as a text: numbers of this size lose digits in many JSON parsers."));

    /// How long a mute or maintenance lasts.
    SilenceLength, SilenceLengthRule, Duration, "SilenceLength", "2h",
        |input| text::parse_duration(input, MINUTE)
            .filter(|length| (MUTE_RANGE.0..=MUTE_RANGE.1).contains(length))
            .ok_or_else(|| "must be a duration from 1s to 30d. Example: `2h`".to_owned()),
        |schema| schema
            .pattern(Some(pattern::durations(MUTE_RANGE.0, MUTE_RANGE.1, MINUTE)))
            .description(Some("A duration, such as `30m` or `2h`; a bare number is minutes. A mute lasts 1s to 30d, maintenance 1m to 7d."));

    /// A time of day.
    TimeOfDay, TimeOfDayRule, u16, "TimeOfDay", "22:30",
        |input| parse_time(input).map_err(|error| error.to_string()),
        |schema| schema.pattern(Some("^(?:[01][0-9]|2[0-3]):[0-5][0-9]$"));

    /// The name of a time zone.
    ZoneName, ZoneNameRule, String, "ZoneName", "Europe/Berlin",
        |input| Ok(input.to_owned()),
        |schema| schema
            .max_length(Some(64))
            .description(Some("An IANA name, such as `Europe/Berlin`."));

    /// The time until a reminder or an escalation.
    AlertWait, AlertWaitRule, Duration, "AlertWait", "15m",
        |input| text::parse_duration(input, MINUTE)
            .filter(|length| WAITS.contains(length))
            .ok_or_else(|| "must be a duration from 1s to 7d. Example: `15m`".to_owned()),
        |schema| schema
            .pattern(Some(pattern::durations(*WAITS.start(), *WAITS.end(), MINUTE)))
            .description(Some("A duration from 1s to 7d, such as `15m`; a bare number is minutes."));

    /// The time in which the endpoints of a bulk alert change.
    BulkWindow, BulkWindowRule, Duration, "BulkWindow", "1m",
        |input| text::parse_duration(input, MINUTE)
            .filter(|length| BULK_WINDOWS.contains(length))
            .ok_or_else(|| "must be a duration from 5s to 1d. Example: `1m`".to_owned()),
        |schema| schema
            .pattern(Some(pattern::durations(*BULK_WINDOWS.start(), *BULK_WINDOWS.end(), MINUTE)))
            .description(Some("A duration from 5s to 1d, such as `30s`; a bare number is minutes."));

    /// The URL of a webhook.
    WebhookUrl, WebhookUrlRule, Target, "WebhookUrl", "https://example.org/hook",
        |input| webhook::parse_url(input).map_err(|error| error.to_string()),
        |schema| schema
            .max_length(Some(MAX_TARGET_BYTES))
            .pattern(Some(pattern::http_target()))
            .description(Some("It is kept secret, and not shown again."));

    /// The UUID of a device.
    UuidText, UuidRule, DeviceUuid, "DeviceUuid", "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f",
        |text| DeviceUuid::parse(text).map_err(|error| error.to_string()),
        describe_uuid;
}

const QUANTILES_PATTERN: &str =
    "^(?:0(?:\\.[0-9]{1,6})?|1(?:\\.0{1,6})?)(?:,(?:0(?:\\.[0-9]{1,6})?|1(?:\\.0{1,6})?)){0,9}$";

/// Reads what `QUANTILES_PATTERN` describes.
fn read_quantiles(input: &str) -> Result<Vec<f64>, String> {
    let quantile = |text: &str| {
        let (whole, digits) = text.split_once('.').unwrap_or((text, "0"));
        let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_known = ["0", "1"].contains(&whole) && (1..=6).contains(&digits.len()) && are_digits;
        text.parse()
            .ok()
            .filter(|number| is_known && *number <= 1.0)
    };
    let quantiles: Option<Vec<f64>> = input.split(',').map(quantile).collect();
    quantiles
        .filter(|all| all.len() <= MOST_QUANTILES)
        .ok_or_else(|| {
            format!("must be 1 to {MOST_QUANTILES} numbers from 0 to 1. Example: `0.5,0.95`")
        })
}

/// UUIDs with or without hyphens, in any case.
pub(super) fn describe_uuid(schema: ObjectBuilder) -> ObjectBuilder {
    schema
        .pattern(Some(UUID_PATTERN))
        .description(Some("A UUID; the hyphens are optional."))
}

/// What `DeviceUuid::parse` accepts.
const UUID_PATTERN: &str =
    "^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$";

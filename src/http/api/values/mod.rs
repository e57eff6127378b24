//! Values in requests and views that are more than a JSON type: they are read by a rule, and their schema says so.

mod bounded;
mod closed_set;
mod headers;
mod id;
mod json;
mod monitor_ids;
mod pattern;
mod percent;
mod text;
mod whole;

pub(in crate::http) use bounded::Bounded;
pub(in crate::http) use closed_set::{
    BudgetStateWord, CheckResultWord, EventKindWord, FailureClassWord, IncidentStateWord,
    KeyKindWord, LineKindWord, MethodWord, MonitorKindWord, OutageEndWord, OutageReasonWord,
    SeverityWord, SilenceKindWord, StatusWord, SummaryPeriodWord, ThresholdUsedWord,
    WebhookFormatWord, WeekDayWord, Word,
};
pub(in crate::http) use headers::HeaderValues;
pub(in crate::http) use id::{DateTime, Id, date_time};
pub(in crate::http) use json::{Hint, JsonObject, ReportedFigure};
pub(in crate::http) use monitor_ids::MonitorIds;
pub(in crate::http) use percent::PercentNumber;
pub(in crate::http) use text::{
    AlertWait, BulkWindow, DeviceThreshold, DiscordId, ExpectedStatus, Interval, KeyIdText,
    Keyword, MetricText, Moment, Name, NoteText, PushTokenText, Quantiles, RangeText,
    SilenceLength, SlugText, Step, TargetText, TimeOfDay, UuidText, WebhookUrl, ZoneName,
};

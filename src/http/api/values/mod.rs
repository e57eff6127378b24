//! Values in requests and views that are more than a JSON type: they are read by a rule, and their schema says so.

mod bounded;
mod closed_set;
mod headers;
mod id;
mod json;
mod pattern;
mod text;

pub(in crate::http) use bounded::Bounded;
pub(in crate::http) use closed_set::{
    EventKindWord, FailureClassWord, LineKindWord, MethodWord, StatusWord, ThresholdUsedWord, Word,
};
pub(in crate::http) use headers::HeaderValues;
pub(in crate::http) use id::{DateTime, Id, date_time};
pub(in crate::http) use json::{Hint, JsonObject, ReportedFigure};
pub(in crate::http) use text::{
    DeviceThreshold, ExpectedStatus, Interval, Keyword, Moment, Name, Step, TargetText, UuidText,
};

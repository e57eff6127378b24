//! Words from a closed set: enums of the domain, which knows nothing about JSON.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

use strum::VariantArray;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::devices::line_kind::LineKind;
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::endpoints::http_check::Method;
use crate::domain::event::EventKind;
use crate::domain::history::check_archive::ResultKind;
use crate::domain::history::objective::budget::BudgetState;
use crate::domain::history::summary::schedule::SummaryPeriod;
use crate::domain::incidents::incident_state::IncidentState;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::key::KeyKind;
use crate::domain::monitor::MonitorKind;
use crate::domain::notifications::webhook::WebhookFormat;
use crate::domain::servers::metric_limit::Severity;
use crate::domain::servers::threshold::ThresholdUsed;
use crate::domain::silences::maintenance::WeekDay;
use crate::domain::silences::silence::SilenceKind;
use crate::domain::status::Status;
use crate::domain::status::transition::OutageEnd;

/// An enum whose variants have words, with the name of its schema.
pub(in crate::http) trait ClosedSet:
    VariantArray + Copy + Into<&'static str>
{
    const NAME: &'static str;
}

/// A word that stands for a variant; case does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Word<T>(pub T);

macro_rules! closed_sets {
    ($($set:ty, $word:ident, $name:literal;)*) => {
        $(
            impl ClosedSet for $set {
                const NAME: &'static str = $name;
            }
            pub(in crate::http) type $word = Word<$set>;
        )*
    };
}

closed_sets! {
    Status, StatusWord, "Status";
    FailureClass, FailureClassWord, "FailureReason";
    ResultKind, CheckResultWord, "CheckResult";
    EventKind, EventKindWord, "EventType";
    Method, MethodWord, "HttpMethod";
    KeyKind, KeyKindWord, "KeyKind";
    MonitorKind, MonitorKindWord, "MonitorKind";
    SilenceKind, SilenceKindWord, "SilenceKind";
    WebhookFormat, WebhookFormatWord, "WebhookFormat";
    WeekDay, WeekDayWord, "WeekDay";
    ThresholdUsed, ThresholdUsedWord, "ThresholdUsed";
    LineKind, LineKindWord, "LineKind";
    IncidentState, IncidentStateWord, "IncidentState";
    OutageReason, OutageReasonWord, "OutageReason";
    OutageEnd, OutageEndWord, "OutageEnd";
    Severity, SeverityWord, "LimitSeverity";
    BudgetState, BudgetStateWord, "BudgetState";
    SummaryPeriod, SummaryPeriodWord, "SummaryPeriod";
}

impl<T: ClosedSet> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.into())
    }
}

impl<'de, T: ClosedSet> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(from)?;
        let is_it = |word: &&T| Into::<&str>::into(**word).eq_ignore_ascii_case(&text);
        let found = T::VARIANTS.iter().find(is_it);
        found.copied().map(Self).ok_or_else(|| {
            let words = T::VARIANTS.iter().map(|word| (*word).into());
            let words: Vec<&'static str> = words.collect();
            D::Error::custom(format!("must be one of {}", words.join(", ")))
        })
    }
}

impl<T: ClosedSet> PartialSchema for Word<T> {
    fn schema() -> RefOr<Schema> {
        let words = T::VARIANTS.iter().map(|word| (*word).into());
        let words: Vec<&'static str> = words.collect();
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(words));
        schema.into()
    }
}

impl<T: ClosedSet> ToSchema for Word<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(T::NAME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_in_any_case_and_a_wrong_one_lists_the_right_ones() {
        let read = |text: &str| serde_json::from_str::<StatusWord>(text);
        assert_eq!(read(r#""offline""#).unwrap(), Word(Status::Offline));
        assert_eq!(read(r#""Offline""#).unwrap(), Word(Status::Offline));
        let error = read(r#""off""#).unwrap_err().to_string();
        assert!(
            error.contains("unknown, online, warning, offline, paused"),
            "{error}"
        );
        assert_eq!(
            serde_json::to_string(&Word(Status::Offline)).unwrap(),
            r#""offline""#
        );
    }
}

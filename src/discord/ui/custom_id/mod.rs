//! Buttons and menus, and their custom ids.
//!
//! All of a button's state is in its custom id, so buttons work after a restart. The id is untrusted input: it names a page
//! or a monitor, never a guild or a permission.

pub(in crate::discord) mod history_view;

use std::time::Duration;

use poise::serenity_prelude as serenity;
use serenity::{ButtonStyle, CreateButton};

use super::setup_button::{CUSTOM_ID_LENGTH, SetupButton};
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::endpoints::target::Target;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::monitor::MonitorId;
use crate::domain::servers::metric::Metric;
use crate::domain::servers::metric_limit::{Condition, DEFAULT_HOLD, MetricLimit, Severity};
use crate::domain::servers::threshold::Thresholds;
use history_view::{HistoryView, IncidentsView};

/// A button or menu under a message of Rollcall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Button {
    OfflinePage {
        page: u32,
        reason: Option<FailureClass>,
    },
    EndpointsPage {
        page: u32,
        all: bool,
    },
    ObjectivesPage {
        page: u32,
    },
    UptimePage(HistoryView),
    OutagesPage(HistoryView),
    IncidentsPage(IncidentsView),
    RecheckAll,
    Recheck(MonitorId),
    Add(Target),
    /// Applies these thresholds to a server.
    TakeThresholds(MonitorId, Thresholds),
    KeepThresholds(MonitorId),
    /// Sets these limits, the first ones of a server.
    AddLimits(MonitorId, Vec<OfferedLimit>),
    /// Rechecks the endpoints of an incident.
    RecheckIncident(IncidentId),
    Acknowledge(IncidentId),
    /// Mutes an incident for an hour.
    Mute(IncidentId),
    /// Starts an hour of maintenance for an incident.
    Maintain(IncidentId),
    /// A menu of an incident's monitors. The chosen one is in the interaction's values, not in the id.
    Members(IncidentId),
    /// The menu of topics of `/help`. The chosen one is in the interaction's values.
    HelpTopic,
    /// A button or a menu of the setup of a guild.
    Setup(SetupButton),
    /// A menu of channels: alerts are sent to the chosen one, which is in the interaction's values.
    AlertChannel,
}

/// A limit that a button sets: a percentage above a bound, as a warning, after the usual time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OfferedLimit {
    pub metric: Metric,
    /// In percent.
    pub above: u32,
}

impl OfferedLimit {
    /// `None` for a limit that is no whole percentage above a bound.
    pub(super) fn of(limit: &MetricLimit) -> Option<Self> {
        let bound = limit.condition.bound()?;
        let offered = Self {
            metric: limit.metric.clone(),
            above: format!("{bound}").parse().ok()?,
        };
        (offered.limit() == *limit).then_some(offered)
    }

    /// Parses a metric and its bound.
    fn parse(parts: &[&str]) -> Option<Self> {
        let [metric, above] = parts else {
            return None;
        };
        Some(Self {
            metric: metric.parse().ok()?,
            above: above.parse().ok()?,
        })
    }

    pub(in crate::discord) fn limit(&self) -> MetricLimit {
        MetricLimit {
            metric: self.metric.clone(),
            condition: Condition::Above(f64::from(self.above)),
            hold: DEFAULT_HOLD,
            severity: Severity::Warning,
        }
    }
}

impl Button {
    /// A button that adds `target`; `None` if the target does not fit into an id.
    pub(in crate::discord) fn add(target: &Target) -> Option<Self> {
        let button = Self::Add(target.clone());
        (button.custom_id().len() <= CUSTOM_ID_LENGTH).then_some(button)
    }

    /// The custom id: a keyword and its arguments, separated by `|`. The format is stable, because old messages keep it.
    pub(crate) fn custom_id(&self) -> String {
        match self {
            Self::OfflinePage { page, reason } => {
                format!(
                    "offline|{page}|{}",
                    reason.map_or("any", FailureClass::as_str)
                )
            }
            Self::EndpointsPage { page, all } => {
                format!("endpoints|{page}|{}", if *all { "all" } else { "active" })
            }
            Self::ObjectivesPage { page } => format!("objectives|{page}"),
            Self::UptimePage(view) => format!("uptime|{}", view.arguments()),
            Self::OutagesPage(view) => format!("outages|{}", view.arguments()),
            Self::IncidentsPage(view) => format!("incidents|{}", view.arguments()),
            Self::RecheckAll => "recheck-all".to_owned(),
            Self::Recheck(id) => format!("recheck|{id}"),
            Self::Add(target) => format!("add|{target}"),
            Self::TakeThresholds(id, thresholds) => {
                let lengths = [
                    thresholds.online(),
                    thresholds.warning(),
                    thresholds.offline(),
                ];
                let [online, warning, offline] = lengths.map(|length| length.as_secs());
                format!("thresholds|{id}|{online}|{warning}|{offline}")
            }
            Self::KeepThresholds(id) => format!("keep-thresholds|{id}"),
            Self::AddLimits(id, offered) => {
                let parts = offered
                    .iter()
                    .map(|one| format!("|{}|{}", one.metric.as_str(), one.above));
                format!("limits|{id}{}", parts.collect::<String>())
            }
            Self::RecheckIncident(incident) => format!("recheck-incident|{}", incident.0),
            Self::Acknowledge(incident) => format!("acknowledge|{}", incident.0),
            Self::Mute(incident) => format!("mute|{}", incident.0),
            Self::Maintain(incident) => format!("maintain|{}", incident.0),
            Self::Members(incident) => format!("members|{}", incident.0),
            Self::HelpTopic => "help".to_owned(),
            Self::Setup(button) => button.custom_id(),
            Self::AlertChannel => "alert-channel".to_owned(),
        }
    }

    /// Parses a custom id; `None` if it is not a valid id of Rollcall.
    pub(crate) fn parse(custom_id: &str) -> Option<Self> {
        let (keyword, rest) = custom_id.split_once('|').unwrap_or((custom_id, ""));
        match keyword {
            "offline" => {
                let (page, reason) = rest.split_once('|')?;
                let reason = if reason == "any" {
                    None
                } else {
                    Some(reason.parse::<FailureClass>().ok()?)
                };
                Some(Self::OfflinePage {
                    page: page.parse().ok()?,
                    reason,
                })
            }
            "endpoints" => {
                let (page, which) = rest.split_once('|')?;
                let all = match which {
                    "all" => true,
                    "active" => false,
                    _ => return None,
                };
                Some(Self::EndpointsPage {
                    page: page.parse().ok()?,
                    all,
                })
            }
            "objectives" => Some(Self::ObjectivesPage {
                page: rest.parse().ok()?,
            }),
            "uptime" => HistoryView::parse(rest).map(Self::UptimePage),
            "outages" => HistoryView::parse(rest).map(Self::OutagesPage),
            "incidents" => IncidentsView::parse(rest).map(Self::IncidentsPage),
            "recheck-all" if rest.is_empty() => Some(Self::RecheckAll),
            "recheck" => Some(Self::Recheck(MonitorId(rest.parse().ok()?))),
            "add" => Some(Self::Add(rest.parse().ok()?)),
            "thresholds" => {
                let mut parts = rest.split('|');
                let id = MonitorId(parts.next()?.parse().ok()?);
                let mut seconds = || Some(Duration::from_secs(parts.next()?.parse().ok()?));
                let thresholds = Thresholds::new(seconds()?, seconds()?, seconds()?).ok()?;
                let is_whole = parts.next().is_none();
                is_whole.then_some(Self::TakeThresholds(id, thresholds))
            }
            "limits" => Self::parse_limits(rest),
            "recheck-incident" => Some(Self::RecheckIncident(IncidentId(rest.parse().ok()?))),
            "acknowledge" => Some(Self::Acknowledge(IncidentId(rest.parse().ok()?))),
            "mute" => Some(Self::Mute(IncidentId(rest.parse().ok()?))),
            "maintain" => Some(Self::Maintain(IncidentId(rest.parse().ok()?))),
            "help" if rest.is_empty() => Some(Self::HelpTopic),
            "members" => Some(Self::Members(IncidentId(rest.parse().ok()?))),
            "setup" => SetupButton::parse(rest).map(Self::Setup),
            "alert-channel" if rest.is_empty() => Some(Self::AlertChannel),
            "keep-thresholds" => Some(Self::KeepThresholds(MonitorId(rest.parse().ok()?))),
            _ => None,
        }
    }

    /// Parses what follows `limits|` in a custom id.
    fn parse_limits(rest: &str) -> Option<Self> {
        let (id, rest) = rest.split_once('|')?;
        let parts: Vec<&str> = rest.split('|').collect();
        let offered: Option<Vec<OfferedLimit>> = parts.chunks(2).map(OfferedLimit::parse).collect();
        Some(Self::AddLimits(MonitorId(id.parse().ok()?), offered?))
    }

    pub(in crate::discord) fn with_label(
        &self,
        label: impl Into<String>,
        style: ButtonStyle,
    ) -> CreateButton {
        CreateButton::new(self.custom_id())
            .label(label)
            .style(style)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::custom_id::history_view::PagedRange;
    use crate::domain::Timestamp;
    use crate::domain::history::range::{HistoryRange, MAX_RANGE};
    use crate::domain::incidents::incident_state::IncidentState;
    use crate::store::history::monitor_history::HistoryScope;

    fn offered(metric: &str, above: u32) -> OfferedLimit {
        OfferedLimit {
            metric: metric.parse().unwrap(),
            above,
        }
    }

    #[test]
    fn the_custom_id_of_offered_limits_is_stable() {
        let offered = vec![offered("disk", 90), offered("memory", 95)];
        let id = Button::AddLimits(MonitorId(7), offered).custom_id();
        assert_eq!(id, "limits|7|disk|90|memory|95");
    }

    /// A page with the longest arguments.
    fn history(scope: HistoryScope) -> HistoryView {
        let to = Timestamp::from_millis(i64::from(u32::MAX) * 1000);
        let from = to.minus(MAX_RANGE + Duration::from_secs(3600));
        HistoryView {
            page: u32::MAX,
            scope,
            range: PagedRange::new(HistoryRange { from, to }),
        }
    }

    fn incidents(state: Option<IncidentState>) -> Button {
        let HistoryView { page, range, .. } = history(HistoryScope::All);
        Button::IncidentsPage(IncidentsView { page, state, range })
    }

    #[test]
    fn every_button_fits_into_a_custom_id_and_parses_back() {
        let long = format!("http://example.org/{}", "x".repeat(77))
            .parse()
            .unwrap();
        for button in [
            Button::OfflinePage {
                page: u32::MAX,
                reason: Some(FailureClass::UnexpectedStatus),
            },
            Button::OfflinePage {
                page: 1,
                reason: None,
            },
            Button::EndpointsPage { page: 2, all: true },
            Button::EndpointsPage {
                page: 2,
                all: false,
            },
            Button::ObjectivesPage { page: u32::MAX },
            Button::UptimePage(history(HistoryScope::All)),
            Button::UptimePage(history(HistoryScope::One(MonitorId(i64::MAX)))),
            Button::UptimePage(history(HistoryScope::Group("g|".repeat(32)))),
            Button::OutagesPage(history(HistoryScope::Group("g".repeat(64)))),
            incidents(None),
            incidents(Some(IncidentState::Open)),
            incidents(Some(IncidentState::Resolved)),
            Button::RecheckAll,
            Button::Recheck(MonitorId(i64::MAX)),
            Button::TakeThresholds(MonitorId(i64::MAX), Thresholds::DEFAULT),
            Button::KeepThresholds(MonitorId(7)),
            Button::AddLimits(MonitorId(7), vec![offered("disk", 90)]),
            Button::AddLimits(
                MonitorId(i64::MAX),
                vec![offered("disk", u32::MAX), offered("memory", u32::MAX)],
            ),
            Button::RecheckIncident(IncidentId(i64::MAX)),
            Button::Acknowledge(IncidentId(7)),
            Button::Mute(IncidentId(7)),
            Button::Maintain(IncidentId(7)),
            Button::Members(IncidentId(7)),
            Button::HelpTopic,
            Button::AlertChannel,
            Button::add(&long).expect("it fits exactly"),
        ] {
            let id = button.custom_id();
            assert!(id.len() <= CUSTOM_ID_LENGTH, "{id}");
            assert_eq!(Button::parse(&id), Some(button));
        }
    }

    #[test]
    fn targets_too_long_for_an_id_get_no_button() {
        let long = format!("http://example.org/{}", "x".repeat(78))
            .parse()
            .unwrap();
        assert_eq!(Button::add(&long), None);
    }

    #[test]
    fn invalid_custom_ids_are_rejected() {
        for forged in [
            "",
            "offline",
            "offline|1",
            "offline|x|any",
            "offline|1|down",
            "endpoints|1|",
            "objectives|",
            "objectives|1|2",
            "incidents|1|0|1|",
            "incidents|1|0|1|closed",
            "incidents|1|0|1|any|",
            "incidents|1|2|1|any",
            "outages|1|0|1",
            "uptime|1|0|1",
            "uptime|1|0|1|",
            "uptime|1|0|1|b",
            "uptime|1|0|1|all",
            "uptime|1|0|1|m",
            "uptime|1|0|1|mx",
            "uptime|1|0|1|g",
            "uptime|1|0|1|ä",
            "uptime|1|2|1|a",
            "uptime|x|0|1|a",
            "uptime|1|0|100000000|a",
            // A second longer than the longest range.
            "uptime|1|0|967a511|a",
            "recheck-all|9",
            "help|9",
            "alert-channel|5",
            "recheck|x",
            "add|nonsense",
            "remove|1",
            "thresholds|1|300|60|7200",
            "thresholds|1|300|3600",
            "thresholds|1|300|3600|7200|9",
            "keep-thresholds|x",
            "limits",
            "limits|7",
            "limits|7|",
            "limits|7|disk",
            "limits|7|disk|",
            "limits|7|disk|x",
            "limits|7|disk|-1",
            "limits|7|disk|90|memory",
            "limits|7|*.*|90",
            "limits|x|disk|90",
        ] {
            assert_eq!(Button::parse(forged), None, "{forged}");
        }
    }
}

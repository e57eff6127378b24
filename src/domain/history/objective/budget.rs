//! The error budget of an objective: how much of the downtime that it allows is used, and until when the rest lasts. Maintenance,
//! pauses and time that Rollcall did not observe use nothing of it.

use std::time::Duration;

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::super::range::HistoryRange;
use super::super::uptime::ClassTimes;
use super::Objective;
use crate::timestamp::Timestamp;

/// From this share of its budget on, in percent, an objective is at risk.
const AT_RISK: u128 = 50;

/// Below these shares, in percent, a state is left. They are lower than those at which it is reached, so that a share that moves
/// to and fro around one does not notify people again and again.
const AT_RISK_ENDS: u128 = 40;
const MISSED_ENDS: u128 = 90;

/// The part of the window, at its end, whose downtime is the present rate.
const RECENT_PART: u32 = 4;

/// The last quarter of a window: the downtime in it is the present rate.
pub fn recent(window: HistoryRange) -> HistoryRange {
    HistoryRange {
        from: window.to.minus(window.length() / RECENT_PART),
        to: window.to,
    }
}

/// What monitors used of a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetUse {
    /// The downtime in the window.
    pub offline: Duration,
    /// The downtime in the last quarter of the window, and how long the monitors were online or offline in it.
    pub recent_offline: Duration,
    pub recent_judged: Duration,
}

impl BudgetUse {
    /// From the classes of the window and of its last quarter.
    pub fn of(window: &ClassTimes, recent: &ClassTimes) -> Self {
        Self {
            offline: window.offline,
            recent_offline: recent.offline,
            recent_judged: recent.online + recent.offline,
        }
    }

    /// The mean of several monitors, so that a group is comparable with a monitor. Without monitors, nothing is used.
    pub fn mean(of: &[Self]) -> Self {
        let count = u32::try_from(of.len()).unwrap_or(u32::MAX).max(1);
        let mean = |part: fn(&Self) -> Duration| of.iter().map(part).sum::<Duration>() / count;
        Self {
            offline: mean(|one| one.offline),
            recent_offline: mean(|one| one.recent_offline),
            recent_judged: mean(|one| one.recent_judged),
        }
    }
}

/// The error budget of an objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorBudget {
    /// The downtime that the objective allows in its window, whether or not the monitor exists for as long.
    pub allowed: Duration,
    /// The downtime in the window. It may be longer than is allowed.
    pub used: Duration,
    /// When the budget is used up at the rate of the last quarter of the window. `None`: never, or it is used up already.
    pub exhausted_at: Option<Timestamp>,
}

impl ErrorBudget {
    pub fn of(objective: Objective, usage: &BudgetUse, now: Timestamp) -> Self {
        let (allowed, used) = (objective.allowed(), usage.offline);
        let left = allowed.saturating_sub(used);
        let lasts = lasts(left, usage);
        // Downtime leaves the window as fast as it arrives.
        let is_reached = |lasts: &Duration| *lasts <= objective.window.length();
        Self {
            allowed,
            used,
            exhausted_at: lasts.filter(is_reached).map(|lasts| now.plus(lasts)),
        }
    }

    /// The downtime that is still allowed.
    pub fn left(&self) -> Duration {
        self.allowed.saturating_sub(self.used)
    }

    /// How much of it is used, in whole percent, cut. 100 and more only if nothing is left.
    pub fn used_percent(&self) -> u64 {
        let allowed = self.allowed.as_millis().max(1);
        u64::try_from(self.used.as_millis() * 100 / allowed).unwrap_or(u64::MAX)
    }

    /// The share that is used, from 0; above 1 if the objective is missed.
    pub fn used_share(&self) -> f64 {
        self.used.as_secs_f64() / self.allowed.as_secs_f64().max(0.001)
    }

    /// What the figures alone say.
    pub fn state(&self) -> BudgetState {
        match () {
            () if self.used > self.allowed => BudgetState::Missed,
            () if !self.is_below(AT_RISK) => BudgetState::AtRisk,
            () => BudgetState::Met,
        }
    }

    fn is_below(&self, percent: u128) -> bool {
        self.used.as_millis() * 100 < self.allowed.as_millis() * percent
    }
}

/// How long the rest of a budget lasts at the present rate. `None`: for ever, or there is none.
fn lasts(left: Duration, usage: &BudgetUse) -> Option<Duration> {
    let offline = usage.recent_offline.as_millis();
    if offline == 0 || left.is_zero() {
        return None;
    }
    let lasts = left.as_millis() * usage.recent_judged.as_millis() / offline;
    Some(Duration::from_millis(
        u64::try_from(lasts).unwrap_or(u64::MAX),
    ))
}

/// How far an error budget is used. Its name is stored and shown by the API.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    VariantArray,
    IntoStaticStr,
    EnumString,
)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum BudgetState {
    /// Less than half of the budget is used.
    #[default]
    Met,
    AtRisk,
    /// There was more downtime than is allowed.
    Missed,
}

impl BudgetState {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The name in storage.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// The state that follows this one with these figures. People are notified if it is a worse one. A state is left only once
    /// the share that is used is clearly below the one at which it is reached.
    pub fn next(self, budget: &ErrorBudget) -> Self {
        let reached = budget.state();
        let kept = match self {
            Self::Missed if !budget.is_below(MISSED_ENDS) => Self::Missed,
            Self::Missed | Self::AtRisk if !budget.is_below(AT_RISK_ENDS) => Self::AtRisk,
            _ => Self::Met,
        };
        reached.max(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::objective::{ObjectivePercent, ObjectiveWindow};

    const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);
    const DAY: u64 = 24 * 3600;

    fn objective(percent: &str, days: u16) -> Objective {
        Objective {
            percent: ObjectivePercent::parse(percent).unwrap(),
            window: ObjectiveWindow::from_days(days).unwrap(),
        }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// 99.9 % over 30 days, of which this much is used.
    fn used(millis: u64) -> ErrorBudget {
        ErrorBudget {
            allowed: objective("99.9", 30).allowed(),
            used: Duration::from_millis(millis),
            exhausted_at: None,
        }
    }

    #[test]
    fn a_budget_is_at_risk_from_half_of_it_on_and_missed_beyond_all_of_it() {
        use BudgetState::{AtRisk, Met, Missed};
        for (millis, state, percent, left) in [
            (0, Met, 0, 2_592_000),
            (1_295_999, Met, 49, 1_296_001),
            (1_296_000, AtRisk, 50, 1_296_000),
            (1_296_001, AtRisk, 50, 1_295_999),
            (2_591_999, AtRisk, 99, 1),
            (2_592_000, AtRisk, 100, 0),
            (2_592_001, Missed, 100, 0),
            (5_184_000, Missed, 200, 0),
        ] {
            let budget = used(millis);
            let shown = (budget.state(), budget.used_percent());
            assert_eq!(shown, (state, percent), "{millis}");
            assert_eq!(budget.left(), Duration::from_millis(left), "{millis}");
        }
    }

    #[test]
    fn a_state_is_left_only_when_the_share_is_clearly_lower() {
        use BudgetState::{AtRisk, Met, Missed};
        // The share in hundredths of a percent, and the states that follow `Met`, `AtRisk` and `Missed`.
        for (share, next) in [
            (0, [Met, Met, Met]),
            (3_999, [Met, Met, Met]),
            (4_000, [Met, AtRisk, AtRisk]),
            (4_999, [Met, AtRisk, AtRisk]),
            (5_000, [AtRisk, AtRisk, AtRisk]),
            (8_999, [AtRisk, AtRisk, AtRisk]),
            (9_000, [AtRisk, AtRisk, Missed]),
            (10_000, [AtRisk, AtRisk, Missed]),
            (10_001, [Missed, Missed, Missed]),
        ] {
            let budget = used(2_592_000 * share / 10_000 + u64::from(share > 10_000));
            let states = [Met, AtRisk, Missed].map(|state| state.next(&budget));
            assert_eq!(states, next, "{share}");
        }
    }

    #[test]
    fn the_budget_is_used_up_at_the_rate_of_the_last_quarter() {
        // The allowed downtime is 864 s a day. The window, its last quarter, and after how many seconds nothing is left.
        for (offline, recent_offline, recent_judged, lasts) in [
            // No downtime in the last quarter.
            (400, 0, DAY / 4, None),
            // 1 %: 464 s last for 46,400 s.
            (400, 216, DAY / 4, Some(46_400)),
            // It was added an hour ago, and offline for six minutes: 504 s last for 5,040 s.
            (360, 360, 3_600, Some(5_040)),
            // It has been offline since it was added.
            (400, 400, 400, Some(464)),
            // The rest lasts for exactly a window, and for longer: older downtime leaves the window meanwhile.
            (144, 144, 17_280, Some(DAY)),
            (144, 144, 17_281, None),
            // Nothing is left.
            (864, 864, DAY / 4, None),
            (900, 900, DAY / 4, None),
        ] {
            let usage = BudgetUse {
                offline: seconds(offline),
                recent_offline: seconds(recent_offline),
                recent_judged: seconds(recent_judged),
            };
            let budget = ErrorBudget::of(objective("99", 1), &usage, NOW);
            let expected = lasts.map(|lasts| NOW.plus(seconds(lasts)));
            assert_eq!(budget.exhausted_at, expected, "{usage:?}");
        }
    }

    #[test]
    fn only_downtime_uses_the_budget() {
        let hour = seconds(3_600);
        let window = ClassTimes {
            online: hour,
            offline: seconds(60),
            maintenance: hour * 2,
            unknown: hour * 3,
            paused: hour * 4,
        };
        let recent = ClassTimes {
            offline: seconds(30),
            ..window
        };
        let usage = BudgetUse::of(&window, &recent);
        assert_eq!(usage.offline, seconds(60));
        assert_eq!(usage.recent_offline, seconds(30));
        assert_eq!(usage.recent_judged, seconds(3_630));
        let budget = ErrorBudget::of(objective("99.9", 30), &usage, NOW);
        // The whole window is granted, although it was observed for hours only.
        assert_eq!(budget.allowed, seconds(2_592));
        assert_eq!(budget.used, seconds(60));
    }

    #[test]
    fn a_group_uses_the_mean_of_its_monitors() {
        let one = |offline| BudgetUse {
            offline: seconds(offline),
            recent_offline: seconds(offline / 2),
            recent_judged: seconds(1_000),
        };
        let mean = BudgetUse::mean(&[one(90), one(30), one(0)]);
        assert_eq!(mean.offline, seconds(40));
        assert_eq!(mean.recent_offline, seconds(20));
        assert_eq!(mean.recent_judged, seconds(1_000));
        assert_eq!(BudgetUse::mean(&[one(90)]), one(90));
        assert_eq!(BudgetUse::mean(&[]), BudgetUse::default());
    }

    #[test]
    fn the_last_quarter_ends_with_the_window() {
        let window = HistoryRange {
            from: NOW.minus(seconds(4 * DAY)),
            to: NOW,
        };
        let recent = recent(window);
        assert_eq!((recent.from, recent.to), (NOW.minus(seconds(DAY)), NOW));
    }

    #[test]
    fn stored_names_stay() {
        let names = BudgetState::ALL.iter().map(|state| state.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["met", "at_risk", "missed"]);
    }
}

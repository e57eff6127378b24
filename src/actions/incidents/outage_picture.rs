//! The picture of an incident that has ended: the hour around its longest outage, of an endpoint if there is one among them.

use std::time::Duration;

use crate::actions::Error;
use crate::actions::history::charts::latency_chart::{ChartRequest, latency_scene, status_scene};
use crate::domain::Timestamp;
use crate::domain::history::chart::scene::Scene;
use crate::domain::history::range::HistoryRange;
use crate::domain::text;
use crate::store::Reader;
use crate::store::incidents::incident::{Incident, Outage};

/// What is shown before the outage, at least.
const BEFORE: Duration = Duration::from_secs(30 * 60);

/// What is shown in all, at least.
const SHORTEST: Duration = Duration::from_secs(3_600);

/// The scene; `None` if none of its outages has a monitor with a history. `kept_checks`: how long single checks are kept.
pub async fn scene(
    reader: &Reader,
    incident: &Incident,
    kept_checks: Duration,
    now: Timestamp,
) -> Result<Option<Scene>, Error> {
    let Some(outage) = shown(&incident.outages) else {
        return Ok(None);
    };
    let range = around(outage, now);
    let request = ChartRequest {
        guild: incident.guild_id,
        monitor: outage.monitor_id,
        range,
        range_name: format!("{} around the outage", text::duration(range.length())),
        kept_checks,
    };
    // Only endpoints have a target.
    let scene = match outage.target.is_some() {
        true => latency_scene(reader, &request, now).await,
        false => status_scene(reader, &request, now).await,
    };
    match scene {
        Ok(scene) => Ok(Some(scene)),
        // It was removed in the meantime.
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The outage that is shown: the longest one, of endpoints before others.
fn shown(outages: &[Outage]) -> Option<&Outage> {
    let length = |one: &Outage| {
        let ended = one.ended.map_or(one.started_at, |(at, _)| at);
        ended.since(one.started_at)
    };
    let known = outages.iter().filter(|one| one.exists);
    // Of equally long ones, the first.
    known
        .rev()
        .max_by_key(|one| (one.target.is_some(), length(one)))
}

/// Up to now, from half an hour before the outage on, and an hour at least.
fn around(outage: &Outage, now: Timestamp) -> HistoryRange {
    let from = outage.started_at.minus(BEFORE).min(now.minus(SHORTEST));
    HistoryRange { from, to: now }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incidents::outage_reason::OutageReason;
    use crate::domain::monitor::MonitorId;
    use crate::domain::status::transition::OutageEnd;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    /// From and to these minutes.
    fn outage(id: i64, is_endpoint: bool, from: i64, to: i64) -> Outage {
        Outage {
            monitor_id: MonitorId(id),
            name: Some("shop".to_owned()),
            target: is_endpoint.then(|| "tcp://192.0.2.1:1".to_owned()),
            reason: OutageReason::MissedHeartbeat,
            detail: None,
            started_at: at(from),
            ended: Some((at(to), OutageEnd::Recovered)),
            is_flapping: false,
            continued_by: None,
            exists: true,
            times: 1,
        }
    }

    #[test]
    fn the_longest_outage_of_an_endpoint_is_shown() {
        let removed = Outage {
            exists: false,
            ..outage(9, true, 0, 900)
        };
        let device = outage(1, false, 0, 500);
        let (short, long) = (outage(2, true, 0, 5), outage(3, true, 10, 30));
        let same = outage(4, true, 20, 40);
        for (outages, expected) in [
            (
                vec![
                    removed.clone(),
                    device.clone(),
                    short.clone(),
                    long.clone(),
                    same.clone(),
                ],
                Some(3),
            ),
            (vec![device.clone(), short.clone()], Some(2)),
            (vec![removed.clone(), device], Some(1)),
            (vec![same, long], Some(4)),
            (vec![removed], None),
            (vec![], None),
        ] {
            let found = shown(&outages).map(|one| one.monitor_id.0);
            assert_eq!(found, expected, "{outages:?}");
        }
    }

    #[test]
    fn at_least_the_last_hour_and_half_an_hour_before_the_outage_are_shown() {
        for (from, now, begins) in [
            // Of the last 29, 30 and 31 minutes.
            (171, 200, 140),
            (170, 200, 140),
            (169, 200, 139),
            (10, 1_000, -20),
        ] {
            let range = around(&outage(1, true, from, now), at(now));
            assert_eq!((range.from, range.to), (at(begins), at(now)), "from {from}");
        }
    }
}

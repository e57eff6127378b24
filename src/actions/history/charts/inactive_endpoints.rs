//! How many endpoints of a guild were inactive in a range, why, and when they were reactivated.

use crate::actions::Error;
use crate::actions::history::charts::day_range;
use crate::domain::discord_id::GuildId;
use crate::domain::history::chart::inactive::figures::InactiveFigures;
use crate::domain::history::chart::inactive::inactive_chart::InactiveChart;
use crate::domain::history::chart::scene::Scene;
use crate::domain::history::range::HistoryRange;
use crate::domain::silences::maintenance::Tz;
use crate::domain::text;
use crate::store::Reader;
use crate::store::guild::guild_setting;
use crate::store::incidents::inactive_periods;

/// The most outages in a range: 100 endpoints that are reactivated each hour, for more than 40 days. They take 5 MB.
pub const MOST_OUTAGES: u32 = 100_000;

/// The figures of a guild, and the time zone of their days.
#[derive(Clone, Debug)]
pub struct InactiveEndpoints {
    pub zone: Tz,
    pub figures: InactiveFigures,
}

impl InactiveEndpoints {
    /// Their picture. `name`: the range as people call it.
    pub fn scene(&self, name: &str) -> Scene {
        let chart = InactiveChart {
            range_name: name,
            zone: self.zone,
            figures: &self.figures,
        };
        chart.scene()
    }
}

/// The figures of a guild in a range.
///
/// # Errors
/// `Invalid` for more than 92 days, or `MOST_OUTAGES`.
pub async fn of(
    reader: &Reader,
    guild: GuildId,
    range: HistoryRange,
) -> Result<InactiveEndpoints, Error> {
    up_to(reader, guild, range, MOST_OUTAGES).await
}

async fn up_to(
    reader: &Reader,
    guild: GuildId,
    range: HistoryRange,
    most: u32,
) -> Result<InactiveEndpoints, Error> {
    day_range::check(range)?;
    let zone = guild_setting::timezone(reader, guild).await?;
    let periods = inactive_periods::of_guild(reader, guild, range, most.saturating_add(1)).await?;
    if u32::try_from(periods.len()).is_ok_and(|count| count <= most) {
        let figures = InactiveFigures::of(&periods, range, zone);
        return Ok(InactiveEndpoints { zone, figures });
    }
    Err(Error::Invalid(format!(
        "there were more than {} outages in this range. Use a shorter one, such as `7d`",
        text::grouped(most.into())
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::testing::{HOME, at, down, up, with_endpoints};
    use crate::domain::incidents::outage_reason::OutageReason;
    use crate::store::testing::TestStore;

    const DAY: i64 = 86_400;

    fn days(from: i64, to: i64) -> HistoryRange {
        HistoryRange {
            from: at(from * DAY),
            to: at(to * DAY),
        }
    }

    #[tokio::test]
    async fn outages_and_recoveries_are_counted() {
        let store = TestStore::open().await;
        let [one, other] = with_endpoints(&store).await;
        down(&store, one, 3 * DAY).await;
        down(&store, other, 4 * DAY).await;
        up(&store, one, 5 * DAY + 60).await;
        let found = of(&store.reader, HOME, days(2, 9)).await.unwrap();
        let figures = &found.figures;
        assert_eq!((figures.most(), figures.at_end), (2, 1));
        assert_eq!((figures.outages(), figures.reactivated()), (2, 1));
        assert_eq!(figures.reasons[0].reason, OutageReason::Refused);
        assert_eq!(figures.days[3].reactivated, 1);
        assert!(
            found
                .scene("7d")
                .description
                .contains("2 outages: connection refused 2.")
        );
        let elsewhere = of(&store.reader, GuildId(2), days(2, 9)).await.unwrap();
        assert_eq!(elsewhere.figures.outages(), 0);
    }

    #[tokio::test]
    async fn a_range_has_a_limit_of_days_and_of_outages() {
        let store = TestStore::open().await;
        let [one, other] = with_endpoints(&store).await;
        down(&store, one, 3 * DAY).await;
        down(&store, other, 4 * DAY).await;
        for (most, is_shown) in [(1, false), (2, true), (3, true)] {
            let found = up_to(&store.reader, HOME, days(2, 9), most).await;
            assert_eq!(found.is_ok(), is_shown, "{most}");
        }
        let refused = up_to(&store.reader, HOME, days(2, 9), 1).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "there were more than 1 outages in this range. Use a shorter one, such as `7d`"
        );
        for (last, is_shown) in [(94, true), (95, false)] {
            let found = of(&store.reader, HOME, days(2, last)).await;
            assert_eq!(found.is_ok(), is_shown, "{last}");
        }
    }
}

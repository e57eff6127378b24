//! Makes the snapshot of a page from the store: its items with their last 90 days.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::actions::Error;
use crate::actions::history::charts::day_figures::{self, MonitorDays};
use crate::domain::Timestamp;
use crate::domain::history::range::HistoryRange;
use crate::domain::history::uptime::ClassTimes;
use crate::domain::monitor::MonitorId;
use crate::domain::silences::maintenance::Tz;
use crate::domain::status::Status;
use crate::domain::status_pages::slug::PageSlug;
use crate::store::guild::guild_setting;
use crate::store::history::{daily_stats, monitor_history};
use crate::store::status_pages::item::{self, ItemState, PageItem};
use crate::store::status_pages::page::{self, StatusPage};
use crate::store::{Reader, StoreError};
use crate::web::status_page::snapshot::{
    PageFacts, PageSnapshot, PublicGroup, PublicItem, PublicLatency, PublicStatus,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// `DAYS`, as lengths are multiplied by it.
const STRIP_DAYS: u32 = 90;

/// Where pages are found.
#[derive(Clone, Debug)]
pub struct PagesBase {
    /// Without a slash at the end: `https://rollcall.example.org`, perhaps with a path.
    pub url: String,
    /// The path of the URL; empty without one.
    pub path: String,
}

impl PagesBase {
    /// Splits the path off.
    pub fn of(url: &str) -> Self {
        let after_scheme = url.find("://").map_or(0, |at| at + 3);
        let path = url.get(after_scheme..).and_then(|rest| {
            let slash = rest.find('/')?;
            rest.get(slash..)
        });
        Self {
            url: url.to_owned(),
            path: path.unwrap_or_default().to_owned(),
        }
    }
}

/// The snapshot of the page with this slug at a moment; `None`: there is no such page.
pub async fn load(
    reader: &Reader,
    base: &PagesBase,
    slug: &PageSlug,
    now: Timestamp,
) -> Result<Option<PageSnapshot>, Error> {
    let Some(page) = page::with_slug(reader, slug).await? else {
        return Ok(None);
    };
    let zone = guild_setting::timezone(reader, page.guild).await?;
    let range = HistoryRange::last_days(STRIP_DAYS, zone, now);
    let items = item::list(reader, &page).await?;
    let figures = PageFigures::of(reader, &page, range, zone).await?;
    let groups = grouped(items, &figures);
    Ok(Some(PageSnapshot {
        generated_at: now,
        days: range.local_days(zone).map(|day| day.from).collect(),
        announcements: Vec::new(),
        groups,
        incidents: Vec::new(),
        maintenance: Vec::new(),
        page: facts(page, base, zone),
    }))
}

fn facts(page: StatusPage, base: &PagesBase, zone: Tz) -> PageFacts {
    let path = format!("/status/{}", page.slug);
    PageFacts {
        base_url: format!("{}{path}", base.url),
        base_path: format!("{}{path}", base.path),
        root_path: base.path.clone(),
        slug: page.slug.to_string(),
        title: page.title,
        about: page.about,
        zone,
        is_password_protected: false,
    }
}

/// What the history says of the monitors of a page.
struct PageFigures {
    days: BTreeMap<MonitorId, Vec<ClassTimes>>,
    last_24_hours: BTreeMap<MonitorId, ClassTimes>,
    latencies: BTreeMap<MonitorId, PublicLatency>,
    /// How many days the strip has.
    number_of_days: usize,
}

impl PageFigures {
    async fn of(
        reader: &Reader,
        page: &StatusPage,
        range: HistoryRange,
        zone: Tz,
    ) -> Result<Self, Error> {
        let now = range.to;
        let monitors = monitor_history::on_page(reader, page, range).await?;
        let ids: Vec<MonitorId> = monitors.iter().map(|one| one.id).collect();
        let last = HistoryRange {
            from: now.minus(DAY),
            to: now,
        };
        let recent = day_figures::each(reader, monitors.clone(), last, zone, now).await?;
        let days = day_figures::each(reader, monitors, range, zone, now).await?;
        let latencies = match page.shows_latency {
            true => latencies(reader, &ids, now).await?,
            false => BTreeMap::new(),
        };
        let by_id = |one: MonitorDays| (one.monitor.id, one.days);
        Ok(Self {
            days: days.into_iter().map(by_id).collect(),
            last_24_hours: recent
                .into_iter()
                .map(|one| (one.monitor.id, total(&one.days)))
                .collect(),
            latencies,
            number_of_days: range.local_days(zone).count(),
        })
    }
}

/// The times of all the days together.
fn total(days: &[ClassTimes]) -> ClassTimes {
    let mut times = ClassTimes::default();
    for day in days {
        times.add(*day);
    }
    times
}

/// The 95th percentiles of monitors, of the days (UTC) that each time touches.
async fn latencies(
    reader: &Reader,
    ids: &[MonitorId],
    now: Timestamp,
) -> Result<BTreeMap<MonitorId, PublicLatency>, StoreError> {
    let mut all: BTreeMap<MonitorId, PublicLatency> = BTreeMap::new();
    for days in [1, 7, 30, STRIP_DAYS] {
        let first = now.minus(DAY * days).day();
        let sketches = daily_stats::latencies(reader, ids, first, now.day()).await?;
        for (id, sketch) in sketches {
            let p95 = sketch.quantile(0.95);
            let latency = all.entry(id).or_default();
            match days {
                1 => latency.p95_24_hours = p95,
                7 => latency.p95_7_days = p95,
                30 => latency.p95_30_days = p95,
                _ => latency.p95_90_days = p95,
            }
        }
    }
    Ok(all)
}

/// The items under their headings. A heading stands where its first item does.
fn grouped(items: Vec<PageItem>, figures: &PageFigures) -> Vec<PublicGroup> {
    let mut groups: Vec<PublicGroup> = Vec::new();
    for item in items {
        let name = item.group.clone();
        let public = public_item(item, figures);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.items.push(public),
            None => groups.push(PublicGroup {
                name,
                items: vec![public],
            }),
        }
    }
    groups
}

fn public_item(item: PageItem, figures: &PageFigures) -> PublicItem {
    let (status, since) = public_status(&item.state);
    let none = || vec![ClassTimes::default(); figures.number_of_days];
    PublicItem {
        key: item.key,
        name: item.name,
        status,
        since,
        days: figures
            .days
            .get(&item.monitor)
            .cloned()
            .unwrap_or_else(none),
        last_24_hours: figures
            .last_24_hours
            .get(&item.monitor)
            .copied()
            .unwrap_or_default(),
        latency: figures.latencies.get(&item.monitor).cloned(),
    }
}

/// Maintenance hides everything but a pause.
fn public_status(state: &ItemState) -> (PublicStatus, Option<Timestamp>) {
    match *state {
        ItemState::Removed(at) => (PublicStatus::Removed, at),
        ItemState::Present {
            status: Status::Paused,
            since,
            ..
        } => (PublicStatus::Paused, Some(since)),
        ItemState::Present {
            maintenance_since: Some(began_at),
            ..
        } => (PublicStatus::Maintenance, Some(began_at)),
        ItemState::Present { status, since, .. } => {
            let shown = match status {
                Status::Online => PublicStatus::Online,
                Status::Warning => PublicStatus::Warning,
                Status::Offline => PublicStatus::Offline,
                Status::Unknown => PublicStatus::Unknown,
                Status::Paused => PublicStatus::Paused,
            };
            (shown, Some(since))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::GuildId;
    use crate::domain::status_pages::NewPageItem;
    use crate::store::status_pages::page::NewStatusPage;
    use crate::store::testing::TestStore;
    use crate::web::status_page::snapshot::DAYS;

    const TODAY: i64 = 20_000;

    fn now() -> Timestamp {
        Timestamp::start_of_day(TODAY).plus(DAY / 2)
    }

    fn base() -> PagesBase {
        PagesBase::of("https://example.org/rollcall")
    }

    /// A page with an endpoint that was offline for six hours yesterday, and another monitor of the guild that is not on it.
    async fn with_page(shows_latency: bool) -> TestStore {
        let store = TestStore::open().await;
        let first = store.add_endpoint(GuildId(1), "tcp://192.0.2.1:1").await;
        store.add_endpoint(GuildId(1), "tcp://192.0.2.2:1").await;
        let slug = PageSlug::parse("acme").unwrap();
        let new = NewStatusPage {
            guild: GuildId(1),
            slug,
            title: "Acme".into(),
            about: String::new(),
            shows_latency,
        };
        let item = NewPageItem {
            monitor: first,
            name: "Shop".into(),
            group: Some("Sites".into()),
        };
        store
            .write(move |tx| {
                Box::pin(async move {
                    let id = page::insert(tx, &new, now()).await?;
                    item::insert(tx, id, &item, "shop").await
                })
            })
            .await;
        let sql = format!(
            "UPDATE monitors SET created_at = {0} - 200 * 86400000, status = 'online', since = {0};
             DELETE FROM status_spans; DELETE FROM observation_windows;
             INSERT INTO observation_windows (started_at, confirmed_at) VALUES (0, {0} + 43200000);
             INSERT INTO status_spans (monitor_id, began_at, status) SELECT id, created_at, 1 FROM monitors
                 UNION ALL SELECT id, {0} - 86400000, 3 FROM monitors UNION ALL SELECT id, {0} - 64800000, 1 FROM monitors",
            Timestamp::start_of_day(TODAY).millis()
        );
        store.execute_all(sql.leak()).await;
        store
    }

    async fn snapshot(store: &TestStore) -> PageSnapshot {
        let slug = PageSlug::parse("acme").unwrap();
        let loaded = load(&store.reader, &base(), &slug, now()).await.unwrap();
        loaded.unwrap()
    }

    #[tokio::test]
    async fn a_page_shows_its_items_with_their_days() {
        let store = with_page(false).await;
        let page = snapshot(&store).await;
        assert_eq!(
            page.page.base_url,
            "https://example.org/rollcall/status/acme"
        );
        assert_eq!(page.page.base_path, "/rollcall/status/acme");
        assert_eq!(page.days.len(), DAYS);
        assert_eq!(page.days[DAYS - 1], Timestamp::start_of_day(TODAY));
        let [group] = &page.groups[..] else {
            panic!("{:?}", page.groups)
        };
        assert_eq!(group.name.as_deref(), Some("Sites"));
        let [item] = &group.items[..] else {
            panic!("{:?}", group.items)
        };
        assert_eq!(
            (item.status, item.name.as_str()),
            (PublicStatus::Online, "Shop")
        );
        assert_eq!(item.days.len(), DAYS);
        assert_eq!(item.days[DAYS - 2].offline, DAY / 4);
        assert_eq!(item.days[DAYS - 1].online, DAY / 2);
        assert_eq!(item.last_24_hours.total(), DAY);
        assert_eq!(item.uptime(90).unwrap().to_string(), "99.72 %");
        assert!(item.latency.is_none());
    }

    #[tokio::test]
    async fn maintenance_and_removal_are_shown() {
        let store = with_page(false).await;
        store
            .execute(
                "INSERT INTO maintenance_spans (guild_id, monitor_id, began_at) SELECT guild_id, id, 7000 FROM monitors",
            )
            .await;
        let item = snapshot(&store).await.groups[0].items[0].clone();
        assert_eq!(item.status, PublicStatus::Maintenance);
        assert_eq!(item.since, Some(Timestamp::from_millis(7_000)));
        let removed_at = Timestamp::start_of_day(TODAY).millis();
        let sql = format!(
            "INSERT INTO removed_monitors (id, guild_id, kind, name, created_at, removed_at)
                 SELECT id, guild_id, kind, name, created_at, {removed_at} FROM monitors;
             INSERT INTO status_spans (monitor_id, began_at, status) SELECT id, {removed_at}, 5 FROM monitors;
             DELETE FROM maintenance_spans;
             DELETE FROM monitors"
        );
        store.execute_all(sql.leak()).await;
        let item = snapshot(&store).await.groups[0].items[0].clone();
        assert_eq!(item.status, PublicStatus::Removed);
        // It keeps its past.
        assert_eq!(item.days[DAYS - 2].offline, DAY / 4);
        assert_eq!(item.days[DAYS - 1].online, Duration::ZERO);
    }

    #[tokio::test]
    async fn a_monitor_of_another_guild_shows_nothing() {
        let store = with_page(true).await;
        store
            .execute_all(
                "UPDATE monitors SET guild_id = 2; UPDATE endpoint_targets SET guild_id = 2",
            )
            .await;
        let item = snapshot(&store).await.groups[0].items[0].clone();
        assert_eq!((item.status, item.since), (PublicStatus::Removed, None));
        assert!(item.days.iter().all(|day| *day == ClassTimes::default()));
        assert_eq!(item.last_24_hours, ClassTimes::default());
    }

    #[tokio::test]
    async fn another_slug_is_no_page() {
        let store = with_page(true).await;
        let other = PageSlug::parse("acme-2").unwrap();
        let loaded = load(&store.reader, &base(), &other, now()).await.unwrap();
        assert!(loaded.is_none());
        // Nothing was checked yet.
        assert!(snapshot(&store).await.groups[0].items[0].latency.is_none());
    }

    #[test]
    fn the_base_is_split_into_url_and_path() {
        for (url, path) in [
            ("https://example.org", ""),
            ("http://127.0.0.1:8080", ""),
            ("https://example.org/a/b", "/a/b"),
        ] {
            assert_eq!(PagesBase::of(url).path, path);
        }
    }
}

//! What members ask of the history: which monitors, which range, and the pages for commands and buttons.

use super::outages_card::{self, OutageList};
use super::uptime_card::{self, PER_PAGE, UptimeList};
use super::{figures_card, range_option, texts};
use crate::actions::history::charts::day_range;
use crate::actions::history::uptime::{self, MonitorUptime};
use crate::discord::DiscordState;
use crate::discord::monitors::pictures::attach::{PictureRequest, with_picture};
use crate::discord::monitors::pictures::latency::{self, NamedRange};
use crate::discord::monitors::pictures::strip;
use crate::discord::ui::custom_id::history_view::{HistoryView, PagedRange};
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::Message;
use crate::discord::ui::view::Pages;
use crate::discord::ui::{buttons, complete};
use crate::domain::discord_id::GuildId;
use crate::domain::history::range::HistoryRange;
use crate::store::Reader;
use crate::store::history::monitor_history::HistoryScope;
use crate::store::history::removed_monitor;
use crate::store::incidents::outage_history::{self, ListedOutage, OutageFilter};
use crate::store::monitors::monitor;

/// The options of a command.
#[derive(Clone, Debug, Default)]
pub(super) struct HistoryOptions {
    pub monitor: Option<String>,
    pub group: Option<String>,
    pub range: Option<String>,
    pub page: Option<u32>,
}

/// The view that the options of a command ask for.
pub(super) async fn view(
    app: &DiscordState,
    guild: GuildId,
    wanted: HistoryOptions,
) -> Result<HistoryView, CommandError> {
    let range = range_option::wanted(app, guild, wanted.range.as_deref()).await?;
    let reader = &app.store.reader;
    let scope = match (wanted.monitor, wanted.group) {
        (Some(_), Some(_)) => return Err(texts::monitor_and_group()),
        (Some(name), None) => of_monitor(reader, guild, &name).await?,
        (None, Some(name)) => {
            HistoryScope::Group(complete::known_group(reader, guild, &name).await?)
        }
        (None, None) => HistoryScope::All,
    };
    Ok(HistoryView {
        page: wanted.page.unwrap_or(1),
        scope,
        range,
    })
}

/// A monitor of the guild, or one that it removed: the history of a monitor outlives it.
async fn of_monitor(
    reader: &Reader,
    guild: GuildId,
    name: &str,
) -> Result<HistoryScope, CommandError> {
    let error = match complete::named(reader, guild, None, name).await {
        Ok(found) => return Ok(HistoryScope::One(found.id)),
        Err(error @ CommandError::Refused(_)) => error,
        Err(error) => return Err(error),
    };
    match *removed_monitor::named(reader, guild, name.trim()).await? {
        [] => Err(error),
        [only] => Ok(HistoryScope::One(only)),
        [.., latest] => Err(texts::several_removed_monitors(name, latest)),
    }
}

/// A page of monitors with their uptime, the worst first.
pub(in crate::discord) async fn uptime(
    app: &DiscordState,
    guild: GuildId,
    view: &HistoryView,
) -> Result<Message, CommandError> {
    let range = view.range.until(app.now());
    let all = worst_first(app, guild, view, range).await?;
    page_of_uptime(app, guild, view, &all).await
}

/// The page with the picture of the days of the worst monitors, if the range is short enough for one. Further pages have none.
pub(super) async fn uptime_with_picture(
    app: &DiscordState,
    request: PictureRequest,
    view: &HistoryView,
) -> Result<Message, CommandError> {
    let guild = request.requester.guild;
    let range = view.range.until(app.now());
    let all = worst_first(app, guild, view, range).await?;
    let message = page_of_uptime(app, guild, view, &all).await?;
    if all.is_empty() || !day_range::is_in_days(range) {
        return Ok(message);
    }
    let scene = strip::scene(app, guild, &all, range);
    Ok(with_picture(app, request, message, scene).await)
}

async fn worst_first(
    app: &DiscordState,
    guild: GuildId,
    view: &HistoryView,
    range: HistoryRange,
) -> Result<Vec<MonitorUptime>, CommandError> {
    let reader = &app.store.reader;
    let mut all = uptime::list(reader, guild, &view.scope, range, app.now()).await?;
    uptime::sort_by_uptime(&mut all);
    Ok(all)
}

async fn page_of_uptime(
    app: &DiscordState,
    guild: GuildId,
    view: &HistoryView,
    all: &[MonitorUptime],
) -> Result<Message, CommandError> {
    if all.is_empty() {
        return Ok(Message::sentence(texts::NO_MONITORS));
    }
    let pages = Pages::new(view.page, all.len() as u64, PER_PAGE);
    let first = (pages.page - 1) * PER_PAGE;
    let shown = all.iter().skip(first as usize).take(PER_PAGE as usize);
    let list = UptimeList {
        heading: heading(app, guild, &view.scope, view.range).await?,
        page: &shown.cloned().collect::<Vec<_>>(),
        with_downtime: all.iter().filter(|one| had_downtime(one)).count(),
        range: view.range.until(app.now()),
    };
    let mut message = Message::embed(uptime_card::list(&list, pages));
    message.rows = buttons::uptime_rows(pages, view);
    Ok(message)
}

/// The figures of one monitor in a range, with the picture of its latency.
pub(super) async fn show(
    app: &DiscordState,
    request: PictureRequest,
    monitor: &str,
    typed: Option<&str>,
) -> Result<Message, CommandError> {
    let guild = request.requester.guild;
    let (reader, now) = (&app.store.reader, app.now());
    let wanted = range_option::wanted(app, guild, typed).await?;
    let scope = of_monitor(reader, guild, monitor).await?;
    let range = wanted.until(now);
    let found = uptime::list(reader, guild, &scope, range, now).await?;
    let Some(one) = found.first() else {
        return Ok(Message::sentence(texts::NOT_IN_RANGE));
    };
    let heading = heading(app, guild, &scope, wanted).await?;
    let message = Message::embed(figures_card::figures(one, range, heading));
    let name = range_option::name(typed);
    let scene = latency::scene(app, guild, one.monitor.id, NamedRange { range, name });
    Ok(with_picture(app, request, message, scene).await)
}

/// A page of outages, the newest first.
pub(in crate::discord) async fn outages(
    app: &DiscordState,
    guild: GuildId,
    view: &HistoryView,
) -> Result<Message, CommandError> {
    let reader = &app.store.reader;
    let filter = OutageFilter {
        guild,
        scope: view.scope.clone(),
        range: view.range.until(app.now()),
    };
    let total = outage_history::count(reader, &filter).await?;
    let pages = Pages::new(view.page, total, outages_card::PER_PAGE);
    let skip = u64::from(pages.page - 1) * u64::from(outages_card::PER_PAGE);
    let page = outage_history::list(reader, &filter, skip, outages_card::PER_PAGE).await?;
    let list = OutageList {
        heading: heading_of_outages(app, guild, view, &page).await?,
        page: &page,
        has_names: !matches!(view.scope, HistoryScope::One(_)),
    };
    let mut message = Message::embed(outages_card::list(&list, pages, app.now()));
    message.rows = buttons::outages_rows(pages, view);
    Ok(message)
}

/// The line above a list of outages. A list of only one monitor has its name there.
async fn heading_of_outages(
    app: &DiscordState,
    guild: GuildId,
    view: &HistoryView,
    page: &[ListedOutage],
) -> Result<String, CommandError> {
    let heading = heading(app, guild, &view.scope, view.range).await?;
    let HistoryScope::One(id) = view.scope else {
        return Ok(heading);
    };
    let of_outage = page.first().and_then(|one| one.name.clone());
    let name = match of_outage {
        Some(name) => Some(name),
        None => {
            let found = monitor::by_id(&app.store.reader, guild, id).await?;
            found.map(|one| one.name)
        }
    };
    Ok(name.map_or(heading.clone(), |name| texts::of_monitor(&name, &heading)))
}

/// The line above a list: its group, and the range in the time zone of the guild.
async fn heading(
    app: &DiscordState,
    guild: GuildId,
    scope: &HistoryScope,
    range: PagedRange,
) -> Result<String, CommandError> {
    let shown = range_option::shown(app, guild, range).await?;
    Ok(match scope {
        HistoryScope::Group(name) => texts::of_group(name, &shown),
        HistoryScope::All | HistoryScope::One(_) => shown,
    })
}

pub(super) fn had_downtime(one: &MonitorUptime) -> bool {
    !one.summary.times.offline.is_zero()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::monitors::history::testing::{figures, without_figure};

    #[test]
    fn the_worst_monitor_is_first_and_those_without_a_figure_are_last() {
        let mut all = [
            without_figure("new", 0),
            figures("blog", 0),
            figures("shop", 90),
            without_figure("paused", 60),
            figures("api", 0),
            // As much downtime as `shop`, and a second less.
            figures("mail", 90),
            figures("wiki", 89),
        ];
        uptime::sort_by_uptime(&mut all);
        let names = all.map(|one| one.monitor.name);
        let expected = ["mail", "shop", "wiki", "api", "blog", "paused", "new"];
        assert_eq!(names, expected);
    }
}

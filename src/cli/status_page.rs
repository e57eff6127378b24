//! `rollcall statuspage`: creates, fills, lists and removes status pages.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::terminal::guild_argument::GuildArgument;
use super::terminal::{app_error, find_monitor, print_line, print_note};
use super::{Database, with_store};
use crate::actions::status_pages::{self, ListedPage};
use crate::app::AppError;
use crate::clock::Clock;
use crate::domain::status_pages::slug::PageSlug;
use crate::domain::status_pages::{NewPageItem, parse_about, parse_title};
use crate::domain::text;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::status_pages::item::{ItemState, PageItem};
use crate::store::status_pages::page::NewStatusPage;

#[derive(Debug, Subcommand)]
pub(super) enum StatusPageCommand {
    /// Create a page without items
    Create(CreatePageArguments),
    /// Add a monitor to a page, under a public name
    Add(AddItemArguments),
    /// List pages with their items
    List(ListPagesArguments),
    /// Remove a page, or one of its items
    Remove(RemovePageArguments),
}

#[derive(Debug, Args)]
pub(super) struct CreatePageArguments {
    /// The end of its address, such as `acme` for /status/acme: lower-case letters, digits and hyphens
    #[arg(value_parser = slug)]
    slug: PageSlug,
    /// The heading of the page
    #[arg(long, value_parser = title)]
    title: String,
    /// A text below the heading; Markdown
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = about)]
    about: String,
    /// Show the latency of the items
    #[arg(long)]
    latency: bool,
    #[command(flatten)]
    guild: GuildArgument,
}

#[derive(Debug, Args)]
pub(super) struct AddItemArguments {
    #[arg(value_parser = slug)]
    slug: PageSlug,
    /// Name or id of a monitor
    target: String,
    /// The public name (default: the name of the monitor)
    #[arg(long = "as", value_name = "NAME", value_parser = title)]
    name: Option<String>,
    /// The heading above the item
    #[arg(long, value_parser = title)]
    group: Option<String>,
    #[command(flatten)]
    guild: GuildArgument,
}

#[derive(Debug, Args)]
pub(super) struct ListPagesArguments {
    #[command(flatten)]
    guild: GuildArgument,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RemovePageArguments {
    #[arg(value_parser = slug)]
    slug: PageSlug,
    /// Only this item, by its public name or its key
    #[arg(long, value_name = "NAME")]
    item: Option<String>,
    #[command(flatten)]
    guild: GuildArgument,
}

fn slug(text: &str) -> Result<PageSlug, String> {
    PageSlug::parse(text).map_err(|error| error.to_string())
}

fn title(text: &str) -> Result<String, String> {
    parse_title(text).map_err(|error| error.to_string())
}

fn about(text: &str) -> Result<String, String> {
    parse_about(text).map_err(|error| error.to_string())
}

pub(super) async fn run(settings: &Settings, command: StatusPageCommand) -> Result<(), AppError> {
    with_store(settings, Database::Existing, async |store| match command {
        StatusPageCommand::Create(arguments) => create(settings, store, arguments).await,
        StatusPageCommand::Add(arguments) => add(settings, store, arguments).await,
        StatusPageCommand::List(arguments) => list(settings, store, &arguments).await,
        StatusPageCommand::Remove(arguments) => remove(settings, store, arguments).await,
    })
    .await
}

async fn create(
    settings: &Settings,
    store: &Store,
    arguments: CreatePageArguments,
) -> Result<(), AppError> {
    let requester = arguments.guild.requester(settings);
    let slug = arguments.slug.clone();
    let new = NewStatusPage {
        guild: requester.guild,
        slug: arguments.slug,
        title: arguments.title,
        about: arguments.about,
        shows_latency: arguments.latency,
    };
    let created = status_pages::create(store, requester, new, Clock::SYSTEM.now()).await;
    created.map_err(app_error)?;
    print_line(&format!("Created /status/{slug}"));
    print_note(&format!(
        "Add monitors: rollcall statuspage add {slug} shop"
    ));
    Ok(())
}

async fn add(
    settings: &Settings,
    store: &Store,
    arguments: AddItemArguments,
) -> Result<(), AppError> {
    let requester = arguments.guild.requester(settings);
    let found = find_monitor(store, requester, None, &arguments.target).await?;
    let name = arguments.name.unwrap_or(found.name);
    let new = NewPageItem {
        monitor: found.id,
        name: name.clone(),
        group: arguments.group,
    };
    let (slug, now) = (arguments.slug.clone(), Clock::SYSTEM.now());
    let added = status_pages::add_item(store, requester, slug, new, now).await;
    let key = added.map_err(app_error)?;
    print_line(&format!(
        "Added {name} ({key}) to /status/{}",
        arguments.slug
    ));
    Ok(())
}

async fn list(
    settings: &Settings,
    store: &Store,
    arguments: &ListPagesArguments,
) -> Result<(), AppError> {
    let requester = arguments.guild.requester(settings);
    let pages = status_pages::list(&store.reader, requester).await;
    let pages = pages.map_err(app_error)?;
    if arguments.json {
        let pages: Vec<Value> = pages.iter().map(shown).collect();
        print_line(&Value::Array(pages).to_string());
        return Ok(());
    }
    if pages.is_empty() {
        print_note(
            "There are no status pages. Create one: rollcall statuspage create acme --title Acme",
        );
    }
    for one in &pages {
        let count = text::count(one.items.len() as u64, "item");
        print_line(&format!(
            "/status/{}  {}  {count}",
            one.page.slug, one.page.title
        ));
        for item in &one.items {
            print_line(&line(item));
        }
    }
    Ok(())
}

async fn remove(
    settings: &Settings,
    store: &Store,
    arguments: RemovePageArguments,
) -> Result<(), AppError> {
    let (requester, now) = (arguments.guild.requester(settings), Clock::SYSTEM.now());
    let slug = arguments.slug.clone();
    let removed = match arguments.item.clone() {
        Some(item) => status_pages::remove_item(store, requester, slug, item, now).await,
        None => status_pages::remove(store, requester, slug, now).await,
    };
    removed.map_err(app_error)?;
    print_line(&match arguments.item {
        Some(item) => format!("Removed {item} from /status/{}", arguments.slug),
        None => format!("Removed /status/{}", arguments.slug),
    });
    Ok(())
}

/// `  shop  Web shop  online`.
fn line(item: &PageItem) -> String {
    format!("  {}  {}  {}", item.key, item.name, state(item))
}

fn state(item: &PageItem) -> &'static str {
    match item.state {
        ItemState::Present {
            maintenance_since: Some(_),
            ..
        } => "maintenance",
        ItemState::Present { status, .. } => status.as_str(),
        ItemState::Removed(_) => "removed",
    }
}

fn shown(one: &ListedPage) -> Value {
    let items = one.items.iter().map(|item| {
        json!({
            "key": item.key, "name": item.name, "group": item.group,
            "monitor": item.monitor.0, "status": state(item),
        })
    });
    json!({
        "slug": one.page.slug.as_str(), "title": one.page.title, "about": one.page.about,
        "shows_latency": one.page.shows_latency, "items": items.collect::<Vec<Value>>(),
    })
}

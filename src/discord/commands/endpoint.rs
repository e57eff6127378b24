//! `/endpoint …`: the roll, for those who manage it. Discord asks for Manage Server, and so does every managing
//! subcommand itself; `show` and `export` only read.

use std::time::Duration;

use poise::serenity_prelude as serenity;

use crate::actions::export_endpoints::{self, Format};
use crate::actions::import_endpoints::{self, MAX_FILE, default_name};
use crate::actions::manage_endpoint::{self, Edit};
use crate::actions::{Asker, recheck};
use crate::discord::error::CommandError;
use crate::discord::reply::{self, Card};
use crate::discord::{Context, access, answers, cards, complete};
use crate::domain::check::{HttpCheck, MAX_REDIRECTS, Method};
use crate::domain::monitor::{parse_interval, parse_name};
use crate::domain::target::{Scheme, Target};
use crate::domain::text;
use crate::store::endpoint::{Description, Endpoint, all};

/// The longest that fetching an attached file may take.
const DOWNLOAD: Duration = Duration::from_secs(15);

/// Manage the endpoints on this server's roll
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    subcommands(
        "add", "edit", "http", "remove", "pause", "resume", "show", "import", "export"
    )
)]
pub(super) async fn endpoint(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// A mistake in an option, named.
fn wrong(option: &str, error: impl std::fmt::Display) -> CommandError {
    crate::actions::Error::Invalid(format!("`{option}`: {error}")).into()
}

fn manager(ctx: Context<'_>) -> Result<Asker, CommandError> {
    access::require_manage(reply::permissions(ctx))?;
    reply::asker(ctx)
}

async fn find(ctx: Context<'_>, asker: Asker, text: &str) -> Result<Endpoint, CommandError> {
    Ok(recheck::find(&ctx.data().store.reader, asker, text, None).await?)
}

/// Put an endpoint on the roll
#[poise::command(slash_command, guild_only)]
async fn add(
    ctx: Context<'_>,
    #[description = "tcp://host:port, http(s)://host[:port]/path, or ip:port"]
    #[max_length = 512]
    target: String,
    #[description = "What to call it; its host and port if left out"]
    #[max_length = 64]
    name: Option<String>,
    #[description = "How often to look, such as 30s or 5m"]
    #[max_length = 16]
    interval: Option<String>,
) -> Result<(), CommandError> {
    let asker = manager(ctx)?;
    let target: Target = target.parse().map_err(|error| wrong("target", error))?;
    let name = match name {
        Some(name) => parse_name(&name).map_err(|error| wrong("name", error))?,
        None => default_name(&target),
    };
    let interval = interval
        .map(|text| parse_interval(&text))
        .transpose()
        .map_err(|error| wrong("interval", error))?;
    let description = Description {
        name,
        target,
        check: None,
        interval,
    };
    reply::answer(ctx, answers::add(ctx.data(), asker, description)).await
}

/// Change an endpoint's name, target or interval
#[poise::command(slash_command, guild_only)]
async fn edit(
    ctx: Context<'_>,
    #[description = "Its address or name"]
    #[autocomplete = "complete::endpoint"]
    #[max_length = 512]
    endpoint: String,
    #[description = "A new name"]
    #[max_length = 64]
    name: Option<String>,
    #[description = "A new target"]
    #[max_length = 512]
    target: Option<String>,
    #[description = "A new interval, such as 30s; `default` for the bot's own"]
    #[max_length = 16]
    interval: Option<String>,
) -> Result<(), CommandError> {
    let asker = manager(ctx)?;
    let interval = match interval.as_deref() {
        Some("default") => Some(None),
        Some(text) => Some(Some(
            parse_interval(text).map_err(|error| wrong("interval", error))?,
        )),
        None => None,
    };
    let change = Edit {
        name: name
            .map(|name| parse_name(&name))
            .transpose()
            .map_err(|error| wrong("name", error))?,
        target: target
            .map(|target| target.parse())
            .transpose()
            .map_err(|error| wrong("target", error))?,
        interval,
        check: None,
    };
    apply(ctx, asker, endpoint, change).await
}

async fn apply(
    ctx: Context<'_>,
    asker: Asker,
    endpoint: String,
    change: Edit,
) -> Result<(), CommandError> {
    let desk = ctx.data();
    let work = async {
        let endpoint = find(ctx, asker, &endpoint).await?;
        let now = desk.now();
        manage_endpoint::edit(&desk.store, asker, endpoint.id, change, now).await?;
        let changed =
            crate::store::endpoint::get(&desk.store.reader, asker.guild, endpoint.id).await?;
        let changed = changed.unwrap_or(endpoint);
        let card = Card::embed(cards::endpoint(&changed, desk.looking.rules.interval));
        Ok(Card {
            content: "Changed.".into(),
            ..card
        })
    };
    reply::answer(ctx, work).await
}

/// How a look asks. Append only: Discord remembers a choice by its place.
#[derive(Clone, Copy, Debug, poise::ChoiceParameter)]
enum MethodChoice {
    #[name = "GET"]
    Get,
    #[name = "HEAD"]
    Head,
    #[name = "OPTIONS"]
    Options,
}

impl From<MethodChoice> for Method {
    fn from(choice: MethodChoice) -> Self {
        match choice {
            MethodChoice::Get => Self::Get,
            MethodChoice::Head => Self::Head,
            MethodChoice::Options => Self::Options,
        }
    }
}

/// Change what an HTTP endpoint is asked and what it must answer
#[expect(
    clippy::too_many_arguments,
    reason = "the options of a slash command are the arguments of its function"
)]
#[poise::command(slash_command, guild_only)]
async fn http(
    ctx: Context<'_>,
    #[description = "Its address or name"]
    #[autocomplete = "complete::endpoint"]
    #[max_length = 512]
    endpoint: String,
    #[description = "Which status passes, such as 200 or 200-399"]
    #[max_length = 16]
    status: Option<String>,
    #[description = "A text that the answer must hold; `none` for none"]
    #[max_length = 200]
    keyword: Option<String>,
    #[description = "How to ask"] method: Option<MethodChoice>,
    #[description = "Headers, such as Accept: text/plain; several are parted by a bar |"]
    #[max_length = 1000]
    headers: Option<String>,
    #[description = "How many redirects to follow"]
    #[min = 0]
    #[max = 3]
    redirects: Option<u8>,
    #[description = "Whether the certificate must be valid"] verify_tls: Option<bool>,
) -> Result<(), CommandError> {
    let asker = manager(ctx)?;
    let known = find(ctx, asker, &endpoint).await?;
    if known.description.target.scheme == Scheme::Tcp {
        return Err(wrong(
            "endpoint",
            "a tcp endpoint has no HTTP options; it passes when the connection opens",
        ));
    }
    let mut check = known.description.check.unwrap_or_default();
    if let Some(status) = status {
        check.expected_status =
            HttpCheck::parse_status(&status).map_err(|error| wrong("status", error))?;
    }
    if let Some(keyword) = keyword {
        let kept = (keyword != "none")
            .then(|| HttpCheck::parse_keyword(&keyword))
            .transpose();
        check.keyword = kept.map_err(|error| wrong("keyword", error))?;
    }
    if let Some(headers) = headers {
        check.headers = HttpCheck::parse_headers(&headers.replace('|', "\n"))
            .map_err(|error| wrong("headers", error))?;
    }
    check.method = method.map_or(check.method, Method::from);
    check.max_redirects = redirects.unwrap_or(check.max_redirects).min(MAX_REDIRECTS);
    check.verify_tls = verify_tls.unwrap_or(check.verify_tls);
    let check = Some(check).filter(|check| *check != HttpCheck::default());
    apply(
        ctx,
        asker,
        endpoint,
        Edit {
            check: Some(check),
            ..Edit::default()
        },
    )
    .await
}

/// Take an endpoint off the roll
#[poise::command(slash_command, guild_only)]
async fn remove(
    ctx: Context<'_>,
    #[description = "Its address or name"]
    #[autocomplete = "complete::endpoint"]
    #[max_length = 512]
    endpoint: String,
) -> Result<(), CommandError> {
    let asker = manager(ctx)?;
    let desk = ctx.data();
    let work = async {
        let endpoint = find(ctx, asker, &endpoint).await?;
        let now = desk.now();
        let removed = manage_endpoint::remove(&desk.store, asker, endpoint.id, now).await?;
        Ok(Card::sentence(format!(
            "Removed {}.",
            cards::mention(&removed.description)
        )))
    };
    reply::answer(ctx, work).await
}

/// Stop looking at an endpoint until it is resumed
#[poise::command(slash_command, guild_only)]
async fn pause(
    ctx: Context<'_>,
    #[description = "Its address or name"]
    #[autocomplete = "complete::endpoint"]
    #[max_length = 512]
    endpoint: String,
) -> Result<(), CommandError> {
    let asker = manager(ctx)?;
    let desk = ctx.data();
    let work = async {
        let endpoint = find(ctx, asker, &endpoint).await?;
        let now = desk.now();
        let paused = manage_endpoint::pause(&desk.store, asker, endpoint.id, now).await?;
        Ok(Card::sentence(format!(
            "Paused {}: nobody looks at it until you resume it.",
            cards::mention(&paused.description)
        )))
    };
    reply::answer(ctx, work).await
}

/// Look at a paused endpoint again
#[poise::command(slash_command, guild_only)]
async fn resume(
    ctx: Context<'_>,
    #[description = "Its address or name"]
    #[autocomplete = "complete::endpoint"]
    #[max_length = 512]
    endpoint: String,
) -> Result<(), CommandError> {
    let asker = manager(ctx)?;
    let desk = ctx.data();
    let work = async {
        let endpoint = find(ctx, asker, &endpoint).await?;
        let now = desk.now();
        let resumed = manage_endpoint::resume(&desk.store, asker, endpoint.id, now).await?;
        Ok(Card::sentence(format!(
            "Resumed {}: it is looked at right away.",
            cards::mention(&resumed.description)
        )))
    };
    reply::answer(ctx, work).await
}

/// Everything that is known of one endpoint
#[poise::command(slash_command, guild_only)]
async fn show(
    ctx: Context<'_>,
    #[description = "Its address or name"]
    #[autocomplete = "complete::endpoint"]
    #[max_length = 512]
    endpoint: String,
) -> Result<(), CommandError> {
    let asker = reply::asker(ctx)?;
    let work = async {
        let endpoint = find(ctx, asker, &endpoint).await?;
        Ok(Card::embed(cards::endpoint(
            &endpoint,
            ctx.data().looking.rules.interval,
        )))
    };
    reply::answer(ctx, work).await
}

/// Add the endpoints of a file: one target per line, CSV with a header, or JSON
#[poise::command(slash_command, guild_only)]
async fn import(
    ctx: Context<'_>,
    #[description = "A text, CSV or JSON file, at most 1 MiB"] file: serenity::Attachment,
) -> Result<(), CommandError> {
    let asker = manager(ctx)?;
    let desk = ctx.data();
    let work = async {
        if usize::try_from(file.size).is_ok_and(|size| size > MAX_FILE) {
            return Err(wrong(
                "file",
                "it is larger than 1 MiB; split it and import the parts one after the other",
            ));
        }
        // serenity's download has no limit of its own.
        let content = tokio::time::timeout(DOWNLOAD, file.download())
            .await
            .map_err(|_| {
                CommandError::Refused(
                    "Discord did not hand over the file in time; please try again.".into(),
                )
            })??;
        let now = desk.now();
        let imported =
            import_endpoints::import(&desk.store, asker, &content, desk.quota_endpoints, now)
                .await?;
        Ok(Card::embed(cards::imported(&imported)))
    };
    reply::answer(ctx, work).await
}

/// The form of a file. Append only: Discord remembers a choice by its place.
#[derive(Clone, Copy, Debug, poise::ChoiceParameter)]
enum FormatChoice {
    #[name = "CSV"]
    Csv,
    #[name = "JSON"]
    Json,
    #[name = "one target per line"]
    Text,
}

/// This server's roll as a file that `import` reads again
#[poise::command(slash_command, guild_only)]
async fn export(
    ctx: Context<'_>,
    #[description = "The form of the file; CSV if left out"] format: Option<FormatChoice>,
) -> Result<(), CommandError> {
    let asker = reply::asker(ctx)?;
    let format = match format {
        None | Some(FormatChoice::Csv) => Format::Csv,
        Some(FormatChoice::Json) => Format::Json,
        Some(FormatChoice::Text) => Format::Text,
    };
    let work = async {
        let endpoints = all(&ctx.data().store.reader, Some(asker.guild)).await?;
        if endpoints.is_empty() {
            return Ok(Card::sentence(cards::EMPTY_ROLL));
        }
        let file = export_endpoints::export(&endpoints, format)?;
        let attachment =
            serenity::CreateAttachment::bytes(file, format!("endpoints.{}", format.word()));
        let content = format!("{}.", text::count(endpoints.len() as u64, "endpoint"));
        Ok(Card {
            content,
            files: vec![attachment],
            ..Card::default()
        })
    };
    reply::answer(ctx, work).await
}

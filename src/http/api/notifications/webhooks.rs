//! Webhooks. Their URLs and templates are secrets: they are stored, but never shown.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::alerts::BrokenView;
use crate::actions::Error;
use crate::actions::notifications::webhook as webhooks;
use crate::domain::notifications::webhook::{WebhookFormat, WebhookId, masked};
use crate::domain::patch::Patch;
use crate::http::HttpState;
use crate::http::api::list::{ByName, Cursor, PageQuery, page_of};
use crate::http::api::problem::Problem;
use crate::http::api::request::{Admin, Caller, InBody, InPath, InQuery, Reader, patch};
use crate::http::api::routes::{Created, Json, NoContent};
use crate::http::api::values::{
    DateTime, Id, JsonObject, Name, WebhookFormatWord, WebhookUrl, Word, date_time,
};
use crate::notify::webhook::payload::template::Template;
use crate::notify::webhook::signature;
use crate::store::StoreError;
use crate::store::notifications::webhook::{self, NewWebhook, Webhook, WebhookSettings};

/// A webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(super) struct WebhookView {
    id: Id,
    #[schema(examples("pager"))]
    name: String,
    /// Scheme and host of its URL, which is secret.
    #[schema(examples("https://example.org/…"))]
    url: String,
    format: WebhookFormatWord,
    /// Why deliveries keep failing; null if it works.
    #[schema(required)]
    broken: Option<BrokenView>,
    #[schema(required)]
    last_sent_at: Option<DateTime>,
}

impl From<&Webhook> for WebhookView {
    fn from(webhook: &Webhook) -> Self {
        let broken = webhook.health.broken.clone();
        Self {
            id: webhook.id.0,
            name: webhook.name.clone(),
            url: masked(&webhook.url),
            format: Word(webhook.format),
            broken: broken.map(|(reason, since)| BrokenView {
                reason,
                since: date_time(since),
            }),
            last_sent_at: webhook.last_sent_at.map(date_time),
        }
    }
}

/// A page of webhooks.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookList {
    webhooks: Vec<WebhookView>,
    #[schema(required)]
    next_cursor: Option<Cursor>,
}

pub(super) async fn list(
    reader: Reader,
    State(app): State<HttpState>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<WebhookList>, Problem> {
    let known = webhook::list(&app.store.reader, reader.0.guild_id).await?;
    let position = |webhook: &Webhook| ByName::new(&webhook.name, webhook.id.0);
    let page = page_of(known, &query, position);
    Ok(Json(WebhookList {
        webhooks: page.items.iter().map(WebhookView::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

pub(super) async fn show(
    reader: Reader,
    State(app): State<HttpState>,
    InPath(id): InPath<WebhookId>,
) -> Result<Json<WebhookView>, Problem> {
    let webhook = find(&app, &reader, id).await?;
    Ok(Json((&webhook).into()))
}

async fn find(app: &HttpState, caller: &Caller, id: WebhookId) -> Result<Webhook, Problem> {
    let webhook = webhook::get(&app.store.reader, id).await?;
    webhook
        .filter(|webhook| webhook.guild_id == caller.0.guild_id)
        .ok_or_else(Problem::not_found)
}

/// A webhook to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "pager", "url": "https://example.org/hook" })))]
pub(super) struct NewWebhookBody {
    name: Name,
    url: WebhookUrl,
    /// Default: `template` with a template, and otherwise what the URL implies.
    format: Option<WebhookFormatWord>,
    /// The message, with placeholders such as `{{title}}` in its texts. It is kept secret.
    template: Option<JsonObject>,
}

/// A webhook that was added, with the key of its signatures.
#[derive(Serialize, ToSchema)]
pub(super) struct AddedWebhook {
    #[serde(flatten)]
    webhook: WebhookView,
    /// Signs the messages of the format `standard`; it is not shown again.
    #[schema(examples("whsec_…"))]
    signing_key: String,
}

pub(super) async fn add(
    admin: Admin,
    State(app): State<HttpState>,
    InBody(body): InBody<NewWebhookBody>,
) -> Result<Created<AddedWebhook>, Problem> {
    let url = body.url.0;
    let format = match (body.format, &body.template) {
        (Some(format), _) => format.0,
        (None, Some(_)) => WebhookFormat::Template,
        (None, None) => WebhookFormat::of(&url),
    };
    let template = template_text(body.template);
    check_template(format, template.as_deref())?;
    let signing_key = signing_key()?;
    let new = NewWebhook {
        name: body.name.0,
        url,
        format,
        template,
        signing_key: signing_key.clone(),
    };
    let id = webhooks::add(&app.store, admin.requester(), new, app.clock.now()).await?;
    let webhook = find(&app, &admin, id).await?;
    Ok(Created(AddedWebhook {
        webhook: (&webhook).into(),
        signing_key,
    }))
}

fn template_text(template: Option<JsonObject>) -> Option<String> {
    template.map(|template| Value::Object(template.0).to_string())
}

/// The template belongs to its format, and must be usable.
fn check_template(format: WebhookFormat, template: Option<&str>) -> Result<(), Error> {
    let conflict = Error::Conflict;
    match (format, template) {
        (WebhookFormat::Template, None) => {
            Err(conflict("the format `template` needs a `template`".into()))
        }
        (WebhookFormat::Template, Some(text)) => match Template::parse(text) {
            Ok(_) => Ok(()),
            Err(error) => Err(conflict(format!("`template`: {error}"))),
        },
        (_, Some(_)) => Err(conflict(
            "only the format `template` has a `template`. Remove one of the two".into(),
        )),
        (_, None) => Ok(()),
    }
}

fn signing_key() -> Result<String, StoreError> {
    let mut key = [0; signature::KEY_LENGTH];
    getrandom::fill(&mut key)
        .map_err(|_| StoreError::Damaged("cannot generate random numbers".into()))?;
    Ok(signature::key_text(&key))
}

/// A change to a webhook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "pager 2" })))]
pub(super) struct EditWebhook {
    name: Option<Name>,
    url: Option<WebhookUrl>,
    format: Option<WebhookFormatWord>,
    /// Null removes it, for another format.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<JsonObject>)]
    template: Patch<JsonObject>,
}

pub(super) async fn edit(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<WebhookId>,
    InBody(body): InBody<EditWebhook>,
) -> Result<Json<WebhookView>, Problem> {
    let template = body
        .template
        .map(|template| Value::Object(template.0).to_string());
    let change = move |settings: &mut WebhookSettings| {
        if let Some(name) = body.name {
            settings.name = name.0;
        }
        if let Some(url) = body.url {
            settings.url = url.0;
        }
        if let Some(format) = body.format {
            settings.format = format.0;
        }
        settings.template = template.apply(settings.template.take());
        check_template(settings.format, settings.template.as_deref())
    };
    let (requester, now) = (admin.requester(), app.clock.now());
    webhooks::edit(&app.store, requester, id, change, now).await?;
    let webhook = find(&app, &admin, id).await?;
    Ok(Json((&webhook).into()))
}

pub(super) async fn remove(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<WebhookId>,
) -> Result<NoContent, Problem> {
    webhooks::remove_by_id(&app.store, admin.requester(), id, app.clock.now()).await?;
    Ok(NoContent)
}

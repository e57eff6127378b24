//! `/endpoint import | export`: adds endpoints from a file, and writes all endpoints to one.

use std::time::Duration;

use poise::serenity_prelude as serenity;

use crate::actions::endpoints::export_endpoints::{self, ExportFormat};
use crate::actions::endpoints::import_endpoints::{self, MAX_FILE};
use crate::discord::Context;
use crate::discord::endpoints::{import_card, texts};
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::store::endpoints::endpoint::all;

/// Timeout of the download of an attached file.
const DOWNLOAD: Duration = Duration::from_secs(15);

/// Add endpoints from a file: one target per line, CSV or JSON
#[poise::command(slash_command, guild_only)]
pub(super) async fn import(
    ctx: Context<'_>,
    #[description = "Text, CSV or JSON file of at most 1 MiB"] file: serenity::Attachment,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let app = ctx.data();
    let work = async {
        if usize::try_from(file.size).is_ok_and(|size| size > MAX_FILE) {
            return Err(texts::file_too_large());
        }
        // serenity's download has no timeout of its own.
        let content = tokio::time::timeout(DOWNLOAD, file.download())
            .await
            .map_err(|_| texts::file_not_delivered())??;
        let now = app.now();
        let imported =
            import_endpoints::import(app.checks.limited(&app.store), requester, &content, now)
                .await?;
        Ok(Message::embed(import_card::imported(&imported)))
    };
    reply::answer(ctx, work).await
}

/// The format of an exported file. Append only: Discord identifies a choice by its index.
#[derive(Clone, Copy, Debug, poise::ChoiceParameter)]
enum ExportFormatChoice {
    #[name = "CSV"]
    Csv,
    #[name = "JSON"]
    Json,
    #[name = "one target per line"]
    Text,
}

/// Export all endpoints to a file for /endpoint import
#[poise::command(slash_command, guild_only)]
pub(super) async fn export(
    ctx: Context<'_>,
    #[description = "File format (default: CSV)"] format: Option<ExportFormatChoice>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let format = match format {
        None | Some(ExportFormatChoice::Csv) => ExportFormat::Csv,
        Some(ExportFormatChoice::Json) => ExportFormat::Json,
        Some(ExportFormatChoice::Text) => ExportFormat::Text,
    };
    let work = async {
        let endpoints = all(&ctx.data().store.reader, Some(requester.guild)).await?;
        if endpoints.is_empty() {
            return Ok(Message::sentence(texts::NO_ENDPOINTS));
        }
        let file = export_endpoints::export(&endpoints, format)?;
        let attachment =
            serenity::CreateAttachment::bytes(file, format!("endpoints.{}", format.as_str()));
        Ok(Message {
            content: texts::exported(endpoints.len()),
            files: vec![attachment],
            ..Message::default()
        })
    };
    reply::answer(ctx, work).await
}

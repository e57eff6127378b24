//! `/endpoint http`: the request that a check sends, and the response that it requires.

use super::{apply, find};
use crate::actions::endpoints::manage_endpoint::EndpointEdit;
use crate::discord::Context;
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::{complete, reply};
use crate::domain::endpoints::http_check::Method;
use crate::domain::endpoints::http_check_change::HttpCheckChange;
use crate::domain::patch::Patch;

/// The HTTP method of a check. Append only: Discord identifies a choice by its index.
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

/// Change the request of an HTTP endpoint's checks and the expected response
#[expect(
    clippy::too_many_arguments,
    reason = "the options of a slash command are the arguments of its function"
)]
#[poise::command(slash_command, guild_only)]
pub(super) async fn http(
    ctx: Context<'_>,
    #[description = "Address or name"]
    #[autocomplete = "complete::endpoint"]
    #[max_length = 512]
    endpoint: String,
    #[description = "Expected status, such as 200 or 200-399"]
    #[max_length = 16]
    status: Option<String>,
    #[description = "Text that the response must contain; enter none to remove it"]
    #[max_length = 200]
    keyword: Option<String>,
    #[description = "Request method"] method: Option<MethodChoice>,
    #[description = "Headers, such as Accept: text/plain; separate several with |"]
    #[max_length = 1000]
    headers: Option<String>,
    #[description = "Number of redirects to follow, at most 10 (default: 5)"]
    #[min = 0]
    #[max = 10]
    redirects: Option<u8>,
    #[description = "Require a valid certificate"] verify_tls: Option<bool>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let known = find(ctx, requester, &endpoint).await?;
    let change = HttpCheckChange {
        status,
        keyword: match keyword {
            None => Patch::Keep,
            Some(keyword) if keyword == "none" => Patch::Clear,
            Some(keyword) => Patch::Set(keyword),
        },
        method: method.map(|method| Method::from(method).as_str().to_owned()),
        headers: headers.map(|headers| headers.replace('|', "\n")),
        redirects,
        verify_tls,
    };
    // For an error that names the option. The options may change until the edit, which applies the change to them.
    change
        .clone()
        .apply(
            known.description.http_check,
            known.description.target.scheme,
        )
        .map_err(|refused| {
            let option = match refused.option {
                "target" => "endpoint",
                option => option,
            };
            wrong(option, refused.error)
        })?;
    apply(
        ctx,
        requester,
        endpoint,
        EndpointEdit {
            http: Patch::Set(change),
            ..EndpointEdit::default()
        },
    )
    .await
}

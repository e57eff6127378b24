//! HTTP check options of `rollcall endpoint add`: the request and the expected response.

use clap::Args;

use crate::app::AppError;
use crate::domain::endpoints::http_check::HttpCheck;
use crate::domain::endpoints::http_check_change::HttpCheckChange;
use crate::domain::endpoints::target::Scheme;
use crate::domain::patch::Patch;

#[derive(Clone, Debug, Args)]
pub(super) struct HttpArguments {
    /// HTTP: expected status, such as 200 or 200-399
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// HTTP: text that the response must contain
    #[arg(long, value_name = "TEXT")]
    keyword: Option<String>,
    /// HTTP: method: GET, HEAD or OPTIONS
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// HTTP: header to send, such as "Accept: text/plain" (up to eight times)
    #[arg(long = "header", value_name = "HEADER")]
    headers: Vec<String>,
    /// HTTP: number of redirects to follow, at most 3
    #[arg(long, value_name = "N")]
    redirects: Option<u8>,
    /// HTTPS: accept any certificate
    #[arg(long)]
    insecure: bool,
}

impl HttpArguments {
    /// The HTTP check, or `None` if every option has its default.
    pub(super) fn http_check(&self, scheme: Scheme) -> Result<Option<HttpCheck>, AppError> {
        let change = HttpCheckChange {
            status: self.status.clone(),
            keyword: self.keyword.clone().map_or(Patch::Keep, Patch::Set),
            method: self.method.clone(),
            headers: (!self.headers.is_empty()).then(|| self.headers.join("\n")),
            redirects: self.redirects,
            verify_tls: self.insecure.then_some(false),
        };
        change.apply(None, scheme).map_err(|wrong| {
            let option = match wrong.option {
                "target" => return AppError::Setting(format!("TARGET: {}", wrong.error)),
                "headers" => "header",
                option => option,
            };
            AppError::Setting(format!("--{option}: {}", wrong.error))
        })
    }
}

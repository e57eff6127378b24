//! What an HTTP endpoint is asked and must answer, as options of `rollcall endpoint add`.

use clap::Args;

use crate::app::AppError;
use crate::domain::check::{HttpCheck, MAX_REDIRECTS, Method};
use crate::domain::target::Scheme;

#[derive(Clone, Debug, Args)]
pub(super) struct HttpArguments {
    /// HTTP: which status passes, such as 200 or 200-399
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// HTTP: a text that the answer must hold
    #[arg(long, value_name = "TEXT")]
    keyword: Option<String>,
    /// HTTP: how to ask: GET, HEAD or OPTIONS
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// HTTP: a header to send, such as "Accept: text/plain"; may be given eight times
    #[arg(long, value_name = "HEADER")]
    header: Vec<String>,
    /// HTTP: how many redirects to follow, at most 3
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=i64::from(MAX_REDIRECTS)))]
    redirects: Option<u8>,
    /// HTTPS: take any certificate
    #[arg(long)]
    insecure: bool,
}

impl HttpArguments {
    /// The options, `None` where each has its default.
    pub(super) fn check(&self, scheme: Scheme) -> Result<Option<HttpCheck>, AppError> {
        let wrong = |option: &str, error: &dyn std::fmt::Display| {
            AppError::Setting(format!("--{option}: {error}"))
        };
        let mut check = HttpCheck::default();
        if let Some(status) = &self.status {
            check.expected_status =
                HttpCheck::parse_status(status).map_err(|error| wrong("status", &error))?;
        }
        if let Some(keyword) = &self.keyword {
            let keyword =
                HttpCheck::parse_keyword(keyword).map_err(|error| wrong("keyword", &error))?;
            check.keyword = Some(keyword);
        }
        if let Some(method) = &self.method {
            let method = Method::from_word(method);
            check.method = method.ok_or_else(|| {
                wrong(
                    "method",
                    &"it must be GET, HEAD or OPTIONS; a right one is `HEAD`",
                )
            })?;
        }
        check.headers = HttpCheck::parse_headers(&self.header.join("\n"))
            .map_err(|error| wrong("header", &error))?;
        check.max_redirects = self.redirects.unwrap_or(check.max_redirects);
        check.verify_tls = !self.insecure;
        if check == HttpCheck::default() {
            return Ok(None);
        }
        if scheme == Scheme::Tcp {
            return Err(AppError::Setting(
                "a tcp endpoint has no HTTP options; it passes when the connection opens"
                    .to_owned(),
            ));
        }
        Ok(Some(check))
    }
}

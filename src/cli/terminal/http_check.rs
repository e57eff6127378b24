//! HTTP check options of `rollcall endpoint add`: the request and the expected response.

use std::path::PathBuf;

use clap::Args;

use super::{input_file, print_note};
use crate::app::AppError;
use crate::domain::endpoints::http_check::HttpCheck;
use crate::domain::endpoints::http_check_change::HttpCheckChange;
use crate::domain::endpoints::target::Scheme;
use crate::domain::patch::Patch;

#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct HttpArguments {
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
    /// HTTP: file with headers to send, one per line, or - for standard input; for headers with secrets
    #[arg(long, value_name = "FILE")]
    header_file: Option<PathBuf>,
    /// HTTP: number of redirects to follow, at most 10 (default: 5)
    #[arg(long, value_name = "N", value_parser = redirects)]
    redirects: Option<u8>,
    /// HTTPS: accept any certificate
    #[arg(long)]
    insecure: bool,
}

fn redirects(text: &str) -> Result<u8, String> {
    text.parse()
        .map_err(|_| "must be a number from 0 to 10. Example: `1`".to_owned())
}

/// Parts of header names whose values are secrets.
const SECRET_NAMES: [&str; 6] = ["auth", "cookie", "key", "token", "secret", "password"];

/// Whether the value of a header is probably a secret.
fn is_secret(header: &str) -> bool {
    let name = header.split(':').next().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

impl HttpArguments {
    /// All headers, those of the command line first. Prints a hint if a secret is on the command line.
    fn all_headers(&self) -> Result<Vec<String>, AppError> {
        if self.headers.iter().any(|header| is_secret(header)) {
            print_note(
                "warning: other users of this machine can read the value of --header. Put secrets into a file and use --header-file",
            );
        }
        let mut headers = self.headers.clone();
        if let Some(file) = &self.header_file {
            headers.extend(input_file::read_secret("--header-file", file)?);
        }
        Ok(headers)
    }

    /// The HTTP check, or `None` if every option has its default.
    pub(in crate::cli) fn http_check(&self, scheme: Scheme) -> Result<Option<HttpCheck>, AppError> {
        let headers = self.all_headers()?;
        let change = HttpCheckChange {
            status: self.status.clone(),
            keyword: self.keyword.clone().map_or(Patch::Keep, Patch::Set),
            method: self.method.clone(),
            headers: (!headers.is_empty()).then(|| headers.join("\n")),
            redirects: self.redirects,
            verify_tls: self.insecure.then_some(false),
        };
        change.apply(None, scheme).map_err(|wrong| {
            let option = match wrong.option {
                "target" => return AppError::Setting(format!("TARGET: {}", wrong.error)),
                "headers" if self.headers.is_empty() => "header-file",
                "headers" => "header",
                option => option,
            };
            AppError::Setting(format!("--{option}: {}", wrong.error))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_with_secrets_are_recognized_by_name() {
        for header in [
            "Authorization: Bearer x",
            "proxy-authorization: x",
            "COOKIE: a=b",
            "X-Api-Key: x",
            "X-Auth-Token: x",
            "Private-Token: x",
        ] {
            assert!(is_secret(header), "{header}");
        }
        for header in [
            "Accept: text/plain; token=1",
            "Host: example.org",
            "X-Test: key",
            "",
        ] {
            assert!(!is_secret(header), "{header}");
        }
    }
}

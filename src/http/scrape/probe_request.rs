//! What a request to `/probe` asks for, in the form of blackbox_exporter: a target, a module and a time limit.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::domain::endpoints::http_check::{HttpCheck, MAX_REDIRECTS};
use crate::domain::endpoints::target::{Scheme, Target};
use crate::http::api::problem::Problem;

/// The header with the time after which Prometheus gives up.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

/// How much earlier Rollcall answers, so that the answer arrives in time; blackbox_exporter does the same.
const MARGIN: Duration = Duration::from_millis(500);

/// The query of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ProbeQuery {
    target: Option<String>,
    module: Option<String>,
}

/// A module, under the name that it has in the example configuration of blackbox_exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(in crate::http) enum Module {
    /// A GET request that ends with a status from 200 to 299.
    #[strum(serialize = "http_2xx")]
    Http2xx,
    /// A connection that opens.
    TcpConnect,
}

/// A valid request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ProbeRequest {
    pub module: Module,
    pub target: Target,
}

impl ProbeRequest {
    /// Reads a query. Without a module, it is `http_2xx`, as in blackbox_exporter.
    pub fn parse(query: &ProbeQuery) -> Result<Self, Problem> {
        let Some(target) = query.target.as_deref().filter(|text| !text.is_empty()) else {
            return Err(bad(
                "the target parameter is missing. Example: `/probe?target=example.org&module=http_2xx`",
            ));
        };
        let module = match query.module.as_deref().unwrap_or_default() {
            "" => Module::Http2xx,
            name => name.parse().map_err(|_| unknown_module(name))?,
        };
        let target = module.read_target(target)?;
        Ok(Self { module, target })
    }

    /// The options of its check; `None`: a connection that opens has none.
    pub fn http_check(&self) -> Option<HttpCheck> {
        match self.module {
            Module::TcpConnect => None,
            Module::Http2xx => Some(HttpCheck {
                expected_status: (200, 299),
                max_redirects: MAX_REDIRECTS,
                ..HttpCheck::default()
            }),
        }
    }
}

impl Module {
    /// The module for a target of this scheme.
    pub const fn of(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Tcp => Self::TcpConnect,
            Scheme::Http | Scheme::Https => Self::Http2xx,
        }
    }

    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Reads a target as blackbox_exporter does: without a scheme, it has that of the module.
    fn read_target(self, text: &str) -> Result<Target, Problem> {
        let start = match self {
            Self::Http2xx => "http://",
            Self::TcpConnect => "tcp://",
        };
        let target = match text.contains("://") {
            true => text.parse::<Target>(),
            false => format!("{start}{text}").parse(),
        };
        let target = target.map_err(|error| bad(format!("the target is invalid: {error}")))?;
        let needed = Self::of(target.scheme);
        match needed == self {
            true => Ok(target),
            false => Err(bad(format!(
                "the module `{}` does not fit the target `{target}`. Use `module={}`",
                self.as_str(),
                needed.as_str()
            ))),
        }
    }
}

fn unknown_module(name: &str) -> Problem {
    let known: Vec<String> = Module::VARIANTS
        .iter()
        .map(|module| format!("`{}`", module.as_str()))
        .collect();
    let name: String = name.chars().take(64).collect();
    bad(format!(
        "unknown module `{name}`. Use {}",
        known.join(" or ")
    ))
}

fn bad(sentence: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, sentence)
}

/// How long the check may take: until shortly before Prometheus gives up, and never longer than other checks.
pub(super) fn time_limit(headers: &HeaderMap, longest: Duration) -> Result<Duration, Problem> {
    let Some(header) = headers.get(SCRAPE_TIMEOUT) else {
        return Ok(longest);
    };
    let seconds = header.to_str().ok().and_then(|text| text.parse().ok());
    let timeout = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let Some(timeout) = timeout.filter(|timeout| !timeout.is_zero()) else {
        return Err(bad(
            "the header X-Prometheus-Scrape-Timeout-Seconds must be a positive number of seconds. Example: `10`",
        ));
    };
    Ok(timeout.saturating_sub(MARGIN).max(timeout / 2).min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(target: Option<&str>, module: Option<&str>) -> Result<String, String> {
        let query = ProbeQuery {
            target: target.map(str::to_owned),
            module: module.map(str::to_owned),
        };
        let parsed = ProbeRequest::parse(&query);
        parsed
            .map(|request| format!("{} {}", request.module.as_str(), request.target))
            .map_err(|problem| problem.detail().to_owned())
    }

    #[test]
    fn targets_are_read_as_blackbox_exporter_does() {
        for (target, module, read) in [
            ("example.org", None, "http_2xx http://example.org/"),
            ("example.org", Some(""), "http_2xx http://example.org/"),
            (
                "example.org:8080/a?b=c",
                Some("http_2xx"),
                "http_2xx http://example.org:8080/a?b=c",
            ),
            (
                "https://example.org",
                Some("http_2xx"),
                "http_2xx https://example.org/",
            ),
            (
                "example.org:22",
                Some("tcp_connect"),
                "tcp_connect tcp://example.org:22",
            ),
            (
                "tcp://[2001:db8::1]:22",
                Some("tcp_connect"),
                "tcp_connect tcp://[2001:db8::1]:22",
            ),
        ] {
            assert_eq!(parse(Some(target), module).as_deref(), Ok(read), "{target}");
        }
    }

    #[test]
    fn a_wrong_module_or_target_is_refused_with_a_sentence() {
        let refusals = [
            (None, None),
            (Some(""), Some("http_2xx")),
            (Some("example.org"), Some("icmp")),
            (Some("example.org"), Some("HTTP_2XX")),
            (Some("example.org"), Some("tcp_connect")),
            (Some("tcp://example.org:22"), Some("http_2xx")),
            (Some("https://example.org"), Some("tcp_connect")),
            (Some("ftp://example.org"), None),
            (Some("exa mple.org"), None),
        ]
        .map(|(target, module)| parse(target, module).unwrap_err());
        insta::assert_snapshot!(refusals.join("\n"), @"
        the target parameter is missing. Example: `/probe?target=example.org&module=http_2xx`
        the target parameter is missing. Example: `/probe?target=example.org&module=http_2xx`
        unknown module `icmp`. Use `http_2xx` or `tcp_connect`
        unknown module `HTTP_2XX`. Use `http_2xx` or `tcp_connect`
        the target is invalid: the port is missing. Example: `tcp://203.0.113.7:25565`
        the module `http_2xx` does not fit the target `tcp://example.org:22`. Use `module=tcp_connect`
        the module `tcp_connect` does not fit the target `https://example.org/`. Use `module=http_2xx`
        the target is invalid: the scheme must be tcp, http or https. Example: `tcp://203.0.113.7:25565`
        the target is invalid: the target contains a space or an invalid character. Example: `https://example.org/health`
        ");
    }

    #[test]
    fn the_time_limit_ends_half_a_second_before_the_scrape_and_not_after_other_checks() {
        let limit = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(SCRAPE_TIMEOUT, text.parse().unwrap());
            let limit = time_limit(&headers, Duration::from_secs(10)).ok();
            limit.map(|limit| limit.as_millis())
        };
        for (text, expected) in [
            ("5", Some(4_500)),
            ("10.499", Some(9_999)),
            ("10.5", Some(10_000)),
            ("10.501", Some(10_000)),
            ("120", Some(10_000)),
            ("1", Some(500)),
            ("0.4", Some(200)),
            ("0", None),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("ten", None),
        ] {
            assert_eq!(limit(text), expected, "{text}");
        }
        let none = time_limit(&HeaderMap::new(), Duration::from_secs(10));
        assert_eq!(none, Ok(Duration::from_secs(10)));
    }
}

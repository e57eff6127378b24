//! The bodies that add and change endpoints.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::actions::endpoints::manage_endpoint::EndpointEdit;
use crate::domain::endpoints::http_check::{HttpCheck, MAX_REDIRECTS};
use crate::domain::endpoints::http_check_change::HttpCheckChange;
use crate::domain::endpoints::target::{Scheme, Target};
use crate::domain::patch::Patch;
use crate::http::api::problem::Problem;
use crate::http::api::request::patch;
use crate::http::api::values::{
    Bounded, ExpectedStatus, HeaderValues, Interval, Keyword, MethodWord, Name, TargetText,
};

/// An endpoint to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "target": "https://example.org/health", "name": "shop", "interval": "60s" })))]
pub(super) struct NewEndpoint {
    pub target: TargetText,
    /// Default: the host of the target, with an unusual port.
    pub name: Option<Name>,
    /// Default: that of the settings.
    pub interval: Option<Interval>,
    pub http: Option<HttpOptions>,
    /// True adds it without checking it.
    pub paused: Option<bool>,
}

/// A change to an endpoint.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "shop", "interval": "30s", "http": { "status": "200-299", "keyword": "ok" } })))]
pub(super) struct EditEndpoint {
    pub target: Option<TargetText>,
    pub name: Option<Name>,
    /// Null: that of the settings.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<Interval>)]
    pub interval: Patch<Interval>,
    pub http: Option<HttpOptions>,
    /// Pauses or resumes its checks.
    pub paused: Option<bool>,
}

/// The request of an HTTP check and the expected response. A tcp endpoint has none of them.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpOptions {
    status: Option<ExpectedStatus>,
    /// Must occur in the first 64 KiB of the body; null removes it.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<Keyword>)]
    keyword: Patch<Keyword>,
    method: Option<MethodWord>,
    headers: Option<HeaderValues>,
    #[schema(inline)]
    redirects: Option<Redirects>,
    /// Whether the certificate must be valid.
    verify_tls: Option<bool>,
}

type Redirects = Bounded<0, { MAX_REDIRECTS as u32 }>;

impl From<HttpOptions> for HttpCheckChange {
    fn from(http: HttpOptions) -> Self {
        let lines = |headers: BTreeMap<String, String>| {
            let lines = headers.iter();
            let lines = lines.map(|(name, value)| format!("{name}: {value}"));
            lines.collect::<Vec<_>>().join("\n")
        };
        let redirects = http.redirects.map(Bounded::get);
        Self {
            status: http.status.map(|status| status.0),
            keyword: http.keyword.map(|keyword| keyword.0),
            method: http.method.map(|word| word.0.as_str().to_owned()),
            headers: http.headers.map(|headers| lines(headers.0)),
            redirects: redirects.and_then(|count| u8::try_from(count).ok()),
            verify_tls: http.verify_tls,
        }
    }
}

/// The HTTP options after a change; a tcp endpoint refuses any.
pub(super) fn http_check(
    change: HttpCheckChange,
    before: Option<HttpCheck>,
    scheme: Scheme,
) -> Result<Option<HttpCheck>, Problem> {
    if scheme == Scheme::Tcp && change != HttpCheckChange::default() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "`http`: a tcp endpoint has no HTTP options. Example of a target that has: `https://example.org/health`",
        ));
    }
    change.apply(before, scheme).map_err(|wrong| {
        let detail = format!("`http.{}`: {}", wrong.option, wrong.error);
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    })
}

impl EditEndpoint {
    /// The edit of an endpoint with these options and this target.
    pub fn read(
        self,
        options: Option<HttpCheck>,
        target: &Target,
    ) -> Result<EndpointEdit, Problem> {
        let new = self.target.map(|target| target.0);
        let scheme = new.as_ref().unwrap_or(target).scheme;
        let http = self.http.map(HttpCheckChange::from);
        if let Some(change) = &http {
            // For an error that names the option. The edit applies the change to the options at that time.
            http_check(change.clone(), options, scheme)?;
        }
        Ok(EndpointEdit {
            name: self.name.map(|name| name.0),
            interval: self.interval.map(|interval| interval.0),
            http: http.map_or(Patch::Keep, Patch::Set),
            target: new,
        })
    }
}

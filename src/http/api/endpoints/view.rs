//! How the API shows an endpoint.

use serde::Serialize;
use utoipa::ToSchema;

use crate::actions::endpoints::export_endpoints::rfc3339;
use crate::actions::endpoints::final_targets::FinalTargets;
use crate::domain::endpoints::http_check::HttpCheck;
use crate::http::api::values::{FailureClassWord, Id, MethodWord, StatusWord, Word};
use crate::store::endpoints::endpoint::Endpoint;

/// An endpoint.
#[derive(Serialize, ToSchema)]
#[schema(as = Endpoint)]
pub(super) struct EndpointView {
    id: Id,
    /// A string, as Discord writes ids: numbers of this size lose digits in many JSON parsers.
    #[schema(examples("175928847299117063"))]
    guild_id: String,
    #[schema(examples("shop"))]
    name: String,
    #[schema(examples("https://example.org/health"))]
    target: String,
    #[schema(examples("example.org"))]
    host: String,
    #[schema(examples(443))]
    port: u16,
    status: StatusWord,
    is_active: bool,
    /// Why it is inactive.
    #[schema(required)]
    inactive_reason: Option<FailureClassWord>,
    #[schema(required, examples("503"))]
    inactive_detail: Option<String>,
    #[schema(required, format = DateTime)]
    last_check_date: Option<String>,
    /// Its latest check that passed.
    #[schema(required, format = DateTime)]
    last_seen_at: Option<String>,
    /// Null: that of the settings.
    #[schema(required)]
    interval_seconds: Option<u64>,
    /// Of the latest check.
    #[schema(required)]
    latency_ms: Option<f64>,
    /// Null: all options have their defaults.
    #[schema(required)]
    http: Option<HttpCheckView>,
    /// Where redirects led in the latest check, without the query; null without redirects, and until the first check after
    /// a start of Rollcall.
    #[schema(required, examples("https://www.example.org/login"))]
    final_target: Option<String>,
    /// Of the target, or of a host on the way of its redirects, whichever expires first. Null without TLS, and until the first
    /// check.
    #[schema(required, format = DateTime)]
    certificate_expires_at: Option<String>,
}

/// The options of an HTTP check.
#[derive(Serialize, ToSchema)]
#[schema(as = HttpCheck)]
struct HttpCheckView {
    /// The status codes that pass.
    #[schema(examples("200-399"))]
    status: String,
    #[schema(required, examples("ok"))]
    keyword: Option<String>,
    method: MethodWord,
    redirects: u8,
    verify_tls: bool,
    /// Their names: values may be secrets, so they are sent, but never shown.
    #[schema(examples(json!(["Accept"])))]
    headers: Vec<String>,
}

impl EndpointView {
    pub(super) fn new(endpoint: &Endpoint, final_targets: &FinalTargets) -> Self {
        let description = &endpoint.description;
        let failure = endpoint.state.failure.as_ref();
        let failure = failure.filter(|_| !endpoint.is_active());
        let latency = endpoint.latency;
        let certificate = endpoint.certificate.as_ref();
        Self {
            id: endpoint.id.0,
            guild_id: endpoint.guild_id.to_string(),
            name: description.name.clone(),
            target: description.target.to_string(),
            host: description.target.host.to_string(),
            port: description.target.port,
            status: Word(endpoint.state.status),
            is_active: endpoint.is_active(),
            inactive_reason: failure.map(|failure| Word(failure.class)),
            inactive_detail: failure
                .and_then(|failure| failure.detail.as_deref().map(str::to_owned)),
            last_check_date: endpoint.last_check_at.map(rfc3339),
            last_seen_at: endpoint.last_seen_at.map(rfc3339),
            interval_seconds: description.interval.map(|interval| interval.as_secs()),
            latency_ms: latency.map(|latency| latency.as_secs_f64() * 1000.0),
            http: description.http_check.as_ref().map(HttpCheckView::from),
            final_target: final_targets.of(endpoint.id),
            certificate_expires_at: certificate.map(|one| rfc3339(one.expires_at)),
        }
    }
}

impl From<&HttpCheck> for HttpCheckView {
    fn from(check: &HttpCheck) -> Self {
        let (first, last) = check.expected_status;
        let names = check.headers.iter().map(|(name, _)| name.clone());
        Self {
            status: format!("{first}-{last}"),
            keyword: check.keyword.clone(),
            method: Word(check.method),
            redirects: check.max_redirects,
            verify_tls: check.verify_tls,
            headers: names.collect(),
        }
    }
}

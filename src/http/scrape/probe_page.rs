//! The answer of `/probe`: one check, under the names of blackbox_exporter, as far as the check showed the facts.

use std::time::Duration;

use super::exposition::{Exposition, Label};
use super::probe_request::Module;
use crate::actions::endpoints::check_runner::Checked;

/// The phases of an HTTP check.
const HTTP_DURATION: &str = "probe_http_duration_seconds";

/// The page about a check of this module.
pub(super) fn page(module: Module, checked: &Checked) -> Exposition {
    let mut page = Exposition::default();
    let (result, timings) = (&checked.result, checked.result.timings);
    page.gauge(
        "probe_success",
        "Whether the check passed: 1 or 0.",
        number(result.is_up()),
    );
    page.gauge(
        "probe_duration_seconds",
        "How long the check took, without the wait for its turn to connect.",
        timings.total.as_secs_f64(),
    );
    page.gauge(
        "probe_dns_lookup_time_seconds",
        "How long the resolution of the name took; 0 for an address.",
        seconds(timings.resolve),
    );
    if module == Module::Http2xx {
        add_http(&mut page, checked);
    }
    if let Some(certificate) = &result.certificate {
        page.gauge(
            "probe_ssl_earliest_cert_expiry",
            "When the certificate that expires first does, as Unix time in seconds.",
            certificate.expires_at.seconds() as f64,
        );
    }
    page
}

/// What an HTTP check shows; 0 without a response, as in blackbox_exporter.
fn add_http(page: &mut Exposition, checked: &Checked) {
    let timings = checked.result.timings;
    page.gauges(
        HTTP_DURATION,
        "How long each phase took, all hops together.",
    );
    for (phase, length) in [
        ("resolve", timings.resolve),
        ("connect", timings.connect),
        ("tls", timings.tls),
        ("processing", timings.first_byte),
    ] {
        page.sample(HTTP_DURATION, &[Label("phase", phase)], seconds(length));
    }
    let response = checked.response;
    page.gauge(
        "probe_http_redirects",
        "How many redirects were followed.",
        response.map_or(0.0, |last| last.redirects.into()),
    );
    page.gauge(
        "probe_http_ssl",
        "Whether the last response came over TLS: 1 or 0.",
        number(response.is_some_and(|last| last.is_tls)),
    );
    page.gauge(
        "probe_http_status_code",
        "The status of the last response; 0 without one.",
        response.map_or(0.0, |last| last.status.into()),
    );
}

fn number(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

fn seconds(length: Option<Duration>) -> f64 {
    length.unwrap_or_default().as_secs_f64()
}

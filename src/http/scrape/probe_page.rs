//! The answer of `/probe`: one check, under the names of blackbox_exporter, as far as the check showed the facts.

use std::time::Duration;

use super::exposition::{Exposition, Label};
use super::probe_request::Module;
use crate::actions::endpoints::check_runner::{Checked, LastResponse};
use crate::domain::endpoints::check_result::Timings;

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
        add_http(&mut page, timings, checked.response);
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
fn add_http(page: &mut Exposition, timings: Timings, response: Option<LastResponse>) {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::endpoints::certificate_expiry::Certificate;
    use crate::domain::endpoints::check_result::{CheckResult, Failure, FailureClass, Verdict};

    fn checked(verdict: Verdict, response: Option<LastResponse>) -> Checked {
        let phase = |millis| Some(Duration::from_millis(millis));
        let result = CheckResult {
            at: Timestamp::from_millis(0),
            verdict,
            timings: Timings {
                resolve: phase(1),
                connect: phase(2),
                tls: phase(4),
                first_byte: phase(8),
                total: Duration::from_millis(16),
            },
            certificate: response.map(|_| Certificate {
                starts_at: None,
                expires_at: Timestamp::from_millis(1_800_000_000_999),
                host: None,
            }),
        };
        Checked {
            result,
            final_target: None,
            response,
        }
    }

    fn families(page: &Exposition) -> BTreeSet<String> {
        let types = page
            .text()
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "));
        let names = types.map(|line| line.split(' ').next().unwrap_or_default().to_owned());
        names.collect()
    }

    #[test]
    fn a_page_has_every_fact_of_an_http_check() {
        let last = LastResponse {
            status: 204,
            is_tls: true,
            redirects: 2,
        };
        let page = page(Module::Http2xx, &checked(Verdict::Up, Some(last)));
        let values = page.text().lines().filter(|line| !line.starts_with('#'));
        insta::assert_snapshot!(values.collect::<Vec<_>>().join("\n"), @r#"
        probe_success 1
        probe_duration_seconds 0.016
        probe_dns_lookup_time_seconds 0.001
        probe_http_duration_seconds{phase="resolve"} 0.001
        probe_http_duration_seconds{phase="connect"} 0.002
        probe_http_duration_seconds{phase="tls"} 0.004
        probe_http_duration_seconds{phase="processing"} 0.008
        probe_http_redirects 2
        probe_http_ssl 1
        probe_http_status_code 204
        probe_ssl_earliest_cert_expiry 1800000000
        "#);
        let documentation = std::fs::read_to_string("docs/prometheus.md").unwrap();
        let rows = documentation
            .lines()
            .filter_map(|line| line.strip_prefix("| `probe_"));
        let documented = rows.map(|row| format!("probe_{}", row.split('`').next().unwrap()));
        assert_eq!(documented.collect::<BTreeSet<_>>(), families(&page));
    }

    #[test]
    fn a_check_without_a_response_has_status_0_and_a_connection_has_none() {
        let failed = checked(Verdict::Down(Failure::new(FailureClass::Refused)), None);
        let http = page(Module::Http2xx, &failed);
        for line in [
            "probe_success 0",
            "probe_http_status_code 0",
            "probe_http_ssl 0",
        ] {
            assert!(http.text().lines().any(|known| known == line), "{line}");
        }
        let tcp = page(Module::TcpConnect, &checked(Verdict::Up, None));
        let expected = ["dns_lookup_time_seconds", "duration_seconds", "success"];
        let expected = expected.map(|name| format!("probe_{name}"));
        assert_eq!(families(&tcp), BTreeSet::from(expected));
    }
}

//! The texts about certificates that are about to expire.

use crate::domain::notifications::notification_kind::ExpiringCertificate;
use crate::domain::text;

/// Maximum characters of a name and of a host.
const NAME: usize = 64;

pub(super) fn title(
    days: u32,
    count: u64,
    certificates: &[ExpiringCertificate],
    escape: fn(&str) -> String,
) -> String {
    let length = text::count(days.into(), "day");
    match (count, certificates) {
        (1, [only]) => {
            let name = escape(&text::cut(&only.name, NAME));
            format!("🟠 The certificate of {name} expires within {length}")
        }
        _ => {
            let endpoints = text::count(count, "endpoint");
            format!("🟠 The certificates of {endpoints} expire within {length}")
        }
    }
}

/// One line per certificate, then the number of the others, then what to do.
pub(super) fn list(
    count: u64,
    certificates: &[ExpiringCertificate],
    escape: fn(&str) -> String,
) -> String {
    let mut lines: Vec<String> = certificates
        .iter()
        .map(|certificate| line(certificate, escape))
        .collect();
    let rest = count.saturating_sub(certificates.len() as u64);
    if rest > 0 {
        lines.push(format!("… and {}", text::count(rest, "more endpoint")));
    }
    lines.push("Checks fail once a certificate has expired. Renew it before then.".to_owned());
    lines.join("\n")
}

fn line(certificate: &ExpiringCertificate, escape: fn(&str) -> String) -> String {
    let name = escape(&text::cut(&certificate.name, NAME));
    let time = text::minute(certificate.expires_at);
    match &certificate.host {
        None => format!("{name}: expires at {time}"),
        Some(host) => {
            let host = escape(&text::cut(host, NAME));
            format!("{name}: the certificate of {host}, where redirects lead, expires at {time}")
        }
    }
}

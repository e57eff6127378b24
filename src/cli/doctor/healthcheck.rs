//! `rollcall healthcheck`: checks the `/healthz` of a running bot with the same HTTP probe as any endpoint.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::app::AppError;
use crate::cli::terminal::print_line;
use crate::clock::Clock;
use crate::domain::endpoints::check_result::Verdict;
use crate::domain::endpoints::target::{Host, Scheme, Target};
use crate::private_files;
use crate::probe::{Check, Prober, ProberConfig, RedirectScope};
use crate::settings::Settings;

const TIMEOUT: Duration = Duration::from_secs(4);

pub(in crate::cli) async fn run(settings: &Settings) -> Result<(), AppError> {
    check(settings).await?;
    print_line("healthy");
    Ok(())
}

/// Asks the running bot; returns its address if it is healthy.
pub(super) async fn check(settings: &Settings) -> Result<SocketAddr, AppError> {
    let address = address(settings)?;
    // Allow exactly this address, regardless of PROBE_ALLOW: it is Rollcall's own.
    let rule = match address.ip() {
        IpAddr::V4(ip) => format!("{ip}/32"),
        IpAddr::V6(ip) => format!("{ip}/128"),
    };
    let policy = rule
        .parse()
        .map_err(|error| AppError::Other(format!("{error}")))?;
    let config = ProberConfig {
        policy,
        ..ProberConfig::default()
    };
    let prober = Prober::new(config).map_err(|error| AppError::Other(error.to_string()))?;
    let target = Target {
        scheme: Scheme::Http,
        host: Host::Ip(address.ip()),
        port: address.port(),
        path: "/healthz".into(),
    };
    let check = Check {
        target: &target,
        http_check: None,
        timeout: TIMEOUT,
        now: Clock::SYSTEM.now(),
        redirects: RedirectScope::Anywhere,
    };
    match prober.check(check).await.verdict {
        Verdict::Up => Ok(address),
        Verdict::Down(failure) => Err(AppError::Other(format!(
            "Rollcall at {address} does not respond: {failure}"
        ))),
        Verdict::Unknown(reason) => Err(AppError::Other(format!(
            "cannot check Rollcall at {address}: {reason}"
        ))),
    }
}

/// The address of the bot's `/healthz`: from the address file if one is set, or else from the settings. An unspecified address
/// is checked on loopback.
fn address(settings: &Settings) -> Result<SocketAddr, AppError> {
    let http = &settings.http;
    let file = http.metrics_addr_file().or_else(|| http.addr_file.clone());
    let mut address = match &file {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|error| {
                AppError::Other(format!(
                    "ROLLCALL_ADDR_FILE: {} cannot be read: {}. Is the bot running?",
                    file.display(),
                    private_files::reason(&error)
                ))
            })?;
            text.trim()
                .parse()
                .map_err(|_| AppError::Other(format!(
                        "ROLLCALL_ADDR_FILE: {} contains no address. Is it the file that the bot writes?",
                        file.display()
                    )))?
        }
        None => http.metrics_bind.unwrap_or(http.bind),
    };
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        _ => {}
    }
    Ok(address)
}

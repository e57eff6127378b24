//! The network of this machine: whether names resolve, and whether anything outside answers.

use std::time::Duration;

use super::Finding;
use crate::app;
use crate::domain::endpoints::target::Target;
use crate::probe::{AddressBlocked, Prober};
use crate::settings::Settings;

/// Resolvers try again for several seconds.
const TIMEOUT: Duration = Duration::from_secs(5);

fn prober(settings: &Settings, part: &'static str) -> Result<Prober, Finding> {
    app::unlimited_prober(settings).map_err(|error| Finding::problem(part, error.to_string()))
}

/// Resolves each reference name.
pub(super) async fn resolver(settings: &Settings) -> Vec<Finding> {
    const PART: &str = "resolver";
    let prober = match prober(settings, PART) {
        Ok(prober) => prober,
        Err(finding) => return vec![finding],
    };
    let server = match settings.probe.resolver {
        Some(server) => format!("the name server {server}"),
        None => "the resolver of this machine".to_owned(),
    };
    let mut failed = Vec::new();
    for name in &settings.probe.reference_names {
        let Ok(target) = format!("https://{name}/").parse::<Target>() else {
            continue;
        };
        let admitted = prober.admit(&target, TIMEOUT).await;
        if matches!(admitted, Err(AddressBlocked::Unresolved)) {
            failed.push(name.clone());
        }
    }
    let finding = match (settings.probe.reference_names.len(), failed.len()) {
        (0, _) => Finding::skipped(PART, "CONNECTIVITY_NAMES is empty"),
        (_, 0) => Finding::ok(PART, format!("{server} knows the reference names")),
        (all, failures) => {
            let names = failed.join(", ");
            let sentence = format!(
                "{server} does not resolve {names} within {} s. Check the network, or set PROBE_RESOLVER to another name server",
                TIMEOUT.as_secs()
            );
            match failures == all {
                true => Finding::problem(PART, sentence),
                false => Finding::warning(PART, sentence),
            }
        }
    };
    vec![finding]
}

/// Connects to each reference host.
pub(super) async fn reference_hosts(settings: &Settings) -> Vec<Finding> {
    const PART: &str = "network";
    let prober = match prober(settings, PART) {
        Ok(prober) => prober,
        Err(finding) => return vec![finding],
    };
    let hosts = &settings.probe.reference_hosts;
    let mut failed = Vec::new();
    for host in hosts {
        if !prober.any_answers(std::slice::from_ref(host)).await {
            failed.push(host.to_string());
        }
    }
    let finding = match (hosts.len(), failed.len()) {
        (0, _) => Finding::skipped(PART, "CONNECTIVITY_HOSTS is empty"),
        (_, 0) => Finding::ok(PART, "all reference hosts answer"),
        (all, failures) if failures == all => Finding::problem(
            PART,
            "no reference host answers. Rollcall takes its own network for down while many endpoints fail. Check the network and its firewall, or set CONNECTIVITY_HOSTS to hosts that you can reach",
        ),
        _ => Finding::warning(
            PART,
            format!(
                "these reference hosts do not answer: {}. One that answers is enough",
                failed.join(", ")
            ),
        ),
    };
    vec![finding]
}

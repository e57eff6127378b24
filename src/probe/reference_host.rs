//! Tests whether the reference hosts answer. A host answers if it accepts or refuses a connection. The operator chooses
//! the hosts, so the guard does not apply.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;

use super::names::Names;
use crate::domain::endpoints::connectivity::ReferenceHost;

/// A reference host that takes longer counts as not answering.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Whether any of them answers; `false` for an empty list.
pub(super) async fn any_answers(names: &Names, reference_hosts: &[ReferenceHost]) -> bool {
    let pending = reference_hosts
        .iter()
        .map(|reference_host| Box::pin(answers_in_time(names, reference_host)));
    let mut pending: Vec<_> = pending.collect();
    while !pending.is_empty() {
        let (has_answered, _, rest) = futures_util::future::select_all(pending).await;
        if has_answered {
            return true;
        }
        pending = rest;
    }
    false
}

async fn answers_in_time(names: &Names, reference_host: &ReferenceHost) -> bool {
    let answers = answers(names, reference_host);
    tokio::time::timeout(TIMEOUT, answers)
        .await
        .unwrap_or(false)
}

async fn answers(names: &Names, reference_host: &ReferenceHost) -> bool {
    for ip in names.of_host(&reference_host.host).await {
        match TcpStream::connect(SocketAddr::new(ip, reference_host.port)).await {
            Ok(_) => return true,
            // A refusal proves that the host is reachable.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return true,
            Err(_) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::{Prober, ProberConfig};
    use super::*;

    fn reference_host(host: &str, port: u16) -> ReferenceHost {
        ReferenceHost {
            host: host.into(),
            port,
        }
    }

    #[tokio::test]
    async fn one_answer_is_enough_and_a_refusal_is_an_answer() {
        let prober = Prober::new(ProberConfig::default()).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap().port();
        let nowhere = reference_host("nowhere.invalid", 1);
        let hosts = [nowhere.clone(), reference_host("127.0.0.1", open)];
        assert!(prober.any_answers(&hosts).await);
        drop(listener);
        assert!(prober.any_answers(&hosts).await);
        assert!(
            prober
                .any_answers(&[reference_host("localhost", open)])
                .await
        );
        assert!(!prober.any_answers(&[nowhere]).await);
        assert!(!prober.any_answers(&[]).await);
    }
}

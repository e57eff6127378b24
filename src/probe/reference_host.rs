//! Tests whether the reference hosts answer. A host answers if it accepts or refuses a connection. The operator chooses
//! the hosts, so the guard does not apply.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::domain::endpoints::connectivity::ReferenceHost;

/// A reference host that takes longer counts as not answering.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Whether any of them answers; `false` for an empty list.
pub async fn any_answers(reference_hosts: &[ReferenceHost]) -> bool {
    let pending = reference_hosts
        .iter()
        .map(|reference_host| Box::pin(answers(reference_host)));
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

async fn answers(reference_host: &ReferenceHost) -> bool {
    let connecting = TcpStream::connect((reference_host.host.as_str(), reference_host.port));
    match tokio::time::timeout(TIMEOUT, connecting).await {
        Ok(Ok(_)) => true,
        // A refusal proves that the host is reachable.
        Ok(Err(error)) => error.kind() == ErrorKind::ConnectionRefused,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference_host(host: &str, port: u16) -> ReferenceHost {
        ReferenceHost {
            host: host.into(),
            port,
        }
    }

    #[tokio::test]
    async fn one_answer_is_enough_and_a_refusal_is_an_answer() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap().port();
        let nowhere = reference_host("nowhere.invalid", 1);
        assert!(any_answers(&[nowhere.clone(), reference_host("127.0.0.1", open)]).await);
        drop(listener);
        assert!(any_answers(&[nowhere.clone(), reference_host("127.0.0.1", open)]).await);
        assert!(!any_answers(&[nowhere]).await);
        assert!(!any_answers(&[]).await);
    }
}

//! The response to a connection for which there is no slot. Clients such as curl retry after 429 and 503, but not after a
//! connection that was closed.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::admission::RefusedConnection;

/// Refused connections that get a response at the same time; further ones are closed at once.
pub(super) const REFUSALS: usize = 32;

/// How long a refused client has to read its response. Closing a connection with unread data resets it, and the client might
/// lose the response.
const REFUSAL_TIME: Duration = Duration::from_secs(1);

/// How much of its request is read and dropped meanwhile, in bytes.
const REFUSED_REQUEST: u64 = 64 * 1024;

const TOO_MANY: &str = r#"{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"this address has too many open connections. Try again in 5 s"}"#;

const FULL: &str = r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the server has too many open connections. Try again in 5 s"}"#;

/// The whole response.
fn response(refused: RefusedConnection) -> String {
    let (status, body) = match refused {
        RefusedConnection::TooManyOfNetwork => ("429 Too Many Requests", TOO_MANY),
        RefusedConnection::Full => ("503 Service Unavailable", FULL),
    };
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// Sends the response and waits until the client has read it.
pub(super) async fn refuse(mut stream: TcpStream, refused: RefusedConnection) {
    let sending = async {
        stream.write_all(response(refused).as_bytes()).await?;
        stream.shutdown().await?;
        let mut rest = stream.take(REFUSED_REQUEST);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    if let Ok(Err(error)) = tokio::time::timeout(REFUSAL_TIME, sending).await {
        tracing::debug!(%error, "refused HTTP connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::VariantArray;

    #[test]
    fn a_refusal_is_a_complete_response_with_a_problem() {
        for refused in RefusedConnection::VARIANTS {
            let text = response(*refused);
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let problem: serde_json::Value = serde_json::from_str(body).unwrap();
            let status = format!("HTTP/1.1 {} ", problem["status"]);
            assert!(head.starts_with(&status), "{head}");
            let length = format!("content-length: {}", body.len());
            assert!(
                head.contains(&length) && head.contains("retry-after: 5"),
                "{head}"
            );
        }
    }
}

//! The certificate of a real TLS endpoint: the warning on its card, its announcement, and its renewal.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use discord_sandbox::{Reply, Sandbox};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::harness::alerting::{bot, the_message, wait_until_delivered, wait_until_online};
use crate::harness::{Rollcall, assert_contains, wait_for};

const DAY: Duration = Duration::from_secs(24 * 3600);
const ANNOUNCEMENT: &str = "The certificate of shop expires within 3 days";

/// A certificate authority of its own.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Ours");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// A certificate for 127.0.0.1 that is valid for 90 days and ends after `remaining`.
    #[expect(
        clippy::disallowed_methods,
        reason = "the bot compares the certificate with the clock of this machine"
    )]
    fn certify(&self, remaining: Duration) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let end = date_time_ymd(1970, 1, 1) + now + remaining;
        (params.not_before, params.not_after) = (end - 90 * DAY, end);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            );
        Arc::new(config.unwrap())
    }
}

/// A web server over TLS whose certificate can be renewed.
struct SecureWeb {
    address: SocketAddr,
    config: Arc<Mutex<Arc<ServerConfig>>>,
}

impl SecureWeb {
    async fn up(config: Arc<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = Arc::new(Mutex::new(config));
        let current = Arc::clone(&config);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let config = Arc::clone(&current.lock().unwrap());
                tokio::spawn(answer(TlsAcceptor::from(config), stream));
            }
        });
        Self { address, config }
    }

    fn renew(&self, config: Arc<ServerConfig>) {
        *self.config.lock().unwrap() = config;
    }
}

async fn answer(acceptor: TlsAcceptor, stream: TcpStream) {
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    let mut request = [0; 4096];
    if stream.read(&mut request).await.is_ok() {
        let page = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let _ = stream.write_all(page).await;
        let _ = stream.shutdown().await;
    }
}

/// When the certificate of the endpoint expires, as the last check stored it; waits for another time than `before`.
fn expiry(rollcall: &Rollcall, before: Option<&str>) -> String {
    wait_for("the certificate to be stored", || {
        let sql = "SELECT CAST(certificate_expires_at AS TEXT) FROM endpoint_targets WHERE certificate_expires_at > 0";
        rollcall
            .sql(sql)
            .pop()
            .filter(|now| Some(now.as_str()) != before)
    })
}

/// The endpoint is shown with this beginning of the time of its certificate.
async fn assert_shown(sandbox: &Sandbox, field: &str) {
    let shown = sandbox
        .slash("/endpoints show endpoint:shop")
        .await
        .render();
    assert!(shown.contains(field), "{field} in {shown}");
}

/// Makes the announcement of certificates due at the next start.
fn forget_last_run(rollcall: &Rollcall) {
    rollcall.sql("DELETE FROM job_runs WHERE name = 'certificates'");
}

fn announcements(messages: &[Reply]) -> usize {
    let texts = messages.iter().map(Reply::render);
    texts.filter(|text| text.contains(ANNOUNCEMENT)).count()
}

/// Waits until the announcement of certificates has run since the start.
fn wait_for_run(rollcall: &Rollcall) {
    wait_for("the announcement of certificates", || {
        rollcall
            .sql("SELECT 'done' FROM job_runs WHERE name = 'certificates'")
            .pop()
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_ends_soon_is_announced_once_until_it_is_renewed() {
    let authority = Authority::new();
    let web = SecureWeb::up(authority.certify(2 * DAY)).await;
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let roots = rollcall.path("roots.pem");
    std::fs::write(&roots, authority.0.pem()).unwrap();
    let rollcall = rollcall.with("PROBE_CA_FILE", roots.display().to_string());
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let channel = sandbox.channel(sandbox.guild());
    sandbox
        .slash(&format!("/alerts setup channel:{channel}"))
        .await;
    let add = format!("/endpoint add target:https://{}/ name:shop", web.address);
    let added = sandbox.slash(&add).await;
    assert_contains(&added, "First check: 🟢 up");
    let soon = expiry(&rollcall, None);
    assert_shown(&sandbox, "Certificate expires: ⚠️ <t:").await;
    assert_eq!(running.stop().0, 0);

    // The first run announces it, and the second one does not announce it again.
    for _ in 0..2 {
        forget_last_run(&rollcall);
        let running = rollcall.run();
        sandbox.wait_until_ready().await;
        wait_until_online(&running, 1);
        wait_for_run(&rollcall);
        the_message(&sandbox, ANNOUNCEMENT).await;
        wait_until_delivered(&running);
        assert_eq!(announcements(&sandbox.messages(sandbox.guild())), 1);
        assert_eq!(running.stop().0, 0);
    }

    web.renew(authority.certify(60 * DAY));
    forget_last_run(&rollcall);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    expiry(&rollcall, Some(&soon));
    assert_shown(&sandbox, "Certificate expires: <t:").await;
    wait_for_run(&rollcall);
    wait_until_delivered(&running);
    assert_eq!(announcements(&sandbox.messages(sandbox.guild())), 1);
    assert_eq!(running.stop().0, 0);
}

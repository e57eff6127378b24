//! Checks over TLS: valid, invalid and expired certificates, failed handshakes, resumed sessions.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType, date_time_ymd,
};
use rustls::HandshakeKind;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::super::{Check, Prober, ProberConfig, ProberError, RedirectScope};
use super::stage::{End, Stand, read_request};
use super::{HASTY, PATIENT, broken, check, down, prober};
use crate::domain::Timestamp;
use crate::domain::endpoints::certificate_expiry::Certificate;
use crate::domain::endpoints::check_result::{CheckResult, FailureClass, Verdict};
use crate::domain::endpoints::http_check::HttpCheck;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A test certificate authority, and a prober that trusts it.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    prober: Prober,
}

/// A certificate chain with its key.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        Self::named("Ours")
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let policy = "loopback".parse().unwrap();
        let extra_roots_pem = issuer.pem().into_bytes();
        let prober = Prober::new(ProberConfig {
            policy,
            extra_roots_pem,
            ..ProberConfig::default()
        })
        .unwrap();
        Self { issuer, prober }
    }

    fn certify(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 2);
        params.not_after = date_time_ymd(2090, 1, 2);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            chain: vec![certificate.der().clone()],
            key,
        }
    }

    async fn check(&self, target: &str) -> CheckResult {
        check(&self.prober, target, None, PATIENT).await
    }
}

/// A TLS server that counts resumed sessions.
struct TlsStand {
    stand: Stand,
    resumed: Arc<AtomicUsize>,
}

impl TlsStand {
    async fn new(
        identity: Identity,
        versions: &[&'static SupportedProtocolVersion],
        answer: &'static [u8],
    ) -> Self {
        let config = config(identity, versions);
        Self::on(Ipv4Addr::LOCALHOST, config, answer).await
    }

    async fn on(address: Ipv4Addr, config: ServerConfig, answer: &'static [u8]) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let resumed = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&resumed);
        let stand = Stand::on(address.into(), move |stream| {
            serve(acceptor.clone(), Arc::clone(&counter), answer, stream)
        })
        .await;
        Self { stand, resumed }
    }

    fn address(&self) -> SocketAddr {
        self.stand.address
    }

    fn url(&self) -> String {
        format!("https://{}/", self.address())
    }
}

fn config(identity: Identity, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
    let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain, key)
        .unwrap()
}

async fn serve(
    acceptor: TlsAcceptor,
    resumed: Arc<AtomicUsize>,
    answer: &'static [u8],
    stream: TcpStream,
) {
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    if stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
        resumed.fetch_add(1, Ordering::SeqCst);
    }
    read_request(&mut stream).await;
    let _ = stream.write_all(answer).await;
    let _ = stream.flush().await;
}

async fn stand_for(identity: Identity) -> TlsStand {
    TlsStand::new(identity, &[&TLS13, &TLS12], OK).await
}

fn tls_failed(detail: &str) -> Verdict {
    down(FailureClass::TlsFailed, detail)
}

fn unverified() -> HttpCheck {
    HttpCheck {
        verify_tls: false,
        ..HttpCheck::default()
    }
}

/// 2020-01-02T00:00:00Z.
const START: Timestamp = Timestamp::from_millis(1_577_923_200_000);

/// 2090-01-02T00:00:00Z, as `date -u -d 2090-01-02 +%s` prints it.
const EXPIRY: Timestamp = Timestamp::from_millis(3_786_998_400_000);

#[tokio::test]
async fn a_valid_certificate_is_up_with_its_expiry() {
    let authority = Authority::new();
    for versions in [[&TLS13].as_slice(), &[&TLS12]] {
        let stand = TlsStand::new(authority.certify("127.0.0.1", |_| {}), versions, OK).await;
        let result = authority.check(&stand.url()).await;
        assert_eq!(result.verdict, Verdict::Up);
        let certificate = result.certificate.unwrap();
        let validity = (certificate.starts_at, certificate.expires_at);
        assert_eq!(validity, (Some(START), EXPIRY));
        assert_eq!(certificate.host, None);
        let timings = result.timings;
        assert!(
            timings.connect.unwrap() + timings.tls.unwrap() + timings.first_byte.unwrap()
                <= timings.total
        );
    }
}

#[tokio::test]
async fn names_are_resolved_by_the_system_and_matched_with_the_certificate() {
    let authority = Authority::new();
    let stand = stand_for(authority.certify("localhost", |_| {})).await;
    // `localhost` may be ::1 first, where nothing listens: the next address is tried.
    let result = authority
        .check(&format!("https://localhost:{}/", stand.address().port()))
        .await;
    assert_eq!(result.verdict, Verdict::Up);
    assert!(result.timings.resolve.is_some());
    assert_eq!(
        authority.check(&stand.url()).await.verdict,
        tls_failed("certificate for another host name")
    );
}

#[tokio::test]
async fn a_verified_certificate_has_turns_of_its_own() {
    let authority = Authority::new();
    let pem = authority.issuer.pem().into_bytes();
    let prober = Prober::new(ProberConfig {
        policy: "loopback".parse().unwrap(),
        extra_roots_pem: pem,
        connections: Some(crate::probe::ConnectionRate {
            per_second: 1000,
            includes_allowed: true,
        }),
        ..ProberConfig::default()
    })
    .unwrap();
    let stand = stand_for(authority.certify("localhost", |_| {})).await;
    let target = format!("https://localhost:{}/", stand.address().port());
    let check = |guild| {
        let (prober, target) = (&prober, target.parse().unwrap());
        async move {
            let check = Check {
                target: &target,
                http_check: None,
                timeout: PATIENT,
                now: Timestamp::from_millis(1_800_000_000_000),
                redirects: RedirectScope::Anywhere,
            };
            let guild = crate::domain::discord_id::GuildId(guild);
            prober.check_in_turn(check, guild, None).await
        }
    };
    let limiter = prober.limiter().unwrap();
    let ip = stand.address().ip();
    let by_name = || limiter.bucket(ip, Some("localhost"));
    assert_eq!(by_name(), limiter.bucket(ip, None));
    assert!(check(1).await.unwrap().result.is_up());
    assert_ne!(by_name(), limiter.bucket(ip, None));
    // The first connection was counted for the address, this one is for the name.
    assert!(check(1).await.unwrap().result.is_up());
    let postponed = check(1).await.unwrap_err();
    assert_eq!(postponed.0, by_name());
    // Another certificate takes the name away again.
    let other = stand_for(authority.certify("elsewhere.example", |_| {})).await;
    let target = format!("https://localhost:{}/", other.address().port());
    let check = Check {
        target: &target.parse().unwrap(),
        http_check: None,
        timeout: PATIENT,
        now: Timestamp::from_millis(1_800_000_000_000),
        redirects: RedirectScope::Anywhere,
    };
    let guild = crate::domain::discord_id::GuildId(2);
    assert!(
        !prober
            .check_in_turn(check, guild, None)
            .await
            .unwrap()
            .result
            .is_up()
    );
    assert_eq!(by_name(), limiter.bucket(ip, None));
}

#[tokio::test]
async fn names_below_a_wildcard_are_covered_by_it() {
    let authority = Authority::new();
    let both = |params: &mut CertificateParams| {
        let wildcard = "*.example".try_into().unwrap();
        params.subject_alt_names.push(SanType::DnsName(wildcard));
    };
    let identity = authority.certify("www.example", both);
    for (name, covering) in [
        ("www.example", None),
        ("shop.example", Some("*.example")),
        ("a.b.example", None),
    ] {
        let found = crate::probe::tls::covering(&identity.chain[0], name);
        assert_eq!(found.as_deref(), covering, "{name}");
    }
}

#[tokio::test]
async fn every_invalid_certificate_has_its_own_detail() {
    let authority = Authority::new();
    let past = |params: &mut CertificateParams| params.not_after = date_time_ymd(2020, 1, 31);
    let future = |params: &mut CertificateParams| params.not_before = date_time_ymd(2089, 1, 1);
    let client = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    for (identity, detail) in [
        (
            authority.certify("elsewhere.example", |_| {}),
            "certificate for another host name",
        ),
        (
            authority.certify("127.0.0.1", past),
            "certificate expired on 2020-01-31",
        ),
        (
            authority.certify("127.0.0.1", future),
            "certificate not valid yet",
        ),
        (
            authority.certify("127.0.0.1", client),
            "not a server certificate",
        ),
        (
            Authority::named("Theirs").certify("127.0.0.1", |_| {}),
            "certificate with an unknown issuer",
        ),
        // Its authority has the same name as the trusted one, with another key.
        (
            Authority::new().certify("127.0.0.1", |_| {}),
            "certificate with an invalid signature",
        ),
        (self_signed(false), "certificate with an unknown issuer"),
        (self_signed(true), "self-signed certificate"),
    ] {
        let stand = stand_for(identity).await;
        let result = authority.check(&stand.url()).await;
        assert_eq!(result.verdict, tls_failed(detail));
        assert!(result.timings.tls.is_some() && result.timings.first_byte.is_none());
        // A check that does not verify passes all the same.
        let trusting = check(
            &authority.prober,
            &stand.url(),
            Some(&unverified()),
            PATIENT,
        )
        .await;
        assert_eq!(trusting.verdict, Verdict::Up, "{detail}");
        assert!(trusting.certificate.is_some());
    }
}

fn self_signed(is_ca: bool) -> Identity {
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = if is_ca {
        IsCa::Ca(BasicConstraints::Unconstrained)
    } else {
        IsCa::NoCa
    };
    let key = KeyPair::generate().unwrap();
    Identity {
        chain: vec![params.self_signed(&key).unwrap().der().clone()],
        key,
    }
}

#[tokio::test]
async fn an_expired_certificate_still_reports_its_expiry() {
    let authority = Authority::new();
    let identity = authority.certify("127.0.0.1", |params| {
        params.not_after = date_time_ymd(2020, 1, 31);
    });
    let result = authority.check(&stand_for(identity).await.url()).await;
    let expected = Certificate {
        starts_at: None,
        expires_at: Timestamp::from_millis(1_580_428_800_000),
        host: None,
    };
    assert_eq!(result.certificate, Some(expected));
}

#[tokio::test]
async fn of_several_hops_the_certificate_that_expires_first_counts() {
    let authority = Authority::new();
    let other = Ipv4Addr::new(127, 0, 0, 2);
    for (first, second, expected, host) in [
        (2090, 2088, 2088, Some("127.0.0.2")),
        (2088, 2090, 2088, None),
        (2090, 2090, 2090, None),
    ] {
        let until = |name: &str, year| {
            let identity = authority.certify(name, |params| {
                params.not_after = date_time_ymd(year, 1, 1);
            });
            config(identity, &[&TLS13])
        };
        let end = TlsStand::on(other, until("127.0.0.2", second), OK).await;
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\n\r\n", end.url());
        let answer = answer.into_bytes().leak();
        let start = TlsStand::on(Ipv4Addr::LOCALHOST, until("127.0.0.1", first), answer).await;
        let result = authority.check(&start.url()).await;
        assert_eq!(result.verdict, Verdict::Up);
        let certificate = result.certificate.unwrap();
        let expiry = date_time_ymd(expected, 1, 1).unix_timestamp();
        assert_eq!(certificate.expires_at.seconds(), expiry);
        assert_eq!(certificate.host.as_deref(), host);
    }
}

#[tokio::test]
async fn sessions_are_resumed_and_kept_separate_by_mode() {
    let authority = Authority::new();
    for versions in [[&TLS13].as_slice(), &[&TLS12]] {
        let stand = TlsStand::new(authority.certify("127.0.0.1", |_| {}), versions, OK).await;
        let resumed = || stand.resumed.load(Ordering::SeqCst);
        // A separate prober: sessions are cached by name, and both servers have the same name.
        let policy = "loopback".parse().unwrap();
        let extra_roots_pem = authority.issuer.pem().into_bytes();
        let prober = Prober::new(ProberConfig {
            policy,
            extra_roots_pem,
            ..ProberConfig::default()
        })
        .unwrap();
        assert!(
            check(&prober, &stand.url(), Some(&unverified()), PATIENT)
                .await
                .is_up()
        );
        assert!(check(&prober, &stand.url(), None, PATIENT).await.is_up());
        assert_eq!(
            resumed(),
            0,
            "an unverified session is not resumed as verified"
        );
        let again = check(&prober, &stand.url(), None, PATIENT).await;
        assert_eq!((again.verdict, resumed()), (Verdict::Up, 1));
        assert_eq!(again.certificate.unwrap().expires_at, EXPIRY);
    }
}

#[tokio::test]
async fn a_certificate_that_expires_after_the_first_session_is_noticed() {
    let authority = Authority::new();
    let stand = stand_for(authority.certify("127.0.0.1", |_| {})).await;
    assert!(authority.check(&stand.url()).await.is_up());
    let target = stand.url().parse().unwrap();
    let now = EXPIRY.plus(std::time::Duration::from_secs(1));
    let late = Check {
        target: &target,
        http_check: None,
        timeout: PATIENT,
        now,
        redirects: RedirectScope::Anywhere,
    };
    assert_eq!(
        authority.prober.check(late).await.verdict,
        tls_failed("certificate expired on 2090-01-02")
    );
    let http_check = unverified();
    assert!(
        authority
            .prober
            .check(Check {
                http_check: Some(&http_check),
                ..late
            })
            .await
            .is_up()
    );
}

#[tokio::test]
async fn failed_handshakes_have_different_details() {
    for (piece, end, expected) in [
        (
            "",
            End::Close,
            broken(
                "connection closed in the TLS handshake; Rollcall offers TLS 1.2 and 1.3 with ECDHE",
            ),
        ),
        (
            "HTTP/1.1 400 Bad Request\r\n\r\n",
            End::Hold,
            tls_failed("the response is not TLS"),
        ),
        (
            "SSH-2.0-OpenSSH_9.6\r\n",
            End::Hold,
            tls_failed("the response is not TLS"),
        ),
        // Alert: fatal, handshake failure
        (
            "\x15\x03\x03\x00\x02\x02\x28",
            End::Hold,
            tls_failed("handshake refused; Rollcall offers TLS 1.2 and 1.3 with ECDHE"),
        ),
        // The first bytes of a handshake record that never ends
        (
            "\x16\x03\x03\x00\x7a\x02",
            End::Close,
            broken(
                "connection closed in the TLS handshake; Rollcall offers TLS 1.2 and 1.3 with ECDHE",
            ),
        ),
        (
            "\x16\x03\x03\x00\x7a\x02",
            End::Reset,
            broken(
                "connection reset in the TLS handshake; Rollcall offers TLS 1.2 and 1.3 with ECDHE",
            ),
        ),
    ] {
        let stand = Stand::with(move |mut stream| async move {
            take_hello(&mut stream).await;
            let _ = stream.write_all(piece.as_bytes()).await;
            end.of(stream).await;
        })
        .await;
        let result = check(
            &prober(),
            &format!("https://{}/", stand.address),
            None,
            PATIENT,
        )
        .await;
        assert_eq!(result.verdict, expected, "{piece:?}");
    }
}

#[tokio::test]
async fn a_hanging_handshake_times_out_with_the_phase() {
    let unresponsive = Stand::with(|stream| End::Hold.of(stream)).await;
    let result = check(
        &prober(),
        &format!("https://{}/", unresponsive.address),
        None,
        HASTY,
    )
    .await;
    assert_eq!(
        result.verdict,
        down(FailureClass::TimedOut, "in the TLS handshake")
    );
}

/// Reads the whole ClientHello: closing with unread bytes would send a reset.
async fn take_hello(stream: &mut TcpStream) {
    let mut header = [0; 5];
    stream.read_exact(&mut header).await.unwrap();
    let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    stream.read_exact(&mut hello).await.unwrap();
}

#[tokio::test]
async fn a_response_over_tls_is_judged_like_any_other() {
    let authority = Authority::new();
    for (answer, expected) in [
        (
            "HTTP/1.1 503 x\r\n\r\n",
            down(FailureClass::UnexpectedStatus, "503"),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
            broken("the response ended early"),
        ),
        // Many servers close without `close_notify`; a body that ends with the connection is complete.
        ("HTTP/1.1 200 OK\r\n\r\nok", Verdict::Up),
        (
            "HTTP/1.1 302 x\r\nLocation: http://127.0.0.1/\r\n\r\n",
            broken("the redirect downgrades https to http"),
        ),
        (
            "HTTP/1.1 302 x\r\nLocation: https://10.0.0.1/\r\n\r\n",
            super::plain(FailureClass::NotAllowed),
        ),
    ] {
        let stand = TlsStand::new(
            authority.certify("127.0.0.1", |_| {}),
            &[&TLS13],
            answer.as_bytes(),
        )
        .await;
        let http_check = HttpCheck {
            max_redirects: 1,
            ..HttpCheck::default()
        };
        assert_eq!(
            check(&authority.prober, &stand.url(), Some(&http_check), PATIENT)
                .await
                .verdict,
            expected,
            "{answer}"
        );
    }
}

#[test]
fn invalid_root_certificates_are_rejected_at_startup() {
    for (pem, wrong) in [
        ("", false),
        ("no certificate at all", true),
        (
            "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n",
            true,
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            true,
        ),
    ] {
        let config = ProberConfig {
            extra_roots_pem: pem.into(),
            ..ProberConfig::default()
        };
        let refused = matches!(
            Prober::new(config),
            Err(ProberError::ExtraRoots(_) | ProberError::ExtraRoot(_))
        );
        assert_eq!(refused, wrong, "{pem}");
    }
}

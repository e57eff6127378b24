//! Performs TLS handshakes: one configuration per mode, cached sessions, and certificate errors in words.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::trace::{Phase, Trace};
use super::{ProberError, Stop};
use crate::clock::Stopwatch;
use crate::domain::endpoints::certificate_expiry::Certificate;
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::endpoints::target::Host;
use crate::domain::{Timestamp, millis};

/// Cached sessions per mode. rustls keeps eight per server, so this covers 1,024 servers and takes at most a few
/// megabytes.
const KEPT_SESSIONS: usize = 8 * 1024;

/// How long sessions are cached. A resumed session shows the certificate of the first one, so the cache is cleared this
/// often to notice a renewed or a wrong certificate soon.
const SESSIONS_KEPT: Duration = Duration::from_secs(3600);

/// What a check offers in a handshake, for the reasons of failures. rustls has no key exchange without forward secrecy.
const OFFERED: &str = "Rollcall offers TLS 1.2 and 1.3 with ECDHE";

pub(super) struct Tls {
    verifying: Sessions,
    /// Separate: otherwise an unverified session could be resumed as a verified one.
    trusting: Sessions,
}

/// Options of one handshake.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) host: &'a Host,
    pub(super) verify: bool,
    pub(super) now: Timestamp,
}

impl Tls {
    pub(super) fn new(extra_roots_pem: &[u8]) -> Result<Self, ProberError> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for root in CertificateDer::pem_slice_iter(extra_roots_pem) {
            roots
                .add(root.map_err(ProberError::ExtraRoots)?)
                .map_err(ProberError::ExtraRoot)?;
        }
        if !extra_roots_pem.is_empty() && roots.len() == webpki_roots::TLS_SERVER_ROOTS.len() {
            return Err(ProberError::ExtraRoots(
                rustls::pki_types::pem::Error::NoItemsFound,
            ));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = || {
            ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()
                .map_err(ProberError::Tls)
        };
        let verifying = builder()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let anything = Arc::new(TrustAnything(Arc::clone(&provider)));
        let trusting = builder()?
            .dangerous()
            .with_custom_certificate_verifier(anything)
            .with_no_client_auth();
        Ok(Self {
            verifying: Sessions::new(verifying),
            trusting: Sessions::new(trusting),
        })
    }

    pub(super) async fn handshake(
        &self,
        stream: TcpStream,
        wanted: Wanted<'_>,
        trace: &mut Trace,
    ) -> Result<TlsStream<TcpStream>, Stop> {
        trace.enter(Phase::Handshaking);
        let sessions = if wanted.verify {
            &self.verifying
        } else {
            &self.trusting
        };
        let name = server_name(wanted.host)?;
        let stream = match TlsConnector::from(sessions.config())
            .connect(name, stream)
            .await
        {
            Ok(stream) => stream,
            Err(error) => {
                if let Some(certificate) = expired_in(&error) {
                    trace.record_certificate(wanted.host, certificate);
                }
                return Err(diagnose(&error));
            }
        };
        let presented = stream
            .get_ref()
            .1
            .peer_certificates()
            .and_then(<[_]>::first)
            .and_then(read);
        let Some(certificate) = presented else {
            return Ok(stream);
        };
        let expires_at = certificate.expires_at;
        trace.record_certificate(wanted.host, certificate);
        // A resumed session is not verified again, and its certificate may have expired since.
        match wanted.verify && expires_at < wanted.now {
            true => Err(expired(Some(expires_at))),
            false => Ok(stream),
        }
    }
}

/// A configuration with its session cache.
struct Sessions {
    current: Mutex<(Arc<ClientConfig>, Stopwatch)>,
}

impl Sessions {
    fn new(mut config: ClientConfig) -> Self {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::in_memory_sessions(KEPT_SESSIONS);
        Self {
            current: Mutex::new((Arc::new(config), Stopwatch::start())),
        }
    }

    fn config(&self) -> Arc<ClientConfig> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.1.elapsed() >= SESSIONS_KEPT {
            let mut config = ClientConfig::clone(&current.0);
            config.resumption = Resumption::in_memory_sessions(KEPT_SESSIONS);
            *current = (Arc::new(config), Stopwatch::start());
        }
        Arc::clone(&current.0)
    }
}

fn server_name(host: &Host) -> Result<ServerName<'static>, Stop> {
    match host {
        Host::Ip(ip) => Ok(ServerName::IpAddress(ip.to_canonical().into())),
        Host::Name(name) => ServerName::try_from(String::from(&**name))
            .map_err(|_| Stop::with(FailureClass::TlsFailed, "invalid host name for TLS")),
    }
}

/// The name in the certificate of a verified connection that covers `name`: itself, or a wildcard.
pub(super) fn covering_name(stream: &TlsStream<TcpStream>, name: &str) -> String {
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(<[_]>::first);
    certificate
        .and_then(|certificate| covering(certificate, name))
        .unwrap_or_else(|| name.to_owned())
}

/// The wildcard in a certificate that covers `name`; `None` if the name itself is in it.
pub(super) fn covering(certificate: &CertificateDer<'_>, name: &str) -> Option<String> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let extension = certificate.tbs_certificate().get_extension();
    let (_, names): (bool, SubjectAltName) = extension.ok()??;
    let (_, parent) = name.split_once('.')?;
    let wildcard = format!("*.{parent}");
    let has = |wanted: &str| {
        names.0.iter().any(|known| match known {
            GeneralName::DnsName(known) => known.as_str().eq_ignore_ascii_case(wanted),
            _ => false,
        })
    };
    (!has(name) && has(&wildcard)).then_some(wildcard)
}

/// The validity of a certificate.
fn read(certificate: &CertificateDer<'_>) -> Option<Certificate> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let validity = certificate.tbs_certificate().validity();
    let timestamp = |time: Duration| Timestamp::from_millis(millis(time));
    Some(Certificate {
        starts_at: Some(timestamp(validity.not_before.to_unix_duration())),
        expires_at: timestamp(validity.not_after.to_unix_duration()),
        host: None,
    })
}

/// A certificate that was rejected as expired (the first expired one in the chain). Other failed handshakes do not reveal
/// their certificates: rustls drops them with the connection.
fn expired_in(error: &io::Error) -> Option<Certificate> {
    match tls_error(error)? {
        rustls::Error::InvalidCertificate(CertificateError::ExpiredContext {
            not_after, ..
        }) => Some(Certificate {
            starts_at: None,
            expires_at: Timestamp::from_millis(millis(Duration::from_secs(not_after.as_secs()))),
            host: None,
        }),
        _ => None,
    }
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn diagnose(error: &io::Error) -> Stop {
    let Some(reason) = tls_error(error) else {
        let what = match error.kind() {
            io::ErrorKind::UnexpectedEof => "connection closed",
            _ => "connection reset",
        };
        // Some servers close without a word if they support nothing of it.
        return Stop::with(
            FailureClass::ProtocolError,
            format!("{what} {}; {OFFERED}", Phase::Handshaking.words()),
        );
    };
    let detail = match reason {
        rustls::Error::InvalidCertificate(reason) => {
            let expiry = expired_in(error).map(|certificate| certificate.expires_at);
            return explain_certificate(reason, expiry);
        }
        rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_) => {
            let what = match reason {
                rustls::Error::AlertReceived(_) => "handshake refused",
                _ => "no common TLS version or cipher",
            };
            return Stop::with(FailureClass::TlsFailed, format!("{what}; {OFFERED}"));
        }
        rustls::Error::NoApplicationProtocol => "handshake refused",
        rustls::Error::InvalidMessage(_) => "the response is not TLS",
        rustls::Error::NoCertificatesPresented => "no certificate",
        rustls::Error::FailedToGetRandomBytes | rustls::Error::FailedToGetCurrentTime => {
            return Stop::NotChecked("no time or randomness available");
        }
        _ => "invalid handshake",
    };
    Stop::with(FailureClass::TlsFailed, detail)
}

fn explain_certificate(reason: &CertificateError, expiry: Option<Timestamp>) -> Stop {
    let detail = match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            return expired(expiry);
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "certificate not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "certificate for another host name"
        }
        CertificateError::UnknownIssuer => "certificate with an unknown issuer",
        CertificateError::Revoked => "certificate revoked",
        CertificateError::BadEncoding => "invalid certificate",
        CertificateError::BadSignature => "certificate with an invalid signature",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "not a server certificate"
        }
        // What `openssl req -x509` creates; webpki names this error only in its Debug text.
        CertificateError::Other(reason) if format!("{reason:?}").contains("CaUsedAsEndEntity") => {
            "self-signed certificate"
        }
        _ => "certificate not accepted",
    };
    Stop::with(FailureClass::TlsFailed, detail)
}

fn expired(at: Option<Timestamp>) -> Stop {
    let day = at.and_then(|at| chrono::DateTime::from_timestamp_millis(at.millis()));
    match day {
        Some(day) => Stop::with(
            FailureClass::TlsFailed,
            format!("certificate expired on {}", day.format("%Y-%m-%d")),
        ),
        None => Stop::with(FailureClass::TlsFailed, "certificate expired"),
    }
}

/// Verifier for checks with `verify_tls` off: accepts any certificate, as the check's settings say.
#[derive(Debug)]
struct TrustAnything(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustAnything {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

//! Creates a test CA and the TLS configurations of both sides, so that TLS checks are verified like real ones.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::{ADDRESSES, Result};

pub const CA_FILE: &str = "ca.pem";

/// When the target's certificate expires: the first day of 2099, in milliseconds since 1970.
pub const EXPIRES_AT: i64 = 4_070_908_800_000;

/// When it starts: the first day of 2020.
pub const STARTS_AT: i64 = 1_577_836_800_000;

/// The number of sessions that the product keeps.
const KEPT_SESSIONS: usize = 8 * 1024;

/// Writes `ca.pem`, `target.pem` and `target.key`.
pub fn write(folder: &Path) -> Result<()> {
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(folder.join(CA_FILE), ca.self_signed(&ca_key)?.pem())?;
    let key = KeyPair::generate()?;
    let names: Vec<String> = (1..=ADDRESSES).map(|n| format!("127.0.0.{n}")).collect();
    let mut certificate = CertificateParams::new(names)?;
    certificate.not_before = rcgen::date_time_ymd(2020, 1, 1);
    certificate.not_after = rcgen::date_time_ymd(2099, 1, 1);
    let certificate = certificate.signed_by(&key, &Issuer::new(ca, ca_key))?;
    fs::write(folder.join("target.pem"), certificate.pem())?;
    fs::write(folder.join("target.key"), key.serialize_pem())?;
    Ok(())
}

pub fn server(folder: &Path) -> Result<Arc<ServerConfig>> {
    let chain = vec![CertificateDer::from_pem_file(folder.join("target.pem"))?];
    let key = PrivateKeyDer::from_pem_file(folder.join("target.key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    // Stateless tickets: every client that has one can resume.
    config.ticketer = rustls::crypto::ring::Ticketer::new()?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

pub fn client(folder: &Path, resumes: bool) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join(CA_FILE))?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = if resumes {
        Resumption::in_memory_sessions(KEPT_SESSIONS)
    } else {
        Resumption::disabled()
    };
    Ok(Arc::new(config))
}

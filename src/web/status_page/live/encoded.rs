//! A document as it is sent: compressed once for all readers, with a tag by which a reader asks whether it has changed.

use std::fmt::Write as _;
use std::io::Write as _;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// A smaller document is not compressed.
const WORTH_COMPRESSING: usize = 1_024;

/// Readers and proxies may show a page for ten seconds, and a minute longer while they fetch the next one.
const PAGE_CACHE: &str = "public, max-age=10, stale-while-revalidate=60";

/// A document of a page.
#[derive(Debug)]
pub struct EncodedDocument {
    kind: &'static str,
    policy: &'static str,
    body: Bytes,
    /// `None`: it is small.
    gzip: Option<Bytes>,
    tag: String,
}

impl EncodedDocument {
    /// `kind` is its `Content-Type`, `policy` its `Content-Security-Policy`.
    pub fn new(kind: &'static str, policy: &'static str, body: Vec<u8>) -> Self {
        let mut tag = "W/\"".to_owned();
        for byte in &Sha256::digest(&body)[..8] {
            let _ = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        // A picture is compressed already.
        let gzip = (body.len() >= WORTH_COMPRESSING && kind != "image/png")
            .then(|| compressed(&body))
            .flatten();
        Self {
            kind,
            policy,
            body: body.into(),
            gzip,
            tag,
        }
    }

    /// The response to a request with these headers.
    pub fn response(&self, request: &HeaderMap) -> Response {
        let mut headers = security(self.policy);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(PAGE_CACHE));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            headers.insert(header::ETAG, tag);
        }
        if has_tag(request, &self.tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        let body = match &self.gzip {
            Some(gzip) if takes_gzip(request) => {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                gzip.clone()
            }
            _ => self.body.clone(),
        };
        (headers, Body::from(body)).into_response()
    }
}

/// The headers of every page.
pub fn security(policy: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, policy);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    // Search engines show what is on the page, which may be old.
    set(HeaderName::from_static("x-robots-tag"), "noindex");
    headers
}

fn compressed(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(9));
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

fn takes_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get_all(header::ACCEPT_ENCODING).iter();
    let accepted = accepted.filter_map(|value| value.to_str().ok());
    let mut codings = accepted.flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        matches!(name.trim(), "gzip" | "*") && !is_refused
    })
}

fn has_tag(request: &HeaderMap, tag: &str) -> bool {
    // Tags are compared without the mark that they are weak.
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let known = request.get_all(header::IF_NONE_MATCH).iter();
    let known = known.filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(','));
    known.any(|one| one.trim() == "*" || bare(one) == bare(tag))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;
    use crate::web::status_page::policy;

    fn document(length: usize) -> EncodedDocument {
        EncodedDocument::new("text/html; charset=utf-8", policy::PAGE, vec![b'x'; length])
    }

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn large_documents_are_compressed_for_those_who_accept_it() {
        for (accepted, is_compressed) in [
            ("gzip", true),
            ("br, gzip;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("gzipped", false),
        ] {
            let response = document(1_024).response(&with(header::ACCEPT_ENCODING, accepted));
            let coding = response.headers().get(header::CONTENT_ENCODING);
            assert_eq!(coding.is_some(), is_compressed, "{accepted}");
        }
        let small = document(1_023).response(&with(header::ACCEPT_ENCODING, "gzip"));
        assert!(!small.headers().contains_key(header::CONTENT_ENCODING));
        let mut text = String::new();
        let gzip = document(2_000).gzip.unwrap();
        GzDecoder::new(&gzip[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text.len(), 2_000);
    }

    #[test]
    fn a_reader_that_has_the_document_gets_no_body() {
        let document = document(10);
        let first = document.response(&HeaderMap::new());
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        for (known, status) in [
            (tag.clone(), StatusCode::NOT_MODIFIED),
            (format!("\"other\", {tag}"), StatusCode::NOT_MODIFIED),
            (tag.replace("W/", ""), StatusCode::NOT_MODIFIED),
            ("*".to_owned(), StatusCode::NOT_MODIFIED),
            ("\"other\"".to_owned(), StatusCode::OK),
        ] {
            let value = HeaderValue::from_str(&known).unwrap();
            let request = HeaderMap::from_iter([(header::IF_NONE_MATCH, value)]);
            assert_eq!(document.response(&request).status(), status, "{known}");
        }
    }

    #[test]
    fn every_document_has_the_headers_that_protect_readers() {
        let response = document(10).response(&HeaderMap::new());
        for (name, value) in [
            ("content-security-policy", policy::PAGE),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-robots-tag", "noindex"),
            ("cache-control", PAGE_CACHE),
        ] {
            assert_eq!(response.headers()[name], value);
        }
    }
}

//! Lets a fuzz target be the server that a check connects to: it sends any bytes, in pieces of any size.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use fastrand::Rng;
use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, ReadBuf};

use super::Stop;
use super::head::HEAD_CAP;
use super::http::{Hop, Response, exchange};
use super::redirect;
use super::trace::Trace;
use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::endpoints::http_check::{BODY_CAP, HttpCheck, Method};
use crate::domain::endpoints::target::{Scheme, Target};

/// More than a check reads of a head or a body.
const LONG: usize = HEAD_CAP + BODY_CAP + 1;

/// How one exchange ended: `Some` with the location of a redirect.
type ResponseEnd = Result<Option<Vec<u8>>, Stop>;

/// Reads `response` at once and in pieces, and asserts that both end in the same way. `options` and `seed` choose the
/// options of the check, whether the server repeats itself, and the pieces.
pub fn check(options: u8, seed: u8, response: &[u8]) {
    let http_check = HttpCheck {
        method: Method::ALL[usize::from(options) % Method::ALL.len()],
        keyword: (options & 0x10 != 0).then(|| "ok".to_owned()),
        expected_status: (100, 999),
        ..HttpCheck::default()
    };
    let scheme = if options & 0x20 == 0 { "http" } else { "https" };
    let target: Target = format!("{scheme}://example.org/a/b?c")
        .parse()
        .expect("it is valid");
    let hop = Hop {
        target: &target,
        http_check: &http_check,
        follows: options & 0x40 != 0,
        sends_headers: true,
        now: Timestamp::from_millis(0),
    };
    let is_long = options & 0x80 != 0 && !response.is_empty();
    let times = match is_long {
        true => LONG.div_ceil(response.len()),
        false => 1,
    };
    let response = response.repeat(times);
    let pieces = Pieces {
        rest: &response,
        sizes: Rng::with_seed(seed.into()),
        largest: 1 << (seed % 16),
    };
    let whole = end_of(hop, &response[..]);
    let split = end_of(hop, pieces);
    assert_eq!(whole, split);
    match whole {
        Ok(None) => {}
        Ok(Some(location)) => check_redirect(&target, &location),
        Err(stop) => assert!(is_of_response(&stop), "{stop:?}"),
    }
}

fn end_of(hop: Hop<'_>, response: impl AsyncRead + Unpin) -> ResponseEnd {
    let mut server = tokio::io::join(response, tokio::io::sink());
    let mut trace = Trace::start(Duration::MAX);
    let ended = exchange(&mut server, hop, &mut trace).now_or_never();
    match ended.expect("the server never makes a check wait")? {
        Response::Passes => Ok(None),
        Response::Redirects(location) => Ok(Some(location)),
    }
}

/// Whether a check can end like this because of the response alone.
fn is_of_response(stop: &Stop) -> bool {
    let Stop::Down(failure) = stop else {
        return false;
    };
    matches!(
        failure.class,
        FailureClass::ProtocolError | FailureClass::UnexpectedStatus | FailureClass::KeywordMissing
    )
}

fn check_redirect(from: &Target, location: &[u8]) {
    match redirect::follow(from, location) {
        Ok(to) => {
            assert_ne!(to.scheme, Scheme::Tcp);
            assert!(from.scheme == Scheme::Http || to.scheme == Scheme::Https);
            assert_eq!(to.to_string().parse(), Ok(to));
        }
        Err(stop) => assert!(is_of_response(&stop), "{stop:?}"),
    }
}

/// The bytes that the server still sends, in pieces of random sizes.
struct Pieces<'a> {
    rest: &'a [u8],
    sizes: Rng,
    largest: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let largest = self.largest;
        let size = self.sizes.usize(1..=largest);
        let (piece, rest) = self
            .rest
            .split_at(size.min(self.rest.len()).min(buffer.remaining()));
        buffer.put_slice(piece);
        self.rest = rest;
        Poll::Ready(Ok(()))
    }
}

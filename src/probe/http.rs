//! Sends one HTTP/1.1 request over a new connection and judges the response.
//!
//! A small client of our own, because a monitor needs what a general one hides: a connection that is really opened,
//! timings per phase, and hard caps. It uses one buffer for request and response and returns a verdict, never content.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::body::Body;
use super::head::{self, Head, HeadEnd};
use super::page::PageProblem;
use super::redirect;
use super::tls::covering_name;
use super::trace::{Phase, Trace};
use super::{Check, Prober, Stop};
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::endpoints::http_check::HttpCheck;
use crate::domain::endpoints::target::{Host, Scheme, Target};
use crate::domain::{Timestamp, text};

/// Identifies Rollcall in the logs of the endpoint.
const USER_AGENT: &str = concat!("Rollcall/", env!("CARGO_PKG_VERSION"), " (+monitor)");

/// Initial size of the buffer, in bytes; holds a typical request and the head of a typical response.
const BUFFER: usize = 2 * 1024;

/// Size of the buffer for bodies that fill it, in bytes.
const BODY_BUFFER: usize = 8 * 1024;

const ENDED_EARLY: &str = "the response ended early";

/// One request of a check.
#[derive(Clone, Copy)]
pub(super) struct Hop<'a> {
    pub(super) target: &'a Target,
    pub(super) http_check: &'a HttpCheck,
    /// Whether the check follows redirects rather than judging them.
    pub(super) follows: bool,
    /// Whether the check's own headers may be sent to this target.
    pub(super) sends_headers: bool,
    pub(super) now: Timestamp,
}

pub(super) enum Response {
    Passes,
    Redirects(Vec<u8>),
}

impl Prober {
    pub(super) async fn check_http(&self, check: Check<'_>, trace: &mut Trace) -> Result<(), Stop> {
        let standard = HttpCheck::default();
        let http_check = check.http_check.unwrap_or(&standard);
        let redirects = http_check.followed_redirects();
        let mut followed = 0;
        let mut moved: Option<Box<Target>> = None;
        let mut sends_headers = true;
        loop {
            let target = moved.as_deref().unwrap_or(check.target);
            let hop = Hop {
                target,
                http_check,
                follows: redirects > 0,
                sends_headers,
                now: check.now,
            };
            let response = match target.scheme {
                // Boxed: plain HTTP checks should not reserve memory for a TLS session.
                Scheme::Https => Box::pin(self.request_https(hop, trace)).await?,
                Scheme::Http | Scheme::Tcp => self.request_http(hop, trace).await?,
            };
            let Response::Redirects(location) = response else {
                trace.final_target = moved.as_deref().map(redirect::shown);
                return Ok(());
            };
            if followed == redirects {
                let problem = format!("more than {}", text::count(redirects.into(), "redirect"));
                return Err(Stop::with(FailureClass::ProtocolError, problem));
            }
            let next = redirect::follow(target, &location)?;
            if !check.redirects.permits(check.target, &next) {
                let problem = "the redirect leads to an unusual port";
                return Err(Stop::with(FailureClass::ProtocolError, problem));
            }
            sends_headers = sends_headers && redirect::keeps_headers(target, &next);
            trace.redirect_from(&check.target.host);
            moved = Some(Box::new(next));
            followed += 1;
        }
    }

    async fn request_http(&self, hop: Hop<'_>, trace: &mut Trace) -> Result<Response, Stop> {
        let mut stream = self.open(hop.target, self.gate(), trace).await?;
        exchange(&mut stream, hop, trace).await
    }

    async fn request_https(&self, hop: Hop<'_>, trace: &mut Trace) -> Result<Response, Stop> {
        let name = match &hop.target.host {
            Host::Name(name) if hop.http_check.verify_tls => Some(&**name),
            _ => None,
        };
        let gate = self.gate().with_name(name);
        let stream = self.open(hop.target, gate, trace).await?;
        let peer = stream.peer_addr();
        let wanted = super::tls::Wanted {
            host: &hop.target.host,
            verify: hop.http_check.verify_tls,
            now: hop.now,
        };
        let shaken = self.tls.handshake(stream, wanted, trace).await;
        if let (Ok(peer), Some(name)) = (peer, name) {
            let covering = shaken
                .as_ref()
                .ok()
                .map(|stream| covering_name(stream, name));
            gate.record_handshake(peer, covering.as_deref());
        }
        let mut stream = shaken?;
        exchange(&mut stream, hop, trace).await
    }
}

pub(super) async fn exchange<S>(
    stream: &mut S,
    hop: Hop<'_>,
    trace: &mut Trace,
) -> Result<Response, Stop>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    trace.enter(Phase::Sending);
    let mut buffer = Vec::with_capacity(BUFFER);
    write_request(&mut buffer, hop);
    stream.write_all(&buffer).await.map_err(|_| reset(trace))?;
    stream.flush().await.map_err(|_| reset(trace))?;
    buffer.clear();
    trace.enter(Phase::Waiting);
    let head = read_head(stream, &mut buffer, hop, trace).await?;
    trace.record_response(head.status, hop.target.scheme == Scheme::Https);
    if let Some(location) = head
        .location
        .filter(|location| hop.follows && !location.is_empty())
    {
        return Ok(Response::Redirects(location));
    }
    let (first, last) = hop.http_check.expected_status;
    if !(first..=last).contains(&head.status) {
        return Err(Stop::with(
            FailureClass::UnexpectedStatus,
            head.status.to_string(),
        ));
    }
    let keyword = hop.http_check.keyword.as_deref();
    let mut body = Body::new(head.framing, head.format, keyword);
    while !body.take(&buffer).map_err(broken)? {
        make_room(&mut buffer);
        if read_more(stream, &mut buffer, trace).await? == 0 {
            if body.may_end_here() {
                break;
            }
            return Err(broken(ENDED_EARLY));
        }
    }
    match body.end() {
        None => Ok(Response::Passes),
        Some(PageProblem::KeywordMissing) => Err(Stop::plain(FailureClass::KeywordMissing)),
        Some(PageProblem::KeywordNotInTheBeginning) => Err(Stop::with(
            FailureClass::KeywordMissing,
            "not in the first 64 KiB of the page",
        )),
        Some(PageProblem::Unreadable(why)) => Err(broken(why)),
    }
}

fn write_request(buffer: &mut Vec<u8>, hop: Hop<'_>) {
    let Hop {
        target, http_check, ..
    } = hop;
    let headers = if hop.sends_headers {
        http_check.headers.as_slice()
    } else {
        &[]
    };
    let given = |name: &str| {
        headers
            .iter()
            .any(|(given, _)| given.eq_ignore_ascii_case(name))
    };
    let mut put = |parts: &[&str]| {
        for part in parts {
            buffer.extend_from_slice(part.as_bytes());
        }
    };
    put(&[
        http_check.method.as_str(),
        " ",
        &target.path,
        " HTTP/1.1\r\nHost: ",
        &target.host_header(),
        "\r\n",
    ]);
    if !given("user-agent") {
        put(&["User-Agent: ", USER_AGENT, "\r\n"]);
    }
    if !given("accept") {
        put(&["Accept: */*\r\n"]);
    }
    for (name, value) in headers {
        put(&[name, ": ", value, "\r\n"]);
    }
    put(&["Connection: close\r\n\r\n"]);
}

/// Reads up to the end of the final head; bytes of the body that came with it stay in the buffer.
async fn read_head<S>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
    hop: Hop<'_>,
    trace: &mut Trace,
) -> Result<Head, Stop>
where
    S: AsyncRead + Unpin,
{
    let mut interim = 0;
    let mut head_end = HeadEnd::default();
    loop {
        let end = head_end.find(buffer);
        let room = head::HEAD_CAP - interim;
        if !head::may_be_http(&buffer[..buffer.len().min(room)]) {
            return Err(broken("the response is not HTTP"));
        }
        if end.unwrap_or(buffer.len()) > room {
            return Err(broken("response headers longer than 16 KiB"));
        }
        if let Some(end) = end {
            let head = head::parse(&buffer[..end], hop.http_check.method).map_err(broken)?;
            buffer.drain(..end);
            if !head.is_interim() {
                return Ok(head);
            }
            interim += end;
            head_end = HeadEnd::default();
            continue;
        }
        if read_more(stream, buffer, trace).await? == 0 {
            let nothing = buffer.is_empty() && interim == 0;
            return Err(broken(if nothing {
                "connection closed without a response"
            } else {
                ENDED_EARLY
            }));
        }
        if trace.phase() == Phase::Waiting {
            trace.enter(Phase::Reading);
        }
    }
}

/// Appends available bytes to the buffer; 0 at the end of the stream. A TLS stream without `close_notify` ends the same
/// way.
async fn read_more<S>(stream: &mut S, buffer: &mut Vec<u8>, trace: &Trace) -> Result<usize, Stop>
where
    S: AsyncRead + Unpin,
{
    match stream.read_buf(buffer).await {
        Ok(length) => Ok(length),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(0),
        Err(_) => Err(reset(trace)),
    }
}

/// Clears the buffer for the next piece of the body, and enlarges it once a piece fills it.
fn make_room(buffer: &mut Vec<u8>) {
    let was_full = buffer.len() == buffer.capacity();
    buffer.clear();
    if was_full && buffer.capacity() < BODY_BUFFER {
        buffer.reserve_exact(BODY_BUFFER);
    }
}

fn broken(problem: &'static str) -> Stop {
    Stop::with(FailureClass::ProtocolError, problem)
}

fn reset(trace: &Trace) -> Stop {
    Stop::with(
        FailureClass::ProtocolError,
        format!("connection reset {}", trace.phase().words()),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Why a check of a server that sends these bytes fails, if they arrive as fast as they are read.
    async fn failure(response: &[u8]) -> Result<(), Stop> {
        let target = "http://example.org/".parse().unwrap();
        let hop = Hop {
            target: &target,
            http_check: &HttpCheck::default(),
            follows: false,
            sends_headers: true,
            now: Timestamp::from_millis(0),
        };
        let mut server = tokio::io::join(response, tokio::io::sink());
        let mut trace = Trace::start(Duration::from_secs(1));
        exchange(&mut server, hop, &mut trace).await.map(drop)
    }

    #[tokio::test]
    async fn what_is_not_http_within_the_limit_of_a_head_is_called_so() {
        let interim = "HTTP/1.1 100 Continue\r\n\r\n";
        let heads = interim.repeat(head::HEAD_CAP / interim.len());
        for (rest, why) in [
            ("x", "the response is not HTTP"),
            ("HTTP/1.1 200 OK\r\n", "response headers longer than 16 KiB"),
        ] {
            let response = format!("{heads}{}", rest.repeat(100));
            assert_eq!(failure(response.as_bytes()).await, Err(broken(why)));
        }
    }
}

//! One HTTP/1.1 question over one fresh connection, and what its answer says.
//!
//! Our own small client, because a monitor wants what a general one hides: a connection that is really opened, times
//! per phase, and hard caps. It uses one buffer for question and answer and gives back a verdict, never content.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::body::Body;
use super::head::{self, Head};
use super::redirect;
use super::trace::{Phase, Trace};
use super::{Check, Prober, Stop};
use crate::domain::Timestamp;
use crate::domain::check_result::FailureClass;
use crate::domain::http_check::{HttpCheck, MAX_REDIRECTS};
use crate::domain::target::{Scheme, Target};

/// Names us in the logs of those we look at.
const USER_AGENT: &str = concat!("Rollcall/", env!("CARGO_PKG_VERSION"), " (+monitor)");

/// Holds a usual question and the head of a usual answer, in bytes.
const BUFFER: usize = 2 * 1024;

/// What the buffer grows to for bodies that fill it, in bytes.
const BODY_BUFFER: usize = 8 * 1024;

const ENDED_EARLY: &str = "the answer ended early";

/// One question of a look.
#[derive(Clone, Copy)]
struct Hop<'a> {
    target: &'a Target,
    http_check: &'a HttpCheck,
    /// Whether a redirect is followed rather than judged.
    may_follow: bool,
    /// Whether this is still the place that the check's headers are meant for.
    at_home: bool,
    now: Timestamp,
}

enum Answer {
    Passes,
    Redirects(Vec<u8>),
}

impl Prober {
    pub(super) async fn check_http(&self, check: Check<'_>, trace: &mut Trace) -> Result<(), Stop> {
        let standard = HttpCheck::default();
        let http_check = check.http_check.unwrap_or(&standard);
        let mut hops_left = http_check.max_redirects.min(MAX_REDIRECTS);
        let mut moved: Option<Box<Target>> = None;
        let mut at_home = true;
        loop {
            let target = moved.as_deref().unwrap_or(check.target);
            let hop = Hop {
                target,
                http_check,
                may_follow: hops_left > 0,
                at_home,
                now: check.now,
            };
            let answer = match target.scheme {
                // Boxed: the room for a TLS session is not carried by plain looks.
                Scheme::Https => Box::pin(self.ask_https(hop, trace)).await?,
                Scheme::Http | Scheme::Tcp => self.ask_http(hop, trace).await?,
            };
            let Answer::Redirects(location) = answer else {
                return Ok(());
            };
            let next = redirect::follow(target, &location)?;
            at_home = at_home && redirect::keeps_headers(target, &next);
            moved = Some(Box::new(next));
            hops_left -= 1;
        }
    }

    async fn ask_http(&self, hop: Hop<'_>, trace: &mut Trace) -> Result<Answer, Stop> {
        let mut stream = self.open(hop.target, trace).await?;
        exchange(&mut stream, hop, trace).await
    }

    async fn ask_https(&self, hop: Hop<'_>, trace: &mut Trace) -> Result<Answer, Stop> {
        let stream = self.open(hop.target, trace).await?;
        let wanted = super::tls::Wanted {
            host: &hop.target.host,
            verify: hop.http_check.verify_tls,
            now: hop.now,
        };
        let mut stream = self.tls.handshake(stream, wanted, trace).await?;
        exchange(&mut stream, hop, trace).await
    }
}

async fn exchange<S>(stream: &mut S, hop: Hop<'_>, trace: &mut Trace) -> Result<Answer, Stop>
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
    if let Some(location) = head
        .location
        .filter(|location| hop.may_follow && !location.is_empty())
    {
        return Ok(Answer::Redirects(location));
    }
    let (first, last) = hop.http_check.expected_status;
    if !(first..=last).contains(&head.status) {
        return Err(Stop::with(
            FailureClass::UnexpectedStatus,
            head.status.to_string(),
        ));
    }
    let mut body = Body::new(head.framing, hop.http_check.keyword.as_deref());
    while !body.take(&buffer).map_err(broken)? {
        make_room(&mut buffer);
        if read_more(stream, &mut buffer, trace).await? == 0 {
            if body.may_end_here() {
                break;
            }
            return Err(broken(ENDED_EARLY));
        }
    }
    if body.keyword_missing() {
        Err(Stop::plain(FailureClass::KeywordMissing))
    } else {
        Ok(Answer::Passes)
    }
}

fn write_request(buffer: &mut Vec<u8>, hop: Hop<'_>) {
    let Hop {
        target, http_check, ..
    } = hop;
    let headers = if hop.at_home {
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
        http_check.method.word(),
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

/// Reads up to the end of the final head; what came of the body stays in the buffer.
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
    let mut searched = 0;
    loop {
        let end = head::end_of_head(buffer, searched);
        if interim + end.unwrap_or(buffer.len()) > head::HEAD_CAP {
            return Err(broken("the answer's head is longer than 16 KiB"));
        }
        if !head::may_be_http(buffer) {
            return Err(broken("the answer is not HTTP"));
        }
        if let Some(end) = end {
            let head = head::parse(&buffer[..end], hop.http_check.method).map_err(broken)?;
            buffer.drain(..end);
            if !head.is_interim() {
                return Ok(head);
            }
            interim += end;
            searched = 0;
            continue;
        }
        searched = buffer.len();
        if read_more(stream, buffer, trace).await? == 0 {
            let nothing = buffer.is_empty() && interim == 0;
            return Err(broken(if nothing {
                "closed without an answer"
            } else {
                ENDED_EARLY
            }));
        }
        if trace.phase() == Phase::Waiting {
            trace.enter(Phase::Reading);
        }
    }
}

/// Adds what the stream has to the buffer; 0 at its end. A TLS stream that ends without saying so ends all the same.
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

/// Empties the buffer for the next piece of the body, and makes it larger once pieces fill it.
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

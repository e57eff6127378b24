//! The receiver of webhooks: a web server that stores every request and responds as the test specifies.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// One received request.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub text: String,
    pub json: Value,
    /// The status of the response.
    pub status: u16,
    pub at: std::time::Instant,
}

impl Posted {
    pub fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map_or("", |(_, value)| value)
    }
}

#[derive(Default)]
struct Kept {
    posted: Vec<Posted>,
    /// Status and extra header lines of the next responses; after them, every request gets 200.
    answers: VecDeque<(u16, String)>,
}

/// Accepts requests until the test process ends.
pub struct Collector {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let collector = Self {
            address: listener.local_addr().unwrap(),
            kept: Arc::default(),
        };
        let kept = Arc::clone(&collector.kept);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || receive(stream, &kept));
            }
        });
        collector
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Responds to the next requests with these statuses and extra header lines.
    pub fn answer_next(&self, answers: &[(u16, &str)]) {
        let mut kept = self.kept.lock().unwrap();
        let answers = answers
            .iter()
            .map(|(status, head)| (*status, (*head).to_owned()));
        kept.answers.extend(answers);
    }

    /// Responds to every request with 200 from now on.
    pub fn accept_everything(&self) {
        self.kept.lock().unwrap().answers.clear();
    }

    /// All requests so far.
    pub fn posted(&self) -> Vec<Posted> {
        self.kept.lock().unwrap().posted.clone()
    }

    /// The `type` of every request that was answered with a status below 300.
    pub fn types(&self) -> Vec<String> {
        let posted = self.posted().into_iter();
        let accepted = posted.filter(|posted| posted.status < 300);
        accepted
            .map(|posted| posted.json["type"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

fn receive(mut stream: TcpStream, kept: &Mutex<Kept>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.trim_end().split_once(": ") {
            headers.push((name.to_lowercase(), value.to_owned()));
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let text = String::from_utf8(body).unwrap();
    let (status, head) = {
        let mut kept = kept.lock().unwrap();
        let (status, head) = kept.answers.pop_front().unwrap_or((200, String::new()));
        kept.posted.push(Posted {
            headers,
            json: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
            status,
            at: crate::harness::own_timer::stopwatch(),
        });
        (status, head)
    };
    // A client that hangs up early gets no response, which is fine.
    let _ = write!(
        stream,
        "HTTP/1.1 {status} x\r\n{head}Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
}

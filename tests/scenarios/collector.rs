//! Where webhooks lead: a web server that keeps what is posted to it and answers as it is told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub text: String,
    pub json: Value,
    /// What it was answered with.
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
    /// Heads of the next answers; then everything is taken.
    answers: VecDeque<(u16, String)>,
}

/// Takes messages until it is dropped with its process.
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
                std::thread::spawn(move || take(stream, &kept));
            }
        });
        collector
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Answers the next requests with these statuses and further header lines.
    pub fn answer_next(&self, answers: &[(u16, &str)]) {
        let mut kept = self.kept.lock().unwrap();
        let answers = answers
            .iter()
            .map(|(status, head)| (*status, (*head).to_owned()));
        kept.answers.extend(answers);
    }

    /// Takes everything from now on.
    pub fn take_everything(&self) {
        self.kept.lock().unwrap().answers.clear();
    }

    /// Everything that has come so far.
    pub fn posted(&self) -> Vec<Posted> {
        self.kept.lock().unwrap().posted.clone()
    }

    /// Those that were taken, by `type`.
    pub fn types(&self) -> Vec<String> {
        let posted = self.posted().into_iter();
        let taken = posted.filter(|posted| posted.status < 300);
        taken
            .map(|posted| posted.json["type"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

fn take(mut stream: TcpStream, kept: &Mutex<Kept>) {
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
            at: crate::harness::stopwatch(),
        });
        (status, head)
    };
    // Whoever hangs up early gets no answer, that is all.
    let _ = write!(
        stream,
        "HTTP/1.1 {status} x\r\n{head}Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
}

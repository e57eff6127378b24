//! The record of everything that the bot sent, in order, for tests to read.

use serde_json::Value;

/// One REST request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// `null` if there was no JSON body.
    pub body: Value,
    /// The status of the response.
    /// 0: it got no answer.
    pub status: u16,
}

/// Everything received since the sandbox started.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub requests: Vec<Request>,
    /// Every payload received on the gateway, with its `op`.
    pub gateway: Vec<Value>,
    /// Gateway connections that were accepted.
    pub connections: usize,
    /// Of these, the ones at the resume address in READY.
    pub connections_to_resume: usize,
    /// IDENTIFYs received less than five seconds after another.
    pub early_identifies: usize,
    /// IDENTIFYs received when no session starts remained.
    pub identifies_over_limit: usize,
}

impl Record {
    /// How many payloads with this op code were received: 2 identify, 6 resume, 1 heartbeat, 3 presence.
    pub fn count_of(&self, op: u64) -> usize {
        self.gateway
            .iter()
            .filter(|payload| payload["op"] == op)
            .count()
    }

    pub fn identifies(&self) -> usize {
        self.count_of(2)
    }

    pub fn resumes(&self) -> usize {
        self.count_of(6)
    }

    /// The latest presence, set by op 3 or with an IDENTIFY.
    pub fn presence(&self) -> Option<&Value> {
        self.gateway
            .iter()
            .rev()
            .find_map(|payload| match payload["op"].as_u64() {
                Some(3) => Some(&payload["d"]),
                Some(2) => payload["d"].get("presence"),
                _ => None,
            })
    }
}

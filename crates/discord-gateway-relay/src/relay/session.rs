//! A shard's gateway session: how it is opened, and the data needed to resume it.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::reason::Reason;

/// The number of a shard, counted from 0.
pub type ShardId = usize;

/// Consecutive refused RESUMEs after which the session is given up.
const MAX_REFUSED_RESUMES: u32 = 2;

/// The first payload on a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    Identify,
    Resume,
}

/// A session, established or requested. Its `Debug` output does not contain the token.
#[derive(Clone)]
pub(super) struct Session {
    pub shard: ShardId,
    /// How many shards there are.
    pub shards: u64,
    /// serenity's own IDENTIFY, sent again whenever a new session is needed.
    identify: Value,
    id: Option<String>,
    resume_url: Option<String>,
    pub sequence: Option<u64>,
    pub guilds: HashSet<u64>,
    refused_resumes: u32,
    /// Connection attempts since the last one that worked.
    attempts: u32,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Session")
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// The session that serenity's IDENTIFY requests.
    pub(super) fn identified(identify: Value) -> Self {
        let number = |index: usize| identify["d"]["shard"][index].as_u64();
        let (shard, shards) = (number(0).unwrap_or(0), number(1).unwrap_or(1));
        Self {
            shard: ShardId::try_from(shard).unwrap_or(0),
            shards,
            identify,
            id: None,
            resume_url: None,
            sequence: None,
            guilds: HashSet::new(),
            refused_resumes: 0,
            attempts: 0,
        }
    }

    pub(super) fn has_id(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id)
    }

    /// The first payload for the next connection.
    pub(super) fn opening(&self) -> Opening {
        match self.id {
            Some(_) => Opening::Resume,
            None => Opening::Identify,
        }
    }

    /// The address for the next attempt: the resume URL from READY and the gateway's own address in turn, in case the resume
    /// URL does not work. A resume URL with another scheme is ignored, so that encryption is never dropped.
    pub(super) fn next_url<'a>(&'a mut self, gateway: &'a str) -> &'a str {
        let scheme = |url: &str| url.split("://").next().map(str::to_owned);
        let is_first = self.attempts.is_multiple_of(2);
        self.attempts = self.attempts.wrapping_add(1);
        self.resume_url
            .as_deref()
            .filter(|url| is_first && scheme(url) == scheme(gateway))
            .unwrap_or(gateway)
    }

    pub(super) fn identify(&self) -> Value {
        self.identify.clone()
    }

    pub(super) fn resume(&self) -> String {
        let data = json!({ "token": self.identify["d"]["token"], "session_id": self.id, "seq": self.sequence.unwrap_or(0) });
        json!({ "op": 6, "d": data }).to_string()
    }

    /// Records READY.
    pub(super) fn started(&mut self, id: String, resume_url: Option<String>, guilds: HashSet<u64>) {
        self.id = Some(id);
        self.resume_url = resume_url;
        self.guilds = guilds;
        self.refused_resumes = 0;
        self.attempts = 0;
    }

    pub(super) fn resumed(&mut self) {
        self.refused_resumes = 0;
        self.attempts = 0;
    }

    /// Records the end of a connection. `was_resuming`: RESUME had not been answered yet.
    pub(super) fn ended(&mut self, reason: Reason, was_resuming: bool) {
        if was_resuming && matches!(reason, Reason::Closed(_) | Reason::Resume) {
            self.refused_resumes += 1;
        }
        let is_over = reason.ends_session()
            || self.refused_resumes >= MAX_REFUSED_RESUMES
            || reason == Reason::Resume;
        if is_over {
            self.id = None;
            self.resume_url = None;
            self.sequence = None;
            self.refused_resumes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready_session() -> Session {
        let identify = json!({ "op": 2, "d": { "token": "secret", "shard": [3, 4] } });
        let mut session = Session::identified(identify);
        session.started(
            "abc".into(),
            Some("wss://resume.example".into()),
            HashSet::from([1]),
        );
        session.sequence = Some(7);
        session
    }

    #[test]
    fn sessions_take_the_shard_from_identify_and_hide_the_token() {
        let session = ready_session();
        assert_eq!((session.shard, session.shards), (3, 4));
        assert_eq!(session.opening(), Opening::Resume);
        assert!(!format!("{session:?}").contains("secret"));
        let resume: Value = serde_json::from_str(&session.resume()).unwrap();
        assert_eq!(
            resume,
            json!({ "op": 6, "d": { "token": "secret", "session_id": "abc", "seq": 7 } })
        );
    }

    #[test]
    fn resumes_at_resume_url_then_falls_back_to_gateway() {
        let mut session = ready_session();
        let gateway = "wss://gateway.example";
        for expected in ["wss://resume.example", gateway, "wss://resume.example"] {
            assert_eq!(session.next_url(gateway), expected);
        }
        session.resumed();
        assert_eq!(session.next_url(gateway), "wss://resume.example");
        // A resume URL with another scheme than the gateway's is not used.
        session.resumed();
        assert_eq!(session.next_url("ws://127.0.0.1:1"), "ws://127.0.0.1:1");
    }

    #[test]
    fn sessions_end_when_discord_ends_them_or_refuses_two_resumes() {
        let mut session = ready_session();
        session.ended(Reason::Lost, false);
        session.ended(Reason::Acks, false);
        session.ended(Reason::Closed(4000), true);
        assert_eq!(session.opening(), Opening::Resume);
        session.ended(Reason::Closed(4000), true);
        assert_eq!(session.opening(), Opening::Identify);
        for reason in [
            Reason::Closed(4009),
            Reason::Invalid { resumable: false },
            Reason::Resume,
        ] {
            let mut session = ready_session();
            session.ended(reason, false);
            assert_eq!(
                (session.opening(), session.sequence),
                (Opening::Identify, None),
                "{reason}"
            );
        }
    }
}

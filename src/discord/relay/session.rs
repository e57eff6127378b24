//! A shard's session with the gateway: how it is opened, and what it takes to resume it.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::gateway_state::ShardId;
use super::reason::Reason;

/// RESUMEs in a row that the gateway may close on, until the session is given up.
const REFUSED_RESUMES: u32 = 2;

/// What is sent first on a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    Identify,
    Resume,
}

/// A session, or the wish for one. `Debug` does not show the token.
#[derive(Clone)]
pub(super) struct Session {
    pub shard: ShardId,
    /// serenity's own IDENTIFY, which is sent again whenever a new session is needed.
    identify: Value,
    id: Option<String>,
    resume_url: Option<String>,
    pub sequence: Option<u64>,
    pub guilds: HashSet<u64>,
    refused_resumes: u32,
    /// Connections tried since the last that worked.
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
    /// The session that this IDENTIFY of serenity's will open.
    pub(super) fn identified(identify: Value) -> Self {
        let shard = identify["d"]["shard"][0].as_u64().unwrap_or(0);
        Self {
            shard: ShardId::try_from(shard).unwrap_or(0),
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

    /// What must be sent first on the next connection.
    pub(super) fn opening(&self) -> Opening {
        match self.id {
            Some(_) => Opening::Resume,
            None => Opening::Identify,
        }
    }

    /// Where to connect next: a session is resumed where READY said, and in every other attempt at the gateway's own
    /// address, should that place be gone or dumb. Nobody is sent from an encrypted address to a plain one.
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

    /// READY has come.
    pub(super) fn begun(&mut self, id: String, resume_url: Option<String>, guilds: HashSet<u64>) {
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

    /// A connection of this session is over; `was_resuming` where RESUME had not been answered yet.
    pub(super) fn ended(&mut self, reason: Reason, was_resuming: bool) {
        if was_resuming && matches!(reason, Reason::Closed(_) | Reason::Resume) {
            self.refused_resumes += 1;
        }
        let is_over = reason.ends_session()
            || self.refused_resumes >= REFUSED_RESUMES
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

    fn begun() -> Session {
        let identify = json!({ "op": 2, "d": { "token": "secret", "shard": [3, 4] } });
        let mut session = Session::identified(identify);
        session.begun(
            "abc".into(),
            Some("wss://resume.example".into()),
            HashSet::from([1]),
        );
        session.sequence = Some(7);
        session
    }

    #[test]
    fn a_session_knows_its_shard_and_hides_its_token() {
        let session = begun();
        assert_eq!((session.shard, session.opening()), (3, Opening::Resume));
        assert!(!format!("{session:?}").contains("secret"));
        let resume: Value = serde_json::from_str(&session.resume()).unwrap();
        assert_eq!(
            resume,
            json!({ "op": 6, "d": { "token": "secret", "session_id": "abc", "seq": 7 } })
        );
    }

    #[test]
    fn it_is_resumed_where_ready_said_and_every_other_time_at_the_gateway() {
        let mut session = begun();
        let gateway = "wss://gateway.example";
        for expected in ["wss://resume.example", gateway, "wss://resume.example"] {
            assert_eq!(session.next_url(gateway), expected);
        }
        session.resumed();
        assert_eq!(session.next_url(gateway), "wss://resume.example");
        // Never from a plain address to another scheme, or back.
        session.resumed();
        assert_eq!(session.next_url("ws://127.0.0.1:1"), "ws://127.0.0.1:1");
    }

    #[test]
    fn it_is_given_up_when_discord_says_so_or_refuses_it_twice() {
        let mut session = begun();
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
            let mut session = begun();
            session.ended(reason, false);
            assert_eq!(
                (session.opening(), session.sequence),
                (Opening::Identify, None),
                "{reason}"
            );
        }
    }
}

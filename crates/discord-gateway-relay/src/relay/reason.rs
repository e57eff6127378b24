//! Why a gateway connection ended: for the log, the metrics and the decision what to do next.

use std::fmt;

use strum::{IntoStaticStr, VariantNames};

/// Why a connection ended, or could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(super) enum Reason {
    /// The connection could not be opened.
    Connect,
    /// HELLO did not come in time.
    Hello,
    /// READY did not come in time.
    Ready,
    /// READY could not be read.
    #[strum(serialize = "ready")]
    BrokenReady,
    /// RESUME was not answered in time.
    Resume,
    /// Heartbeats were not acknowledged in time.
    #[strum(serialize = "ack")]
    Acks,
    /// The socket broke.
    Lost,
    /// The gateway closed the connection with this code; 1005 means no code.
    Closed(u16),
    /// The gateway requested a new connection.
    Asked,
    /// The gateway invalidated the session; it may still be resumable.
    #[strum(serialize = "invalid_session")]
    Invalid { resumable: bool },
    /// serenity closed its socket.
    Client,
}

/// The reason of a gateway lookup that failed.
pub(super) const GATEWAY_LOOKUP: &str = "look_up";

/// Every reason that an observer may get for a reconnect, some of them more than once.
pub fn reconnect_reasons() -> impl Iterator<Item = &'static str> {
    Reason::VARIANTS.iter().copied().chain([GATEWAY_LOOKUP])
}

impl Reason {
    /// The label value in the metrics.
    pub(super) const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Whether this is routine, so that the log line is no warning.
    pub(super) const fn is_ordinary(self) -> bool {
        matches!(
            self,
            Self::Asked
                | Self::Invalid { .. }
                | Self::Lost
                | Self::Closed(1000 | 1001 | 1005 | 4000)
        )
    }

    /// Whether the session cannot be resumed after this. Source: Discord's table of close codes, and op 9.
    pub(super) const fn ends_session(self) -> bool {
        matches!(
            self,
            Self::Closed(4006 | 4007 | 4009) | Self::Invalid { resumable: false }
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Connect => "the gateway could not be reached",
            Self::Hello => "the gateway sent no HELLO",
            Self::Ready => "the gateway did not answer IDENTIFY",
            Self::BrokenReady => "the gateway's READY could not be read",
            Self::Resume => "the gateway did not answer RESUME",
            Self::Acks => "the gateway stopped acknowledging heartbeats",
            Self::Lost => "the connection broke",
            Self::Closed(1005) => "the gateway closed the connection without a code",
            Self::Closed(code) => {
                return write!(out, "the gateway closed the connection with code {code}");
            }
            Self::Asked => "the gateway asked for a new connection",
            Self::Invalid { resumable: true } => "the gateway asked for the session to be resumed",
            Self::Invalid { resumable: false } => "the gateway ended the session",
            Self::Client => "Rollcall closed the connection",
        })
    }
}

/// Why Discord refuses the bot for good, by close code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Final {
    /// 4004: the token is invalid.
    Token,
    /// 4010 or 4011: invalid shard, or more shards required.
    Shards,
    /// 4012: the gateway version is no longer supported.
    Version,
    /// 4013 or 4014: invalid or disallowed intents.
    Intents(u16),
}

impl Final {
    /// The final reason for a close code; `None` if reconnecting is allowed.
    pub(super) const fn of(code: u16) -> Option<Self> {
        match code {
            4004 => Some(Self::Token),
            4010 | 4011 => Some(Self::Shards),
            4012 => Some(Self::Version),
            4013 | 4014 => Some(Self::Intents(code)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_close_codes_are_final() {
        for (code, reason) in [
            (1000, None),
            (4000, None),
            (4003, None),
            (4004, Some(Final::Token)),
            (4009, None),
            (4010, Some(Final::Shards)),
            (4011, Some(Final::Shards)),
            (4012, Some(Final::Version)),
            (4013, Some(Final::Intents(4013))),
            (4014, Some(Final::Intents(4014))),
        ] {
            assert_eq!(Final::of(code), reason, "{code}");
        }
    }

    #[test]
    fn only_discord_can_end_a_session() {
        for (reason, ends) in [
            (Reason::Closed(1000), false),
            (Reason::Closed(4000), false),
            (Reason::Closed(4003), false),
            (Reason::Closed(4007), true),
            (Reason::Closed(4009), true),
            (Reason::Acks, false),
            (Reason::Lost, false),
            (Reason::Asked, false),
            (Reason::Invalid { resumable: true }, false),
            (Reason::Invalid { resumable: false }, true),
        ] {
            assert_eq!(reason.ends_session(), ends, "{reason}");
        }
    }
}

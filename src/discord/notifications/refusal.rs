//! What Discord's refusals of a call mean for the delivery of a message.

use discord_gateway_relay::rest::{CallError, RestError};

use crate::discord::notifications::texts;
use crate::domain::notifications::destination_health::DeliveryError;

/// Discord's error codes for requests that cannot succeed.
const UNKNOWN_CHANNEL: u64 = 10_003;
const UNKNOWN_MEMBER: u64 = 10_007;
/// A reply needs the permission Read Message History.
const CANNOT_REPLY: u64 = 160_002;
const UNKNOWN_MESSAGE: u64 = 10_008;
const UNKNOWN_USER: u64 = 10_013;
const UNKNOWN_EVENT: u64 = 10_070;
const TOO_MANY_OLD_EDITS: u64 = 30_046;
const MISSING_ACCESS: u64 = 50_001;
const CANNOT_MESSAGE_USER: u64 = 50_007;
const MISSING_PERMISSIONS: u64 = 50_013;

/// What a refused call means for the delivery.
pub(super) fn meaning(refusal: &CallError) -> DeliveryError {
    let retry = |after, reason: &RestError| DeliveryError::Retry {
        after,
        is_unanswered: matches!(reason, RestError::Unanswered(_) | RestError::Unreadable),
        reason: reason.to_string(),
    };
    let broken = |reason: &str| DeliveryError::DestinationBroken(reason.to_owned());
    match (&refusal.error, refusal.code) {
        (RestError::Unauthorized, _) => DeliveryError::Unauthorized,
        (error @ RestError::Limited { retry_after }, _) => retry(Some(*retry_after), error),
        (RestError::Status(403), Some(MISSING_ACCESS)) => broken(texts::NO_VIEW_PERMISSION),
        (RestError::Status(403), Some(MISSING_PERMISSIONS)) => broken(texts::NO_SEND_PERMISSION),
        (RestError::Status(403), Some(CANNOT_MESSAGE_USER))
        | (RestError::Status(404), Some(UNKNOWN_USER)) => broken(texts::DIRECT_MESSAGES_CLOSED),
        (RestError::Status(404), Some(UNKNOWN_MEMBER)) => broken(texts::NOT_A_MEMBER),
        (RestError::Status(404), Some(UNKNOWN_CHANNEL)) => broken(texts::CHANNEL_DELETED),
        (RestError::Status(403), Some(CANNOT_REPLY))
        | (RestError::Status(404), Some(UNKNOWN_MESSAGE | UNKNOWN_EVENT))
        | (RestError::Status(400), Some(TOO_MANY_OLD_EDITS)) => DeliveryError::MessageGone,
        (error @ RestError::Status(400), _) => DeliveryError::Rejected(error.to_string()),
        (error, _) => retry(None, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discords_answer_decides_what_may_be_tried_next() {
        for (status, code, expected) in [
            (
                403,
                Some(50_001),
                "broken: Rollcall lacks the permission View Channel",
            ),
            (
                403,
                Some(50_013),
                "broken: Rollcall lacks the permission Send Messages or Embed Links",
            ),
            (
                403,
                Some(50_007),
                "broken: this member does not accept direct messages from Rollcall",
            ),
            (403, Some(20_016), "retry: Discord answered 403"),
            (403, None, "retry: Discord answered 403"),
            (404, Some(10_003), "broken: the channel was deleted"),
            (
                404,
                Some(10_013),
                "broken: this member does not accept direct messages from Rollcall",
            ),
            (
                404,
                Some(10_007),
                "broken: this person is not a member of the Discord server",
            ),
            (404, Some(10_008), "message gone"),
            (404, Some(10_070), "message gone"),
            (403, Some(160_002), "message gone"),
            (404, None, "retry: Discord answered 404"),
            (400, Some(30_046), "message gone"),
            (400, Some(50_035), "rejected: Discord answered 400"),
            (502, None, "retry: Discord answered 502"),
        ] {
            let refusal = CallError {
                error: RestError::Status(status),
                code,
                is_global: false,
            };
            let found = match meaning(&refusal) {
                DeliveryError::Retry { reason, .. } => format!("retry: {reason}"),
                DeliveryError::DestinationBroken(reason) => format!("broken: {reason}"),
                DeliveryError::Rejected(reason) => format!("rejected: {reason}"),
                DeliveryError::MessageGone => "message gone".to_owned(),
                DeliveryError::Unauthorized => "unauthorized".to_owned(),
            };
            assert_eq!(found, expected, "{status} {code:?}");
        }
    }
}

//! Asks whether Discord accepts the token, after it rejected it once: a single rejection may be a mistake of Discord's. If it
//! rejects the token whenever it is asked, Rollcall ends.

use std::time::Duration;

use tokio::sync::watch;

use crate::domain::notifications::destination_health::DeliveryError;
use crate::health::Token;
use crate::jobs::JobContext;
use crate::notify::messenger::Messenger;

/// The waits before each time that Discord is asked.
const SPACING: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(15),
];

/// Runs until `stop` turns true; ends at once without Discord.
pub(in crate::jobs) async fn run(context: JobContext, mut stop: watch::Receiver<bool>) {
    let Some(messenger) = context.senders.messenger.clone() else {
        return;
    };
    loop {
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            () = context.health.token_is(Token::InDoubt) => {}
        }
        tracing::warn!("Discord rejected the token once, checking whether it still accepts it");
        let token = tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            token = ask(&*messenger) => token,
        };
        match token {
            Token::Rejected => tracing::error!("Discord rejects the token"),
            _ => tracing::info!("Discord accepts the token again"),
        }
        context.health.settle_token(token);
    }
}

/// Asks until Discord accepts the token once, or has rejected it each time.
async fn ask(messenger: &dyn Messenger) -> Token {
    for wait in SPACING {
        // While Discord does not say, it is asked again without counting.
        loop {
            tokio::time::sleep(wait).await;
            match messenger.accepts_token().await {
                Ok(true) => return Token::Accepted,
                Ok(false) => break,
                Err(error) => {
                    tracing::debug!(%error, "cannot check the token");
                    if let DeliveryError::Retry { after, .. } = error {
                        tokio::time::sleep(after.unwrap_or_default()).await;
                    }
                }
            }
        }
    }
    Token::Rejected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discord_is_asked_few_times_and_spaced() {
        assert_eq!(SPACING.len(), 3);
        assert!(SPACING.is_sorted());
        assert_eq!(SPACING.iter().sum::<Duration>(), Duration::from_secs(20));
    }
}

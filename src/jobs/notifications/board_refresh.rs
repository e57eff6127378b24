//! Shows unchanged boards again from time to time, so that one deleted while Rollcall was not running reappears.

use std::time::Duration;

use crate::jobs::JobContext;
use crate::store::notifications::board;
use crate::store::{Effect, StoreError};

pub(in crate::jobs) const NAME: &str = "board_refresh";

pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(60);

/// An unchanged board is shown again after this time.
const REFRESH_EVERY: Duration = Duration::from_secs(900);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let before = context.checks.clock.now().minus(REFRESH_EVERY);
    let refreshed = context
        .store
        .writer
        .transact::<_, StoreError>(move |tx| Box::pin(board::refresh(tx, before)))
        .await?;
    Ok(match refreshed {
        Effect::Changed => "boards shown again".to_owned(),
        Effect::Nothing => "no board to show again".to_owned(),
    })
}

//! Reports progress of the writer: it has nothing to write, or writes one group after the other. A disk that hangs returns no error.

use std::time::Duration;

use tokio::sync::watch;

use crate::health::{Component, Health};
use crate::jobs::JobContext;

/// Time between two readings.
const EVERY: Duration = Duration::from_secs(1);

/// Runs until `stop` turns true.
pub(in crate::jobs) async fn run(context: JobContext, mut stop: watch::Receiver<bool>) {
    let mut last = 0;
    loop {
        last = report(&context.health, context.store.writer.steps(), last);
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Reports progress by the steps of the writer at the last reading and now; returns those now.
fn report(health: &Health, steps: u64, last: u64) -> u64 {
    let is_writing = steps % 2 == 1;
    if !is_writing || steps != last {
        health.record_progress(Component::Writer);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Fact, OtherFacts};
    use crate::store::StoreError;
    use crate::store::testing::TestStore;

    const WORKING: OtherFacts = OtherFacts {
        is_database_readable: true,
        is_write_failing: false,
        is_connectivity_lost: false,
        is_name_resolution_lost: false,
    };

    /// Whether writes fail after the writer was read once a second for this long.
    async fn fail_after(health: &Health, seconds: u64, steps: impl Fn() -> u64) -> bool {
        let mut last = 0;
        for _ in 0..seconds {
            last = report(health, steps(), last);
            tokio::time::advance(EVERY).await;
        }
        health.facts(WORKING).failing().contains(&Fact::Writes)
    }

    #[tokio::test]
    async fn a_write_that_does_not_end_fails_after_thirty_seconds() {
        let store = TestStore::open().await;
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (end, may_end) = tokio::sync::oneshot::channel::<()>();
        let writer = store.writer.clone();
        let writing = tokio::spawn(async move {
            let work = writer.transact::<(), StoreError>(|_| {
                Box::pin(async {
                    let _ = begun.send(());
                    let _ = may_end.await;
                    Ok(())
                })
            });
            work.await
        });
        has_begun.await.unwrap();
        tokio::time::pause();
        for (seconds, fails) in [(29, false), (30, true)] {
            let health = Health::new();
            let steps = || store.writer.steps();
            assert_eq!(fail_after(&health, seconds, steps).await, fails);
        }
        tokio::time::resume();
        end.send(()).unwrap();
        writing.await.unwrap().unwrap();
        assert_eq!(store.writer.steps() % 2, 0, "idle again");
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_writer_and_one_that_is_always_writing_make_progress() {
        let health = Health::new();
        assert!(!fail_after(&health, 100, || 8).await, "idle");
        let steps = std::cell::Cell::new(1);
        let next = || steps.replace(steps.get() + 2);
        assert!(
            !fail_after(&health, 100, next).await,
            "always another group"
        );
    }
}

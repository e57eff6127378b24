//! Lets Discord servers take turns at reading: a few requests of each read at once and its further ones wait, so that none
//! uses all connections to the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::discord_id::GuildId;
use crate::http::api::problem::Problem;

/// Requests of a guild that read at once: fewer than there are connections that read.
const AT_ONCE: usize = 2;

/// Requests of a guild that read or wait; further ones are refused.
const MOST: usize = 50;

/// The turns of all guilds.
#[derive(Clone, Debug, Default)]
pub struct ReadTurns(Arc<Mutex<HashMap<GuildId, GuildReads>>>);

/// The requests of one guild.
#[derive(Debug)]
struct GuildReads {
    reading: Arc<Semaphore>,
    requests: usize,
}

/// The turn of a request, which ends when it is dropped.
#[derive(Debug)]
pub(in crate::http) struct ReadTurn {
    _permit: OwnedSemaphorePermit,
    _place: ReadPlace,
}

/// The place of a request among those of its guild, also while it waits.
#[derive(Debug)]
struct ReadPlace {
    turns: ReadTurns,
    guild: GuildId,
}

impl ReadTurns {
    /// Waits for a turn of the guild.
    ///
    /// # Errors
    /// Too many of its requests read or wait already.
    pub(in crate::http) async fn take(&self, guild: GuildId) -> Result<ReadTurn, Problem> {
        let (place, reading) = self.enter(guild)?;
        // It is never closed.
        let permit = reading.acquire_owned().await;
        let permit = permit.map_err(|_| Problem::unavailable())?;
        Ok(ReadTurn {
            _permit: permit,
            _place: place,
        })
    }

    fn enter(&self, guild: GuildId) -> Result<(ReadPlace, Arc<Semaphore>), Problem> {
        let mut guilds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = guilds.entry(guild).or_insert_with(|| GuildReads {
            reading: Arc::new(Semaphore::new(AT_ONCE)),
            requests: 0,
        });
        if queue.requests >= MOST {
            let limit = format!("this Discord server may have {MOST} requests that read at once");
            return Err(Problem::too_often(&limit, 1));
        }
        queue.requests += 1;
        let place = ReadPlace {
            turns: self.clone(),
            guild,
        };
        Ok((place, Arc::clone(&queue.reading)))
    }
}

impl Drop for ReadPlace {
    fn drop(&mut self) {
        let mut guilds = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = guilds.get_mut(&self.guild) else {
            return;
        };
        queue.requests -= 1;
        if queue.requests == 0 {
            guilds.remove(&self.guild);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const OURS: GuildId = GuildId(1);
    const THEIRS: GuildId = GuildId(2);

    #[tokio::test]
    async fn two_requests_of_a_guild_read_at_once_whatever_others_do() {
        let turns = ReadTurns::default();
        let first = turns.take(OURS).await.unwrap();
        let second = turns.take(OURS).await.unwrap();
        let mut third = Box::pin(turns.take(OURS));
        assert!((&mut third).now_or_never().is_none(), "it waits");
        let theirs = turns.take(THEIRS).now_or_never();
        assert!(theirs.is_some_and(|turn| turn.is_ok()));
        drop(first);
        let third = third.now_or_never().expect("it is its turn").unwrap();
        drop((second, third));
        assert!(turns.0.lock().unwrap().is_empty(), "nothing is kept");
    }

    #[tokio::test]
    async fn fifty_requests_of_a_guild_read_or_wait() {
        let turns = ReadTurns::default();
        let mut waiting: Vec<_> = (0..MOST).map(|_| Box::pin(turns.take(OURS))).collect();
        let begun: Vec<_> = waiting.iter_mut().map(|turn| turn.now_or_never()).collect();
        assert_eq!(begun.iter().flatten().count(), AT_ONCE);
        let refused = turns.take(OURS).await.unwrap_err();
        assert_eq!(
            refused.detail(),
            "this Discord server may have 50 requests that read at once. Try again in 1 s"
        );
        assert!(turns.take(THEIRS).await.is_ok());
        // A client that gives up leaves its place.
        drop(waiting.pop());
        let mut another = Box::pin(turns.take(OURS));
        assert!((&mut another).now_or_never().is_none(), "it waits");
    }
}

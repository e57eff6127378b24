//! Who is next: heartbeats that carry rows to store, such as log lines, take turns by guild. A heartbeat alone costs little
//! and never waits.

use std::collections::{BTreeMap, VecDeque};

use super::check_in::{CheckIn, Payload};
use crate::domain::discord_id::GuildId;

/// Rows that the payloads of a guild may have in one transaction. The first payload may have more, so that it is stored at
/// all. A row costs some tens of microseconds of the only writer.
const ROWS: usize = 32;

/// Rows that may wait for a guild; heartbeats with more are refused. It is about a second of one guild's turns.
const MOST_WAITING: usize = 8_192;

/// Number of rows that a heartbeat stores besides its time.
fn rows(heartbeat: &CheckIn) -> usize {
    match &heartbeat.payload {
        Payload::Nothing => 0,
        Payload::Ping(_) | Payload::State(_) => 1,
        Payload::Registration(_) => 4,
        Payload::Lines(lines) => lines.len(),
    }
}

/// Heartbeats that wait for the turn of their guild, each with what answers it.
#[derive(Debug)]
pub(super) struct HeartbeatTurns<A> {
    guilds: BTreeMap<GuildId, GuildTurns<A>>,
}

#[derive(Debug)]
struct GuildTurns<A> {
    rows: usize,
    heartbeats: VecDeque<(CheckIn, A)>,
}

impl<A> Default for HeartbeatTurns<A> {
    fn default() -> Self {
        Self {
            guilds: BTreeMap::new(),
        }
    }
}

/// Where an arriving heartbeat goes.
#[derive(Debug)]
pub(super) enum Placed<A> {
    /// Into the next transaction.
    Now(CheckIn, A),
    /// It waits for its guild's turn.
    Later,
    /// Too many rows of its guild wait already.
    Refused(A),
}

impl<A> HeartbeatTurns<A> {
    /// Takes a heartbeat that has arrived.
    pub fn place(&mut self, heartbeat: CheckIn, answer: A) -> Placed<A> {
        let rows = rows(&heartbeat);
        if rows == 0 {
            return Placed::Now(heartbeat, answer);
        }
        let guild = self
            .guilds
            .entry(heartbeat.requester.guild)
            .or_insert_with(|| GuildTurns {
                rows: 0,
                heartbeats: VecDeque::new(),
            });
        if guild.rows + rows > MOST_WAITING {
            return Placed::Refused(answer);
        }
        guild.rows += rows;
        guild.heartbeats.push_back((heartbeat, answer));
        Placed::Later
    }

    /// Takes the turn of every guild: the heartbeats of the next transaction.
    pub fn take(&mut self, batch: &mut Vec<(CheckIn, A)>) {
        for waiting in self.guilds.values_mut() {
            let mut taken = 0;
            while let Some((heartbeat, _)) = waiting.heartbeats.front() {
                let rows = rows(heartbeat);
                if taken > 0 && taken + rows > ROWS {
                    break;
                }
                taken += rows;
                waiting.rows -= rows;
                batch.extend(waiting.heartbeats.pop_front());
            }
        }
        self.guilds
            .retain(|_, waiting| !waiting.heartbeats.is_empty());
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.guilds.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::Requester;
    use crate::domain::devices::device::DeviceUuid;
    use crate::store::devices::device_log::NewLine;

    fn heartbeat(guild: u64, lines: usize) -> CheckIn {
        let line = NewLine {
            kind: "line",
            level: None,
            device_time: None,
            message: String::new(),
            run_time: None,
        };
        CheckIn {
            requester: Requester::system(GuildId(guild)),
            uuid: DeviceUuid::from_random([1; 16]),
            payload: match lines {
                0 => Payload::Nothing,
                lines => Payload::Lines(vec![line; lines]),
            },
            key: None,
        }
    }

    /// The numbers of the heartbeats in each transaction, of heartbeats that arrive together: guild and lines of each.
    fn transactions(arriving: &[(u64, usize)]) -> Vec<Vec<usize>> {
        let mut turns = HeartbeatTurns::default();
        let mut all = Vec::new();
        let mut batch = Vec::new();
        for (number, (guild, lines)) in arriving.iter().enumerate() {
            if let Placed::Now(heartbeat, number) = turns.place(heartbeat(*guild, *lines), number) {
                batch.push((heartbeat, number));
            }
        }
        loop {
            turns.take(&mut batch);
            if batch.is_empty() {
                return all;
            }
            all.push(batch.drain(..).map(|(_, number)| number).collect());
        }
    }

    #[test]
    fn guilds_take_turns_and_plain_heartbeats_never_wait() {
        for (arriving, expected) in [
            (&[(1, 0), (1, 0), (2, 0)][..], vec![vec![0, 1, 2]]),
            (
                &[(1, 200), (1, 200), (2, 200), (1, 0)],
                vec![vec![3, 0, 2], vec![1]],
            ),
            (&[(1, 16), (1, 16), (1, 1)], vec![vec![0, 1], vec![2]]),
            (&[(1, 31), (1, 1), (2, 1)], vec![vec![0, 1, 2]]),
            (&[(1, 32), (1, 1)], vec![vec![0], vec![1]]),
            (&[(1, 1), (1, 200), (1, 1)], vec![vec![0], vec![1], vec![2]]),
        ] {
            assert_eq!(transactions(arriving), expected, "{arriving:?}");
        }
    }

    #[test]
    fn a_guild_for_which_8192_rows_wait_is_refused_more() {
        let mut turns = HeartbeatTurns::default();
        for number in 0..MOST_WAITING / 128 {
            assert!(matches!(
                turns.place(heartbeat(1, 128), number),
                Placed::Later
            ));
        }
        assert!(matches!(
            turns.place(heartbeat(1, 1), 0),
            Placed::Refused(0)
        ));
        assert!(matches!(turns.place(heartbeat(1, 0), 0), Placed::Now(..)));
        assert!(matches!(turns.place(heartbeat(2, 1), 0), Placed::Later));
        turns.take(&mut Vec::new());
        assert!(matches!(turns.place(heartbeat(1, 128), 0), Placed::Later));
        assert!(!turns.is_empty());
    }
}

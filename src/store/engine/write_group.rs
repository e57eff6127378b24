//! What the writer commits together: guilds take turns, so that none delays the others.

use std::collections::{HashSet, VecDeque};

use tokio::sync::{mpsc, oneshot};

use crate::domain::discord_id::GuildId;

/// Units of work in the queue; when it is full, callers wait until there is space.
pub(super) const QUEUE: usize = 1024;

/// Maximum units of work in one commit, so that no answer waits for an endless group.
const GROUP: usize = 256;

/// A message to the writer.
pub(super) enum WriterCommand<W> {
    Work(QueuedWork<W>),
    Close(oneshot::Sender<()>),
}

/// A unit of work that waits for its group.
pub(super) struct QueuedWork<W> {
    pub work: W,
    pub turn: WriteTurn,
}

/// When a unit of work may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteTurn {
    /// It is for several guilds, or for Rollcall itself.
    Any,
    /// It is for this guild alone.
    Of(GuildId),
    /// After all work that arrived earlier.
    Last,
}

/// What a group is made of.
pub(super) struct WriteGroup<'inbox, W> {
    inbox: &'inbox mut mpsc::Receiver<WriterCommand<W>>,
    /// The guilds that have had their turn.
    served: HashSet<GuildId>,
    size: usize,
    /// Work held before this position is of guilds that have had their turn.
    position: usize,
    /// A close command that was found in the queue.
    pub close: Option<oneshot::Sender<()>>,
}

impl<'inbox, W> WriteGroup<'inbox, W> {
    pub fn new(
        inbox: &'inbox mut mpsc::Receiver<WriterCommand<W>>,
        close: Option<oneshot::Sender<()>>,
    ) -> Self {
        Self {
            inbox,
            served: HashSet::new(),
            size: 0,
            position: 0,
            close,
        }
    }

    /// The next unit of work: first what was held, then what is queued.
    pub fn next(&mut self, held: &mut VecDeque<QueuedWork<W>>) -> Option<W> {
        if self.size >= GROUP {
            return None;
        }
        while let Some(queued) = held.get(self.position) {
            if self.has_turn(queued.turn, self.position == 0) {
                return held.remove(self.position).map(|queued| queued.work);
            }
            self.position += 1;
        }
        while self.close.is_none() && held.len() < QUEUE {
            match self.inbox.try_recv() {
                Ok(WriterCommand::Work(queued)) if self.has_turn(queued.turn, held.is_empty()) => {
                    return Some(queued.work);
                }
                Ok(WriterCommand::Work(queued)) => {
                    held.push_back(queued);
                    self.position = held.len();
                }
                Ok(WriterCommand::Close(done)) => self.close = Some(done),
                Err(_) => return None,
            }
        }
        None
    }

    /// Whether work may join the group; if so, it counts. `is_oldest`: no earlier work is held.
    fn has_turn(&mut self, turn: WriteTurn, is_oldest: bool) -> bool {
        let has_turn = match turn {
            WriteTurn::Any => true,
            WriteTurn::Of(guild) => self.served.insert(guild),
            WriteTurn::Last => is_oldest,
        };
        self.size += usize::from(has_turn);
        has_turn
    }

    /// Drops everything that waits, so that its callers get an error now.
    pub fn refuse_all(&mut self, held: &mut VecDeque<QueuedWork<W>>) {
        held.clear();
        while let Ok(command) = self.inbox.try_recv() {
            if let WriterCommand::Close(done) = command {
                self.close = Some(done);
            }
        }
    }
}

//! The engine: one writer, a pool of readers, and the SQLite file that they share.

pub(in crate::store) mod backup;
pub(in crate::store) mod cache;
pub(in crate::store) mod damage;
pub(in crate::store) mod integrity;
pub(in crate::store) mod lock;
pub(in crate::store) mod rows;
pub(in crate::store) mod sqlite;
pub(in crate::store) mod storage_room;
pub(in crate::store) mod unreadable;
pub(in crate::store) mod usage;
pub(in crate::store) mod watched;
mod write_group;
pub(in crate::store) mod writer;

//! Keys of those who call every minute, remembered so that they are not looked up each time. That a remembered key is
//! still good is asked again in the transaction that records the call; so this is only for calls that are recorded.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::key::KeyId;
use crate::store::api_key::StoredKey;

/// Keys that are remembered; beyond that all are forgotten, and looked up again as they come.
const KEYS: usize = 100_000;

/// The keys that were good when they were seen last.
#[derive(Clone, Debug, Default)]
pub struct KeyCache(Arc<RwLock<HashMap<KeyId, Arc<StoredKey>>>>);

impl KeyCache {
    pub(super) fn get(&self, id: &KeyId) -> Option<Arc<StoredKey>> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(id).cloned()
    }

    pub(super) fn put(&self, key: Arc<StoredKey>) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEYS {
            keys.clear();
        }
        keys.insert(key.id, key);
    }

    pub(super) fn forget(&self, id: &KeyId) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.remove(id);
    }
}

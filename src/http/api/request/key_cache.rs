//! Caches API keys, so that frequent heartbeats need no key lookup each time. The transaction that records a heartbeat
//! checks again that the key is valid, so the cache is only for requests that are recorded.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::key::KeyId;
use crate::store::api_key::StoredKey;

/// The maximum number of cached keys; at the limit all are dropped, and looked up again when they are used.
const KEYS: usize = 100_000;

/// Keys that were valid when they were last looked up.
#[derive(Clone, Debug, Default)]
pub struct KeyCache(Arc<RwLock<HashMap<KeyId, Arc<StoredKey>>>>);

impl KeyCache {
    pub(in crate::http) fn get(&self, id: &KeyId) -> Option<Arc<StoredKey>> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(id).cloned()
    }

    pub(in crate::http) fn put(&self, key: Arc<StoredKey>) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEYS {
            keys.clear();
        }
        keys.insert(key.id, key);
    }

    pub(in crate::http) fn forget(&self, id: &KeyId) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.remove(id);
    }
}

//! Pictures that were rendered lately, by what they show, so that ten members who read the same page cost one picture.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::png::PngPicture;
use crate::domain::history::chart::scene::{Scene, Theme};

/// What a picture shows, as a hash: two scenes with the same one are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PictureKey([u8; 32]);

impl PictureKey {
    pub(super) fn of(scene: &Scene, theme: Theme) -> Self {
        let mut hasher = Hasher(Sha256::new());
        // Writing to it cannot fail.
        let _ = write!(hasher, "{theme:?} {scene:?}");
        Self(hasher.0.finalize().into())
    }
}

struct Hasher(Sha256);

impl Write for Hasher {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

/// Pictures up to a size in bytes; beyond it, those that were not wanted for longest are removed.
#[derive(Debug)]
pub(super) struct PictureCache {
    largest_size: usize,
    size: usize,
    pictures: HashMap<PictureKey, Kept>,
    /// Counts requests.
    requests: u64,
}

#[derive(Debug)]
struct Kept {
    picture: Arc<PngPicture>,
    last_request: u64,
}

impl PictureCache {
    /// `largest_size`: in bytes.
    pub(super) fn new(largest_size: usize) -> Self {
        Self {
            largest_size,
            size: 0,
            pictures: HashMap::new(),
            requests: 0,
        }
    }

    pub(super) fn find(&mut self, key: PictureKey) -> Option<Arc<PngPicture>> {
        self.requests += 1;
        let kept = self.pictures.get_mut(&key)?;
        kept.last_request = self.requests;
        Some(Arc::clone(&kept.picture))
    }

    /// Keeps a picture, unless it is larger than all of them may be.
    pub(super) fn add(&mut self, key: PictureKey, picture: &Arc<PngPicture>) {
        let added = size(picture);
        if added > self.largest_size || self.pictures.contains_key(&key) {
            return;
        }
        while self.size + added > self.largest_size {
            self.remove_oldest();
        }
        self.requests += 1;
        self.size += added;
        let kept = Kept {
            picture: Arc::clone(picture),
            last_request: self.requests,
        };
        self.pictures.insert(key, kept);
    }

    fn remove_oldest(&mut self) {
        let oldest = self.pictures.iter().min_by_key(|(_, one)| one.last_request);
        let Some(key) = oldest.map(|(key, _)| *key) else {
            self.size = 0;
            return;
        };
        if let Some(removed) = self.pictures.remove(&key) {
            self.size -= size(&removed.picture);
        }
    }
}

/// What a picture takes in memory, in bytes.
fn size(picture: &PngPicture) -> usize {
    let texts: usize = picture.unreadable.iter().map(String::len).sum();
    // With its entry.
    picture.bytes.len() + texts + 200
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> PictureKey {
        PictureKey([number; 32])
    }

    /// A picture that takes this size.
    fn picture(size: usize) -> Arc<PngPicture> {
        Arc::new(PngPicture {
            bytes: vec![0; size - 200],
            unreadable: Vec::new(),
        })
    }

    #[test]
    fn pictures_are_kept_up_to_the_size_and_the_oldest_are_removed() {
        let mut cache = PictureCache::new(1_000);
        cache.add(key(1), &picture(400));
        cache.add(key(2), &picture(600));
        assert!(cache.find(key(2)).is_some() && cache.find(key(1)).is_some());
        assert_eq!(cache.size, 1_000, "at the limit");
        // The second one was not wanted for longer.
        cache.add(key(3), &picture(201));
        assert!(cache.find(key(2)).is_none());
        assert!(cache.find(key(1)).is_some() && cache.find(key(3)).is_some());
        assert_eq!(cache.size, 601);
        cache.add(key(3), &picture(201));
        assert_eq!(cache.size, 601, "it is there already");
    }

    #[test]
    fn a_picture_larger_than_the_cache_is_not_kept() {
        let mut cache = PictureCache::new(1_000);
        cache.add(key(1), &picture(400));
        cache.add(key(2), &picture(1_001));
        assert!(cache.find(key(1)).is_some() && cache.find(key(2)).is_none());
        cache.add(key(3), &picture(1_000));
        assert!(cache.find(key(1)).is_none() && cache.find(key(3)).is_some());
    }
}

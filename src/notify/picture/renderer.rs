//! Renders pictures for people beside everything else that Rollcall does: two at a time, on threads that may block, and each
//! picture once. Share one renderer.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::picture_cache::{PictureCache, PictureKey};
use super::png::{self, PngPicture};
use crate::domain::history::chart::scene::{Scene, Theme};

/// Pictures that are rendered at the same time.
const AT_A_TIME: usize = 2;

/// How long a request waits for its turn. A picture takes milliseconds, so hundreds of others are waiting then.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// The size of all pictures that are kept, in bytes: some hundreds.
const CACHE_SIZE: usize = 4 * 1024 * 1024;

/// The most pixels of a picture: a byte each while it is rendered.
const MOST_PIXELS: u64 = 4_000_000;

/// Why there is no picture. Members get the text alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error("the picture has {0} pixels, more than {MOST_PIXELS}")]
    TooLarge(u64),
    #[error("too many pictures are rendered at the moment")]
    Busy,
    #[error("cannot draw the picture: {0}")]
    Failed(String),
}

/// A picture with the text for people who do not see it.
#[derive(Clone, Debug)]
pub struct DescribedPicture {
    pub png: Arc<PngPicture>,
    /// At most 1,024 characters.
    pub description: String,
}

/// Renders scenes.
#[derive(Clone)]
pub struct PictureRenderer(Arc<RendererState>);

struct RendererState {
    slots: Arc<Semaphore>,
    cache: Mutex<PictureCache>,
}

impl Default for PictureRenderer {
    fn default() -> Self {
        Self(Arc::new(RendererState {
            slots: Arc::new(Semaphore::new(AT_A_TIME)),
            cache: Mutex::new(PictureCache::new(CACHE_SIZE)),
        }))
    }
}

impl fmt::Debug for PictureRenderer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PictureRenderer")
    }
}

impl PictureRenderer {
    /// The picture of a scene: one that was rendered before, or a new one.
    ///
    /// # Errors
    /// `RenderError`: there is no picture, and the text stands alone.
    pub async fn render(
        &self,
        scene: Scene,
        theme: Theme,
    ) -> Result<DescribedPicture, RenderError> {
        let pixels = u64::from(scene.width) * u64::from(scene.height);
        if pixels > MOST_PIXELS {
            return Err(RenderError::TooLarge(pixels));
        }
        let description = scene.description.clone();
        let png = self.rendered(scene, theme).await?;
        Ok(DescribedPicture { png, description })
    }

    async fn rendered(&self, scene: Scene, theme: Theme) -> Result<Arc<PngPicture>, RenderError> {
        let key = PictureKey::of(&scene, theme);
        if let Some(known) = self.cache().find(key) {
            return Ok(known);
        }
        let slot = Arc::clone(&self.0.slots).acquire_owned();
        let slot = tokio::time::timeout(LONGEST_WAIT, slot).await;
        let Ok(Ok(slot)) = slot else {
            return Err(RenderError::Busy);
        };
        // Another request may have rendered it meanwhile.
        if let Some(known) = self.cache().find(key) {
            return Ok(known);
        }
        let drawn = tokio::task::spawn_blocking(move || {
            // The thread goes on if nobody waits any longer, and holds its slot until then.
            let _slot = slot;
            png::png(&scene, theme)
        });
        let failed = |error: &dyn fmt::Display| RenderError::Failed(error.to_string());
        let drawn = drawn.await.map_err(|error| failed(&error))?;
        let picture = Arc::new(drawn.map_err(|error| failed(&error))?);
        self.cache().add(key, &picture);
        Ok(picture)
    }

    fn cache(&self) -> MutexGuard<'_, PictureCache> {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(width: u16, height: u16) -> Scene {
        Scene {
            width,
            height,
            shapes: Vec::new(),
            description: format!("{width} x {height}"),
        }
    }

    #[tokio::test]
    async fn the_same_scene_is_rendered_once_for_each_theme() {
        let renderer = PictureRenderer::default();
        let first = renderer.render(scene(8, 8), Theme::Dark).await.unwrap();
        let second = renderer.render(scene(8, 8), Theme::Dark).await.unwrap();
        assert!(Arc::ptr_eq(&first.png, &second.png));
        assert_eq!(second.description, "8 x 8");
        let light = renderer.render(scene(8, 8), Theme::Light).await.unwrap();
        assert_ne!(light.png.bytes, first.png.bytes);
        let wider = renderer.render(scene(9, 8), Theme::Dark).await.unwrap();
        assert_ne!(wider.png.bytes, first.png.bytes);
    }

    #[tokio::test]
    async fn a_picture_has_at_most_four_million_pixels() {
        let renderer = PictureRenderer::default();
        for (width, is_drawn) in [(1_999, true), (2_000, true), (2_001, false)] {
            let found = renderer.render(scene(width, 2_000), Theme::Dark).await;
            assert_eq!(found.is_ok(), is_drawn, "{width}");
        }
        let empty = renderer.render(scene(0, 0), Theme::Dark).await;
        assert!(matches!(empty, Err(RenderError::Failed(_))), "{empty:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn two_pictures_are_rendered_at_a_time_and_a_third_one_waits_in_vain() {
        let renderer = PictureRenderer::default();
        let hold = async || Arc::clone(&renderer.0.slots).acquire_owned().await.unwrap();
        let _one = hold().await;
        renderer.render(scene(8, 8), Theme::Dark).await.unwrap();
        let other = hold().await;
        let refused = renderer.render(scene(9, 9), Theme::Dark).await;
        assert_eq!(refused.unwrap_err(), RenderError::Busy);
        // One that is known needs no turn.
        renderer.render(scene(8, 8), Theme::Dark).await.unwrap();
        drop(other);
        renderer.render(scene(9, 9), Theme::Dark).await.unwrap();
    }
}

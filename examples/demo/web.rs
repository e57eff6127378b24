//! The demo in the browser: the sandbox's own client shows the channels, where the story plays and people use the bot.

use std::net::SocketAddr;

use crate::screen::Screen;
use crate::stage::{DemoResult, Stage};
use crate::story;

/// With the value `skip`, the environment variable that leaves out the story, for tests and pictures of the page.
const STORY: &str = "DEMO_STORY";

/// Serves the client and plays the story, which may be watched there. Ends only with an error.
pub async fn run(stage: &mut Stage, screen: &Screen) -> DemoResult {
    let client = stage
        .sandbox
        .serve_client(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await?;
    let url = client.url();
    screen.print(format!("Open {url} in a browser. Ctrl-C ends the demo.\n"));
    if std::env::var_os(STORY).is_some_and(|value| value == "skip") {
        story::skip_to_the_end(stage).await?;
    } else {
        story::play(stage, screen, story::Pauses::ForReading).await?;
    }
    screen.print(format!("\nThe bot goes on running: {url}\n"));
    std::future::pending().await
}

//! The demo in the browser: the sandbox's own client shows the channels, where the story plays and people use the bot.

use std::net::SocketAddr;

use crate::screen::Screen;
use crate::stage::{DemoResult, Stage};
use crate::story;

/// Serves the client and plays the story, which may be watched there. Ends only with an error.
pub async fn run(stage: &mut Stage, screen: &Screen) -> DemoResult {
    let client = stage
        .sandbox
        .serve_client(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await?;
    let url = client.url();
    screen.print(format!("Open {url} in a browser. Ctrl-C ends the demo.\n"));
    story::play(stage, screen, story::Pauses::ForReading).await?;
    screen.print(format!("\nThe bot goes on running: {url}\n"));
    std::future::pending().await
}

//! The demo in the browser: the sandbox's own client shows the channels, where the story is told and people use the bot.

use std::net::SocketAddr;

use crate::screen::Screen;
use crate::stage::{Outcome, Stage};
use crate::story;

/// Serves the client and tells the story, which may be watched there. Ends only with an error.
pub async fn run(stage: &mut Stage, screen: &Screen) -> Outcome {
    let client = stage
        .sandbox
        .serve_client(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await?;
    let url = client.url();
    screen.print(format!("Open {url} in a browser. Ctrl-C ends the demo.\n"));
    story::tell(stage, screen, story::Pace::Reading).await?;
    screen.print(format!("\nThe bot goes on running: {url}\n"));
    std::future::pending().await
}

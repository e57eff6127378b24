//! Status pages: from a snapshot of what a page shows in public to bytes. Only `live` reads a store, a clock or a request.
//!
//! What each path below the base path of a page is made with, and its policy; `/assets/…` is at the root of every host.
//!
//! | path | function | policy |
//! |---|---|---|
//! | `/` | `html::page` | `policy::PAGE` |
//! | `/incidents/{id}` | `html::incident` | `policy::PAGE` |
//! | `/embed` | `html::embed` | `policy::EMBED` |
//! | `/password` (POST, field `password`), and any page before it | `html::password` | `policy::PASSWORD` |
//! | any other | `html::not_found` | `policy::PAGE` |
//! | `/feed.rss`, `/feed.json`, `/calendar.ics` | `feeds::rss::feed`, `feeds::json_feed::feed`, `feeds::calendar::calendar` | |
//! | `/summary.json`, `/api/v2/summary.json` | `feeds::summary::summary`, `feeds::statuspage_summary::summary` | |
//! | `/badge.svg`, `/badge/{key}.svg`, `/icon.svg` | `badge::page`, `badge::item`, `badge::icon` | `policy::IMAGE` |
//! | `/picture.png` | `picture::scene`, written by `notify::picture::png` | `policy::IMAGE` |
//! | `stylesheet::STYLESHEET.path` | `stylesheet::STYLESHEET.body` | |

pub mod badge;
mod day_class;
pub mod feeds;
pub mod html;
pub mod live;
mod markdown;
pub mod picture;
pub mod policy;
mod public_text;
pub mod snapshot;
pub mod stylesheet;
#[cfg(test)]
mod testing;
mod texts;

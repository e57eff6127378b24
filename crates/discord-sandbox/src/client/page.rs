//! The page itself, its style and its scripts, embedded in the program; and the files of messages.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::ServedState;
use super::refusal::Refusal;

const INDEX: &str = include_str!("../../client/index.html");

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// The files below `/client/`, each with its content type.
const FILES: [(&str, &str, &str); 12] = [
    (
        "icon.svg",
        "image/svg+xml",
        include_str!("../../client/icon.svg"),
    ),
    ("client.css", STYLE, include_str!("../../client/client.css")),
    (
        "message.css",
        STYLE,
        include_str!("../../client/message.css"),
    ),
    ("client.js", SCRIPT, include_str!("../../client/client.js")),
    ("store.js", SCRIPT, include_str!("../../client/store.js")),
    ("dom.js", SCRIPT, include_str!("../../client/dom.js")),
    (
        "markdown.js",
        SCRIPT,
        include_str!("../../client/markdown.js"),
    ),
    ("text.js", SCRIPT, include_str!("../../client/text.js")),
    (
        "message.js",
        SCRIPT,
        include_str!("../../client/message.js"),
    ),
    (
        "components.js",
        SCRIPT,
        include_str!("../../client/components.js"),
    ),
    ("form.js", SCRIPT, include_str!("../../client/form.js")),
    (
        "composer.js",
        SCRIPT,
        include_str!("../../client/composer.js"),
    ),
];

/// No inline script, nothing of other sites, and no frame around the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Adds the headers that confine the page.
pub(super) fn confine(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

pub(super) async fn index() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], INDEX).into_response()
}

pub(super) async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, text)) => ([(header::CONTENT_TYPE, *kind)], *text).into_response(),
        None => Refusal::missing("file").into_response(),
    }
}

/// The content type of a file that the page shows as an image, from the file's first bytes. SVG is none of them: it may
/// hold scripts.
pub(super) fn image_type(content: &[u8]) -> Option<&'static str> {
    match content {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => None,
    }
}

/// A file that the bot attached to a message: an image, or a download.
pub(super) async fn attachment(
    State(served): ServedState,
    Path((message, id)): Path<(u64, u64)>,
) -> Response {
    let world = served.sandbox.shared.read();
    let message = world.messages.get(&message);
    let file = message.and_then(|message| message.attachments.find(id));
    let Some(file) = file else {
        return Refusal::missing("file").into_response();
    };
    let content = file.content.clone();
    match image_type(&content) {
        Some(kind) => ([(header::CONTENT_TYPE, kind)], content).into_response(),
        None => {
            let headers = [
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CONTENT_DISPOSITION, "attachment"),
            ];
            (headers, content).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_less_than_90_kilobytes() {
        let files: usize = FILES.iter().map(|(_, _, text)| text.len()).sum();
        assert!(INDEX.len() + files < 90_000, "{}", INDEX.len() + files);
    }

    #[test]
    fn only_raster_images_are_shown() {
        assert_eq!(image_type(b"\x89PNG\r\n"), Some("image/png"));
        assert_eq!(image_type(b"GIF89a"), Some("image/gif"));
        assert_eq!(image_type(b"RIFF1234WEBPVP8"), Some("image/webp"));
        for other in [&b"<svg xmlns="[..], b"RIFF1234WAVE", b"", b"\x89PN"] {
            assert_eq!(image_type(other), None);
        }
    }
}

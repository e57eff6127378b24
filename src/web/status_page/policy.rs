//! What browsers may do with a page, as `Content-Security-Policy`. A page loads its own stylesheet and its own icon, and nothing else.

/// Of the page and its incidents.
pub const PAGE: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Of the question for a password, which has a form.
#[expect(dead_code, reason = "no page has a password yet")]
pub const PASSWORD: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Of what other sites may show in a frame.
pub const EMBED: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'";

/// Of badges, icons and pictures that a browser opens by themselves.
pub const IMAGE: &str = "default-src 'none'; base-uri 'none'; form-action 'none'";

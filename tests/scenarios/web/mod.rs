//! Pages for people, as browsers and programs get them.

mod status_pages;

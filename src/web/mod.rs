//! Pages for people, rendered on the server: nothing in them needs a script, a cookie or a request to somewhere else.

pub mod status_page;

//! A demo without its story, its page, and monitors that fail.

use std::net::SocketAddr;

use browser_tests::{Machine, Page, Story, Window};

/// The page in a window, as ada sees it. The story is over before it begins.
pub fn page(window: Window) -> Page {
    let page = Page::open(Story::Skipped, window).unwrap_or_else(|error| panic!("{error}"));
    page.message("12 endpoints added");
    page
}

/// A web server on a free port.
pub fn machine() -> Machine {
    Machine::start(&[SocketAddr::from(([127, 0, 0, 1], 0))]).unwrap()
}

/// Adds the machine's endpoint under a name.
pub fn watch(page: &Page, machine: &Machine, name: &str) {
    let address = machine.addresses().next().unwrap();
    page.sends(&format!(
        "/endpoint add target:http://{address}/ name:{name}"
    ));
    page.message(&format!("{name}\n\nhttp://{address}/"))
        .says("First check: 🟢 up");
}

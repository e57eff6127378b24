//! The frame around the messages: members, presence, themes, small windows.

use browser_tests::{ESCAPE, Page, Story, Window};
use serde_json::{Value, json};

use crate::world::page;

#[test]
fn the_presence_of_the_bot_is_shown_and_stays_current() {
    let page = page(Window::WIDE);
    page.shows("#people .person", "Watching 13 of 13 monitors online");
    page.shows("#people h2", "ONLINE — 3");
    page.has_no_console_errors();
}

#[test]
fn the_page_follows_the_story_of_the_demo() {
    let page = Page::open(Story::Played, Window::WIDE).unwrap();
    page.go_to_channel("alerts");
    let incident = page.message("12 monitors on 127.0.0.1 are offline");
    incident.says("Acknowledged");
    incident.says("12 monitors on 127.0.0.1 were offline for");
    page.message("Rollcall lost network connectivity");
    // The bot is killed and starts again.
    page.shows("#people h2", "OFFLINE — 1");
    page.shows("#people h2", "ONLINE — 3");
    page.message("shop was offline for");
    page.has_no_console_errors();
}

#[test]
fn relative_times_stay_current() {
    let page = page(Window::WIDE);
    page.sends("/endpoints show endpoint:shop");
    page.message("shop\n\n").says("changed");
    for time in ["2 seconds ago", "3 seconds ago"] {
        page.shows(".message:last-of-type time", time);
    }
    page.has_no_console_errors();
}

#[test]
fn the_theme_follows_the_system_until_it_is_switched() {
    let page = page(Window::WIDE);
    let theme = |name: &str| {
        let is_set = "return document.documentElement.dataset.theme === args;";
        page.browser.wait(name, is_set, &json!(name));
    };
    theme("dark");
    let light = Window {
        is_dark: false,
        ..Window::WIDE
    };
    page.browser.resize(light).unwrap();
    theme("light");
    page.click("#theme", "");
    theme("dark");
    page.reload();
    theme("dark");
    page.has_no_console_errors();
}

#[test]
fn nothing_is_wider_than_a_telephone() {
    let page = page(Window::NARROW);
    page.sends("/endpoints show endpoint:shop");
    page.message("shop\n\n");
    page.types("/endpoint");
    page.shows("#popup li", "/endpoint");
    assert_fits(&page, "suggestions");
    page.browser.press_keys(" add ");
    assert_fits(&page, "a command with options");
    page.click("#open-people", "");
    page.shows("#people", "Rollcall");
    assert_fits(&page, "members");
    page.browser.press_keys(ESCAPE);
    page.hides("#people");
    page.click("#open-side", "");
    page.shows("#side", "alerts");
    assert_fits(&page, "channels");
    page.go_to_channel("alerts");
    page.hides("#side");
    page.has_no_console_errors();
}

#[test]
fn a_window_that_becomes_narrow_keeps_its_messages() {
    let page = page(Window::WIDE);
    page.click("#open-people", "");
    page.hides("#people");
    for width in [1279, 900, 899, 700, 699, 320] {
        page.browser
            .resize(Window {
                width,
                ..Window::WIDE
            })
            .unwrap();
        let body = "const { left, right } = document.querySelector('main').getBoundingClientRect(); return [left, right];";
        let left = if width < 700 { 0 } else { 72 + 240 };
        let found = page.browser.run(body, &Value::Null);
        assert_eq!(found, json!([left, width]), "{width}");
    }
    page.click("#open-people", "");
    page.shows("#people", "Rollcall");
    page.has_no_console_errors();
}

/// The elements that a person can reach end within the window.
fn assert_fits(page: &Page, what: &str) {
    let body = "return [...document.querySelectorAll('body *')].filter((one) => {
        const box = one.getBoundingClientRect();
        const isShown = one.checkVisibility({ visibilityProperty: true }) && !one.closest('.hidden');
        return isShown && box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
    }).map((one) => `${one.tagName}.${one.className}#${one.id}`);";
    assert_eq!(page.browser.run(body, &Value::Null), json!([]), "{what}");
    let widths = page.browser.run(
        "return [document.documentElement.scrollWidth, innerWidth];",
        &Value::Null,
    );
    assert_eq!(widths, json!([390, 390]), "{what}");
}

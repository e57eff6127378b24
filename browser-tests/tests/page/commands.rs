//! Slash commands: what is offered, what is sent, and who reads the answer.

use browser_tests::{DOWN, ENTER, TAB, Window};

use crate::world::{machine, page};

const SUGGESTIONS: &str = "#popup li";

#[test]
fn a_command_is_completed_and_answered_only_to_its_member() {
    let page = page(Window::WIDE);
    page.types("/endpoints sh");
    page.shows(SUGGESTIONS, "/endpoints show");
    page.browser.press_keys(TAB);
    page.shows(".chip", "endpoint");
    page.browser.press_keys("web-1");
    page.shows(SUGGESTIONS, "web-12 · tcp://127.0.0.1:");
    assert_eq!(
        page.count_with(SUGGESTIONS, ""),
        3,
        "web-10, web-11 and web-12"
    );
    page.browser.press_keys(&[DOWN, ENTER, ENTER].concat());
    let answer = page.message("web-11\n\n");
    answer.says("🟢 online");
    answer.says("Only you can see this");
    page.hides(".chip");
    page.act_as("sam");
    page.hides(".message.ephemeral");
    page.act_as("ada");
    page.message("web-11\n\n");
    page.has_no_console_errors();
}

#[test]
fn a_command_without_a_required_value_is_not_sent() {
    let page = page(Window::WIDE);
    let before = page.count_with(".message", "");
    page.types(&format!("/endpoint add {ENTER}"));
    page.shows("#hint.failed", "This option is required. Specify a value.");
    page.shows(".chip.wrong", "target");
    assert_eq!(page.count_with(".message", ""), before);
    page.browser.press_keys(&format!("not-an-address{ENTER}"));
    page.message("not-an-address").says("Only you can see this");
    page.has_no_console_errors();
}

#[test]
fn a_command_is_sent_once_although_enter_is_pressed_twice() {
    let page = page(Window::WIDE);
    let till = machine();
    let address = till.addresses().next().unwrap();
    page.types(&format!("/endpoint add target:http://{address}/ name:till"));
    page.browser.press_keys(&[ENTER, ENTER].concat());
    page.message("till\n\n").says("First check: 🟢 up");
    page.sends("/ping");
    page.message("Pong");
    // The demo itself has added one.
    assert_eq!(page.count_with(".context", "/endpoint add"), 2);
    page.has_no_console_errors();
}

#[test]
fn a_member_is_offered_only_permitted_commands() {
    let page = page(Window::WIDE);
    page.types("/alerts s");
    page.shows(SUGGESTIONS, "/alerts setup");
    page.act_as("sam");
    page.types("/status");
    page.shows(SUGGESTIONS, "/status");
    page.browser.press_keys(&"\u{E003}".repeat("/status".len()));
    page.browser.press_keys("/alerts s");
    page.hides(SUGGESTIONS);
    page.has_no_console_errors();
}

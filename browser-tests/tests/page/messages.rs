//! Buttons, menus and forms of messages.

use browser_tests::{ENTER, ESCAPE, Window};

use crate::world::{machine, page, watch};

#[test]
fn a_button_on_an_incident_changes_its_message() {
    let page = page(Window::WIDE);
    let mut till = machine();
    watch(&page, &till, "till");
    till.hangs().unwrap();
    page.go_to_channel("alerts");
    let incident = page.message("🔴 till is offline");
    incident.says("timed out (while connecting)");
    page.act_as("sam");
    incident.press("Acknowledge");
    incident.says("Acknowledged\n\nby @sam");
    till.recovers().unwrap();
    incident.says("🟢 till was offline for");
    page.has_no_console_errors();
}

#[test]
fn an_alert_in_another_channel_is_marked_as_unread() {
    let page = page(Window::WIDE);
    let mut till = machine();
    watch(&page, &till, "till");
    page.hides("#channels .badge");
    till.hangs().unwrap();
    // It mentions the role of ada.
    page.shows("#channels button:has(.badge)", "alerts");
    page.go_to_channel("alerts");
    page.hides("#channels .badge");
    page.has_no_console_errors();
}

#[test]
fn a_choice_in_a_menu_changes_the_message() {
    let page = page(Window::WIDE);
    page.sends("/help");
    let help = page.message("First steps");
    help.choose("First steps", "Silences");
    help.says("/mute");
    assert!(!help.text().contains("Turn on alerts"), "{}", help.text());
    page.has_no_console_errors();
}

#[test]
fn a_menu_is_used_with_the_keyboard() {
    let page = page(Window::WIDE);
    page.sends("/help");
    let help = page.message("First steps");
    help.open_menu("First steps");
    page.browser.press_keys(&format!("sil{ENTER}"));
    help.says("/mute");
    help.open_menu("Silences");
    page.shows(".choices", "Checks");
    page.browser.press_keys(ESCAPE);
    page.hides(".choices");
    page.has_no_console_errors();
}

#[test]
fn a_form_is_filled_in_and_submitted() {
    let page = page(Window::WIDE);
    let till = machine();
    page.sends("/setup");
    let setup = page.message("Setup, step");
    setup.press_until("Back", "step 3 of 4");
    setup.press("Add an endpoint");
    page.shows("dialog h2", "Add an endpoint");
    page.click("dialog .button", "Submit");
    page.shows("dialog .failed", "This field is required");
    let address = till.addresses().next().unwrap();
    page.browser.press_keys(&format!("http://{address}/"));
    page.find("dialog input[id$=name]", "")
        .enter(&format!("till{ENTER}"));
    page.hides("dialog");
    setup.says("Rollcall checks 14 endpoints");
    // The first, empty form was refused before the bot got it, with an answer that the console reports.
    let errors = page.browser.console_errors();
    assert!(errors.len() == 1 && errors[0].contains("422"), "{errors:?}");
}

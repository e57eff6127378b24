//! The page without a mouse.

use browser_tests::{Page, TAB, Window};
use serde_json::{Value, json};

use crate::world::{machine, page, watch};

/// More than the page has.
const MOST_STOPS: usize = 200;

#[test]
fn everything_interactive_is_reached_with_tab_and_shows_its_focus() {
    let page = page(Window::WIDE);
    let mut till = machine();
    watch(&page, &till, "till");
    page.go_to_channel("alerts");
    till.hangs().unwrap();
    page.message("🔴 till is offline").says("Probable cause");
    assert_all_reached(&page);
    page.go_to_channel("general");
    page.sends("/help");
    page.message("First steps");
    assert_all_reached(&page);
    page.has_no_console_errors();
}

fn assert_all_reached(page: &Page) {
    let start = "document.activeElement?.blur();
        for (const one of document.querySelectorAll('[data-reached]')) delete one.dataset.reached;
        getSelection().collapse(document.body, 0);";
    page.browser.run(start, &Value::Null);
    let mut unseen = Vec::new();
    for _ in 0..MOST_STOPS {
        page.browser.press_keys(TAB);
        let stop = page.browser.run(FOCUS, &Value::Null);
        match stop["is_new"].as_bool() {
            Some(true) if stop["is_seen"] == false => unseen.push(stop["name"].clone()),
            Some(false) => break,
            // After the last element, the browser itself has the focus once.
            _ => {}
        }
    }
    assert_eq!(unseen, [] as [Value; 0], "focus that cannot be seen");
    let missed = page.browser.run(MISSED, &Value::Null);
    assert_eq!(missed, json!([]), "not reached");
    let reached = page.browser.run(
        "return document.querySelectorAll('[data-reached]').length;",
        &Value::Null,
    );
    assert!(reached.as_u64() > Some(8), "{reached}");
}

/// The element with the focus, marked as reached. A frame around it, or around the box that it is in, shows it.
const FOCUS: &str = "
    const one = document.activeElement;
    if (!one || one === document.body) return {};
    if (one.dataset.reached) return { is_new: false };
    one.dataset.reached = '1';
    const framed = (node) => {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(node);
        return (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1) || boxShadow !== 'none';
    };
    const around = [one, one.closest('.chip, #box')].filter(Boolean);
    return { is_new: true, is_seen: around.some(framed), name: `${one.tagName}#${one.id}.${one.className}` };";

const MISSED: &str = "
    const all = 'button, a[href], input, select, textarea, [tabindex=\"0\"]';
    const isUsable = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && !one.dataset.reached;
    return [...document.querySelectorAll(all)].filter(isUsable).map((one) => `${one.tagName}#${one.id}.${one.className} ${one.innerText}`);";

//! Whether texts can be read: their contrast in both themes.

use browser_tests::{Page, Window};
use serde_json::{Value, json};

use crate::world::{machine, page, watch};

#[test]
fn texts_have_enough_contrast_in_both_themes() {
    let page = page(Window::WIDE);
    let mut till = machine();
    watch(&page, &till, "till");
    till.hangs().unwrap();
    page.shows("#channels", "alerts");
    for is_dark in [true, false] {
        page.browser
            .resize(Window {
                is_dark,
                ..Window::WIDE
            })
            .unwrap();
        page.go_to_channel("general");
        page.sends("/help");
        page.message("First steps").open_menu("First steps");
        assert_readable(&page, is_dark);
        page.go_to_channel("alerts");
        page.message("🔴 till is offline").says("Probable cause");
        page.types("/endpoint");
        page.shows("#popup li", "/endpoint add");
        assert_readable(&page, is_dark);
        page.browser.press_keys(" add \u{E007}");
        page.shows("#hint.failed", "required");
        assert_readable(&page, is_dark);
    }
    page.has_no_console_errors();
}

fn assert_readable(page: &Page, is_dark: bool) {
    let faint = page.browser.run(FAINT, &Value::Null);
    assert_eq!(faint, json!([]), "dark: {is_dark}");
}

/// The texts with less contrast than WCAG 2.2 AA wants: 4.5, or 3 for large ones. Emoji, signs
/// and avatars are pictures.
const FAINT: &str = r"
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const layer = (colors) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map((one) => one / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = (node) => {
        const colors = [];
        for (let one = node; one; one = one.parentElement) colors.unshift(getComputedStyle(one).backgroundColor);
        return colors;
    };
    const opacity = (node) => {
        let all = 1;
        for (let one = node; one; one = one.parentElement) all *= Number(getComputedStyle(one).opacity);
        return all;
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        const text = walker.currentNode.data.trim();
        if (!/\p{L}|\d/u.test(text) || !node.checkVisibility({ visibilityProperty: true }) || node.closest('.hidden, noscript, option, :disabled, [aria-hidden]')) continue;
        // Shown under the pointer only.
        if (opacity(node) === 0) continue;
        const { color, fontSize, fontWeight } = getComputedStyle(node);
        const below = layer(behind(node));
        const above = layer([`rgb(${below})`, color]);
        const [high, low] = [light(above), light(below)].sort((one, other) => other - one);
        const ratio = (high + 0.05) / (low + 0.05);
        const isLarge = parseFloat(fontSize) >= 24 || (parseFloat(fontSize) >= 18.66 && Number(fontWeight) >= 700);
        if (ratio < (isLarge ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${node.tagName}.${node.className} ${text.slice(0, 30)}`);
    }
    return [...new Set(found)];";

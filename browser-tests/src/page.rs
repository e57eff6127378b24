//! The page of the sandbox, with the words of a person: types a command, presses a button, chooses in a menu.

use serde_json::{Value, json};

use crate::browser::{Browser, Element, Window};
use crate::demo::{Demo, Story};
use crate::driver::DriverError;

/// Keys as WebDriver numbers them.
pub const TAB: &str = "\u{E004}";
pub const ENTER: &str = "\u{E007}";
pub const ESCAPE: &str = "\u{E00C}";
pub const DOWN: &str = "\u{E015}";

/// How often a click is tried.
const CLICKS: usize = 10;

/// The page of a demo in a browser. Both end with it.
pub struct Page {
    /// Dropped first: its files are in the folder of the browser.
    demo: Demo,
    pub browser: Browser,
}

impl Page {
    /// Starts a demo and opens its page.
    ///
    /// # Errors
    /// If there is no browser.
    ///
    /// # Panics
    /// If the demo does not start.
    pub fn open(story: Story, window: Window) -> Result<Self, DriverError> {
        let browser = Browser::open(window)?;
        let demo = Demo::start(story, browser.folder());
        let page = Self { demo, browser };
        page.reload();
        Ok(page)
    }

    /// The address of the page.
    pub fn url(&self) -> &str {
        self.demo.url()
    }

    /// Opens the page again, in its first channel.
    pub fn reload(&self) {
        self.browser.go(self.url());
        let is_there = "return document.querySelector('#connection').hidden && document.querySelector('#people li');";
        self.browser.wait("the page", is_there, &Value::Null);
    }

    /// Waits for an element that is shown, by its CSS selector and, unless empty, the text that it begins with.
    pub fn find(&self, selector: &str, text: &str) -> Element<'_> {
        Self::wanted(selector, text).find(&self.browser)
    }

    /// Clicks on an element as `find` finds it.
    ///
    /// # Panics
    /// If something covers it.
    pub fn click(&self, selector: &str, text: &str) {
        Self::wanted(selector, text).click(&self.browser);
    }

    fn wanted(selector: &str, text: &str) -> Wanted {
        Wanted {
            what: format!("`{selector}` with `{text}`"),
            body: "return [...document.querySelectorAll(args.selector)]
                .find((one) => one.checkVisibility({ visibilityProperty: true }) && one.innerText.trim().startsWith(args.text));",
            args: json!({ "selector": selector, "text": text }),
        }
    }

    /// Waits until the text of an element contains the words.
    pub fn shows(&self, selector: &str, words: &str) {
        let body = "return [...document.querySelectorAll(args.selector)].some((one) => one.checkVisibility({ visibilityProperty: true }) && one.innerText.includes(args.words));";
        let args = json!({ "selector": selector, "words": words });
        self.browser
            .wait(&format!("`{selector}` with `{words}`"), body, &args);
    }

    /// Waits until no element of this selector is shown.
    pub fn hides(&self, selector: &str) {
        let body = "return ![...document.querySelectorAll(args)].some((one) => one.checkVisibility({ visibilityProperty: true }));";
        self.browser
            .wait(&format!("no `{selector}`"), body, &json!(selector));
    }

    /// The number of elements that are shown and contain the words.
    pub fn count_with(&self, selector: &str, words: &str) -> u64 {
        let body = "return [...document.querySelectorAll(args.selector)]
            .filter((one) => one.checkVisibility({ visibilityProperty: true }) && one.innerText.includes(args.words)).length;";
        let args = json!({ "selector": selector, "words": words });
        self.browser.run(body, &args).as_u64().unwrap_or(0)
    }

    pub fn go_to_channel(&self, name: &str) {
        self.click("#channels button", &format!("#\n{name}"));
        self.shows("#title", name);
    }

    /// Acts as another member, as the list at the bottom left does.
    pub fn act_as(&self, member: &str) {
        let option = Wanted {
            what: format!("the member {member}"),
            body: "return [...document.querySelector('#me').options].find((one) => one.text === args);",
            args: json!(member),
        };
        option.click(&self.browser);
        let body = "const me = document.querySelector('#me'); return me.selectedOptions[0].text === args && document.querySelector('#connection').hidden;";
        self.browser
            .wait(&format!("acting as {member}"), body, &json!(member));
    }

    /// Types into the command box.
    pub fn types(&self, text: &str) {
        self.click("#say", "");
        self.browser.press_keys(text);
    }

    /// Types a whole command with its options and sends it.
    pub fn sends(&self, line: &str) {
        self.types(line);
        let is_sent = "return document.querySelector('#typed').hidden;";
        let is_on_its_way = "return document.querySelector('#typed').hidden
            || document.querySelector('#composer').getAttribute('aria-busy') === 'true';";
        // The first Enter may choose a completion.
        for _ in 0..3 {
            self.browser.press_keys(ENTER);
            if self.browser.run(is_on_its_way, &Value::Null) == true {
                break;
            }
        }
        self.browser
            .wait("the command to be sent", is_sent, &Value::Null);
    }

    /// Waits for a message with the words, the newest one.
    pub fn message(&self, words: &str) -> Message<'_> {
        let body = "return [...document.querySelectorAll('.message')].findLast((one) => one.innerText.includes(args))?.id;";
        let id = self
            .browser
            .wait(&format!("a message with `{words}`"), body, &json!(words));
        Message {
            page: self,
            id: id.as_str().unwrap_or_default().to_owned(),
        }
    }

    /// # Panics
    /// If the console has an error.
    pub fn has_no_console_errors(&self) {
        let errors = self.browser.console_errors();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
    }
}

/// An element that a script finds.
struct Wanted {
    what: String,
    body: &'static str,
    args: Value,
}

impl Wanted {
    fn find<'a>(&self, browser: &'a Browser) -> Element<'a> {
        browser.element(&self.what, self.body, &self.args)
    }

    fn click(&self, browser: &Browser) {
        let mut failure = String::new();
        // A message that is drawn again, or moves at this moment, is clicked again.
        for _ in 0..CLICKS {
            match self.find(browser).click() {
                Ok(()) => return,
                Err(error) => failure = error.to_string(),
            }
        }
        panic!("{}: {failure}", self.what);
    }
}

/// A message, which may be edited.
pub struct Message<'a> {
    page: &'a Page,
    id: String,
}

impl Message<'_> {
    /// The id of its element.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn selector(&self, rest: &str) -> String {
        format!("[id='{}'] {rest}", self.id)
    }

    /// Waits until it contains the words.
    pub fn says(&self, words: &str) {
        self.page.shows(self.selector("").trim_end(), words);
    }

    pub fn press(&self, label: &str) {
        self.page.click(&self.selector(".button"), label);
    }

    /// Presses a button that leads to another step, until the message contains the words.
    pub fn press_until(&self, label: &str, words: &str) {
        for _ in 0..5 {
            let before = self.text();
            if before.contains(words) {
                return;
            }
            self.press(label);
            let is_changed = "return document.getElementById(args[0]).innerText !== args[1];";
            self.page
                .browser
                .wait(label, is_changed, &json!([self.id, before]));
        }
        self.says(words);
    }

    /// Opens the menu that shows this text.
    pub fn open_menu(&self, shown: &str) {
        self.page.click(&self.selector(".menu-button"), shown);
        self.page.shows(&self.selector(".choices"), "");
    }

    /// Opens the menu that shows this text and chooses an option.
    pub fn choose(&self, shown: &str, option: &str) {
        self.open_menu(shown);
        self.page.click(&self.selector(".choices li"), option);
    }

    pub fn text(&self) -> String {
        let body = "return document.getElementById(args).innerText;";
        let text = self.page.browser.run(body, &json!(self.id));
        text.as_str().unwrap_or_default().to_owned()
    }
}

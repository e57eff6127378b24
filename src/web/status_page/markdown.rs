//! Markdown of people as HTML: HTML in it is dropped, links are http(s) only, and pictures become their text, so that a page makes no
//! request to others.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::public_text::{body, escaped};
use super::snapshot::LONGEST_BODY;

/// Deeper quotes and lists lose their frame: each level costs an element of the page.
const DEEPEST: usize = 6;

/// Renders Markdown of at most `LONGEST_BODY` characters; what is longer is cut.
pub fn render(foreign: &str) -> String {
    let source = body(foreign, LONGEST_BODY);
    let options = Options::ENABLE_STRIKETHROUGH;
    let mut filter = MarkdownFilter::default();
    let events = Parser::new_ext(&source, options).filter_map(|event| filter.pass(event));
    let mut out = String::new();
    html::push_html(&mut out, events);
    out.truncate(out.trim_end().len());
    out
}

/// Markdown as plain text on one line, for places without markup.
pub fn plain(foreign: &str) -> String {
    let source = body(foreign, LONGEST_BODY);
    let mut out = String::new();
    for event in Parser::new_ext(&source, Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(text) | Event::Code(text) => out.push_str(&visible(&text)),
            Event::SoftBreak
            | Event::HardBreak
            | Event::End(
                TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::CodeBlock,
            ) => {
                out.push(' ');
            }
            _ => {}
        }
    }
    let words: Vec<&str> = out.split_whitespace().collect();
    words.join(" ")
}

/// What is open while events pass.
#[derive(Default)]
struct MarkdownFilter {
    depth: usize,
    /// Whether each open link has an element.
    links: Vec<bool>,
}

impl MarkdownFilter {
    fn pass<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        match event {
            Event::Html(_) | Event::InlineHtml(_) => None,
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            // Entities such as `&#x202e;` stand for characters that were not in the source.
            Event::Text(text) => Some(Event::Text(visible(&text).into())),
            Event::Code(text) => Some(Event::Code(visible(&text).into())),
            other => Some(other),
        }
    }

    fn start<'a>(&mut self, tag: Tag<'a>) -> Option<Event<'a>> {
        match tag {
            Tag::HtmlBlock | Tag::Image { .. } => None,
            Tag::Heading { .. } => Some(Event::Start(Tag::Heading {
                level: HeadingLevel::H4,
                id: None,
                classes: Vec::new(),
                attrs: Vec::new(),
            })),
            Tag::Link { dest_url, .. } => {
                let is_shown = is_web_address(&dest_url);
                self.links.push(is_shown);
                is_shown.then(|| raw(link(&dest_url)))
            }
            // Its language would become a class.
            Tag::CodeBlock(_) => Some(raw("<pre><code>".to_owned())),
            Tag::BlockQuote(_) | Tag::List(_) | Tag::Item => {
                self.depth += 1;
                (self.depth <= DEEPEST).then_some(Event::Start(tag))
            }
            other => Some(Event::Start(other)),
        }
    }

    fn end<'a>(&mut self, tag: TagEnd) -> Option<Event<'a>> {
        match tag {
            TagEnd::HtmlBlock | TagEnd::Image => None,
            TagEnd::Heading(_) => Some(Event::End(TagEnd::Heading(HeadingLevel::H4))),
            TagEnd::Link => {
                let is_shown = self.links.pop().unwrap_or(false);
                is_shown.then(|| raw("</a>".to_owned()))
            }
            TagEnd::CodeBlock => Some(raw("</code></pre>\n".to_owned())),
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item => {
                self.depth = self.depth.saturating_sub(1);
                (self.depth < DEEPEST).then_some(Event::End(tag))
            }
            other => Some(Event::End(other)),
        }
    }
}

fn visible(text: &str) -> String {
    body(text, LONGEST_BODY)
}

/// Markup of Rollcall's own.
fn raw<'a>(markup: String) -> Event<'a> {
    Event::InlineHtml(CowStr::from(markup))
}

fn link(address: &str) -> String {
    let address = escaped(address);
    format!(r#"<a href="{address}" rel="nofollow noopener noreferrer">"#)
}

fn is_web_address(address: &str) -> bool {
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    let is_web = scheme.is_some_and(|scheme| {
        scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
    });
    is_web && !address.contains(char::is_whitespace) && visible(address) == address
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ELEMENTS: [&str; 15] = [
        "div",
        "p",
        "strong",
        "em",
        "del",
        "code",
        "pre",
        "a",
        "h4",
        "ul",
        "ol",
        "li",
        "blockquote",
        "hr",
        "br",
    ];

    proptest! {
        #[test]
        fn any_text_becomes_well_formed_markup_of_few_elements(
            text in r#"([<>&"'\[\]()!*_~`#=\-+.\\\n\t a-c1:/;|]|https://e.org|<b>|&#x202e;|\PC){0,120}"#,
        ) {
            let rendered = format!("<div>{}</div>", render(&text));
            let tree = roxmltree::Document::parse(&rendered);
            prop_assert!(tree.is_ok(), "{rendered}");
            let tree = tree.unwrap();
            for node in tree.descendants().filter(roxmltree::Node::is_element) {
                prop_assert!(ELEMENTS.contains(&node.tag_name().name()), "{rendered}");
                for attribute in node.attributes() {
                    let is_known = match attribute.name() {
                        "href" => attribute.value().starts_with("http"),
                        name => name == "rel" || name == "start",
                    };
                    prop_assert!(is_known, "{rendered}");
                }
            }
        }
    }

    #[test]
    fn common_markdown_is_rendered() {
        for (source, shown) in [
            ("", ""),
            (
                "**bold** *it* ~~no~~ `a<b`",
                "<p><strong>bold</strong> <em>it</em> <del>no</del> <code>a&lt;b</code></p>",
            ),
            (
                "[docs](https://example.org/a?b=1&c='\"\"')",
                "<p><a href=\"https://example.org/a?b=1&amp;c=&#39;&quot;&quot;&#39;\" rel=\"nofollow noopener noreferrer\">docs</a></p>",
            ),
            ("# Big\n## Small", "<h4>Big</h4>\n<h4>Small</h4>"),
            (
                "```evil\"class\nx<y\n```",
                "<pre><code>x&lt;y\n</code></pre>",
            ),
        ] {
            assert_eq!(render(source), shown, "{source}");
        }
    }

    #[test]
    fn html_pictures_and_other_schemes_are_dropped() {
        for (source, shown) in [
            ("<script>alert(1)</script>", ""),
            ("a <b onclick=x>b</b>", "<p>a b</p>"),
            ("<svg><script>1</script></svg>", "<p>1</p>"),
            ("![cat](https://example.org/cat.png)", "<p>cat</p>"),
            ("[x](javascript:alert(1))", "<p>x</p>"),
            ("[x](JAVASCRIPT://a)", "<p>x</p>"),
            ("[x](data:text/html,1)", "<p>x</p>"),
            (
                "[x](/path) <mailto:a@example.org>",
                "<p>x mailto:a@example.org</p>",
            ),
            (
                "[![a](https://example.org/a.png)](javascript:x)",
                "<p>a</p>",
            ),
            ("&lt;script&gt;", "<p>&lt;script&gt;</p>"),
            (
                "a&#x202e;b&#x1b;c&#xfffe;d `&#x202e;`",
                "<p>abcd <code>&amp;#x202e;</code></p>",
            ),
            ("[x](https://example.org/&#x202e;gpj)", "<p>x</p>"),
            ("[x](https://example.org/a&#10;b)", "<p>x</p>"),
        ] {
            assert_eq!(render(source), shown, "{source}");
        }
    }

    #[test]
    fn no_text_becomes_a_large_page() {
        for hostile in [
            ">", "- ", "* ", "[", "`", "**a", "<b>", "1. ", "&", "![", "~~",
        ] {
            let rendered = render(&hostile.repeat(10_000));
            assert!(rendered.len() < 30_000, "{hostile}: {}", rendered.len());
            let rendered = format!("<div>{rendered}</div>");
            let tree = roxmltree::Document::parse(&rendered).unwrap();
            let deepest = tree.descendants().map(|one| one.ancestors().count()).max();
            assert!(deepest.unwrap() < 24, "{hostile}");
        }
    }

    #[test]
    fn plain_text_has_no_markup() {
        for (source, shown) in [
            ("**Bold** [docs](https://example.org)", "Bold docs"),
            ("one\ntwo\n\nthree", "one two three"),
            ("<b>x</b>", "x"),
        ] {
            assert_eq!(plain(source), shown);
        }
    }
}

//! A message with its embeds, files and components.

use anstyle::{AnsiColor, RgbColor, Style};
use serde_json::Value;

use super::span::{Line, Span, wrap};
use super::{View, markdown};
use crate::reply::Reply;

/// Columns of the bar beside an embed.
const BAR: usize = 2;

/// The lines of a message.
pub(super) fn lines(message: &Reply, view: &View<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let body = message.json();
    if !text(body, "content").is_empty() {
        lines.extend(markdown::lines(text(body, "content"), view, view.width));
    }
    for embed in message.embeds() {
        lines.extend(embed_lines(embed, view));
    }
    for file in message.files() {
        let shown = format!("📎 {} ({} bytes)", file.name, file.content.len());
        lines.push(Line::plain(shown));
        if let Some(description) = &file.description {
            lines.extend(markdown::lines(description, view, view.width));
        }
    }
    for row in list(body, "components") {
        lines.extend(row_lines(row, view));
    }
    if message.is_ephemeral() {
        let note = Span::new("👁 Only you can see this", Style::new().dimmed());
        lines.push(Line(vec![note]));
    }
    lines
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn embed_lines(embed: &Value, view: &View<'_>) -> Vec<Line> {
    let width = view.width.saturating_sub(BAR);
    let mut lines = Vec::new();
    let mut add = |text: &str| {
        let text = text.trim_end();
        if !text.is_empty() {
            lines.extend(markdown::lines(text, view, width));
        }
    };
    let title = text(embed, "title");
    if !title.is_empty() {
        add(&format!("**{}**", title.replace("**", "")));
    }
    add(text(embed, "description"));
    for fields in list(embed, "fields").chunk_by(|one, next| is_short(one) && is_short(next)) {
        match fields {
            [field] if !is_short(field) => {
                add(&format!("__{}__", text(field, "name")));
                add(text(field, "value"));
            }
            short => {
                let shown = short
                    .iter()
                    .map(|field| format!("__{}__ {}", text(field, "name"), text(field, "value")));
                add(&shown.collect::<Vec<_>>().join("  ·  "));
            }
        }
    }
    let footer = text(&embed["footer"], "text");
    if !footer.is_empty() {
        let footer = Line(vec![Span::new(footer, Style::new().dimmed())]);
        lines.extend(wrap(footer, width, 0));
    }
    let bar = Span::new("▌ ", bar_style(embed));
    lines
        .into_iter()
        .map(|line| line.after(bar.clone()))
        .collect()
}

/// Whether a field stands beside others.
fn is_short(field: &Value) -> bool {
    field["inline"] == true && !text(field, "value").contains('\n')
}

/// The color of an embed, which bots give as one number.
fn bar_style(embed: &Value) -> Style {
    let color = embed["color"].as_u64().unwrap_or(0x004e_5058);
    let [_, _, _, _, _, red, green, blue] = color.to_be_bytes();
    RgbColor(red, green, blue).on_default()
}

/// A row of buttons, or a menu.
fn row_lines(row: &Value, view: &View<'_>) -> Vec<Line> {
    let mut spans = Vec::new();
    for component in list(row, "components") {
        if !spans.is_empty() {
            spans.push(Span::new(" ", Style::new()));
        }
        spans.push(component_span(component));
    }
    wrap(Line(spans), view.width, 0)
}

fn component_span(component: &Value) -> Span {
    if matches!(component["type"].as_u64(), Some(3..=8)) {
        let shown = format!("[ {} ▾ ]", text(component, "placeholder")).replace(' ', "\u{a0}");
        return Span::new(shown, AnsiColor::BrightBlue.on_default());
    }
    let emoji = text(&component["emoji"], "name");
    let label = format!("{emoji} {}", text(component, "label"));
    // Buttons are not broken at their blanks.
    let shown = format!("[ {} ]", label.trim()).replace(' ', "\u{a0}");
    let style = match (component["disabled"] == true, component["style"].as_u64()) {
        (true, _) => Style::new().dimmed(),
        (_, Some(1)) => AnsiColor::BrightBlue.on_default().bold(),
        (_, Some(3)) => AnsiColor::Green.on_default().bold(),
        (_, Some(4)) => AnsiColor::Red.on_default().bold(),
        _ => Style::new().bold(),
    };
    Span::new(shown, style)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::terminal::Names;

    fn shown(body: Value, has_styles: bool) -> String {
        let reply = Reply {
            message_id: 1,
            body,
            files: Vec::new(),
            is_ephemeral: true,
            was_deferred: false,
            answered_after: Duration::ZERO,
        };
        let view = View {
            names: &Names::default(),
            width: 30,
            has_styles,
            now: 0,
        };
        view.message(&reply)
    }

    #[test]
    fn a_message_has_its_embeds_beside_a_bar_and_its_buttons_below() {
        let body = json!({
            "content": "hello",
            "embeds": [{
                "title": "shop is offline", "color": 0x00ff_0000, "description": "**shop** went offline and is still so",
                "fields": [
                    { "name": "Probable cause", "value": "The service." },
                    { "name": "A", "value": "1", "inline": true }, { "name": "B", "value": "2", "inline": true },
                ], "footer": { "text": "#7" },
            }],
            "components": [{ "type": 1, "components": [
                { "type": 2, "style": 1, "label": "Check again" }, { "type": 2, "label": "Mute 1 h" },
                { "type": 2, "label": "Acknowledge" },
            ]}],
        });
        let expected = "hello\n\
            ▌ shop is offline\n\
            ▌ shop went offline and is\n\
            ▌ still so\n\
            ▌ Probable cause\n\
            ▌ The service.\n\
            ▌ A 1  ·  B 2\n\
            ▌ #7\n\
            [ Check again ] [ Mute 1 h ]\n\
            [ Acknowledge ]\n\
            👁 Only you can see this\n";
        assert_eq!(shown(body.clone(), false).replace('\u{a0}', " "), expected);
        let styled = shown(body, true);
        assert!(
            styled.contains("\u{1b}[38;2;255;0;0m▌ \u{1b}[0m\u{1b}[1mshop is offline"),
            "{styled:?}"
        );
    }
}

//! Scenes as SVG, for pages and files. Texts stay texts: the reader's font shows them.

use std::fmt::Write;

use super::hatching;
use crate::domain::history::chart::scene::{
    Anchor, Area, Ink, Scene, ScenePoint, Shape, TextLabel, Theme,
};

/// The scene as an SVG document with a title for people who do not see it.
pub fn svg(scene: &Scene, theme: Theme) -> String {
    let mut out = String::new();
    let (width, height) = (scene.width, scene.height);
    let _ = write!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif"><title>{}</title><rect width="{width}" height="{height}" fill="{}"/>"#,
        escaped(&scene.description),
        color(theme, Ink::Background)
    );
    for shape in &scene.shapes {
        write_shape(&mut out, shape, theme);
    }
    out.push_str("</svg>\n");
    out
}

fn write_shape(out: &mut String, shape: &Shape, theme: Theme) {
    match shape {
        Shape::Rectangle { area, ink } => rectangle(out, *area, &color(theme, *ink)),
        Shape::Hatching { area, ink } => {
            for line in hatching::lines(*area) {
                polyline(out, &line, hatching::WIDTH, &color(theme, *ink));
            }
        }
        Shape::Polygon { points, ink } => {
            let (points, color) = (listed(points), color(theme, *ink));
            let _ = write!(out, r#"<polygon points="{points}" fill="{color}"/>"#);
        }
        Shape::Line { points, width, ink } => polyline(out, points, *width, &color(theme, *ink)),
        Shape::Text(label) => text(out, label, &color(theme, label.ink)),
    }
}

fn rectangle(out: &mut String, area: Area, color: &str) {
    let Area {
        left,
        top,
        width,
        height,
    } = area;
    let _ = write!(
        out,
        r#"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" fill="{color}"/>"#
    );
}

fn polyline(out: &mut String, points: &[ScenePoint], width: f32, color: &str) {
    let points = listed(points);
    let _ = write!(
        out,
        r#"<polyline points="{points}" fill="none" stroke="{color}" stroke-width="{width}"/>"#
    );
}

fn text(out: &mut String, label: &TextLabel, color: &str) {
    let anchor = match label.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let (ScenePoint { x, y }, size) = (label.at, label.size);
    let _ = write!(
        out,
        r#"<text x="{x:.1}" y="{y:.1}" font-size="{size}" text-anchor="{anchor}" fill="{color}">{}</text>"#,
        escaped(&label.text)
    );
}

fn listed(points: &[ScenePoint]) -> String {
    let mut list = String::new();
    for (index, point) in points.iter().enumerate() {
        let space = if index == 0 { "" } else { " " };
        let _ = write!(list, "{space}{:.1},{:.1}", point.x, point.y);
    }
    list
}

fn color(theme: Theme, ink: Ink) -> String {
    let [red, green, blue] = theme.color(ink);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Names are what people type: nothing in them is markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

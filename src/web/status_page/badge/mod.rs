//! Badges for the pages of others: a label and a value as SVG, without a script, a font or a request.

use std::str::FromStr;

use askama::Template;
use strum::{IntoStaticStr, VariantArray};

use super::public_text::title;
use super::snapshot::{DAYS, PageSnapshot, PublicItem, PublicStatus};
use super::texts;
use crate::domain::history::uptime::Uptime;
use crate::domain::text;
use crate::notify::picture::text_width;

/// The type of the document, as `Content-Type`.
pub const CONTENT_TYPE: &str = "image/svg+xml; charset=utf-8";

/// The longest label, in characters.
pub const LONGEST_LABEL: usize = 40;

/// How a badge is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum BadgeStyle {
    #[default]
    Flat,
    Plastic,
    ForTheBadge,
}

/// What a badge of an item shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum BadgeShow {
    #[default]
    Status,
    Uptime,
    P95,
}

/// Of which time a badge shows uptime or latency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, VariantArray, IntoStaticStr)]
pub enum BadgeRange {
    #[strum(serialize = "24h")]
    Day,
    #[strum(serialize = "7d")]
    Week,
    #[default]
    #[strum(serialize = "30d")]
    Month,
    #[strum(serialize = "90d")]
    Quarter,
}

/// An unknown value of a badge option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownBadgeOption;

macro_rules! named {
    ($($name:ident),*) => {$(
        impl $name {
            /// In the order of the documentation.
            pub const ALL: &[Self] = Self::VARIANTS;

            /// The name in addresses.
            pub fn as_str(self) -> &'static str {
                self.into()
            }
        }

        impl FromStr for $name {
            type Err = UnknownBadgeOption;

            fn from_str(text: &str) -> Result<Self, UnknownBadgeOption> {
                let mut all = Self::ALL.iter().copied();
                all.find(|one| one.as_str() == text).ok_or(UnknownBadgeOption)
            }
        }
    )*};
}

named!(BadgeStyle, BadgeShow, BadgeRange);

/// A color of a value, dark enough for white text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BadgeColor {
    Green,
    Amber,
    Red,
    Purple,
    Gray,
    Blue,
}

impl BadgeColor {
    fn hex(self) -> &'static str {
        match self {
            Self::Green => "#1f7f46",
            Self::Amber => "#945c00",
            Self::Red => "#c52a2a",
            Self::Purple => "#6a3fc0",
            Self::Gray => "#69717b",
            Self::Blue => "#1d5bbd",
        }
    }

    fn of(status: PublicStatus) -> Self {
        match status {
            PublicStatus::Online => Self::Green,
            PublicStatus::Warning => Self::Amber,
            PublicStatus::Offline => Self::Red,
            PublicStatus::Maintenance => Self::Purple,
            PublicStatus::Unknown | PublicStatus::Paused | PublicStatus::Removed => Self::Gray,
        }
    }

    /// From 99.9 % on green, from 99 % on amber.
    fn of_uptime(uptime: Option<Uptime>) -> Self {
        match uptime.map(Uptime::basis_points) {
            Some(9_990..) => Self::Green,
            Some(9_900..) => Self::Amber,
            Some(_) => Self::Red,
            None => Self::Gray,
        }
    }
}

/// How people asked for a badge.
#[derive(Clone, Debug, Default)]
pub struct BadgeRequest {
    pub show: BadgeShow,
    pub range: BadgeRange,
    pub style: BadgeStyle,
    /// In place of the usual label; cut after `LONGEST_LABEL` characters. Empty: no label.
    pub label: Option<String>,
}

/// The badge of a whole page: its banner. What `request` shows is ignored.
pub fn page(snapshot: &PageSnapshot, request: &BadgeRequest) -> String {
    let banner = snapshot.banner();
    let color = match super::html::banner_class(banner) {
        "online" => BadgeColor::Green,
        "warning" => BadgeColor::Amber,
        "offline" => BadgeColor::Red,
        "maintenance" => BadgeColor::Purple,
        _ => BadgeColor::Gray,
    };
    draw(
        request,
        texts::BADGE_STATUS.to_owned(),
        &texts::badge_banner(banner),
        color,
    )
}

/// The badge of an item.
pub fn item(item: &PublicItem, request: &BadgeRequest) -> String {
    let no_data = || texts::BADGE_NO_DATA.to_owned();
    match request.show {
        BadgeShow::Status => {
            let value = texts::status(item.status).to_lowercase();
            draw(
                request,
                title(&item.name),
                &value,
                BadgeColor::of(item.status),
            )
        }
        BadgeShow::Uptime => {
            let uptime = uptime(item, request.range);
            let value = uptime.map_or_else(no_data, |uptime| uptime.to_string());
            let label = texts::badge_uptime(request.range.as_str());
            draw(request, label, &value, BadgeColor::of_uptime(uptime))
        }
        BadgeShow::P95 => {
            let p95 = item
                .latency
                .as_ref()
                .and_then(|latency| match request.range {
                    BadgeRange::Day => latency.p95_24_hours,
                    BadgeRange::Week => latency.p95_7_days,
                    BadgeRange::Month => latency.p95_30_days,
                    BadgeRange::Quarter => latency.p95_90_days,
                });
            let color = p95.map_or(BadgeColor::Gray, |_| BadgeColor::Blue);
            let value = p95.map_or_else(no_data, text::latency);
            let label = texts::badge_latency(request.range.as_str());
            draw(request, label, &value, color)
        }
    }
}

fn uptime(item: &PublicItem, range: BadgeRange) -> Option<Uptime> {
    match range {
        BadgeRange::Day => item.last_24_hours.uptime(),
        BadgeRange::Week => item.uptime(7),
        BadgeRange::Month => item.uptime(30),
        BadgeRange::Quarter => item.uptime(DAYS),
    }
}

#[derive(Template)]
#[template(path = "badge.svg", config = "src/web/askama.toml")]
struct BadgeView {
    /// For people who do not see it.
    name: String,
    label: Option<BadgeText>,
    value: BadgeText,
    color: &'static str,
    width: u32,
    height: u32,
    radius: u32,
    size: u32,
    is_shaded: bool,
    is_bold: bool,
}

/// A text of a badge in its box, in pixels.
struct BadgeText {
    text: String,
    left: u32,
    width: u32,
    /// Where the middle of the text is.
    middle: String,
    baseline: u32,
    /// How wide readers of the badge draw the text, whatever font they have.
    length: u32,
}

fn draw(request: &BadgeRequest, label: String, value: &str, color: BadgeColor) -> String {
    let label = match &request.label {
        Some(own) => title(own),
        None => label,
    };
    let label = text::cut(&label, LONGEST_LABEL);
    let name = match label.is_empty() {
        true => value.to_owned(),
        false => format!("{label}: {value}"),
    };
    let measures = Measures::of(request.style);
    let label = (!label.is_empty()).then(|| measures.text(&label, 0));
    let value = measures.text(value, label.as_ref().map_or(0, |label| label.width));
    let view = BadgeView {
        name,
        width: value.left + value.width,
        height: measures.height,
        radius: measures.radius,
        size: measures.size,
        is_shaded: request.style == BadgeStyle::Plastic,
        is_bold: measures.is_upper,
        color: color.hex(),
        label,
        value,
    };
    // Writing to a string does not fail, and no value of the view does.
    view.render().unwrap_or_default()
}

/// The measures of a style, in pixels.
struct Measures {
    height: u32,
    radius: u32,
    size: u32,
    /// Beside a text.
    space: u32,
    baseline: u32,
    is_upper: bool,
}

impl Measures {
    fn of(style: BadgeStyle) -> Self {
        match style {
            BadgeStyle::Flat => Self {
                height: 20,
                radius: 3,
                size: 11,
                space: 6,
                baseline: 14,
                is_upper: false,
            },
            BadgeStyle::Plastic => Self {
                height: 18,
                radius: 4,
                size: 11,
                space: 6,
                baseline: 13,
                is_upper: false,
            },
            BadgeStyle::ForTheBadge => Self {
                height: 28,
                radius: 4,
                size: 10,
                space: 12,
                baseline: 18,
                is_upper: true,
            },
        }
    }

    fn text(&self, text: &str, left: u32) -> BadgeText {
        let text = match self.is_upper {
            true => text.to_uppercase(),
            false => text.to_owned(),
        };
        let length = self.length(&text);
        let width = length + 2 * self.space;
        BadgeText {
            left,
            width,
            middle: format!("{:.1}", f64::from(2 * left + width) / 2.0),
            baseline: self.baseline,
            length,
            text,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the width of 40 characters in pixels"
    )]
    fn length(&self, text: &str) -> u32 {
        // The font lacks letters that are as wide as high, such as those of Chinese.
        let is_square = |one: &char| u32::from(*one) >= 0x1100;
        let squares = text.chars().filter(is_square).count() as f32;
        let others: String = text.chars().filter(|one| !is_square(one)).collect();
        let width = text_width(&others, self.size as f32) + squares * self.size as f32;
        // Bold, and with space between the letters.
        let wider = match self.is_upper {
            true => width * 1.1 + text.chars().count() as f32,
            false => width,
        };
        wider.ceil().max(1.0) as u32
    }
}

/// The icon of a page in tabs of browsers: a disc in the color of its banner, with a mark that differs, too.
pub fn icon(snapshot: &PageSnapshot) -> String {
    let class = super::html::banner_class(snapshot.banner());
    let color = super::html::theme_color(class);
    let mark = match class {
        "online" => "M9 16.5l5 5 9-10",
        "offline" => "M10.5 10.5l11 11m0-11l-11 11",
        "warning" => "M16 8v9m0 6v.1",
        _ => "M10 16h12",
    };
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="15" fill="{color}"/><path d="{mark}" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round" stroke-linejoin="round"/></svg>
"##
    )
}

#[cfg(test)]
mod tests;

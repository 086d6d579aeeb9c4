//! How many colours a terminal shows, and the nearest of them to what a theme asks for.
//!
//! Down to 16 the hue counts more than the distance: a pale green becomes green and not grey, since 16 colours are there to
//! tell states apart.

use super::{Paint, Theme};
use ratatui::style::{Color, Style};

/// How many colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Depth {
    /// None: bold, dim, underlined and reversed only.
    None,
    /// The 16 that every terminal has, in its own shades.
    #[default]
    Sixteen,
    /// The 256 of xterm.
    TwoFiftySix,
    /// All that a theme can name.
    True,
}

impl Depth {
    /// What a terminal says of itself in `COLORTERM` and `TERM`. `ssh` does not hand the first on and `sudo` drops it: the
    /// answer is often 16 or 256 where there would be more, and never more than there are.
    pub fn of_terminal(colorterm: &str, term: &str) -> Self {
        if matches!(colorterm, "truecolor" | "24bit") || term.contains("direct") {
            Self::True
        } else if term.contains("256color") {
            Self::TwoFiftySix
        } else if matches!(term, "dumb" | "vt100" | "vt102" | "vt220") {
            Self::None
        } else {
            Self::Sixteen
        }
    }
}

impl Theme {
    /// The same theme in fewer colours. Without any, what `mono` says with attributes is said too, so that a selection that
    /// a theme shows by its ground alone is still seen.
    #[must_use]
    pub fn at_depth(mut self, depth: Depth) -> Self {
        if depth == Depth::None {
            let mono = Self::load("mono").unwrap_or_else(|_| Self::plain());
            for style in self.styles.values_mut() {
                *style = Style { fg: None, bg: None, ..*style };
            }
            for (paint, look) in mono.styles {
                let style = self.styles.entry(paint).or_default();
                *style = style.add_modifier(look.add_modifier);
            }
            return self;
        }
        for (paint, style) in &mut self.styles {
            style.fg = style.fg.map(|color| reduce(color, depth));
            style.bg = style.bg.map(|color| reduce(color, depth));
            // Two shades of one colour may come out alike; a text on its own colour is none.
            if style.fg.is_some() && style.fg == style.bg {
                style.fg = Some(if style.fg == Some(Color::Black) { Color::White } else { Color::Black });
            }
            if *paint == Paint::Marked && style.bg.is_some_and(|bg| depth == Depth::Sixteen && bg != Color::Reset) {
                // Of 16 colours none is "a little lighter than the ground".
                *style = Style { bg: None, ..*style }.add_modifier(ratatui::style::Modifier::UNDERLINED);
            }
        }
        self
    }
}

fn reduce(color: Color, depth: Depth) -> Color {
    match (color, depth) {
        (Color::Rgb(r, g, b), Depth::TwoFiftySix) => Color::Indexed(indexed([r, g, b])),
        (Color::Rgb(r, g, b), Depth::Sixteen) => named([r, g, b]),
        (Color::Indexed(index), Depth::Sixteen) => match index {
            0..16 => color,
            _ => named(rgb_of(index)),
        },
        _ => color,
    }
}

/// The levels of the colour cube of xterm's 256.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// What an index above 15 looks like (xterm's `256colres.h`).
fn rgb_of(index: u8) -> [u8; 3] {
    if index >= 232 {
        return [8 + 10 * (index - 232); 3];
    }
    let cube = usize::from(index.saturating_sub(16));
    [cube / 36, cube / 6 % 6, cube % 6].map(|level| LEVELS.get(level).copied().unwrap_or(0))
}

/// The nearest of the cube and the greys.
fn indexed(color: [u8; 3]) -> u8 {
    (16..=255).min_by_key(|index| distance(color, rgb_of(*index))).unwrap_or(15)
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    // The eye's weights, roughly: green counts most.
    let weights = [3, 6, 2];
    a.iter().zip(b).zip(weights).map(|((a, b), weight)| u32::from(a.abs_diff(b)).pow(2) * weight).sum()
}

/// The one of 16 with the same hue; greys by their lightness.
fn named([r, g, b]: [u8; 3]) -> Color {
    let (high, low) = (r.max(g).max(b), r.min(g).min(b));
    if high - low < 40 {
        return match u32::from(r) * 3 + u32::from(g) * 6 + u32::from(b) {
            0..600 => Color::Black,
            600..1450 => Color::DarkGray,
            1450..2200 => Color::Gray,
            _ => Color::White,
        };
    }
    // What is nearly black is a ground, whatever its hue.
    if u32::from(r) * 3 + u32::from(g) * 6 + u32::from(b) < 500 {
        return Color::Black;
    }
    let half = low + (high - low) / 2;
    let bright = high >= 200;
    match ([r > half, g > half, b > half], bright) {
        ([true, false, false], false) => Color::Red,
        ([true, false, false], true) => Color::LightRed,
        ([false, true, false], false) => Color::Green,
        ([false, true, false], true) => Color::LightGreen,
        ([false, false, true], false) => Color::Blue,
        ([false, false, true], true) => Color::LightBlue,
        ([true, true, false], false) => Color::Yellow,
        ([true, true, false], true) => Color::LightYellow,
        ([true, false, true], false) => Color::Magenta,
        ([true, false, true], true) => Color::LightMagenta,
        ([false, true, true], false) => Color::Cyan,
        ([false, true, true], true) => Color::LightCyan,
        ([false, false, false] | [true, true, true], false) => Color::DarkGray,
        ([false, false, false] | [true, true, true], true) => Color::White,
    }
}

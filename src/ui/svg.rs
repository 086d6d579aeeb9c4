//! A screen as an SVG picture, and as lines of text. Pure.

use super::format;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write;

/// Width and height of a character, in pixels.
const CELL: (u16, u16) = (9, 19);
/// Room around the screen.
const MARGIN: u16 = 8;
const GROUND: &str = "#16181d";
const TEXT: &str = "#d6d9e0";

/// The lines, without spaces at their ends.
pub fn lines(picture: &Buffer) -> Vec<String> {
    let width = usize::from(picture.area.width).max(1);
    picture.content.chunks(width).map(|cells| line(cells).trim_end().to_owned()).collect()
}

/// The characters of a line; the cells that a wide one covers are none.
fn line(cells: &[Cell]) -> String {
    let (mut line, mut covered) = (String::new(), 0);
    for symbol in cells.iter().map(Cell::symbol) {
        if covered > 0 {
            covered -= 1;
        } else {
            covered = format::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
    }
    line
}

/// The picture.
pub fn drawn(picture: &Buffer) -> String {
    let (columns, rows) = (picture.area.width, picture.area.height);
    let (width, height) = (columns * CELL.0 + 2 * MARGIN, rows * CELL.1 + 2 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"DejaVu Sans Mono,Menlo,Consolas,monospace\" font-size=\"15\" xml:space=\"preserve\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{GROUND}\"/>\n"
    );
    for y in 0..rows {
        let mut x = 0;
        while x < columns {
            let Some(first) = picture.cell((x, y)) else { break };
            let look = Look::of(first);
            let mut text = String::new();
            let start = x;
            while let Some(cell) = picture.cell((x, y)).filter(|cell| x < columns && Look::of(cell) == look) {
                text.push_str(cell.symbol());
                x += 1;
            }
            look.draw(&mut svg, &text, (start, y), x - start);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// How a run of characters looks.
#[derive(PartialEq, Eq)]
struct Look {
    ink: String,
    ground: Option<String>,
    modifier: Modifier,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let (ink, ground) = (color(cell.fg), color(cell.bg));
        let modifier = cell.modifier;
        if modifier.contains(Modifier::REVERSED) {
            let ground = Some(ink.unwrap_or_else(|| TEXT.to_owned()));
            return Self { ink: color(cell.bg).unwrap_or_else(|| GROUND.to_owned()), ground, modifier };
        }
        Self { ink: ink.unwrap_or_else(|| TEXT.to_owned()), ground, modifier }
    }

    /// Writes a run at a place; writing into a string can't fail.
    fn draw(&self, svg: &mut String, text: &str, (column, row): (u16, u16), columns: u16) {
        let (x, y, width) = (MARGIN + column * CELL.0, MARGIN + row * CELL.1, columns * CELL.0);
        if let Some(ground) = &self.ground {
            let height = CELL.1;
            _ = writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{ground}\"/>");
        }
        if text.trim().is_empty() {
            return;
        }
        let weight = if self.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
        let line = if self.modifier.contains(Modifier::UNDERLINED) { " text-decoration=\"underline\"" } else { "" };
        let faint = if self.modifier.contains(Modifier::DIM) { " opacity=\"0.6\"" } else { "" };
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" \
             fill=\"{}\"{weight}{line}{faint}>{escaped}</text>",
            y + 14,
            self.ink
        );
    }
}

/// A colour as SVG has it; none for the terminal's own.
fn color(color: Color) -> Option<String> {
    let named = match color {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => return Some(format!("#{r:02x}{g:02x}{b:02x}")),
        Color::Indexed(number) => return Some(indexed(number)),
        Color::Black => "#1c1f26",
        Color::Red => "#e06c75",
        Color::Green => "#98c379",
        Color::Yellow => "#e5c07b",
        Color::Blue => "#61afef",
        Color::Magenta => "#c678dd",
        Color::Cyan => "#56b6c2",
        Color::Gray => "#abb2bf",
        Color::DarkGray => "#6b7280",
        Color::LightRed => "#ff7b86",
        Color::LightGreen => "#b5e08f",
        Color::LightYellow => "#ffd98a",
        Color::LightBlue => "#82c4ff",
        Color::LightMagenta => "#dd9bef",
        Color::LightCyan => "#7fd7e2",
        Color::White => "#ffffff",
    };
    Some(named.to_owned())
}

/// The xterm palette above its first sixteen: a cube of six steps, then greys.
fn indexed(number: u8) -> String {
    let hex = |[r, g, b]: [u8; 3]| format!("#{r:02x}{g:02x}{b:02x}");
    match number {
        0..16 => {
            let gray = if number < 8 { 0x60 } else { 0xc0 };
            hex([gray; 3])
        }
        16..232 => {
            let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            let cube = number - 16;
            hex([step(cube / 36), step(cube / 6 % 6), step(cube % 6)])
        }
        232.. => hex([8 + 10 * (number - 232); 3]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn a_screen_becomes_text_and_rectangles_with_nothing_unescaped() {
        let mut screen = Buffer::empty(Rect::new(0, 0, 12, 2));
        screen.set_string(0, 0, "a<b & c", Style::new().fg(Color::Red));
        screen.set_string(0, 1, "alarm", Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD));
        assert_eq!(lines(&screen), ["a<b & c", "alarm"]);
        let svg = drawn(&screen);
        assert!(svg.contains("fill=\"#e06c75\">a&lt;b &amp; c</text>"), "{svg}");
        assert!(svg.contains("<rect x=\"8\" y=\"27\" width=\"45\" height=\"19\" fill=\"#d6d9e0\"/>"), "{svg}");
        assert!(svg.contains("font-weight=\"bold\">alarm"), "{svg}");
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    }
}

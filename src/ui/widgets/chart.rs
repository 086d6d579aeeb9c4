//! How a number went, in one line or several: braille where the terminal has it, `_.-=#` where not. What is not known is
//! left empty, never drawn as zero.

use super::pen::Pen;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The dots of a braille cell, from the bottom to the top, left and right (Unicode 2800).
const DOTS: [[u32; 4]; 2] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];
/// Heights in ASCII.
const ASCII: [char; 5] = ['_', '.', '-', '=', '#'];

/// Points that fit a width: two a column.
pub const fn points(columns: u16) -> usize {
    columns as usize * 2
}

/// The largest value, at least a little above zero.
pub fn most(values: &[Option<f64>]) -> f64 {
    values.iter().flatten().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE)
}

/// Draws values, the newest at the right, on a ground of zero and up to the largest.
pub fn draw(buffer: &mut Buffer, theme: &Theme, area: Rect, paint: Paint, values: &[Option<f64>]) {
    for (line, text) in lines(theme.ascii, area.width, area.height, values).iter().enumerate() {
        Pen::at(buffer, theme, area, line).put(paint, text);
    }
}

/// The same as lines of text, the highest first.
pub fn lines(is_ascii: bool, width: u16, height: u16, values: &[Option<f64>]) -> Vec<String> {
    let columns = usize::from(width);
    let shown = values.get(values.len().saturating_sub(columns * 2)..).unwrap_or_default();
    let empty = columns * 2 - shown.len();
    let top = most(shown);
    let value = |point: usize| point.checked_sub(empty).and_then(|at| shown.get(at)).copied().flatten();
    let line = |below: usize| {
        (0..columns)
            .map(|column| {
                let pair = [value(column * 2), value(column * 2 + 1)];
                if is_ascii { ascii(pair, top, height, below) } else { braille(pair, top, height, below) }
            })
            .collect()
    };
    (0..usize::from(height)).rev().map(line).collect()
}

/// How many of `steps` a value fills; anything above zero fills one at least.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates
fn filled(value: f64, top: f64, steps: u32) -> usize {
    let height = (value / top * f64::from(steps)).round() as usize;
    height.max(usize::from(value > 0.0))
}

fn braille(pair: [Option<f64>; 2], top: f64, height: u16, below: usize) -> char {
    let mut dots = 0;
    for (value, column) in pair.iter().zip(DOTS) {
        let Some(value) = value else { continue };
        // A dot on the ground says that zero was seen.
        let filled = filled(*value, top, u32::from(height) * 4).max(1).saturating_sub(below * 4);
        column.iter().take(filled).for_each(|dot| dots |= dot);
    }
    if dots == 0 { ' ' } else { char::from_u32(0x2800 + dots).unwrap_or(' ') }
}

fn ascii(pair: [Option<f64>; 2], top: f64, height: u16, below: usize) -> char {
    let Some(value) = pair.into_iter().flatten().reduce(f64::max) else { return ' ' };
    let filled = filled(value, top, u32::from(height) * 4);
    match filled.checked_sub(below * 4) {
        Some(0) | None if below > 0 => ' ',
        filled => ASCII.get(filled.unwrap_or(0).min(4)).copied().unwrap_or('#'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[Option<f64>], width: u16, height: u16, is_ascii: bool) -> Vec<String> {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let mut theme = Theme::plain();
        theme.ascii = is_ascii;
        draw(&mut buffer, &theme, area, Paint::Text, values);
        buffer
            .content
            .chunks(width.into())
            .map(|line| line.iter().map(ratatui::buffer::Cell::symbol).collect())
            .collect()
    }

    fn some(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn the_newest_stands_at_the_right_and_what_is_not_known_stays_empty() {
        assert_eq!(drawn(&some(&[0.0, 1.0, 2.0, 3.0, 4.0]), 4, 1, false), [" ⢀⣠⣾"]);
        assert_eq!(drawn(&[None, None, Some(0.0), Some(0.0)], 2, 1, false), [" ⣀"]);
        assert_eq!(drawn(&some(&[0.0, 0.0, 1.0, 2.0, 4.0, 4.0]), 4, 1, true), [" _-#"]);
    }

    #[test]
    fn a_chart_of_several_lines_fills_from_the_ground() {
        assert_eq!(drawn(&some(&[8.0, 8.0, 4.0, 4.0, 1.0, 1.0]), 3, 2, false), ["⣿  ", "⣿⣿⣀"]);
        assert_eq!(drawn(&some(&[8.0, 8.0, 4.0, 4.0, 0.0, 0.0]), 3, 2, true), ["#  ", "##_"]);
    }

    #[test]
    fn a_peak_among_small_numbers_does_not_hide_that_there_was_something() {
        assert_eq!(drawn(&some(&[0.001, 0.0, 1000.0, 1000.0]), 2, 1, true), [".#"]);
    }
}

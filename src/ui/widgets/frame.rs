//! Boxes and rules, in lines or in ASCII.

use super::pen::Pen;
use crate::ui::format;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Lines in which a popup has no box.
const UNBOXED: u16 = 9;
/// Columns below which it has none.
const NARROW: u16 = 20;

/// The characters of a box: corners from top left clockwise, horizontal, vertical, left and right ends of a rule.
const fn marks(theme: &Theme) -> [char; 8] {
    if theme.ascii {
        ['+', '+', '+', '+', '-', '|', '+', '+']
    } else {
        ['┌', '┐', '┘', '└', '─', '│', '├', '┤']
    }
}

/// Draws a box with a title in its upper edge; gives the area within.
pub fn boxed(buffer: &mut Buffer, theme: &Theme, area: Rect, title: &str) -> Rect {
    let area = area.intersection(buffer.area);
    if area.width < 2 || area.height < 2 {
        return Rect::new(area.x, area.y, 0, 0);
    }
    let [nw, ne, se, sw, _, vertical, ..] = marks(theme);
    edge(buffer, theme, area, 0, (nw, ne), title);
    for line in 1..area.height - 1 {
        let line = usize::from(line);
        let mut pen = Pen::at(buffer, theme, area, line);
        pen.put(Paint::Border, vertical.encode_utf8(&mut [0; 4])).skip(usize::from(area.width) - 2);
        pen.put(Paint::Border, vertical.encode_utf8(&mut [0; 4]));
    }
    edge(buffer, theme, area, usize::from(area.height) - 1, (sw, se), "");
    Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
}

/// A panel: a box with a title where there is room for one, a heading with a line below it otherwise; gives the area within.
pub fn panel(buffer: &mut Buffer, theme: &Theme, area: Rect, is_boxed: bool, title: &str) -> Rect {
    if is_boxed {
        return boxed(buffer, theme, area, title);
    }
    heading(buffer, theme, area, title);
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

/// A popup in the middle of an area, emptied, as large as asked for and possible: boxed, with its title alone where a box
/// would take what is in it the place, and without that where there is one line; gives the area within.
pub fn popup(buffer: &mut Buffer, theme: &Theme, within: Rect, (width, height): (u16, u16), title: &str) -> Rect {
    let is_boxed = within.height > UNBOXED && within.width >= NARROW;
    let (width, height) = if is_boxed { (width, height) } else { (within.width, height.saturating_sub(1)) };
    let area = middle(buffer, theme, within, width, height);
    match area.height {
        0 | 1 => area,
        _ => panel(buffer, theme, area, is_boxed, title),
    }
}

/// A rule through a box, with a title.
pub fn rule(buffer: &mut Buffer, theme: &Theme, area: Rect, line: usize, title: &str) {
    let [.., left, right] = marks(theme);
    edge(buffer, theme, area, line, (left, right), title);
}

fn edge(buffer: &mut Buffer, theme: &Theme, area: Rect, line: usize, ends: (char, char), title: &str) {
    let [_, _, _, _, horizontal, ..] = marks(theme);
    let mut pen = Pen::at(buffer, theme, area, line);
    let inner = usize::from(area.width).saturating_sub(2);
    pen.put(Paint::Border, ends.0.encode_utf8(&mut [0; 4]));
    let mut used = 0;
    if !title.is_empty() && inner > 2 {
        let text = format!(" {} ", format::cut(&format::clean(title), inner - 2, theme.cut_mark()));
        used = format::width(&text);
        pen.put(Paint::Title, &text);
    }
    let rest: String = std::iter::repeat_n(horizontal, inner.saturating_sub(used)).collect();
    pen.put(Paint::Border, &rest).put(Paint::Border, ends.1.encode_utf8(&mut [0; 4]));
}

/// A title with a line behind it, for screens too small for boxes.
pub fn heading(buffer: &mut Buffer, theme: &Theme, area: Rect, title: &str) {
    let mark = if theme.ascii { '-' } else { '─' };
    let mut pen = Pen::at(buffer, theme, area, 0);
    let two: String = [mark, mark].iter().collect();
    pen.put(Paint::Border, &two).put(Paint::Title, &format!(" {title} ")).fill(Paint::Border, mark);
}

/// An area in the middle of another, as large as asked for and possible, emptied.
pub fn middle(buffer: &mut Buffer, theme: &Theme, within: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(within.width), height.min(within.height));
    let x = within.x + (within.width - width) / 2;
    let y = within.y + (within.height - height) / 2;
    let area = Rect::new(x, y, width, height).intersection(buffer.area);
    for line in area.rows() {
        for position in line.positions() {
            if let Some(cell) = buffer.cell_mut(position) {
                cell.reset();
                cell.set_style(theme.style(Paint::Text));
            }
        }
    }
    area
}

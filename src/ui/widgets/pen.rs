//! Writing into one line of the screen: columns of fixed width, cut by display width, cleaned of control characters.

use crate::ui::format;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// A place in a line, moving right. Writing past the end of the line is cut; writing outside of the screen does nothing.
pub struct Pen<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
    x: u16,
    end: u16,
    y: u16,
    over: Option<Style>,
}

impl<'a> Pen<'a> {
    /// At the beginning of the `line`-th line of an area.
    pub fn at(buffer: &'a mut Buffer, theme: &'a Theme, area: Rect, line: usize) -> Self {
        let area = area.intersection(buffer.area);
        let y = area.y.saturating_add(u16::try_from(line).unwrap_or(u16::MAX));
        let end = if y < area.bottom() { area.right() } else { area.x };
        Self { buffer, theme, x: area.x, end, y, over: None }
    }

    /// Everything from here on in one look, whatever is written: selected rows, alarms.
    #[must_use]
    pub fn over(mut self, paint: Paint) -> Self {
        if self.x < self.end {
            let style = self.theme.style(paint);
            self.buffer.set_style(Rect::new(self.x, self.y, self.end - self.x, 1), style);
            self.over = Some(style);
        }
        self
    }

    /// So many columns from here on in one look, as a ground for what is written in it next.
    pub fn bar(&mut self, paint: Option<Paint>, columns: usize) {
        if let Some(paint) = paint {
            let columns = u16::try_from(columns.min(self.left_over())).unwrap_or(0);
            self.buffer.set_style(Rect::new(self.x, self.y, columns, 1), self.theme.style(paint));
        }
    }

    /// Columns left.
    pub fn left_over(&self) -> usize {
        usize::from(self.end.saturating_sub(self.x))
    }

    /// Writes a text.
    pub fn put(&mut self, paint: Paint, text: &str) -> &mut Self {
        let width = format::width(&format::clean(text));
        self.left(paint, text, width)
    }

    /// Writes a text at the left of so many columns.
    pub fn left(&mut self, paint: Paint, text: &str, columns: usize) -> &mut Self {
        self.write(paint, text, columns, false)
    }

    /// Writes a name at the left of so many columns; of a long one the middle is left out.
    pub fn name(&mut self, paint: Paint, name: &str, columns: usize) -> &mut Self {
        let room = columns.min(self.left_over());
        let shown = format::cut_middle(&format::clean(name), room, self.theme.cut_mark()).into_owned();
        self.left(paint, &shown, columns)
    }

    /// Writes a text at the right of so many columns.
    pub fn right(&mut self, paint: Paint, text: &str, columns: usize) -> &mut Self {
        self.write(paint, text, columns, true)
    }

    fn write(&mut self, paint: Paint, text: &str, columns: usize, right: bool) -> &mut Self {
        let columns = columns.min(self.left_over());
        let text = format::clean(text);
        let text = format::cut(&text, columns, self.theme.cut_mark());
        let text = if self.theme.ascii { format::ascii(&text) } else { text };
        let pad = if right { columns.saturating_sub(format::width(&text)) } else { 0 };
        if columns > 0 {
            let x = self.x + u16::try_from(pad).unwrap_or(0);
            let style = self.over.unwrap_or_else(|| self.theme.style(paint));
            self.buffer.set_stringn(x, self.y, &text, columns - pad, style);
        }
        self.skip(columns)
    }

    /// Leaves so many columns free.
    pub fn skip(&mut self, columns: usize) -> &mut Self {
        self.x = self.x.saturating_add(u16::try_from(columns).unwrap_or(u16::MAX)).min(self.end);
        self
    }

    /// Fills the rest of the line with one character.
    pub fn fill(&mut self, paint: Paint, mark: char) {
        let rest: String = std::iter::repeat_n(mark, self.left_over()).collect();
        self.put(paint, &rest);
    }
}

/// Texts with their looks, to be measured before they are written.
pub type Spans = Vec<(Paint, String)>;

/// Columns that spans take.
pub fn spans_width(spans: &Spans) -> usize {
    spans.iter().map(|(_, text)| format::width(&format::clean(text))).sum()
}

/// Writes spans one behind the other.
pub fn put_spans(pen: &mut Pen<'_>, spans: &Spans) {
    for (paint, text) in spans {
        pen.put(*paint, text);
    }
}

//! `view`: the whole screen from the state and a theme. Pure: it writes into a buffer and nothing else.

use super::screens;
use super::state::UiState;
use super::theme::{Paint, Theme};
use super::widgets::{guide, popups};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws everything into a buffer of the terminal's size.
pub fn view(state: &UiState, theme: &Theme, buffer: &mut Buffer) {
    buffer.set_style(buffer.area, theme.style(Paint::Text));
    screens::draw(buffer, theme, state);
    guide::draw(buffer, theme, state);
    if buffer.area.height > 1 {
        popups::draw(buffer, theme, state);
    }
}

/// A buffer of the terminal's size with everything drawn.
pub fn picture(state: &UiState, theme: &Theme) -> Buffer {
    picture_over(Buffer::default(), state, theme)
}

/// The same in the memory of an older picture, of whatever size.
pub fn picture_over(mut older: Buffer, state: &UiState, theme: &Theme) -> Buffer {
    let (columns, rows) = if state.guide.is_some() { state.whole } else { state.size };
    older.resize(Rect::new(0, 0, columns, rows));
    older.reset();
    view(state, theme, &mut older);
    older
}

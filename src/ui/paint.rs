//! Cells as a terminal's bytes, as few as will do: over a slow line each one counts.
//!
//! A few cells are drawn style by style, since a style costs more than a step of the cursor; many from the top to the bottom.
//! Steps are relative only from where a plain character left the cursor: of others terminals disagree about the width.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::io::Write;

/// So many cells must be drawn less for lines to be moved: moving them costs as much as some 20 characters.
pub const WORTH: usize = 24;
/// Up to so many cells are sorted by style.
const FEW: usize = 64;
/// Modifiers and their numbers in SGR (ECMA-48 §8.3.117).
const MODIFIERS: [(Modifier, u8); 9] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

/// The colours with names: eight, and the same bright.
const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// Where the cursor is after a character.
#[derive(Clone, Copy)]
struct Cursor {
    x: u16,
    y: u16,
    /// Whatever the terminal thinks of the character's width.
    is_sure: bool,
}

/// Adds the bytes that move lines by one, where that leaves less to draw: a table was scrolled. `before` is then what is on the
/// screen after them. Says whether lines are moved.
pub fn scroll(out: &mut Vec<u8>, before: &mut Buffer, now: &Buffer) -> bool {
    let Some(Moved { from, to, .. }) = moved(before, now) else { return false };
    // Deleted here and inserted there (ECMA-48 §8.3.32, §8.3.67): what is not between the two stays where it is.
    push(out, format_args!("\x1b[{}H\x1b[M\x1b[{}H\x1b[L", from + 1, to + 1));
    let columns = usize::from(before.area.width);
    let between = from.min(to) * columns..(from.max(to) + 1) * columns;
    if let Some(lines) = before.content.get_mut(between) {
        let new = if from < to {
            lines.rotate_left(columns);
            lines.len() - columns..lines.len()
        } else {
            lines.rotate_right(columns);
            0..columns
        };
        lines.get_mut(new).into_iter().flatten().for_each(|cell| *cell = Cell::EMPTY);
    }
    true
}

/// A line that is deleted, and where a blank one is inserted: the lines between move by one. With how many cells that saves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moved {
    saved: usize,
    from: usize,
    to: usize,
}

/// The best such move, if one is worth it. Only lines that differ are looked at, and one on either side: moving others costs, and
/// saves nothing.
fn moved(before: &Buffer, now: &Buffer) -> Option<Moved> {
    let columns = usize::from(now.area.width).max(1);
    let (old, new): (Vec<_>, Vec<_>) =
        (before.content.chunks(columns).collect(), now.content.chunks(columns).collect());
    let differs = |(old, new): (&&[Cell], &&[Cell])| old != new;
    let first = old.iter().zip(&new).position(differs)?.saturating_sub(1);
    let last = old.iter().zip(&new).rposition(differs)? + 1;
    let (old, new) = (old.get(first..)?, new.get(first..)?);
    let (old, new) = (old.iter().take(last - first + 1), new.iter().take(last - first + 1));
    let differ = |a: &[Cell], b: &[Cell]| a.iter().zip(b).filter(|(a, b)| a != b).count();
    let still: Vec<usize> = old.clone().zip(new.clone()).map(|(old, new)| differ(old, new)).collect();
    let blank: Vec<usize> = new.clone().map(|line| line.iter().filter(|cell| **cell != Cell::EMPTY).count()).collect();
    // What each line costs when the old one below it, or above it, comes there.
    let up: Vec<usize> = new.clone().zip(old.clone().skip(1)).map(|(new, old)| differ(old, new)).collect();
    let down: Vec<usize> = new.skip(1).zip(old).map(|(new, old)| differ(old, new)).collect();
    let upwards = best(still.iter().zip(&up), still.iter().zip(&blank).skip(1));
    let upwards = upwards.map(|(saved, line, end)| Moved { saved, from: first + line, to: first + end + 1 });
    let rows = still.len();
    let downwards = best(still.iter().rev().zip(down.iter().rev()), still.iter().zip(&blank).rev().skip(1));
    let downwards =
        downwards.map(|(saved, line, end)| Moved { saved, from: first + rows - 1 - line, to: first + rows - 2 - end });
    upwards.into_iter().chain(downwards).filter(|moved| moved.saved >= WORTH).max_by_key(|moved| moved.saved)
}

/// The run of lines that saves most when each of them moves, `(cost now, cost then)` each, and the line after the last is made
/// blank: what it saves, its first and its last line.
fn best<'a>(
    moving: impl Iterator<Item = (&'a usize, &'a usize)>,
    blanked: impl Iterator<Item = (&'a usize, &'a usize)>,
) -> Option<(usize, usize, usize)> {
    let gain = |(now, then): (&usize, &usize)| now.cast_signed() - then.cast_signed();
    let (mut run, mut first, mut found) = (0_isize, 0, None::<(usize, usize, usize)>);
    for (line, (moves, blank)) in moving.map(gain).zip(blanked.map(gain)).enumerate() {
        if run <= 0 {
            (run, first) = (0, line);
        }
        run += moves;
        let saved = usize::try_from(run + blank).unwrap_or(0);
        if found.is_none_or(|(most, ..)| saved > most) {
            found = Some((saved, first, line));
        }
    }
    found
}

/// Adds the bytes that show `cells` (column, row, content) on a screen of so many columns. The style is the terminal's default
/// before and after.
pub fn paint(out: &mut Vec<u8>, mut cells: Vec<(u16, u16, &Cell)>, columns: u16) {
    if cells.len() <= FEW {
        by_look(&mut cells);
    }
    let (mut cursor, mut worn) = (None::<Cursor>, Look::default());
    for (x, y, cell) in cells {
        go(out, cursor, x, y);
        let look = Look::of(cell);
        look.wear(out, worn);
        worn = look;
        out.extend_from_slice(cell.symbol().as_bytes());
        // Behind the last column the cursor is where the terminal likes.
        let is_sure = matches!(cell.symbol().as_bytes(), [b' '..=b'~']);
        cursor = Some(Cursor { x: x + 1, y, is_sure }).filter(|cursor| cursor.x < columns);
    }
    Look::default().wear(out, worn);
}

/// Moves the cursor.
fn go(out: &mut Vec<u8>, from: Option<Cursor>, x: u16, y: u16) {
    match from {
        Some(at) if at.y == y && at.x == x => {}
        Some(at) if at.is_sure && at.y == y && at.x + 1 == x => out.extend_from_slice(b"\x1b[C"),
        Some(at) if at.is_sure && at.y == y && at.x < x => push(out, format_args!("\x1b[{}C", x - at.x)),
        Some(at) if at.is_sure && at.y + 1 == y && at.x == x + 1 => out.extend_from_slice(b"\x1b[B\x08"),
        _ if x == 0 => push(out, format_args!("\x1b[{}H", y + 1)),
        _ => push(out, format_args!("\x1b[{};{}H", y + 1, x + 1)),
    }
}

/// The look of a cell: what SGR sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }

    /// Changes the terminal's style from `worn` to this one.
    fn wear(self, out: &mut Vec<u8>, worn: Self) {
        if self == worn {
            return;
        }
        if self == Self::default() {
            return out.extend_from_slice(b"\x1b[m");
        }
        out.extend_from_slice(b"\x1b[");
        let worn = if self.modifier.contains(worn.modifier) {
            worn
        } else {
            out.extend_from_slice(b"0;");
            Self::default()
        };
        for (modifier, number) in MODIFIERS {
            if self.modifier.contains(modifier) && !worn.modifier.contains(modifier) {
                push(out, format_args!("{number};"));
            }
        }
        if self.fg != worn.fg {
            color(out, self.fg, 30);
        }
        if self.bg != worn.bg {
            color(out, self.bg, 40);
        }
        if let Some(last) = out.last_mut() {
            *last = b'm'; // in place of the last `;`: looks that differ have a number
        }
    }
}

/// One colour of SGR with its `;`, `base` being 30 for the character and 40 for what is behind it.
fn color(out: &mut Vec<u8>, color: Color, base: u8) {
    match color {
        Color::Indexed(index) => push(out, format_args!("{};5;{index};", base + 8)),
        Color::Rgb(red, green, blue) => push(out, format_args!("{};2;{red};{green};{blue};", base + 8)),
        named => {
            // 0 to 7, 60 to 67 for the bright ones, 9 for the terminal's own.
            let place = NAMED.iter().zip(0..).find(|(known, _)| **known == named);
            let number = place.map_or(9, |(_, place)| if place < 8 { place } else { place + 52 });
            push(out, format_args!("{};", base + number));
        }
    }
}

/// Cells of one look together, else in their order. Neighbours stay together, since what takes the place of a wide character
/// is drawn from the left.
fn by_look(cells: &mut [(u16, u16, &Cell)]) {
    let (mut looks, mut keys, mut behind) = (Vec::new(), Vec::new(), None);
    for (x, y, cell) in cells.iter() {
        let look = Look::of(cell);
        let new = || looks.iter().position(|known| *known == look).unwrap_or(looks.len());
        let key = match keys.last() {
            Some(key) if behind == Some((*x, *y)) => *key,
            _ => new(),
        };
        if key == looks.len() {
            looks.push(look);
        }
        keys.push(key);
        behind = Some((x + 1, *y));
    }
    let mut keys = keys.into_iter();
    cells.sort_by_cached_key(|_| keys.next());
}

fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // A vector takes everything.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // tests
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::layout::Rect;
    use std::num::NonZero;

    const COLUMNS: u16 = 12;
    const ROWS: u16 = 4;

    fn any_look() -> impl Strategy<Value = Look> {
        let colors = [
            Color::Reset,
            Color::Black,
            Color::Red,
            Color::Gray,
            Color::DarkGray,
            Color::White,
            Color::Indexed(99),
            Color::Rgb(1, 2, 3),
        ];
        let modifiers = [
            Modifier::empty(),
            Modifier::BOLD,
            Modifier::DIM,
            Modifier::REVERSED,
            Modifier::BOLD.union(Modifier::UNDERLINED),
            Modifier::ITALIC.union(Modifier::REVERSED),
        ];
        (
            prop::sample::select(colors.to_vec()),
            prop::sample::select(colors.to_vec()),
            prop::sample::select(modifiers.to_vec()),
        )
            .prop_map(|(fg, bg, modifier)| Look { fg, bg, modifier })
    }

    fn any_screen() -> impl Strategy<Value = Buffer> {
        let symbols = ["a", "b", " ", "7", "─", "漢", "é"];
        let cells =
            prop::collection::vec((prop::sample::select(symbols.to_vec()), any_look()), usize::from(COLUMNS * ROWS));
        cells.prop_map(|cells| {
            let mut screen = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
            for (cell, (symbol, look)) in screen.content.iter_mut().zip(cells) {
                (cell.fg, cell.bg, cell.modifier) = (look.fg, look.bg, look.modifier);
                cell.set_symbol(symbol);
            }
            // A wide character has room: a blank cell behind it.
            for y in 0..ROWS {
                for x in 0..COLUMNS {
                    if screen[(x, y)].symbol() == "漢" {
                        if x + 1 == COLUMNS {
                            screen[(x, y)].set_symbol("w");
                        } else {
                            let cell = &mut screen[(x + 1, y)];
                            *cell = Cell::EMPTY;
                        }
                    }
                }
            }
            screen
        })
    }

    /// Where each line of a screen comes from: a line of the first, or one of the other.
    fn any_lines() -> impl Strategy<Value = [usize; ROWS as usize]> {
        let rows = usize::from(ROWS);
        let mixed = prop::array::uniform(0..2 * rows);
        // Scrolled, each time with one new line.
        let scrolled = (0..rows - 1, 1..rows, any::<bool>()).prop_map(move |(first, length, is_up)| {
            let last = (first + length).min(rows - 1);
            std::array::from_fn(|line| match line {
                line if line < first || line > last => line,
                line if is_up && line < last => line + 1,
                line if !is_up && line > first => line - 1,
                line => rows + line,
            })
        });
        prop_oneof![mixed, scrolled]
    }

    fn rearranged(first: &Buffer, other: &Buffer, lines: [usize; ROWS as usize]) -> Buffer {
        let of = |screen: &Buffer| -> Vec<Vec<Cell>> {
            screen.content.chunks(usize::from(COLUMNS)).map(<[Cell]>::to_vec).collect()
        };
        let known = [of(first), of(other)].concat();
        Buffer { area: first.area, content: lines.iter().flat_map(|line| known[*line].clone()).collect() }
    }

    #[test]
    fn a_scrolled_table_is_moved_and_what_stands_around_it_is_not() {
        let screen = |lines: [&str; 6]| Buffer::with_lines(lines.map(|line| format!("{line:<40}")));
        let [a, b, c, d] = ["a".repeat(40), "b".repeat(40), "c".repeat(40), "d".repeat(40)];
        let [a, b, c, d] = [&a, &b, &c, &d].map(String::as_str);
        let before = screen(["head", a, b, c, "foot", "foot"]);
        for (now, moves) in [
            (screen(["head", b, c, d, "foot", "foot"]), "\x1b[2H\x1b[M\x1b[4H\x1b[L"),
            (screen(["head", d, a, b, "foot", "foot"]), "\x1b[4H\x1b[M\x1b[2H\x1b[L"),
            (screen(["head", a, d, c, "foot", "other"]), ""),
        ] {
            let mut bytes = Vec::new();
            scroll(&mut bytes, &mut before.clone(), &now);
            assert_eq!(String::from_utf8(bytes).unwrap(), moves);
        }
    }

    fn color_of(color: Color) -> vt100::Color {
        match color {
            Color::Black => vt100::Color::Idx(0),
            Color::Red => vt100::Color::Idx(1),
            Color::Gray => vt100::Color::Idx(7),
            Color::DarkGray => vt100::Color::Idx(8),
            Color::White => vt100::Color::Idx(15),
            Color::Indexed(index) => vt100::Color::Idx(index),
            Color::Rgb(red, green, blue) => vt100::Color::Rgb(red, green, blue),
            _ => vt100::Color::Default,
        }
    }

    proptest! {
        #[test]
        fn a_terminal_shows_each_of_two_screens(first in any_screen(), other in any_screen(), lines in any_lines()) {
            let second = rearranged(&first, &other, lines);
            let mut terminal = vt100::Parser::new(NonZero::new(ROWS).unwrap(), NonZero::new(COLUMNS).unwrap(), 0);
            let blank = Buffer::empty(first.area);
            for (before, now) in [(&blank, &first), (&first, &second)] {
                let mut bytes = Vec::new();
                let mut before = before.clone();
                scroll(&mut bytes, &mut before, now);
                paint(&mut bytes, before.diff(now), COLUMNS);
                terminal.process(&bytes);
                let mut hidden = false;
                for y in 0..ROWS {
                    for x in 0..COLUMNS {
                        let (wanted, seen) = (&now[(x, y)], terminal.screen().cell(y, x).unwrap());
                        if !std::mem::replace(&mut hidden, wanted.symbol() == "漢") {
                            let text = if seen.has_contents() { seen.contents() } else { " " };
                            prop_assert_eq!(text, wanted.symbol(), "at {} {}", x, y);
                            // Of a blank, only what shows is drawn anew; behind a wide character that went, terminals differ.
                            let is_blank = text == " ";
                            let was_half = x > 0 && before[(x - 1, y)].symbol() == "漢";
                            let has = |modifier| wanted.modifier.contains(modifier);
                            let ground = (seen.bgcolor(), seen.underline(), seen.inverse());
                            let meant = (color_of(wanted.bg), has(Modifier::UNDERLINED), has(Modifier::REVERSED));
                            prop_assert!(is_blank && was_half || ground == meant, "{:?} instead of {:?} at {} {}", ground, meant, x, y);
                            let ink = (seen.fgcolor(), seen.bold(), seen.dim(), seen.italic());
                            let meant = (color_of(wanted.fg), has(Modifier::BOLD), has(Modifier::DIM), has(Modifier::ITALIC));
                            prop_assert!(is_blank || ink == meant, "{:?} instead of {:?} at {} {}", ink, meant, x, y);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_moves_in_a_quiet_second_costs_a_hundred_bytes_at_most() {
        // Two digits of the first line and ages in three columns, as on a screen of 200x50.
        let digit = |modifier| {
            let mut cell = Cell::new("7");
            cell.modifier = modifier;
            cell
        };
        let (bold, plain, dim) = (digit(Modifier::BOLD), digit(Modifier::empty()), digit(Modifier::DIM));
        let mut cells = vec![(180, 0, &bold), (197, 0, &bold), (138, 3, &dim)];
        for y in 4..6 {
            cells.extend([(30, y, &plain), (68, y, &dim), (138, y, &dim)]);
        }
        cells.extend([(138, 6, &dim), (138, 7, &dim)]);
        let mut bytes = Vec::new();
        paint(&mut bytes, cells, 200);
        assert!(bytes.len() <= 100, "{} bytes: {:?}", bytes.len(), String::from_utf8_lossy(&bytes));
    }
}

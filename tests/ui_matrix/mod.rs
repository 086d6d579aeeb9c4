//! The overview of every fixture at every size, in every theme, with every number of colours, in Unicode and in ASCII.
//!
//! A look is a map from roles to styles. So a snapshot has the text and, line by line, which roles were written where
//! (`3: 1-6 up`; `selected+up` is `up` on the bar of the selected row), and one more snapshot has what each theme makes of each role
//! at each depth. Every picture is drawn all the same, and each of its cells is held against the two: a theme that changes changes the
//! second snapshot, a screen that changes changes the first, and a picture that is made of neither fails with the line that differs.

use super::ui_fixture::{self, more, noon};
use super::{Console, look};
use lvsdeck::engine::{Event, Status};
use lvsdeck::ui::theme::{BUILT_IN, Depth, Paint, Theme};
use lvsdeck::ui::view;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier, Style};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;

const SIZES: [(u16, u16); 5] = [(40, 10), (60, 20), (80, 24), (120, 36), (200, 50)];

const DEPTHS: [(Depth, &str); 4] =
    [(Depth::None, "none"), (Depth::Sixteen, "16"), (Depth::TwoFiftySix, "256"), (Depth::True, "true")];

const PAINTS: [(Paint, &str); 23] = [
    (Paint::Text, "text"),
    (Paint::Dim, "dim"),
    (Paint::Title, "title"),
    (Paint::Border, "border"),
    (Paint::Head, "head"),
    (Paint::Header, "header"),
    (Paint::Alarm, "alarm"),
    (Paint::Master, "master"),
    (Paint::Backup, "backup"),
    (Paint::Fault, "fault"),
    (Paint::Up, "up"),
    (Paint::Down, "down"),
    (Paint::Drain, "drain"),
    (Paint::Unknown, "unknown"),
    (Paint::Warning, "warning"),
    (Paint::Fresh, "fresh"),
    (Paint::Key, "key"),
    (Paint::Good, "good"),
    (Paint::Bad, "bad"),
    (Paint::Selected, "selected"),
    (Paint::Marked, "marked"),
    (Paint::Input, "input"),
    (Paint::Stale, "stale"),
];

/// Which roles a cell was given: the first is the one below, the last the one on top.
type Roles = Vec<usize>;

const ATTRIBUTES: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

/// A theme in which the colour tells the last role of a cell, and the attributes which of five roles were there at all.
fn probe(turn: usize, ascii: bool) -> Theme {
    let mut text = String::new();
    for (n, (_, name)) in PAINTS.iter().enumerate() {
        let attribute = if n / 5 == turn { format!("\"{}\"", ATTRIBUTES[n % 5].0) } else { String::new() };
        write!(text, "[{name}]\nfg = \"{}\"\nmodifiers = [{attribute}]\n", n + 100).unwrap();
    }
    let mut theme = Theme::parse("probe", &text).unwrap();
    theme.ascii = ascii;
    theme
}

/// The text of a picture, the combinations of roles in it, and which of them each cell has that is seen (the second half of a
/// wide character is not).
struct Drawn {
    buffer: Buffer,
    combinations: Vec<Roles>,
    roles: Vec<Option<usize>>,
}

impl Drawn {
    fn roles(&self, at: usize) -> Option<&Roles> {
        self.roles[at].map(|n| &self.combinations[n])
    }
}

fn columns_of(cell: &Cell) -> usize {
    UnicodeWidthStr::width(cell.symbol()).max(1)
}

/// The indices of the cells that are seen.
fn seen(buffer: &Buffer) -> Vec<usize> {
    let width = usize::from(buffer.area.width);
    let mut found = Vec::new();
    let mut at = 0;
    while at < buffer.content.len() {
        found.push(at);
        at += columns_of(&buffer.content[at]).min(width - at % width);
    }
    found
}

fn draw(console: &Console, ascii: bool) -> Drawn {
    let pictures: Vec<Buffer> =
        (0..PAINTS.len().div_ceil(5)).map(|turn| view::picture(&console.state, &probe(turn, ascii))).collect();
    let buffer = pictures[0].clone();
    let mut roles = vec![None; buffer.content.len()];
    let mut combinations: Vec<Roles> = Vec::new();
    for at in seen(&buffer) {
        let last = match buffer.content[at].fg {
            Color::Indexed(n) => usize::from(n) - 100,
            other => unreachable!("a cell without a role, but {other:?}: is a role missing in PAINTS?"),
        };
        let was_there = |n: &usize| pictures[n / 5].content[at].modifier.contains(ATTRIBUTES[n % 5].1);
        let mut all: Roles = (1..PAINTS.len()).filter(|n| *n != last && was_there(n)).collect();
        all.push(last);
        let known = combinations.iter().position(|known| *known == all);
        roles[at] = known.or_else(|| {
            combinations.push(all);
            Some(combinations.len() - 1)
        });
    }
    Drawn { buffer, combinations, roles }
}

fn written(roles: &Roles) -> String {
    roles.iter().map(|n| PAINTS[*n].1).collect::<Vec<_>>().join("+")
}

/// Text and runs of roles.
fn serialise(drawn: &Drawn) -> String {
    let width = usize::from(drawn.buffer.area.width);
    let (mut text, mut runs) = (String::new(), String::new());
    for (y, cells) in drawn.buffer.content.chunks(width).enumerate() {
        let mut line = String::new();
        let mut found: Vec<(usize, usize, &Roles)> = Vec::new();
        for (x, cell) in cells.iter().enumerate() {
            let Some(roles) = drawn.roles(y * width + x) else { continue };
            line.push_str(cell.symbol());
            let end = x + columns_of(cell) - 1;
            match found.last_mut() {
                Some((_, last, same)) if *same == roles && *last + 1 == x => *last = end,
                _ => found.push((x, end, roles)),
            }
        }
        writeln!(text, "{}", line.trim_end()).unwrap();
        let found = found.into_iter().filter(|(.., roles)| **roles != [0]);
        let found: Vec<String> = found.map(|(a, b, roles)| format!("{a}-{b} {}", written(roles))).collect();
        if !found.is_empty() {
            writeln!(runs, "{y}: {}", found.join(", ")).unwrap();
        }
    }
    format!("{text}--- roles\n{runs}")
}

/// What a theme makes of the roles of a cell, one over the other.
fn style_of(theme: &Theme, roles: &Roles) -> Style {
    roles.iter().fold(theme.style(Paint::Text), |below, n| below.patch(theme.style(PAINTS[*n].0)))
}

fn looks(cell: &Cell) -> (Color, Color, Modifier) {
    (cell.fg, cell.bg, cell.modifier)
}

fn of_style(style: Style) -> (Color, Color, Modifier) {
    (style.fg.unwrap_or(Color::Reset), style.bg.unwrap_or(Color::Reset), style.add_modifier)
}

/// The line of a cell, and a mark under it.
fn pointed(buffer: &Buffer, at: usize) -> String {
    let width = usize::from(buffer.area.width);
    let line = seen(buffer).into_iter().filter(|n| n / width == at / width).map(|n| buffer.content[n].symbol());
    format!("line {}:\n{}\n{}^", at / width, line.collect::<String>().trim_end(), " ".repeat(at % width))
}

/// Each cell has the text of the drawn picture, the style that the theme has for its roles, and no more colours than there are.
fn hold(picture: &Buffer, drawn: &Drawn, theme: &Theme, depth: Depth, what: &str) {
    let styles: Vec<_> = drawn.combinations.iter().map(|roles| of_style(style_of(theme, roles))).collect();
    for (at, (cell, wanted)) in picture.content.iter().zip(&drawn.buffer.content).enumerate() {
        let Some(roles) = drawn.roles[at] else { continue };
        let style = styles[roles];
        assert!(
            cell.symbol() == wanted.symbol() && looks(cell) == style,
            "{what}: the roles {} should look like {style:?} and say {:?}; it is {} and says {:?}; {}",
            written(&drawn.combinations[roles]),
            wanted.symbol(),
            look(cell),
            cell.symbol(),
            pointed(picture, at)
        );
        for color in [cell.fg, cell.bg] {
            let fits = match (depth, color) {
                (_, Color::Reset) | (Depth::True, _) => true,
                (Depth::None, _) | (Depth::Sixteen | Depth::TwoFiftySix, Color::Rgb(..)) => false,
                (Depth::Sixteen, Color::Indexed(n)) => n < 16,
                (Depth::Sixteen | Depth::TwoFiftySix, _) => true,
            };
            assert!(fits, "{what}: {color:?} is none of its colours; {}", pointed(picture, at));
        }
    }
}

/// The ASCII picture has the same roles, and for each character one that means the same, or as many `?` as it is wide.
fn hold_ascii(unicode: &Drawn, ascii: &Drawn, what: &str) {
    let same = |symbol: &str| match symbol {
        "─" => "-".to_owned(),
        "│" => "|".to_owned(),
        "┌" | "┐" | "┘" | "└" | "├" | "┤" => "+".to_owned(),
        "…" => "~".to_owned(),
        _ => symbol.chars().filter(char::is_ascii).collect(),
    };
    for at in seen(&unicode.buffer) {
        let cell = &unicode.buffer.content[at];
        for n in at..at + columns_of(cell) {
            let found = ascii.buffer.content[n].symbol();
            let wanted = same(cell.symbol());
            let wanted = if wanted.is_empty() { "?" } else { wanted.as_str() };
            assert!(
                found == wanted,
                "{what}: {:?} is {found:?} and not {wanted:?}; {}",
                cell.symbol(),
                pointed(&ascii.buffer, n)
            );
            assert_eq!(ascii.roles(n), unicode.roles(at), "{what}: {}", pointed(&ascii.buffer, n));
        }
    }
}

/// One fixture in every look.
fn stands(name: &str, status: &Status, events: &[Event]) {
    for size in SIZES {
        let console = Console::new(status.clone(), events.to_vec(), size);
        let place = format!("{name}_{}x{}", size.0, size.1);
        let (unicode, ascii) = (draw(&console, false), draw(&console, true));
        insta::assert_snapshot!(place.clone(), serialise(&unicode));
        hold_ascii(&unicode, &ascii, &place);
        for (theme, _) in BUILT_IN {
            for (depth, word) in DEPTHS {
                for (drawn, characters) in [(&unicode, "Unicode"), (&ascii, "ASCII")] {
                    let mut look = Theme::load(theme).unwrap().at_depth(depth);
                    look.ascii = characters == "ASCII";
                    let picture = view::picture(&console.state, &look);
                    hold(&picture, drawn, &look, depth, &format!("{place}, {theme}, {word} colours, {characters}"));
                }
            }
        }
    }
}

macro_rules! fixtures {
    ($($name:ident: $status:expr, $events:expr;)*) => {$(
        #[test]
        fn $name() {
            stands(stringify!($name), &$status(noon()), &$events);
        }
    )*};
}

fixtures! {
    empty: ui_fixture::empty, [];
    one_vip: more::one_vip, [];
    degraded: ui_fixture::degraded, ui_fixture::events(noon());
    split_brain: ui_fixture::split_brain, ui_fixture::events(noon());
    hundred_thousand: more::hundred_thousand, ui_fixture::events(noon());
    ipv6_only: more::ipv6_only, [];
    long_names: more::long_names, ui_fixture::events(noon());
    cjk: more::cjk, ui_fixture::events(noon());
    odd_names: ui_fixture::odd_names, ui_fixture::events(noon());
}

#[test]
fn every_theme_at_every_depth_is_what_was_looked_at() {
    let mut text = String::new();
    for (name, _) in BUILT_IN {
        writeln!(text, "{name:12} {}", DEPTHS.map(|(_, word)| format!("{word:36}")).concat().trim_end()).unwrap();
        let themes = DEPTHS.map(|(depth, _)| Theme::load(name).unwrap().at_depth(depth));
        for (paint, word) in PAINTS {
            let looks = themes.each_ref().map(|theme| {
                let mut cell = Cell::default();
                cell.set_style(theme.style(paint));
                format!("{:36}", look(&cell))
            });
            writeln!(text, "  {word:10} {}", looks.concat().trim_end()).unwrap();
        }
    }
    insta::assert_snapshot!("themes", text);
}

/// What a few of the pictures look like in full, so that somebody can see them without the two tables.
#[test]
fn representative_pictures_in_full() {
    for (theme, depth, size) in [
        ("ansi", Depth::Sixteen, (80, 24)),
        ("mono", Depth::None, (80, 24)),
        ("nord", Depth::TwoFiftySix, (80, 24)),
        ("light", Depth::True, (120, 36)),
    ] {
        let console = Console::new(ui_fixture::degraded(noon()), ui_fixture::events(noon()), size);
        let picture = view::picture(&console.state, &Theme::load(theme).unwrap().at_depth(depth));
        insta::assert_snapshot!(format!("full_{theme}_{}x{}", size.0, size.1), super::serialise(&picture));
    }
}

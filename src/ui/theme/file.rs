//! A theme's text: roles with their looks. What is wrong in it is told with its line, and with what may stand there.

use super::Paint;
use crate::engine::nearest;
use ratatui::style::{Color, Modifier, Style};
use std::collections::BTreeMap;
use toml::{Spanned, Value};

/// The roles by name.
const ROLES: [(&str, Paint); 23] = [
    ("text", Paint::Text),
    ("dim", Paint::Dim),
    ("title", Paint::Title),
    ("border", Paint::Border),
    ("head", Paint::Head),
    ("header", Paint::Header),
    ("alarm", Paint::Alarm),
    ("master", Paint::Master),
    ("backup", Paint::Backup),
    ("fault", Paint::Fault),
    ("up", Paint::Up),
    ("down", Paint::Down),
    ("drain", Paint::Drain),
    ("unknown", Paint::Unknown),
    ("warning", Paint::Warning),
    ("fresh", Paint::Fresh),
    ("key", Paint::Key),
    ("good", Paint::Good),
    ("bad", Paint::Bad),
    ("selected", Paint::Selected),
    ("marked", Paint::Marked),
    ("input", Paint::Input),
    ("stale", Paint::Stale),
];

const MODIFIERS: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

/// A table whose names and values know where they stand.
type Table = BTreeMap<Spanned<String>, Spanned<Value>>;

/// The looks that a text gives to roles; or the line of the first mistake, from 1, and what it is.
pub(super) fn styles(text: &str) -> Result<BTreeMap<Paint, Style>, (usize, String)> {
    let line_of = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    let not_toml = |error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        (line_of(at), format!("not TOML: {}", error.message().trim_end().replace('\n', " ")))
    };
    let roles: Table = toml::from_str(text).map_err(not_toml)?;
    let unknown = roles.iter().filter_map(|(role, looks)| {
        let name: &str = role.get_ref();
        if paint(name).is_none() {
            return Some((role.span().start, format!("there is no role \"{name}\"; {}", meant(name))));
        }
        let why = || (looks.span().start, format!("{name} is a table: [{name}], with fg, bg and modifiers below it"));
        (!looks.get_ref().is_table()).then(why)
    });
    if let Some((at, why)) = unknown.min() {
        return Err((line_of(at), why));
    }
    let roles: BTreeMap<String, Table> = toml::from_str(text).map_err(not_toml)?;
    let mut styles = BTreeMap::new();
    let mut wrong: Vec<(usize, String)> = Vec::new();
    for (role, looks) in &roles {
        let style = looks.iter().fold(Style::default(), |style, (name, value)| {
            look(style, name.get_ref(), value.get_ref()).unwrap_or_else(|why| {
                wrong.push((name.span().start, format!("{role}: {why}")));
                style
            })
        });
        styles.extend(paint(role).map(|paint| (paint, style)));
    }
    wrong.into_iter().min().map_or(Ok(styles), |(at, why)| Err((line_of(at), why)))
}

fn paint(role: &str) -> Option<Paint> {
    ROLES.iter().find(|(name, _)| *name == role).map(|(_, paint)| *paint)
}

/// What to write instead of a role that there is not.
fn meant(role: &str) -> String {
    let names = || ROLES.iter().map(|(name, _)| *name);
    let all = || format!("there are {}", names().collect::<Vec<_>>().join(", "));
    nearest(role, names()).map_or_else(all, |name| format!("did you mean {name}?"))
}

fn look(style: Style, name: &str, value: &Value) -> Result<Style, String> {
    match (name, value) {
        ("fg", value) => Ok(style.fg(color("fg", value)?)),
        ("bg", value) => Ok(style.bg(color("bg", value)?)),
        ("modifiers", Value::Array(words)) => words.iter().try_fold(style, |style, word| {
            let known = word.as_str().and_then(|word| MODIFIERS.iter().find(|(name, _)| *name == word));
            let (_, modifier) = known.ok_or_else(|| {
                format!("modifiers: {} is none of {}", written(word), MODIFIERS.map(|(name, _)| name).join(", "))
            })?;
            Ok(style.add_modifier(*modifier))
        }),
        ("modifiers", _) => Err("modifiers is a list, as modifiers = [\"bold\"]".to_owned()),
        (other, _) => Err(format!("there is no \"{other}\"; there are fg, bg and modifiers")),
    }
}

fn color(name: &str, value: &Value) -> Result<Color, String> {
    let said = value.as_str().and_then(|text| text.parse().ok());
    said.ok_or_else(|| format!("{name} = {} is no colour; write \"green\", \"12\" or \"#8fd68f\"", written(value)))
}

/// A value as it stands in the file, as far as somebody may have meant it for a word.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{text}\""),
        Value::Integer(number) => number.to_string(),
        other => format!("a {}", other.type_str()),
    }
}

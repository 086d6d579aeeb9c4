//! A theme's text: roles with their looks. What is wrong in it is told with its line, and with what may stand there.

use super::Paint;
use crate::engine::nearest;
use crate::ui::mistakes::not_toml;
use ratatui::style::{Color, Modifier, Style};
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

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

/// The looks that a text gives to roles; or every mistake, with the byte that it stands at.
pub(super) fn styles(text: &str) -> Result<BTreeMap<Paint, Style>, Vec<(usize, String)>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(not_toml(&errors));
    }
    let (mut styles, mut wrong) = (BTreeMap::new(), Vec::new());
    for (role, looks) in root.get_ref() {
        let name = role.get_ref().as_ref();
        match (paint(name), looks.get_ref()) {
            (None, _) => wrong.push((role.span().start, format!("there is no role \"{name}\"; {}", meant(name)))),
            (Some(paint), DeValue::Table(looks)) => {
                styles.insert(paint, style(name, looks, &mut wrong));
            }
            (Some(_), _) => {
                let why = format!("{name} is a table: [{name}], with fg, bg and modifiers below it");
                wrong.push((looks.span().start, why));
            }
        }
    }
    if wrong.is_empty() { Ok(styles) } else { Err(wrong) }
}

/// What the lines of a role say, as far as they can be read.
fn style(role: &str, looks: &DeTable, wrong: &mut Vec<(usize, String)>) -> Style {
    let mut style = Style::default();
    for (name, value) in looks {
        let mut tell = |why| wrong.push((name.span().start, format!("{role}: {why}")));
        match (name.get_ref().as_ref(), value.get_ref()) {
            ("fg", value) => color("fg", value).map_or_else(&mut tell, |color| style.fg = Some(color)),
            ("bg", value) => color("bg", value).map_or_else(&mut tell, |color| style.bg = Some(color)),
            ("modifiers", DeValue::Array(words)) => {
                for word in words {
                    modifier(word.get_ref()).map_or_else(&mut tell, |modifier| style = style.add_modifier(modifier));
                }
            }
            ("modifiers", _) => tell("modifiers is a list, as modifiers = [\"bold\"]".to_owned()),
            (other, _) => tell(format!("there is no \"{other}\"; there are fg, bg and modifiers")),
        }
    }
    style
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

fn modifier(word: &DeValue) -> Result<Modifier, String> {
    let known = word.as_str().and_then(|word| MODIFIERS.iter().find(|(name, _)| *name == word));
    known.map(|(_, modifier)| *modifier).ok_or_else(|| {
        format!("modifiers: {} is none of {}", written(word), MODIFIERS.map(|(name, _)| name).join(", "))
    })
}

fn color(name: &str, value: &DeValue) -> Result<Color, String> {
    let said = value.as_str().and_then(|text| text.parse().ok());
    said.ok_or_else(|| format!("{name} = {} is no colour; write \"green\", \"12\" or \"#8fd68f\"", written(value)))
}

/// A value as it stands in the file, as far as somebody may have meant it for a word.
fn written(value: &DeValue) -> String {
    match value {
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Integer(number) => number.as_str().to_owned(),
        other => {
            let kind = other.type_str();
            format!("{} {kind}", if kind.starts_with(['a', 'i']) { "an" } else { "a" })
        }
    }
}

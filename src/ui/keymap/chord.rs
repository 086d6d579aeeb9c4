//! A key, and how it is written: `d`, `space`, `Ctrl-L`, `PgUp`, `F5`.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::fmt;
use std::str::FromStr;

/// A key as it is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    /// The key.
    pub code: KeyCode,
    /// Whether Ctrl is held.
    pub ctrl: bool,
}

impl Chord {
    /// The chord of an event from the terminal.
    pub const fn of(event: &KeyEvent) -> Self {
        Self { code: event.code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        let named = NAMED.iter().find(|(_, code)| *code == self.code);
        match (self.code, named) {
            (_, Some((name, _))) => f.write_str(name),
            (KeyCode::Char(c), None) if self.ctrl => write!(f, "{}", c.to_ascii_uppercase()),
            (KeyCode::Char(c), None) => write!(f, "{c}"),
            (code, None) => write!(f, "{code}"),
        }
    }
}

/// Keys with names, as they are written and as they may be written too.
pub(super) const NAMED: &[(&str, KeyCode)] = &[
    ("space", KeyCode::Char(' ')),
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("BackTab", KeyCode::BackTab),
    ("Backspace", KeyCode::Backspace),
    ("Del", KeyCode::Delete),
    ("Insert", KeyCode::Insert),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
];

/// With Ctrl, these characters are keys of their own to a terminal: it sends the same byte for both.
const TERMINALS_SEND: [(char, &str); 4] = [('m', "Enter"), ('i', "Tab"), ('[', "Esc"), ('h', "Backspace")];

impl Chord {
    /// Whether it writes a character where text is typed.
    pub const fn is_text(&self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && !self.ctrl
    }
}

impl FromStr for Chord {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.to_lowercase();
        let ctrl = lower.len() > 5 && (lower.starts_with("ctrl-") || lower.starts_with("ctrl+"));
        let bare = if ctrl { text.get(5..).unwrap_or_default() } else { text };
        let mut characters = bare.chars();
        let code = match (characters.next(), characters.next()) {
            (Some(c), None) if !c.is_control() && !c.is_whitespace() => {
                Some(KeyCode::Char(if ctrl { c.to_ascii_lowercase() } else { c }))
            }
            _ => {
                let named = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(bare)).map(|(_, code)| *code);
                let number = bare.strip_prefix(['F', 'f']).and_then(|number| number.parse::<u8>().ok());
                named.or(number.filter(|number| (1..=12).contains(number)).map(KeyCode::F))
            }
        };
        let same = TERMINALS_SEND.iter().find(|(c, _)| ctrl && code == Some(KeyCode::Char(*c)));
        if let Some((_, name)) = same {
            return Err(format!("\"{text}\" is {name} to a terminal: write {name}, or another key"));
        }
        code.map(|code| Self { code, ctrl }).ok_or_else(|| {
            format!("\"{text}\" is no key: write one character, Ctrl-L, F5, space, Enter, Esc, Tab, Up, PgDn, Home or the like")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_as_it_is_written() {
        let mut codes: Vec<KeyCode> = NAMED.iter().map(|(_, code)| *code).collect();
        codes.extend("dDß:?[".chars().map(KeyCode::Char));
        codes.extend((1..=12).map(KeyCode::F));
        for code in codes {
            let chord = Chord { code, ctrl: false };
            assert_eq!(chord.to_string().parse(), Ok(chord), "{chord}");
        }
        let redraw = Chord { code: KeyCode::Char('l'), ctrl: true };
        for text in ["Ctrl-L", "ctrl-l", "Ctrl+L"] {
            assert_eq!(text.parse(), Ok(redraw), "{text}");
        }
    }

    #[test]
    fn what_a_terminal_sends_for_another_key_is_refused() {
        for (text, key) in [("Ctrl-M", "Enter"), ("ctrl-i", "Tab"), ("Ctrl-[", "Esc"), ("Ctrl+H", "Backspace")] {
            let error = text.parse::<Chord>().unwrap_err();
            assert!(error.contains(&format!("is {key} to a terminal: write {key}")), "{error}");
        }
    }

    #[test]
    fn what_is_no_key_says_how_keys_are_written() {
        for text in ["", "dd", "F13", "Alt-x", "Ctrl-", " "] {
            let error = text.parse::<Chord>().unwrap_err();
            assert!(error.contains("is no key: write one character"), "{text}: {error}");
        }
    }
}

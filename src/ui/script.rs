//! Scripts for the console (`lvsdeck demo --script FILE`): keys to press and things to wait for, a line each. Reading them;
//! the runtime plays them. `docs/demo.md` is the page of its words.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::path::PathBuf;
use std::time::Duration;

/// A script, ready to be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its file's name, for what is said of its lines.
    pub file: String,
    /// Its steps with their lines.
    pub steps: Vec<(usize, Step)>,
}

/// One line of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Press these keys.
    Keys(Vec<KeyEvent>),
    /// Wait until the screen shows this in a line, however many spaces are between its words.
    Wait(String),
    /// Wait until no line shows it.
    Gone(String),
    /// Let time go by, for whoever watches.
    Pause(Duration),
    /// Write the screen into a file: an SVG picture, or plain text when its name ends in `.txt`.
    Save(PathBuf),
}

/// What is wrong with a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct ScriptError {
    file: String,
    line: usize,
    message: String,
}

/// Keys with names of their own.
const NAMED: [(&str, KeyCode); 17] = [
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("BackTab", KeyCode::BackTab),
    ("Space", KeyCode::Char(' ')),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("Insert", KeyCode::Insert),
    ("F1", KeyCode::F(1)),
];

impl Script {
    /// Reads a script's text. Errors: the first wrong line, in words.
    pub fn parse(file: &str, text: &str) -> Result<Self, ScriptError> {
        let mut steps = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let error = |message| ScriptError { file: file.to_owned(), line: number, message };
            steps.push((number, step(line).map_err(error)?));
        }
        Ok(Self { file: file.to_owned(), steps })
    }
}

fn step(line: &str) -> Result<Step, String> {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let needed = |what: &str| if rest.is_empty() { Err(format!("{word} needs {what} behind it")) } else { Ok(rest) };
    match word {
        "keys" => {
            needed("keys, like `keys d Enter`")?.split_whitespace().map(key).collect::<Result<_, _>>().map(Step::Keys)
        }
        "type" => Ok(Step::Keys(needed("a text")?.chars().map(|c| plain(KeyCode::Char(c))).collect())),
        "wait" => needed("the text to wait for").map(|text| Step::Wait(text.to_owned())),
        "gone" => needed("the text whose end to wait for").map(|text| Step::Gone(text.to_owned())),
        "pause" => pause(needed("a time, like 500ms or 1.5s")?).map(Step::Pause),
        "save" => {
            let file = PathBuf::from(needed("a file's name")?);
            match file.extension() {
                Some(end) if end == "svg" || end == "txt" => Ok(Step::Save(file)),
                _ => Err(format!("{}: save writes .svg (a picture) or .txt", file.display())),
            }
        }
        other => Err(format!("there is no word \"{other}\": keys, type, wait, gone, pause, save")),
    }
}

fn plain(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

fn key(name: &str) -> Result<KeyEvent, String> {
    if let Some((_, code)) = NAMED.iter().find(|(known, _)| *known == name) {
        return Ok(plain(*code));
    }
    let (modifiers, letter) = match name.strip_prefix("Ctrl-") {
        Some(letter) => (KeyModifiers::CONTROL, letter.to_lowercase()),
        None => (KeyModifiers::NONE, name.to_owned()),
    };
    let mut letters = letter.chars();
    if let (Some(only), None) = (letters.next(), letters.next()) {
        return Ok(KeyEvent::new(KeyCode::Char(only), modifiers));
    }
    let known: Vec<&str> = NAMED.iter().map(|(known, _)| *known).collect();
    Err(format!("there is no key \"{name}\": a single letter, Ctrl-X, or {}", known.join(" ")))
}

fn pause(text: &str) -> Result<Duration, String> {
    let wrong = || format!("\"{text}\" is no time: write 500ms or 1.5s, 60s at the most");
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').ok_or_else(wrong)?, 1.0),
    };
    let seconds: f64 = number.trim().parse().map_err(|_| wrong())?;
    Some(seconds * unit).filter(|s| (0.0..=60.0).contains(s)).map(Duration::from_secs_f64).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Step {
        Script::parse("demo.keys", text).unwrap().steps.remove(0).1
    }

    fn wrong(text: &str) -> String {
        Script::parse("demo.keys", text).unwrap_err().to_string()
    }

    #[test]
    fn each_word_is_read_and_comments_are_not() {
        let control = KeyEvent::new(KeyCode::Char('l'), KeyModifiers::CONTROL);
        let keys = vec![plain(KeyCode::Char('d')), plain(KeyCode::Enter), control];
        assert_eq!(first("# drains\n\n  keys d Enter Ctrl-L"), Step::Keys(keys));
        let typed = ":cut".chars().map(|c| plain(KeyCode::Char(c))).collect();
        assert_eq!(first("type :cut"), Step::Keys(typed));
        assert_eq!(first("wait MASTER 1/1  d2"), Step::Wait("MASTER 1/1  d2".to_owned()));
        assert_eq!(first("gone DOWN"), Step::Gone("DOWN".to_owned()));
        assert_eq!(first("pause 1.5s"), Step::Pause(Duration::from_millis(1500)));
        assert_eq!(first("pause 20ms"), Step::Pause(Duration::from_millis(20)));
        assert_eq!(first("save a.svg"), Step::Save(PathBuf::from("a.svg")));
    }

    #[test]
    fn a_wrong_line_is_named_with_what_is_wrong_in_it() {
        assert!(wrong("keys d\nkeys Entr").starts_with("demo.keys:2: there is no key \"Entr\": a single letter"));
        assert!(wrong("\nclick here").starts_with("demo.keys:2: there is no word \"click\": keys, type"));
        assert_eq!(wrong("wait"), "demo.keys:1: wait needs the text to wait for behind it");
        for text in ["pause soon", "pause -1s", "pause 61s", "pause 1"] {
            assert!(wrong(text).contains("write 500ms or 1.5s"), "{text}");
        }
    }
}

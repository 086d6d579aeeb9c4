//! What may lie over the main screen: help, palette, forms, and the preview that every write goes through.

mod browser;
mod chooser;
mod form;
mod page;

pub use browser::{Browser, Part};
pub use chooser::Chooser;
pub use form::{Change, Form, FormField, FormKind, Input, Target, maintain, priority, time, together, weigh};
pub use page::{About, Page};

use crate::engine::{Answer, Command, CommandRequest, Preview, Undoable};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::time::Duration;

/// One line of text being typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    text: String,
    /// Characters before the cursor.
    cursor: usize,
    /// What stands in it goes with the first letter that is typed.
    is_selected: bool,
}

impl Field {
    /// A field with a text in it and the cursor behind it.
    pub fn with(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { cursor: text.chars().count(), text, is_selected: false }
    }
    /// Takes all that stands in it for the first letter, or leaves it be.
    pub fn select(&mut self, is_selected: bool) {
        self.is_selected = is_selected && !self.text.is_empty();
    }
    /// Whether the first letter takes the place of all that stands in it.
    pub const fn is_selected(&self) -> bool {
        self.is_selected
    }
    /// What stands in it.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The text before the cursor and from it on.
    pub fn split(&self) -> (&str, &str) {
        self.text.split_at(self.byte(self.cursor))
    }
    fn byte(&self, chars: usize) -> usize {
        self.text.char_indices().nth(chars).map_or(self.text.len(), |(at, _)| at)
    }
    /// Puts text in at the cursor; control characters stay out, and 200 characters are enough for anything asked here.
    pub fn insert(&mut self, text: &str) {
        if std::mem::take(&mut self.is_selected) {
            *self = Self::default();
        }
        for c in text.chars().filter(|c| !c.is_control()) {
            if self.text.chars().count() < 200 {
                self.text.insert(self.byte(self.cursor), c);
                self.cursor += 1;
            }
        }
    }
    /// Edits; true when the key was one for a text field.
    pub fn edit(&mut self, key: &KeyEvent) -> bool {
        let length = self.text.chars().count();
        let is_text = matches!(key.code, KeyCode::Char(_))
            && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        // The others are about what stands there: it stays, but for a deletion.
        if !is_text && std::mem::take(&mut self.is_selected) && matches!(key.code, KeyCode::Backspace | KeyCode::Delete)
        {
            *self = Self::default();
            return true;
        }
        match key.code {
            KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => *self = Self::default(),
            KeyCode::Char(_) if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => return false,
            KeyCode::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.text.remove(self.byte(self.cursor));
            }
            KeyCode::Delete if self.cursor < length => {
                self.text.remove(self.byte(self.cursor));
            }
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = (self.cursor + 1).min(length),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = length,
            _ => return matches!(key.code, KeyCode::Backspace | KeyCode::Delete),
        }
        true
    }
}

/// Something that is searched by typing, with a choice among what is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finder {
    /// What is typed.
    pub field: Field,
    /// Which of what was found.
    pub choice: usize,
}

/// What can be taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UndoList {
    /// Newest first; none before the engine has said it.
    pub list: Option<Result<Vec<Undoable>, String>>,
    /// Which of them.
    pub choice: usize,
}

impl UndoList {
    /// What there is.
    pub fn entries(&self) -> &[Undoable] {
        self.list.as_ref().and_then(|list| list.as_deref().ok()).unwrap_or_default()
    }
}

/// What lies over the main screen. The topmost takes the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Popup {
    /// All keys and marks, searched by typing.
    Help(Finder),
    /// Every action by name.
    Palette(Finder),
    /// The filter being typed; `before` comes back with Esc.
    Filter {
        /// The text.
        field: Field,
        /// The filter until now.
        before: String,
    },
    /// Something to fill in.
    Form(Form),
    /// What can be taken back.
    Undo(UndoList),
    /// Which columns a table has.
    Columns(Chooser),
    /// Everything of the selected row or instance.
    Page(Page),
    /// The connection table.
    Connections(Box<Browser>),
    /// What a command would do, and whether it shall.
    Preview(Box<PreviewPopup>),
}

/// How far a command has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// The engine was asked what it would do.
    Asking,
    /// It said so; Enter does it.
    Ready(Box<Answer>),
    /// It is being done.
    Committing(Box<Answer>),
    /// It will not be done, and why.
    Refused(String),
    /// It was begun and did not come to its end; how far it came.
    Failed(String),
}

/// A command between dry run and commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewPopup {
    /// What is asked, `drain 10.0.3.21:80`.
    pub title: String,
    /// The request as a dry run.
    pub request: CommandRequest,
    /// Number of the request under way.
    pub serial: u64,
    /// How far it is.
    pub phase: Phase,
    /// A word that has to be typed whatever the engine's preview says.
    pub always_type: Option<String>,
    /// What is typed of it.
    pub typed: Field,
    /// What it is about and nobody sees beside it.
    pub hidden: Option<String>,
    /// The preview that was about to be committed, and is not true any more.
    pub overtaken: Option<Box<Preview>>,
    /// The servers that the act is for, where there are several: those that its preview does not name stay as they are.
    pub meant: Vec<Target>,
    /// What differs between that one and this.
    pub changed: Vec<String>,
    /// Until when nobody can have read it, on the console's clock: an Enter before is the end of a double tap.
    pub unread_until: Option<Duration>,
    /// Lines that are scrolled out above.
    pub scroll: usize,
    /// What was typed while it was being done; it counts when that has ended well.
    pub ahead: Vec<KeyEvent>,
}

impl PreviewPopup {
    /// The word to type before Enter does it.
    pub fn required(&self) -> Option<&str> {
        match &self.phase {
            Phase::Ready(answer) => {
                // A name catches the wrong one, a verb does not.
                let named = |verb| self.instance(&answer.preview).unwrap_or(verb);
                self.always_type.as_deref().or_else(|| answer.preview.confirm.as_deref().map(named))
            }
            Phase::Asking | Phase::Committing(_) | Phase::Refused(_) | Phase::Failed(_) => None,
        }
    }
}

impl PreviewPopup {
    /// The instance that it is about; of something that is taken back, the one that would be given back again.
    fn instance<'a>(&'a self, preview: &'a Preview) -> Option<&'a str> {
        match &self.request.command {
            Command::Undo { .. } => preview.undo.as_ref().and_then(instance),
            command => instance(command),
        }
    }
}

/// The instance that a command is about.
fn instance(command: &Command) -> Option<&str> {
    match command {
        Command::Failover { instance, .. } | Command::Rejoin { instance } => instance.as_deref(),
        Command::Takeover { instance } | Command::Priority { instance, .. } => Some(instance),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_edits_by_character_and_not_by_byte() {
        let mut field = Field::with("日本");
        let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
        field.edit(&key(KeyCode::Left));
        field.insert("a\x1bb");
        assert_eq!(field.text(), "日ab本");
        field.edit(&key(KeyCode::Backspace));
        field.edit(&key(KeyCode::Delete));
        assert_eq!((field.text(), field.split()), ("日a", ("日a", "")));
        field.edit(&KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
        assert_eq!(field.text(), "");
    }
}

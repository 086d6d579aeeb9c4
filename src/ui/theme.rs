//! Themes: a style for each role of a text. Built-in ones are the files of `themes/`, compiled in.
//!
//! A theme is a sparse patch over `ansi`: `[up]` with `fg`, `bg` and `modifiers`. Meaning never rests on colour alone, so
//! that `mono` says as much as the others.

mod depth;
mod file;

pub use depth::Depth;

use super::mistakes::Mistakes;
use ratatui::style::Style;
use std::collections::BTreeMap;

/// What a text means; the theme says how that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Paint {
    /// Everything that is not said otherwise, and the ground of the screen.
    Text,
    /// Less important.
    Dim,
    /// Names of panels.
    Title,
    /// Lines between panels.
    Border,
    /// Column words.
    Head,
    /// Line 1.
    Header,
    /// Line 1 when there are two masters.
    Alarm,
    /// The word MASTER.
    Master,
    /// The word BACKUP.
    Backup,
    /// The word FAULT.
    Fault,
    /// Healthy.
    Up,
    /// Failed.
    Down,
    /// Draining or otherwise set by hand.
    Drain,
    /// Not known yet.
    Unknown,
    /// Needs a person.
    Warning,
    /// Changed within the last minute.
    Fresh,
    /// A key in the footer.
    Key,
    /// A message that says what went well.
    Good,
    /// A message that says what went wrong.
    Bad,
    /// The selected row of the panel that takes the keys.
    Selected,
    /// The selected row of the other panel.
    Marked,
    /// A text field, and the cursor in it.
    Input,
    /// Everything, while the engine does not answer.
    Stale,
}

/// How each role looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    styles: BTreeMap<Paint, Style>,
    /// Lines and marks in ASCII, for terminals without UTF-8.
    pub ascii: bool,
}

/// The built-in themes by name.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("ansi", include_str!("../../themes/ansi.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("deuteranopia", include_str!("../../themes/deuteranopia.toml")),
    ("tritanopia", include_str!("../../themes/tritanopia.toml")),
    ("nord", include_str!("../../themes/nord.toml")),
    ("gruvbox", include_str!("../../themes/gruvbox.toml")),
    ("solarized", include_str!("../../themes/solarized.toml")),
];

/// A theme that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// Neither a built-in name nor a file.
    #[error("theme {name}: no built-in theme has this name ({known}), and no file: {cause}")]
    NotFound {
        /// What was asked for.
        name: String,
        /// The built-in names.
        known: String,
        /// What the system said.
        cause: String,
    },
    /// The file is no theme.
    #[error("{0}")]
    Unreadable(Mistakes),
}

impl ThemeError {
    /// In one line.
    pub fn in_short(&self) -> String {
        match self {
            Self::NotFound { .. } => self.to_string(),
            Self::Unreadable(mistakes) => mistakes.in_short(),
        }
    }
}

impl Theme {
    /// A theme by built-in name or by path.
    pub fn load(name: &str) -> Result<Self, ThemeError> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return Self::parse(name, text);
        }
        let text = std::fs::read_to_string(name).map_err(|cause| ThemeError::NotFound {
            name: name.to_owned(),
            known: BUILT_IN.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", "),
            cause: cause.to_string(),
        })?;
        Self::parse(name, &text)
    }

    /// A theme from its text, over `ansi`; `ansi` and `mono` stand on nothing.
    pub fn parse(name: &str, text: &str) -> Result<Self, ThemeError> {
        let styles = file::styles(text);
        let styles =
            styles.map_err(|found| ThemeError::Unreadable(Mistakes::found(&format!("theme {name}"), text, found)))?;
        let mut theme = if name == "ansi" || name == "mono" {
            Self { styles: BTreeMap::new(), ascii: false }
        } else {
            Self::load("ansi")?
        };
        theme.styles.extend(styles);
        Ok(theme)
    }

    /// The terminal's own look: what is used when nothing else can be.
    pub const fn plain() -> Self {
        Self { styles: BTreeMap::new(), ascii: false }
    }

    /// How a role looks: its own style over that of `text`.
    pub fn style(&self, paint: Paint) -> Style {
        let ground = self.styles.get(&Paint::Text).copied().unwrap_or_default();
        self.styles.get(&paint).map_or(ground, |style| ground.patch(*style))
    }

    /// What stands where a text was cut.
    pub const fn cut_mark(&self) -> char {
        if self.ascii { '~' } else { '…' }
    }
}

#[cfg(test)]
mod tests;

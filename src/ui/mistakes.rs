//! What is wrong with a file of the console's own: all of it at once, each mistake with its line.

use std::fmt;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1; none where it is the whole file.
    pub line: Option<usize>,
    /// What is wrong, and what may stand there.
    pub why: String,
}

/// Every mistake of a file, in its order. As a text each has a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes {
    /// The file, as messages name it.
    pub file: String,
    /// At least one.
    pub all: Vec<Mistake>,
}

impl Mistakes {
    /// The file as a whole.
    pub fn whole(file: &str, why: String) -> Self {
        Self { file: file.to_owned(), all: vec![Mistake { line: None, why }] }
    }

    /// What was found at bytes of the file's text.
    pub fn found(file: &str, text: &str, mut found: Vec<(usize, String)>) -> Self {
        found.sort();
        let mistake = |(at, why)| Mistake { line: Some(line_of(text, at)), why };
        Self { file: file.to_owned(), all: found.into_iter().map(mistake).collect() }
    }

    /// The first one and how many more there are, for a place that has one line.
    pub fn in_short(&self) -> String {
        let first = self.all.first().map_or_else(String::new, |mistake| self.line(mistake));
        match self.all.len() {
            0 | 1 => first,
            2 => format!("{first} (and one mistake more)"),
            all => format!("{first} (and {} mistakes more)", all - 1),
        }
    }

    fn line(&self, mistake: &Mistake) -> String {
        let line = mistake.line.map_or_else(String::new, |line| format!(":{line}"));
        format!("{}{line}: {}", self.file, mistake.why)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.all.iter().map(|mistake| self.line(mistake)).collect::<Vec<_>>().join("\n"))
    }
}

/// The line that a byte of a text stands on, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}

/// What a text that is no TOML is told: where, and the parser's word for it.
pub fn not_toml(errors: &[toml::de::Error]) -> Vec<(usize, String)> {
    let told = |error: &toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        (at, format!("not TOML: {}", error.message().trim_end().replace('\n', " ")))
    };
    errors.iter().map(told).collect()
}

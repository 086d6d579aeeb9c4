//! A source file as the law sees it: no comments, no text literals, no test modules; and the tokens of what is left.

use std::fs;
use std::path::{Path, PathBuf};

/// One file under `src/`.
pub struct Source {
    /// Its path from `src/` on: `engine/ipvs/plan.rs`.
    pub path: String,
    /// Everything in it.
    pub text: String,
    /// The production code: comments and literals blanked, test modules gone, line breaks kept.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let code = without_test_items(&without_comments_and_literals(text));
        Self { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// The module path below the crate: `engine/ipvs/mod.rs` and `engine/ipvs.rs` are `[engine, ipvs]`.
    pub fn module(&self) -> Vec<String> {
        let mut parts: Vec<String> = self.path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        let last = parts.last().map(String::as_str);
        if last == Some("mod") || (parts.len() == 1 && matches!(last, Some("lib" | "main"))) {
            parts.pop();
        }
        parts
    }

    /// Lines that count against the size budget: all but the test modules.
    pub fn production_lines(&self) -> usize {
        let whole = without_comments_and_literals(&self.text).lines().count();
        whole - test_lines(&self.text)
    }

    /// Whether the whole file is a test module (`tests.rs`, or in a folder `tests`).
    pub fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part == "tests.rs")
    }
}

/// All files under the folder `src`, test files included, in the order of their paths.
pub fn read_tree(src: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![src.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let name = path.strip_prefix(src).unwrap().to_string_lossy().into_owned();
                found.push(Source::new(&name, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Blanks comments and the inside of text literals with spaces; line breaks stay, so that line numbers do too.
pub fn without_comments_and_literals(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_or_comment_end(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none begins there.
fn literal_or_comment_end(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => chars[at..].iter().position(|&c| c == '\n').map_or(chars.len(), |n| at + n),
        '/' if next == Some('*') => block_comment_end(chars, at),
        '"' => text_end(chars, at),
        'r' if !follows_word(chars, at) => raw_text_end(chars, at),
        '\'' => char_end(chars, at),
        _ => at,
    }
}

fn follows_word(chars: &[char], at: usize) -> bool {
    // `br"…"` and `cr"…"` are literals too, so a single such letter before is no word
    let word = |i: usize| chars.get(i).is_some_and(|c| c.is_alphanumeric() || *c == '_');
    at > 0 && word(at - 1) && !(matches!(chars[at - 1], 'b' | 'c') && (at < 2 || !word(at - 2)))
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0, at);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn text_end(chars: &[char], at: usize) -> usize {
    let mut i = at + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

fn raw_text_end(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    let open = at + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return at;
    }
    let mut i = open + 1;
    while i < chars.len() {
        if chars[i] == '"' && chars[i + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes {
            return i + 1 + hashes;
        }
        i += 1;
    }
    chars.len()
}

/// `'x'` and `'\n'` are literals, `'a` in `&'a str` is a lifetime.
fn char_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => chars[at + 3..].iter().position(|&c| c == '\'').map_or(at, |n| at + 4 + n),
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

/// Blanks each item behind `#[cfg(test)]` or `#[test]`: a block to its closing brace, or a line to its semicolon.
fn without_test_items(code: &str) -> String {
    let mut out = code.to_owned();
    while let Some((from, to)) = test_item(&out) {
        let blank: String = out[from..to].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(from..to, &blank);
    }
    out
}

fn test_lines(text: &str) -> usize {
    let mut code = without_comments_and_literals(text);
    let mut lines = 0;
    while let Some((from, to)) = test_item(&code) {
        lines += code[from..to].matches('\n').count() + 1;
        let blank: String = code[from..to].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        code.replace_range(from..to, &blank);
    }
    lines
}

fn test_item(code: &str) -> Option<(usize, usize)> {
    let from = ["#[cfg(test)]", "#[cfg(all(test", "#[test]"].iter().filter_map(|mark| code.find(mark)).min()?;
    let mut depth = 0;
    for (i, c) in code[from..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return Some((from, from + i + 1)),
            '}' => depth -= 1,
            ';' if depth == 0 => return Some((from, from + i + 1)),
            _ => {}
        }
    }
    Some((from, code.len()))
}

/// One word or sign of the code, with the line that it stands on (from 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// Words (with `::` as a sign of its own); blanks are dropped.
pub fn tokens(code: &str) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                n => n,
            };
            found.push(Token { text: rest[..length].to_owned(), line: number + 1 });
            rest = rest[length..].trim_start();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_literals_and_test_modules_are_no_code() {
        let text = "//! doc Instant::now\nfn a() { b(\"spawn(\", r#\"sleep(\"#, '{', '\\''); } /* /* x */ unsafe */\n\
                    #[cfg(test)]\nmod tests {\n    fn c() { println!(); }\n}\nfn d<'a>() {}\n";
        let source = Source::new("engine/x.rs", text);
        for gone in ["Instant", "spawn", "sleep", "unsafe", "println", "tests"] {
            assert!(!source.code.contains(gone), "{gone} in {}", source.code);
        }
        assert!(source.code.contains("fn d<'a>() {}"));
        assert_eq!(source.code.lines().count(), text.lines().count());
        assert_eq!(source.production_lines(), 3);
    }

    #[test]
    fn a_module_is_named_by_its_file() {
        for (path, module) in [
            ("lib.rs", vec![]),
            ("app.rs", vec!["app"]),
            ("engine/mod.rs", vec!["engine"]),
            ("engine/ipvs/plan.rs", vec!["engine", "ipvs", "plan"]),
        ] {
            assert_eq!(Source::new(path, "").module(), module);
        }
    }
}

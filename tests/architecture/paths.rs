//! Every path into our own crate that a source names, made absolute: `use` trees with their groups, and paths in the code.

use crate::source::{Source, Token, tokens};

/// A path below the crate's root and the line that names it.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub path: Vec<String>,
    pub line: usize,
}

/// All of a source's paths that begin with `crate`, `self`, `super`, or with the crate's own name.
pub fn named(source: &Source) -> Vec<Named> {
    let tokens = tokens(&source.code);
    let mut walk = Walk { tokens: &tokens, at: 0, found: Vec::new() };
    let mut scope = source.module();
    let mut open: Vec<bool> = Vec::new(); // for each open brace: does it open a module?
    while let Some(word) = walk.word(0) {
        let starts = matches!(word, "crate" | "self" | "super" | "lvsdeck") && walk.word(1) == Some("::");
        if starts && (walk.at == 0 || tokens[walk.at - 1].text != "::") {
            walk.tree(&scope);
            continue;
        }
        if word == "mod" && walk.word(2) == Some("{") {
            scope.push(tokens[walk.at + 1].text.clone());
            open.push(true);
            walk.at += 3;
            continue;
        }
        match word {
            "{" => open.push(false),
            "}" if open.pop() == Some(true) => drop(scope.pop()),
            _ => {}
        }
        walk.at += 1;
    }
    walk.found
}

struct Walk<'a> {
    tokens: &'a [Token],
    at: usize,
    found: Vec<Named>,
}

impl Walk<'_> {
    fn word(&self, ahead: usize) -> Option<&str> {
        self.tokens.get(self.at + ahead).map(|token| token.text.as_str())
    }

    /// Reads one path or use tree that starts here, below `base`, and stands behind it afterwards.
    fn tree(&mut self, base: &[String]) {
        let mut path = base.to_vec();
        let line = self.tokens[self.at].line;
        let mut first = true;
        while let Some(word) = self.word(0) {
            match word {
                "{" => return self.group(&path),
                "crate" | "lvsdeck" if first => path.clear(),
                "self" | "*" => {}
                "super" => drop(path.pop()),
                word if word.chars().all(|c| c.is_alphanumeric() || c == '_') => path.push(word.to_owned()),
                _ => break,
            }
            first = false;
            self.at += 1;
            if self.word(0) != Some("::") {
                break;
            }
            self.at += 1;
        }
        self.found.push(Named { path, line });
    }

    fn group(&mut self, base: &[String]) {
        self.at += 1;
        while let Some(word) = self.word(0) {
            match word {
                "}" => {
                    self.at += 1;
                    return;
                }
                "as" => self.at += 2,
                "," => self.at += 1,
                _ => {
                    let before = self.at;
                    self.tree(base);
                    self.at = self.at.max(before + 1);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(path: &str, code: &str) -> Vec<String> {
        named(&Source::new(path, code)).iter().map(|n| n.path.join("::")).collect()
    }

    #[test]
    fn groups_are_opened_at_any_depth() {
        assert_eq!(
            paths("ui/a.rs", "use crate::{engine::{Status, ipvs::{plan, table as t}}, api::*};\nuse std::{fmt, io};"),
            ["engine::Status", "engine::ipvs::plan", "engine::ipvs::table", "api"]
        );
    }

    #[test]
    fn relative_paths_are_made_absolute() {
        assert_eq!(
            paths("engine/ipvs/plan.rs", "use super::super::io::x; fn f() { self::g(); }"),
            ["engine::io::x", "engine::ipvs::plan::g"]
        );
        assert_eq!(
            paths("engine/vrrp.rs", "mod inner { fn f() { super::super::health::Verdict; } }"),
            ["engine::health::Verdict"]
        );
    }

    #[test]
    fn a_path_within_an_expression_counts() {
        assert_eq!(paths("ui/a.rs", "fn f() -> bool { crate::engine::io::now() > 3 }"), ["engine::io::now"]);
    }
}

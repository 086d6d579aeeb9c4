//! `$NAME=value` definitions, the ones that are always there, and their use as `$NAME` or `${NAME}`.
//!
//! A definition is resolved where it is used, so its value may name definitions that are made later. A name without
//! braces counts where white space, `,`, `)` or the end of the line follows; a name that nobody defined stays as it is.

use super::diagnostic::Problem;
use super::lexer::comment;
use super::secrets;
use super::source::{Span, narrow};
use super::suggest::nearest;
use std::collections::{HashMap, HashSet};

/// A definition that can't be applied.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DefinitionError {
    #[error("${0} uses itself")]
    Recursive(String),
    #[error("the definitions on this line grow it beyond {LONGEST_LINE} bytes")]
    LineTooLong,
    #[error("definitions expand to more than {} MiB or {} lines in all", super::expansion::LARGEST >> 20, super::expansion::MOST_LINES)]
    TooLarge,
    #[error("definitions and sequences are replaced again and again: more than {} MiB of text in all; ${name} is where it ended", MOST_WORK >> 20)]
    TooMuch { name: String },
    #[error("{0}")]
    Sequence(String),
    #[error("{0}")]
    Predefined(String),
}

/// Largest text of one line after the definitions on it are replaced once.
const LONGEST_LINE: usize = 64 * 1024;
/// All text that is looked at or made on the way to what is expanded, in bytes: eight times what that may be in the end.
const MOST_WORK: usize = 8 * super::expansion::LARGEST;
/// What finding a definition costs, in bytes of text that could have been copied meanwhile.
const USE: usize = 32;
/// Longest name in braces; what is longer is none, so that many open braces on a line cost no more than its length.
const LONGEST_NAME: usize = 256;
/// What `${_RANDOM}` draws from without bounds of its own.
const RANDOM_MOST: u64 = 32_767;

/// What is defined so far.
#[derive(Debug)]
pub(super) struct Definitions {
    values: HashMap<String, String>,
    /// Variables of sequences that can't be read: that they have no value was told there.
    lost: HashSet<String>,
    /// The name that `@id` lines are compared with, and `${_INSTANCE}`.
    pub node: String,
    /// `${_PWD}`: the directory of the file that is being read.
    pub directory: String,
    /// Bytes and lines that expansion came to so far.
    pub spent: (usize, usize),
    /// Bytes that may still be looked at or made: see [`Self::work`].
    pub work_left: usize,
    random: u64,
}

impl Default for Definitions {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            lost: HashSet::new(),
            node: String::new(),
            directory: String::new(),
            spent: (0, 0),
            work_left: MOST_WORK,
            random: 1,
        }
    }
}

impl Definitions {
    /// What is there before the first line: the node's name, and chance that begins at `seed`.
    pub fn new(node: &str, seed: u64) -> Self {
        Self { node: node.to_owned(), random: seed | 1, ..Self::default() }
    }

    /// Whether a line is a definition that goes on in the next line.
    pub fn continues(line: &str) -> bool {
        line.trim_end().ends_with('\\') && definition(line).is_some()
    }

    /// Takes a definition in; false when the line is none.
    pub fn define(&mut self, line: &str) -> bool {
        let Some((name, value)) = definition(line) else { return false };
        let plain = value.lines().map(|line| line.get(..comment(line.as_bytes())).unwrap_or(line).trim_end());
        let joined: Vec<_> = plain.map(|line| line.trim_end_matches('\\').trim()).collect();
        self.values.insert(name.to_owned(), joined.join("\n").trim().to_owned());
        true
    }

    /// A variable has no value, and nothing more is to be told of that.
    pub fn lose(&mut self, name: &str) {
        self.lost.insert(name.to_owned());
    }

    /// Gives a variable its value.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// Counts text that was looked at or made; `name` is what it was done for.
    pub fn work(&mut self, bytes: usize, name: &str) -> Result<(), DefinitionError> {
        self.work_left = self.work_left.saturating_sub(bytes);
        if self.work_left > 0 { Ok(()) } else { Err(DefinitionError::TooMuch { name: name.to_owned() }) }
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The name that was meant by one that nobody defined. The first one in the alphabet wins a tie.
    pub fn nearest(&self, name: &str) -> Option<String> {
        let mut known: Vec<&str> = PREDEFINED.to_vec();
        if self.values.len() <= MOST_LOOKED_AT {
            known.extend(self.values.keys().map(String::as_str));
        }
        known.sort_unstable();
        nearest(name, known).map(str::to_owned)
    }

    /// Takes a variable's value away.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    /// Puts a variable back to what it was, where it has no new value.
    pub fn keep(&mut self, name: &str, before: Option<String>) {
        if let Some(value) = before {
            self.values.entry(name.to_owned()).or_insert(value);
        }
    }

    /// The line with each definition on it replaced once; none when it uses none.
    pub fn replaced(&mut self, line: &str) -> Result<Option<(String, String)>, DefinitionError> {
        let (mut text, mut rest, mut last) = (String::new(), line, None);
        while let Some(at) = rest.find('$') {
            let (before, from) = rest.split_at(at);
            text.push_str(before);
            let (name, length) = used_name(from).unzip();
            let length = length.unwrap_or(1);
            match name.map(|name| self.value(name)).transpose()?.flatten() {
                Some(value) => {
                    text.push_str(&value);
                    self.work(USE + value.len(), name.unwrap_or_default())?;
                    last = name;
                }
                None => text.push_str(from.get(..length).unwrap_or("$")),
            }
            rest = from.get(length..).unwrap_or("");
            if text.len() > LONGEST_LINE {
                return Err(DefinitionError::LineTooLong);
            }
        }
        text.push_str(rest);
        Ok(last.map(|name| (text, name.to_owned())))
    }

    /// What a name stands for.
    fn value(&mut self, name: &str) -> Result<Option<String>, DefinitionError> {
        let mut words = name.split_ascii_whitespace();
        Ok(match words.next().unwrap_or("") {
            "_PWD" => Some(self.directory.clone()),
            "_INSTANCE" => Some(self.node.clone()),
            "_HASH" => Some("#".to_owned()),
            "_BANG" => Some("!".to_owned()),
            "_ENV" => Some(environment(words.next())?),
            "_RANDOM" => Some(self.chance(words.next(), words.next())?),
            plain => self.values.get(plain).cloned(),
        })
    }

    /// A number between two bounds, both included (xorshift: it decides no more than what a file asks it for).
    fn chance(&mut self, least: Option<&str>, most: Option<&str>) -> Result<String, DefinitionError> {
        let bound = |word: Option<&str>, default| word.map_or(Some(default), |w| w.parse::<u64>().ok());
        let (least, most) = match (bound(least, 0), bound(most, RANDOM_MOST)) {
            (Some(least), Some(most)) if least <= most && u32::try_from(most).is_ok() => (least, most),
            _ => {
                let what = "${_RANDOM MIN MAX} takes two whole numbers, the smaller one first";
                return Err(DefinitionError::Predefined(what.to_owned()));
            }
        };
        for shift in [13_i32, -7, 17] {
            self.random ^= if shift < 0 { self.random >> -shift } else { self.random << shift };
        }
        Ok((least + (self.random >> 16) % (most - least + 1)).to_string())
    }
}

fn environment(name: Option<&str>) -> Result<String, DefinitionError> {
    let name = name.ok_or_else(|| DefinitionError::Predefined("${_ENV NAME} needs the variable's name".to_owned()))?;
    std::env::var(name).map_err(|_| {
        DefinitionError::Predefined(format!(
            "the environment has no variable {name}; start lvsdeck with it, or define it"
        ))
    })
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// Name and value of a definition: no space stands before the `=`, and no digit in front.
fn definition(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim_start().strip_prefix('$')?;
    let (name, rest) = rest.split_at(name_length(rest));
    let value = rest.strip_prefix('=')?;
    (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some((name, value))
}

/// A line that was meant as a definition and is none: `$NAME = value`.
pub(super) fn almost_definition(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('$')?;
    let (name, rest) = rest.split_at(name_length(rest));
    (!name.is_empty() && rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('=')).then_some(name)
}

/// The name that a `$` begins, with what stands in its braces, and how many bytes its use takes.
fn used_name(from: &str) -> Option<(&str, usize)> {
    let after = from.get(1..)?;
    if let Some(braced) = after.strip_prefix('{') {
        let end = braced.bytes().take(LONGEST_NAME).position(|b| b == b'}')?;
        let name = braced.get(..end)?;
        let takes_words = ["_RANDOM", "_ENV"].iter().any(|word| name.starts_with(word));
        let plain = name_length(name) == name.len() && !name.is_empty();
        return (plain || takes_words).then_some((name, end + 3));
    }
    let length = name_length(after);
    let name = after.get(..length).filter(|name| !name.is_empty())?;
    let follows = after.get(length..)?.chars().next();
    let ends = follows.is_none_or(|c| c.is_whitespace() || matches!(c, ',' | ')'));
    ends.then_some((name, length + 1))
}

/// A name without braces in front of a sign, which is not replaced there.
fn glued_name<'t>(from: &'t str, signs: &[char]) -> Option<(&'t str, usize)> {
    let after = from.get(1..)?;
    let (name, behind) = after.split_at(name_length(after));
    (!name.is_empty() && behind.starts_with(signs)).then_some((name, name.len() + 1))
}

/// Whatever stands in the braces that a `$` has behind it: of a shell, perhaps.
fn braced(from: &str) -> Option<(&str, usize)> {
    let inner = from.strip_prefix("${")?;
    let end = inner.bytes().take(LONGEST_NAME).position(|byte| byte == b'}')?;
    Some((inner.get(..end)?, end + 3))
}

/// The first `$NAME` that keepalived leaves as it stands though the name is defined, since something is written right
/// behind it.
pub(super) fn unbraced<'t>(line: &'t str, definitions: &Definitions) -> Option<&'t str> {
    let line = definition(line).map_or(line, |(_, value)| value);
    line.match_indices('$').find_map(|(at, _)| {
        let after = line.get(at + 1..)?;
        let name = after.get(..name_length(after))?;
        (used_name(line.get(at..)?).is_none() && definitions.get(name).is_some()).then_some(name)
    })
}

/// Where a `${_HASH}` or `${_BANG}` cuts the line off, since it stands outside of double quotes.
pub(super) fn cut_off(line: &str) -> Option<usize> {
    let line = line.get(..comment(line.as_bytes())).filter(|line| definition(line).is_none())?;
    let signs = ["${_HASH}", "${_BANG}"].into_iter().flat_map(|sign| line.match_indices(sign).map(|(at, _)| at));
    signs.filter(|at| line.bytes().take(*at).filter(|byte| *byte == b'"').count() % 2 == 0).min()
}

/// The names that are always defined.
const PREDEFINED: [&str; 6] = ["_PWD", "_INSTANCE", "_HASH", "_BANG", "_ENV", "_RANDOM"];
/// With more definitions than this the one that was meant is not looked for.
const MOST_LOOKED_AT: usize = 1_000;
/// So many undefined names of a line are looked at.
const MOST_ON_A_LINE: usize = 8;

/// A `$NAME` or `${NAME}` that nobody defined, which stays as it stands.
pub(super) struct Undefined<'t> {
    pub name: &'t str,
    /// Where its `$` stands on the line, in bytes, and how many bytes its use takes.
    pub at: usize,
    pub length: usize,
    /// Whether it may be meant as it stands: a shell reads it, or it is of a password.
    pub is_text: bool,
    /// Whether its braces stand outside of double quotes: keepalived takes them for those of a block.
    pub breaks: bool,
    /// Whether something is written right behind it, so that it would stay even if it were defined.
    pub is_glued: bool,
}

/// The undefined names of a line.
pub(super) fn undefined<'t>(line: &'t str, definitions: &Definitions) -> Vec<Undefined<'t>> {
    let end = comment(line.as_bytes());
    let (mut quotes, mut counted) = (0, 0);
    let names = line.match_indices('$').take_while(|(at, _)| *at < end).filter_map(|(at, _)| {
        quotes += line.bytes().take(at).skip(counted).filter(|byte| *byte == b'"').count();
        counted = at;
        let (from, is_plain) = (line.get(at..)?, quotes % 2 == 0);
        let signs: &[char] = if is_plain { &['"', '\'', '/', '.', ':', '-'] } else { &['"', '\''] };
        let used = used_name(from);
        let (name, length) = used.or_else(|| glued_name(from, signs)).or_else(|| braced(from))?;
        let (breaks, is_glued) = (is_plain && from.starts_with("${"), used.is_none() && !from.starts_with("${"));
        let is_name = !name.contains(' ') && !name.starts_with(|c: char| c.is_ascii_digit());
        let first = name.split(' ').next().unwrap_or("");
        let is_defined =
            PREDEFINED.contains(&first) || definitions.get(name).is_some() || definitions.lost.contains(name);
        let is_undefined = !is_defined && (breaks || is_name && (used.is_some() || is_glued));
        is_undefined.then_some(Undefined { name, at, length, is_text: false, breaks, is_glued })
    });
    let mut found: Vec<_> = names.take(MOST_ON_A_LINE).collect();
    if !found.is_empty() {
        let (secret, shell) = (secrets::parts(line), line.find(" -c ").unwrap_or(line.len()));
        for name in &mut found {
            name.is_text = name.at > shell || secret.iter().any(|part| part.contains(&name.at));
        }
    }
    found
}

/// Of a definition that begins with this line, and of whose lines the last one of the file ends with `\`, too.
pub(super) fn unended(first: &str, source: u32, at: usize) -> Problem {
    let start = narrow(at + (first.len() - first.trim_start().len()));
    let message = "this definition never ends: all lines to the end of the file are taken for a part of it, as in keepalived, \
                   since each ends with \\";
    let problem = Problem::warning(Span { source, start, length: narrow(first.trim().len()) }, "definition", message);
    problem.help("remove the \\ from its last line, or let an empty line follow")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn once(definitions: &mut Definitions, line: &str) -> Option<String> {
        definitions.replaced(line).unwrap().map(|(text, _)| text)
    }

    #[test]
    fn a_definition_is_replaced_where_a_word_of_its_own_stands() {
        let mut d = Definitions::default();
        assert!(d.define("$A=1") && d.define("  $B=") && !d.define("$C =2") && !d.define("$1=2"));
        assert_eq!(once(&mut d, "x ${A}y $A \"${A}\" $C $ ${").unwrap(), "x 1y 1 \"1\" $C $ ${");
        assert_eq!(once(&mut d, "x \"$A\" '$A'"), None, "a quote right behind it is something written behind it");
        assert_eq!(once(&mut d, "$A/24"), None, "keepalived leaves it, so do we");
        assert_eq!(unbraced("$A/24", &d), Some("A"));
        assert_eq!((unbraced("$A=2", &d), unbraced("$B=$A/24", &d)), (None, Some("A")), "a new value is no use");
        assert_eq!((once(&mut d, "no use"), once(&mut d, "${NONE} ${_x y}")), (None, None));
        assert_eq!(almost_definition("$C =2"), Some("C"));
        assert_eq!((almost_definition("$C=2"), almost_definition("$C 2")), (None, None));
    }

    #[test]
    fn a_comment_is_no_part_of_a_value() {
        let mut d = Definitions::default();
        assert!(d.define("$A=it's # one") && d.define("$B=\"a # b\" ! c"));
        assert_eq!(once(&mut d, "\"${A}\" ${B}").unwrap(), "\"it's\" \"a # b\"");
    }

    #[test]
    fn an_undefined_name_is_found_unless_a_shell_or_a_password_may_mean_it() {
        let mut d = Definitions::default();
        d.define("$PRIO=1");
        let found = |line| undefined(line, &d).first().map(|u| (u.name, u.at, u.length, u.is_text));
        assert_eq!(found("priority $PROI"), Some(("PROI", 9, 5, false)));
        assert_eq!(found("x ${NO_SUCH}y"), Some(("NO_SUCH", 2, 10, false)));
        let braced = |line| undefined(line, &d).first().map(|u| u.breaks);
        assert_eq!(
            [braced("x ${A}"), braced("x $A"), braced("x \"${A}\""), braced("\"a\" ${A}")],
            [Some(true), Some(false), Some(false), Some(true)]
        );
        assert_eq!(found("script \"/bin/sh -c 'echo $HOME'\""), Some(("HOME", 25, 5, true)));
        assert_eq!(found("auth_pass $ecret"), Some(("ecret", 10, 6, true)));
        assert_eq!(found("$A/24"), Some(("A", 0, 2, false)), "it would stay if it were defined");
        for plain in
            ["$PRIO ${_PWD}", "$PRIO/24", "regex \"a$\"", "regex \"$A/24\"", "$1", "$", "${_ENV X}", "a # ${X}"]
        {
            assert_eq!(found(plain), None, "{plain}");
        }
        assert_eq!((d.nearest("PROI"), d.nearest("HOME")), (Some("PRIO".to_owned()), None));
        assert_eq!(d.nearest("_INSTANC").as_deref(), Some("_INSTANCE"));
    }

    #[test]
    fn a_sign_outside_of_double_quotes_cuts_its_line_off() {
        for (line, at) in [
            ("a${_HASH}b", Some(1)),
            ("\"a\" '${_BANG}'", Some(5)),
            ("\"a${_HASH}b\"", None),
            ("a # ${_HASH}", None),
            ("$X=a${_HASH}b", None),
        ] {
            assert_eq!(cut_off(line), at, "{line}");
        }
    }

    #[test]
    fn what_is_always_defined_is_there() {
        let mut d = Definitions::new("lb1", 7);
        d.directory = "/etc/keepalived".to_owned();
        assert_eq!(once(&mut d, "${_PWD}/a ${_INSTANCE}").unwrap(), "/etc/keepalived/a lb1");
        assert_eq!(once(&mut d, "a${_HASH}b \"${_BANG}\"").unwrap(), "a#b \"!\"");
        assert_eq!(once(&mut d, "${_RANDOM 5 5}").unwrap(), "5");
        for _ in 0..100 {
            let drawn: u64 = once(&mut d, "${_RANDOM 3 9}").unwrap().parse().unwrap();
            assert!((3..=9).contains(&drawn));
        }
        assert!(once(&mut d, "${_ENV PATH}").unwrap().contains('/'));
        for wrong in ["${_RANDOM 9 3}", "${_RANDOM x}", "${_ENV}", "${_ENV NO_SUCH_VARIABLE_HERE}"] {
            assert!(matches!(d.replaced(wrong), Err(DefinitionError::Predefined(_))), "{wrong}");
        }
    }
}

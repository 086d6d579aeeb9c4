//! `$NAME=value` definitions and their use as `$NAME` or `${NAME}`.

use std::collections::HashMap;

/// Definitions may use definitions this deep.
const DEEPEST: usize = 16;
/// Largest text of one line after expansion.
const LONGEST_LINE: usize = 64 * 1024;
/// Uses of definitions on one line, those inside definitions included.
const MOST_USES: usize = 10_000;
/// All expanded text of one configuration.
const LARGEST: usize = 16 * 1024 * 1024;

/// A definition that can't be applied.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DefinitionError {
    #[error("${0} uses itself")]
    Recursive(String),
    #[error("the definitions on this line grow it beyond {LONGEST_LINE} bytes")]
    LineTooLong,
    #[error("definitions expand to more than {LARGEST} bytes in all")]
    TooLarge,
    #[error("{0} is not supported by lvsdeck: write the lines out")]
    Unsupported(&'static str),
}

/// What is defined so far.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    values: HashMap<String, String>,
    expanded: usize,
}

impl Definitions {
    /// Whether a line is a definition that goes on in the next line.
    pub fn continues(line: &str) -> bool {
        line.trim_end().ends_with('\\') && parse(line).is_some()
    }

    /// Takes a definition in; false when the line is none.
    pub fn define(&mut self, line: &str) -> bool {
        let Some((name, value)) = parse(line) else { return false };
        let joined: Vec<_> = value.lines().map(|l| l.trim_end().trim_end_matches('\\').trim()).collect();
        self.values.insert(name.to_owned(), joined.join("\n").trim().to_owned());
        true
    }

    /// The line with all definitions applied; none when it uses none.
    pub fn expand(&mut self, line: &str) -> Result<Option<String>, DefinitionError> {
        for word in ["~SEQ(", "~SEQx(", "~LST(", "${_"] {
            if line.contains(word) && !line.starts_with(['#', '!']) {
                return Err(DefinitionError::Unsupported(word.trim_end_matches(['(', '_'])));
            }
        }
        if self.values.is_empty() || !line.contains('$') {
            return Ok(None);
        }
        let mut text = String::new();
        self.append(line, 0, &mut text, &mut 0)?;
        if text == line {
            return Ok(None);
        }
        self.expanded += text.len();
        if self.expanded > LARGEST { Err(DefinitionError::TooLarge) } else { Ok(Some(text)) }
    }

    fn append(&self, text: &str, depth: usize, out: &mut String, uses: &mut usize) -> Result<(), DefinitionError> {
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let (name, length) = used_name(from);
            match self.values.get(name) {
                Some(_) if depth >= DEEPEST => return Err(DefinitionError::Recursive(name.to_owned())),
                Some(value) => self.append(value, depth + 1, out, uses)?,
                None => out.push_str(from.get(..length).unwrap_or("$")),
            }
            rest = from.get(length..).unwrap_or("");
            *uses += 1;
            if out.len() > LONGEST_LINE || *uses > MOST_USES {
                return Err(DefinitionError::LineTooLong);
            }
        }
        out.push_str(rest);
        Ok(())
    }
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// Name and value of a definition.
fn parse(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim_start().strip_prefix('$')?;
    let (name, rest) = rest.split_at(name_length(rest));
    let value = rest.trim_start_matches([' ', '\t']).strip_prefix('=')?;
    (!name.is_empty()).then_some((name, value))
}

/// The name that a `$` begins, and how many bytes its use takes.
fn used_name(from: &str) -> (&str, usize) {
    let after = from.get(1..).unwrap_or("");
    if let Some(braced) = after.strip_prefix('{') {
        let length = name_length(braced);
        let closed = braced.get(length..).is_some_and(|rest| rest.starts_with('}'));
        return if closed { (braced.get(..length).unwrap_or(""), length + 3) } else { ("", 1) };
    }
    let length = name_length(after);
    (after.get(..length).unwrap_or(""), length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defined(lines: &[&str]) -> Definitions {
        let mut definitions = Definitions::default();
        for line in lines {
            assert!(definitions.define(line), "{line}");
        }
        definitions
    }

    #[test]
    fn a_definition_may_use_others_and_is_resolved_at_its_use() {
        let mut d = defined(&["$A=1 $B", "$B = two"]);
        assert_eq!(d.expand("x ${A}y $A $C $ ${").unwrap().unwrap(), "x 1 twoy 1 two $C $ ${");
        assert_eq!(d.expand("no use"), Ok(None));
    }

    #[test]
    fn definitions_that_never_end_are_refused() {
        assert_eq!(defined(&["$A=$B", "$B=$A"]).expand("$A").unwrap_err().to_string(), "$A uses itself");
        let bomb: Vec<_> = (0..15).map(|i| format!("$A{i}=${{A{n}}}${{A{n}}}${{A{n}}}xx", n = i + 1)).collect();
        let bomb: Vec<_> = bomb.iter().map(String::as_str).collect();
        assert_eq!(defined(&bomb).expand("$A0"), Err(DefinitionError::LineTooLong));
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let message = Definitions::default().expand("~SEQ(i,1,9) x").unwrap_err().to_string();
        assert_eq!(message, "~SEQ is not supported by lvsdeck: write the lines out");
    }
}

//! One line of a file → the lines that it stands for: conditions, definitions and sequences.
//!
//! ```text
//! @id rest, @^id rest               rest, where the node is (not) called id
//! $NAME=value                       nothing; what follows may use it
//! ~SEQ(v, start, step, end) rest    rest for each value of v; ~SEQx writes v in hexadecimal
//! ~LST(v, a, b) rest                rest for each value; ~LST({v,w}, {1,2}, {3,4}) sets several at a time
//! .. $NAME ..                       the value in its place; each line of a value is read anew, so it may be any of these
//! ```
//!
//! Facts of the order are those of keepalived 2.2.7. What a file grows to is bounded, whatever it says.

use super::definitions::{DefinitionError, Definitions};

/// All expanded text of one configuration, in bytes: keepalived's own example makes 65,024 instances of 500 bytes each.
pub(super) const LARGEST: usize = 64 << 20;
/// Lines that are looked at while expanding.
pub(super) const MOST_LINES: usize = 2_000_000;
/// Definitions may use definitions, and sequences stand in sequences, this deep.
const DEEPEST: usize = 32;

/// How many times the work on a line counts that comes to nothing: a file that is full of such lines is none to run.
const MISTAKE: usize = 16;

/// What is left of a line behind `@id` or `@^id`; none when the line is not for this node.
pub(super) fn condition<'t>(line: &'t str, node: &str) -> Option<&'t str> {
    let Some(rest) = line.trim_start().strip_prefix('@') else { return Some(line) };
    let (id, rest) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
    let holds = match id.strip_prefix('^') {
        Some(id) => id != node,
        None => id == node,
    };
    holds.then_some(rest)
}

/// Whether a line may stand for something else than itself; conditions are no reason.
pub(super) fn may_expand(line: &str) -> bool {
    !line.starts_with(['#', '!']) && (line.contains('$') || line.starts_with('~'))
}

/// The lines that `line` stands for; none when that is the line itself.
pub(super) fn expand(definitions: &mut Definitions, line: &str) -> Result<Option<String>, DefinitionError> {
    let mut text = String::new();
    let before = definitions.work_left;
    if let Err(error) = read(definitions, line, &mut text, 0) {
        let more = (before - definitions.work_left).saturating_mul(MISTAKE - 1);
        return Err(definitions.work(more, first_name(line)).err().unwrap_or(error));
    }
    definitions.spent.0 += text.len();
    Ok((text.trim_end() != line).then_some(text))
}

fn read(definitions: &mut Definitions, line: &str, out: &mut String, depth: usize) -> Result<(), DefinitionError> {
    definitions.spent.1 += 1;
    if definitions.spent.0 + out.len() > LARGEST || definitions.spent.1 > MOST_LINES {
        return Err(DefinitionError::TooLarge);
    }
    definitions.work(line.len() + 1, first_name(line))?;
    let Some(line) = condition(line, &definitions.node) else { return Ok(()) };
    let line = line.trim();
    if definitions.define(line) {
        return Ok(());
    }
    if line.starts_with("~SEQ") || line.starts_with("~LST") {
        return sequence(definitions, line, out, depth);
    }
    let Some((text, used)) = definitions.replaced(line)? else {
        out.push_str(line);
        out.push('\n');
        return Ok(());
    };
    if depth >= DEEPEST {
        return Err(DefinitionError::Recursive(used));
    }
    // An empty value may leave nothing at all, and that is no line.
    text.lines().filter(|line| !line.trim().is_empty()).try_for_each(|line| read(definitions, line, out, depth + 1))
}

/// `~SEQ(…) rest`, `~SEQx(…) rest` and `~LST(…) rest`.
fn sequence(definitions: &mut Definitions, line: &str, out: &mut String, depth: usize) -> Result<(), DefinitionError> {
    let (head, rest) = line.split_once('(').ok_or_else(|| wrong("~ begins a sequence, and its ( is missing"))?;
    let (inner, rest) = rest.split_once(')').ok_or_else(|| wrong("the ) of the sequence is missing"))?;
    if depth >= DEEPEST {
        return Err(wrong("sequences stand in each other too deep"));
    }
    let head = head.trim_end();
    let replaced = if head == "~LST" { None } else { definitions.replaced(inner)? };
    let inner = replaced.map_or_else(|| inner.to_owned(), |(text, _)| text);
    let items = items(&inner).ok_or_else(|| wrong("a { of the list is not closed"))?;
    let (names, values) = items.split_first().ok_or_else(|| wrong("the sequence names no variable"))?;
    if names.iter().any(|name| name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')) {
        return Err(wrong("the variable's name is not made of letters, digits and _"));
    }
    let before: Vec<_> = names.iter().map(|name| definitions.take(name)).collect();
    let result = run(definitions, head, (names, values), |definitions| read(definitions, rest, out, depth + 1));
    // As in keepalived the last value stays, for the lines below too.
    for (name, before) in names.iter().zip(before) {
        definitions.keep(name, before);
    }
    result
}

/// Reads what stands behind a sequence, once for each of its values.
fn run(
    definitions: &mut Definitions,
    head: &str,
    (names, values): (&[String], &[Vec<String>]),
    mut rest: impl FnMut(&mut Definitions) -> Result<(), DefinitionError>,
) -> Result<(), DefinitionError> {
    let mut each = |values: &[String]| {
        names.iter().zip(values).for_each(|(name, value)| definitions.set(name, value));
        rest(definitions)
    };
    match head {
        "~LST" if values.iter().any(|tuple| tuple.len() != names.len()) => {
            Err(wrong("an item has not as many values as there are variables"))
        }
        "~LST" if values.iter().flatten().any(|value| value.contains(char::is_whitespace)) => {
            Err(wrong("an item of the list has a space in it"))
        }
        "~LST" if values.iter().flatten().any(|value| value.contains("${")) => {
            Err(wrong("the values of a list are taken as they stand, and ${…} is none of them"))
        }
        "~LST" if values.is_empty() => Err(wrong("the list has no values")),
        "~LST" => values.iter().try_for_each(|tuple| each(tuple)),
        "~SEQ" | "~SEQx" => {
            let mut numbers = Numbers::of(values).ok_or_else(|| wrong("start, step and end are not whole numbers"))?;
            if numbers.step == 0 {
                return Err(wrong("a step of 0 never comes to the end"));
            }
            if (numbers.end - numbers.next).signum() == -numbers.step.signum() {
                return Err(wrong("its steps lead away from the end"));
            }
            numbers.try_for_each(|n| each(&[if head == "~SEQx" { format!("{n:x}") } else { n.to_string() }]))
        }
        _ => Err(wrong("what begins with ~ is neither ~SEQ, ~SEQx nor ~LST")),
    }
}

/// What is wrong with a sequence.
fn wrong(what: &str) -> DefinitionError {
    DefinitionError::Sequence(what.to_owned())
}

/// The variables that a sequence names, as far as that can be read.
pub(super) fn variables(line: &str) -> Vec<&str> {
    let inner = line.split_once('(').map_or("", |(_, inner)| inner).trim_start();
    let names = match inner.strip_prefix('{') {
        Some(several) => several.split('}').next(),
        None => inner.split([',', ')', ' ']).next(),
    };
    names.unwrap_or("").split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// The first name that a line says, of a definition or of a sequence's variable.
fn first_name(line: &str) -> &str {
    let name = line.find(['$', '(']).and_then(|at| line.get(at + 1..)).unwrap_or(line).trim_start_matches(['{', ' ']);
    name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// The parts between commas; one in braces is a tuple, and behind the last comma stands one too, if an empty one.
fn items(inner: &str) -> Option<Vec<Vec<String>>> {
    let (mut items, mut rest) = (Vec::new(), inner.trim());
    while !rest.is_empty() {
        let (item, behind) = match rest.strip_prefix('{') {
            Some(tuple) => tuple.split_once('}').map(|(tuple, behind)| (tuple, behind.trim_start()))?,
            None => rest.split_at(rest.find(',').unwrap_or(rest.len())),
        };
        items.push(if rest.starts_with('{') {
            item.split(',').map(|part| part.trim().to_owned()).collect()
        } else {
            vec![item.trim().to_owned()]
        });
        let Some(more) = behind.strip_prefix(',') else {
            rest = behind.trim_start();
            continue;
        };
        rest = more.trim_start();
        if rest.is_empty() {
            items.push(vec![String::new()]);
        }
    }
    Some(items)
}

/// The numbers of a sequence.
struct Numbers {
    next: i64,
    step: i64,
    end: i64,
}

impl Numbers {
    /// Of `[end]`, `[start, end]` or `[start, step, end]`.
    fn of(values: &[Vec<String>]) -> Option<Self> {
        let numbers: Option<Vec<i64>> = values.iter().map(|v| v.first().and_then(|word| number(word))).collect();
        let towards = |from: i64, to: i64| if to < from { -1 } else { 1 };
        match numbers?.as_slice() {
            [end] => {
                let start = if *end < 0 { -1 } else { 1 };
                Some(Self { next: start, step: towards(start, *end), end: *end })
            }
            [start, end] => Some(Self { next: *start, step: towards(*start, *end), end: *end }),
            [start, step, end] => Some(Self { next: *start, step: *step, end: *end }),
            _ => None,
        }
    }
}

impl Iterator for Numbers {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let n = self.next;
        let inside = if self.step > 0 { n <= self.end } else { n >= self.end };
        self.next = n.checked_add(self.step)?;
        inside.then_some(n)
    }
}

/// A whole number with a sign, decimal, octal behind a 0 or hexadecimal behind 0x; bounded so that sums can't overflow. Nothing is 0.
fn number(word: &str) -> Option<i64> {
    if word.is_empty() {
        return Some(0);
    }
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hexadecimal) => (hexadecimal, 16),
        None => (digits, if digits.starts_with('0') { 8 } else { 10 }),
    };
    let value = i64::from(u32::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))?);
    Some(if word.starts_with('-') { -value } else { value })
}

#[cfg(test)]
mod tests;

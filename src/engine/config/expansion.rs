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
    read(definitions, line, &mut text, 0)?;
    definitions.spent.0 += text.len();
    Ok((text.trim_end() != line).then_some(text))
}

fn read(definitions: &mut Definitions, line: &str, out: &mut String, depth: usize) -> Result<(), DefinitionError> {
    definitions.spent.1 += 1;
    if definitions.spent.0 + out.len() > LARGEST || definitions.spent.1 > MOST_LINES {
        return Err(DefinitionError::TooLarge);
    }
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
    let wrong = |what: &str| {
        DefinitionError::Sequence(format!("{what}; write ~SEQ(NAME, START, STEP, END) or ~LST(NAME, VALUE, VALUE)"))
    };
    let (head, rest) = line.split_once('(').ok_or_else(|| wrong("~ begins a sequence, and its ( is missing"))?;
    let (inner, rest) = rest.split_once(')').ok_or_else(|| wrong("the ) of the sequence is missing"))?;
    if depth >= DEEPEST {
        return Err(wrong("sequences stand in each other too deep"));
    }
    let inner = definitions.replaced(inner)?.map_or_else(|| inner.to_owned(), |(text, _)| text);
    let items = items(&inner).ok_or_else(|| wrong("a { of the list is not closed"))?;
    let (names, values) = items.split_first().ok_or_else(|| wrong("the sequence names no variable"))?;
    if names.iter().any(|name| name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')) {
        return Err(wrong("the variable's name is not made of letters, digits and _"));
    }
    let before: Vec<_> = names.iter().map(|name| definitions.get(name).map(str::to_owned)).collect();
    let mut each = |values: &[String]| {
        names.iter().zip(values).for_each(|(name, value)| definitions.set(name, value));
        read(definitions, rest, out, depth + 1)
    };
    match head {
        "~LST" if values.iter().any(|tuple| tuple.len() != names.len()) => {
            return Err(wrong("an item has not as many values as there are variables"));
        }
        "~LST" => values.iter().try_for_each(|tuple| each(tuple))?,
        "~SEQ" | "~SEQx" => {
            let mut numbers = Numbers::of(values).ok_or_else(|| wrong("start, step and end are not whole numbers"))?;
            if numbers.step == 0 {
                return Err(wrong("a step of 0 never comes to the end"));
            }
            numbers.try_for_each(|n| each(&[if head == "~SEQx" { format!("{n:x}") } else { n.to_string() }]))?;
        }
        _ => return Err(wrong("what begins with ~ is neither ~SEQ, ~SEQx nor ~LST")),
    }
    names.iter().zip(before).for_each(|(name, before)| definitions.restore(name, before));
    Ok(())
}

/// The parts between commas; one in braces is a tuple.
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
        rest = behind.strip_prefix(',').unwrap_or(behind).trim_start();
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
            [end] => Some(Self { next: towards(0, *end), step: towards(0, *end), end: *end }),
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

/// A whole number with a sign, decimal or `0x…`; bounded so that sums can't overflow.
fn number(word: &str) -> Option<i64> {
    let (negative, digits) = word.strip_prefix('-').map_or((false, word), |rest| (true, rest));
    let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    u32::try_from(value).ok().map(|_| if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Result<Vec<String>, DefinitionError> {
        let mut definitions = Definitions::new("main", 1);
        let mut all = Vec::new();
        for line in text.lines() {
            let expanded = expand(&mut definitions, line)?.unwrap_or_else(|| line.to_owned());
            all.extend(expanded.lines().map(str::to_owned));
        }
        Ok(all)
    }

    #[test]
    fn a_definition_is_resolved_at_its_use_and_may_use_others() {
        let text = "$BASE=10.2.${SUB}\n$SUB=0\n${BASE}.100/32\n$SUB=10\n${BASE}.100/32";
        assert_eq!(lines(text).unwrap(), ["10.2.0.100/32", "10.2.10.100/32"]);
        assert_eq!(lines("$IF=@main\n$IF priority 240\n$NO=@other\n$NO x").unwrap(), ["priority 240"]);
        assert_eq!(lines("@main $P=240\n@backup $P=200\npriority $P").unwrap(), ["priority 240"]);
    }

    #[test]
    fn each_line_of_a_value_is_read_anew() {
        let mut definitions = Definitions::new("main", 1);
        definitions.define("$RS=\\\nreal ${N} {\\\n}");
        definitions.define("$VS=\\\nvirtual {\\\n$N=1\\\n$RS\\\n$N=2\\\n$RS\\\n}");
        assert_eq!(expand(&mut definitions, "$VS").unwrap().unwrap(), "virtual {\nreal 1 {\n}\nreal 2 {\n}\n}\n");
        definitions.define("$EMPTY=");
        assert_eq!(expand(&mut definitions, "$EMPTY").unwrap().unwrap(), "");
    }

    #[test]
    fn sequences_count_up_and_down_and_in_hexadecimal() {
        for (line, want) in [
            ("~SEQ(S, 0, 3) ${S}.1", "0.1 1.1 2.1 3.1"),
            ("~SEQ(S,3) $S", "1 2 3"),
            ("~SEQ(S,-2) $S", "-1 -2"),
            ("~SEQ(S,3,1) $S", "3 2 1"),
            ("~SEQ(S,1,2,6) $S", "1 3 5"),
            ("~SEQx(S,144,16,192) $S", "90 a0 b0 c0"),
            ("~SEQx(S, 0x90, 0x10, 0xa0) ~SEQx(T, 0xb, -1, 0xa) ${S}:${T}", "90:b 90:a a0:b a0:a"),
            ("~SEQ(S,1,-1,2) $S", ""),
        ] {
            assert_eq!(lines(line).unwrap().join(" "), want, "{line}");
        }
    }

    #[test]
    fn lists_set_one_variable_or_several() {
        let text = "~LST({A,   B},  {10,1},{20,4})  ~SEQ(C,168,2,170)  192.${C}.${A}.${B}";
        assert_eq!(lines(text).unwrap(), ["192.168.10.1", "192.170.10.1", "192.168.20.4", "192.170.20.4"]);
        assert_eq!(lines("$V=a\n~LST(V, b, c) $V\n$V").unwrap(), ["b", "c", "a"], "a variable is as it was before");
        assert_eq!(lines("$MANY=2\n~SEQ(I,1,$MANY) x${I}").unwrap(), ["x1", "x2"]);
    }

    #[test]
    fn what_never_ends_or_grows_too_large_is_refused() {
        assert_eq!(lines("$A=$B\n$B=$A\n$A").unwrap_err().to_string(), "$A uses itself");
        let mut definitions = Definitions::new("main", 1);
        for i in 0..30 {
            definitions.define(&format!("$A{i}=${{A{n}}}${{A{n}}}${{A{n}}}xx", n = i + 1));
        }
        assert_eq!(expand(&mut definitions, "$A0"), Err(DefinitionError::LineTooLong));
        for endless in ["@other x", "some words"] {
            let mut definitions = Definitions::new("main", 1);
            definitions.spent = (LARGEST - 100_000, MOST_LINES - 10_000);
            let line = format!("~SEQ(A,1,4000000000) ~SEQ(B,1,4000000000) {endless}");
            assert_eq!(expand(&mut definitions, &line), Err(DefinitionError::TooLarge));
        }
    }

    #[test]
    fn a_sequence_that_is_none_says_what_is_missing() {
        for (line, what) in [
            ("~SEQ(I,1,$X) y", "start, step and end are not whole numbers"),
            ("~SEQ(I,1,0,3) y", "a step of 0 never comes to the end"),
            ("~SEQ I 1 3", "its ( is missing"),
            ("~SEQ(I,1,3 y", "the ) of the sequence is missing"),
            ("~SEQ() y", "names no variable"),
            ("~SEQ(a b,3) y", "the variable's name"),
            ("~LST({A,B},{1}) y", "not as many values"),
            ("~LST({A,B y) ", "not closed"),
            ("~SEQy(I,3) y", "neither ~SEQ, ~SEQx nor ~LST"),
            ("~SEQ(I) y", "start, step and end"),
        ] {
            let told = lines(line).unwrap_err().to_string();
            assert!(told.contains(what), "{line}: {told}");
        }
    }
}

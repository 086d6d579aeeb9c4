//! A reader of `OpenMetrics` 1.0 that refuses whatever the standard does not allow, written from its text.

use std::collections::{BTreeMap, BTreeSet};

/// What was read.
#[derive(Debug, Default)]
pub struct Exposition {
    /// Type by family.
    pub families: BTreeMap<String, String>,
    /// Value by name with labels, as written.
    pub series: BTreeMap<String, f64>,
}

/// Why it is none.
#[derive(Debug)]
pub struct Problem(pub String);

fn ensure(right: bool, problem: impl FnOnce() -> String) -> Result<(), Problem> {
    if right { Ok(()) } else { Err(Problem(problem())) }
}

/// The family whose samples are being read.
#[derive(Default)]
struct Current {
    name: String,
    kind: String,
    described: BTreeSet<String>,
    sampled: bool,
}

impl Exposition {
    pub fn read(text: &str) -> Result<Self, Problem> {
        let body =
            text.strip_suffix("# EOF\n").ok_or_else(|| Problem("it does not end with # EOF and a line feed".into()))?;
        ensure(body.is_empty() || body.ends_with('\n'), || "a line does not end".into())?;
        let mut read = Self::default();
        let mut current = Current::default();
        for line in body.lines() {
            ensure(!line.contains('\r') && !line.is_empty(), || {
                format!("an empty line or a carriage return: {line:?}")
            })?;
            match line.strip_prefix("# ") {
                Some(metadata) => read.metadata(metadata, &mut current)?,
                None => read.sample(line, &mut current)?,
            }
        }
        Ok(read)
    }

    fn metadata(&mut self, line: &str, current: &mut Current) -> Result<(), Problem> {
        let mut words = line.splitn(3, ' ');
        let (keyword, name, text) =
            (words.next().unwrap_or(""), words.next().unwrap_or(""), words.next().unwrap_or(""));
        ensure(is_name(name, true), || format!("{name:?} is no name"))?;
        if name != current.name {
            ensure(!self.families.contains_key(name), || format!("the family {name} is interrupted"))?;
            *current = Current { name: name.to_owned(), kind: "unknown".to_owned(), ..Current::default() };
            self.families.insert(name.to_owned(), current.kind.clone());
        }
        ensure(!current.sampled, || format!("metadata of {name} after its samples"))?;
        ensure(current.described.insert(keyword.to_owned()), || format!("{keyword} of {name} twice"))?;
        match keyword {
            "TYPE" => {
                let known = ["gauge", "counter", "info", "stateset"].contains(&text);
                ensure(known, || format!("{name} has the type {text:?}"))?;
                for ending in ["_total", "_info", "_created", "_bucket", "_count", "_sum"] {
                    ensure(!name.ends_with(ending), || format!("the family {name} ends in {ending}"))?;
                }
                text.clone_into(&mut current.kind);
                self.families.insert(name.to_owned(), text.to_owned());
                Ok(())
            }
            "UNIT" => ensure(name.ends_with(&format!("_{text}")), || format!("{name} does not end in its unit {text}")),
            "HELP" => ensure(!text.is_empty(), || format!("{name} has no help")),
            other => Err(Problem(format!("unknown metadata {other}"))),
        }
    }

    fn sample(&mut self, line: &str, current: &mut Current) -> Result<(), Problem> {
        let end = line.find(['{', ' ']).ok_or_else(|| Problem(format!("no value: {line}")))?;
        let (name, rest) = line.split_at(end);
        let ending = match current.kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        ensure(name == format!("{}{ending}", current.name), || {
            format!("{name} stands in the family {}", current.name)
        })?;
        let (labels, value) = match rest.strip_prefix('{') {
            Some(rest) => read_labels(rest)?,
            None => (Vec::new(), rest),
        };
        let value = value.strip_prefix(' ').ok_or_else(|| Problem(format!("no space before the value: {line}")))?;
        let number: f64 = value.parse().map_err(|_| Problem(format!("{value:?} is no number: {line}")))?;
        let plain = value.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
        ensure(plain, || format!("{value:?} is no plain number"))?;
        match current.kind.as_str() {
            "counter" => ensure(number >= 0.0, || format!("a counter below 0: {line}"))?,
            "info" => ensure(value == "1", || format!("an info is 1: {line}"))?,
            "stateset" => {
                ensure(value == "0" || value == "1", || format!("a state is 0 or 1: {line}"))?;
                ensure(labels.contains(&current.name), || format!("no label with the state: {line}"))?;
            }
            _ => {}
        }
        current.sampled = true;
        let series = line.strip_suffix(value).unwrap_or(line).trim_end().to_owned();
        let twice = self.series.insert(series, number).is_some();
        ensure(!twice, || format!("twice: {line}"))
    }
}

/// The names of labels, and what follows the closing brace.
fn read_labels(mut rest: &str) -> Result<(Vec<String>, &str), Problem> {
    let broken = |rest: &str| Problem(format!("broken labels: {rest}"));
    let mut names = Vec::new();
    loop {
        let (name, after) = rest.split_once("=\"").ok_or_else(|| broken(rest))?;
        ensure(is_name(name, false), || format!("{name:?} is no name of a label"))?;
        ensure(!names.contains(&name.to_owned()), || format!("the label {name} twice"))?;
        names.push(name.to_owned());
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next() {
                Some((at, '"')) => break at,
                Some((_, '\\')) => {
                    let escaped = characters.next().map(|(_, c)| c);
                    ensure(matches!(escaped, Some('\\' | '"' | 'n')), || format!("escaped {escaped:?}"))?;
                }
                Some(_) => {}
                None => return Err(broken(rest)),
            }
        };
        let after = &after[end + 1..];
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok((names, after.strip_prefix('}').ok_or_else(|| broken(after))?)),
        }
    }
}

fn is_name(name: &str, colon: bool) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':');
    !name.is_empty()
        && name.chars().all(allowed)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.starts_with("__")
}

#[test]
fn the_reader_refuses_what_the_standard_does_not_allow() {
    let good = "# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds x\na_seconds_total{b=\"c\\n\"} 1.5\n# EOF\n";
    assert_eq!(Exposition::read(good).unwrap().series.get("a_seconds_total{b=\"c\\n\"}"), Some(&1.5));
    for bad in [
        "a 1\n",
        "# TYPE a gauge\na 1\na 2\n# EOF\n",
        "# TYPE a counter\na 1\n# EOF\n",
        "# TYPE a_total counter\na_total_total 1\n# EOF\n",
        "# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n",
        "# TYPE a gauge\na{b=\"c\"d\"} 1\n# EOF\n",
        "# TYPE a gauge\na NaN\n# EOF\n",
        "# TYPE a gauge\n\na 1\n# EOF\n",
        "# TYPE a stateset\na{b=\"c\"} 1\n# EOF\n",
        "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# HELP a x\n# EOF\n",
        "# TYPE a counter\na_total -1\n# EOF\n",
    ] {
        assert!(Exposition::read(bad).is_err(), "{bad}");
    }
}

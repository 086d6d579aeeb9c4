//! `regex` against an answer. Each pattern is compiled once.
//!
//! keepalived 2.2.7 looks at whatever one read brings: head and body where they come together, as small answers do, and the body
//! alone where it comes after its head (measured). Here both are looked at, however they come.

use crate::engine::health::Verdict;
use crate::engine::model::BodyPattern;
use fancy_regex::Regex;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many compiled patterns are kept.
const KEPT: usize = 4_096;

/// Whether it is found in one of the texts, or in none, as is wanted. Bytes that are no UTF-8 count as one strange character each.
pub(super) fn judge(texts: &[&[u8]], wanted: &BodyPattern) -> Result<(), Verdict> {
    let Some(regex) = compiled(&wanted.regex) else { return super::failed("the regex can't be compiled") };
    let latest = wanted.until.map(|until| until.saturating_sub(wanted.from));
    let mut is_there = false;
    for text in texts {
        let text = String::from_utf8_lossy(text.get(wanted.from..).unwrap_or_default());
        is_there |= match regex.find(&text) {
            Ok(found) => found.is_some_and(|found| latest.is_none_or(|latest| found.start() <= latest)),
            Err(_) => return super::failed("the regex gives up on the answer: it goes back too often"),
        };
    }
    match (is_there, wanted.absent) {
        (true, false) | (false, true) => Ok(()),
        (false, false) => super::failed("regex does not match"),
        (true, true) => super::failed("regex matches, and must not"),
    }
}

fn compiled(pattern: &str) -> Option<Arc<Regex>> {
    static COMPILED: Mutex<Option<HashMap<String, Arc<Regex>>>> = Mutex::new(None);
    let mut all = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let all = all.get_or_insert_default();
    if let Some(known) = all.get(pattern) {
        return Some(Arc::clone(known));
    }
    let regex = Arc::new(Regex::new(pattern).ok()?);
    if all.len() >= KEPT {
        all.clear();
    }
    all.insert(pattern.to_owned(), Arc::clone(&regex));
    Some(regex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_counts_within_its_bounds() {
        let pattern = |regex: &str, absent, from, until| BodyPattern { regex: regex.to_owned(), absent, from, until };
        for (wanted, good) in [
            (pattern("b+", false, 0, None), true),
            (pattern("B+", false, 0, None), false),
            (pattern("(?i)B+", false, 0, None), true),
            (pattern("(?<=a)bb", false, 0, None), true),
            (pattern("b", true, 0, None), false),
            (pattern("x", true, 0, None), true),
            (pattern("a", false, 2, None), false),
            (pattern("b", false, 1, Some(2)), true),
            (pattern("b", false, 0, Some(1)), false),
            (pattern("a", false, 99, None), false),
        ] {
            assert_eq!(judge(&[b"aabb\xff"], &wanted).is_ok(), good, "{wanted:?}");
        }
    }

    #[test]
    fn a_pattern_that_goes_back_for_ever_is_given_up() {
        let wanted = BodyPattern { regex: "(a+)+\\1$x".to_owned(), absent: false, from: 0, until: None };
        let said = judge(&["a".repeat(64).as_bytes()], &wanted);
        assert!(
            matches!(&said, Err(Verdict::Failed(why)) if why.contains("gives up") || why.contains("does not")),
            "{said:?}"
        );
    }
}

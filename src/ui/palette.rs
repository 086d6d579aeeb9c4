//! Finding an action by some of its letters: what the palette and the help page show. Pure.

use super::intent::Intent;
use super::keymap::{BINDINGS, Binding};
use std::cmp::Reverse;

/// How many lines the palette remembers.
pub const REMEMBERED: usize = 50;

/// What stands in a line of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// An action.
    Action(Intent),
    /// A line that was used before.
    Recent(String),
    /// An order for a demonstration: its words, and what it does.
    Order(&'static str, &'static str),
}

/// How well some letters fit a text, in its order; none where they do not. Higher fits better: at the beginning, at the
/// beginnings of words, one behind the other.
pub fn fit(letters: &str, text: &str) -> Option<i32> {
    let mut score = 0;
    let mut last: Option<usize> = None;
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let mut from = 0;
    for letter in letters.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let is_start = |at: usize| at == 0 || text.get(at - 1).is_some_and(|before| !before.is_alphanumeric());
        let rest = || (from..text.len()).filter(|at| text.get(*at) == Some(&letter));
        let next = last.map(|last| last + 1);
        // The letter right behind the last one; else one that begins a word; else the first.
        let at = rest()
            .find(|at| Some(*at) == next)
            .or_else(|| rest().find(|at| is_start(*at)))
            .or_else(|| rest().next())?;
        score += match (Some(at) == next, is_start(at)) {
            (true, _) => 8,
            (false, true) => 6,
            (false, false) => 0,
        };
        if last.is_none() {
            score -= i32::try_from(at.min(20)).unwrap_or(20);
        }
        (last, from) = (Some(at), at + 1);
    }
    Some(score)
}

/// How well letters fit an action: its name counts more than what it does.
fn fit_action(letters: &str, binding: &Binding) -> Option<i32> {
    let name = binding.intent.name();
    let by_name =
        fit(letters, name).map(|score| 100 + score + if name.eq_ignore_ascii_case(letters) { 1_000 } else { 0 });
    // In a sentence any letters are found somewhere: only words as they are written count.
    let words = || letters.split_whitespace().all(|word| binding.help.to_lowercase().contains(&word.to_lowercase()));
    by_name.or_else(|| words().then_some(0))
}

/// The actions that letters fit, the best first; all of them in the order of the table for no letters.
pub fn actions(letters: &str) -> Vec<&'static Binding> {
    let fitting = BINDINGS.iter().filter_map(|binding| Some((fit_action(letters, binding)?, binding)));
    let mut found: Vec<(i32, &Binding)> = fitting.collect();
    if !letters.trim().is_empty() {
        found.sort_by_key(|(score, _)| Reverse(*score));
    }
    found.into_iter().map(|(_, binding)| binding).collect()
}

/// The same in a demonstration, with its orders on top.
pub fn entries_with(orders: &'static [(&'static str, &'static str)], typed: &str, recent: &[String]) -> Vec<Entry> {
    let word = split(typed).0.to_lowercase();
    let fits = orders.iter().filter(|(words, _)| words.starts_with(&word));
    fits.map(|(words, what)| Entry::Order(words, what)).chain(entries(typed, recent)).collect()
}

/// What the palette shows for what is typed: before anything is, what was used last, the newest first.
pub fn entries(typed: &str, recent: &[String]) -> Vec<Entry> {
    let (letters, arguments) = split(typed);
    let actions = actions(letters).into_iter().map(|binding| Entry::Action(binding.intent));
    if typed.trim().is_empty() {
        return recent.iter().rev().cloned().map(Entry::Recent).chain(actions).collect();
    }
    if arguments.is_empty() {
        return actions.collect();
    }
    let taking: Vec<Entry> =
        actions.filter(|entry| matches!(entry, Entry::Action(intent) if !intent.arguments().is_empty())).collect();
    // Words that no action takes are meant as a search.
    if taking.is_empty() { self::actions(typed).into_iter().map(|b| Entry::Action(b.intent)).collect() } else { taking }
}

/// The action's letters and what follows them.
pub fn split(typed: &str) -> (&str, &str) {
    let typed = typed.trim_start();
    typed.split_once(char::is_whitespace).map_or((typed, ""), |(letters, rest)| (letters, rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(typed: &str) -> Entry {
        entries(typed, &[]).into_iter().next().unwrap()
    }

    #[test]
    fn letters_in_their_order_find_an_action_and_the_better_fit_comes_first() {
        for (typed, intent) in [
            ("w", Intent::Weight),
            ("drain", Intent::Drain),
            ("fo", Intent::Fold),
            ("fail", Intent::Failover),
            ("adse", Intent::AddServer),
            ("np", Intent::NextProblem),
            ("shutdown", Intent::Stop),
            ("soft failover", Intent::Priority),
        ] {
            assert_eq!(first(typed), Entry::Action(intent), "{typed}");
        }
        assert_eq!(fit("xyz", "weight"), None);
        assert_eq!(fit("gw", "weight"), None, "the order counts");
    }

    #[test]
    fn every_action_is_found_by_its_name_alone() {
        for intent in Intent::ALL {
            assert_eq!(first(intent.name()), Entry::Action(intent));
        }
    }

    #[test]
    fn what_follows_the_name_is_its_argument() {
        assert_eq!(split("weight  +10 "), ("weight", "+10"));
        assert_eq!(first("we 10"), Entry::Action(Intent::Weight));
        assert_eq!(first("failover --blind --for 5m"), Entry::Action(Intent::Failover));
        assert!(entries("d 60s", &[]).iter().all(|e| !matches!(e, Entry::Action(Intent::Detach))));
    }

    #[test]
    fn before_anything_is_typed_stands_what_was_used_last() {
        let recent = vec!["weight 5".to_owned(), "drain".to_owned()];
        let shown = entries("", &recent);
        assert_eq!(shown[..2], [Entry::Recent("drain".into()), Entry::Recent("weight 5".into())]);
        assert_eq!(shown.len(), 2 + Intent::ALL.len());
    }
}

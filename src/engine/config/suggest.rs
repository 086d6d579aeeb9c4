//! Which known word was meant by an unknown one.

/// Longest word that suggestions are computed for.
const LONGEST: usize = 40;

/// The candidate nearest to `word`, when it is near enough to be a misspelling of it. The first one wins a tie.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(LONGEST + 1).map(|c| c.to_ascii_lowercase()).collect();
    if word.len() > LONGEST {
        return None;
    }
    let limit = (word.len() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if candidate.chars().take(word.len() + limit + 1).count().abs_diff(word.len()) > limit {
            continue;
        }
        let distance = distance(&word, candidate, limit);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The same, or the only candidate that `word` is the beginning of (`proto`).
pub(super) fn nearest_or_longer<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    nearest(word, candidates.iter().copied()).or_else(|| {
        let mut longer = candidates.iter().filter(|candidate| word.len() > 3 && candidate.starts_with(word));
        longer.next().copied().filter(|_| longer.next().is_none())
    })
}

/// Insertions, deletions, substitutions and swaps of neighbours that lead from one word to the other
/// (optimal string alignment); more than `limit` where it is more than that.
fn distance(word: &[char], other: &str, limit: usize) -> usize {
    let other: Vec<char> = other.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    for (i, a) in word.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let replace = at(&above, j) + usize::from(a != b);
            let mut best = replace.min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && word.get(i - 1) == Some(b) && other.get(j - 1) == Some(a);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
        if [&before, &above].into_iter().flatten().all(|distance| *distance > limit) {
            return limit + 1;
        }
    }
    at(&above, other.len())
}

/// What to say of the first character in `word` that no keyword has: a letter that only looks Latin, a space that is none.
pub(super) fn foreign_letter(word: &str, place: &str) -> Option<String> {
    let letter = word.chars().find(|c| !c.is_ascii() && !c.is_control())?;
    // Ideographs, kana and hangul look like no Latin letter: they are of a sentence.
    if matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}') {
        let code = u32::from(letter);
        return Some(format!("'{letter}' (U+{code:04X}) in {place} is of a sentence: a comment begins with # or !"));
    }
    Some(format!("'{letter}' (U+{:04X}) in {place} is no plain letter or space: retype the word", u32::from(letter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 5] = ["weight", "retry", "virtual_router_id", "vrrp_script", "priority"];

    #[test]
    fn a_misspelt_word_is_recognised() {
        for (wrong, right) in [
            ("weigth", "weight"),
            ("vvrp_script", "vrrp_script"),
            ("virtual_routerid", "virtual_router_id"),
            ("PRIORITY", "priority"),
            ("prіоrity", "priority"), // two Cyrillic letters
        ] {
            assert_eq!(nearest(wrong, WORDS), Some(right), "{wrong}");
        }
    }

    #[test]
    fn a_different_word_gets_no_suggestion() {
        for word in ["hello", "", "x", &"weight".repeat(100)] {
            assert_eq!(nearest(word, WORDS), None, "{word}");
        }
    }

    #[test]
    fn a_beginning_is_recognised_where_it_is_the_only_one() {
        assert_eq!(nearest_or_longer("prio", &WORDS), Some("priority"));
        assert_eq!((nearest_or_longer("pri", &WORDS), nearest_or_longer("vrrpx", &WORDS)), (None, None));
        assert_eq!(nearest_or_longer("vrrp_", &["vrrp_a", "vrrp_b"]), Some("vrrp_a"), "one letter too few");
        assert_eq!(nearest_or_longer("vrrp", &["vrrp_aa", "vrrp_bb"]), None, "which of them?");
    }
}

//! Keeps passwords out of quoted lines.

use std::ops::Range;

/// The line with everything behind a word that announces a secret replaced by `***`, spelling mistakes included.
pub(super) fn masked(line: &str) -> String {
    match secret_from(line) {
        Some(at) => format!("{} ***", line.get(..at).unwrap_or("")),
        None => line.to_owned(),
    }
}

/// Where the first secret of a line begins: behind the word that announces it.
fn secret_from(line: &str) -> Option<usize> {
    let mut word_start = None;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        if c.is_alphanumeric() || c == '_' || c == '-' {
            word_start.get_or_insert(at);
        } else if let Some(start) = word_start.take() {
            let rest = line.get(at..).unwrap_or("");
            let word = line.get(start..at).unwrap_or("");
            let misplaced = word == "auth_type" && !is_kind(rest.split_whitespace().next().unwrap_or(""));
            // `authentication PASS 1066` on one line, and `auth_type PASS 1066`.
            let behind_type = word.eq_ignore_ascii_case("PASS") && !rest.contains("auth_");
            if (announces_secret(word) || misplaced || behind_type) && has_value(rest) {
                return Some(at);
            }
        }
    }
    None
}

/// The parts of a line that may be secret: each from the word that announces it to the next `}`.
pub(super) fn parts(line: &str) -> Vec<Range<usize>> {
    let (mut parts, mut from) = (Vec::new(), 0);
    while let Some(start) = line.get(from..).and_then(secret_from).map(|at| from + at) {
        let end = line.get(start..).and_then(|rest| rest.find('}')).map_or(line.len(), |length| start + length);
        parts.push(start..end);
        from = end;
    }
    parts
}

/// A message about the place `at` of a line, without what may be a secret of that line, in these parts: a word that it quotes from
/// there, and any word that stands there.
pub(super) fn cleared(message: &str, line: &str, parts: &[Range<usize>], at: usize) -> String {
    if parts.is_empty() {
        return message.to_owned();
    }
    let is_secret = parts.iter().any(|part| part.contains(&at));
    let plain = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let words = parts.iter().filter_map(|part| line.get(part.clone())).flat_map(str::split_whitespace).map(plain);
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    let hides = |word: &str| {
        let word = plain(word);
        words.iter().any(|secret| *secret == word || (secret.len() > 2 && word.contains(secret.as_str())))
    };
    let pieces = message.split('"').enumerate().map(|(number, piece)| {
        if is_secret && number % 2 == 1 {
            return "***".to_owned();
        }
        piece.split(' ').map(|word| if hides(word) { "***" } else { word }).collect::<Vec<_>>().join(" ")
    });
    pieces.collect::<Vec<_>>().join("\"")
}

/// The line's indentation and `***`.
pub(super) fn hidden(line: &str) -> String {
    let indentation: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    indentation + "***"
}

/// Whether what a word is followed by may be a secret.
pub(super) fn announces_secret(word: &str) -> bool {
    if is_kind(word) {
        return false; // the value of `auth_type`
    }
    let word = word.to_ascii_lowercase();
    let tail = word.strip_prefix("auth").is_some_and(|rest| rest.contains('p') && !rest.contains("type"));
    tail || word.contains("pass") || word.contains("secret") || word == "key" || word == "pwd"
}

/// Whether a word is a kind of authentication as people write it, and so no password.
pub(super) fn is_kind(word: &str) -> bool {
    let word = word.trim_end_matches([';', ',']);
    ["PASS", "AH"].iter().any(|kind| kind.eq_ignore_ascii_case(word))
}

fn has_value(rest: &str) -> bool {
    rest.chars().any(|c| !c.is_whitespace() && !matches!(c, '{' | '}' | ';' | ','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_masked_in_every_spelling_of_its_word() {
        for word in ["auth_pass", "auth_pas", "auth_psas", "Auth_Pass", "authpass", "password", "key", "auth-pass"] {
            assert_eq!(masked(&format!("\t{word} 1066 # x")), format!("\t{word} ***"));
        }
        assert_eq!(
            masked("authentication { auth_type PASS auth_pass 1066 }"),
            "authentication { auth_type PASS auth_pass ***"
        );
        assert_eq!(masked("auth_pass \"a b"), "auth_pass ***");
        assert_eq!(masked("auth_type 1066"), "auth_type ***");
        assert_eq!(masked("authentication PASS 1066"), "authentication PASS ***");
    }

    #[test]
    fn a_message_does_not_say_what_the_line_hides() {
        let line = "10.0.0.9 auth_pass hunter2 dev eth0";
        let told = |message, at| cleared(message, line, &parts(line), at);
        assert_eq!(
            told("unknown word \"hunter2\" behind an address; it is ignored", 19),
            "unknown word \"***\" behind an address; it is ignored"
        );
        assert_eq!(told("scope hunter2 is unknown", 0), "scope *** is unknown");
        assert_eq!(
            told("unknown word \"auth_pass\" behind an address", 9),
            "unknown word \"auth_pass\" behind an address"
        );
        let one = "authentication { auth_type PASS auth_pass 1066 } priorty 5";
        let told = |message, word| cleared(message, one, &parts(one), one.find(word).unwrap());
        assert_eq!(told("unknown word \"priorty\"", "priorty"), "unknown word \"priorty\"");
        assert_eq!(told("\"1066\" is not used", "1066"), "\"***\" is not used");
    }

    #[test]
    fn other_lines_stay_as_they_are() {
        for line in [
            "auth_type PASS",
            "auth_type PASS;",
            "auth_type pass",
            "    auth_pass",
            "authentication {",
            "notify \"/bin/x y\"",
            "",
        ] {
            assert_eq!(masked(line), line);
        }
    }
}

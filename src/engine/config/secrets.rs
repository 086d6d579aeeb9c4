//! Keeps passwords out of quoted lines.

/// The line with everything behind a word that announces a secret replaced by `***`, spelling mistakes included.
pub(super) fn masked(line: &str) -> String {
    let mut word_start = None;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        if c.is_alphanumeric() || c == '_' || c == '-' {
            word_start.get_or_insert(at);
        } else if let Some(start) = word_start.take() {
            let rest = line.get(at..).unwrap_or("");
            let word = line.get(start..at).unwrap_or("");
            let misplaced =
                word == "auth_type" && !["PASS", "AH"].iter().any(|kind| rest.trim_start().starts_with(kind));
            // `authentication PASS 1066` on one line, and `auth_type PASS 1066`.
            let behind_type = word == "PASS" && !rest.contains("auth_");
            if (announces_secret(word) || misplaced || behind_type) && has_value(rest) {
                return format!("{} ***", line.get(..at).unwrap_or(""));
            }
        }
    }
    line.to_owned()
}

/// The line's indentation and `***`.
pub(super) fn hidden(line: &str) -> String {
    let indentation: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    indentation + "***"
}

/// Whether what a word is followed by may be a secret.
pub(super) fn announces_secret(word: &str) -> bool {
    if word == "PASS" {
        return false; // the value of `auth_type`
    }
    let word = word.to_ascii_lowercase();
    let tail = word.strip_prefix("auth").is_some_and(|rest| rest.contains('p') && !rest.contains("type"));
    tail || word.contains("pass") || word.contains("secret") || word == "key" || word == "pwd"
}

fn has_value(rest: &str) -> bool {
    rest.chars().any(|c| !c.is_whitespace() && c != '{' && c != '}')
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
    fn other_lines_stay_as_they_are() {
        for line in ["auth_type PASS", "    auth_pass", "authentication {", "notify \"/bin/x y\"", ""] {
            assert_eq!(masked(line), line);
        }
    }
}

//! What `lvsdeck explain` says of what is no word of a block: elements of the language, values, and options behind
//! addresses. A table of data.

use super::options::OPTIONS;
use crate::engine::model::SCHEDULERS;

/// How an element is written (`{}`: the name that was asked for), its names, and what it is.
pub(super) struct Phrase {
    names: &'static [&'static str],
    written: &'static str,
    meaning: &'static str,
}

pub(super) const fn phrase(names: &'static [&'static str], written: &'static str, meaning: &'static str) -> Phrase {
    Phrase { names, written, meaning }
}

const PHRASES: &[Phrase] = &[
    phrase(
        &["include"],
        "include FILE",
        "the file's text, relative to the including file; *, ?, […] and {a,b} match several, in order of their names; a \
         missing file is a warning",
    ),
    phrase(
        &["includer", "includem", "includew", "includeb", "includea"],
        "includea FILE",
        "include where an unreadable file (includer), a missing file (includem), a pattern without match (includew), a \
         missing word of braces (includeb), or any of them (includea) is an error",
    ),
    phrase(
        &["@", "@id", "@^", "@^id"],
        "@NODE …, @^NODE …",
        "the line counts where the node is (not) called NODE: the host's name up to its first dot, or --config-id ID",
    ),
    phrase(
        &["$", "$name", "${name}", "definition"],
        "$NAME=VALUE; $NAME, ${NAME}",
        "a definition, without spaces around the =, and its value where it is used",
    ),
    phrase(&["_PWD", "${_PWD}"], "${_PWD}", "the directory of the file that is read"),
    phrase(&["_INSTANCE", "${_INSTANCE}"], "${_INSTANCE}", "the name that @id is compared with"),
    phrase(&["_RANDOM", "${_RANDOM}"], "${_RANDOM MIN MAX}", "a whole number, 0 to 32767 where nothing is said"),
    phrase(&["_ENV", "${_ENV}"], "${_ENV NAME}", "a variable of the environment"),
    phrase(
        &["_HASH", "_BANG", "${_HASH}", "${_BANG}"],
        "${_HASH}, ${_BANG}",
        "# and !, for the value of a definition that is used in double quotes",
    ),
    phrase(
        &["~seq", "~seqx", "seq"],
        "~SEQ(v, START, STEP, END) …",
        "the rest of the line for each value, with $v in it; START defaults to 1 or -1, STEP to 1 or -1; ~SEQx writes \
         hexadecimal numbers",
    ),
    phrase(
        &["~lst", "lst"],
        "~LST(v, a, b) …, ~LST({v,w}, {1,2}, {3,4}) …",
        "the rest of the line for each value, or each set of values",
    ),
    phrase(&["#", "!", "comment"], "# …, ! …", "a comment, anywhere outside of double quotes"),
    phrase(&["\"", "\"\"", "quote", "quotes"], "\"a b\"", "one word, which ends at the next \""),
    phrase(
        &["'", "''", "apostrophe"],
        "it's",
        "a letter of the value; only in a command line and in a regex it is a quote",
    ),
    phrase(
        &["on", "off", "yes", "no", "true", "false"],
        "on, yes, true; off, no, false",
        "behind a word that takes \"nothing, on or off\"; a word that takes nothing holds whatever stands behind it",
    ),
    phrase(
        &["NAT"],
        "lb_kind NAT",
        "packets to a real server get its address and port, and the answers come back through the director; nat PREFIX is a kind of \
         route that no kernel has any more",
    ),
    phrase(
        &["DR"],
        "lb_kind DR",
        "packets go to the real server's MAC address unchanged; it holds the service's address on lo and answers the client itself",
    ),
    phrase(&["TUN"], "lb_kind TUN", "packets go to the real server in an IP tunnel; it answers the client itself"),
    phrase(
        &["MASTER", "BACKUP"],
        "state MASTER, state BACKUP",
        "the state that the node should have first; every instance starts as backup, and the priority decides",
    ),
    phrase(
        &["PASS", "AH"],
        "auth_type PASS",
        "a password in each advertisement, in clear; AH: a digest of each with the password",
    ),
    phrase(&["TCP", "UDP", "SCTP"], "protocol TCP", "the transport protocol of a service"),
    phrase(&["inet", "inet6"], "ip_family inet6", "IPv4 or IPv6, of a firewall-mark service, a route or a rule"),
    phrase(
        &["brd", "broadcast"],
        "ADDRESS brd BROADCAST",
        "the broadcast address; + has all bits of the host set, - has none of them set; broadcast PREFIX dev INTERFACE is a kind of route",
    ),
    phrase(&["dev"], "ADDRESS dev INTERFACE", "the interface that an address or a route is on"),
    phrase(&["label"], "ADDRESS label NAME", "the label of an IPv4 address, 15 characters at most"),
    phrase(&["scope"], "ADDRESS scope SCOPE", "global, site, link, host, or a number up to 255"),
    phrase(&["peer"], "ADDRESS peer ADDRESS", "the other end of a point-to-point link"),
    phrase(&["reverse"], "weight N reverse", "the weight counts the other way round"),
    phrase(
        &["min_ttl", "max_ttl"],
        "ADDRESS min_ttl N max_ttl N",
        "which TTL or hop limit the advertisements of a unicast peer may have",
    ),
];

/// What is to be said of an element of the language or of a value; none where it is neither.
pub fn explain_phrase(word: &str) -> Option<String> {
    if let Some((_, name, meaning)) = SCHEDULERS.iter().find(|(_, name, _)| name.eq_ignore_ascii_case(word)) {
        return Some(format!("lb_algo {name}\n  means    {meaning}\n"));
    }
    let told = |phrase: &Phrase| {
        let name = phrase.names.iter().find(|name| name.eq_ignore_ascii_case(word))?;
        Some(format!("{}\n  means    {}\n", phrase.written.replace("{}", name), phrase.meaning))
    };
    let all: Vec<_> = PHRASES.iter().chain(OPTIONS).filter_map(told).collect();
    (!all.is_empty()).then(|| all.join("\n"))
}

/// Every name that [`explain_phrase`] knows, schedulers left out.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PHRASES.iter().chain(OPTIONS).flat_map(|phrase| phrase.names).copied()
}

#[cfg(test)]
mod tests {
    use super::super::{Block, Value};
    use super::*;

    #[test]
    fn values_and_elements_of_the_language_are_explained() {
        for word in ["include", "~SEQ", "~LST", "@id", "rr", "wrr", "DR", "nat", "TUN", "brd", "${_PWD}"] {
            assert!(explain_phrase(word).is_some_and(|text| text.contains("means")), "{word}");
        }
        assert_eq!(explain_phrase("weigth"), None);
    }

    /// Each word that a line of the language may be made of, the tables of `lower` included.
    #[test]
    fn every_word_that_a_value_may_be_is_explained() {
        let choices = Block::ALL.into_iter().flat_map(Block::keywords).flat_map(|keyword| match keyword.value {
            Value::Choice(words) | Value::Exactly(words) => words,
            _ => &[],
        });
        let values = choices.copied().filter(|word| super::super::explain(word).is_empty());
        // A word that begins lines of its own elsewhere has to be told as a word of lists all the same.
        let all: Vec<&str> = values.chain(super::super::super::words_of_lists()).collect();
        let silent: Vec<_> = all.iter().filter(|word| explain_phrase(word).is_none()).collect();
        assert!(all.len() > 100 && silent.is_empty(), "{silent:?}");
    }

    #[test]
    fn an_explanation_is_written_with_the_word_that_was_asked_for() {
        for word in ["pref", "quickack", "track_group", "l3mdev", "lookup", "dport", "dupnames", "maxlen"] {
            let told = explain_phrase(word).unwrap();
            assert!(told.split_once('\n').is_some_and(|(written, _)| written.contains(word)), "{told}");
        }
        assert!(explain_phrase("priority").is_some_and(|told| told.starts_with("priority N\n")));
    }

    #[test]
    fn no_name_stands_in_the_table_twice() {
        let mut names: Vec<_> = names().map(str::to_ascii_lowercase).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}

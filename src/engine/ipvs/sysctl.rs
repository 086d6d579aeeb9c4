//! The words of `net.ipv4.vs` that decide how connections are kept, drained and handed over: what each does and what it is by default.
//!
//! Values are text as the kernel writes them. Facts are from `Documentation/networking/ipvs-sysctl.rst` and
//! `net/netfilter/ipvs/ip_vs_ctl.c`; the lab compares the defaults with a fresh kernel. `docs/sysctls.md` is made of this table.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// One word, as it is in this network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sysctl {
    /// Below `net.ipv4.vs.`.
    pub name: String,
    /// As it is.
    pub value: String,
    /// As a kernel begins; none where that depends on the host, or where the word is not known to lvsdeck.
    pub default: Option<String>,
    /// What it does; empty where the word is not known to lvsdeck.
    pub effect: String,
    /// Whom its value hurts here, and what to type instead.
    pub warning: Option<String>,
}

/// A word that is known.
struct Word {
    name: &'static str,
    default: Option<&'static str>,
    effect: &'static str,
}

const fn word(name: &'static str, default: &'static str, effect: &'static str) -> Word {
    Word { name, default: Some(default), effect }
}

/// What decides about draining and failover first, then the rest, each by name.
const WORDS: &[Word] = &[
    word(
        "conn_reuse_mode",
        "1",
        "whether a client that takes a port again is scheduled anew (1; 2: after FIN too) or gets the server of its old connection, at \
         weight 0 too (0). Before Linux 5.16, 0 also turned expire_nodest_conn off",
    ),
    word(
        "expire_nodest_conn",
        "0",
        "1: a packet to a server that was removed ends its connection, and the next one is sent to another server; 0: such packets are \
         dropped until the connection times out",
    ),
    word(
        "expire_quiescent_template",
        "0",
        "1: persistence ends at weight 0, so that a drain ends; 0: a client that is bound to a server gets it at weight 0 too",
    ),
    word(
        "drop_entry",
        "0",
        "defence that throws half-open connections away: 0 never, 1 while memory is short (the kernel shows 2 then), 3 always",
    ),
    word(
        "drop_packet",
        "0",
        "defence that throws one packet in am_droprate away: 0 never, 1 while memory is short (the kernel shows 2 then), 3 always",
    ),
    word(
        "secure_tcp",
        "0",
        "defence by shorter TCP time-outs and later connections: 0 never, 1 while memory is short (the kernel shows 2 then), 3 always",
    ),
    word(
        "run_estimation",
        "1",
        "0: the kernel neither adds its counters up nor estimates rates; all numbers of services and servers stand still",
    ),
    word(
        "sync_persist_mode",
        "0",
        "1: of persistent connections only the template is sent to the other director, not each connection",
    ),
    word(
        "sync_ports",
        "1",
        "threads of the sync daemon, each with a port of its own; must be the same on both directors",
    ),
    Word {
        name: "sync_qlen_max",
        default: None,
        effect: "messages that may wait for the sync daemon; those beyond are lost. By default a part of the memory",
    },
    word(
        "sync_refresh_period",
        "0",
        "seconds between two messages about a connection whose state stays; 0: by sync_threshold alone",
    ),
    word(
        "sync_retries",
        "0",
        "how often (0 to 3) a connection is sent again soon after the first time, for links that lose messages",
    ),
    word("sync_sock_size", "0", "bytes of the sync daemon's socket buffer; 0: the system's size"),
    word(
        "sync_threshold",
        "3\t50",
        "packets that a connection must have had before it is sent to the other director, and after how many more it is sent again",
    ),
    word("sync_version", "1", "format of the messages: 0 only where the other director's kernel is older than 2.6.39"),
    word("am_droprate", "10", "of so many packets drop_packet 3 drops one"),
    word("amemthresh", "1024", "free memory, in pages, below which the defences at 1 begin"),
    word(
        "backup_only",
        "0",
        "1: a director whose backup sync daemon runs does not schedule: for directors that are each other's real servers",
    ),
    word(
        "cache_bypass",
        "0",
        "1: with a transparent proxy and no server left, packets go straight to where they were addressed",
    ),
    word(
        "conntrack",
        "0",
        "1: balanced connections are also tracked by netfilter: needed for SNAT rules and matches by state; costs processor time",
    ),
    word("debug_level", "0", "messages in the kernel's log, in kernels built for that: 0 none to 12 all"),
    word("est_cpulist", "", "processors on which the estimator's threads run (Linux 6.2); empty: all"),
    word("est_nice", "0", "nice value of the estimator's threads (Linux 6.2)"),
    word("ignore_tunneled", "0", "1: packets that another director has tunnelled to this one are not scheduled again"),
    word("lblc_expiration", "86400", "seconds for which lblc keeps an unused destination in mind"),
    word("lblcr_expiration", "86400", "seconds for which lblcr keeps an unused destination in mind"),
    word(
        "nat_icmp_send",
        "0",
        "1: with NAT, a packet that belongs to no connection is answered with ICMP port unreachable",
    ),
    word(
        "pmtu_disc",
        "1",
        "1: packets that are too large for a tunnel are refused with ICMP (path MTU discovery); 0: they may be cut into fragments",
    ),
    word(
        "schedule_icmp",
        "0",
        "1: an ICMP error without a connection is scheduled by the packet in it: for directors that share an address by ECMP",
    ),
    word(
        "sloppy_sctp",
        "0",
        "1: an SCTP connection may begin with any packet, as after a fail-over without a sync daemon",
    ),
    word(
        "sloppy_tcp",
        "0",
        "1: a TCP connection may begin with any packet, as after a fail-over without a sync daemon; the scheduler must choose alike on both (sh, mh)",
    ),
    word(
        "snat_reroute",
        "1",
        "1: a NAT server's replies are routed by their new source address; 0: where the server's address would go",
    ),
];

/// The words that are there with what they do, known ones first and in the order of the table. `warned` gives what is to be said
/// against a word's value.
pub fn listing(found: &BTreeMap<String, String>, warned: impl Fn(&str) -> Option<String>) -> Vec<Sysctl> {
    let known = WORDS.iter().filter_map(|word| {
        let value = found.get(word.name)?.clone();
        let default = word.default.map(str::to_owned);
        Some(Sysctl {
            name: word.name.to_owned(),
            value,
            default,
            effect: word.effect.to_owned(),
            warning: warned(word.name),
        })
    });
    let others = found.iter().filter(|(name, _)| !WORDS.iter().any(|word| word.name == **name));
    let others = others.map(|(name, value)| Sysctl {
        name: name.clone(),
        value: value.clone(),
        default: None,
        effect: String::new(),
        warning: warned(name),
    });
    known.chain(others).collect()
}

impl Sysctl {
    /// Whether somebody, or the kernel itself, changed it.
    pub fn is_changed(&self) -> bool {
        self.default.as_ref().is_some_and(|default| *default != self.value)
    }
}

/// The page of all words, in Markdown.
pub fn page() -> String {
    let mut page = String::from(
        "# `net.ipv4.vs`: the kernel's words about balancing\n\n\
         `lvsdeck ctl sysctls` shows them with their values in the engine's network namespace, `GET /v1/sysctls` gives them as JSON\n\
         ([schema](schema/sysctls.json)). A value that hurts a configured service has a warning, the same as on the console and in the\n\
         status (`docs/warnings.md`). lvsdeck changes none of them: the next line of a warning is the command to type.\n\n\
         The words are there once `ip_vs` is loaded, for each network namespace by itself; older kernels have fewer.\n\n\
         | word | default | what it does |\n|---|---|---|\n",
    );
    for word in WORDS {
        let default = match word.default {
            None => "depends".to_owned(),
            Some("") => "empty".to_owned(),
            Some(default) => format!("`{}`", default.replace('\t', " ")),
        };
        let _ = writeln!(page, "| `{}` | {default} | {} |", word.name, word.effect);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_come_first_with_default_effect_and_warning_and_unknown_ones_are_not_hidden() {
        let found =
            [("brand_new", "7"), ("am_droprate", "10"), ("expire_nodest_conn", "1"), ("sync_threshold", "3\t50")];
        let found = found.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let all = listing(&found, |name| (name == "expire_nodest_conn").then(|| "it hurts".to_owned()));
        let names: Vec<&str> = all.iter().map(|word| word.name.as_str()).collect();
        assert_eq!(names, ["expire_nodest_conn", "sync_threshold", "am_droprate", "brand_new"]);
        assert_eq!(all.iter().map(Sysctl::is_changed).collect::<Vec<_>>(), [true, false, false, false]);
        assert_eq!((all[0].warning.as_deref(), all[1].warning.as_deref()), (Some("it hurts"), None));
        assert!(all[0].effect.contains("ends its connection") && all[3].effect.is_empty());
    }

    #[test]
    fn no_word_is_there_twice() {
        let names: std::collections::BTreeSet<&str> = WORDS.iter().map(|word| word.name).collect();
        assert_eq!(names.len(), WORDS.len());
    }
}

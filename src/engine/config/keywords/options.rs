//! What `lvsdeck explain` says of the words that stand behind addresses, routes, rules and single words. A table of data.

use super::phrases::{Phrase, phrase};

/// `regex_options` of keepalived that the regex is read without.
pub(in super::super) const REGEX_UNUSED: &[&str] = &[
    "allow_empty_class",
    "alt_bsux",
    "alt_circumflex",
    "alt_verbnames",
    "dupnames",
    "firstline",
    "match_unset_backref",
    "no_auto_capture",
];
/// Those that change nothing of what matches here: speed alone, or what holds anyway.
pub(in super::super) const REGEX_IDLE: &[&str] = &[
    "auto_callout",
    "dollar_endonly",
    "never_backslash_c",
    "never_ucp",
    "never_utf",
    "no_auto_possess",
    "no_dotstar_anchor",
    "no_start_optimize",
    "ucp",
    "use_offset_limit",
    "utf",
];

/// Each word of the lists that lines are read by.
pub(super) const OPTIONS: &[Phrase] = &[
    phrase(
        &["1.0", "1.0C", "1.1"],
        "http_protocol {}",
        "the version of HTTP that is asked with: 1.0, 1.1, or 1.0C, which is 1.0 with Connection: close",
    ),
    phrase(
        &["A", "AAAA", "CNAME", "NS", "SOA", "MX", "TXT", "RRSIG", "DNSKEY"],
        "type {}",
        "the record that a DNS_CHECK asks for; any answer without an error passes",
    ),
    phrase(
        &["initial", "partial"],
        "param_match {}",
        "how the parameters of a tracked process are compared: more may follow (partial), or the last one may be longer (initial)",
    ),
    phrase(&["home"], "ADDRESS home", "an IPv6 address is the home address of Mobile IPv6"),
    phrase(
        &["nodad", "-nodad"],
        "ADDRESS -nodad",
        "an IPv6 address serves at once (nodad, as it is anyway), or once no neighbour has it (-nodad)",
    ),
    phrase(&["mngtmpaddr"], "ADDRESS mngtmpaddr", "the kernel makes temporary IPv6 addresses from this one"),
    phrase(&["use_vmac"], "ADDRESS use_vmac", "the address is on an interface with the virtual MAC of its instance"),
    phrase(&["noprefixroute"], "ADDRESS noprefixroute", "the address makes no route to its subnet"),
    phrase(&["autojoin"], "ADDRESS autojoin", "a multicast address: its group is joined"),
    phrase(
        &["preferred_lft"],
        "ADDRESS preferred_lft 0",
        "0: the address is not used for new connections of this host",
    ),
    phrase(
        &["no_track"],
        "ADDRESS no_track, ROUTE no_track, RULE no_track",
        "nothing follows when somebody removes it; a route may have another protocol then",
    ),
    phrase(&["to"], "to PREFIX", "where a route leads to, or the destination that a rule is for"),
    phrase(&["from"], "from PREFIX", "the sources that a rule is for; a route with it is left out"),
    phrase(&["via", "gw"], "PREFIX {} ADDRESS", "the router that a route leads over"),
    phrase(&["src"], "PREFIX via ADDRESS src ADDRESS", "the address that this host sends from on a route"),
    phrase(&["oif"], "oif INTERFACE", "the interface of a route, or that a rule is for when this host sends"),
    phrase(&["iif"], "iif INTERFACE", "the interface that a rule is for when packets come in"),
    phrase(
        &["table", "lookup"],
        "{} N",
        "the routing table of a route, or that a rule leads to: a number, main, local or default",
    ),
    phrase(
        &["main", "local", "default"],
        "table {}",
        "the tables 254, 255 and 253; default is also the route to everywhere, and local a route to this host",
    ),
    phrase(&["all", "any"], "to {}", "everywhere, as default"),
    phrase(&["metric"], "PREFIX via ADDRESS metric N", "the metric of a route; priority and preference are the same"),
    phrase(
        &["preference", "order", "priority"],
        "{} N",
        "the place of a rule among all rules, or the metric of a route",
    ),
    phrase(&["tos", "dsfield"], "{} N", "the type of service that a route or a rule is for"),
    phrase(
        &["protocol"],
        "PREFIX via ADDRESS protocol N no_track",
        "who set a route, a number or a name; without no_track it is 18, keepalived. A rule is set without it, and check says so",
    ),
    phrase(
        &["static", "kernel", "boot", "bird", "keepalived"],
        "PREFIX via ADDRESS protocol {} no_track",
        "who set a route; without no_track it is keepalived, 18",
    ),
    phrase(&["onlink"], "PREFIX via ADDRESS onlink", "the router is on the link, whatever the addresses say"),
    phrase(
        &["nexthop"],
        "PREFIX nexthop via ADDRESS dev INTERFACE weight N",
        "one of several routers of a route; weights are from 1 to 256",
    ),
    phrase(
        &["weight"],
        "PREFIX nexthop via ADDRESS weight N; NAME weight N",
        "the share that one of several routers of a route has, from 1 to 256; what something that is tracked adds to the priority",
    ),
    phrase(
        &["mtu", "window", "advmss", "hoplimit", "initcwnd", "initrwnd"],
        "PREFIX via ADDRESS {} N",
        "a metric of a route, as with ip route",
    ),
    phrase(&["lock"], "PREFIX via ADDRESS mtu lock N", "not acted on: the kernel may change the value"),
    phrase(
        &["unicast", "blackhole", "unreachable", "prohibit", "throw"],
        "{} PREFIX",
        "the kind of a route, unicast where nothing is said; of a rule, what becomes of its packets",
    ),
    phrase(&["multicast", "anycast"], "{} PREFIX dev INTERFACE", "the kind of a route, as broadcast is one"),
    phrase(&["xresolve"], "{} PREFIX", "a kind of route that no kernel has any more: the line is left out"),
    phrase(
        &["type"],
        "type blackhole; lb_kind TUN type ipip",
        "what becomes of the packets of a rule, which may be said without this word too; the kind of tunnel: ipip, gue or gre",
    ),
    phrase(&["add"], "add PREFIX …", "nothing: routes are added"),
    phrase(
        &[
            "append",
            "prepend",
            "or",
            "rtt",
            "rttvar",
            "reordering",
            "cwnd",
            "ssthresh",
            "realms",
            "rto_min",
            "quickack",
            "features",
            "pref",
            "as",
            "ttl-propagate",
            "fastopen_no_cookie",
            "congctl",
            "expires",
            "track_group",
        ],
        "PREFIX via ADDRESS {} …",
        "not acted on: the route, or the rule, is set without it, and check says so",
    ),
    phrase(
        &["encap", "vrf", "tunnel-id", "l3mdev"],
        "… {} …",
        "not acted on: the route, or the rule, is left out, and check says so",
    ),
    phrase(&["fwmark"], "fwmark MARK/MASK", "the firewall mark that a rule is for"),
    phrase(&["goto"], "goto N", "a rule leads on to the rule with preference N"),
    phrase(&["nop"], "nop", "a rule does nothing"),
    phrase(&["not"], "not from PREFIX", "a rule is for what does not fit the rest of it"),
    phrase(&["uidrange"], "uidrange FIRST-LAST", "the users that a rule is for"),
    phrase(&["ipproto"], "ipproto tcp", "the protocol that a rule is for, by name or number"),
    phrase(
        &["icmp", "igmp", "esp", "ipv6-icmp", "ospf", "vrrp"],
        "ipproto {}",
        "a protocol above IP, as are tcp, udp, sctp, gre and ah",
    ),
    phrase(&["sport", "dport"], "{} FIRST-LAST", "the ports that a rule is for"),
    phrase(
        &["suppress_prefixlength", "suppress_ifgroup"],
        "{} N",
        "routes that a rule leads to do not count with prefixes up to this length, or by interfaces of this group",
    ),
    phrase(
        &["caseless", "dotall", "extended", "multiline", "ungreedy"],
        "regex_options {}",
        "how regex is read: capital letters are as small ones; . is a line's end too; white space and # comments do not \
         count; ^ and $ are of lines; repeats take as little as they can",
    ),
    phrase(REGEX_IDLE, "regex_options {}", "nothing of what matches changes by it here"),
    phrase(REGEX_UNUSED, "regex_options {}", "not acted on: the regex is read without it, and check says so"),
    phrase(
        &["readable", "match", "wildcard_match", "brace_match"],
        "include_check {}",
        "which shortcomings of an include below are errors: a file that can't be read, a file that is not there, a pattern \
         without match, a word of braces without a file; + and - before a word change it alone",
    ),
    phrase(
        &["global", "site", "link", "nowhere"],
        "ADDRESS scope {}",
        "where an address or a route is of use: 0, 200, 253 and 255",
    ),
    phrase(
        &["noreverse", "no_reverse"],
        "NAME weight N {}",
        "the weight counts as it is, whatever the definition says",
    ),
    phrase(&["overwrite"], "init_file N overwrite", "N is written to the file at the start, also where there is one"),
    phrase(
        &["id", "maxlen", "inst", "port", "ttl", "group"],
        "lvs_sync_daemon eth0 VI_1 id 3 maxlen 1400 port 8848 ttl 1 group 224.0.0.81",
        "the words of the sync daemon: the number that both nodes share, the largest packet, and where it is sent; port is the UDP port \
         of lb_kind TUN type gue too",
    ),
    phrase(
        &["tcpfin"],
        "lvs_timeouts tcp 900 tcpfin 120 udp 300",
        "seconds that IPVS keeps a connection without a packet",
    ),
    phrase(&["VS"], "lvs_flush_on_stop VS", "only the services of the file are removed at the end"),
    phrase(
        &["ipip", "gue", "gre"],
        "lb_kind TUN type {}",
        "what is around the packets to a real server: another IP header; UDP to the port that has to be said (type gue port 6080); GRE",
    ),
    phrase(
        &["csum", "nocsum", "remcsum"],
        "lb_kind TUN type gre {}",
        "whether the header of a tunnel has a checksum: yes; no, which counts where nothing is said; left to the far end, gue alone",
    ),
    phrase(&["sip"], "persistence_engine sip", "not acted on: the client's address decides"),
];

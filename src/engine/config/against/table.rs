//! What keepalived 2.2.7 does where lvsdeck says something. A table of data, measured with Debian's keepalived 2.2.7 on the
//! files of `tests/config/corpus`; `tests/config/oracle` compares again.

/// A kind of message.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Kind {
    /// The message's code.
    pub code: &'static str,
    /// Whether lvsdeck does not run then.
    pub is_error: bool,
    /// What keepalived does; nothing where it does the same as lvsdeck.
    pub keepalived: &'static str,
    /// Why lvsdeck does otherwise.
    pub reason: &'static str,
}

const fn refused(code: &'static str, keepalived: &'static str, reason: &'static str) -> Kind {
    Kind { code, is_error: true, keepalived, reason }
}

const fn told(code: &'static str, keepalived: &'static str, reason: &'static str) -> Kind {
    Kind { code, is_error: false, keepalived, reason }
}

const fn same(code: &'static str, is_error: bool) -> Kind {
    Kind { code, is_error, keepalived: "", reason: "" }
}

const NOT_AS_WRITTEN: &str =
    "what would run is not what is written: an address that nobody holds is worse than a refused start";
const PASTED: &str = "no reading of such a file is what its author meant";
const NOTHING_READ: &str = "says so, and runs with nothing to do";
const SILENT: &str = "keepalived runs it too and says nothing; the message is advice";

/// Every kind of message.
pub(in super::super) const KINDS: &[Kind] = &[
    refused(
        "bad-address",
        "says so, leaves the address, the peer, the server or the service out, and runs on",
        NOT_AS_WRITTEN,
    ),
    refused("bad-bytes", "says so and checks without these bytes", NOT_AS_WRITTEN),
    refused("bad-escape", "runs the command with that byte, or with nothing from a zero byte on", "a command is text"),
    refused("bad-digest", "says so and compares no digest", NOT_AS_WRITTEN),
    refused("bad-mark", "reads fwmark 0 as a service on a random address", NOT_AS_WRITTEN),
    refused(
        "bad-name",
        "asks for . instead of a name with an empty label, and for one that is too long as it is written",
        "no server can answer: such a check never passes",
    ),
    refused("bad-netmask", "takes the mask as it is written", "the kernel knows masks with all ones in front only"),
    refused(
        "bad-path",
        "asks for the path as it is written",
        "servers answer such a request with an error, so the check never passes",
    ),
    refused(
        "bad-regex",
        "says nothing and runs on",
        "lvsdeck's expressions are Perl's without recursion, callouts and verbs",
    ),
    refused("bad-route", "says so and leaves the route out", NOT_AS_WRITTEN),
    refused("bad-status", "says so and leaves the codes out", NOT_AS_WRITTEN),
    refused(
        "brace-in-other-file",
        "reads on as if both files were one",
        "a block that one file opens and another one closes breaks as soon as one of them changes",
    ),
    refused("defined-twice", "makes the service once and its real servers as they come", PASTED),
    refused(
        "definition",
        "leaves an unknown one as it stands, and never ends with one that uses itself or grows without end",
        "a configuration is read in bounded time and memory",
    ),
    refused("extra-brace", "says so, and ignores the brace", PASTED),
    refused(
        "include",
        "says so and runs without the file; one that includes itself is read until no more files can be opened",
        "a configuration is read in bounded time and memory",
    ),
    refused("missing-brace", "says that a } is missing, and reads what follows as unknown words", PASTED),
    refused(
        "no-peer",
        "is in FAULT, as unicast_fault_no_peer asks for",
        "an instance that can never work is told before it starts",
    ),
    refused("not-a-number", "says so, and leaves the line out, or takes 0 for it", NOT_AS_WRITTEN),
    refused("open-quote", "says so, leaves the line out, and may crash", NOT_AS_WRITTEN),
    refused(
        "out-of-range",
        "says so, and leaves the line out; it does not run either without virtual_router_id",
        NOT_AS_WRITTEN,
    ),
    refused("empty", "takes the empty word for the value", "nothing is no name of anything"),
    refused("no-such-file", NOTHING_READ, "a router without its configuration guards nothing"),
    refused("is-a-directory", NOTHING_READ, "a router without its configuration guards nothing"),
    refused("not-a-file", NOTHING_READ, "a router without its configuration guards nothing"),
    refused("unreadable", NOTHING_READ, "a router without its configuration guards nothing"),
    refused(
        "not-utf-8",
        "reads the bytes as they are, and runs",
        "what messages, the console and the API show is text: a byte that is none could not be told from another",
    ),
    refused("not-text", "takes a zero byte for a space, and runs", "a file with zero bytes is none that anybody wrote"),
    refused(
        "relative-path",
        "takes the path as it is written, below whatever directory it was started in",
        "under systemd that is /, by hand it is another one",
    ),
    refused("stray-brace", "says so, and ignores the brace", PASTED),
    refused("template", "reads its braces as those of blocks, and runs with what is left, if at all", PASTED),
    refused(
        "thresholds",
        "says nothing; the kernel refuses the real server",
        "the kernel refuses it here as well, so it is told before",
    ),
    refused("too-deep", "has no such limit", "a configuration is read in bounded time and memory"),
    refused("too-large", "has no such limit", "a configuration is read in bounded time and memory"),
    refused(
        "too-many-addresses",
        "sets the addresses beyond 255 without advertising them",
        "an address that is not advertised is for virtual_ipaddress_excluded, where it is plain to see",
    ),
    refused(
        "unexpected-block",
        "takes the brace for a word of the line, and the words inside for those of the enclosing block",
        PASTED,
    ),
    refused("unknown-name", "starts no sync daemon", NOT_AS_WRITTEN),
    refused("unknown-word", "says so and leaves the word out", NOT_AS_WRITTEN),
    refused(
        "missing-word",
        "does not run either where an instance lacks its interface or virtual_router_id; a check without a port goes to port 0",
        "such a check never passes",
    ),
    refused("bad-interface", "does not run either, or waits for an interface that never comes", NOT_AS_WRITTEN),
    refused(
        "missing-parameter",
        "refuses to run as well, but for some words that it leaves out with a message",
        "a word without its value says nothing",
    ),
    refused("missing-block", "says so, and takes the next brace for one of the block around it", PASTED),
    same("same-vrid", true),
    same("two-names", true),
    same("no-address", true),
    refused("bad-mac", "says so and uses the MAC address of virtual_router_id", NOT_AS_WRITTEN),
    refused("same-virtual-link", "disables the later instance", NOT_AS_WRITTEN),
    told("weight-too-small", "says nothing", SILENT),
    told("weight-without-effect", "says nothing", SILENT),
    told("not-acted-on", "does what the word says", "see docs/config.md for what lvsdeck does instead"),
    same("missing-brace", false),
    same("unknown-word", false),
    same("no-delay", false),
    same("two-names", false),
    same("unknown-scheduler", false),
    same("unfit-address", false),
    same("bad-netmask", false),
    refused("mixed-families", "says so and connects from any address", NOT_AS_WRITTEN),
    same("not-a-number", false),
    told("unit", "takes it for so many millionths of a second", "so many seconds are meant"),
    same("no-broadcast", false),
    told(
        "no-port",
        "connects to port 0, so that the check never passes",
        "the port of the service, or else of the protocol, is meant",
    ),
    same("bad-mac", false),
    same("from-base", false),
    same("strict", false),
    same("deprecated", false),
    told("no-effect", "says so of vmac_xmit_base, and nothing of track_group", SILENT),
    told(
        "drops",
        "says nothing",
        "it does the same; an address that answers nobody looks like a failure to most operators",
    ),
    told(
        "unknown-block",
        "ignores the first line only, and reads the lines inside as words of the block around it",
        "the lines of a misspelt block are no words of another one",
    ),
    same("unknown-name", false),
    told("shared-address", "says nothing: it sets the address for both", SILENT),
    told("group-priorities", "says nothing", SILENT),
    told("no-link-local", "says nothing", SILENT),
    told("no-shell", "says nothing", SILENT),
    told("single-quotes", "says nothing: it takes them for letters of the value too", SILENT),
    told("lost-escape", "says nothing: it reads the regex so too", SILENT),
    told("prefix-unused", "says nothing: it does not use the prefix length either", SILENT),
    told("not-utf-8", "says nothing: it reads the bytes as they are", SILENT),
    told("value-cut", "says nothing: the value ends there too", SILENT),
    told("range-unused", "says nothing: the first address alone counts too", SILENT),
    same("no-preference", false),
    same("bad-label", false),
    same("bad-rule", false),
    told(
        "bad-address",
        "says so, and leaves the virtual address out",
        "the address serves without a brd that can't be read; what has two interfaces is left out here too",
    ),
    same("bad-peer", false),
    same("group-twice", false),
    same("own-interface", false),
    same("bad-family", false),
    same("bad-prefix", false),
    same("bad-service", false),
    same("ha-suspend", false),
    same("missing-word", false),
    same("no-sorry-server", false),
    same("preempt-delay-ignored", false),
    same("route-protocol", false),
    told("no-dev", "says nothing: it sets the address on eth0 too", SILENT),
    same("no-fifo", false),
    same("out-of-range", false),
    same("no-interface", false),
    told("state-and-priority", "says nothing", SILENT),
    same("scheduler-flag", false),
    told("no-timeout", "says nothing; the persistence time is 360 s too", SILENT),
    told("given-twice", "says nothing: the same line counts; an address that stands twice it sets twice", SILENT),
    same("listed-twice", false),
    same("already-set", false),
    told("too-many-values", "says nothing: it does not use them either", SILENT),
    same("defined-twice", false),
    same("definition", false),
    same("include", false),
    same("all-ports", false),
    same("interval-rounded", false),
    same("lonely-group", false),
    same("mixed-families", false),
    same("no-address", false),
    same("no-authentication", false),
    told(
        "no-path",
        "crashes when a check has no url with a path",
        "a url without a path is left out, as its message in keepalived says",
    ),
    told("no-url", "crashes", "a check without a url is left out, as its message in keepalived says"),
    same("no-peer", false),
    same("no-protocol", false),
    same("no-real-server", false),
    same("no-script", false),
    same("nopreempt-ignored", false),
    same("ops", false),
    same("password-cut", false),
    same("port-rewritten", false),
    same("protocol", false),
    same("quorum", false),
    same("unknown-value", false),
    same("version", false),
    same("weight-in-group", false),
];

/// Words of keepalived 2.3 and 2.4 that 2.2.7 ignores with a message.
pub(in super::super) const NEWER: &[(&str, &str)] = &[
    ("global_defs", "use_symlink_paths"),
    ("global_defs", "set_supplementary_groups"),
    ("global_defs", "v3_checksum_as_v2"),
    ("global_defs", "snmp_vs_stats_update_interval"),
    ("global_defs", "snmp_rs_stats_update_interval"),
    ("global_defs", "dbus_no_interface_name"),
    ("global_defs", "vrrp_delay_after_boot"),
    ("global_defs", "vrrp_owner_ignore_adverts"),
    ("global_defs", "json_version"),
    ("global_defs", "iproute_usr_dir"),
    ("global_defs", "iproute_etc_dir"),
    ("global_defs", "state_dump_file"),
    ("global_defs", "stats_dump_file"),
    ("global_defs", "json_dump_file"),
    ("vrrp_instance", "no_virtual_ipaddress"),
    ("vrrp_instance", "v3_checksum_as_v2"),
    ("vrrp_instance", "timer_expired_backup"),
    ("vrrp_instance", "thread_timer_expired"),
    ("vrrp_instance", "owner_ignore_adverts"),
    ("vrrp_instance", "auth_hmac"),
    ("HTTP_GET", "sni_name"),
    ("HTTP_GET", "tls_compliant"),
    ("url", "tls_compliant"),
    ("bfd_instance", "multihop"),
];

/// What is read otherwise and no message of lvsdeck tells.
pub(in super::super) const READ_OTHERWISE: &[(&str, &str)] = &[
    (
        "a `vrrp_script`, `vrrp_track_process` or `track_file` that stands below the instance or the `FILE_CHECK` that names it",
        "keepalived does not find it and tracks nothing",
    ),
    (
        "a byte order mark at the beginning of the file",
        "keepalived takes it for a part of the first word, so that the first block is unknown to it",
    ),
    ("`sh-port` and the other flags of a scheduler above its `lb_algo`", "keepalived leaves the flag out"),
    (
        "`inet` or `inet6` in a line of `static_routes`, `static_rules`, `virtual_routes` or `virtual_rules`, but behind `via`",
        "keepalived 2.2.7 takes the word behind it for its value, and leaves out what then makes no sense",
    ),
    ("a line of more than 1,023 bytes", "keepalived reads what is beyond as a line of its own"),
    ("`${_ENV NAME}`", "keepalived 2.2.7 leaves it as it stands"),
    (
        "`~SEQ` and `~LST` that stand for more than 2,000,000 lines or 64 MiB",
        "keepalived expands them, however long that takes",
    ),
    ("a file that is not UTF-8 outside of its comments, or has a zero byte", "keepalived reads the bytes as they are"),
];

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
    refused("bad-escape", "runs the command with that byte, or with nothing from a zero byte on", "a command is text"),
    refused(
        "bad-name",
        "asks for . instead of a name with an empty label, and for one that is too long as it is written",
        "no server can answer: such a check never passes",
    ),
    refused(
        "bad-regex",
        "says nothing and runs on",
        "lvsdeck's expressions are Perl's without recursion, callouts and verbs",
    ),
    refused(
        "definition",
        "takes the braces of an unknown one for those of a block, and never ends with one that uses itself or grows without end",
        "what would run is not what is written; and a configuration is read in bounded time and memory",
    ),
    refused(
        "include",
        "does the same for a file that has to be there; it has no limit to levels and files of include",
        "a configuration is read in bounded time and memory",
    ),
    refused("missing-brace", "says that a } is missing, and reads what follows as unknown words", PASTED),
    refused(
        "no-peer",
        "is in FAULT, as unicast_fault_no_peer asks for",
        "an instance that can never work is told before it starts",
    ),
    refused("not-a-number", "says so, and leaves the line out, or takes 0 for it", NOT_AS_WRITTEN),
    refused(
        "open-quote",
        "says so and reads the line up to the quote: without the value that a word needs it refuses to run or crashes, and the lines \
         of a block whose head is cut are unknown words",
        NOT_AS_WRITTEN,
    ),
    refused(
        "out-of-range",
        "does not run either without virtual_router_id; another line it leaves out",
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
    refused("template", "reads its braces as those of blocks, and runs with what is left, if at all", PASTED),
    refused("line-ends", "reads the whole file as one line", PASTED),
    refused("too-deep", "has no such limit", "a configuration is read in bounded time and memory"),
    refused("too-large", "has no such limit", "a configuration is read in bounded time and memory"),
    refused(
        "unexpected-block",
        "takes the brace for a word of the line, and the words inside for those of the enclosing block",
        PASTED,
    ),
    refused(
        "missing-word",
        "does not run either where an instance lacks its interface or virtual_router_id; a check without a port goes to port 0",
        "such a check never passes",
    ),
    refused("bad-interface", "does not run either, or waits for an interface that never comes", NOT_AS_WRITTEN),
    refused(
        "too-many-services",
        "makes all of them, however long that takes",
        "a configuration is read in bounded time and memory",
    ),
    told(
        "too-wide",
        "sets the rule without what it can't read, so that it holds for more packets than were meant",
        "a rule for everybody's packets leads those of others astray, and locks the operator out",
    ),
    told(
        "no-prefix-length",
        "sets the address with /0, so that the whole world is behind that interface",
        "the address alone is what can be meant",
    ),
    refused(
        "missing-parameter",
        "refuses to run as well, but leaves a block without its name out",
        "a block without its name is one that nobody knows",
    ),
    refused("missing-block", "says so, and takes the next brace for one of the block around it", PASTED),
    same("same-vrid", true),
    same("two-names", true),
    same("no-address", true),
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
    same("bad-tunnel", false),
    told(
        "too-many-announcements",
        "sends them all, and neither advertises nor hears anything meanwhile",
        "a master that does not advertise is replaced, and both hold its addresses",
    ),
    told("group-granularity", "says nothing: it does not use it either", SILENT),
    told("odd-netmask", "says nothing: it takes the mask so too", SILENT),
    same("not-a-number", false),
    told("unit", "takes it for so many millionths of a second", "so many seconds are meant"),
    same("no-broadcast", false),
    same("bad-mac", false),
    same("from-base", false),
    same("strict", false),
    same("deprecated", false),
    told(
        "host-timeout",
        "waits for no answer, so that the check fails each time: the time of the service does not count in a host",
        "the time of the service is meant",
    ),
    told("no-effect", "says so of vmac_xmit_base, and nothing of track_group and the length of an answer", SILENT),
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
    same("state-with-ah", false),
    same("bad-interface", false),
    same("bad-rule", false),
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
    told(
        "script-weight",
        "says that it is out of range, and takes it as it is written, or what of it goes into 32 bits",
        "the priority ends up between 1 and 254 either way; what does not go into 32 bits is nobody's wish",
    ),
    told(
        "wrapped",
        "takes what it can read of the number, or what of it goes into 32 bits",
        "a table or users that nobody wrote lead packets astray",
    ),
    told(
        "other-family",
        "does the same below the addresses; above them it takes this for the family of the instance, and leaves out the addresses \
         of the other one",
        "an instance is of the family of its addresses, wherever they stand",
    ),
    same("ip-family", false),
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
    told(
        "bad-address",
        "says so, and leaves out what lvsdeck leaves out, and an address with a brd that can't be read too",
        "the address serves without its brd",
    ),
    same("bad-bytes", false),
    same("bad-digest", false),
    told(
        "bad-mark",
        "makes of fwmark 0, and of a mark without digits, a service at 255.255.255.255:0",
        "no packet that has a mark has mark 0",
    ),
    told(
        "bad-path",
        "says nothing: it sends the path as it is written",
        "servers read both alike, and some answer the other one with an error",
    ),
    same("bad-route", false),
    same("bad-status", false),
    same("extra-brace", false),
    same("extra-brace", true),
    told(
        "relative-path",
        "takes the path as it is written, below whatever directory it was started in",
        "under systemd that is /, by hand it is another one",
    ),
    told("thresholds", "says nothing; the kernel refuses the real server", "the same comes of it, and is told before"),
    same("too-many-addresses", false),
    told(
        "too-many-services",
        "makes all of them, however long that takes",
        "a configuration is read in bounded time and memory",
    ),
    same("missing-parameter", false),
    same("stray-brace", false),
    told("brace-in-other-file", "says nothing: it reads on as if both files were one too", SILENT),
    same("stray-sign", true),
    told("continuation", "says nothing, or what it says of that word: it takes the \\ for a word too", SILENT),
    same("continuation", true),
    told("stray-sign", "says nothing: it takes the sign for the value too", SILENT),
    told("curly-quotes", "says nothing: it takes them for letters too", SILENT),
    told(
        "no-port",
        "connects to port 0, so that the check never passes",
        "the port of the service, or else of the protocol, is meant where there is one",
    ),
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
    (
        "`checker_log_all_failures` in a `global_defs` below a service",
        "keepalived does not count it for the checks of that service",
    ),
    (
        "two `virtual_server` blocks of the same key",
        "keepalived counts the real servers of the first block alone for its `quorum`, and has its sorry server serve while others of the \
         second one do; lvsdeck counts all of them",
    ),
    ("`sh-port` and the other flags of a scheduler above its `lb_algo`", "keepalived leaves the flag out"),
    (
        "`inet` or `inet6` in a line of `static_routes`, `static_rules`, `virtual_routes` or `virtual_rules`, but behind `via`",
        "keepalived 2.2.7 takes the word behind it for its value, and leaves out what then makes no sense",
    ),
    (
        "`fwmark 0` in a line of `static_rules` or `virtual_rules`",
        "keepalived takes mark 0 for none, and sets the rule for all packets",
    ),
    (
        "a line of `static_routes` or `virtual_routes` that begins with `local`, or with `broadcast` or `anycast` and is of IPv4",
        "keepalived asks for scope global, with which the kernel refuses it",
    ),
    (
        "an interface that is not there: with lvsdeck the instance is in FAULT until it comes",
        "keepalived ends, unless `global_defs` has `dynamic_interfaces`",
    ),
    (
        "`unicast_src_ip` or `mcast_src_ip` above addresses and peers of the other family",
        "keepalived leaves these out; lvsdeck the source",
    ),
    (
        "an item of `~LST` with fewer values than variables",
        "keepalived reads the line, and leaves the variable as it stands; lvsdeck leaves the line out",
    ),
    ("an included file that includes itself", "keepalived reads it again, until no more files can be opened"),
    (
        "`mcast_src_ip` with an IPv6 address that is on no interface of this host",
        "keepalived becomes master all the same, and none of its advertisements leaves it; with lvsdeck the instance is in FAULT until \
         the address is there",
    ),
    (
        "`version 2` for an instance with IPv6 addresses",
        "keepalived 2.2.7 speaks version 2 over IPv6, which no RFC has, and refuses version 3, which lvsdeck speaks there: write `version 3` on all routers",
    ),
    ("a line of more than 1,023 bytes", "keepalived reads what is beyond as a line of its own"),
    (
        "`name` of a `DNS_CHECK` whose first label has one letter, such as a.root-servers.net",
        "keepalived 2.2.7 finds an empty label in it, and asks for . instead",
    ),
    ("an `include` of a file of /proc", "keepalived reads it, and does not end with one that never does"),
    ("`${_ENV NAME}`", "keepalived 2.2.7 leaves it as it stands"),
    (
        "a `${NAME}` outside of double quotes that nobody defined",
        "keepalived takes its braces for those of a block, and its name for a word; lvsdeck leaves it as it stands",
    ),
    (
        "`~SEQ` and `~LST` that stand for more than 2,000,000 lines or 64 MiB",
        "keepalived expands them, however long that takes",
    ),
    ("a file that is not UTF-8 outside of its comments, or has a zero byte", "keepalived reads the bytes as they are"),
];

//! Words of `vrrp_instance`, `vrrp_sync_group` and `vrrp_script`. A table of data.

use super::{Block, Keyword, Value, acts, part, read};

/// Microseconds in a second.
const S: u64 = 1_000_000;
const NOT_TRACKED: &str = "it does not change the priority or the state";
const LATE: &str = "whatever was received is read before a timeout counts, however late it is noticed";

pub(super) const INSTANCE: &[Keyword] = &[
    acts(
        "state",
        Value::Text,
        "the state that the node should have first: MASTER or BACKUP; every instance starts as backup",
    ),
    acts("interface", Value::Text, "the interface that advertisements go out on"),
    acts("virtual_router_id", Value::Number(1, 255), "the number of the virtual router, the same on all its nodes"),
    acts("priority", Value::Number(1, 255), "the highest one is master; 255 owns the address"),
    acts("advert_int", Value::Seconds(S / 100, 255 * S), "seconds between two advertisements, the same on all nodes"),
    acts("version", Value::Number(2, 3), "protocol version: 2 or 3"),
    acts("preempt", Value::Flag, "take mastership back from a lower priority; so by default"),
    acts("nopreempt", Value::Flag, "leave mastership where it is"),
    acts("preempt_delay", Value::Seconds(0, 1000 * S), "seconds to wait before taking mastership back"),
    acts("authentication", Value::Block(Block::Authentication), "a password in each advertisement, version 2 only"),
    acts("virtual_ipaddress", Value::Block(Block::Addresses), "the addresses that move, one a line"),
    acts("track_script", Value::Block(Block::TrackScripts), "the vrrp_script blocks that count here, one a line"),
    acts(
        "garp_master_delay",
        Value::Seconds(0, 86_400 * S),
        "seconds from becoming master to the second round of gratuitous ARP",
    ),
    acts("garp_master_repeat", Value::Number(1, 4_294_967_295), "gratuitous ARPs for each address in a round"),
    acts("garp_master_refresh", Value::Seconds(0, 4_294_967_295 * S), "seconds between rounds while master; 0: none"),
    acts(
        "garp_master_refresh_repeat",
        Value::Number(1, 4_294_967_295),
        "gratuitous ARPs for each address in such a round",
    ),
    acts(
        "virtual_ipaddress_excluded",
        Value::Block(Block::Addresses),
        "addresses that move with the others and that no advertisement names, of either family, one a line",
    ),
    acts(
        "virtual_routes",
        Value::Block(Block::Routes),
        "routes that are there while master, as ip route has them, one a line",
    ),
    acts(
        "virtual_rules",
        Value::Block(Block::Rules),
        "rules that are there while master, as ip rule has them, one a line",
    ),
    acts("unicast_peer", Value::Block(Block::UnicastPeers), "the other routers, one a line: advertisements go to each"),
    acts("unicast_src_ip", Value::OwnAddress, "the address that advertisements come from"),
    acts("mcast_src_ip", Value::OwnAddress, "the address that advertisements come from"),
    acts("unicast_ttl", Value::Number(1, 255), "TTL or hop limit of unicast advertisements, 255 by default"),
    acts("check_unicast_src", Value::Flag, "unicast: only the peers are listened to"),
    acts("unicast_fault_no_peer", Value::Flag, "unicast_peer without a peer is an error"),
    acts("native_ipv6", Value::Flag, "IPv6, where no virtual address says so"),
    acts("down_timer_adverts", Value::Number(1, 100), "for how many intervals the master may be silent, 3 by default"),
    acts("higher_prio_send_advert", Value::Switch, "a master that yields advertises once more"),
    acts("lower_prio_no_advert", Value::Switch, "a master does not answer advertisements of lower priority"),
    acts("skip_check_adv_addr", Value::Flag, "the addresses of a master are compared when it is heard first"),
    acts("v3_checksum_as_v2", Value::Switch, "version 3 over IPv4 sums without a pseudo-header, as RFC 9568 has it"),
    acts(
        "garp_lower_prio_repeat",
        Value::Number(0, 2_147_483_647),
        "gratuitous ARPs for each address when an advertisement of lower priority was heard",
    ),
    acts("garp_lower_prio_delay", Value::Seconds(0, 86_400 * S), "seconds from then to a second round of them"),
    acts(
        "use_vmac",
        Value::Anything,
        "[NAME] [MAC]: addresses and advertisements are on an interface of their own, with the MAC address of RFC 9568",
    ),
    acts("vmac_xmit_base", Value::Flag, "with use_vmac: advertisements come from the interface itself"),
    acts("use_vmac_addr", Value::Flag, "so are addresses on other interfaces and of the other family"),
    acts("track_interface", Value::Block(Block::TrackInterfaces), "interfaces that count here, one a line"),
    acts("track_file", Value::Block(Block::TrackFiles), "the track_file blocks that count here, one a line"),
    acts(
        "track_process",
        Value::Block(Block::TrackProcesses),
        "the vrrp_track_process blocks that count here, one a line",
    ),
    read("track_bfd", Value::Anything, NOT_TRACKED),
    acts("dont_track_primary", Value::Flag, "the instance works on while its own interface is down"),
    acts(
        "notify",
        Value::Command,
        "run on each change of state, with INSTANCE NAME STATE PRIORITY behind its arguments",
    ),
    acts("notify_master", Value::Command, "run when the instance becomes master"),
    acts("notify_backup", Value::Command, "run when it becomes backup"),
    acts("notify_fault", Value::Command, "run when it can't work"),
    acts("notify_stop", Value::Command, "run when lvsdeck stops"),
    acts(
        "notify_deleted",
        Value::Anything,
        "an instance that a reload takes away is told as DELETED, not as FAULT; and what is run then",
    ),
    acts(
        "notify_master_rx_lower_pri",
        Value::Command,
        "run when the master hears an advertisement that loses, at most twice an interval",
    ),
    acts("notify_priority_changes", Value::Switch, "FIFOs are told of changes of the priority"),
    acts("smtp_alert", Value::Switch, "a state that all of its instances have is mailed"),
    acts("strict_mode", Value::Switch, "vrrp_strict of this instance alone"),
    acts(
        "accept",
        Value::Flag,
        "the master accepts packets to its addresses; so it does by default, but in strict mode",
    ),
    acts(
        "no_accept",
        Value::Flag,
        "a master that does not own its addresses drops packets to and from them, by the table inet lvsdeck of nftables",
    ),
    read(
        "auth_hmac",
        Value::Block(Block::AuthHmac),
        "advertisements are neither signed nor checked: nodes that sign them are not heard",
    ),
    read("debug", Value::Anything, "the log's level is set for the whole engine"),
    acts(
        "lvs_sync_daemon_interface",
        Value::Text,
        "an old spelling of lvs_sync_daemon INTERFACE INSTANCE, which counts before it",
    ),
    read(
        "use_ipvlan",
        Value::Anything,
        "addresses and advertisements are on the interface itself; use_vmac makes one of their own",
    ),
    read(
        "old_unicast_checksum",
        Value::Anything,
        "advertisements are sent with the checksum of RFC 5798; both are accepted",
    ),
    read("vrf", Value::Anything, "the instance works in the VRF that its interface is in; routes of it name its table"),
    read(
        "mcast_dst_ip",
        Value::Anything,
        "advertisements go to vrrp_mcast_group4 or vrrp_mcast_group6, one for all instances",
    ),
    read(
        "track_src_ip",
        Value::Anything,
        "the state stays as it is when the address that advertisements come from goes away",
    ),
    read("no_virtual_ipaddress", Value::Anything, "an instance without virtual_ipaddress runs anyway, with a warning"),
    read(
        "promote_secondaries",
        Value::Anything,
        "net.ipv4.conf.INTERFACE.promote_secondaries stays as the host has it",
    ),
    read("linkbeat_use_polling", Value::Anything, "the kernel's own word about the link counts"),
    read("timer_expired_backup", Value::Anything, LATE),
    read("thread_timer_expired", Value::Anything, LATE),
    read("garp_extra_if", Value::Anything, "announcements go out on the interface that holds the address"),
    read("vmac_garp_intvl", Value::Anything, "announcements go out on the interface that holds the address"),
    read("owner_ignore_adverts", Value::Anything, "an owner answers what it hears"),
    read("kernel_rx_buf_size", Value::Anything, "the receive buffers are sized by lvsdeck itself"),
];

pub(super) const AUTHENTICATION: &[Keyword] = &[
    acts(
        "auth_type",
        Value::Exactly(&["PASS", "AH"]),
        "PASS: a password in the advertisement; AH: an authentication header with a digest (RFC 2402)",
    ),
    acts("auth_pass", Value::Text, "the password, or the key of the digest; its first 8 bytes count"),
];

pub(super) const AUTH_HMAC: &[Keyword] = &[
    part("key", Value::Anything),
    part("active_key", Value::Anything),
    part("time_window", Value::Anything),
    part("anti_replay", Value::Anything),
    part("mode", Value::Anything),
];

pub(super) const SYNC_GROUP: &[Keyword] = &[
    acts("group", Value::Block(Block::Members), "names of the instances, one a line"),
    acts("notify", Value::Command, "run on each change of the group, with GROUP NAME STATE 0 behind its arguments"),
    acts("notify_master", Value::Command, "run when all instances have become master"),
    acts("notify_backup", Value::Command, "run when all have become backup"),
    acts("notify_fault", Value::Command, "run when the group can't work"),
    acts("notify_stop", Value::Command, "run when lvsdeck stops"),
    acts("notify_priority_changes", Value::Switch, "a group has no priority of its own: nothing follows"),
    acts("smtp_alert", Value::Switch, "a new state is mailed"),
    acts("track_interface", Value::Block(Block::TrackInterfaces), "interfaces that count for all of its instances"),
    acts("track_script", Value::Block(Block::TrackScripts), "the vrrp_script blocks that count for all of them"),
    acts(
        "track_process",
        Value::Block(Block::TrackProcesses),
        "the vrrp_track_process blocks that count for all of them",
    ),
    acts("track_file", Value::Block(Block::TrackFiles), "the track_file blocks that count for all of them"),
    acts(
        "sync_group_tracking_weight",
        Value::Flag,
        "weights that its instances track for themselves count; without it only weight 0 does",
    ),
    read("track_bfd", Value::Anything, NOT_TRACKED),
    read("global_tracking", Value::Anything, "sync_group_tracking_weight says whether weights of its instances count"),
];

pub(super) const TRACK_GROUP: &[Keyword] =
    &[acts("group", Value::Anything, "names of the instances, behind it or in braces")];

pub(super) const SCRIPT: &[Keyword] = &[
    acts("script", Value::Command, "the command line; exit code 0 is success"),
    acts("interval", Value::Number(1, 4_294), "seconds between two runs"),
    acts("timeout", Value::Number(1, 4_294), "seconds after which a run counts as failed"),
    acts("weight", Value::Weight(-253, 253), "added to the priority; 0: failure is FAULT"),
    acts("rise", Value::Number(1, 2_147_483_647), "successes before it counts as good"),
    acts("fall", Value::Number(1, 2_147_483_647), "failures before it counts as bad"),
    acts("user", Value::Words, "the user that runs the script, and perhaps its group"),
    acts("init_fail", Value::Flag, "until it has run for the first time it counts as failed"),
];

pub(super) const PROCESS: &[Keyword] = &[
    acts("process", Value::Words, "its name, or what it was called as and its parameters"),
    acts(
        "param_match",
        Value::Exactly(&["initial", "partial"]),
        "partial: more parameters may follow; initial: the last one may be longer; none written: there are to be none",
    ),
    acts("weight", Value::Weight(-254, 254), "added to the priority; 0: too few is FAULT"),
    acts("quorum", Value::Number(1, 65_535), "how many have to run"),
    acts("quorum_max", Value::Number(0, 65_535), "how many may run"),
    acts("fork_delay", Value::Seconds(0, 3_600 * S), "seconds that enough of them have to run before it counts"),
    acts("terminate_delay", Value::Seconds(0, 3_600 * S), "seconds that too few of them may run before it counts"),
    acts("delay", Value::Seconds(0, 3_600 * S), "both"),
    acts("full_command", Value::Flag, "what a process was called as is compared, not its name"),
];

pub(super) const FILE: &[Keyword] = &[
    acts("file", Value::Text, "its path; it begins with a number"),
    acts(
        "weight",
        Value::Weight(-2_147_483_647, 2_147_483_647),
        "the number is multiplied by it; 0: any but 0 is FAULT",
    ),
    acts("init_file", Value::Anything, "at the start a missing file is made with this number (0); overwrite: any file"),
];

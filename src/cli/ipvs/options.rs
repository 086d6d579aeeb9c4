//! Every command and option of the dialect, as data: parsing, help and the check which option goes with which command
//! read these tables, and so does `docs/ipvs.md`'s test.
// size: a table of data

/// What is to be done: the first option of a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// `-A`
    AddService,
    /// `-E`
    EditService,
    /// `-D`
    DeleteService,
    /// `-C`
    Clear,
    /// `-R`
    Restore,
    /// `-S`
    Save,
    /// `-a`
    AddServer,
    /// `-e`
    EditServer,
    /// `-d`
    DeleteServer,
    /// `-L`, `-l`
    List,
    /// `-Z`
    Zero,
    /// `--set`
    Set,
    /// `--start-daemon`
    StartDaemon,
    /// `--stop-daemon`
    StopDaemon,
    /// `-h`
    Help,
    /// `--version`
    Version,
}

/// Whether a word is followed by a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Never.
    Nothing,
    /// Always; the next word whatever it looks like.
    Value,
    /// The next word, unless it starts with a dash.
    Maybe,
}

/// A command's row.
pub struct CommandRow {
    /// Which.
    pub command: Command,
    /// Its letters.
    pub short: &'static [char],
    /// Its word.
    pub long: &'static str,
    /// Whether it is followed by a value.
    pub takes: Takes,
    /// Options that it can't do without, by group.
    pub needs: &'static [Group],
    /// What it is followed by, in help.
    pub usage: &'static str,
    /// What it does, in help.
    pub help: &'static str,
}

use Command::{
    AddServer, AddService, Clear, DeleteServer, DeleteService, EditServer, EditService, Help, List, Restore, Save, Set,
    StartDaemon, StopDaemon, Version, Zero,
};

/// The commands.
#[rustfmt::skip]
pub const COMMANDS: [CommandRow; 16] = [
    CommandRow { command: AddService, short: &['A'], long: "add-service", takes: Takes::Nothing, needs: &[Group::ServiceAddress],
        usage: "SERVICE [-s SCHEDULER] [-p [SECONDS]] [-M MASK] [--pe ENGINE] [-b FLAGS] [-o]", help: "add a virtual service" },
    CommandRow { command: EditService, short: &['E'], long: "edit-service", takes: Takes::Nothing, needs: &[Group::ServiceAddress],
        usage: "SERVICE [the same] [--keep]", help: "change a virtual service; what is not named gets its default" },
    CommandRow { command: DeleteService, short: &['D'], long: "delete-service", takes: Takes::Nothing, needs: &[Group::ServiceAddress],
        usage: "SERVICE", help: "remove a virtual service with its real servers" },
    CommandRow { command: Clear, short: &['C'], long: "clear", takes: Takes::Nothing, needs: &[],
        usage: "", help: "remove all services" },
    CommandRow { command: Restore, short: &['R'], long: "restore", takes: Takes::Nothing, needs: &[],
        usage: "[--atomic]", help: "do what the lines of standard input say" },
    CommandRow { command: Save, short: &['S'], long: "save", takes: Takes::Nothing, needs: &[],
        usage: "[-n] [--thresholds] [--json]", help: "write the table as lines that -R reads" },
    CommandRow { command: AddServer, short: &['a'], long: "add-server", takes: Takes::Nothing, needs: &[Group::ServiceAddress, Group::RealServer],
        usage: "SERVICE -r SERVER [-g|-i|-m] [-w WEIGHT] [-x UPPER] [-y LOWER] [--tun-…]", help: "add a real server" },
    CommandRow { command: EditServer, short: &['e'], long: "edit-server", takes: Takes::Nothing, needs: &[Group::ServiceAddress, Group::RealServer],
        usage: "SERVICE -r SERVER [the same] [--keep]", help: "change a real server; what is not named gets its default" },
    CommandRow { command: DeleteServer, short: &['d'], long: "delete-server", takes: Takes::Nothing, needs: &[Group::ServiceAddress, Group::RealServer],
        usage: "SERVICE -r SERVER", help: "remove a real server" },
    CommandRow { command: List, short: &['L', 'l'], long: "list", takes: Takes::Nothing, needs: &[],
        usage: "[SERVICE] [-n] [--stats|--rate|--thresholds|--persistent-conn|--tun-info] [-c] [--timeout] [--daemon] [--json]",
        help: "show the table, or what is asked for" },
    CommandRow { command: Zero, short: &['Z'], long: "zero", takes: Takes::Nothing, needs: &[],
        usage: "[SERVICE]", help: "zero the counters of a service, or of all, for everybody" },
    CommandRow { command: Set, short: &[], long: "set", takes: Takes::Nothing, needs: &[],
        usage: "TCP TCPFIN UDP", help: "set the connections' timeouts in seconds; 0 keeps one" },
    CommandRow { command: StartDaemon, short: &[], long: "start-daemon", takes: Takes::Value, needs: &[],
        usage: "master|backup [--mcast-interface INTERFACE] [--syncid ID] …", help: "start a connection sync daemon" },
    CommandRow { command: StopDaemon, short: &[], long: "stop-daemon", takes: Takes::Value, needs: &[],
        usage: "master|backup", help: "stop a connection sync daemon" },
    CommandRow { command: Help, short: &['h'], long: "help", takes: Takes::Nothing, needs: &[],
        usage: "", help: "show this text" },
    CommandRow { command: Version, short: &['v'], long: "version", takes: Takes::Nothing, needs: &[],
        usage: "", help: "show whose options these are" },
];

/// Options that exclude each other share a group; it may be given once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    ServiceAddress,
    Scheduler,
    Persistent,
    Netmask,
    RealServer,
    Forwarding,
    Weight,
    Upper,
    Lower,
    Numeric,
    Connection,
    McastInterface,
    Timeout,
    Daemon,
    Stats,
    Rate,
    Thresholds,
    PersistentConn,
    NoSort,
    SyncId,
    Exact,
    Engine,
    SchedulerFlags,
    OnePacket,
    TunInfo,
    TunType,
    TunPort,
    TunNoCsum,
    TunCsum,
    TunRemCsum,
    SyncMaxlen,
    McastAddress,
    McastPort,
    McastTtl,
    Json,
    Keep,
    Atomic,
    /// `-6`, `--sort`: go with every command, as often as one likes.
    Free,
}

/// What an option is, beyond its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Tcp,
    Udp,
    Sctp,
    FwMark,
    Gatewaying,
    Ipip,
    Masquerading,
    Ipv6,
    Sort,
    /// All that its group says.
    Only,
}

/// An option's row.
#[derive(Clone, Copy)]
pub struct OptionRow {
    /// Its group.
    pub group: Group,
    /// Which of the group.
    pub word: Word,
    /// Its letter.
    pub short: Option<char>,
    /// Its word.
    pub long: &'static str,
    /// Whether it is followed by a value.
    pub takes: Takes,
    /// The commands that it goes with; for [`Group::Free`] all.
    pub with: &'static [Command],
    /// What it is followed by and what it does, in help.
    pub help: (&'static str, &'static str),
    /// Not ipvsadm's, but ours.
    pub ours: bool,
}

const SERVICE: &[Command] = &[AddService, EditService, DeleteService, AddServer, EditServer, DeleteServer, List, Zero];
const SERVICE_WRITE: &[Command] = &[AddService, EditService];
const SERVER: &[Command] = &[AddServer, EditServer, DeleteServer];
const SERVER_WRITE: &[Command] = &[AddServer, EditServer];
const LISTING: &[Command] = &[List];
const START: &[Command] = &[StartDaemon];

const fn row(
    group: Group,
    short: Option<char>,
    long: &'static str,
    takes: Takes,
    with: &'static [Command],
    help: (&'static str, &'static str),
) -> OptionRow {
    OptionRow { group, word: Word::Only, short, long, takes, with, help, ours: false }
}

const fn one(word: Word, row: OptionRow) -> OptionRow {
    OptionRow { word, ..row }
}

const fn ours(row: OptionRow) -> OptionRow {
    OptionRow { ours: true, ..row }
}

use Takes::{Maybe, Nothing, Value};

/// The options.
#[rustfmt::skip]
pub const OPTIONS: [OptionRow; 44] = [
    one(Word::Tcp, row(Group::ServiceAddress, Some('t'), "tcp-service", Value, SERVICE, ("HOST[:PORT]", "TCP service"))),
    one(Word::Udp, row(Group::ServiceAddress, Some('u'), "udp-service", Value, SERVICE, ("HOST[:PORT]", "UDP service"))),
    one(Word::Sctp, row(Group::ServiceAddress, None, "sctp-service", Value, SERVICE, ("HOST[:PORT]", "SCTP service"))),
    one(Word::FwMark, row(Group::ServiceAddress, Some('f'), "fwmark-service", Value, SERVICE, ("MARK", "packets with this firewall mark, 1 to 4294967295"))),
    one(Word::Ipv6, row(Group::Free, Some('6'), "ipv6", Nothing, &[], ("", "the firewall mark is of IPv6 packets; after -f"))),
    row(Group::Scheduler, Some('s'), "scheduler", Value, SERVICE_WRITE, ("SCHEDULER", "rr wrr lc wlc lblc lblcr dh sh mh sed nq fo ovf twos; wlc by default")),
    row(Group::SchedulerFlags, Some('b'), "sched-flags", Value, SERVICE_WRITE, ("FLAGS", "sh-fallback, sh-port, mh-fallback, mh-port, flag-1 to flag-3, with commas")),
    row(Group::Persistent, Some('p'), "persistent", Maybe, SERVICE_WRITE, ("[SECONDS]", "a client stays on its real server; 360 s by default")),
    row(Group::Netmask, Some('M'), "netmask", Value, SERVICE_WRITE, ("MASK", "clients of one network stay together: IPv4 mask, IPv6 prefix length")),
    row(Group::Engine, None, "pe", Value, SERVICE_WRITE, ("ENGINE", "persistence engine: sip")),
    row(Group::OnePacket, Some('o'), "ops", Nothing, SERVICE_WRITE, ("", "schedule each packet by itself (UDP, marks)")),
    row(Group::RealServer, Some('r'), "real-server", Value, SERVER, ("HOST[:PORT]", "real server")),
    one(Word::Gatewaying, row(Group::Forwarding, Some('g'), "gatewaying", Nothing, SERVER_WRITE, ("", "direct routing (default)"))),
    one(Word::Ipip, row(Group::Forwarding, Some('i'), "ipip", Nothing, SERVER_WRITE, ("", "tunnel"))),
    one(Word::Masquerading, row(Group::Forwarding, Some('m'), "masquerading", Nothing, SERVER_WRITE, ("", "network address translation"))),
    row(Group::TunType, None, "tun-type", Value, SERVER_WRITE, ("TYPE", "ipip (default), gue or gre")),
    row(Group::TunPort, None, "tun-port", Value, SERVER_WRITE, ("PORT", "UDP port of a gue tunnel")),
    row(Group::TunNoCsum, None, "tun-nocsum", Nothing, SERVER_WRITE, ("", "no checksum in the tunnel's header (default)")),
    row(Group::TunCsum, None, "tun-csum", Nothing, SERVER_WRITE, ("", "a checksum in the tunnel's header")),
    row(Group::TunRemCsum, None, "tun-remcsum", Nothing, SERVER_WRITE, ("", "remote checksum offload (gue)")),
    row(Group::Weight, Some('w'), "weight", Value, SERVER_WRITE, ("WEIGHT", "share of the load, 0 to 2147483647; 1 by default, 0 drains")),
    row(Group::Upper, Some('x'), "u-threshold", Value, SERVER_WRITE, ("NUMBER", "no new connections above this many; 0: no limit")),
    row(Group::Lower, Some('y'), "l-threshold", Value, SERVER_WRITE, ("NUMBER", "new connections again below this many")),
    row(Group::Connection, Some('c'), "connection", Nothing, LISTING, ("", "the connections")),
    row(Group::Timeout, None, "timeout", Nothing, LISTING, ("", "the timeouts")),
    row(Group::Daemon, None, "daemon", Nothing, LISTING, ("", "the sync daemons")),
    row(Group::Stats, None, "stats", Nothing, LISTING, ("", "counters")),
    row(Group::Rate, None, "rate", Nothing, LISTING, ("", "rates a second; bytes as bytes")),
    row(Group::Exact, None, "exact", Nothing, LISTING, ("", "large numbers in full")),
    row(Group::Thresholds, None, "thresholds", Nothing, &[List, Save], ("", "connection thresholds; with -S they are saved too")),
    row(Group::PersistentConn, None, "persistent-conn", Nothing, LISTING, ("", "persistence templates")),
    row(Group::TunInfo, None, "tun-info", Nothing, LISTING, ("", "tunnels")),
    row(Group::NoSort, None, "nosort", Nothing, LISTING, ("", "in the kernel's order")),
    one(Word::Sort, row(Group::Free, None, "sort", Nothing, &[], ("", "sorted, which is the default"))),
    row(Group::Numeric, Some('n'), "numeric", Nothing, &[List, Save], ("", "numbers instead of names")),
    row(Group::McastInterface, None, "mcast-interface", Value, START, ("INTERFACE", "where a sync daemon multicasts")),
    row(Group::SyncId, None, "syncid", Value, &[StartDaemon, StopDaemon, List], ("ID", "directors of one number share connections, 0 to 255")),
    row(Group::SyncMaxlen, None, "sync-maxlen", Value, START, ("BYTES", "longest message, 1 to 65507")),
    row(Group::McastAddress, None, "mcast-group", Value, START, ("ADDRESS", "multicast group; 224.0.0.81 by default")),
    row(Group::McastPort, None, "mcast-port", Value, START, ("PORT", "UDP port; 8848 by default")),
    row(Group::McastTtl, None, "mcast-ttl", Value, START, ("HOPS", "1 to 255; 1 by default")),
    ours(row(Group::Json, None, "json", Nothing, &[List, Save], ("", "as JSON"))),
    ours(row(Group::Keep, None, "keep", Nothing, &[EditService, EditServer], ("", "-E, -e: keep what is not named"))),
    ours(row(Group::Atomic, None, "atomic", Nothing, &[Restore], ("", "-R: all lines or none"))),
];

//! A command line read to its end: one typed request, or why there is none.

use super::draft::{Draft, LONGEST_TIMEOUT, Mask, Named, small};
use super::fault::Fault;
use super::options::{COMMANDS, Command, Group, OPTIONS};
use super::value::{flags, ranged};
use super::words::{Taken, Words};
use crate::engine::{
    Checksum, DaemonRole, Destination, Family, Forwarding, IpvsOp, Persistence, RealServerKey, Service, ServiceKey,
    SyncDaemon, Timeouts, Traffic, Tunnel, Weight,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `-h`
    Help,
    /// `--version`
    Version,
    /// `-A -E -D -a -e -d`
    Change(Change),
    /// `-C`
    Clear,
    /// `-Z`
    Zero(Option<ServiceKey>),
    /// `-S`
    Save(Saving),
    /// `-R`; whether all lines or none.
    Restore { atomic: bool },
    /// `-L`
    List(Listing),
    /// `--set`
    SetTimeouts(Timeouts),
    /// `--start-daemon`
    StartDaemon(SyncDaemon),
    /// `--stop-daemon`
    StopDaemon(DaemonRole),
}

/// A change of a service or real server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is to be done.
    pub op: IpvsOp,
    /// With `--keep`: what was named; everything else stays as it is.
    pub keep: Option<Kept>,
    /// The port that was asked for, where direct routing or a tunnel can't have it.
    pub unheeded_port: Option<u16>,
}

/// What `--keep` goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The groups that were given.
    pub named: Vec<Group>,
    /// The real server as it was written.
    pub server: Option<RealServerKey>,
}

/// How to save.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Saving {
    /// Numbers instead of names.
    pub numeric: bool,
    /// With `-x` and `-y`.
    pub thresholds: bool,
    /// As JSON.
    pub json: bool,
}

/// What to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The table, or one service of it.
    Table(Option<ServiceKey>),
    /// The connections.
    Connections,
    /// The timeouts.
    Timeouts,
    /// The sync daemons.
    Daemons,
}

/// The columns of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// Forwarding, weight, connections.
    Usual,
    /// The same with the tunnel.
    Tunnels,
    /// Counters.
    Stats,
    /// Rates.
    Rates,
    /// Thresholds.
    Thresholds,
    /// Persistence templates; for connections, the persistence engine.
    Persistent,
}

/// How to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listing {
    /// What.
    pub subject: Subject,
    /// In which columns.
    pub columns: Columns,
    /// Numbers instead of names.
    pub numeric: bool,
    /// Large numbers in full.
    pub exact: bool,
    /// Sorted, not in the kernel's order.
    pub sorted: bool,
    /// As JSON.
    pub json: bool,
}

impl Listing {
    /// What a command line without a word means.
    pub const fn everything() -> Self {
        Self {
            subject: Subject::Table(None),
            columns: Columns::Usual,
            numeric: false,
            exact: false,
            sorted: true,
            json: false,
        }
    }
}

/// Reads a command line without its program's name.
pub fn parse(words: &[String]) -> Result<Request, Fault> {
    if words.is_empty() {
        return Ok(Request::List(Listing::everything()));
    }
    let mut line = Words::new(words);
    let mut draft = match line.next() {
        Some(Ok(Taken::Command(row, _))) if row.command == Command::Help => return Ok(Request::Help),
        Some(Ok(Taken::Command(row, _))) if row.command == Command::Version => return Ok(Request::Version),
        Some(Ok(Taken::Command(row, operand))) => Draft::new(row.command, operand.as_deref())?,
        Some(_) | None => return Err(Fault::no_command()),
    };
    while let Some(taken) = line.next() {
        match taken? {
            Taken::Command(..) => {
                return Err(Fault::wrong(format!("{}: only one command may be given", line.word)));
            }
            Taken::Option(row, value) => draft.take(row, value.as_deref())?,
        }
    }
    finish(&draft, &line.plain)
}

fn finish(draft: &Draft, plain: &[&str]) -> Result<Request, Fault> {
    let (own, extra) =
        if draft.command == Command::Set { plain.split_at(plain.len().min(3)) } else { (&[][..], plain) };
    if let Some(word) = extra.first() {
        return Err(Fault::wrong(format!("\"{word}\" is not expected here")));
    }
    let scheduler = draft.scheduler.as_deref().unwrap_or("wlc");
    let bits = draft.flags.as_deref().map_or(Ok(0), |text| flags(text, scheduler))?;
    lawful(draft)?;
    let service = draft.service.map(|named| key(named, draft.family));
    Ok(match draft.command {
        Command::Help => Request::Help,
        Command::Version => Request::Version,
        Command::AddService | Command::EditService | Command::DeleteService => {
            Request::Change(service_change(draft, needed(service)?, scheduler, bits)?)
        }
        Command::AddServer | Command::EditServer | Command::DeleteServer => {
            Request::Change(server_change(draft, needed(service)?)?)
        }
        Command::Clear => Request::Clear,
        Command::Zero => Request::Zero(service),
        Command::Restore => Request::Restore { atomic: draft.has(Group::Atomic) },
        Command::Save => Request::Save(Saving {
            numeric: draft.has(Group::Numeric),
            thresholds: draft.has(Group::Thresholds),
            json: draft.has(Group::Json),
        }),
        Command::List => Request::List(listing(draft, service)?),
        Command::Set => Request::SetTimeouts(timeouts(own)?),
        Command::StartDaemon => Request::StartDaemon(draft.daemon.clone()),
        Command::StopDaemon => Request::StopDaemon(draft.daemon.role),
    })
}

/// The three words of `--set`.
fn timeouts(words: &[&str]) -> Result<Timeouts, Fault> {
    let [tcp, tcp_fin, udp] = words else {
        return Err(Fault::wrong("--set needs three timeouts in seconds: TCP TCPFIN UDP; 0 keeps one"));
    };
    let seconds = |text| ranged("--set", text, 0, LONGEST_TIMEOUT).map(small);
    Ok(Timeouts { tcp: seconds(tcp)?, tcp_fin: seconds(tcp_fin)?, udp: seconds(udp)? })
}

/// Holds the options against the tables: each goes with the command, and none that it needs is missing.
fn lawful(draft: &Draft) -> Result<(), Fault> {
    let Some(command) = COMMANDS.iter().find(|row| row.command == draft.command) else { return Ok(()) };
    for group in &draft.seen {
        let goes = |row: &&super::options::OptionRow| row.group == *group && !row.with.contains(&draft.command);
        if let Some(row) = OPTIONS.iter().find(goes) {
            return Err(Fault::wrong(format!("--{} does not go with --{}", row.long, command.long)));
        }
    }
    match command.needs.iter().find(|group| !draft.has(**group)) {
        Some(Group::RealServer) => Err(Fault::wrong(format!("--{} needs a real server: -r HOST[:PORT]", command.long))),
        Some(_) => Err(Fault::wrong(format!(
            "--{} needs a service: -t, -u or --sctp-service HOST[:PORT], or -f MARK",
            command.long
        ))),
        None => Ok(()),
    }
}

fn needed(service: Option<ServiceKey>) -> Result<ServiceKey, Fault> {
    service.ok_or_else(|| Fault::wrong("a service is missing"))
}

fn key(named: Named, family: Family) -> ServiceKey {
    match named {
        Named::Mark(mark) => ServiceKey::FwMark { mark, family },
        Named::Address(protocol, host, port) => {
            ServiceKey::Address { protocol, address: SocketAddr::new(host, port.unwrap_or(0)) }
        }
    }
}

fn service_change(draft: &Draft, key: ServiceKey, scheduler: &str, bits: u32) -> Result<Change, Fault> {
    if draft.command == Command::DeleteService {
        return Ok(Change { op: IpvsOp::DelService(key), keep: None, unheeded_port: None });
    }
    let keep = draft.has(Group::Keep);
    if key.port() == Some(0) && draft.timeout.is_none() && !keep {
        return Err(Fault::wrong(format!("{key}: port 0, all ports, needs persistence: -p")));
    }
    if draft.has(Group::OnePacket)
        && !matches!(draft.service, Some(Named::Mark(_) | Named::Address(crate::engine::Protocol::Udp, ..)))
    {
        return Err(Fault::wrong(format!("{key}: one-packet scheduling, -o, is for UDP services and marks")));
    }
    let (prefix, odd_mask) = match draft.mask {
        Mask::Prefix(prefix) => (prefix, None),
        Mask::One => (if draft.family == Family::Inet { 32 } else { 128 }, None),
        Mask::V4(mask) => {
            let bits = u32::from(mask);
            let prefix = bits.leading_ones();
            let odd = bits.checked_shl(prefix).unwrap_or(0) != 0;
            (u8::try_from(prefix).unwrap_or(32), odd.then_some(mask))
        }
    };
    let service = Box::new(Service {
        scheduler: scheduler.to_owned(),
        persistence: draft.timeout.map(|timeout| Persistence { timeout, prefix }),
        odd_mask: draft.timeout.and(odd_mask),
        one_packet: draft.has(Group::OnePacket),
        scheduler_flags: bits,
        engine: draft.engine.clone(),
        destinations: BTreeMap::new(),
        traffic: Traffic::default(),
    });
    let op = match draft.command {
        Command::EditService => IpvsOp::SetService(key, service),
        _ => IpvsOp::NewService(key, service),
    };
    let keep = keep.then(|| Kept { named: draft.seen.clone(), server: None });
    Ok(Change { op, keep, unheeded_port: None })
}

fn server_change(draft: &Draft, service: ServiceKey) -> Result<Change, Fault> {
    let (host, asked) = draft.server.ok_or_else(|| Fault::wrong("a real server is missing"))?;
    let server = |port| RealServerKey::from(SocketAddr::new(host, port));
    if draft.command == Command::DeleteServer {
        let op = IpvsOp::DelDestination(service, server(asked));
        return Ok(Change { op, keep: None, unheeded_port: None });
    }
    let forwarding = draft.forwarding.unwrap_or(Forwarding::Dr);
    let keep = draft.has(Group::Keep);
    if Family::of(host) != service.family() && forwarding != Forwarding::Tun && !keep {
        return Err(Fault::wrong(format!(
            "{host} is of another address family than {service}: only a tunnel, -i, leads there"
        )));
    }
    let tunnel = tunnel(draft, forwarding, keep)?;
    let kept = service.port().filter(|_| forwarding.keeps_port());
    let destination = Destination {
        forwarding,
        tunnel,
        weight: Weight::new(draft.weight).map_err(|error| Fault::wrong(error.to_string()))?,
        upper_threshold: draft.upper,
        lower_threshold: draft.lower,
        active: 0,
        inactive: 0,
        persistent: 0,
        traffic: Traffic::default().into(),
    };
    let key = server(kept.unwrap_or(asked));
    let op = match draft.command {
        Command::EditServer => IpvsOp::SetDestination(service, key, destination),
        _ => IpvsOp::NewDestination(service, key, destination),
    };
    let keep = keep.then(|| Kept { named: draft.seen.clone(), server: Some(server(asked)) });
    // 0 was not asked for, but is what a server has that is named before its service.
    Ok(Change { op, keep, unheeded_port: kept.filter(|port| *port != asked && asked != 0).map(|_| asked) })
}

/// The tunnel that the `--tun-…` options ask for; they hang together.
fn tunnel(draft: &Draft, forwarding: Forwarding, keep: bool) -> Result<Tunnel, Fault> {
    let (off, on, remote) = (draft.has(Group::TunNoCsum), draft.has(Group::TunCsum), draft.has(Group::TunRemCsum));
    let sums = [off, on, remote].iter().filter(|given| **given).count();
    let port = draft.has(Group::TunPort);
    let any = draft.has(Group::TunType) || port || sums > 0;
    if any && forwarding != Forwarding::Tun && !(keep && draft.forwarding.is_none()) {
        return Err(Fault::wrong("the --tun-… options go with a tunnel: -i"));
    }
    if sums > 1 {
        return Err(Fault::wrong("--tun-csum, --tun-nocsum and --tun-remcsum exclude each other"));
    }
    let checksum = if remote {
        Checksum::Remote
    } else if on {
        Checksum::On
    } else {
        Checksum::Off
    };
    match draft.tunnel.as_str() {
        "gue" if !port => Err(Fault::wrong("a gue tunnel needs its port: --tun-port PORT")),
        "gue" => Ok(Tunnel::Gue { port: draft.tunnel_port, checksum }),
        "gre" if port || remote => Err(Fault::wrong("a gre tunnel has neither --tun-port nor --tun-remcsum")),
        "gre" => Ok(Tunnel::Gre { checksum }),
        _ if port || sums > 0 => Err(Fault::wrong("an ipip tunnel has no port and no checksum: name --tun-type")),
        _ => Ok(Tunnel::Ipip),
    }
}

fn listing(draft: &Draft, service: Option<ServiceKey>) -> Result<Listing, Fault> {
    let subjects = [
        (Group::Connection, "--connection", Subject::Connections),
        (Group::Timeout, "--timeout", Subject::Timeouts),
        (Group::Daemon, "--daemon", Subject::Daemons),
    ];
    let asked: Vec<_> = subjects.iter().filter(|(group, ..)| draft.has(*group)).collect();
    let columns = [
        (Group::Stats, Columns::Stats),
        (Group::Rate, Columns::Rates),
        (Group::Thresholds, Columns::Thresholds),
        (Group::PersistentConn, Columns::Persistent),
        (Group::TunInfo, Columns::Tunnels),
    ];
    let subject = match asked.as_slice() {
        [] => Subject::Table(service),
        [(_, name, subject)] => {
            let allowed = |group| match subject {
                Subject::Connections => matches!(group, Group::PersistentConn | Group::TunInfo),
                Subject::Table(_) | Subject::Timeouts | Subject::Daemons => group == Group::TunInfo,
            };
            let stray = columns.iter().any(|(group, _)| draft.has(*group) && !allowed(*group));
            if service.is_some() || stray {
                return Err(Fault::wrong(format!("{name} lists something else than services: give it alone")));
            }
            *subject
        }
        [(_, one, _), (_, other, _), ..] => return Err(Fault::wrong(format!("{one} and {other} exclude each other"))),
    };
    let columns = columns.iter().find(|(group, _)| draft.has(*group)).map_or(Columns::Usual, |(_, columns)| *columns);
    Ok(Listing {
        subject,
        columns,
        numeric: draft.has(Group::Numeric),
        exact: draft.has(Group::Exact),
        sorted: !draft.has(Group::NoSort),
        json: draft.has(Group::Json),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Request, Fault> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&words)
    }

    fn code(line: &str) -> u8 {
        read(line).map_or_else(|fault| fault.code, |_| 0)
    }

    // The codes are those of ipvsadm 1.31 (Debian 12).
    #[test]
    fn wrong_lines_have_ipvsadms_exit_codes() {
        for line in ["-A", "-A -t 10.0.0.1:80 -w 5", "-A -t 10.0.0.1", "-L -6", "-C -b sh-port", "-Ah", "-L - "] {
            assert_eq!(code(line), 2, "{line}");
        }
        for line in ["-tA 10.0.0.1:80", "-A --nosuch", "-A -t", "-L --timeout=3", "foo", "--", "-z", "--set -1 2 3"] {
            assert_eq!(code(line), 255, "{line}");
        }
        for line in ["", "-h -x", "-Ln", "-A -t10.0.0.1:80", "-A --tcp-service=10.0.0.1:80 -s=wrr", "-L --sort --sort"]
        {
            assert_eq!(code(line), 0, "{line}");
        }
    }

    #[test]
    fn a_direct_route_keeps_the_services_port_and_says_so() {
        let Ok(Request::Change(change)) = read("-a -t 10.0.0.1:80 -r 10.0.0.71:8080") else { panic!() };
        assert_eq!(change.unheeded_port, Some(8080));
        assert!(matches!(change.op, IpvsOp::NewDestination(_, key, _) if key.to_string() == "10.0.0.71:80"));
        let Ok(Request::Change(change)) = read("-a -t 10.0.0.1:80 -r 10.0.0.71:8080 -m") else { panic!() };
        assert!(matches!(change.op, IpvsOp::NewDestination(_, key, _) if key.to_string() == "10.0.0.71:8080"));
    }

    #[test]
    fn tunnel_options_hang_together() {
        for line in ["--tun-type gue", "-i --tun-csum", "-i --tun-type gre --tun-port 1", "-m --tun-type gre"] {
            assert_eq!(code(&format!("-a -t 10.0.0.1:80 -r 10.0.0.71 {line}")), 2, "{line}");
        }
        assert_eq!(code("-a -t 10.0.0.1:80 -r 10.0.0.71 -i --tun-type gue --tun-port 6080 --tun-remcsum"), 0);
    }

    #[test]
    fn three_timeouts_and_no_more() {
        assert_eq!(read("--set 900 0 300"), Ok(Request::SetTimeouts(Timeouts { tcp: 900, tcp_fin: 0, udp: 300 })));
        assert_eq!((code("--set 1 2"), code("--set 1 2 3 4"), code("--set a 2 3")), (2, 2, 2));
    }
}

//! A command line half read: each option is checked as it comes, in the order in which they stand, since the first thing
//! that is wrong decides the exit code.

use super::fault::Fault;
use super::options::{Command, Group, OptionRow, Word};
use super::value::{endpoint, leading_number, number, old_ipv4, ranged};
use crate::engine::{DaemonRole, Family, Forwarding, Protocol, SyncDaemon};
use std::net::{IpAddr, Ipv4Addr};

/// A persistence of 31 days is the longest.
pub const LONGEST_TIMEOUT: u64 = 31 * 24 * 60 * 60;
/// The persistence of `-p` without a number.
const PERSISTENCE: u32 = 360;

/// The service that a line is about.
#[derive(Debug, Clone, Copy)]
pub enum Named {
    /// By address and, where it was said, port.
    Address(Protocol, IpAddr, Option<u16>),
    /// By firewall mark.
    Mark(u32),
}

/// The persistence mask so far.
#[derive(Debug, Clone, Copy)]
pub enum Mask {
    /// One client each.
    One,
    /// An IPv4 mask, prefix or not.
    V4(Ipv4Addr),
    /// An IPv6 prefix length.
    Prefix(u8),
}

/// What was read.
pub struct Draft {
    pub command: Command,
    pub seen: Vec<Group>,
    pub service: Option<Named>,
    pub family: Family,
    pub mask: Mask,
    pub scheduler: Option<String>,
    pub timeout: Option<u32>,
    pub engine: Option<String>,
    pub flags: Option<String>,
    pub server: Option<(IpAddr, u16)>,
    pub forwarding: Option<Forwarding>,
    pub weight: u32,
    pub upper: u32,
    pub lower: u32,
    pub tunnel: String,
    pub tunnel_port: u16,
    pub daemon: SyncDaemon,
}

impl Draft {
    /// A command with nothing else; `operand` is the daemon's role where the command takes one.
    pub fn new(command: Command, operand: Option<&str>) -> Result<Self, Fault> {
        let role = match operand {
            None | Some("master") => DaemonRole::Master,
            Some("backup") => DaemonRole::Backup,
            Some(other) => return Err(Fault::wrong(format!("\"{other}\" is neither master nor backup"))),
        };
        Ok(Self {
            command,
            seen: Vec::new(),
            service: None,
            family: Family::Inet,
            mask: Mask::One,
            scheduler: None,
            timeout: None,
            engine: None,
            flags: None,
            server: None,
            forwarding: None,
            weight: 1,
            upper: 0,
            lower: 0,
            tunnel: "ipip".to_owned(),
            tunnel_port: 0,
            daemon: SyncDaemon {
                role,
                interface: String::new(),
                sync_id: 0,
                max_length: 0,
                group: None,
                port: 0,
                ttl: 0,
            },
        })
    }

    /// Whether an option of this group was given.
    pub fn has(&self, group: Group) -> bool {
        self.seen.contains(&group)
    }

    fn become_v6(&mut self) {
        (self.family, self.mask) = (Family::Inet6, Mask::One);
    }

    /// Takes an option with its value.
    pub fn take(&mut self, row: &OptionRow, value: Option<&str>) -> Result<(), Fault> {
        if row.group != Group::Free {
            if self.has(row.group) {
                return Err(Fault::wrong(format!("--{}: only one of its kind may be given", row.long)));
            }
            self.seen.push(row.group);
        }
        let text = value.unwrap_or_default();
        match row.word {
            Word::Tcp => self.address(Protocol::Tcp, text),
            Word::Udp => self.address(Protocol::Udp, text),
            Word::Sctp => self.address(Protocol::Sctp, text),
            Word::FwMark => {
                let mark = ranged("-f", text, 1, u64::from(u32::MAX))?;
                self.service = Some(Named::Mark(u32::try_from(mark).unwrap_or(u32::MAX)));
                Ok(())
            }
            Word::Ipv6 => match self.service {
                Some(Named::Mark(_)) => {
                    self.become_v6();
                    Ok(())
                }
                None | Some(Named::Address(..)) => Err(Fault::wrong("-6 goes with -f MARK, and stands after it")),
            },
            Word::Gatewaying => self.forward(Forwarding::Dr),
            Word::Ipip => self.forward(Forwarding::Tun),
            Word::Masquerading => self.forward(Forwarding::Nat),
            Word::Sort => Ok(()),
            Word::Only => self.setting(row.group, text, value),
        }
    }

    fn address(&mut self, protocol: Protocol, text: &str) -> Result<(), Fault> {
        let wrong = || {
            Fault::wrong(format!(
                "\"{text}\" is no service address: write HOST[:PORT], as 10.0.0.1:80 or [fd00::1]:80; a name must \
                 resolve, and a port be a number up to 65535 or a service's name"
            ))
        };
        let (host, port) = endpoint(text, Some(protocol)).ok_or_else(wrong)?;
        if host.is_ipv6() {
            self.become_v6();
        }
        self.service = Some(Named::Address(protocol, host, port));
        Ok(())
    }

    #[allow(clippy::unnecessary_wraps)] // one shape for all arms above
    fn forward(&mut self, forwarding: Forwarding) -> Result<(), Fault> {
        self.forwarding = Some(forwarding);
        Ok(())
    }

    fn setting(&mut self, group: Group, text: &str, value: Option<&str>) -> Result<(), Fault> {
        match group {
            Group::Scheduler => self.scheduler = Some(text.to_owned()).filter(|name| !name.is_empty()),
            Group::Persistent => {
                self.timeout = Some(match value {
                    None => PERSISTENCE,
                    Some(text) => small(ranged("-p", text, 1, LONGEST_TIMEOUT)?),
                });
            }
            Group::Netmask => self.netmask(text)?,
            Group::SchedulerFlags => self.flags = Some(text.to_owned()),
            Group::Engine => self.engine = Some(text.to_owned()).filter(|name| !name.is_empty()),
            Group::RealServer => {
                // Both are the service's where it was named before, as ipvsadm has it.
                let (protocol, default) = match self.service {
                    Some(Named::Address(protocol, _, port)) => (Some(protocol), port.unwrap_or(0)),
                    Some(Named::Mark(_)) => (Some(Protocol::Tcp), 0),
                    None => (None, 0),
                };
                let wrong = || {
                    Fault::wrong(format!(
                        "\"{text}\" is no real server: write HOST[:PORT], as 10.0.0.71:80 or [fd00::71]:80"
                    ))
                };
                let (host, port) = endpoint(text, protocol).ok_or_else(wrong)?;
                self.server = Some((host, port.unwrap_or(default)));
            }
            Group::Weight => self.weight = small(ranged("-w", text, 0, 2_147_483_647)?),
            Group::Upper => self.upper = small(ranged("-x", text, 0, 2_147_483_647)?),
            Group::Lower => self.lower = small(ranged("-y", text, 0, 2_147_483_647)?),
            Group::TunType => {
                if !["ipip", "gue", "gre"].contains(&text) {
                    return Err(Fault::wrong(format!("--tun-type: \"{text}\" is none of ipip, gue and gre")));
                }
                text.clone_into(&mut self.tunnel);
            }
            Group::TunPort => self.tunnel_port = port("--tun-port", text)?,
            Group::McastInterface => text.clone_into(&mut self.daemon.interface),
            Group::SyncId => self.daemon.sync_id = small(ranged("--syncid", text, 0, 255)?),
            Group::SyncMaxlen => {
                let length = ranged("--sync-maxlen", text, 1, 65507)?;
                self.daemon.max_length = u16::try_from(length).unwrap_or(u16::MAX);
            }
            Group::McastAddress => {
                let group = text.parse().ok().filter(IpAddr::is_multicast);
                let wrong = || Fault::wrong(format!("--mcast-group: \"{text}\" is no multicast address"));
                self.daemon.group = Some(group.ok_or_else(wrong)?);
            }
            Group::McastPort => self.daemon.port = port("--mcast-port", text)?,
            Group::McastTtl => {
                self.daemon.ttl = u8::try_from(ranged("--mcast-ttl", text, 1, 255)?).unwrap_or(u8::MAX);
            }
            // These are only there or not, or were taken by their word.
            Group::ServiceAddress
            | Group::Forwarding
            | Group::Numeric
            | Group::Connection
            | Group::Timeout
            | Group::Daemon
            | Group::Stats
            | Group::Rate
            | Group::Thresholds
            | Group::PersistentConn
            | Group::NoSort
            | Group::Exact
            | Group::OnePacket
            | Group::TunInfo
            | Group::TunNoCsum
            | Group::TunCsum
            | Group::TunRemCsum
            | Group::Json
            | Group::Keep
            | Group::Atomic
            | Group::Free => {}
        }
        Ok(())
    }

    fn netmask(&mut self, text: &str) -> Result<(), Fault> {
        self.mask = match self.family {
            Family::Inet6 => match u8::try_from(leading_number(text)) {
                Ok(prefix @ 1..=128) => Mask::Prefix(prefix),
                Ok(_) | Err(_) => {
                    return Err(Fault::wrong(format!("-M: \"{text}\" is no prefix length of 1 to 128")));
                }
            },
            Family::Inet => {
                let wrong = || Fault::wrong(format!("-M: \"{text}\" is no IPv4 mask such as 255.255.255.0"));
                Mask::V4(old_ipv4(text).ok_or_else(wrong)?)
            }
        };
        Ok(())
    }
}

fn port(option: &str, text: &str) -> Result<u16, Fault> {
    let port = number(text, 1, u64::from(u16::MAX)).and_then(|port| u16::try_from(port).ok());
    port.ok_or_else(|| Fault::wrong(format!("{option}: \"{text}\" is no port of 1 to 65535")))
}

/// A number that its range keeps within 32 bits.
pub fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

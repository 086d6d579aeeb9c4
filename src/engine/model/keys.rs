//! The names by which services and real servers are known to operators, the kernel and the API.

use serde::{Deserialize, Serialize, de};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// A text that names no service or real server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a {wanted}; write it like {example}")]
pub struct KeyError {
    /// What was given.
    pub text: String,
    /// What it should have been.
    pub wanted: &'static str,
    /// A correct one.
    pub example: &'static str,
}

/// Address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

impl Family {
    /// The family of an address.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Inet,
            IpAddr::V6(_) => Self::Inet6,
        }
    }
}

/// Transport protocol of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP, IP protocol 6.
    Tcp,
    /// UDP, IP protocol 17.
    Udp,
    /// SCTP, IP protocol 132.
    Sctp,
}

impl Protocol {
    /// Lower-case name as keys carry it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// What identifies a virtual service: protocol and address, or a firewall mark in a family.
///
/// Written `tcp/10.0.0.1:80`, `udp/[fd00::1]:53`, `fwmark/1234`, `fwmark6/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKey {
    /// Packets to an address and port.
    Address {
        /// Transport protocol.
        protocol: Protocol,
        /// Virtual address and port (port 0: all ports, needs persistence).
        address: SocketAddr,
    },
    /// Packets that carry a firewall mark.
    FwMark {
        /// The mark, not 0.
        mark: u32,
        /// Family of the packets.
        family: Family,
    },
}

impl ServiceKey {
    /// Family of the packets.
    pub const fn family(&self) -> Family {
        match self {
            Self::Address { address: SocketAddr::V4(_), .. } => Family::Inet,
            Self::Address { address: SocketAddr::V6(_), .. } => Family::Inet6,
            Self::FwMark { family, .. } => *family,
        }
    }
    /// The port of the service; none for a firewall mark.
    pub const fn port(&self) -> Option<u16> {
        match self {
            Self::Address { address, .. } => Some(address.port()),
            Self::FwMark { .. } => None,
        }
    }
    /// The option and value by which ipvsadm names it: `-t 10.0.0.1:80`, `-f 8 -6`.
    pub fn ipvsadm_option(&self) -> String {
        match self {
            Self::Address { protocol: Protocol::Tcp, address } => format!("-t {address}"),
            Self::Address { protocol: Protocol::Udp, address } => format!("-u {address}"),
            Self::Address { protocol: Protocol::Sctp, address } => format!("--sctp-service {address}"),
            Self::FwMark { mark, family: Family::Inet } => format!("-f {mark}"),
            Self::FwMark { mark, family: Family::Inet6 } => format!("-f {mark} -6"),
        }
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { protocol, address } => write!(f, "{}/{address}", protocol.name()),
            Self::FwMark { mark, family: Family::Inet } => write!(f, "fwmark/{mark}"),
            Self::FwMark { mark, family: Family::Inet6 } => write!(f, "fwmark6/{mark}"),
        }
    }
}

impl FromStr for ServiceKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let error = || KeyError {
            text: text.to_owned(),
            wanted: "service",
            example: "tcp/10.0.0.1:80, udp/[fd00::1]:53 or fwmark/1234",
        };
        let (kind, rest) = text.split_once('/').ok_or_else(error)?;
        let mark = |family| match rest.parse() {
            Ok(mark) if mark > 0 => Ok(Self::FwMark { mark, family }),
            _ => Err(error()),
        };
        let protocol = match kind {
            "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            "sctp" => Protocol::Sctp,
            "fwmark" => return mark(Family::Inet),
            "fwmark6" => return mark(Family::Inet6),
            _ => return Err(error()),
        };
        rest.parse().map(|address| Self::Address { protocol, address }).map_err(|_| error())
    }
}

/// An address with its port, in 20 bytes where a `SocketAddr` takes 32: there is one wherever a real server is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    ip: IpAddr,
    port: u16,
}

impl Endpoint {
    /// The address.
    pub const fn ip(&self) -> IpAddr {
        self.ip
    }
    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self { ip: address.ip(), port: address.port() }
    }
}

impl From<Endpoint> for SocketAddr {
    fn from(Endpoint { ip, port }: Endpoint) -> Self {
        Self::new(ip, port)
    }
}

/// What identifies a real server within a service: `10.0.0.71:80`, `[fd00::71]:80`. Port 0 with a firewall mark: any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RealServerKey(pub Endpoint);

impl From<SocketAddr> for RealServerKey {
    fn from(address: SocketAddr) -> Self {
        Self(address.into())
    }
}

impl fmt::Display for RealServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::from(self.0).fmt(f)
    }
}

impl FromStr for RealServerKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        text.parse::<SocketAddr>().map(Self::from).map_err(|_| KeyError {
            text: text.to_owned(),
            wanted: "real server",
            example: "10.0.0.71:80 or [fd00::71]:80",
        })
    }
}

macro_rules! serde_as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}
serde_as_text!(ServiceKey);
serde_as_text!(RealServerKey);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_it_was_written() {
        for text in ["tcp/10.0.0.1:80", "udp/[fd00::1]:53", "sctp/10.0.0.1:9899", "fwmark/1234", "fwmark6/8"] {
            assert_eq!(text.parse::<ServiceKey>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_bad_key_says_what_a_good_one_looks_like() {
        for text in ["10.0.0.1:80", "tcp/10.0.0.1", "fwmark/0", "icmp/10.0.0.1:1"] {
            assert!(text.parse::<ServiceKey>().unwrap_err().to_string().contains("fwmark/1234"), "{text}");
        }
    }
}

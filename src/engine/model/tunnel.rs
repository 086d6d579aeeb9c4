//! What packets to a tunnelled server are wrapped in.

use serde::Serialize;
use std::fmt;

/// What a packet to a tunnelled destination is wrapped in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tunnel {
    /// IP in IP; all that kernels before 5.2 know.
    #[default]
    Ipip,
    /// Generic UDP encapsulation (kernel 5.2).
    Gue {
        /// UDP port at the destination.
        port: u16,
        /// Of the outer header.
        checksum: Checksum,
    },
    /// Generic routing encapsulation (kernel 5.3).
    Gre {
        /// Of the outer header; never `Remote`.
        checksum: Checksum,
    },
}

/// The checksum of a tunnel's header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Checksum {
    /// None.
    #[default]
    Off,
    /// As usual.
    On,
    /// Offloaded to the far end (remote checksum offload).
    Remote,
}

impl Checksum {
    /// The option of ipvsadm, and with `--tun-` before it; the word of `lb_kind`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "nocsum",
            Self::On => "csum",
            Self::Remote => "remcsum",
        }
    }
}

impl Tunnel {
    /// Whether it is the one that every kernel makes.
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde hands fields over so
    pub const fn is_usual(&self) -> bool {
        matches!(self, Self::Ipip)
    }
    /// ipvsadm's options for it; nothing for one of IP in IP, which is what is made without them.
    pub fn ipvsadm_options(self) -> String {
        match self {
            Self::Ipip => String::new(),
            Self::Gue { port, checksum } => format!(" --tun-type gue --tun-port {port} --tun-{}", checksum.word()),
            Self::Gre { checksum } => format!(" --tun-type gre --tun-{}", checksum.word()),
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Remote => "remote",
        })
    }
}

impl fmt::Display for Tunnel {
    /// `gue port 6080, checksum off`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipip => f.write_str("ipip"),
            Self::Gue { port, checksum } => write!(f, "gue port {port}, checksum {checksum}"),
            Self::Gre { checksum } => write!(f, "gre, checksum {checksum}"),
        }
    }
}

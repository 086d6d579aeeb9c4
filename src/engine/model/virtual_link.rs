//! Interfaces with a virtual MAC address (`use_vmac`).

use super::{Family, Vrid};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A hardware address, shown as `00:00:5e:00:01:33`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// That of a virtual router (RFC 9568 §7.3).
    pub const fn of_router(vrid: Vrid, family: Family) -> Self {
        let kind = match family {
            Family::Inet => 1,
            Family::Inet6 => 2,
        };
        Self([0, 0, 0x5e, 0, kind, vrid.get()])
    }

    /// Whether it is one that RFC 9568 gives to virtual routers.
    pub const fn is_of_a_router(self) -> bool {
        matches!(self.0, [0, 0, 0x5e, 0, 1 | 2, _])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.map(|byte| format!("{byte:02x}")).join(":"))
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}

impl TryFrom<String> for Mac {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bytes: Option<Vec<u8>> = text.split(':').map(octet).collect();
        let six = bytes.and_then(|bytes| <[u8; 6]>::try_from(bytes).ok());
        six.map(Self).ok_or_else(|| format!("{text} is no MAC address"))
    }
}

/// One or two hexadecimal digits.
fn octet(text: &str) -> Option<u8> {
    let fits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u8::from_str_radix(text, 16).ok().filter(|_| fits)
}

/// An interface on top of another one, with a MAC address of its own: there as long as its virtual router runs, and up while
/// that is master.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VirtualLink {
    /// Its name.
    pub name: String,
    /// The interface below.
    pub base: String,
    /// Its MAC address.
    pub mac: Mac,
    /// Of the addresses on it.
    pub family: Family,
}

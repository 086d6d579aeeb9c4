//! An address, or all that begin alike.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// `10.0.0.5`, `10.0.0.0/8`, `fd00::/64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    address: IpAddr,
    bits: u8,
}

impl Prefix {
    /// Whether an address begins like it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |mine: u128, theirs: u128, width: u8| {
            let rest = u32::from(width.saturating_sub(self.bits));
            (mine ^ theirs).checked_shr(rest).unwrap_or(0) == 0
        };
        match (self.address, address) {
            (IpAddr::V4(mine), IpAddr::V4(theirs)) => same(mine.to_bits().into(), theirs.to_bits().into(), 32),
            (IpAddr::V6(mine), IpAddr::V6(theirs)) => same(mine.to_bits(), theirs.to_bits(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        let width = if self.address.is_ipv4() { 32 } else { 128 };
        if self.bits == width { Ok(()) } else { write!(f, "/{}", self.bits) }
    }
}

impl FromStr for Prefix {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no address; write it like 10.0.0.5, 10.0.0.0/8 or fd00::/64");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        if bits > width { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

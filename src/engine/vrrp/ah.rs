//! `auth_type AH`: the IP Authentication Header in front of a message of version 2 over IPv4 (RFC 2338 §5.3.6.3, RFC 2402,
//! RFC 2403), in keepalived's form.
//!
//! ```text
//!  0 next header 112 | 1 length 4 | 2 reserved | 4 SPI: the source address | 8 sequence number | 12 HMAC-MD5-96
//! ```
//!
//! The digest is over the IP header, this header with zeros for the digest, and the message. What changes on the way counts
//! as zero in the IP header: TOS, flags and offset, the checksum; the TTL for unicast alone. The identification is covered,
//! so its sender chooses it.

use super::packet::PROTOCOL;
use crate::engine::model::Password;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use md5::Md5;
use std::net::Ipv4Addr;

/// IP protocol number (RFC 2402 §2).
pub const AH_PROTOCOL: u8 = 51;
/// Bytes of the header.
pub(super) const LENGTH: usize = 24;
/// Where the digest begins.
const DIGEST: usize = 12;
/// Length in words of four bytes, less two.
const WORDS: u8 = 4;

/// The header of one message, which the IP header around it has to agree with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthenticationHeader {
    /// As on the wire.
    pub bytes: [u8; LENGTH],
    /// The identification of the IP packet; never 0, which a kernel would fill in.
    pub identification: u16,
}

/// A header and the message behind it.
type Sealed<'a> = (&'a [u8; LENGTH], &'a [u8]);

/// Seals a message that leaves with this source, destination and TTL.
pub fn seal(
    password: Password,
    (source, destination): (Ipv4Addr, Ipv4Addr),
    ttl: u8,
    sequence: u32,
    message: &[u8],
) -> AuthenticationHeader {
    let [.., high, low] = sequence.to_be_bytes();
    let identification = u16::from_be_bytes([high, low]).max(1);
    let mut bytes = [0; LENGTH];
    let spi = source.octets().into_iter().chain(sequence.to_be_bytes());
    let fields = [PROTOCOL, WORDS, 0, 0].into_iter().chain(spi);
    bytes.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
    let total = u16::try_from(20 + LENGTH + message.len()).unwrap_or(u16::MAX);
    let mut ip = Vec::with_capacity(20);
    ip.extend([0x45, 0]);
    ip.extend(total.to_be_bytes());
    ip.extend(identification.to_be_bytes());
    ip.extend([0, 0, ttl, AH_PROTOCOL, 0, 0]);
    ip.extend(source.octets());
    ip.extend(destination.octets());
    let digest = digest(password, &ip, &bytes, message).finalize().into_bytes();
    bytes.iter_mut().skip(DIGEST).zip(digest).for_each(|(slot, byte)| *slot = byte);
    AuthenticationHeader { bytes, identification }
}

/// Whether the digest is that of the packet; the time taken says nothing about how much of it is. `ip`: its header as it
/// came, of 20 bytes or more.
pub(super) fn is_genuine(password: Password, ip: &[u8], header: &[u8; LENGTH], message: &[u8]) -> bool {
    let sent = header.get(DIGEST..).unwrap_or_default();
    digest(password, ip, header, message).verify_truncated_left(sent).is_ok()
}

/// SPI and sequence number.
pub(super) fn numbers(header: &[u8; LENGTH]) -> (u32, u32) {
    let [_, _, _, _, s0, s1, s2, s3, n0, n1, n2, n3, ..] = *header;
    (u32::from_be_bytes([s0, s1, s2, s3]), u32::from_be_bytes([n0, n1, n2, n3]))
}

/// The header at the front of what an IP packet of protocol 51 carries, where it is one for VRRP, and the message. Errors:
/// it says that it is, and is too short or of another length.
pub(super) fn split(payload: &[u8]) -> Result<Option<Sealed<'_>>, ()> {
    match (payload.split_first_chunk::<LENGTH>(), payload.first()) {
        (Some((header, message)), Some(&PROTOCOL)) if header[1] == WORDS => Ok(Some((header, message))),
        (_, Some(&PROTOCOL)) => Err(()),
        (_, _) => Ok(None),
    }
}

fn digest(password: Password, ip: &[u8], header: &[u8; LENGTH], message: &[u8]) -> Hmac<Md5> {
    // A key is padded with zeros to a block anyhow (RFC 2104 §2).
    let mut key = [0; 64];
    key.iter_mut().zip(password.bytes()).for_each(|(slot, byte)| *slot = byte);
    let mut hmac = <Hmac<Md5> as KeyInit>::new(&key.into());
    let mut ip = ip.to_vec();
    let is_unicast = ip.get(16).is_some_and(|first| !(224..240).contains(first));
    for (at, byte) in ip.iter_mut().enumerate() {
        if matches!(at, 1 | 6 | 7 | 10 | 11) || at == 8 && is_unicast {
            *byte = 0;
        }
    }
    hmac.update(&ip);
    hmac.update(header.get(..DIGEST).unwrap_or_default());
    hmac.update(&[0; LENGTH - DIGEST]);
    hmac.update(message);
    hmac
}

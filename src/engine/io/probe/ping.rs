//! `PING_CHECK`: an ICMP echo comes back (RFC 792, RFC 4443 §4).

use super::origin;
use crate::engine::health::Verdict;
use crate::engine::model::CheckSpec;
use socket2::{Protocol, Socket, Type};
use std::sync::atomic::{AtomicU16, Ordering};
use tokio::net::UdpSocket;

/// Room for an answer with its IP header.
const ROOM: usize = 512;

/// Sends one echo request and waits for its answer.
pub(super) async fn ask(check: &CheckSpec) -> Result<(), Verdict> {
    let (socket, is_raw) = open(check)?;
    // To the loop a socket that sends and receives datagrams is one, whatever its protocol.
    let socket = UdpSocket::from_std(socket.into()).map_err(origin::no_socket)?;
    let ([low, high, ..], sequence) = (std::process::id().to_le_bytes(), next().to_be_bytes());
    let id = [high, low];
    let request = request(check.target.is_ipv6(), id, sequence);
    socket.send(&request).await.map_err(|error| origin::judge(check, &error))?;
    loop {
        let mut answer = [0; ROOM];
        let length = socket.recv(&mut answer).await.map_err(|error| origin::judge(check, &error))?;
        let answer = answer.get(..length).unwrap_or_default();
        if is_ours(answer, check.target.is_ipv6(), is_raw.then_some(id), sequence) {
            return Ok(());
        }
    }
}

/// A socket for echoes: without privileges where the host allows it (`net.ipv4.ping_group_range`), else a raw one.
fn open(check: &CheckSpec) -> Result<(Socket, bool), Verdict> {
    let protocol = if check.target.is_ipv6() { Protocol::ICMPV6 } else { Protocol::ICMPV4 };
    match origin::datagrams(check, Type::DGRAM, protocol) {
        Ok(socket) => Ok((socket, false)),
        Err(Verdict::Unable(_)) => origin::datagrams(check, Type::RAW, protocol).map(|socket| (socket, true)),
        Err(verdict) => Err(verdict),
    }
}

fn next() -> u16 {
    static LAST: AtomicU16 = AtomicU16::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

/// Type, code, checksum, identifier, sequence. The kernel fills the checksum of `ICMPv6` in, and the identifier of a socket that
/// is not raw.
fn request(is_v6: bool, id: [u8; 2], sequence: [u8; 2]) -> [u8; 8] {
    let words = [0x0800, u16::from_be_bytes(id), u16::from_be_bytes(sequence)];
    let (kind, sum) = if is_v6 { (128, 0) } else { (8, checksum(words)) };
    let ([high, low], [i, d], [s, q]) = (sum.to_be_bytes(), id, sequence);
    [kind, 0, high, low, i, d, s, q]
}

/// The Internet checksum of these words (RFC 1071).
fn checksum(words: [u16; 3]) -> u16 {
    !words.into_iter().fold(0_u16, |sum, word| {
        let (sum, carried) = sum.overflowing_add(word);
        sum + u16::from(carried)
    })
}

/// Whether it answers this request. Over IPv4 a raw socket gives the IP header too; `id` counts there alone.
fn is_ours(answer: &[u8], is_v6: bool, id: Option<[u8; 2]>, sequence: [u8; 2]) -> bool {
    let header = match (answer.first(), is_v6, id) {
        (Some(first), false, Some(_)) => usize::from(first & 15) * 4,
        _ => 0,
    };
    let Some(message) = answer.get(header..) else { return false };
    let kind = if is_v6 { 129 } else { 0 };
    message.first() == Some(&kind)
        && message.get(6..8) == Some(&sequence)
        && id.is_none_or(|id| message.get(4..6) == Some(&id))
}

//! `UDP_CHECK`: nobody says that the port is closed, and somebody answers ARP where the server is a neighbour; with `require_reply`, the answer is as it should be.

use super::{failed, origin, within};
use crate::engine::health::Verdict;
use crate::engine::model::{CheckSpec, UdpCheck};
use std::net::IpAddr;
use std::pin::pin;

/// Room for the longest datagram.
const ROOM: usize = 65_535;

/// What is sent where the file names no `payload`: many servers drop an empty datagram. keepalived sends 32 bytes of its own as well.
const PAYLOAD: &[u8; 32] = b"lvsdeck check: does anyone hear?";

/// Sends the payload once and waits for an answer, or for an ICMP error. Without `require_reply` silence passes when the time
/// is over; it counts from the sending.
pub(super) async fn ask(check: &CheckSpec, udp: &UdpCheck) -> Result<(), Verdict> {
    let socket = origin::udp(check)?;
    let payload = if udp.payload.is_empty() { PAYLOAD.as_slice() } else { &udp.payload };
    socket.send(payload).await.map_err(|error| origin::judge(check, &error))?;
    let mut answer = vec![0; if udp.reply.is_some() { ROOM } else { 1 }];
    let received = async { socket.recv(&mut answer).await.map(Some).map_err(|error| origin::judge(check, &error)) };
    let silence = if udp.reply.is_some() { failed("no answer") } else { Ok(None) };
    let Some(length) = within(check.timing.timeout, pin!(received), silence).await? else {
        // Nobody to hear it is another silence: the kernel says so of what it could not send, after 3 s and perhaps too late.
        let asked = std::fs::read_to_string("/proc/net/arp").unwrap_or_default();
        return if answers_arp(&asked, check.target.ip()) { Ok(()) } else { failed("no answer to ARP") };
    };
    match &udp.reply {
        None => Ok(()),
        Some(wanted) => judge(answer.get(..length).unwrap_or_default(), wanted, udp.length),
    }
}

/// Whether the table has no line of this address, or one that is complete (`ATF_COM`): an address behind a router has none.
fn answers_arp(table: &str, address: IpAddr) -> bool {
    let mut lines = table.lines().skip(1).filter_map(|line| {
        let mut words = line.split_whitespace();
        let is_its = words.next()?.parse() == Ok(address);
        let flags = u32::from_str_radix(words.nth(1)?.trim_start_matches("0x"), 16).ok()?;
        is_its.then_some(flags & 0x2 != 0)
    });
    lines.next().is_none_or(|first| first || lines.any(|complete| complete))
}

/// The answer is as long as it should be, and begins as it should. Where no byte is wanted any answer will do, as in keepalived.
fn judge(answer: &[u8], wanted: &[(u8, u8)], (least, most): (u16, u16)) -> Result<(), Verdict> {
    let length = answer.len();
    if wanted.is_empty() {
        return Ok(());
    }
    if length < usize::from(least) || length > usize::from(most) {
        return failed(format!("an answer of {length} bytes ({least} to {most} are wanted)"));
    }
    match answer.iter().zip(wanted).position(|(byte, (value, mask))| byte & mask != value & mask) {
        None => Ok(()),
        Some(at) => failed(format!("byte {at} of the answer is another than wanted")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_that_does_not_answer_arp_is_silent_for_another_reason() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
                     10.5.0.99        0x1         0x0         00:00:00:00:00:00     *        v0\n\
                     10.5.0.98        0x1         0x2         02:00:00:00:00:98     *        v0\n\
                     10.5.0.97        0x1         0x0         00:00:00:00:00:00     *        v0\n\
                     10.5.0.97        0x1         0x2         02:00:00:00:00:97     *        v1\n";
        for (address, answers) in
            [("10.5.0.99", false), ("10.5.0.98", true), ("10.5.0.97", true), ("10.9.9.9", true), ("fd00::1", true)]
        {
            assert_eq!(answers_arp(table, address.parse().unwrap()), answers, "{address}");
        }
    }

    #[test]
    fn an_answer_is_judged_by_length_and_by_the_bits_that_count() {
        let wanted = [(0xab, 0xff), (0x10, 0xf0)];
        for (answer, length, good) in [
            (&[0xab, 0x1f][..], (0, 255), true),
            (&[0xab, 0x2f], (0, 255), false),
            (&[0xab], (0, 255), true),
            (&[], (0, 255), true),
            (&[], (1, 255), false),
            (&[0xab, 0x10, 7, 7], (0, 4), true),
            (&[0xab, 0x10, 7, 7], (0, 3), false),
        ] {
            assert_eq!(judge(answer, &wanted, length).is_ok(), good, "{answer:?} {length:?}");
        }
        assert_eq!(judge(&[1, 2, 3], &[], (5, 255)), Ok(()), "by measurement of keepalived 2.2.7");
    }
}

//! `UDP_CHECK`: nobody says that the port is closed, and somebody answers ARP or neighbour discovery where the server is a neighbour; with `require_reply`, the answer is as it should be.

use super::{failed, neighbours, origin, within};
use crate::engine::health::Verdict;
use crate::engine::model::{CheckSpec, UdpCheck};
use std::pin::pin;
use std::time::Instant;

/// Room for the longest datagram.
const ROOM: usize = 65_535;

/// What is sent where the file names no `payload`: many servers drop an empty datagram. keepalived sends 32 bytes of its own as well.
const PAYLOAD: &[u8; 32] = b"lvsdeck check: does anyone hear?";

/// Sends the payload once and waits for an answer, or for an ICMP error. Without `require_reply` silence passes when the time
/// is over; it counts from the sending.
pub(super) async fn ask(check: &CheckSpec, udp: &UdpCheck) -> Result<(), Verdict> {
    let socket = origin::udp(check)?;
    let payload = if udp.payload.is_empty() { PAYLOAD.as_slice() } else { &udp.payload };
    let sent_at = Instant::now();
    socket.send(payload).await.map_err(|error| origin::judge(check, &error))?;
    let mut answer = vec![0; if udp.reply.is_some() { ROOM } else { 1 }];
    let received = async { socket.recv(&mut answer).await.map(Some).map_err(|error| origin::judge(check, &error)) };
    let silence = if udp.reply.is_some() { failed("no answer") } else { Ok(None) };
    let Some(length) = within(check.timing.timeout, pin!(received), silence).await? else {
        // Nobody to hear it is another silence: the kernel says so of what it could not send, after 3 s and perhaps too late.
        let is_silent = neighbours::is_silent(check.target.ip(), sent_at, check.timing.timeout).await;
        let question = if check.target.is_ipv6() { "neighbour discovery" } else { "ARP" };
        return if is_silent { failed(format!("no answer to {question}")) } else { Ok(()) };
    };
    match &udp.reply {
        None => Ok(()),
        Some(wanted) => judge(answer.get(..length).unwrap_or_default(), wanted, udp.length),
    }
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

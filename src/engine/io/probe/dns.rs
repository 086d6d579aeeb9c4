//! `DNS_CHECK`: a question over UDP is answered without an error (RFC 1035 §4).

use super::{failed, origin};
use crate::engine::health::Verdict;
use crate::engine::model::{CheckSpec, RecordType};
use domain::base::iana::Rcode;
use domain::base::{Message, MessageBuilder, Name, Rtype};
use std::sync::atomic::{AtomicU16, Ordering};

/// Room for any datagram.
const ROOM: usize = 65_536;

/// Asks once. What is no answer to this question (a late one, a forged one, no DNS at all) is passed over.
pub(super) async fn ask(check: &CheckSpec, record: RecordType, name: &str) -> Result<(), Verdict> {
    let Some((id, question)) = question(record, name) else { return failed(format!("{name} is no name to ask for")) };
    let socket = origin::udp(check)?;
    socket.send(&question).await.map_err(|error| origin::judge(check, &error))?;
    let mut answer = vec![0; ROOM];
    loop {
        let length = socket.recv(&mut answer).await.map_err(|error| origin::judge(check, &error))?;
        if let Some(verdict) = judge(answer.get(..length).unwrap_or_default(), id) {
            return verdict;
        }
    }
}

/// The message that asks, with its number.
fn question(record: RecordType, name: &str) -> Option<(u16, Vec<u8>)> {
    let name: Name<Vec<u8>> = name.parse().ok()?;
    let id = fresh();
    let mut message = MessageBuilder::new_vec();
    message.header_mut().set_id(id);
    message.header_mut().set_rd(true);
    let mut question = message.question();
    question.push((&name, code(record))).ok()?;
    Some((id, question.finish()))
}

const fn code(record: RecordType) -> Rtype {
    match record {
        RecordType::A => Rtype::A,
        RecordType::Ns => Rtype::NS,
        RecordType::Cname => Rtype::CNAME,
        RecordType::Soa => Rtype::SOA,
        RecordType::Mx => Rtype::MX,
        RecordType::Txt => Rtype::TXT,
        RecordType::Aaaa => Rtype::AAAA,
        RecordType::Rrsig => Rtype::RRSIG,
        RecordType::Dnskey => Rtype::DNSKEY,
    }
}

/// Another number for each question of this run.
fn fresh() -> u16 {
    static LAST: AtomicU16 = AtomicU16::new(0);
    LAST.fetch_add(0x9e37, Ordering::Relaxed) ^ std::process::id().to_le_bytes().into_iter().map(u16::from).sum::<u16>()
}

/// What an answer says; none where it is none to this question. Every name in it is followed, so that one that points at
/// itself is found.
fn judge(answer: &[u8], id: u16) -> Option<Result<(), Verdict>> {
    let message = Message::from_octets(answer).ok()?;
    let header = message.header();
    if header.id() != id {
        return None;
    }
    if !header.qr() {
        return Some(failed("a question in place of an answer"));
    }
    if header.rcode() != Rcode::NOERROR {
        return Some(failed(format!("DNS {}", header.rcode())));
    }
    let questions = message.question().all(|question| question.is_ok());
    let is_whole = questions && message.iter().all(|record| record.is_ok());
    Some(if is_whole { Ok(()) } else { failed("a damaged DNS answer") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(answer: &[u8]) -> String {
        match judge(answer, 7) {
            None => "not ours".to_owned(),
            Some(Ok(())) => "good".to_owned(),
            Some(Err(Verdict::Failed(why))) => why,
            Some(Err(other)) => format!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_is_ours_whole_and_without_an_error() {
        let header = |flags: u8, rcode: u8, questions: u8, answers: u8| {
            vec![0, 7, flags, rcode, 0, questions, 0, answers, 0, 0, 0, 0]
        };
        let root_soa: &[u8] = &[0, 0, 6, 0, 1];
        assert_eq!(said(&[header(0x80, 0, 1, 0), root_soa.to_vec()].concat()), "good");
        assert_eq!(said(&[header(0x80, 3, 1, 0), root_soa.to_vec()].concat()), "DNS NXDOMAIN");
        assert_eq!(said(&[header(0x80, 2, 1, 0), root_soa.to_vec()].concat()), "DNS SERVFAIL");
        assert_eq!(said(&[header(0, 0, 1, 0), root_soa.to_vec()].concat()), "a question in place of an answer");
        assert_eq!(said(&header(0x80, 0, 1, 0)), "a damaged DNS answer");
        assert_eq!(said(b"220 hello"), "not ours");
        let mut other = header(0x80, 0, 0, 0);
        other[1] = 8;
        assert_eq!(said(&other), "not ours");
        // The answer's name points at itself (RFC 1035 §4.1.4).
        let looped = [header(0x80, 0, 0, 1), vec![0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4]].concat();
        assert_eq!(said(&looped), "a damaged DNS answer");
    }

    #[test]
    fn a_question_asks_for_the_name_and_the_type() {
        for (record, name, wanted) in [
            (RecordType::Soa, ".", vec![0, 0, 6, 0, 1]),
            (RecordType::Aaaa, "a.b", vec![1, b'a', 1, b'b', 0, 0, 28, 0, 1]),
            (RecordType::A, "a.b.", vec![1, b'a', 1, b'b', 0, 0, 1, 0, 1]),
            (RecordType::Rrsig, ".", vec![0, 0, 46, 0, 1]),
            (RecordType::Dnskey, ".", vec![0, 0, 48, 0, 1]),
        ] {
            let (id, question) = question(record, name).unwrap();
            assert_eq!(question[..2], id.to_be_bytes());
            assert_eq!(question[2..12], [1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
            assert_eq!(question[12..], wanted);
        }
        assert!(question(RecordType::A, &"x".repeat(64)).is_none());
    }
}

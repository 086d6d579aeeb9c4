//! A rule's expressions, as conditions and a verdict.
//!
//! They work over registers: `meta` and `payload` load, `cmp` compares, `immediate` is the verdict. Only what [`Match`]
//! names is told apart; every other condition becomes [`Match::Other`]. Never fails: what is broken is such a condition.

use super::be32;
use crate::engine::advice::{Match, Verdict, Way};
use crate::engine::ipvs::attribute::{Attributes, array, text};
use crate::engine::model::Family;
use std::collections::BTreeMap;

/// What a register holds.
#[derive(Clone)]
enum Loaded {
    Protocol,
    Family,
    InterfaceName(Way),
    InterfaceIndex(Way),
    /// The first bytes of the address that it goes to, with the mask that they are under.
    Destination(Vec<u8>),
    ConnectionState,
    /// Connection state under a mask, whether the mask lets new connections through.
    MaskedState {
        new: bool,
    },
}

/// `NF_CT_STATE_BIT(IP_CT_NEW)`.
pub(super) const NEW: u32 = 8;

/// Reads expressions one after the other.
#[derive(Default)]
pub(super) struct Reader {
    registers: BTreeMap<u32, Loaded>,
    /// Conditions so far.
    pub matches: Vec<Match>,
    /// The verdict, once there is one.
    pub verdict: Option<Verdict>,
}

impl Reader {
    /// The next expression.
    pub fn read(&mut self, name: &str, body: &[u8]) {
        let fields = Attributes::new(body).index::<8>();
        let number = |kind| fields.get(kind).and_then(be32);
        match name {
            // destination register 1, key 2
            "meta" => self.load(
                number(1),
                match number(2) {
                    Some(4) => Some(Loaded::InterfaceIndex(Way::In)),
                    Some(5) => Some(Loaded::InterfaceIndex(Way::Out)),
                    Some(6) => Some(Loaded::InterfaceName(Way::In)),
                    Some(7) => Some(Loaded::InterfaceName(Way::Out)),
                    Some(15) => Some(Loaded::Family),
                    Some(16) => Some(Loaded::Protocol),
                    _ => None,
                },
            ),
            // destination register 1, key 2; key 0 is the state
            "ct" => self.load(number(1), (number(2) == Some(0)).then_some(Loaded::ConnectionState)),
            // destination register 1, base 2 (1: network header), offset 3, length 4; protocol of IPv4 and next header of IPv6
            "payload" => {
                let held = match (number(2), number(3), number(4)) {
                    (Some(1), Some(9 | 6), Some(1)) => Some(Loaded::Protocol),
                    // The destination of IPv4 and of IPv6, or its first bytes.
                    (Some(1), Some(16), Some(length @ 1..=4)) | (Some(1), Some(24), Some(length @ 5..=16)) => {
                        Some(Loaded::Destination(vec![0xff; usize::try_from(length).unwrap_or(0)]))
                    }
                    _ => None,
                };
                self.load(number(1), held);
            }
            // source register 1, destination register 2, length 3, mask 4
            "bitwise" => {
                let masked = match number(1).and_then(|register| self.registers.get(&register)) {
                    Some(Loaded::ConnectionState) => {
                        let mask = fields.get(4).and_then(value).and_then(array).map(u32::from_ne_bytes);
                        mask.map(|mask| Loaded::MaskedState { new: mask & NEW != 0 })
                    }
                    Some(Loaded::Destination(all)) => {
                        let mask = fields.get(4).and_then(value).filter(|mask| mask.len() == all.len());
                        mask.map(|mask| Loaded::Destination(mask.to_vec()))
                    }
                    _ => None,
                };
                self.load(number(2), masked);
            }
            // source register 1, operation 2 (0 equal, 1 not), data 3
            "cmp" => {
                let held = number(1).and_then(|register| self.registers.get(&register)).cloned();
                let compared = compare(held, number(2), fields.get(3).and_then(value).unwrap_or_default());
                self.matches.push(compared);
            }
            // set 1, source register 2, destination register 3 (0: the verdict)
            "lookup" => {
                let held = number(2).and_then(|register| self.registers.get(&register));
                let state = matches!(held, Some(Loaded::ConnectionState));
                self.matches.push(if state { Match::KnownConnection } else { Match::Other });
                if number(3) == Some(0) {
                    self.verdict = Some(Verdict::Accept);
                }
            }
            // destination register 1 (0: the verdict), data 2
            "immediate" if number(1) == Some(0) => self.verdict = fields.get(2).and_then(verdict),
            "reject" => self.verdict = Some(Verdict::Drop),
            // iptables-nft: name 1
            "match" => {
                let known = matches!(fields.text(1), Some("conntrack" | "state"));
                self.matches.push(if known { Match::KnownConnection } else { Match::Other });
            }
            "target" if fields.text(1) == Some("REJECT") => self.verdict = Some(Verdict::Drop),
            "counter" | "log" | "immediate" | "target" | "notrack" | "objref" => {}
            _ => self.matches.push(Match::Other),
        }
    }

    fn load(&mut self, register: Option<u32>, held: Option<Loaded>) {
        let Some(register) = register else { return };
        match held {
            Some(held) => _ = self.registers.insert(register, held),
            None => _ = self.registers.remove(&register),
        }
    }
}

/// The bytes in a nest of data (`NFTA_DATA_VALUE`).
fn value(data: &[u8]) -> Option<&[u8]> {
    Attributes::new(data).first(1)
}

fn compare(held: Option<Loaded>, operation: Option<u32>, value: &[u8]) -> Match {
    let is = match operation {
        Some(0) => true,
        Some(1) => false,
        _ => return Match::Other,
    };
    match (held, value) {
        (Some(Loaded::Protocol), [number]) => Match::Protocol { is, number: *number },
        (Some(Loaded::Family), [2]) => Match::Family { is, family: Family::Inet },
        (Some(Loaded::Family), [10]) => Match::Family { is, family: Family::Inet6 },
        (Some(Loaded::InterfaceName(way)), bytes) => match text(bytes) {
            // A name without its NUL is the beginning of one.
            Some(name) if bytes.contains(&0) => Match::Interface { way, is, name: name.to_owned() },
            Some(start) => Match::Interface { way, is, name: format!("{start}*") },
            None => Match::Other,
        },
        (Some(Loaded::InterfaceIndex(way)), bytes) if array(bytes).map(u32::from_ne_bytes) == Some(1) => {
            Match::Interface { way, is, name: "lo".to_owned() }
        }
        (Some(Loaded::Destination(mask)), bytes) if bytes.len() == mask.len() => {
            Match::Destination { is, bytes: bytes.to_vec(), mask }
        }
        // `ct state established,related` is "the masked state is not 0".
        (Some(Loaded::MaskedState { new: false }), _) if !is => Match::KnownConnection,
        (Some(Loaded::ConnectionState), bytes) if is && array(bytes).map(u32::from_ne_bytes) != Some(NEW) => {
            Match::KnownConnection
        }
        _ => Match::Other,
    }
}

/// `NFTA_DATA_VERDICT` with its code and chain.
fn verdict(data: &[u8]) -> Option<Verdict> {
    let fields = Attributes::new(Attributes::new(data).first(2)?).index::<3>();
    let chain = || fields.text(2).map(str::to_owned);
    match fields.get(1).and_then(be32)?.cast_signed() {
        0 => Some(Verdict::Drop),
        -3 | -4 => Some(Verdict::Jump(chain()?)),
        -5 => Some(Verdict::Return),
        // 1 accepts; 3 hands over to a program, which may.
        1 | 3 => Some(Verdict::Accept),
        _ => None,
    }
}

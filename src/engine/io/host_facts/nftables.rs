//! The packet filter's chains on the way in, over netlink (`uapi/linux/netfilter/nf_tables.h`).
//!
//! A rule is a list of expressions over registers: `meta` and `payload` load, `cmp` compares, `immediate` is the verdict.
//! Only what [`Match`] names is told apart; every other condition becomes [`Match::Other`]. Integers are big-endian.

use crate::engine::advice::{Chain, FirewallRule, Match, Verdict};
use crate::engine::io::netlink::Requests;
use crate::engine::ipvs::attribute::{Attributes, array, text};
use crate::engine::model::Family;
use neli::consts::nl::NlmF;
use neli::consts::socket::NlFamily;
use std::collections::BTreeMap;

/// `NFNL_SUBSYS_NFTABLES << 8` with `NFT_MSG_GETCHAIN` and `NFT_MSG_GETRULE`.
const GET_CHAIN: u16 = 0x0a04;
const GET_RULE: u16 = 0x0a07;
/// Bytes of `struct nfgenmsg`: family, version, resource.
const HEADER: usize = 4;
/// `NF_INET_PRE_ROUTING` and `NF_INET_LOCAL_IN`: what comes in passes both.
const WAY_IN: [u32; 2] = [0, 1];

/// `NFTA_CHAIN_*`.
mod chain {
    pub const TABLE: u16 = 1;
    pub const NAME: u16 = 3;
    pub const HOOK: u16 = 4;
    pub const POLICY: u16 = 5;
}
/// `NFTA_RULE_*`.
mod rule {
    pub const TABLE: u16 = 1;
    pub const CHAIN: u16 = 2;
    pub const EXPRESSIONS: u16 = 4;
}
/// `NFTA_EXPR_*`, and the first attributes of each expression.
mod expr {
    pub const NAME: u16 = 1;
    pub const DATA: u16 = 2;
}

/// Every chain of the families that see IP, with its rules; none when the kernel would not tell.
pub fn input_chains() -> Option<Vec<Chain>> {
    let mut requests = Requests::open(NlFamily::Netfilter, super::TIMEOUT).ok()?;
    let mut chains = Vec::new();
    requests.request(GET_CHAIN, NlmF::DUMP, &[0; HEADER], |m| chains.extend(read_chain(m.payload))).ok()?;
    let mut place = |payload: &[u8]| {
        let (table, name, rule) = read_rule(payload)?;
        chains.iter_mut().find(|c| c.table == table && c.name == name)?.rules.push(rule);
        Some(())
    };
    requests.request(GET_RULE, NlmF::DUMP, &[0; HEADER], |m| _ = place(m.payload)).ok()?;
    Some(chains)
}

/// The name of a family, and which packets it sees.
fn family(payload: &[u8]) -> Option<(&'static str, Option<Family>)> {
    match payload.first()? {
        1 => Some(("inet", None)),
        2 => Some(("ip", Some(Family::Inet))),
        10 => Some(("ip6", Some(Family::Inet6))),
        _ => None,
    }
}

fn be32(bytes: &[u8]) -> Option<u32> {
    array(bytes).map(u32::from_be_bytes)
}

fn read_chain(payload: &[u8]) -> Option<Chain> {
    let (word, family) = family(payload)?;
    let fields = Attributes::new(payload.get(HEADER..)?).index::<8>();
    let hook = fields.get(chain::HOOK).and_then(|hook| be32(Attributes::new(hook).first(1)?));
    let drops = fields.get(chain::POLICY).and_then(be32) == Some(0);
    Some(Chain {
        table: format!("{word} {}", fields.text(chain::TABLE)?),
        family,
        name: fields.text(chain::NAME)?.to_owned(),
        base: hook.filter(|hook| WAY_IN.contains(hook)).map(|_| drops),
        rules: Vec::new(),
    })
}

/// Table, chain and the rule.
fn read_rule(payload: &[u8]) -> Option<(String, String, FirewallRule)> {
    let (word, _) = family(payload)?;
    let fields = Attributes::new(payload.get(HEADER..)?).index::<8>();
    let mut reader = Reader::default();
    for (_, expression) in Attributes::new(fields.get(rule::EXPRESSIONS).unwrap_or_default()) {
        let fields = Attributes::new(expression).index::<3>();
        reader.read(fields.text(expr::NAME).unwrap_or_default(), fields.get(expr::DATA).unwrap_or_default());
    }
    let rule = FirewallRule { matches: reader.matches, verdict: reader.verdict.unwrap_or(Verdict::Continue) };
    Some((format!("{word} {}", fields.text(rule::TABLE)?), fields.text(rule::CHAIN)?.to_owned(), rule))
}

/// What a register holds.
#[derive(Clone, Copy)]
enum Loaded {
    Protocol,
    Family,
    InterfaceName,
    InterfaceIndex,
    ConnectionState,
    /// Connection state under a mask, whether the mask lets new connections through.
    MaskedState {
        new: bool,
    },
}

/// `NF_CT_STATE_BIT(IP_CT_NEW)`.
const NEW: u32 = 8;

/// Reads expressions one after the other.
#[derive(Default)]
struct Reader {
    registers: BTreeMap<u32, Loaded>,
    matches: Vec<Match>,
    verdict: Option<Verdict>,
}

impl Reader {
    fn read(&mut self, name: &str, body: &[u8]) {
        let fields = Attributes::new(body).index::<8>();
        let number = |kind| fields.get(kind).and_then(be32);
        match name {
            // destination register 1, key 2
            "meta" => self.load(
                number(1),
                match number(2) {
                    Some(4) => Some(Loaded::InterfaceIndex),
                    Some(6) => Some(Loaded::InterfaceName),
                    Some(15) => Some(Loaded::Family),
                    Some(16) => Some(Loaded::Protocol),
                    _ => None,
                },
            ),
            // destination register 1, key 2; key 0 is the state
            "ct" => self.load(number(1), (number(2) == Some(0)).then_some(Loaded::ConnectionState)),
            // destination register 1, base 2 (1: network header), offset 3, length 4; protocol of IPv4 and next header of IPv6
            "payload" => {
                let protocol = number(2) == Some(1) && matches!(number(3), Some(9 | 6)) && number(4) == Some(1);
                self.load(number(1), protocol.then_some(Loaded::Protocol));
            }
            // source register 1, destination register 2, length 3, mask 4
            "bitwise" => {
                let masked = match number(1).and_then(|register| self.registers.get(&register)) {
                    Some(Loaded::ConnectionState) => {
                        let mask = fields.get(4).and_then(value).and_then(array).map(u32::from_ne_bytes);
                        mask.map(|mask| Loaded::MaskedState { new: mask & NEW != 0 })
                    }
                    _ => None,
                };
                self.load(number(2), masked);
            }
            // source register 1, operation 2 (0 equal, 1 not), data 3
            "cmp" => {
                let held = number(1).and_then(|register| self.registers.get(&register)).copied();
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
        (Some(Loaded::InterfaceName), bytes) => match text(bytes) {
            // A name without its NUL is the beginning of one.
            Some(name) if bytes.contains(&0) => Match::Interface { is, name: name.to_owned() },
            Some(start) => Match::Interface { is, name: format!("{start}*") },
            None => Match::Other,
        },
        (Some(Loaded::InterfaceIndex), bytes) if array(bytes).map(u32::from_ne_bytes) == Some(1) => {
            Match::Interface { is, name: "lo".to_owned() }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ipvs::attribute::Builder;
    use proptest::prelude::*;

    fn be(value: i32) -> [u8; 4] {
        value.to_be_bytes()
    }
    fn expression(name: &str, body: &Builder) -> Builder {
        Builder::default().text(1, name).nest(2, body)
    }
    fn load(name: &str, key: i32) -> Builder {
        expression(name, &Builder::default().put(1, &be(1)).put(2, &be(key)))
    }
    fn cmp(operation: i32, value: &[u8]) -> Builder {
        let data = Builder::default().put(1, value);
        expression("cmp", &Builder::default().put(1, &be(1)).put(2, &be(operation)).nest(3, &data))
    }
    fn go(code: i32, chain: &str) -> Builder {
        let verdict = Builder::default().put(1, &be(code)).text(2, chain);
        let data = Builder::default().nest(2, &verdict);
        expression("immediate", &Builder::default().put(1, &be(0)).nest(2, &data))
    }
    fn read(expressions: &[Builder]) -> FirewallRule {
        let list = expressions.iter().fold(Builder::default(), |list, e| list.nest(1, e));
        let body = Builder::default().text(1, "filter").text(2, "input").nest(4, &list).finish();
        let (table, chain, rule) = read_rule(&[&[1, 0, 0, 0], body.as_slice()].concat()).unwrap();
        assert_eq!((table.as_str(), chain.as_str()), ("inet filter", "input"));
        rule
    }

    #[test]
    fn the_usual_rules_are_told_apart() {
        let protocol = |is| vec![Match::Protocol { is, number: 112 }];
        let accept = Verdict::Accept;
        assert_eq!(
            read(&[load("meta", 16), cmp(0, &[112]), go(1, "")]),
            FirewallRule { matches: protocol(true), verdict: accept }
        );
        assert_eq!(read(&[load("meta", 16), cmp(1, &[112]), go(0, "")]).matches, protocol(false));
        let lo = [b"lo".as_slice(), &[0; 14]].concat();
        assert_eq!(read(&[load("meta", 6), cmp(0, &lo)]).matches, [Match::Interface { is: true, name: "lo".into() }]);
        assert_eq!(
            read(&[load("meta", 6), cmp(0, b"eth")]).matches,
            [Match::Interface { is: true, name: "eth*".into() }]
        );
        assert_eq!(read(&[go(-3, "mine")]).verdict, Verdict::Jump("mine".into()));
        assert_eq!(read(&[expression("reject", &Builder::default())]).verdict, Verdict::Drop);
        assert_eq!(read(&[expression("limit", &Builder::default()), go(1, "")]).matches, [Match::Other]);
    }

    #[test]
    fn established_and_related_are_a_known_connection_and_new_is_not() {
        let state = |mask: u32| {
            let data = Builder::default().put(1, &mask.to_ne_bytes());
            let bits = Builder::default().put(1, &be(1)).put(2, &be(1)).put(3, &be(4)).nest(4, &data);
            read(&[load("ct", 0), expression("bitwise", &bits), cmp(1, &[0; 4]), go(1, "")]).matches
        };
        assert_eq!(state(2 | 4), [Match::KnownConnection]);
        assert_eq!(state(2 | 4 | NEW), [Match::Other]);
    }

    #[test]
    fn a_chain_tells_its_hook_and_policy() {
        let chain = |hook: i32, policy: i32| {
            let hook = Builder::default().put(1, &be(hook)).put(2, &be(0));
            let body =
                Builder::default().text(1, "filter").text(3, "input").nest(4, &hook).put(5, &be(policy)).finish();
            read_chain(&[&[2, 0, 0, 0], body.as_slice()].concat()).unwrap()
        };
        assert_eq!((chain(1, 0).base, chain(1, 1).base, chain(3, 0).base), (Some(true), Some(false), None));
        assert_eq!((chain(1, 0).table.as_str(), chain(1, 0).family), ("ip filter", Some(Family::Inet)));
    }

    proptest! {
        #[test]
        fn reading_anything_does_not_panic(bytes: Vec<u8>) {
            let _ = (read_chain(&bytes), read_rule(&bytes));
        }
    }
}

//! The packet filter's chains on the ways in and out, over netlink (`uapi/linux/netfilter/nf_tables.h`).
//!
//! Integers are big-endian.

mod expression;

use crate::engine::advice::{Chain, FirewallRule, Verdict, Way};
use crate::engine::io::netlink::Requests;
use crate::engine::ipvs::attribute::{Attributes, array};
use crate::engine::model::Family;
use expression::Reader;
use neli::consts::nl::NlmF;
use neli::consts::socket::NlFamily;

/// `NFNL_SUBSYS_NFTABLES << 8` with `NFT_MSG_GETCHAIN` and `NFT_MSG_GETRULE`.
const GET_CHAIN: u16 = 0x0a04;
const GET_RULE: u16 = 0x0a07;
/// Bytes of `struct nfgenmsg`: family, version, resource.
const HEADER: usize = 4;
/// `NF_INET_PRE_ROUTING` and `NF_INET_LOCAL_IN`: what comes in passes both.
const WAY_IN: [u32; 2] = [0, 1];
/// `NF_INET_LOCAL_OUT` and `NF_INET_POST_ROUTING`: what this host sends passes both.
const WAY_OUT: [u32; 2] = [3, 4];

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
pub fn chains() -> Option<Vec<Chain>> {
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

fn way(hook: u32) -> Option<Way> {
    if WAY_IN.contains(&hook) { Some(Way::In) } else { WAY_OUT.contains(&hook).then_some(Way::Out) }
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
        base: hook.and_then(way).map(|way| (way, drops)),
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

#[cfg(test)]
mod tests {
    use super::expression::NEW;
    use super::*;
    use crate::engine::advice::Match;
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
        assert_eq!(
            read(&[load("meta", 6), cmp(0, &lo)]).matches,
            [Match::Interface { way: Way::In, is: true, name: "lo".into() }]
        );
        assert_eq!(
            read(&[load("meta", 6), cmp(0, b"eth")]).matches,
            [Match::Interface { way: Way::In, is: true, name: "eth*".into() }]
        );
        assert_eq!(
            read(&[load("meta", 7), cmp(0, b"eth")]).matches,
            [Match::Interface { way: Way::Out, is: true, name: "eth*".into() }]
        );
        assert_eq!(read(&[go(-3, "mine")]).verdict, Verdict::Jump("mine".into()));
        assert_eq!(read(&[expression("reject", &Builder::default())]).verdict, Verdict::Drop);
        assert_eq!(read(&[expression("limit", &Builder::default()), go(1, "")]).matches, [Match::Other]);
    }

    #[test]
    fn the_address_that_a_packet_goes_to_is_compared_under_its_mask() {
        let payload = |offset: i32, length: i32| {
            let body = Builder::default().put(1, &be(1)).put(2, &be(1)).put(3, &be(offset)).put(4, &be(length));
            expression("payload", &body)
        };
        let to =
            |bytes: &[u8], mask: &[u8]| Match::Destination { is: true, bytes: bytes.to_vec(), mask: mask.to_vec() };
        let group = [224, 0, 0, 18];
        assert_eq!(read(&[payload(16, 4), cmp(0, &group), go(0, "")]).matches, [to(&group, &[255; 4])]);
        assert_eq!(read(&[payload(16, 1), cmp(0, &[224])]).matches, [to(&[224], &[255])], "a prefix of whole bytes");
        let data = |bytes: &[u8]| Builder::default().put(1, bytes);
        let mask = Builder::default().put(1, &be(1)).put(2, &be(1)).put(3, &be(4)).nest(4, &data(&[240, 0, 0, 0]));
        let masked = read(&[payload(16, 4), expression("bitwise", &mask), cmp(0, &[224, 0, 0, 0])]).matches;
        assert_eq!(masked, [to(&[224, 0, 0, 0], &[240, 0, 0, 0])]);
        assert_eq!(read(&[payload(24, 16), cmp(1, &[0xff; 16])]).matches.len(), 1);
        assert_eq!(read(&[payload(12, 4), cmp(0, &group)]).matches, [Match::Other], "where it comes from");
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
        let base = |hook, policy| chain(hook, policy).base;
        assert_eq!((base(1, 0), base(0, 1)), (Some((Way::In, true)), Some((Way::In, false))));
        assert_eq!((base(3, 0), base(4, 1), base(2, 0)), (Some((Way::Out, true)), Some((Way::Out, false)), None));
        assert_eq!((chain(1, 0).table.as_str(), chain(1, 0).family), ("ip filter", Some(Family::Inet)));
    }

    proptest! {
        #[test]
        fn reading_anything_does_not_panic(bytes: Vec<u8>) {
            let _ = (read_chain(&bytes), read_rule(&bytes));
        }
    }
}

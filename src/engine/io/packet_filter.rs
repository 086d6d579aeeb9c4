//! The packets that `no_accept` drops: a table of nftables that is ours alone, over netlink
//! (`uapi/linux/netfilter/nf_tables.h`). Integers are big-endian.
//!
//! The table `inet lvsdeck` has sets of addresses, and a chain on the way in and one on the way out that drop what is sent to
//! them and what comes from them; never neighbour discovery. A link-local address counts on its interface alone. The table
//! is made with the first address and removed with the last one, each change in one transaction.

use super::host_facts::modules;
use super::netlink::{Request, RequestError, Requests};
use crate::engine::failover::Dropped;
use crate::engine::ipvs::attribute::Builder;
use neli::consts::nl::NlmF;
use neli::consts::socket::NlFamily;
use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// How long the kernel may take for a change: whoever changes a large ruleset meanwhile holds it up.
const TIMEOUT: Duration = Duration::from_millis(500);
const TABLE: &str = "lvsdeck";
/// Names of the sets.
const VIPS: &str = "vips";
const VIPS6: &str = "vips6";
const LINK_LOCAL: &str = "vips_link_local";
/// Before the firewall's own chains, which have 0, as keepalived's are.
const PRIORITY: i32 = -1;
/// Bytes of an address and the interface behind it.
const PAIR: u32 = 20;

/// `NFNL_SUBSYS_NFTABLES << 8`.
const SUBSYSTEM: u16 = 0x0a00;
/// `NFT_MSG_*`.
const NEW_TABLE: u16 = 0;
const DEL_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const NEW_RULE: u16 = 6;
const NEW_SET: u16 = 9;
const NEW_ELEMENT: u16 = 12;
const DEL_ELEMENT: u16 = 14;
/// `NFPROTO_*`.
const INET: u8 = 1;
const IPV4: u8 = 2;
const IPV6: u8 = 10;
/// nft's types of `ipv4_addr`, `ipv6_addr` and `iface_index`, for who lists the sets.
const TYPE_IPV4: u32 = 7;
const TYPE_IPV6: u32 = 8;
const TYPE_INTERFACE: u32 = 20;
/// `NFTA_LIST_ELEM`.
const ELEMENT: u16 = 1;
/// The first attribute of each message: the table's name.
const IN_TABLE: u16 = 1;

/// What we drop.
#[derive(Default)]
pub struct PacketFilter {
    requests: Option<Requests>,
    dropped: BTreeSet<Dropped>,
}

impl PacketFilter {
    /// Drops what is sent to these from now on, and what comes from them.
    pub fn drop(&mut self, addresses: &[Dropped]) -> io::Result<()> {
        let first = self.dropped.is_empty();
        let before = self.dropped.clone();
        self.dropped.extend(addresses);
        let done = if first { self.make() } else { self.change(NEW_ELEMENT, addresses) };
        if done.is_err() {
            self.dropped = before;
        }
        done
    }

    /// Does so no more.
    pub fn accept(&mut self, addresses: &[Dropped]) -> io::Result<()> {
        self.dropped.retain(|dropped| !addresses.contains(dropped));
        if self.dropped.is_empty() { self.accept_all() } else { self.change(DEL_ELEMENT, addresses) }
    }

    /// Drops nothing, and removes what another run has left.
    pub fn accept_all(&mut self) -> io::Result<()> {
        self.dropped.clear();
        remove_table(self.requests()?, INET, TABLE).map(drop)
    }

    /// Somebody may have removed our table, with all others as a rule: then it is made anew.
    fn change(&mut self, kind: u16, addresses: &[Dropped]) -> io::Result<()> {
        match self.requests()?.transaction(SUBSYSTEM, &elements(kind, addresses)) {
            Err(RequestError::Refused(libc::ENOENT)) => self.make(),
            done => done.map_err(io::Error::from),
        }
    }

    /// The whole table, in place of one that was there.
    fn make(&mut self) -> io::Result<()> {
        let all: Vec<Dropped> = self.dropped.iter().copied().collect();
        let table = || message(Builder::default());
        let mut batch = vec![
            request(NEW_TABLE, NlmF::CREATE, table()),
            request(DEL_TABLE, NlmF::empty(), table()),
            request(NEW_TABLE, NlmF::CREATE, table()),
        ];
        batch.extend([
            set(VIPS, TYPE_IPV4, 4),
            set(VIPS6, TYPE_IPV6, 16),
            set(LINK_LOCAL, TYPE_IPV6 << 6 | TYPE_INTERFACE, PAIR),
        ]);
        batch.extend(chain("in", 1, [16, 24], META_IN));
        batch.extend(chain("out", 3, [12, 8], META_OUT));
        batch.extend(elements(NEW_ELEMENT, &all));
        Ok(self.requests()?.transaction(SUBSYSTEM, &batch)?)
    }

    fn requests(&mut self) -> io::Result<&mut Requests> {
        match &mut self.requests {
            Some(open) => Ok(open),
            none => Ok(none.insert(Requests::open(NlFamily::Netfilter, TIMEOUT)?)),
        }
    }
}

/// Removes the tables of these names that see IPv4 or IPv6; gives those that were there, as nft names them.
pub fn remove_tables(names: &[&str]) -> io::Result<Vec<String>> {
    let mut requests = Requests::open(NlFamily::Netfilter, TIMEOUT)?;
    let mut removed = Vec::new();
    for name in names {
        for (family, word) in [(IPV4, "ip"), (IPV6, "ip6"), (INET, "inet")] {
            if remove_table(&mut requests, family, name)? {
                removed.push(format!("{word} {name}"));
            }
        }
    }
    Ok(removed)
}

/// Whether it was there. No question makes the kernel load its packet filter: without that there is no table.
fn remove_table(requests: &mut Requests, family: u8, name: &str) -> io::Result<bool> {
    if modules::would_load(Path::new("/"), "nf_tables") {
        return Ok(false);
    }
    let payload = [&[family, 0, 0, 0], Builder::default().text(IN_TABLE, name).finish().as_slice()].concat();
    match requests.transaction(SUBSYSTEM, &[request(DEL_TABLE, NlmF::empty(), payload)]) {
        Ok(()) => Ok(true),
        // A kernel without a packet filter has no table either.
        Err(RequestError::Refused(libc::ENOENT | libc::EOPNOTSUPP | libc::EINVAL)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn request(kind: u16, flags: NlmF, payload: Vec<u8>) -> Request {
    Request { kind: SUBSYSTEM | kind, flags, payload }
}

/// `struct nfgenmsg` (family, version, resource), our table, and what else.
fn message(more: Builder) -> Vec<u8> {
    let table = Builder::default().text(IN_TABLE, TABLE).finish();
    [&[INET, 0, 0, 0], table.as_slice(), more.finish().as_slice()].concat()
}

fn be(value: u32) -> [u8; 4] {
    value.to_be_bytes()
}

/// `NFTA_SET_*`: a set of keys of this type and length.
fn set(name: &str, kind: u32, length: u32) -> Request {
    let (flags, id) = (be(0), be(length));
    let fields = Builder::default().text(2, name).put(3, &flags).put(4, &be(kind)).put(5, &be(length)).put(10, &id);
    request(NEW_SET, NlmF::CREATE, message(fields))
}

/// `NFTA_SET_ELEM_LIST_*`: addresses into their sets, or out of them.
fn elements(kind: u16, addresses: &[Dropped]) -> Vec<Request> {
    let mut batch = Vec::new();
    for name in [VIPS, VIPS6, LINK_LOCAL] {
        let keys: Vec<Vec<u8>> = addresses.iter().filter_map(|one| key(one, name)).collect();
        let element = |key: &Vec<u8>| Builder::default().nest(1, &Builder::default().put(1, key));
        let list = keys.iter().fold(Builder::default(), |list, key| list.nest(ELEMENT, &element(key)));
        if !keys.is_empty() {
            let fields = Builder::default().text(2, name).nest(3, &list);
            let flags = if kind == NEW_ELEMENT { NlmF::CREATE } else { NlmF::empty() };
            batch.push(request(kind, flags, message(fields)));
        }
    }
    batch
}

/// What stands for an address in this set, if it belongs there.
fn key(dropped: &Dropped, set: &str) -> Option<Vec<u8>> {
    match (dropped.address, dropped.index) {
        (IpAddr::V4(address), _) if set == VIPS => Some(address.octets().to_vec()),
        (IpAddr::V6(address), None) if set == VIPS6 => Some(address.octets().to_vec()),
        (IpAddr::V6(address), Some(index)) if set == LINK_LOCAL => {
            Some([address.octets().as_slice(), &index.to_ne_bytes()].concat())
        }
        (IpAddr::V4(_) | IpAddr::V6(_), _) => None,
    }
}

/// `NFT_META_*`.
const META_IN: u32 = 4;
const META_OUT: u32 = 5;
const META_FAMILY: u32 = 15;
const META_PROTOCOL: u32 = 16;
/// Registers of 16 bytes: the verdict's, and two in a row.
const VERDICT: u32 = 0;
const FIRST: u32 = 1;
const SECOND: u32 = 2;
/// `NFT_PAYLOAD_*_HEADER`.
const NETWORK: u32 = 1;
const TRANSPORT: u32 = 2;
/// `NF_DROP`, `NF_ACCEPT`.
const DROP: u32 = 0;
const ACCEPT: u32 = 1;
const ICMPV6: u8 = 58;
/// A neighbour's solicitation and advertisement (RFC 4861 §4.3, §4.4).
const NEIGHBOUR_DISCOVERY: [u8; 2] = [135, 136];

/// A chain on a hook with its rules. `offsets`: where the address is in a header of IPv4 and of IPv6.
fn chain(name: &str, hook: u32, [offset4, offset6]: [u32; 2], interface: u32) -> Vec<Request> {
    let hook = Builder::default().put(1, &be(hook)).put(2, &PRIORITY.to_be_bytes());
    let fields = Builder::default().text(3, name).nest(4, &hook).put(5, &be(ACCEPT)).text(7, "filter");
    let mut batch = vec![request(NEW_CHAIN, NlmF::CREATE, message(fields))];
    let mut rule = |family: u8, rest: Vec<Builder>| {
        let begin = [meta(META_FAMILY, FIRST), equals(&[family])];
        let list = begin.into_iter().chain(rest).fold(Builder::default(), |list, one| list.nest(ELEMENT, &one));
        let fields = Builder::default().text(2, name).nest(4, &list);
        batch.push(request(NEW_RULE, NlmF::CREATE | NlmF::APPEND, message(fields)));
    };
    rule(IPV4, vec![payload(NETWORK, offset4, 4), lookup(VIPS), verdict(DROP)]);
    for kind in NEIGHBOUR_DISCOVERY {
        let is_icmp = [meta(META_PROTOCOL, FIRST), equals(&[ICMPV6])];
        let is_kind = [payload(TRANSPORT, 0, 1), equals(&[kind]), verdict(ACCEPT)];
        rule(IPV6, is_icmp.into_iter().chain(is_kind).collect());
    }
    rule(IPV6, vec![payload(NETWORK, offset6, 16), lookup(VIPS6), verdict(DROP)]);
    rule(IPV6, vec![payload(NETWORK, offset6, 16), meta(interface, SECOND), lookup(LINK_LOCAL), verdict(DROP)]);
    batch
}

/// `NFTA_EXPR_*`.
fn expression(name: &str, fields: &Builder) -> Builder {
    Builder::default().text(1, name).nest(2, fields)
}

fn meta(key: u32, register: u32) -> Builder {
    expression("meta", &Builder::default().put(1, &be(register)).put(2, &be(key)))
}

fn payload(base: u32, offset: u32, length: u32) -> Builder {
    let fields = Builder::default().put(1, &be(FIRST)).put(2, &be(base)).put(3, &be(offset)).put(4, &be(length));
    expression("payload", &fields)
}

fn equals(value: &[u8]) -> Builder {
    let data = Builder::default().put(1, value);
    expression("cmp", &Builder::default().put(1, &be(FIRST)).put(2, &be(0)).nest(3, &data))
}

fn lookup(set: &str) -> Builder {
    expression("lookup", &Builder::default().text(1, set).put(2, &be(FIRST)))
}

fn verdict(code: u32) -> Builder {
    let data = Builder::default().nest(2, &Builder::default().put(1, &be(code)));
    expression("immediate", &Builder::default().put(1, &be(VERDICT)).nest(2, &data))
}

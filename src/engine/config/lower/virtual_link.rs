//! `use_vmac`, `use_vmac_addr` and `vmac_xmit_base`: which virtual interfaces an instance has, and which addresses go on them.

use super::super::argument::Argument;
use super::super::diagnostic::{Problem, quoted};
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::Draft;
use crate::engine::model::{Family, Mac, Transport, VirtualAddress, VirtualLink, Vrid};

/// The words of an instance about it.
#[derive(Debug, Default)]
pub(super) struct Words {
    own: Option<Own>,
    /// `use_vmac_addr`.
    others: bool,
    /// `vmac_xmit_base`.
    from_base: Option<Span>,
}

/// `use_vmac`.
#[derive(Debug)]
struct Own {
    name: Option<(String, Span)>,
    mac: Option<(String, Span)>,
    at: Span,
}

/// Beginnings of the names that are made (`vmac_prefix`, `vmac_addr_prefix`).
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    pub own: Option<String>,
    pub others: Option<String>,
}

/// What the names are made of.
struct Names<'a> {
    draft: &'a Draft,
    /// The interface and the family of the instance.
    of: (String, Family),
    vrid: Vrid,
}

impl Words {
    /// Takes a word; false when it is none of these.
    pub fn lower<'t>(&mut self, cx: &mut Context<'_, 't>, entry: &Entry<'t>) -> bool {
        match (entry.keyword.word, &entry.argument) {
            ("use_vmac", _) => self.own = Some(own(cx, entry)),
            ("use_vmac_addr", Argument::Switch(on)) => self.others = *on,
            ("vmac_xmit_base", Argument::Switch(on)) => self.from_base = on.then_some(entry.at),
            _ => return false,
        }
        true
    }

    /// Strict mode has no `vmac_xmit_base`; whether it was there.
    pub fn leave_base(&mut self) -> bool {
        self.from_base.take().is_some()
    }

    /// The virtual interfaces of an instance on `interface`, and the one that it advertises from. Addresses that belong on
    /// one of them are moved there.
    pub fn complete(
        self,
        cx: &mut Context,
        draft: &Draft,
        (interface, vrid, family): (&str, Vrid, Family),
        transport: &Transport,
        addresses: &mut [VirtualAddress],
    ) -> (Vec<VirtualLink>, Option<String>) {
        let names = Names { draft, of: (interface.to_owned(), family), vrid };
        let mut links = Vec::new();
        if let Some(own) = &self.own {
            let written = own.name.as_ref().filter(|(name, at)| is_usable(cx, name, *at, interface));
            let name = written.map_or_else(|| names.make(&links, family, true), |(name, _)| name.clone());
            let written = own.mac.as_ref().and_then(|(word, at)| mac(cx, word, *at, vrid));
            let mac = written.unwrap_or(Mac::of_router(vrid, family));
            links.push(VirtualLink { name, base: interface.to_owned(), mac, family });
        }
        for address in addresses {
            let base = address.interface.clone().unwrap_or_else(|| interface.to_owned());
            let family = Family::of(address.address);
            let here = links.iter().position(|link: &VirtualLink| link.base == base && link.family == family);
            let away = base != interface || self.own.is_some();
            let place = match here {
                // Its own one, or one that another address made.
                Some(place) if base == interface || self.others || address.options.on_virtual_link => place,
                None if away && (self.others || address.options.on_virtual_link) => {
                    let name = names.make(&links, family, base == interface);
                    links.push(VirtualLink { name, base, mac: Mac::of_router(vrid, family), family });
                    links.len() - 1
                }
                Some(_) | None => continue,
            };
            address.interface = links.get(place).map(|link| link.name.clone());
        }
        let at = self.own.as_ref().map(|own| own.at);
        check(cx, &links, at);
        let from = self.advertises_from(cx, transport, &links);
        (links, from)
    }

    fn advertises_from(self, cx: &mut Context, transport: &Transport, links: &[VirtualLink]) -> Option<String> {
        let Some(own) = self.own else {
            if let Some(at) = self.from_base {
                let message = "vmac_xmit_base without use_vmac: advertisements come from the interface in any case";
                cx.report.add(Problem::warning(at, "no-effect", message).help("remove it, or write use_vmac"));
            }
            return None;
        };
        if self.from_base.is_none() && matches!(transport, Transport::Unicast(_)) {
            let message = "advertisements to unicast peers come from the interface itself, as with keepalived";
            cx.report.add(Problem::warning(own.at, "from-base", message).help("write vmac_xmit_base"));
            return None;
        }
        links.first().filter(|_| self.from_base.is_none()).map(|link| link.name.clone())
    }
}

impl Names<'_> {
    /// `vrrp.51`; where that is taken `vrrp6.51` for IPv6, and then with a number: `vrrp1.51`.
    fn make(&self, links: &[VirtualLink], family: Family, own: bool) -> String {
        let Prefixes { own: first, others } = &self.draft.defaults.link_prefixes;
        let prefix = if own { first } else { others }.as_ref().or(first.as_ref()).map_or("vrrp", String::as_str);
        let first = format!("{prefix}.{}", self.vrid);
        let six = (family == Family::Inet6).then_some(6);
        let numbers =
            six.into_iter().chain((1..=self.draft.links.len() + links.len() + 2).filter(|number| Some(*number) != six));
        let mut names = std::iter::once(first).chain(numbers.map(|number| format!("{prefix}{number}.{}", self.vrid)));
        let is_taken =
            |name: &String| self.draft.links.get(name).is_some_and(|by| by.iter().any(|other| *other != self.of));
        let is_free = |name: &String| !is_taken(name) && links.iter().all(|l| l.name != *name);
        names.find(is_free).unwrap_or_default()
    }
}

/// `use_vmac [NAME] [MAC]`, in either order.
fn own<'t>(cx: &mut Context<'_, 't>, entry: &Entry<'t>) -> Own {
    let mut own = Own { name: None, mac: None, at: entry.at };
    for (number, word) in cx.words(entry.statement).into_iter().enumerate().skip(1) {
        let at = entry.value_at(number);
        if word.contains(':') {
            own.mac = Some((word, at));
        } else if let Some((first, _)) = &own.name {
            let message =
                format!("use_vmac has the name {first} already; {} is ignored, as keepalived does", quoted(&word));
            cx.report.add(Problem::warning(at, "already-set", message).help("remove one of the two"));
        } else {
            own.name = Some((word, at));
        }
    }
    own
}

/// What counts instead of a MAC address that can't be used.
const ROUTERS_OWN: &str = "; that of virtual_router_id is used, as with keepalived";

/// The address that is written, where an interface can have it.
fn mac(cx: &mut Context, word: &str, at: Span, vrid: Vrid) -> Option<Mac> {
    match parse(word, vrid) {
        Some(mac) if mac.is_of_a_router() => {
            let message = format!("{word} is one of the addresses of RFC 9568{ROUTERS_OWN}");
            cx.report.add(Problem::warning(at, "bad-mac", message).help("leave it out, as keepalived ignores it"));
            None
        }
        Some(Mac([first, ..])) if first & 1 == 1 => {
            let message = format!("{word} is a multicast address, which no interface can have{ROUTERS_OWN}");
            let help = "write one whose first byte is even, for example 02:00:00:00:00:33, or leave it out";
            cx.report.add(Problem::warning(at, "bad-mac", message).help(help));
            None
        }
        Some(mac) => Some(mac),
        None => {
            let message = format!("{} is no MAC address{ROUTERS_OWN}", quoted(word));
            let help = "write six bytes, for example 02:00:00:00:00:33, or leave it out";
            cx.report.add(Problem::warning(at, "bad-mac", message).help(help));
            None
        }
    }
}

/// Six bytes, or five to which the VRID is the sixth.
fn parse(word: &str, vrid: Vrid) -> Option<Mac> {
    let whole = if word.matches(':').count() == 4 { format!("{word}:{:x}", vrid.get()) } else { word.to_owned() };
    Mac::try_from(whole).ok()
}

/// What no interface may be called.
fn unfit(name: &str) -> Option<&'static str> {
    if name.len() > 15 {
        Some("is too long: the kernel's names have 15 characters at most")
    } else if name.is_empty() || name.contains(|c: char| c == '/' || c.is_whitespace()) || name == "." || name == ".." {
        Some("is no name of an interface")
    } else {
        None
    }
}

/// Whether the name behind `use_vmac` counts; told where it does not.
fn is_usable(cx: &mut Context, name: &str, at: Span, interface: &str) -> bool {
    let Some(why) = unfit(name).or((name == interface).then_some("is the name of the interface below")) else {
        return true;
    };
    let message = format!("use_vmac {} {why}; it is ignored, as keepalived does", quoted(name));
    let help = "write another name, or none: then it is vrrp. with the virtual_router_id behind it";
    cx.report.add(Problem::warning(at, "bad-interface", message).help(help));
    false
}

/// Names that were made of a prefix, and that no interface can have.
fn check(cx: &mut Context, links: &[VirtualLink], at: Option<Span>) {
    let Some(at) = at else { return };
    for VirtualLink { name, .. } in links {
        let Some(why) = unfit(name) else { continue };
        let message = format!("use_vmac {} {why}", quoted(name));
        cx.report.add(Problem::error(at, "bad-interface", message).help("write another name, or none: vrrp.VRID"));
    }
}

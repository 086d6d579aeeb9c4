//! Interfaces and addresses of the host, as the kernel reported them, and the echoes of our own changes that are still
//! to come: with those, a change by somebody else can be told from one of ours.

use super::{Link, OwnedAddress};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr};

/// An address on an interface: kernel index, address, prefix length.
pub(super) type Place = (u32, IpAddr, u8);

/// What a report of the kernel means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// The echo of a change of ours.
    Echo,
    /// Somebody else changed it.
    Foreign,
    /// Nothing changed.
    Known,
}

#[derive(Debug, Default)]
pub(super) struct Host {
    links: BTreeMap<u32, Link>,
    names: BTreeMap<String, u32>,
    /// In the order of their coming: the first of a family is the primary address.
    addresses: BTreeMap<u32, Vec<(IpAddr, u8)>>,
    /// The same, to be looked up: hundreds of virtual addresses are, once a second.
    places: BTreeSet<Place>,
    echoes: BTreeMap<Place, VecDeque<bool>>,
}

impl Host {
    /// Notes a link; gives what it was.
    pub fn set_link(&mut self, link: Link) -> Option<Link> {
        let (index, name) = (link.index, link.name.clone());
        let before = self.links.insert(index, link);
        self.forget_name(before.as_ref());
        self.names.insert(name, index);
        before
    }
    /// Forgets an interface and what was on it.
    pub fn remove_link(&mut self, index: u32) -> Option<Link> {
        self.addresses.remove(&index);
        self.places.retain(|place| place.0 != index);
        self.echoes.retain(|place, _| place.0 != index);
        let before = self.links.remove(&index);
        self.forget_name(before.as_ref());
        before
    }
    fn forget_name(&mut self, link: Option<&Link>) {
        if let Some(Link { index, name, .. }) = link
            && self.names.get(name) == Some(index)
        {
            self.names.remove(name);
        }
    }
    pub fn link(&self, index: u32) -> Option<&Link> {
        self.links.get(&index)
    }
    /// Whether an interface of this host has this hardware address.
    pub fn has_mac(&self, mac: [u8; 6]) -> bool {
        self.links.values().any(|link| link.mac == Some(mac))
    }
    pub fn by_name(&self, name: &str) -> Option<&Link> {
        self.names.get(name).and_then(|index| self.links.get(index))
    }
    /// The addresses of an interface, oldest first.
    pub fn addresses(&self, index: u32) -> impl Iterator<Item = IpAddr> {
        self.addresses.get(&index).into_iter().flatten().map(|(address, _)| *address)
    }
    /// Whether any interface has the address.
    pub fn has_anywhere(&self, address: IpAddr) -> bool {
        self.addresses.values().flatten().any(|(known, _)| *known == address)
    }
    /// Whether the kernel has the address there, with any prefix length.
    pub fn has(&self, index: u32, address: IpAddr) -> bool {
        self.lengths(index, address).next().is_some()
    }
    /// Whether the kernel has exactly this.
    pub fn holds(&self, place: Place) -> bool {
        self.places.contains(&place)
    }
    /// Whether the kernel has not answered all our changes of this yet.
    pub fn awaits(&self, place: Place) -> bool {
        self.echoes.contains_key(&place)
    }
    /// Whether it has not answered all our changes of anything.
    pub fn awaits_any(&self) -> bool {
        !self.echoes.is_empty()
    }
    /// Where that is; none while its interface does not exist.
    pub fn place_of(&self, owned: &OwnedAddress) -> Option<Place> {
        self.by_name(&owned.interface).map(|link| (link.index, owned.address, owned.prefix))
    }
    /// Whether exactly this will be there once our own changes are done.
    pub fn will_have(&self, place: Place) -> bool {
        self.echoes.get(&place).and_then(|echoes| echoes.back()).copied().unwrap_or_else(|| self.holds(place))
    }
    /// Prefix lengths under which the address will be there once our own changes are done.
    pub fn prefixes(&self, index: u32, address: IpAddr) -> impl Iterator<Item = u8> {
        self.lengths(index, address).filter(move |prefix| self.will_have((index, address, *prefix)))
    }
    /// Prefix lengths under which the kernel has the address there.
    fn lengths(&self, index: u32, address: IpAddr) -> impl Iterator<Item = u8> {
        self.places.range((index, address, u8::MIN)..=(index, address, u8::MAX)).map(|place| place.2)
    }

    /// Whether an address of the interface has this one in its network.
    pub fn is_on_link(&self, index: u32, address: Ipv4Addr) -> bool {
        let near = |(own, prefix): &(IpAddr, u8)| {
            let IpAddr::V4(own) = own else { return false };
            (own.to_bits() ^ address.to_bits()).leading_zeros() >= u32::from(*prefix)
        };
        self.addresses.get(&index).is_some_and(|list| list.iter().any(near))
    }

    /// We are about to add or remove it.
    pub fn expect(&mut self, place: Place, present: bool) {
        self.echoes.entry(place).or_default().push_back(present);
    }
    /// The system refused to: no echo will come.
    pub fn refused(&mut self, place: Place, present: bool) {
        let Some(echoes) = self.echoes.get_mut(&place) else { return };
        if let Some(position) = echoes.iter().position(|echo| *echo == present) {
            echoes.remove(position);
        }
        if echoes.is_empty() {
            self.echoes.remove(&place);
        }
    }
    /// No echo is waited for any more.
    pub fn forget_echoes(&mut self) {
        self.echoes.clear();
    }
    /// The kernel reports it. Echoes that were lost on the way are forgotten with the one after them.
    pub fn observe(&mut self, place: Place, present: bool) -> Seen {
        let list = self.addresses.entry(place.0).or_default();
        let position = list.iter().position(|known| *known == (place.1, place.2));
        match (present, position) {
            (true, None) => list.push((place.1, place.2)),
            (false, Some(position)) => drop(list.remove(position)),
            (true, Some(_)) | (false, None) => {}
        }
        if present {
            self.places.insert(place)
        } else {
            self.places.remove(&place)
        };
        let changed = present != position.is_some();
        if let Some(echoes) = self.echoes.get_mut(&place)
            && let Some(position) = echoes.iter().position(|echo| *echo == present)
        {
            echoes.drain(..=position);
            if echoes.is_empty() {
                self.echoes.remove(&place);
            }
            return Seen::Echo;
        }
        if changed { Seen::Foreign } else { Seen::Known }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const PLACE: Place = (2, IpAddr::V4(Ipv4Addr::new(192, 0, 2, 254)), 24);

    #[test]
    fn the_echo_of_a_removal_before_an_addition_is_no_change_by_somebody_else() {
        let mut host = Host::default();
        assert_eq!(host.observe(PLACE, true), Seen::Foreign);
        host.expect(PLACE, false);
        host.expect(PLACE, true);
        assert!(host.will_have(PLACE));
        assert_eq!(host.observe(PLACE, false), Seen::Echo);
        assert_eq!(host.observe(PLACE, true), Seen::Echo);
        assert_eq!(host.observe(PLACE, true), Seen::Known);
        assert_eq!(host.observe(PLACE, false), Seen::Foreign);
    }

    #[test]
    fn a_refused_change_has_no_echo() {
        let mut host = Host::default();
        host.expect(PLACE, true);
        host.refused(PLACE, true);
        assert!(!host.will_have(PLACE));
        assert_eq!(host.observe(PLACE, true), Seen::Foreign);
    }

    #[test]
    fn a_lost_echo_does_not_hide_later_changes() {
        let mut host = Host::default();
        host.expect(PLACE, true);
        assert_eq!(host.observe(PLACE, false), Seen::Known);
        host.expect(PLACE, true);
        assert_eq!(host.observe(PLACE, true), Seen::Echo);
        assert_eq!(host.observe(PLACE, false), Seen::Foreign);
    }
}

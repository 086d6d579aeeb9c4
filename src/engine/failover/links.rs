//! Virtual interfaces (`use_vmac`): made where their interface below is, up while their router is master, and removed with it.
//!
//! Written down before they are made and until they are seen gone, like addresses. While its router is not master such an
//! interface is down: it then takes no frame for the virtual MAC address (RFC 9568 §6.4.2), sends none from it, and no switch
//! learns a second place of it.

use super::Action;
use super::core::Failover;
use super::router::Router;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::VirtualLink;
use std::collections::{BTreeMap, BTreeSet};

/// A virtual interface that is ours.
#[derive(Debug, Clone)]
pub(super) struct OurLink {
    link: VirtualLink,
    /// Nobody wants it.
    leaving: bool,
    /// It was asked for, or to be as it should be.
    asked: bool,
    /// How it was asked to be since the kernel last told of it.
    asked_up: Option<bool>,
    /// Why it can't be had.
    trouble: Option<String>,
}

/// All of them, by name.
#[derive(Debug, Default)]
pub(super) struct OurLinks(BTreeMap<String, OurLink>);

impl OurLink {
    fn new(link: &VirtualLink) -> Self {
        Self { link: link.clone(), leaving: false, asked: false, asked_up: None, trouble: None }
    }
}

impl OurLinks {
    /// What an earlier run made.
    pub fn of(links: &[VirtualLink]) -> Self {
        Self(links.iter().map(|link| (link.name.clone(), OurLink::new(link))).collect())
    }

    /// Whether the one of this name is ours.
    pub fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|ours| ours.trouble.is_none())
    }

    /// Whether it is to go.
    pub fn is_leaving(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|ours| ours.leaving)
    }

    /// It is not known what became of those that were to go.
    pub fn forget_leaving(&mut self) {
        self.0.retain(|_, ours| !ours.leaving);
    }
}

impl Failover {
    /// Makes the virtual interfaces that are wanted and can be made.
    pub(super) fn review_links(&mut self) {
        let wanted: Vec<VirtualLink> = self.routers.iter().flat_map(|router| router.config.links.clone()).collect();
        for link in &wanted {
            self.review_link(link);
        }
    }

    /// Removes those that nobody wants: after what was on them.
    pub(super) fn drop_links(&mut self) {
        let wanted = self.routers.iter().flat_map(|router| &router.config.links);
        let names: BTreeSet<&str> = wanted.map(|link| link.name.as_str()).collect();
        let unwanted: Vec<String> =
            self.links.0.keys().filter(|name| !names.contains(name.as_str())).cloned().collect();
        for name in unwanted {
            self.remove_link(&name);
        }
    }

    fn review_link(&mut self, link: &VirtualLink) {
        let Some(base) = self.host.by_name(&link.base).map(|base| base.index) else { return };
        let present = self.host.by_name(&link.name).map(|found| (found.macvlan, found.mac));
        let is_known = self.links.0.contains_key(&link.name);
        match present {
            Some((macvlan, mac)) if macvlan.is_none_or(|m| m.base != base) || mac != Some(link.mac.0) => {
                let ours = self.links.0.get(&link.name).is_some_and(|ours| Some(ours.link.mac.0) == mac);
                if ours && macvlan.is_some() {
                    // Made for another interface or MAC address: it comes again when it is gone.
                    return self.remove_link(&link.name);
                }
                let why = "there is an interface of this name already that is another one";
                let ours = self.links.0.entry(link.name.clone()).or_insert_with(|| OurLink::new(link));
                ours.asked = true;
                ours.trouble = Some(why.to_owned());
            }
            Some(_) | None => {
                let ours = self.links.0.entry(link.name.clone()).or_insert_with(|| OurLink::new(link));
                if ours.leaving && present.is_some() {
                    return; // its end is on its way
                }
                ours.leaving = false;
                let changed = std::mem::replace(&mut ours.link, link.clone()) != *link;
                if std::mem::replace(&mut ours.asked, true) {
                    return;
                }
                ours.trouble = None;
                if changed || !is_known {
                    self.remember_links();
                }
                self.push(Action::MakeLink { link: link.clone(), base });
            }
        }
    }

    /// Takes one of ours off the host.
    fn remove_link(&mut self, name: &str) {
        let Some(ours) = self.links.0.get_mut(name) else { return };
        let found = self.host.by_name(name).filter(|f| f.macvlan.is_some() && f.mac == Some(ours.link.mac.0));
        let Some(index) = found.map(|found| found.index) else {
            self.links.0.remove(name);
            return self.remember_links();
        };
        if !std::mem::replace(&mut ours.leaving, true) {
            self.push(Action::RemoveLink { index });
        }
    }

    /// All virtual interfaces go.
    pub(super) fn remove_links(&mut self) {
        let names: Vec<String> = self.links.0.keys().cloned().collect();
        for name in names {
            self.remove_link(&name);
        }
    }

    /// All virtual interfaces stay, for whoever comes next.
    pub(super) fn leave_links(&mut self) {
        let theirs =
            self.links.0.values().filter(|ours| ours.trouble.is_none() && !ours.leaving).map(|ours| &ours.link);
        let place = |link: &VirtualLink| Some((link.clone(), self.host.by_name(&link.base)?.index));
        let left: Vec<(VirtualLink, u32)> = theirs.filter_map(place).collect();
        for (link, base) in left {
            self.push(Action::LeaveLink { link, base });
        }
    }

    fn remember_links(&mut self) {
        let ours = self.links.0.values().filter(|ours| ours.trouble.is_none() || ours.leaving);
        let links = ours.map(|ours| ours.link.clone()).collect();
        self.push(Action::RememberLinks(links));
    }

    /// Whether the kernel has still to say that one is gone.
    pub(super) fn awaits_links(&self) -> bool {
        self.links.0.iter().any(|(name, ours)| ours.leaving && self.host.by_name(name).is_some())
    }

    /// A link of this name came, changed or went: what was asked for of it is answered.
    pub(super) fn link_told(&mut self, name: &str, is_gone: bool) {
        for ours in self.links.0.values_mut().filter(|ours| ours.trouble.is_some() && ours.link.base == name) {
            ours.asked = false;
        }
        let Some(ours) = self.links.0.get_mut(name) else { return };
        ours.asked_up = None;
        if ours.trouble.is_some() || is_gone {
            ours.asked = false;
        }
        if is_gone && ours.leaving {
            self.links.0.remove(name);
            self.remember_links();
        }
    }

    /// The system refused to make it; without an error because the interface below is gone.
    pub(super) fn link_refused(&mut self, link: &VirtualLink, error: Option<&str>) {
        let Some(ours) = self.links.0.get_mut(&link.name) else { return };
        ours.trouble = error.map(str::to_owned);
        if error.is_none() {
            ours.asked = false;
            return;
        }
        self.remember_links();
        self.survey();
    }

    /// Why a router can't have its virtual interfaces.
    pub(super) fn link_fault(&self, router: &Router) -> Option<String> {
        let ours = router.config.links.iter().filter_map(|link| self.links.0.get(&link.name));
        ours.filter(|ours| !ours.leaving).find_map(|ours| {
            let (VirtualLink { name, base, .. }, trouble) = (&ours.link, ours.trouble.as_ref()?);
            let next = format!("look at `ip -d link show dev {name}`, remove it, or give `use_vmac` another name");
            Some(format!("interface {name} can't be made on {base}: {trouble}: {next}"))
        })
    }

    /// Whether a router waits for a virtual interface that is on its way.
    pub(super) fn lacks_links(&self, router: &Router) -> bool {
        router.config.links.iter().any(|link| {
            self.host.by_name(&link.base).is_some() && self.host.by_name(&link.name).is_none_or(|l| l.macvlan.is_none())
        })
    }

    /// Virtual interfaces of a router are up while it is master, or holds what an earlier run left on.
    pub(super) fn level_links(&mut self, i: usize) {
        let Some(router) = self.routers.get(i) else { return };
        let up = router.instance.is_master() || router.adopted;
        let names: Vec<String> = router.config.links.iter().map(|link| link.name.clone()).collect();
        for name in names {
            let found = self.host.by_name(&name).and_then(|link| Some((link.index, link.macvlan?.enabled)));
            let (Some((index, is_up)), Some(ours)) = (found, self.links.0.get_mut(&name)) else { continue };
            if ours.leaving || ours.trouble.is_some() || ours.asked_up.unwrap_or(is_up) == up {
                continue;
            }
            ours.asked_up = Some(up);
            self.push(Action::SetLink { index, up });
        }
    }

    /// The same, of every router that has any.
    pub(super) fn level_all_links(&mut self) {
        for i in 0..self.routers.len() {
            if self.routers.get(i).is_some_and(|router| !router.config.links.is_empty()) {
                self.level_links(i);
            }
        }
    }

    /// Where the advertisements of a router leave, and the MAC address that they have where it is not the interface's own.
    pub(super) fn way_out(&self, router: &Router, index: u32) -> (u32, Option<[u8; 6]>) {
        let link = router.config.advertises_from.as_ref().and_then(|name| self.host.by_name(name));
        link.filter(|link| link.macvlan.is_some()).map_or((index, None), |link| (link.index, link.mac))
    }

    /// A virtual interface came or went.
    pub(super) fn report_virtual_link(&mut self, name: &str, present: bool) {
        let Some(ours) = self.links.0.get(name) else { return };
        let VirtualLink { base, mac, .. } = &ours.link;
        let fact = Fact::new(EventKind::Link, Severity::Info, name);
        let fact = fact.to(if present { "present" } else { "absent" }).detail(format!("{mac} on {base}"));
        self.report(fact);
    }
}

//! What the system refused: reported, taken out of the counters, and the wish is taken back where that would be a wrong
//! memory.

use super::Action;
use super::core::Failover;
use super::router::Router;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::Family;
use crate::engine::vrrp::announced;
use std::time::{Duration, Instant};

/// A refusal to send is reported no more often than this for an interface.
const REFUSAL_PAUSE: Duration = Duration::from_mins(1);

/// ENODEV: the interface is gone.
const NO_DEVICE: &str = "(os error 19)";
/// EADDRNOTAVAIL: it has no such address. With the first address of a subnet a kernel removes all others of it.
const NO_ADDRESS: &str = "(os error 99)";

impl Failover {
    /// Takes note that the system refused an action.
    pub(super) fn refused(&mut self, now: Instant, action: &Action, error: &str) {
        let (subject, what) = match action {
            Action::AddAddress { index, address } => {
                let place = (*index, address.address, address.prefix);
                self.host.refused(place, true);
                if self.is_ours(place) && !self.host.will_have(place) {
                    self.ours.remove(&place);
                    self.remember();
                    if self.static_at(place).is_some() {
                        self.survey();
                    }
                }
                (address.to_string(), "add the address: look at `ip address`, then `lvsdeck ctl failover` or restart")
            }
            Action::RemoveAddress { index, address } => {
                let place = (*index, address.address, address.prefix);
                self.host.refused(place, false);
                self.forget_gone(Some(place));
                if [NO_DEVICE, NO_ADDRESS].iter().any(|end| error.ends_with(end)) {
                    return; // it is gone already, perhaps with its interface
                }
                (address.to_string(), "remove the address: look at `ip address`")
            }
            Action::MakeLink { link, .. } => {
                let base_is_gone = error.ends_with(NO_DEVICE);
                self.link_refused(link, (!base_is_gone).then_some(error));
                if base_is_gone {
                    return; // it comes again with that
                }
                (link.name.clone(), "make the interface: try the same with `ip link add`")
            }
            Action::SetLink { .. } | Action::RemoveLink { .. } if error.ends_with(NO_DEVICE) => return,
            Action::SetLink { index, up } => {
                (self.link_name(*index), if *up { "set the interface up" } else { "set the interface down" })
            }
            Action::RemoveLink { index } => (self.link_name(*index), "remove the interface: look at `ip link`"),
            Action::Advertise { index, source, message, .. } => {
                self.unsent((*index, Family::of(*source)), message, error);
                if !self.is_refusal_news(now, *index) {
                    return;
                }
                (self.link_name(*index), "send an advertisement")
            }
            Action::Announce { index, frame } => {
                self.unannounced(*index, frame);
                if !self.is_refusal_news(now, *index) {
                    return;
                }
                (self.link_name(*index), "send a gratuitous ARP or neighbour advertisement")
            }
            Action::Join(channel) => {
                if !self.not_joined(now, *channel, error) {
                    return;
                }
                (self.link_name(channel.index), "join the group of VRRP: advertisements are not heard")
            }
            Action::Route { entry, present } => {
                // EEXIST; ENOENT, ESRCH, ENODEV: it is as wanted.
                let as_wanted: &[&str] = if *present {
                    &["(os error 17)"]
                } else {
                    &["error 2)", "error 3)", "error 19)", "does not exist"]
                };
                if as_wanted.iter().any(|end| error.ends_with(end)) || *present && !self.routing.refuse(entry) {
                    return;
                }
                (entry.to_string(), if *present { "set it: try the same with ip" } else { "remove it: look at ip" })
            }
            Action::Drop { addresses, present } => {
                if *present {
                    self.undropped(addresses);
                }
                let list: Vec<String> = addresses.iter().map(|dropped| dropped.address.to_string()).collect();
                let what = if *present { "drop its packets (no_accept)" } else { "accept its packets again" };
                (list.join(" "), what)
            }
            Action::DropNothing => ("packet filter".to_owned(), "remove `inet lvsdeck`: look at `nft list tables`"),
            Action::Leave { index, .. } => (self.link_name(*index), "leave the group of VRRP"),
            Action::Remember(_) | Action::RememberLinks(_) => {
                ("state directory".to_owned(), "write down the addresses: is the disk full?")
            }
            Action::Keep(_) => {
                ("state directory".to_owned(), "write down who is master: the next start begins as backup")
            }
            Action::Probe { .. }
            | Action::LeaveLink { .. }
            | Action::Holds(_)
            | Action::Met(_)
            | Action::Report(_)
            | Action::Notify(_)
            | Action::Answer { .. } => {
                return;
            }
        };
        let fact = Fact::new(EventKind::OperationRefused, Severity::Error, subject);
        self.report(fact.reason(error).detail(format!("refused to {what}")));
    }

    /// Whether a refusal to send there is to be reported again.
    fn is_refusal_news(&mut self, now: Instant, index: u32) -> bool {
        let last = self.send_refused_at.get(&index);
        let news = last.is_none_or(|at| now.saturating_duration_since(*at) >= REFUSAL_PAUSE);
        if news {
            self.send_refused_at.insert(index, now);
        }
        news
    }

    /// An advertisement did not go out: its router says so until one does.
    fn unsent(&mut self, (index, family): (u32, Family), message: &[u8], error: &str) {
        let Some([_, vrid, priority]) = message.first_chunk() else { return };
        let its = |r: &Router| {
            r.footing.is_some_and(|footing| self.way_out(r, footing.index).0 == index)
                && r.config.family == family
                && r.config.vrid.get() == *vrid
        };
        let found = self.routers.iter().position(its);
        if let Some(router) = found.and_then(|i| self.routers.get_mut(i)) {
            let counters = &mut router.counters;
            counters.adverts_tx = counters.adverts_tx.saturating_sub(1);
            counters.priority_zero_tx = counters.priority_zero_tx.saturating_sub(u64::from(*priority == 0));
            router.unsent = Some(error.to_owned());
            router.advertised_at = router.advertised_before;
        }
    }

    /// An announcement did not go out.
    fn unannounced(&mut self, index: u32, frame: &[u8]) {
        let Some(address) = announced(frame) else { return };
        let place = (index, address, 0);
        if let Some(router) = self.router_of(place).and_then(|(i, _)| self.routers.get_mut(i)) {
            router.counters.garp_tx = router.counters.garp_tx.saturating_sub(1);
        }
    }

    fn link_name(&self, index: u32) -> String {
        self.host.link(index).map_or_else(|| format!("interface {index}"), |link| link.name.clone())
    }
}

//! Two masters: noticed, told with the likely cause, and what is done about it. Nothing is concluded from what was not
//! heard.
//!
//! It is told once when it begins and once when it is over, however its evidence changes meanwhile: an advertisement that is
//! heard, an answer to a probe. Silence alone does not end it where somebody can be asked: keepalived restarts its timer
//! with each advertisement that it hears, and goes on as master without a word.

use super::core::Failover;
use super::peers::Peer;
use super::probes;
use super::router::Router;
use super::warnings::split_brain;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::AdvertisedPriority;
use crate::engine::snapshot::{SplitBrainStatus, Warning};
use crate::engine::vrrp::{self, Check, DecodeError, Heard};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// One that was found out afterwards is told no more often than this.
const PAST_PAUSE: Duration = Duration::from_mins(1);

/// Two masters, as it was told.
#[derive(Debug, Clone, Default)]
pub(super) struct Split {
    /// Who was heard last, and why it is master beside us.
    heard: Option<(IpAddr, Why)>,
    /// Nobody is heard any more; so long somebody may still answer.
    over_at: Option<Instant>,
}

/// Why another router does not yield.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// We refuse its advertisements.
    Refused(DecodeError),
    /// It has another list of addresses: keepalived refuses ours then.
    Addresses,
    /// It does not hear us.
    Unheard,
    /// It has an address of ours under this VRID.
    Vrid(u8),
    /// It did not hear us for so long, since this process stood still.
    Stood(Duration),
}

impl Why {
    pub const fn of(peer: &Peer) -> Self {
        match peer.rejected {
            Some(error) => Self::Refused(error),
            None if peer.oddity.addresses => Self::Addresses,
            None => Self::Unheard,
        }
    }

    /// The same, where it was our turn for so long.
    const fn after(self, stood: Option<Duration>) -> Self {
        match (self, stood) {
            (Self::Unheard, Some(stood)) => Self::Stood(stood),
            (why, _) => why,
        }
    }

    /// In a word.
    const fn word(self) -> &'static str {
        match self {
            Self::Unheard => "not-heard-by-peer",
            Self::Stood(_) => "stood-still",
            Self::Addresses => "address-list",
            Self::Vrid(_) => "virtual-router-id",
            Self::Refused(error) => match error.check() {
                Check::AuthenticationType | Check::Password => "authentication",
                Check::Interval => "interval",
                Check::Addresses => "address-list",
                Check::Version => "version",
                Check::Destination | Check::Source => "destination",
                Check::Checksum => "checksum",
                Check::Length | Check::Ttl | Check::Type | Check::Vrid | Check::Count => "refused",
            },
        }
    }
}

impl Split {
    /// When it is over, unless somebody is heard or answers.
    pub const fn ends_at(&self) -> Option<Instant> {
        self.over_at
    }
    /// Who it may be, where nobody was heard as master yet; whether that is news.
    pub fn suspect(&mut self, who: Option<(IpAddr, Why)>) -> bool {
        let is_news = self.heard.is_none() && who.is_some();
        self.heard = self.heard.or(who);
        is_news
    }
}

/// Who is master beside us: heard so now, or in a split brain that goes on and refused when it was heard, which keepalived is seldom
/// while we advertise. Of an answer to ARP alone nobody knows who gave it.
pub(super) fn beside(router: &Router) -> Option<IpAddr> {
    let refused = || router.split.as_ref()?.heard.filter(|(_, why)| matches!(why, Why::Refused(_)));
    router.peers.beside().or_else(|| Some(refused()?.0))
}

impl Failover {
    /// A router of this link that is configured otherwise: it is no master of ours, but master it may be. With
    /// `vrrp.split_brain = "step-down-lower"` it is listened to all the same where it ranks higher, and while a `failover` holds us
    /// back: somebody leads, and we are the last resort.
    pub(super) fn note_dissenter(
        &mut self,
        now: Instant,
        i: usize,
        (source, priority): (IpAddr, AdvertisedPriority),
        error: DecodeError,
    ) {
        let Some(router) = self.routers.get_mut(i) else { return };
        let parameters = router.instance.parameters();
        let (interval, own) = (parameters.interval, parameters.priority.advertised());
        let window = router.instance.master_down_interval(interval);
        let outranks = router.footing.is_some_and(|footing| (priority, source) > (own, footing.source));
        let peer = router.peers.heard(source, now);
        peer.rejected = Some(error);
        peer.advertised(priority, window);
        let is_stranger = error == DecodeError::Stranger;
        let listens = router.config.variations.yields_to_refused && outranks && !is_stranger;
        if listens {
            peer.ranks(now, priority);
        }
        let (leads, resigns) = (router.instance.is_master(), priority.is_resignation());
        let is_held = router.hold.is_some() && !leads && !is_stranger;
        if (listens || is_held) && !resigns {
            self.drive(now, i, vrrp::Input::Heard(Heard { source, priority, interval }));
        } else if leads && !resigns {
            self.contest(now, i, source);
        }
    }

    /// Another router advertises while we are master and stay it: the second time means two masters. The first time does
    /// where we have been master for so long that it should have heard us: its advertisement can't have crossed our first
    /// one, and it yields to our answer before it could advertise again, as when a network heals. One that is refused never
    /// does: a single one may be anybody's garbage.
    pub(super) fn contest(&mut self, now: Instant, i: usize, source: IpAddr) {
        let Some(router) = self.routers.get_mut(i) else { return };
        let interval = router.instance.parameters().interval.duration();
        let is_settled = router.is_settled(now);
        let is_old = now.saturating_duration_since(router.since) >= interval / 2;
        let stood = router.stood_still(now);
        let peer = router.peers.heard(source, now);
        let begins = peer.contest(now, interval, is_settled && peer.rejected.is_none());
        let (why, is_rival, refused) = (Why::of(peer).after(stood), peer.is_rival(), peer.rejected.is_some());
        if begins {
            // Its MAC address says which host it is.
            router.probe_at = router.probe_at.map(|at| at.min(now));
            let known = router.split.as_ref().and_then(|split| split.heard);
            let warning = split_brain(&router.config.name, source, why);
            if known != Some((source, why)) {
                self.tell_contest(i, warning);
            }
        }
        if let Some(split) = self.routers.get_mut(i).and_then(|router| router.split.as_mut()).filter(|_| is_rival) {
            *split = Split { heard: Some((source, why)), over_at: None };
        }
        // The last words of the master before are no news.
        if !refused && is_old {
            self.tell_lower(now, i);
        }
    }

    /// There is evidence of another master: the first makes it begin, and what comes later is told beside.
    pub(super) fn tell_contest(&mut self, i: usize, warning: Warning) {
        let Some(router) = self.routers.get_mut(i) else { return };
        let fact = if router.split.is_none() {
            router.split = Some(Split::default());
            Fact::new(EventKind::SplitBrain, Severity::Error, warning.subject).to("begun")
        } else {
            Fact::new(EventKind::Warning, Severity::Warning, warning.subject)
        };
        self.report(fact.reason(warning.message).detail(warning.next));
    }

    /// A master hears who outranks it, and is about to yield. Where we had taken over from that one's silence, and not just now,
    /// it may have been master all the time behind a cut: one more advertisement makes it tell the link again where the
    /// addresses are.
    pub(super) fn take_leave(&mut self, now: Instant, i: usize, (source, priority): (IpAddr, AdvertisedPriority)) {
        let Some(router) = self.routers.get_mut(i) else { return };
        let own = router.instance.parameters().priority.advertised();
        let outranks = router.footing.is_some_and(|footing| (priority, source) > (own, footing.source));
        let last = router.peers.get(source).and_then(|peer| peer.priority);
        let had_resigned = last.is_some_and(|priority| AdvertisedPriority(priority).is_resignation());
        let yields = router.instance.is_master() && router.is_settled(now) && outranks && !had_resigned;
        router.doubted = router.silent_before.filter(|silent| yields && *silent == source);
        if router.doubted.is_some() && !router.config.variations.higher_prio_send_advert {
            self.advertise(now, i, own, None);
        }
    }

    /// Somebody resigned while we are master. It was master too, where we have been for long.
    pub(super) fn resigned_beside(&mut self, now: Instant, i: usize, source: IpAddr) {
        let Some(router) = self.routers.get_mut(i).filter(|router| router.instance.is_master()) else { return };
        let left = router.peers.known(source).is_some_and(Peer::leave);
        if router.split.is_some() {
            if left && router.peers.rivals().next().is_none() {
                self.ask_once_more(now, i);
            }
            return;
        }
        if !router.is_settled(now) || router.tells_past_from.is_some_and(|from| now < from) {
            return;
        }
        router.tells_past_from = Some(now + PAST_PAUSE);
        let fact = Fact::new(EventKind::SplitBrain, Severity::Warning, &router.config.name).to("past");
        self.report(fact.reason(format!("{source} resigned: it was master beside this node")));
    }

    /// Nobody is heard any more: over, unless somebody answers.
    fn ask_once_more(&mut self, now: Instant, i: usize) {
        let asks = self.can_ask(i);
        let Some(router) = self.routers.get_mut(i) else { return };
        let wait = if asks { probes::PATIENCE } else { router.instance.parameters().interval.duration() * 3 };
        router.probe_at = router.probe_at.map(|at| at.min(now));
        if let Some(split) = &mut router.split {
            split.over_at = Some(now + wait);
        }
    }

    /// Forgets who is silent. Where that ends a split brain, the link is told again where our addresses are: the other
    /// master has announced them as its own.
    pub(super) fn expire_peers(&mut self, now: Instant, i: usize) {
        let Some(router) = self.routers.get_mut(i) else { return };
        router.duplicate_until = router.duplicate_until.filter(|until| now < *until);
        if router.peers.expire(now) && router.peers.rivals().next().is_none() {
            self.ask_once_more(now, i);
        }
        self.review_unled(now, i);
        let Some(router) = self.routers.get_mut(i) else { return };
        let answered = router.answered;
        router.answered = answered.filter(|answer| now < answer.until);
        let is_evident = router.answered.is_some() || router.peers.rivals().next().is_some();
        let Some(split) = &mut router.split else { return };
        split.over_at = split.over_at.filter(|at| now < *at);
        if is_evident || split.over_at.is_some() {
            return;
        }
        let why = match (split.heard, answered) {
            (_, Some(answer)) => format!("{} answers ARP for {} no more", answer.mac(), answer.address),
            (Some((source, _)), None) => format!("{source} is silent"),
            (None, None) => "the other master is silent".to_owned(),
        };
        router.split = None;
        let (name, repeat) = (router.config.name.clone(), router.config.garp.repeat);
        let fact = Fact::new(EventKind::SplitBrain, Severity::Notice, name).to("over");
        self.report(fact.reason(why).detail("the addresses are announced again"));
        self.announce(now, i, repeat);
    }

    /// Who has our address as well, where ARP alone says that somebody has: who is heard beside us, or has it under another VRID, or was
    /// heard lately and would not yield.
    pub(super) fn suspect(&self, now: Instant, i: usize) -> Option<(IpAddr, Why)> {
        let router = self.routers.get(i)?;
        let heard = router.split.as_ref().and_then(|split| split.heard);
        heard.or_else(|| self.namesake(now, i)).or_else(|| suspect(router, now))
    }

    /// We are master no more.
    pub(super) fn leave_contest(&mut self, i: usize) {
        let Some(router) = self.routers.get_mut(i) else { return };
        if router.split.take().is_some() {
            let (name, state) = (router.config.name.clone(), router.state().name());
            let fact = Fact::new(EventKind::SplitBrain, Severity::Notice, name).to("over");
            self.report(fact.reason(format!("this node is {state}")));
        }
    }
}

/// Who was heard lately and would not yield to us, for a reason that is known.
fn suspect(router: &Router, now: Instant) -> Option<(IpAddr, Why)> {
    let lately = router.instance.master_down_interval(router.instance.parameters().interval) * 3;
    let heard = router.peers.iter().filter(|(_, peer)| now.saturating_duration_since(peer.heard_at) < lately);
    let odd = heard.filter(|(_, peer)| Why::of(peer) != Why::Unheard);
    odd.max_by_key(|(_, peer)| peer.heard_at).map(|(source, peer)| (source, Why::of(peer)))
}

/// The other masters, while there are any, and who has the address beside us.
pub(super) fn status(router: &Router) -> Option<SplitBrainStatus> {
    let split = router.split.as_ref()?;
    let rivals: Vec<String> = router.peers.rivals().map(|(address, _)| address.to_string()).collect();
    let Some((source, why)) = split.heard else {
        let answer = router.answered?;
        let evidence = probes::warning(&router.config.name, &answer).next;
        let evidence = format!("{}: {evidence}", answer.evidence());
        return Some(SplitBrainStatus { with: vec![answer.mac()], cause: "address-answered".to_owned(), evidence });
    };
    let heard = split_brain(&router.config.name, source, why).next;
    let answered = router.answered.map_or(String::new(), |answer| format!("; {}", answer.evidence()));
    Some(SplitBrainStatus {
        with: if rivals.is_empty() { vec![source.to_string()] } else { rivals },
        cause: why.word().to_owned(),
        evidence: format!("{heard}{answered}"),
    })
}

/// What the operator should know of it, of each other master.
pub(super) fn warnings(router: &Router) -> Vec<Warning> {
    let name = &router.config.name;
    let Some(split) = &router.split else { return Vec::new() };
    let told = |rival: IpAddr| split.heard.filter(|(source, _)| *source == rival).map(|(_, why)| why);
    let rivals = router.peers.rivals();
    let mut warnings: Vec<Warning> =
        rivals.map(|(source, peer)| split_brain(name, source, told(source).unwrap_or_else(|| Why::of(peer)))).collect();
    if warnings.is_empty() {
        warnings.extend(match (split.heard, &router.answered) {
            (Some((source, why)), _) => Some(split_brain(name, source, why)),
            (None, answer) => answer.as_ref().map(|answer| probes::warning(name, answer)),
        });
    }
    warnings
}

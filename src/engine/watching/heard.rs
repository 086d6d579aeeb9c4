//! Virtual routers as they are heard: who advertises which VRID on which interface, and who fell silent.

use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{Family, VirtualRouter};
use crate::engine::snapshot::{
    Moment, NextStep, PeerDetail, PeerState, PeerStatus, RouterDetail, StateChange, VirtualRouterState,
    VirtualRouterStatus, VrrpCounters,
};
use crate::engine::vrrp::{Check, Overheard};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::time::{Instant, SystemTime};

/// Most instances that nobody configured: a stranger must not fill the memory.
const MOST_STRANGERS: usize = 256;
/// Most senders remembered of one instance.
const MOST_SENDERS: usize = 16;
/// State changes remembered of one instance.
const HISTORY: usize = 64;

/// An advertisement, and where it passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The interface.
    pub interface: String,
    /// Sent by this host.
    pub ours: bool,
    /// What it says.
    pub advertisement: Overheard,
}

/// What is known of this host beside advertisements.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// Its addresses.
    pub addresses: HashSet<IpAddr>,
    /// Its interfaces, and whether each is up and has a carrier; none where they can't be seen.
    pub links: BTreeMap<String, bool>,
    /// A keepalived runs here.
    pub keepalived: bool,
    /// Advertisements can be heard at all.
    pub listens: bool,
}

/// What tells virtual routers apart.
type Key = (String, u8, Family);

/// All that was heard.
#[derive(Debug)]
pub struct Listening {
    begun: Instant,
    instances: BTreeMap<Key, Instance>,
    /// Keys in the order in which they are shown: the file's first.
    order: Vec<Key>,
}

#[derive(Debug)]
struct Instance {
    file: Option<VirtualRouter>,
    ours: Option<Spoken>,
    others: BTreeMap<IpAddr, Spoken>,
    state: VirtualRouterState,
    since: SystemTime,
    reason: String,
    split: bool,
    counters: VrrpCounters,
    history: VecDeque<StateChange>,
}

#[derive(Debug)]
struct Spoken {
    at: Instant,
    /// When it began to advertise, without a pause that ends a mastership.
    begun: Instant,
    said: Overheard,
}

impl Spoken {
    fn lives(&self, now: Instant) -> bool {
        self.said.priority > 0 && self.silent_at() > now
    }
    fn silent_at(&self) -> Instant {
        self.at + self.said.silent_after()
    }
}

impl Host {
    /// Why nothing can be heard on an interface, where its link is down.
    fn without_link(&self, interface: &str) -> Option<String> {
        match self.links.get(interface) {
            Some(true) => None,
            Some(false) => Some(format!("the link of {interface} is down: nothing can be heard there")),
            None if self.links.is_empty() => None,
            None => Some(format!("there is no interface {interface}: nothing can be heard there")),
        }
    }
}

impl Listening {
    /// Nothing heard yet; `routers` are those of the file.
    pub fn new(now: Moment, routers: &[VirtualRouter]) -> Self {
        let mut listening = Self { begun: now.now, instances: BTreeMap::new(), order: Vec::new() };
        for router in routers {
            let key = (router.interface.clone(), router.vrid.get(), router.family);
            listening.instance(key, now, Some(router));
        }
        listening
    }

    fn instance(&mut self, key: Key, now: Moment, file: Option<&VirtualRouter>) -> &mut Instance {
        let order = &mut self.order;
        self.instances.entry(key).or_insert_with_key(|key| {
            order.push(key.clone());
            Instance {
                file: file.cloned(),
                ours: None,
                others: BTreeMap::new(),
                state: VirtualRouterState::Init,
                since: now.wall,
                reason: "listening".to_owned(),
                split: false,
                counters: VrrpCounters::default(),
                history: VecDeque::new(),
            }
        })
    }

    /// One more advertisement. Gives whether it may change what a look says before its time.
    pub fn hear(&mut self, now: Moment, heard: Heard) -> bool {
        let Heard { interface, ours, advertisement: said } = heard;
        let key = (interface, said.vrid, Family::of(said.source));
        if !self.instances.contains_key(&key) && (said.fault.is_some() || self.instances.len() >= MOST_STRANGERS) {
            return false;
        }
        let instance = self.instance(key, now, None);
        if let Some(fault) = &said.fault {
            if let Some(counter) = rejected(&mut instance.counters, fault.check()) {
                *counter += 1;
            }
            // A known sender whose advertisements went bad counts no more, but what is wrong is told.
            if let Some(before) = instance.others.get_mut(&said.source) {
                before.said.fault = said.fault;
            }
            return false;
        }
        instance.count(ours, said.priority);
        let was = if ours { instance.ours.as_ref() } else { instance.others.get(&said.source) };
        let begun = was.filter(|was| was.lives(now.now)).map_or(now.now, |was| was.begun);
        let spoken = Spoken { at: now.now, begun, said };
        let is_news = was
            .is_none_or(|was| was.said.priority != spoken.said.priority || was.lives(now.now) != spoken.lives(now.now));
        if ours {
            instance.ours = Some(spoken);
        } else {
            if instance.others.len() >= MOST_SENDERS && !instance.others.contains_key(&spoken.said.source) {
                let oldest = instance.others.iter().min_by_key(|(_, other)| other.at).map(|(address, _)| *address);
                oldest.and_then(|address| instance.others.remove(&address));
            }
            instance.others.insert(spoken.said.source, spoken);
        }
        is_news
    }

    /// Every instance as it is now, and what changed since the last look.
    pub fn look(&mut self, now: Moment, host: &Host) -> (Vec<VirtualRouterStatus>, Vec<Fact>) {
        let (mut statuses, mut facts) = (Vec::with_capacity(self.order.len()), Vec::new());
        for key in &self.order {
            let Some(instance) = self.instances.get_mut(key) else { continue };
            let name = instance.name(key);
            let link = host.without_link(&key.0);
            instance.judge(now, (host, link), self.begun, &name, &mut facts);
            statuses.push(instance.status(key, name, now, host));
        }
        (statuses, facts)
    }
}

impl Instance {
    fn name(&self, (interface, vrid, family): &Key) -> String {
        match (&self.file, family) {
            (Some(router), _) => router.name.clone(),
            (None, Family::Inet) => format!("{interface}/{vrid}"),
            (None, Family::Inet6) => format!("{interface}/{vrid}/6"),
        }
    }

    fn count(&mut self, ours: bool, priority: u8) {
        let (all, zero) = if ours {
            (&mut self.counters.adverts_tx, &mut self.counters.priority_zero_tx)
        } else {
            (&mut self.counters.adverts_rx, &mut self.counters.priority_zero_rx)
        };
        *all += 1;
        *zero += u64::from(priority == 0);
    }

    /// Another router that advertises now: the one with the highest priority.
    fn other_master(&self, now: Instant) -> Option<&Spoken> {
        self.others.values().filter(|other| other.lives(now)).max_by_key(|other| other.said.priority)
    }

    fn judge(
        &mut self,
        now: Moment,
        (host, deaf): (&Host, Option<String>),
        begun: Instant,
        name: &str,
        facts: &mut Vec<Fact>,
    ) {
        // What was heard before its link went is not true for as long as it would be otherwise.
        let ours = self.ours.as_ref().filter(|ours| ours.lives(now.now) && deaf.is_none());
        let other = self.other_master(now.now).filter(|_| deaf.is_none());
        // keepalived of this file is in FAULT then, unless the file says that the link does not count.
        let is_fault = host.keepalived && self.file.as_ref().is_some_and(|file| file.tracks_interface);
        // Whoever preempts is heard while the master before has not had to advertise again: two masters are those that both go on.
        let both = ours.zip(other);
        let split = both.is_some_and(|(ours, other)| ours.at.min(other.at) > ours.begun.max(other.begun));
        let yields =
            both.is_some_and(|(ours, other)| other.begun > ours.at && other.said.priority >= ours.said.priority);
        let (state, reason) = match (ours.filter(|_| !yields), other) {
            (Some(ours), _) => {
                (VirtualRouterState::Master, format!("this host advertises, priority {}", ours.said.priority))
            }
            (None, Some(other)) => {
                let backup = self.file.is_some() && host.keepalived;
                let state = if backup { VirtualRouterState::Backup } else { VirtualRouterState::Init };
                (state, format!("{} is master, priority {}", other.said.source, other.said.priority))
            }
            (None, None) => match deaf {
                Some(why) if is_fault => (VirtualRouterState::Fault, why),
                Some(why) => (VirtualRouterState::Init, why),
                None => (VirtualRouterState::Init, self.silence(now, host, begun)),
            },
        };
        if state != self.state || (split && !self.split) {
            let kind = if split && !self.split { EventKind::SplitBrain } else { EventKind::InstanceState };
            let severity = match (split, state) {
                (true, _) | (false, VirtualRouterState::Fault) => Severity::Error,
                (false, VirtualRouterState::Init) => Severity::Warning,
                (false, _) => Severity::Notice,
            };
            let fact = Fact::new(kind, severity, name).change(self.state.name(), state.name());
            facts.push(fact.reason(match other.filter(|_| split) {
                Some(other) => {
                    format!("{} advertises as master too, priority {}", other.said.source, other.said.priority)
                }
                None => reason.clone(),
            }));
        } else if reason != self.reason && state != VirtualRouterState::Master {
            let fact = Fact::new(EventKind::InstanceState, Severity::Notice, name);
            facts.push(fact.change(state.name(), state.name()).reason(reason.clone()));
        }
        if state != self.state {
            (self.since, self.state) = (now.wall, state);
            if self.history.len() == HISTORY {
                self.history.pop_front();
            }
            self.history.push_back(StateChange { at: now.wall, state, reason: reason.clone() });
        }
        (self.reason, self.split) = (reason, split);
    }

    /// Why there is no master that we know of.
    fn silence(&self, now: Moment, host: &Host, begun: Instant) -> String {
        if !host.listens {
            return "not heard: listening needs root".to_owned();
        }
        let last = self.ours.iter().chain(self.others.values()).max_by_key(|spoken| spoken.at);
        match last {
            Some(last) if last.said.priority == 0 => format!("{} resigned, nobody advertises since", last.said.source),
            Some(last) => format!("{} is silent, nobody advertises", last.said.source),
            None if now.now.saturating_duration_since(begun).as_secs() < 4 => "listening".to_owned(),
            None => "nobody was heard".to_owned(),
        }
    }

    fn status(&self, key: &Key, name: String, now: Moment, host: &Host) -> VirtualRouterStatus {
        let ours = self.ours.as_ref();
        let newest = ours.into_iter().chain(self.others.values()).max_by_key(|spoken| spoken.at);
        let heard = |spoken: &Spoken| spoken.said.addresses.iter().map(|a| (a.to_string(), *a)).collect::<Vec<_>>();
        let addresses = match &self.file {
            Some(file) => file.addresses.iter().map(|a| (a.to_string(), a.address)).collect(),
            None => newest.map(heard).unwrap_or_default(),
        };
        let here = addresses.iter().filter(|(_, address)| host.addresses.contains(address));
        let said = ours.map(|ours| ours.said.priority);
        let priority = self.file.as_ref().map_or(said.unwrap_or(0), |file| file.priority.get());
        let is_deaf = host.without_link(&key.0).is_some();
        let master = ours.filter(|ours| ours.lives(now.now)).or_else(|| self.other_master(now.now));
        let master = master.filter(|_| !is_deaf);
        VirtualRouterStatus {
            name,
            interface: key.0.clone(),
            family: key.2,
            vrid: key.1,
            version: match (&self.file, newest) {
                (Some(file), _) => file.version.number(),
                (None, Some(newest)) => newest.said.version,
                (None, None) => 0,
            },
            state: self.state,
            priority,
            effective_priority: said.filter(|priority| *priority > 0).unwrap_or(priority),
            advert_interval_ms: newest.map_or_else(
                || self.file.as_ref().map_or(0, |file| millis(file.advert_interval.duration())),
                |newest| millis(newest.said.interval),
            ),
            preempt: self.file.as_ref().is_some_and(|file| file.preempt),
            since: self.since,
            reason: self.reason.clone(),
            held: None,
            priority_set: None,
            priority_by: None,
            addresses_here: here.map(|(text, _)| text.clone()).collect(),
            addresses: addresses.into_iter().map(|(text, _)| text).collect(),
            next: master.map(|master| NextStep {
                waiting: "master silent".to_owned(),
                in_ms: now.millis_until(master.silent_at()),
            }),
            peers: self.others.values().map(|other| peer(other, now, is_deaf)).collect(),
            counters: self.counters,
            history: self.history.iter().cloned().collect(),
            detail: RouterDetail { transport: "multicast".to_owned(), ..RouterDetail::default() },
        }
    }
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn peer(other: &Spoken, now: Moment, is_deaf: bool) -> PeerStatus {
    PeerStatus {
        address: other.said.source.to_string(),
        source: "heard".to_owned(),
        last_heard_at: Some(now.wall_of(other.at)),
        last_priority: Some(other.said.priority),
        state: if other.lives(now.now) && !is_deaf { PeerState::Master } else { PeerState::Silent },
        reachable: None,
        rejected: other.said.fault.as_ref().map(ToString::to_string),
        detail: PeerDetail::default(),
    }
}

/// The counter of a check that failed; what an onlooker can't judge has none.
const fn rejected(counters: &mut VrrpCounters, check: Check) -> Option<&mut u64> {
    Some(match check {
        Check::Length => &mut counters.rejected_length,
        Check::Destination | Check::Source => &mut counters.rejected_destination,
        Check::Ttl => &mut counters.rejected_ttl,
        Check::Version => &mut counters.rejected_version,
        Check::Type => &mut counters.rejected_type,
        Check::Count => &mut counters.rejected_count,
        Check::Checksum => &mut counters.rejected_checksum,
        Check::AuthenticationType => &mut counters.rejected_auth_type,
        Check::Password => &mut counters.rejected_auth,
        Check::Interval => &mut counters.rejected_interval,
        Check::Addresses => &mut counters.rejected_addresses,
        Check::Vrid => return None,
    })
}

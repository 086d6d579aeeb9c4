//! One service with its servers and what is counted of them.

use super::choose::Chooser;
use super::templates::Templates;
use crate::engine::ipvs::{Destination, Service};
use crate::engine::model::RealServerKey;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How a connection is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Open in both directions.
    Active,
    /// Opening or closing.
    Inactive,
}

/// How a connection has ended. The kernel remembers it as inactive for a while, so that a server gets its share of short
/// connections too (`net/netfilter/ipvs/ip_vs_proto_tcp.c`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Both sides have closed it: `TIME_WAIT`.
    Closed,
    /// One side has reset it: `CLOSE`.
    Reset,
}

impl End {
    /// For how long it is remembered.
    pub const fn lasts(self) -> Duration {
        match self {
            Self::Closed => Duration::from_mins(2),
            Self::Reset => Duration::from_secs(10),
        }
    }
}

/// A server of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub key: RealServerKey,
    /// Settings and counts.
    pub settings: Destination,
    /// Above its upper threshold, and not yet below the lower one (`IP_VS_DEST_F_OVERLOAD`).
    overloaded: bool,
}

impl Member {
    pub const fn weight(&self) -> u32 {
        self.settings.weight.get()
    }

    /// Whether a scheduler may choose it.
    pub const fn takes(&self) -> bool {
        self.weight() > 0 && !self.overloaded
    }

    const fn connections(&self) -> u32 {
        self.settings.active.saturating_add(self.settings.inactive)
    }

    /// One more connection: full from the upper threshold on.
    const fn fill(&mut self) {
        if self.settings.upper_threshold != 0 && self.connections() >= self.settings.upper_threshold {
            self.overloaded = true;
        }
    }

    /// One less, or other thresholds: free again below the lower threshold, or below three quarters of the upper one.
    const fn drain(&mut self) {
        let (upper, lower) = (self.settings.upper_threshold as u64, self.settings.lower_threshold as u64);
        let connections = self.connections() as u64;
        let free = if lower != 0 { connections < lower } else { upper == 0 || connections * 4 < upper * 3 };
        if free {
            self.overloaded = false;
        }
    }
}

/// One service.
#[derive(Debug, Clone)]
pub struct Pool {
    service: Service,
    members: Vec<Member>,
    /// Removed servers that still have connections; one that comes back finds its counts.
    gone: Vec<Member>,
    chooser: Chooser,
    templates: Templates,
    /// Connections that have ended and still count as inactive, with when they no longer do.
    closed: VecDeque<(Instant, RealServerKey)>,
    reset: VecDeque<(Instant, RealServerKey)>,
}

impl Pool {
    /// A service without servers; none when its scheduler is not one of [`SCHEDULED`](super::SCHEDULED).
    pub fn new(service: &Service) -> Option<Self> {
        let chooser = Chooser::new(&service.scheduler, service.scheduler_flags, &[])?;
        Some(Self {
            service: service.settings(),
            members: Vec::new(),
            gone: Vec::new(),
            chooser,
            templates: Templates::default(),
            closed: VecDeque::new(),
            reset: VecDeque::new(),
        })
    }

    /// Other settings; servers, connections and counts stay. False, and nothing is changed, when its scheduler is not one of
    /// [`SCHEDULED`](super::SCHEDULED).
    pub fn set(&mut self, service: &Service) -> bool {
        if (&self.service.scheduler, self.service.scheduler_flags) != (&service.scheduler, service.scheduler_flags) {
            let Some(new) = Chooser::new(&service.scheduler, service.scheduler_flags, &self.members) else {
                return false;
            };
            self.chooser = new;
        }
        self.service = Service { traffic: self.service.traffic, ..service.settings() };
        true
    }

    /// A new server, at the head of the list. One with that key must not be there.
    pub fn add(&mut self, key: RealServerKey, settings: &Destination) {
        let at = self.gone.iter().position(|member| member.key == key);
        let known = at.map(|at| self.gone.swap_remove(at).settings);
        let settings = known.map_or_else(|| settings.settings(), |known| counted(settings, &known));
        self.members.insert(0, Member { key, settings, overloaded: false });
        self.chooser.changed(&self.members);
    }

    /// Other settings of a server.
    pub fn change(&mut self, key: RealServerKey, settings: &Destination) {
        if let Some(member) = self.members.iter_mut().find(|member| member.key == key) {
            let old = member.settings.upper_threshold;
            member.settings = counted(settings, &member.settings);
            if settings.upper_threshold == 0 || settings.upper_threshold > old {
                member.overloaded = false;
            }
        }
        self.chooser.changed(&self.members);
    }

    /// Removes a server; its connections go on.
    pub fn remove(&mut self, key: RealServerKey) {
        self.chooser.leaves(&self.members, key);
        if let Some(at) = self.members.iter().position(|member| member.key == key) {
            let member = self.members.remove(at);
            if member.connections() > 0 {
                self.gone.push(member);
            }
        }
        self.templates.forget(key);
        self.chooser.changed(&self.members);
    }

    /// A connection of this client comes: whom it goes to, counted as active from now on; none when nobody can take it. A
    /// client that persistence binds goes to its server even at weight 0, as the kernel has it.
    pub fn arrive(&mut self, now: Instant, client: IpAddr, port: u16) -> Option<RealServerKey> {
        self.expire(now);
        let chosen = match self.service.persistence {
            None => self.chooser.choose(&self.members, client, port)?,
            Some(persistence) => {
                let group = Templates::group(client, persistence.prefix, self.service.odd_mask);
                let span = Duration::from_secs(u64::from(persistence.timeout));
                let bound = self.templates.bound(group);
                let server = match bound {
                    Some(server) => server,
                    None => self.chooser.choose(&self.members, client, port)?,
                };
                self.templates.bind(group, server, now + span);
                if bound.is_none() {
                    self.persistent(server, 1);
                }
                server
            }
        };
        let member = self.members.iter_mut().find(|member| member.key == chosen)?;
        member.settings.active += 1;
        member.settings.traffic.connections += 1;
        self.service.traffic.connections += 1;
        member.fill();
        Some(chosen)
    }

    /// A connection to this server is counted otherwise from now on.
    pub fn turn(&mut self, key: RealServerKey, from: Phase, to: Phase) {
        if let Some(member) = self.find(key) {
            *count(&mut member.settings, from) = count(&mut member.settings, from).saturating_sub(1);
            *count(&mut member.settings, to) += 1;
        }
    }

    /// A connection to this server has ended; it counts as inactive for a while.
    pub fn end(&mut self, now: Instant, key: RealServerKey, phase: Phase, end: End) {
        self.turn(key, phase, Phase::Inactive);
        let ended = match end {
            End::Closed => &mut self.closed,
            End::Reset => &mut self.reset,
        };
        ended.push_back((now + end.lasts(), key));
    }

    /// Forgets what no longer counts at this time: whom persistence bound, and connections that ended long ago.
    pub fn expire(&mut self, now: Instant) {
        for server in self.templates.expire(now) {
            self.persistent(server, -1);
        }
        while let Some(key) = due(&mut self.closed, now).or_else(|| due(&mut self.reset, now)) {
            if let Some(member) = self.find(key) {
                member.settings.inactive = member.settings.inactive.saturating_sub(1);
                member.drain();
            }
        }
        self.gone.retain(|member| member.connections() > 0);
    }

    /// Whether it is a server of this service, or was and still has connections.
    pub fn knows(&self, key: RealServerKey) -> bool {
        self.members.iter().chain(&self.gone).any(|member| member.key == key)
    }

    /// Settings and counts, as the kernel shows them; of the traffic only the connections.
    pub fn service(&self) -> Service {
        let destinations = self.members.iter().map(|member| (member.key, member.settings.clone())).collect();
        Service { destinations, traffic: self.service.traffic, ..self.service.settings() }
    }

    fn find(&mut self, key: RealServerKey) -> Option<&mut Member> {
        self.members.iter_mut().chain(&mut self.gone).find(|member| member.key == key)
    }

    fn persistent(&mut self, key: RealServerKey, change: i32) {
        if let Some(member) = self.find(key) {
            member.settings.persistent = member.settings.persistent.saturating_add_signed(change);
        }
    }
}

/// The first that no longer counts.
fn due(ended: &mut VecDeque<(Instant, RealServerKey)>, now: Instant) -> Option<RealServerKey> {
    ended.pop_front_if(|(until, _)| *until <= now).map(|(_, key)| key)
}

/// The settings of the one with the counts of the other.
fn counted(settings: &Destination, counts: &Destination) -> Destination {
    Destination {
        active: counts.active,
        inactive: counts.inactive,
        persistent: counts.persistent,
        traffic: counts.traffic.clone(),
        ..settings.settings()
    }
}

const fn count(settings: &mut Destination, phase: Phase) -> &mut u32 {
    match phase {
        Phase::Active => &mut settings.active,
        Phase::Inactive => &mut settings.inactive,
    }
}

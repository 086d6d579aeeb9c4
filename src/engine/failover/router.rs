//! One virtual router with everything the core remembers about it.

use super::past::Mastership;
use super::peers::Peers;
use super::rejections::Rejections;
use crate::engine::model::{AdvertisedPriority, Authentication, Priority, VirtualRouter, VrrpVersion};
use crate::engine::snapshot::{VirtualRouterState, VrrpCounters};
use crate::engine::vrrp::{
    Advertisement, Check, ChecksumForm, Expected, Instance, Ipv4Packet, MULTICAST_V4, Parameters, Standing, State,
};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

/// How many state changes are remembered.
const HISTORY: usize = 64;

/// The priority by which a `takeover` leads: the highest that no owner has (RFC 9568 §5.2.4 keeps 255 for owners).
pub(super) const CLAIM: u8 = 254;

/// Where a router stands on the network: set while its interface can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Footing {
    /// Kernel index of the interface.
    pub index: u32,
    /// Primary address.
    pub source: Ipv4Addr,
}

/// Held back by a `failover` command.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    /// When it ends by itself.
    pub until: Option<Instant>,
    /// It lasts even when nobody is master.
    pub blind: bool,
    /// Who asked for it and why.
    pub by: String,
    /// When.
    pub since: Instant,
}

/// Another priority than the file's, by a `priority` command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PriorityWish {
    /// The priority.
    pub priority: Priority,
    /// Who asked for it and why.
    pub by: String,
    /// When.
    pub since: Instant,
}

#[derive(Debug)]
pub(super) struct Router {
    pub config: VirtualRouter,
    pub instance: Instance,
    /// The last one that was good; see `fault`.
    pub footing: Option<Footing>,
    /// The interface on which it has joined 224.0.0.18, since it has a footing there.
    pub listens_on: Option<u32>,
    /// Why it can't work, for a reason of its own.
    pub fault: Option<String>,
    /// Its priority as its scripts make it.
    pub weighed: Priority,
    /// The script that it waits for before it starts.
    pub unanswered: Option<String>,
    /// It holds addresses that an earlier run left on, without being master yet.
    pub adopted: bool,
    pub since: Instant,
    pub reason: String,
    pub history: VecDeque<(Instant, VirtualRouterState, String)>,
    pub peers: Peers,
    pub counters: VrrpCounters,
    pub rejections: Rejections,
    /// The last message that was sent.
    pub last_sent: Vec<u8>,
    /// Why that did not go out.
    pub unsent: Option<String>,
    /// Another router uses our own address: worth a warning until then.
    pub duplicate_until: Option<Instant>,
    pub hold: Option<Hold>,
    /// It leads by `takeover`, until `rejoin`: who asked for it and why, and when.
    pub claim: Option<(String, Instant)>,
    /// A priority in place of the file's, until it is taken back.
    pub wish: Option<PriorityWish>,
    /// When its last advertisement went out, and the one before.
    pub advertised_at: Option<Instant>,
    pub advertised_before: Option<Instant>,
    /// Until the start: it was master before.
    pub mastership: Option<Mastership>,
    /// Heard as master before the start.
    pub rival: Option<Ipv4Addr>,
    /// When addresses that somebody removed are put back.
    pub restore_at: Option<Instant>,
    /// When that was done last.
    pub restored_at: Option<Instant>,
}

impl Router {
    pub fn new(config: &VirtualRouter, now: Instant) -> Self {
        Self {
            config: config.clone(),
            instance: Instance::new(Parameters::from(config), IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            footing: None,
            listens_on: None,
            fault: None,
            weighed: config.priority,
            unanswered: None,
            adopted: false,
            since: now,
            reason: "not started yet".to_owned(),
            history: VecDeque::new(),
            peers: Peers::default(),
            counters: VrrpCounters::default(),
            rejections: Rejections::default(),
            last_sent: Vec::new(),
            unsent: None,
            duplicate_until: None,
            hold: None,
            claim: None,
            wish: None,
            advertised_at: None,
            advertised_before: None,
            mastership: None,
            rival: None,
            restore_at: None,
            restored_at: None,
        }
    }

    /// What its machine works with: the configuration, and a priority that outbids others while it leads by `takeover`.
    pub fn parameters(&self) -> Parameters {
        let own = Parameters { priority: self.weighed, ..Parameters::from(&self.config) };
        let claimed = self.claim.as_ref().and_then(|_| Priority::new(CLAIM).ok());
        Parameters { priority: claimed.map_or(own.priority, |claimed| claimed.max(own.priority)), ..own }
    }

    /// Its priority before any script counts: the operator's, or the file's.
    pub fn own_priority(&self) -> Priority {
        self.wish.as_ref().map_or(self.config.priority, |wish| wish.priority)
    }

    pub fn state(&self) -> VirtualRouterState {
        state_name(self.instance.state())
    }

    /// Whether it has not started.
    pub fn is_fresh(&self) -> bool {
        *self.instance.state() == State::Initialize
    }

    /// How it stands in its sync group.
    pub fn standing(&self) -> Standing {
        match self.instance.state() {
            _ if self.fault.is_some() => Standing::Unfit,
            State::Initialize if self.unanswered.is_some() => Standing::Waiting,
            State::Initialize | State::Fault => Standing::Idle,
            State::Backup { willing: true, .. } => Standing::Willing,
            State::Backup { willing: false, .. } => Standing::Listening,
            State::Master { .. } => Standing::Leading,
        }
    }

    /// The state changed to what it is now.
    pub fn entered(&mut self, now: Instant, reason: String) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back((now, self.state(), reason.clone()));
        self.since = now;
        self.reason = reason;
        self.peers.settle();
        self.restore_at = None;
    }

    /// What its advertisements must be like.
    pub fn expected(&self) -> Expected {
        Expected {
            version: self.config.version,
            vrid: self.config.vrid,
            interval: self.instance.parameters().interval,
            authentication: self.config.authentication,
        }
    }

    /// Virtual addresses of IPv4, in file order.
    pub fn ipv4_addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.config.addresses.iter().filter_map(|a| match a.address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
    }

    /// The message that it sends.
    pub fn message(&self, priority: AdvertisedPriority, source: Ipv4Addr) -> Vec<u8> {
        let version = self.config.version;
        let advertisement = Advertisement {
            version,
            vrid: self.config.vrid,
            priority,
            interval: self.instance.parameters().interval,
            authentication: match version {
                VrrpVersion::V2 => self.config.authentication,
                VrrpVersion::V3 => Authentication::None,
            },
            addresses: self.ipv4_addresses().collect(),
        };
        advertisement.encode(source, MULTICAST_V4, ChecksumForm::sent(version))
    }

    /// Whether a packet with our own source address comes from somebody else: it is not what was sent last, or nothing is
    /// sent now. For an interval after a change of state, what was sent before may still come back.
    pub fn cannot_be_an_echo(&self, now: Instant, packet: &[u8]) -> bool {
        let settled = now.saturating_duration_since(self.since) >= self.instance.parameters().interval.duration();
        let same = Ipv4Packet::parse(packet).is_some_and(|ip| ip.payload == self.last_sent);
        settled && !(same && self.instance.is_master())
    }

    /// Counts a refused advertisement.
    pub fn count_rejection(&mut self, check: Check) {
        let counters = &mut self.counters;
        let counter = match check {
            Check::Length | Check::Vrid => &mut counters.rejected_length,
            Check::Destination => &mut counters.rejected_destination,
            Check::Ttl => &mut counters.rejected_ttl,
            Check::Version => &mut counters.rejected_version,
            Check::Type => &mut counters.rejected_type,
            Check::Count => &mut counters.rejected_count,
            Check::Checksum => &mut counters.rejected_checksum,
            Check::AuthenticationType => &mut counters.rejected_auth_type,
            Check::Password => &mut counters.rejected_auth,
            Check::Interval => &mut counters.rejected_interval,
        };
        *counter += 1;
    }
}

/// The operators' word for a state.
pub(super) const fn state_name(state: &State) -> VirtualRouterState {
    match state {
        State::Initialize => VirtualRouterState::Init,
        State::Backup { .. } => VirtualRouterState::Backup,
        State::Master { .. } => VirtualRouterState::Master,
        State::Fault => VirtualRouterState::Fault,
    }
}

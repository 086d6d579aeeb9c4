//! One virtual router with everything the core remembers about it.

use super::contest::Split;
use super::notices::Told;
use super::past::Mastership;
use super::peers::Peers;
use super::probes::Answered;
use super::rejections::Rejections;
use super::unled;
use super::waiting::Waiting;
use super::{Channel, Dropped, OwnedAddress};
use crate::engine::model::{
    AdvertInterval, AdvertisedPriority, Authentication, Family, Priority, VirtualRouter, VrrpVersion,
};
use crate::engine::snapshot::{VirtualRouterState, VrrpCounters};
use crate::engine::vrrp::{
    self, Advertisement, AuthenticationHeader, Check, ChecksumForm, Expected, Instance, IpPacket, Parameters, Standing,
    State, Tracked, TransitionReason,
};
use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// How many rounds of announcements are remembered.
const ROUNDS: usize = 16;

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
    pub source: IpAddr,
}

/// An advertisement on its way.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub destination: IpAddr,
    pub message: Vec<u8>,
    pub header: Option<AuthenticationHeader>,
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
    /// Why, as it was given.
    pub why: Option<String>,
    /// When.
    pub since: Instant,
}

/// It leads by a `takeover` command.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    /// Who asked for it and why.
    pub by: String,
    /// Why, as it was given.
    pub why: Option<String>,
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
    /// Where it listens, since it has a footing there.
    pub listens_on: Option<Channel>,
    /// Why it can't work, for a reason of its own.
    pub fault: Option<String>,
    /// Its priority as what it tracks makes it.
    pub weighed: Priority,
    /// How each thing that it tracks counts for it, in the order of the configuration.
    pub counted: Vec<Tracked>,
    /// What it waits for before it starts: `script web`.
    pub unanswered: Option<String>,
    /// A virtual interface of it is on its way.
    pub linkless: bool,
    /// It starts when `vrrp_startup_delay` is over.
    pub delayed: bool,
    /// Addresses whose packets are dropped for it.
    pub dropped: BTreeSet<Dropped>,
    /// It was neither master nor in FAULT yet.
    pub joining: bool,
    /// It holds addresses that an earlier run left on, without being master yet.
    pub adopted: bool,
    pub since: Instant,
    pub reason: String,
    pub history: VecDeque<(Instant, VirtualRouterState, String)>,
    pub peers: Peers,
    /// Other routers that were ever heard as master.
    pub met: BTreeSet<IpAddr>,
    pub counters: VrrpCounters,
    pub rejections: Rejections,
    /// The last rounds of announcements: when, of how many addresses, how often each.
    pub announced: VecDeque<(Instant, u64, u64)>,
    /// The sequence number of authentication headers: the last one sent or heard.
    pub sequence: u32,
    /// The last message that was sent.
    pub last_sent: Vec<u8>,
    /// Why that did not go out.
    pub unsent: Option<String>,
    /// Another router uses our own address: worth a warning until then.
    pub duplicate_until: Option<Instant>,
    /// When it asks whether another host has its address, and who answered.
    pub probe_at: Option<Instant>,
    pub answered: Option<Answered>,
    /// Two masters, from when it was told until it is told that it is over.
    pub split: Option<Split>,
    /// From when its addresses are on nobody, as it was told.
    pub unled: Option<Instant>,
    /// Whose silence made it master.
    pub silent_before: Option<IpAddr>,
    /// Who outranks us and may have been master all the time.
    pub doubted: Option<IpAddr>,
    /// No sooner is another master told that was found out afterwards.
    pub tells_past_from: Option<Instant>,
    pub hold: Option<Hold>,
    /// It leads by `takeover`, until `rejoin`.
    pub claim: Option<Claim>,
    /// A priority in place of the file's, until it is taken back.
    pub wish: Option<PriorityWish>,
    /// When its last advertisement went out, and the one before.
    pub advertised_at: Option<Instant>,
    pub advertised_before: Option<Instant>,
    /// It was master before, and is to be resumed.
    pub mastership: Option<Mastership>,
    /// It listens until then whether another is master, and is resumed.
    pub resumes_at: Option<Instant>,
    /// Heard as master before it was resumed.
    pub rival: Option<IpAddr>,
    /// When addresses that somebody removed are put back.
    pub restore_at: Option<Instant>,
    /// As what its end is told.
    pub ends_as: Option<Told>,
    /// No sooner is an advertisement that loses told.
    pub tells_lower_from: Option<Instant>,
    /// The priority that was looked at last for who is told of changes.
    pub priority_told: Option<u8>,
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
            counted: Vec::new(),
            unanswered: None,
            linkless: false,
            delayed: false,
            joining: true,
            dropped: BTreeSet::new(),
            adopted: false,
            since: now,
            reason: "not started yet".to_owned(),
            history: VecDeque::new(),
            peers: Peers::default(),
            met: BTreeSet::new(),
            counters: VrrpCounters::default(),
            rejections: Rejections::default(),
            announced: VecDeque::new(),
            sequence: 0,
            last_sent: Vec::new(),
            unsent: None,
            duplicate_until: None,
            probe_at: None,
            answered: None,
            split: None,
            unled: None,
            silent_before: None,
            doubted: None,
            tells_past_from: None,
            hold: None,
            claim: None,
            wish: None,
            advertised_at: None,
            advertised_before: None,
            mastership: None,
            resumes_at: None,
            rival: None,
            restore_at: None,
            ends_as: None,
            tells_lower_from: None,
            priority_told: None,
        }
    }

    /// What its machine works with: the configuration, and a priority that outbids others while it leads by `takeover`.
    pub fn parameters(&self) -> Parameters {
        let own = Parameters { priority: self.weighed, ..Parameters::from(&self.config) };
        let claimed = self.claim.as_ref().and_then(|_| Priority::new(CLAIM).ok());
        Parameters { priority: claimed.map_or(own.priority, |claimed| claimed.max(own.priority)), ..own }
    }

    /// Its next deadline, and what for.
    pub fn next(&self) -> Option<(Instant, Waiting)> {
        let machine = self.instance.next().map(|(at, deadline)| (at, Waiting::from(deadline)));
        let hold = self.hold.as_ref().and_then(|hold| hold.until).map(|at| (at, Waiting::HoldEnds));
        let restore = self.restore_at.map(|at| (at, Waiting::Restore));
        let quiet = self.split.as_ref().and_then(Split::ends_at);
        let answered = self.answered.as_ref().map(|answer| answer.until);
        let rival = [self.peers.next(), quiet, answered].into_iter().flatten().min();
        let rival = rival.map(|at| (at, Waiting::SplitBrainEnds));
        let silent = self.peers.next_silence().map(|at| (at, Waiting::PeerSilent));
        let odd = self.peers.next_forgotten().map(|at| (at, Waiting::WarningEnds));
        let duplicate = self.duplicate_until.map(|at| (at, Waiting::WarningEnds));
        let unled = unled::told_at(self).map(|at| (at, Waiting::WarningBegins));
        let resumption = self.resumes_at.map(|at| (at, Waiting::Resume));
        [machine, resumption, hold, restore, rival, silent, odd, duplicate, unled].into_iter().flatten().min()
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

    /// Whether it is not to start yet.
    const fn waits(&self) -> bool {
        self.unanswered.is_some() || self.delayed || self.linkless || self.resumes_at.is_some()
    }

    /// How it stands in its sync group.
    pub fn standing(&self) -> Standing {
        match self.instance.state() {
            _ if self.fault.is_some() => Standing::Unfit,
            State::Initialize if self.waits() => Standing::Waiting,
            State::Initialize | State::Fault => Standing::Idle,
            State::Backup { willing, expiry, .. }
                if self.joining && !matches!(expiry, TransitionReason::Silence { master: Some(_), .. }) =>
            {
                Standing::Joining { willing: *willing }
            }
            State::Backup { willing: true, .. } => Standing::Willing,
            State::Backup { willing: false, .. } => Standing::Listening,
            State::Master { .. } => Standing::Leading,
        }
    }

    /// Whether it is backup of a router that outranks it, or was until that one resigned.
    pub fn follows_a_stronger_one(&self) -> bool {
        let own = (self.instance.parameters().priority, self.footing.map(|footing| footing.source));
        let Some(master) = self.instance.heard_master() else { return false };
        self.peers
            .iter()
            .any(|(address, peer)| address == master && peer.rank().is_some_and(|rank| (rank, Some(address)) > own))
    }

    /// Whether it has been master, or what it is, for so long that every other router has heard it.
    pub fn is_settled(&self, now: Instant) -> bool {
        let interval = self.instance.parameters().interval;
        now.saturating_duration_since(self.since) >= self.instance.master_down_interval(interval)
    }

    /// For how long an advertisement of this master is due, where another can have taken over from its silence: the process was
    /// stopped, or had no processor. While the packets of that time are handed in, before [`super::Input::Timeout`].
    pub fn stood_still(&self, now: Instant) -> Option<Duration> {
        let State::Master { advertise_at, .. } = self.instance.state() else { return None };
        let late = now.saturating_duration_since(*advertise_at);
        (late >= self.instance.parameters().interval.duration() * 2).then_some(late)
    }

    /// The state changed to what it is now.
    pub fn entered(&mut self, now: Instant, reason: String) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back((now, self.state(), reason.clone()));
        self.joining &= self.state() == VirtualRouterState::Backup;
        self.since = now;
        self.reason = reason;
        self.peers.settle();
        self.restore_at = None;
    }

    /// A round of announcements went out.
    pub fn note_announcements(&mut self, now: Instant, addresses: u64, repeat: u64) {
        if addresses == 0 || repeat == 0 {
            return;
        }
        if self.announced.len() == ROUNDS {
            self.announced.pop_front();
        }
        self.announced.push_back((now, addresses, repeat));
        self.counters.garp_tx += addresses * repeat;
    }

    /// Whether the configuration has this address for it.
    pub fn wants(&self, owned: &OwnedAddress) -> bool {
        self.config.addresses.iter().any(|wanted| {
            let interface = wanted.interface.as_ref().unwrap_or(&self.config.interface);
            (wanted.address, interface) == (owned.address, &owned.interface)
        })
    }

    /// What the advertisements of this sender must be like.
    pub fn expected(&self, source: Option<IpAddr>) -> Expected<'_> {
        Expected {
            transport: &self.config.transport,
            version: self.config.version,
            vrid: self.config.vrid,
            interval: self.instance.parameters().interval,
            authentication: self.config.authentication,
            sequence: source.and_then(|source| self.peers.get(source)).map_or(0, |peer| peer.sequence),
        }
    }

    /// Where it listens on an interface.
    pub fn channel(&self, index: u32) -> Channel {
        let sealed = matches!(self.config.authentication, Authentication::Ah(_));
        Channel { index, family: self.config.family, group: self.config.transport.group(), sealed }
    }

    /// Virtual addresses of its family, in file order, each as often as the file has it; of IPv6 those of the link first (RFC 9568 §5.2.9).
    pub fn advertised_addresses(&self) -> Vec<IpAddr> {
        let its = self
            .config
            .addresses
            .iter()
            .filter(|a| a.advertised && Family::of(a.address) == self.config.family)
            .flat_map(|a| std::iter::repeat_n(a.address, a.times.into()));
        let mut addresses: Vec<IpAddr> = its.collect();
        addresses.sort_by_key(|address| matches!(address, IpAddr::V6(address) if !address.is_unicast_link_local()));
        addresses
    }

    /// Whether it comes from a router of something else: no address of its is one of ours. With `vrrp_skip_check_adv_addr` who was
    /// taken once is not looked at again.
    pub fn is_strange(&self, received: &vrrp::Received) -> bool {
        let is_known =
            |source| self.peers.get(source).is_some_and(|peer| peer.rejected.is_none() && peer.priority.is_some());
        let mut ours =
            self.config.addresses.iter().filter(|a| a.advertised && Family::of(a.address) == self.config.family);
        let theirs = &received.advertisement.addresses;
        ours.clone().next().is_some()
            && !ours.any(|address| theirs.contains(&address.address))
            && !(self.config.variations.skip_check_adv_addr && is_known(received.source))
    }

    /// The form of its checksums.
    pub fn checksum_form(&self) -> ChecksumForm {
        ChecksumForm::sent(self.config.version, self.config.family, self.config.variations.checksum_as_v2)
    }

    /// What it sends, to each destination; each round has the next sequence number.
    pub fn messages(&self, priority: AdvertisedPriority, interval: AdvertInterval, source: IpAddr) -> Vec<Outgoing> {
        let version = self.config.version;
        let authentication = match version {
            VrrpVersion::V2 => self.config.authentication,
            VrrpVersion::V3 => Authentication::None,
        };
        let vrid = self.config.vrid;
        let addresses = self.advertised_addresses();
        let advertisement = Advertisement { version, vrid, priority, interval, authentication, addresses };
        let (form, ttl) = (self.checksum_form(), self.config.transport.ttl());
        let sequence = self.sequence.saturating_add(1);
        let to = |destination| {
            let message = advertisement.encode(source, destination, form);
            let header = match (authentication, source, destination) {
                (Authentication::Ah(password), IpAddr::V4(source), IpAddr::V4(destination)) => {
                    Some(vrrp::seal(password, (source, destination), ttl, sequence, &message))
                }
                (_, _, _) => None,
            };
            Outgoing { destination, message, header }
        };
        self.config.transport.destinations().into_iter().map(to).collect()
    }

    /// Whether a packet with our own source address comes from somebody else: it is not what was sent last, or nothing is
    /// sent now. For an interval after a change of state, what was sent before may still come back.
    pub fn cannot_be_an_echo(&self, now: Instant, packet: &[u8]) -> bool {
        let settled = now.saturating_duration_since(self.since) >= self.instance.parameters().interval.duration();
        let same = IpPacket::parse(packet).is_some_and(|ip| ip.payload == self.last_sent);
        settled && !(same && self.instance.is_master())
    }

    /// Counts a refused advertisement.
    pub fn count_rejection(&mut self, check: Check) {
        let counters = &mut self.counters;
        let counter = match check {
            Check::Length | Check::Vrid => &mut counters.rejected_length,
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

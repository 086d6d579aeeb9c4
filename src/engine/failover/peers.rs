//! Other routers that were heard with our VRID: who, when, with which priority, and whether one of them is a second
//! master. Only what was heard, never a guess. Bounded: whoever was silent longest makes room.

use crate::engine::model::{AdvertInterval, AdvertisedPriority, Priority};
use crate::engine::vrrp::{ChecksumForm, DecodeError, SHOWN};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How many advertisements of a master that is about to resign have an interval that is not its own.
pub(super) const HASTY: u8 = 2;

/// How many gaps between advertisements of one peer are remembered.
const GAPS: usize = 32;

/// How many peers of one instance are remembered.
const CAPACITY: usize = 64;

/// Another router.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// When its last advertisement came, accepted or refused.
    pub heard_at: Instant,
    /// Its last priority; none when nothing of its could be read.
    pub priority: Option<u8>,
    /// Its last priority above 0 that counted, and when it came: who is next in rank. What is refused decides nothing.
    pub ranked: Option<(Priority, Instant)>,
    /// How long it may be silent and still be master; zero when it is none.
    pub window: Duration,
    /// Why its last advertisement was refused.
    pub rejected: Option<DecodeError>,
    /// The last one that was refused, also when later ones were accepted.
    pub refused: Option<Refused>,
    /// The interval that its last accepted advertisement tells, and how its checksum was made.
    pub tells: Option<(AdvertInterval, ChecksumForm)>,
    /// When the last one was accepted, and the gaps between the last ones, newest last.
    beat_at: Option<Instant>,
    pub gaps: VecDeque<Duration>,
    /// What is odd about its last accepted advertisement.
    pub oddity: Oddity,
    /// The last addresses that it advertised which are others than ours.
    pub addresses: Vec<IpAddr>,
    /// Until when that is worth a warning, if it stays silent.
    pub odd_until: Instant,
    /// How many advertisements in a row had another interval than ours. A new peer is in no haste.
    pub odd_intervals: u8,
    /// The number of its last authentication header.
    pub sequence: u32,
    /// While we are master: it does not yield.
    contest: Contest,
}

/// A packet that was refused.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub at: Instant,
    pub why: DecodeError,
    /// Its first bytes.
    pub packet: Vec<u8>,
    pub length: usize,
}

/// How an advertisement differs from our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Oddity {
    /// Other addresses.
    pub addresses: bool,
    /// Another interval (version 3).
    pub interval: bool,
    /// Another form of checksum (version 3).
    pub checksum: bool,
}

/// Whether a peer is master beside us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contest {
    No,
    /// One advertisement of its may have crossed ours.
    Since(Instant),
    /// It went on: silence until then ends it.
    Until(Instant),
}

/// Whether both lists have the same addresses, in any order.
pub(super) fn alike(one: &[IpAddr], other: &[IpAddr]) -> bool {
    let sorted = |list: &[IpAddr]| {
        let mut list = list.to_vec();
        list.sort_unstable();
        list
    };
    one == other || (one.len() == other.len() && sorted(one) == sorted(other))
}

/// All other routers of one instance.
#[derive(Debug, Default)]
pub(super) struct Peers(BTreeMap<IpAddr, Peer>);

impl Peers {
    pub fn iter(&self) -> impl Iterator<Item = (IpAddr, &Peer)> {
        self.0.iter().map(|(address, peer)| (*address, peer))
    }
    /// The peer of this address, made when it is new.
    pub fn heard(&mut self, source: IpAddr, now: Instant) -> &mut Peer {
        if self.0.len() >= CAPACITY
            && !self.0.contains_key(&source)
            && let Some(oldest) = self.0.iter().min_by_key(|(_, peer)| peer.heard_at).map(|(address, _)| *address)
        {
            self.0.remove(&oldest);
        }
        let peer = self.0.entry(source).or_insert_with(|| Peer {
            heard_at: now,
            priority: None,
            ranked: None,
            window: Duration::ZERO,
            rejected: None,
            refused: None,
            tells: None,
            beat_at: None,
            gaps: VecDeque::new(),
            oddity: Oddity::default(),
            addresses: Vec::new(),
            odd_until: now,
            odd_intervals: HASTY,
            sequence: 0,
            contest: Contest::No,
        });
        peer.heard_at = now;
        peer
    }
    /// The peer of this address, if it was heard before.
    pub fn known(&mut self, source: IpAddr) -> Option<&mut Peer> {
        self.0.get_mut(&source)
    }
    /// The peer of this address, as it was heard before.
    pub fn get(&self, source: IpAddr) -> Option<&Peer> {
        self.0.get(&source)
    }
    /// Our state changed: what was a contest is decided, and who advertised until then begins anew.
    pub fn settle(&mut self) {
        for peer in self.0.values_mut() {
            (peer.contest, peer.beat_at) = (Contest::No, None);
        }
    }
    /// Forgets the mastership and the oddities of who is silent; whether a contest ended by silence.
    pub fn expire(&mut self, now: Instant) -> bool {
        let mut over = false;
        for peer in self.0.values_mut() {
            if peer.master_until().is_some_and(|end| end <= now) {
                peer.window = Duration::ZERO;
            }
            if peer.odd_until <= now {
                peer.oddity = Oddity::default();
            }
            if matches!(peer.contest, Contest::Until(end) if end <= now) {
                peer.contest = Contest::No;
                over = true;
            }
        }
        over
    }
    /// Who is master beside us.
    pub fn rivals(&self) -> impl Iterator<Item = (IpAddr, &Peer)> {
        self.iter().filter(|(_, peer)| peer.is_rival())
    }
    /// The one of them that ranks highest.
    pub fn beside(&self) -> Option<IpAddr> {
        self.rivals().max_by_key(|(address, peer)| (peer.priority, *address)).map(|(address, _)| address)
    }
    /// When the next contest is over, if its peer stays silent.
    pub fn next(&self) -> Option<Instant> {
        self.0.values().filter_map(Peer::contested_until).min()
    }
    /// When the next peer counts as master no more, if it stays silent.
    pub fn next_silence(&self) -> Option<Instant> {
        self.0.values().filter_map(Peer::master_until).min()
    }
    /// We have these addresses from now on: whose last other list they are is odd no more.
    pub fn readdress(&mut self, ours: &[IpAddr]) {
        for peer in self.0.values_mut() {
            peer.oddity.addresses &= !alike(&peer.addresses, ours);
        }
    }
    /// When the next oddity is forgotten, if its peer stays silent.
    pub fn next_forgotten(&self) -> Option<Instant> {
        self.0.values().filter(|peer| peer.oddity != Oddity::default()).map(|peer| peer.odd_until).min()
    }
    /// The peer that advertised last and was not silent for too long since; one that is refused only where there is no other.
    pub fn last_master(&self) -> Option<(IpAddr, &Peer)> {
        let masters = self.iter().filter(|(_, peer)| !peer.window.is_zero());
        masters.max_by_key(|(_, peer)| (peer.rejected.is_none(), peer.heard_at))
    }
    /// The peer of the highest priority, among those of which an advertisement counted.
    pub fn strongest(&self) -> Option<(IpAddr, Priority, &Peer)> {
        let ranked = self.iter().filter_map(|(address, peer)| Some((address, peer.rank()?, peer)));
        ranked.max_by_key(|(address, priority, _)| (*priority, *address))
    }
}

impl Peer {
    /// A packet of its was refused.
    pub fn refuse(&mut self, now: Instant, why: DecodeError, packet: &[u8]) {
        let head = packet.get(..SHOWN).unwrap_or(packet);
        let refused = self.refused.get_or_insert_with(|| Refused { at: now, why, packet: Vec::new(), length: 0 });
        (refused.at, refused.why, refused.length) = (now, why, packet.len());
        refused.packet.clear();
        refused.packet.extend_from_slice(head);
    }
    /// An advertisement was accepted: the gap to the one before counts, unless it was silent in between. One that comes in less
    /// than half the interval was sent for a change and not by the timer.
    pub fn beat(&mut self, now: Instant, interval: AdvertInterval, form: ChecksumForm) {
        let gap = self.beat_at.replace(now).map(|before| now.saturating_duration_since(before));
        self.tells = Some((interval, form));
        let by_timer = interval.duration() / 2..interval.duration() * 3;
        if let Some(gap) = gap.filter(|gap| by_timer.contains(gap)) {
            if self.gaps.len() == GAPS {
                self.gaps.pop_front();
            }
            self.gaps.push_back(gap);
        }
    }
    /// Its priority above 0 by the last advertisement that counted.
    pub fn rank(&self) -> Option<Priority> {
        self.ranked.map(|(priority, _)| priority)
    }
    /// What it advertised counts.
    pub fn ranks(&mut self, now: Instant, priority: AdvertisedPriority) {
        self.ranked = Priority::new(priority.0).ok().map(|priority| (priority, now)).or(self.ranked);
    }
    /// It advertised this priority, accepted or refused; as master it may be silent for `window`. Who resigned begins anew.
    pub fn advertised(&mut self, priority: AdvertisedPriority, window: Duration) {
        self.beat_at = self.beat_at.filter(|_| !priority.is_resignation());
        self.priority = Some(priority.0);
        self.window = if priority.is_resignation() { Duration::ZERO } else { window };
    }
    /// Whether it advertises now, as far as can be known: while we are master, an advertisement that crossed ours says
    /// nothing.
    pub fn is_master(&self, now: Instant, we_are: bool) -> bool {
        self.master_until().is_some_and(|end| now < end) && (!we_are || self.is_rival())
    }
    /// When silence ends its mastership; none when it is no master.
    fn master_until(&self) -> Option<Instant> {
        (!self.window.is_zero()).then(|| self.heard_at + self.window)
    }
    /// Whether it is master beside us.
    pub const fn is_rival(&self) -> bool {
        matches!(self.contest, Contest::Until(_))
    }
    /// It advertised while we are master and stay it. True when this makes it a second master: at once where our mastership
    /// `is_settled`; else by its second advertisement, at least half an interval after the first, so that a doubled packet
    /// is none.
    pub fn contest(&mut self, now: Instant, interval: Duration, is_settled: bool) -> bool {
        let quiet = now + interval * 3;
        let (next, begins) = match self.contest {
            Contest::No | Contest::Since(_) if is_settled => (Contest::Until(quiet), true),
            Contest::No => (Contest::Since(now), false),
            Contest::Since(first) if now.saturating_duration_since(first) > interval * 4 => {
                (Contest::Since(now), false)
            }
            Contest::Since(first) if now.saturating_duration_since(first) >= interval / 2 => {
                (Contest::Until(quiet), true)
            }
            Contest::Since(first) => (Contest::Since(first), false),
            Contest::Until(_) => (Contest::Until(quiet), false),
        };
        self.contest = next;
        begins
    }
    /// It resigned: it is master beside us no more. False when it was none.
    pub fn leave(&mut self) -> bool {
        std::mem::replace(&mut self.contest, Contest::No) != Contest::No
    }
    fn contested_until(&self) -> Option<Instant> {
        match self.contest {
            Contest::Until(end) => Some(end),
            Contest::No | Contest::Since(_) => None,
        }
    }
}

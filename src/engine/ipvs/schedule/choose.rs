//! The schedulers: rr, wrr, lc, wlc, sh. Each chooses among members in the kernel's order and keeps what the kernel keeps.

use super::pool::Member;
use crate::engine::model::{RealServerKey, Scheduler};
use std::net::IpAddr;

/// The schedulers that are here.
pub const SCHEDULED: [Scheduler; 5] = [Scheduler::Rr, Scheduler::Wrr, Scheduler::Lc, Scheduler::Wlc, Scheduler::Sh];

/// `IP_VS_SVC_F_SCHED1`: sh looks further when its server can't take the connection (`sh-fallback`).
const SH_FALLBACK: u32 = 0x8;
/// `IP_VS_SVC_F_SCHED2`: sh hashes the client's port too (`sh-port`).
const SH_PORT: u32 = 0x10;
/// Buckets of sh (`IP_VS_SH_TAB_SIZE`).
const BUCKETS: usize = 256;
/// `GOLDEN_RATIO_32` of the kernel's `hash_32`.
const GOLDEN_RATIO: u32 = 0x61C8_8647;

/// What a scheduler remembers between two connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chooser {
    /// Whom the last connection went to; none: the list's head.
    Rr(Option<RealServerKey>),
    Wrr(Wrr),
    Lc,
    Wlc,
    /// Who has each bucket.
    Sh {
        buckets: Vec<RealServerKey>,
        flags: u32,
    },
}

/// The mark of wrr (`struct ip_vs_wrr_mark`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wrr {
    last: Option<RealServerKey>,
    /// Weight that a server needs in this round.
    current: u32,
    highest: u32,
    /// By how much the next round needs less: the weights' greatest common divisor.
    step: u32,
}

impl Chooser {
    /// None for a scheduler that is not here.
    pub fn new(name: &str, flags: u32, members: &[Member]) -> Option<Self> {
        let mut new = match Scheduler::from_name(name)? {
            Scheduler::Rr => Self::Rr(None),
            Scheduler::Wrr => Self::Wrr(Wrr::default()),
            Scheduler::Lc => Self::Lc,
            Scheduler::Wlc => Self::Wlc,
            Scheduler::Sh => Self::Sh { buckets: Vec::new(), flags },
            Scheduler::Lblc
            | Scheduler::Lblcr
            | Scheduler::Dh
            | Scheduler::Mh
            | Scheduler::Sed
            | Scheduler::Nq
            | Scheduler::Fo
            | Scheduler::Ovf
            | Scheduler::Twos => return None,
        };
        new.changed(members);
        Some(new)
    }

    /// A server was added, changed or removed.
    pub fn changed(&mut self, members: &[Member]) {
        match self {
            Self::Rr(_) | Self::Lc | Self::Wlc => {}
            Self::Wrr(mark) => mark.changed(members),
            Self::Sh { buckets, .. } => *buckets = assigned(members),
        }
    }

    /// This member is about to be removed.
    pub fn leaves(&mut self, members: &[Member], server: RealServerKey) {
        if let Self::Rr(last) = self
            && *last == Some(server)
        {
            let at = members.iter().position(|member| member.key == server).unwrap_or(0);
            *last = at.checked_sub(1).and_then(|before| members.get(before)).map(|member| member.key);
        }
    }

    /// Whom the next connection of this client goes to; none when nobody can take it.
    pub fn choose(&mut self, members: &[Member], client: IpAddr, port: u16) -> Option<RealServerKey> {
        match self {
            Self::Rr(last) => {
                let found = behind(members, *last).find(|member| member.takes())?.key;
                *last = Some(found);
                Some(found)
            }
            Self::Wrr(mark) => mark.choose(members),
            Self::Lc => least(members, |_| 1),
            Self::Wlc => least(members, |member| u64::from(member.weight())),
            Self::Sh { buckets, flags } => {
                let port = if *flags & SH_PORT == 0 { 0 } else { port };
                let takes = |bucket: usize| {
                    let key = *buckets.get(bucket)?;
                    members.iter().find(|member| member.key == key && member.takes()).map(|member| member.key)
                };
                let first = bucket(client, port, 0);
                match takes(first) {
                    None if *flags & SH_FALLBACK != 0 => {
                        (0..BUCKETS).find_map(|further| takes(bucket(client, port, (further + first) % BUCKETS)))
                    }
                    found => found,
                }
            }
        }
    }
}

/// All members once, beginning behind this one.
fn behind(members: &[Member], last: Option<RealServerKey>) -> impl Iterator<Item = &Member> {
    let start = last.and_then(|last| members.iter().position(|member| member.key == last)).map_or(0, |at| at + 1);
    let (before, after) = members.split_at(start.min(members.len()));
    after.iter().chain(before)
}

/// The first with the fewest connections for its weight; an inactive one counts 1/256 of an active one.
fn least(members: &[Member], weight: impl Fn(&Member) -> u64) -> Option<RealServerKey> {
    let load = |member: &Member| (u64::from(member.settings.active) << 8) + u64::from(member.settings.inactive);
    let fewer = |best: &Member, next: &Member| {
        u128::from(load(best)) * u128::from(weight(next)) > u128::from(load(next)) * u128::from(weight(best))
    };
    let able = members.iter().filter(|member| member.takes());
    able.reduce(|best, next| if fewer(best, next) { next } else { best }).map(|member| member.key)
}

impl Wrr {
    fn changed(&mut self, members: &[Member]) {
        let weights = || members.iter().map(Member::weight);
        self.last = None;
        self.step = weights().filter(|weight| *weight > 0).fold(0, divisor).max(1);
        self.highest = weights().max().unwrap_or(0).saturating_sub(self.step - 1);
        if self.current > self.highest || self.current == 0 {
            self.current = self.highest;
        } else if self.step > 1 {
            self.current = self.current / self.step * self.step + 1;
        }
    }

    /// Round after round over the list: each needs less weight than the one before, until it begins anew.
    fn choose(&mut self, members: &[Member]) -> Option<RealServerKey> {
        if self.highest == 0 || !members.iter().any(Member::takes) {
            return None;
        }
        let mut from = self.last.and_then(|last| members.iter().position(|m| m.key == last)).map_or(0, |at| at + 1);
        loop {
            let rest = members.get(from..).unwrap_or_default();
            if let Some(found) = rest.iter().find(|member| member.takes() && member.weight() >= self.current) {
                self.last = Some(found.key);
                return self.last;
            }
            from = 0;
            self.current = match self.current.saturating_sub(self.step) {
                0 => self.highest,
                less => less,
            };
        }
    }
}

const fn divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// Buckets for the members in turn: each gets as many as its weight says before the next one's turn, one at the least.
fn assigned(members: &[Member]) -> Vec<RealServerKey> {
    let turns = members
        .iter()
        .flat_map(|member| std::iter::repeat_n(member.key, (member.weight().max(1) as usize).min(BUCKETS)));
    let turns: Vec<RealServerKey> = turns.collect();
    turns.iter().copied().cycle().take(BUCKETS).collect()
}

/// `ip_vs_sh_hashkey`.
fn bucket(client: IpAddr, port: u16, offset: usize) -> usize {
    let folded = match client {
        IpAddr::V4(address) => address.to_bits(),
        IpAddr::V6(address) => {
            let bits = address.octets();
            bits.chunks_exact(4).fold(0, |folded, word| {
                folded ^ word.first_chunk().map_or(0, |bytes: &[u8; 4]| u32::from_be_bytes(*bytes))
            })
        }
    };
    let hash = u32::from(port).wrapping_add(folded).wrapping_mul(GOLDEN_RATIO) >> 24;
    (offset + hash as usize) % BUCKETS
}

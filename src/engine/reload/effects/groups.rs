//! How sync groups follow: with a member that can't lead or stops leading all go; one that is new stops nobody.

use super::outlook::{Outlook, Turn};
use super::{First, Moves, Sight, is_master, strongest};
use crate::engine::model::{Configuration, SyncGroup, VirtualRouter};
use crate::engine::snapshot::VirtualRouterState;
use std::collections::{BTreeSet, HashMap};

/// By the name of the instance.
pub(super) type Outlooks<'a> = HashMap<&'a str, Outlook>;

impl<'a> Sight<'a> {
    /// What becomes of all with the configuration that runs.
    pub(super) fn all_as_it_is(&self) -> Outlooks<'a> {
        let all = self.old.virtual_routers.iter().map(|router| (router.name.as_str(), self.as_it_is(router)));
        self.settled(self.old, all.collect())
    }

    /// With the new one; and again for each thing that the first run of a script may say, of those that depend on it.
    pub(super) fn all(&self) -> (Outlooks<'a>, Vec<(First<'a>, Outlooks<'a>)>) {
        let routers = &self.new.virtual_routers;
        let alone: Outlooks<'a> =
            routers.iter().map(|router| (router.name.as_str(), self.outlook(router, None))).collect();
        let scripts: BTreeSet<&str> = routers
            .iter()
            .flat_map(|router| &router.tracks)
            .filter(|track| self.is_unknown(track))
            .map(|track| track.name.as_str())
            .collect();
        let then = |first: First<'a>| {
            let tracks =
                |router: &&VirtualRouter| router.tracks.iter().any(|t| first.is_some_and(|(s, _)| s == t.name));
            let mut outlooks = alone.clone();
            outlooks.extend(routers.iter().filter(tracks).map(|r| (r.name.as_str(), self.outlook(r, first))));
            (first, self.settled(self.new, outlooks))
        };
        let firsts =
            scripts.into_iter().flat_map(|script| [false, true].map(|succeeds| then(Some((script, succeeds)))));
        let firsts = firsts.collect();
        (self.settled(self.new, alone), firsts)
    }

    /// Whether mastership of an instance moves, whatever scripts say that never ran.
    pub(super) fn moves(
        &self,
        name: &str,
        was: &Outlooks<'_>,
        (base, firsts): &(Outlooks<'_>, Vec<(First<'_>, Outlooks<'_>)>),
    ) -> Moves {
        let is_master = is_master(self.status(name));
        let of = |all: &Outlooks<'_>| all.get(name).map_or(Moves::No, |one| one.moves(was.get(name), is_master));
        let moves = of(base);
        // What it gives up before the first run is given up.
        if is_master && moves != Moves::No {
            return moves;
        }
        let says = |succeeds: bool| if succeeds { "succeeds" } else { "fails" };
        let mut firsts = firsts.iter().filter_map(|(first, all)| Some(((*first)?, of(all))));
        let other = firsts.find(|(_, then)| (*then == Moves::No) != (moves == Moves::No));
        match other {
            Some(((script, succeeds), Moves::No)) => {
                Moves::Perhaps(format!("script {script} {} in its first run", says(!succeeds)))
            }
            Some(((script, succeeds), Moves::Yes | Moves::Perhaps(_))) => {
                Moves::Perhaps(format!("script {script} {} in its first run", says(succeeds)))
            }
            None => moves,
        }
    }

    /// The sync group that it joins, where members that go on are master.
    pub(super) fn leading_group(&self, router: &VirtualRouter) -> Option<&str> {
        let has = |group: &&SyncGroup| group.members.contains(&router.name);
        let group = self.new.sync_groups.iter().find(has)?;
        group.members.iter().any(|member| self.leads(self.new, member)).then_some(group.name.as_str())
    }

    fn goes_on_in(&self, side: &Configuration, name: &str) -> bool {
        std::ptr::eq(side, self.old) || self.after.get(name).is_some_and(|router| self.goes_on(router).is_some())
    }

    /// Whether a member that goes on is master.
    fn leads(&self, side: &Configuration, name: &str) -> bool {
        is_master(self.status(name)) && self.goes_on_in(side, name)
    }

    fn settled(&self, side: &'a Configuration, mut outlooks: Outlooks<'a>) -> Outlooks<'a> {
        for group in &side.sync_groups {
            let members = group.members.iter().map(String::as_str).filter(|member| outlooks.contains_key(member));
            let members: Vec<&str> = members.collect();
            for (member, outlook) in self.together(side, group, &members, &outlooks) {
                outlooks.insert(member, outlook);
            }
        }
        outlooks
    }

    /// What becomes of members by others of their group.
    fn together(
        &self,
        side: &Configuration,
        group: &SyncGroup,
        members: &[&'a str],
        outlooks: &Outlooks<'a>,
    ) -> Vec<(&'a str, Outlook)> {
        let is = |name: &str, turn: Turn| outlooks.get(name).is_some_and(|outlook| outlook.turn == turn);
        let takes_over = |name: &str| match outlooks.get(name).map(|outlook| outlook.turn) {
            Some(Turn::TakesOver(after)) => Some(after),
            _ => None,
        };
        let on = |name: &str| outlooks.get(name).and_then(|outlook| outlook.on.clone());
        let goes = |turn, first: &str, more: &str, on: Option<String>| Outlook {
            turn,
            said: format!("goes with {first}{more}: sync group {}", group.name),
            on,
            is_led: true,
        };
        let all = |which: &dyn Fn(&str) -> bool, outlook: &Outlook| -> Vec<(&'a str, Outlook)> {
            members.iter().filter(|name| which(name)).map(|name| (*name, outlook.clone())).collect()
        };
        if let Some(bad) = members.iter().find(|name| is(name, Turn::Fault)) {
            return all(&|name| !is(name, Turn::Fault), &goes(Turn::Fault, bad, "", None));
        }
        let (masters, others): (Vec<&str>, Vec<&str>) = members.iter().partition(|name| self.leads(side, name));
        if masters.is_empty() {
            let Some(follower) = members.iter().find(|name| is(name, Turn::Follows)) else {
                // All wait for the last of them.
                let last = members.iter().filter_map(|name| Some((takes_over(name)?, *name))).max();
                let condition = members.iter().filter(|name| takes_over(name).is_some()).find_map(|name| on(name));
                return last.map_or_else(Vec::new, |(after, _)| {
                    let one = |name: &&'a str| {
                        takes_over(name)?;
                        let outlook = outlooks.get(name)?.clone();
                        Some((*name, Outlook { turn: Turn::TakesOver(after), on: condition.clone(), ..outlook }))
                    };
                    members.iter().filter_map(one).collect()
                });
            };
            let said = format!("waits for {follower}: sync group {}", group.name);
            let waits = Outlook { is_led: true, ..Outlook::new(Turn::Follows, said) };
            return all(&|name| is(name, Turn::Starts) || takes_over(name).is_some(), &waits);
        }
        let is_stranger = |name: &&&str| !self.were_together(name, &masters);
        let stays_backup = |name: &&&str| {
            let state = self.status(name).filter(|_| self.goes_on_in(side, name)).map(|status| status.state);
            state.is_some_and(|state| state != VirtualRouterState::Init) && is_stranger(name)
        };
        let is_led = |name: &str| masters.contains(&name) && !(is(name, Turn::Yields) && on(name).is_none());
        if let Some(backup) = others.iter().find(stays_backup) {
            return all(&is_led, &goes(Turn::Yields, backup, ", which is not master here", None));
        }
        if let Some(follower) = others.iter().find(|name| is(name, Turn::Follows) && is_stranger(name)) {
            return all(&is_led, &goes(Turn::Yields, follower, ", which follows another master", None));
        }
        let outranked: Vec<&str> = masters.iter().copied().filter(|name| is(name, Turn::Yields)).collect();
        if let Some(first) = outranked.iter().min_by_key(|name| on(name).is_some()) {
            let kept = masters.iter().any(|name| is(name, Turn::Leads));
            let rival = self.status(first).and_then(strongest).map_or("it", |(address, _)| address);
            let unlike = || format!("{rival} has {first} in no such sync group");
            let condition = outranked.iter().find_map(|name| on(name)).or_else(|| kept.then(unlike));
            let outlook = goes(Turn::Yields, first, "", condition.clone());
            let mut led = all(&|name| is(name, Turn::Leads), &outlook);
            for name in members.iter().filter(|name| is(name, Turn::Yields)) {
                let own = outlooks.get(name).cloned();
                led.extend(own.map(|own| (*name, Outlook { on: condition.clone(), ..own })));
            }
            return led;
        }
        let unsure = others.iter().find(|name| takes_over(name).is_some() && on(name).is_some());
        unsure.map_or_else(Vec::new, |name| {
            let condition = format!("{name} has to follow the master that is heard with its VRID");
            all(&is_led, &goes(Turn::Yields, name, "", Some(condition)))
        })
    }

    /// Members of one group differ for a moment only, as when one of them has just joined.
    fn were_together(&self, other: &str, masters: &[&str]) -> bool {
        let has = |names: &[String], name: &str| names.iter().any(|member| member == name);
        let mut before = self.old.sync_groups.iter();
        before.any(|group| has(&group.members, other) && masters.iter().all(|name| has(&group.members, name)))
    }
}

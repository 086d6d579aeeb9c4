//! How sync groups follow: with a member that can't lead or stops leading all go; one that is new stops nobody.

use super::{Effects, Moves, OWNER, Sight, addresses, is_master};
use crate::engine::model::{SyncGroup, VirtualRouter};

impl Sight<'_> {
    /// How an instance starts, and whether its sync group is taken along.
    pub(super) fn starts(&self, router: &VirtualRouter) -> (String, Moves) {
        if let Some(why) = self.fault(router, true) {
            return (format!("in FAULT: {why}"), Moves::Yes);
        }
        let unknown = router.tracks.iter().find(|track| track.weight == 0 && self.is_unknown(track));
        if let Some(track) = unknown {
            let said =
                format!("as backup once script {} has succeeded; until its first run that is unknown", track.name);
            return (said, Moves::Perhaps(format!("script {} fails", track.name)));
        }
        if router.priority.get() == OWNER {
            return (format!("it owns {} and is master at once", addresses(router)), Moves::No);
        }
        let intervals = u32::from(router.variations.down_timer_adverts) + 1;
        let seconds = f64::from(router.advert_interval.centiseconds()) * f64::from(intervals) / 100.0;
        let joins = self.group_of(router).filter(|group| self.leads(group));
        let joins = joins.map_or_else(String::new, |group| format!("; sync group {} is master meanwhile", group.name));
        let said = format!(
            "as backup; it is master of {} when no other master is heard for up to {seconds} s{joins}",
            addresses(router)
        );
        let rival = self.found.foreign.iter().find(|foreign| {
            (&foreign.interface, foreign.family, foreign.vrid) == (&router.interface, router.family, router.vrid.get())
        });
        match rival {
            Some(rival) if !joins.is_empty() => {
                let (address, vrid) = (&rival.address, rival.vrid);
                let moves =
                    format!("{address}, heard with VRID {vrid}, is a master that {} has to follow", router.name);
                (said, Moves::Perhaps(moves))
            }
            Some(_) | None => (said, Moves::No),
        }
    }

    fn group_of(&self, router: &VirtualRouter) -> Option<&SyncGroup> {
        self.new.sync_groups.iter().find(|group| group.members.contains(&router.name))
    }

    /// Whether a member that goes on is master.
    fn leads(&self, group: &SyncGroup) -> bool {
        let goes_on = |router: &&VirtualRouter| group.members.contains(&router.name) && self.goes_on(router).is_some();
        self.new.virtual_routers.iter().filter(goes_on).any(|router| is_master(self.status(&router.name)))
    }

    /// Masters go with a member of their sync group that goes, or that is backup and stays it.
    pub(super) fn groups(&self, effects: &mut Effects, leaders: &[(String, Moves)]) {
        for group in &self.new.sync_groups {
            let goes_on =
                |router: &&VirtualRouter| group.members.contains(&router.name) && self.goes_on(router).is_some();
            let members = self.new.virtual_routers.iter().filter(goes_on).map(|router| router.name.as_str());
            let (masters, others): (Vec<&str>, Vec<&str>) = members.partition(|name| is_master(self.status(name)));
            let led = leaders.iter().filter(|(name, moves)| group.members.contains(name) && *moves != Moves::No);
            let first = led.min_by_key(|(_, moves)| *moves != Moves::Yes);
            // Members of one group differ for a moment only, as when one of them has just joined.
            let were_together = |other: &str| {
                let has = |names: &[String], name: &str| names.iter().any(|member| member == name);
                let mut before = self.old.sync_groups.iter();
                before.any(|group| has(&group.members, other) && masters.iter().all(|name| has(&group.members, name)))
            };
            let backup = others.iter().find(|other| !were_together(other));
            let (why, moves) = match (first, backup) {
                (Some((first, moves)), _) => (format!("goes with {first}"), moves.clone()),
                (None, Some(backup)) => (format!("goes with {backup}, which is not master here"), Moves::Yes),
                (None, None) => continue,
            };
            for master in masters {
                let told_before = effects.unsure.iter().any(|(name, _)| name == master);
                if effects.names(master) || (told_before && moves != Moves::Yes) {
                    continue;
                }
                let line = format!("instance {master} {why}: sync group {}", group.name);
                effects.tell(master, (line, moves.clone()));
            }
        }
    }
}

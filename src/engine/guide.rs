//! The guided drill of the embedded cluster, pure: what to do next, where to look, and whether it is done.

use super::snapshot::{Admin, Health, Status, VirtualRouterState};
use std::net::IpAddr;

/// What is shown beside the console.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guide {
    /// The steps, in order.
    pub steps: Vec<GuideStep>,
    /// The step that is on; the number of steps when all are done.
    pub current: usize,
    /// What else there is to know, a line each; where room is short, the first count most.
    pub notes: Vec<String>,
    /// The real servers' names with their addresses; of many, the first and the last.
    pub servers: Vec<(String, IpAddr)>,
    /// There are more of them between the first and the last.
    pub more_servers: bool,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuideStep {
    /// `Drain web1`.
    pub title: &'static str,
    /// What to press or type.
    pub act: &'static str,
    /// What to look at.
    pub look: &'static str,
}

/// What a step's end is told by.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Both directors.
    pub directors: [&'a Status; 2],
    /// Addresses of the first two real servers.
    pub web: [IpAddr; 2],
    /// The wire between the directors is cut.
    pub is_cut: bool,
    /// A director has told of a split brain since it was cut last.
    pub split_told: bool,
}

/// Whether a step is done.
type End = fn(&Facts<'_>) -> bool;

/// The steps with their ends.
static STEPS: [(GuideStep, End); 8] = [
    (
        GuideStep {
            title: "Drain web1",
            act: "arrows to the first server of :80, d, Enter",
            look: "weight 0: its connections end by themselves, new ones go elsewhere",
        },
        |facts| facts.some_server(0, |admin, _| admin == Admin::Draining),
    ),
    (
        GuideStep {
            title: "Restore web1",
            act: "D on the same row, Enter",
            look: "its weight comes back, and its share with it",
        },
        |facts| !facts.some_server(0, |admin, _| admin == Admin::Draining),
    ),
    (
        GuideStep { title: "Kill web2", act: "type :kill web2", look: "checks fail, then it leaves every service" },
        |facts| facts.every_server(1, |_, health| health == Health::Down),
    ),
    (
        GuideStep { title: "Bring web2 back", act: "type :revive web2", look: "one good check, and it serves again" },
        |facts| facts.every_server(1, |_, health| health == Health::Up),
    ),
    (
        GuideStep {
            title: "Force a failover",
            act: "F, type the name that it asks for, Enter",
            look: "this director is BACKUP; :director 2 is MASTER",
        },
        // With the wire cut d2 is MASTER without it, and d1 soon again.
        |facts| !facts.is_cut && !facts.is_master(0) && facts.is_master(1),
    ),
    (
        GuideStep {
            title: "Take it back",
            act: ":director 1, J, type VI_1, Enter",
            look: "the higher priority preempts: MASTER again",
        },
        |facts| !facts.is_cut && facts.is_master(0) && !facts.is_master(1),
    ),
    (
        GuideStep {
            title: "Cut the wire",
            act: "type :cut",
            look: "after 3.6 s both are MASTER; neither can know: :director 2 shows it",
        },
        |facts| facts.is_cut && facts.is_master(0) && facts.is_master(1),
    ),
    (
        GuideStep {
            title: "Heal it",
            act: "type :heal",
            look: "d1 hears d2: SPLIT-BRAIN in line 1 for 3 s, and in 4; d2 gives way",
        },
        |facts| !facts.is_cut && facts.split_told && facts.is_master(0) && !facts.is_master(1),
    ),
];

/// What the drill's steps say, in order.
pub fn drill_steps() -> impl Iterator<Item = &'static GuideStep> {
    STEPS.iter().map(|(step, _)| step)
}

impl Facts<'_> {
    fn servers(&self, web: usize) -> impl Iterator<Item = (Admin, Health)> {
        let address = self.web.get(web).copied();
        let services = self.directors.into_iter().flat_map(|director| &director.virtual_servers);
        let servers = services.flat_map(|service| service.real_servers.iter());
        servers.filter(move |server| Some(server.key.0.ip()) == address).map(|server| (server.admin, server.health))
    }

    fn some_server(&self, web: usize, holds: impl Fn(Admin, Health) -> bool) -> bool {
        self.servers(web).any(|(admin, health)| holds(admin, health))
    }

    fn every_server(&self, web: usize, holds: impl Fn(Admin, Health) -> bool) -> bool {
        self.servers(web).next().is_some() && self.servers(web).all(|(admin, health)| holds(admin, health))
    }

    fn is_master(&self, director: usize) -> bool {
        let routers = self.directors.get(director).map(|status| &status.virtual_routers);
        routers.is_some_and(|routers| routers.iter().all(|router| router.state == VirtualRouterState::Master))
    }
}

/// How far somebody has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drill {
    at: usize,
    /// The step came by `skip`: what it ends with may be so already, and counts only once it was seen otherwise.
    is_skipped_to: bool,
}

impl Drill {
    /// Goes on past every step that is done.
    pub fn observe(&mut self, facts: &Facts<'_>) {
        while let Some((_, is_done)) = STEPS.get(self.at) {
            if !is_done(facts) {
                self.is_skipped_to = false;
                return;
            }
            if self.is_skipped_to {
                return;
            }
            self.at += 1;
        }
    }

    /// Goes on by one step without.
    pub const fn skip(&mut self) {
        if self.at < STEPS.len() {
            self.at += 1;
            self.is_skipped_to = true;
        }
    }

    /// What to show; the real servers are those of this cluster, the first and the last of many.
    pub fn guide(&self, notes: Vec<String>, servers: Vec<(String, IpAddr)>, more_servers: bool) -> Guide {
        let steps = STEPS.iter().map(|(step, _)| step.clone()).collect();
        Guide { steps, current: self.at, notes, servers, more_servers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_says_fits_80_columns() {
        for (GuideStep { title, act, look }, _) in &STEPS {
            assert!(title.len() <= 24 && act.len() <= 73 && look.len() <= 73, "{title}: {act}, {look}");
        }
    }

    #[test]
    fn skipping_goes_on_by_exactly_one_step_to_the_end() {
        let mut drill = Drill::default();
        for step in 1..=STEPS.len() {
            drill.skip();
            assert_eq!(drill.guide(Vec::new(), Vec::new(), false).current, step);
        }
        drill.skip();
        assert_eq!(drill.at, STEPS.len());
    }
}

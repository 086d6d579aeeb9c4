//! Who is told of what: the notices that scripts and FIFOs get, in the order in which things happened. Facts are those of
//! keepalived 2.2.7, by measurement.
//!
//! - An instance is told of every state that it enters, with its effective priority. STOP: the engine ends in order.
//!   FAULT, or DELETED with `notify_deleted`: a reload took it away.
//! - A sync group is told after its members, with priority 0, when all of them stand alike (FAULT: when one does).
//! - The script of a state comes before `notify`, which alone gets TYPE, NAME, STATE and PRIORITY.
//! - A losing advertisement that a master hears is told to its script and to FIFOs, at most twice an interval (keepalived:
//!   each). A priority that changed is told to FIFOs alone, where `notify_priority_changes` asks for it.
//! - MASTER, BACKUP, FAULT and DELETED are mailed where `smtp_alert` asks for it; the end of the engine is not.

use super::Action;
use super::core::{Failover, Phase};
use super::router::Router;
use super::units::Unit;
use crate::engine::mail::Mail;
use crate::engine::model::{Configuration, Notifications, NotifyCommand};
use crate::engine::snapshot::VirtualRouterState;
use std::time::Instant;

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is master.
    Master,
    /// It is backup.
    Backup,
    /// It can't work, or a reload took it away.
    Fault,
    /// The engine ends.
    Stop,
    /// A reload took it away, and `notify_deleted` stands there.
    Deleted,
    /// A master heard an advertisement that loses.
    MasterRxLowerPri,
    /// The priority of a master changed.
    MasterPriority,
    /// The priority of another changed.
    BackupPriority,
}

impl Told {
    /// The word that scripts and FIFOs get.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Master => "MASTER",
            Self::Backup => "BACKUP",
            Self::Fault => "FAULT",
            Self::Stop => "STOP",
            Self::Deleted => "DELETED",
            Self::MasterRxLowerPri => "MASTER_RX_LOWER_PRI",
            Self::MasterPriority => "MASTER_PRIORITY",
            Self::BackupPriority => "BACKUP_PRIORITY",
        }
    }
}

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its sync group, or the instance outside of one: notices of one chain are told one after the other.
    pub chain: String,
    /// About a sync group, not an instance.
    pub of_group: bool,
    /// The name of the instance or group.
    pub name: String,
    /// What.
    pub told: Told,
    /// The effective priority; 0 of a group.
    pub priority: u8,
    /// What is to be run, in this order, with all arguments.
    pub commands: Vec<NotifyCommand>,
    /// What is mailed.
    pub mail: Option<Mail>,
}

impl Notice {
    /// The line for FIFOs, without its end: `INSTANCE "VI_1" MASTER 100`.
    pub fn line(&self) -> String {
        format!("{} \"{}\" {} {}", self.kind(), self.name, self.told.name(), self.priority)
    }

    const fn kind(&self) -> &'static str {
        if self.of_group { "GROUP" } else { "INSTANCE" }
    }

    /// With the commands that these words name for it, and the mail that they ask for. `why` it came to this.
    fn to(mut self, words: &Notifications, why: &str) -> Self {
        self.mail = self.mail(words, why);
        let (of_state, is_state) = match self.told {
            Told::Master => (&words.master, true),
            Told::Backup => (&words.backup, true),
            Told::Fault => (&words.fault, true),
            Told::Stop => (&words.stop, true),
            Told::Deleted => (&words.deleted, true),
            Told::MasterRxLowerPri => (&words.master_rx_lower_pri, false),
            Told::MasterPriority | Told::BackupPriority => (&None, false),
        };
        let any = words.any.as_ref().filter(|_| is_state).map(|any| {
            let mut any = any.clone();
            any.command.extend([self.kind(), &self.name, self.told.name()].map(str::to_owned));
            any.command.push(self.priority.to_string());
            any
        });
        self.commands = of_state.clone().into_iter().chain(any).collect();
        self
    }
}

impl Notice {
    fn mail(&self, words: &Notifications, why: &str) -> Option<Mail> {
        let of_what = if self.of_group { "Group" } else { "Instance" };
        let (what, state) = match self.told {
            Told::Master | Told::Backup => (format!("Entering {} state", self.told.name()), self.told.name()),
            Told::Fault if !words.quiet_faults => ("Entering FAULT state".to_owned(), "FAULT"),
            Told::Deleted => ("Deleted".to_owned(), "deleted"),
            Told::Fault | Told::Stop | Told::MasterRxLowerPri | Told::MasterPriority | Told::BackupPriority => {
                return None;
            }
        };
        let priority = if self.of_group { String::new() } else { format!("\nPriority: {}", self.priority) };
        words.mails.then(|| Mail {
            subject: format!("VRRP {of_what} {} - {what}", self.name),
            text: format!("{} {} is {state}.\nWhy: {why}{priority}", self.kind().to_lowercase(), self.name),
        })
    }
}

/// What a state is told as; none for one that is not told.
const fn told(state: VirtualRouterState) -> Option<Told> {
    match state {
        VirtualRouterState::Init => None,
        VirtualRouterState::Backup => Some(Told::Backup),
        VirtualRouterState::Master => Some(Told::Master),
        VirtualRouterState::Fault => Some(Told::Fault),
    }
}

impl Failover {
    /// The chain of an instance.
    fn chain(&self, i: usize) -> String {
        let group = self.units.iter().find(|unit| unit.name.is_some() && unit.members.contains(&i));
        match group.and_then(|unit| unit.name.as_ref()) {
            Some(group) => format!("group {group}"),
            None => format!("instance {}", self.name(i)),
        }
    }

    fn tell(&mut self, i: usize, told: Told) {
        let chain = self.chain(i);
        let Some(router) = self.routers.get(i) else { return };
        let priority = router.instance.parameters().priority.get();
        let name = router.config.name.clone();
        let notice = Notice { chain, of_group: false, name, told, priority, commands: Vec::new(), mail: None };
        let notice = notice.to(&router.config.notifications, &router.reason);
        self.push(Action::Notify(Box::new(notice)));
    }

    /// An instance entered a state.
    pub(super) fn tell_state(&mut self, i: usize) {
        let Some(router) = self.routers.get(i) else { return };
        if let Some(told) = told(router.state()).or(router.ends_as) {
            self.tell(i, told);
        }
    }

    /// A master heard an advertisement that loses.
    pub(super) fn tell_lower(&mut self, now: Instant, i: usize) {
        let Some(router) = self.routers.get_mut(i) else { return };
        if router.tells_lower_from.is_some_and(|from| now < from) {
            return;
        }
        router.tells_lower_from = Some(now + router.instance.parameters().interval.duration() / 2);
        self.tell(i, Told::MasterRxLowerPri);
    }

    /// Priorities that changed, and then groups whose members all stand alike now.
    pub(super) fn tell_changes(&mut self) {
        for i in 0..self.routers.len() {
            let Some(router) = self.routers.get(i) else { continue };
            let priority = router.instance.parameters().priority.get();
            if router.priority_told == Some(priority) {
                continue;
            }
            let Some(router) = self.routers.get_mut(i) else { continue };
            let before = router.priority_told.replace(priority);
            let asked = router.config.notifications.priority_changes && before.is_some_and(|before| before != priority);
            match (asked, router.state()) {
                (true, VirtualRouterState::Master) => self.tell(i, Told::MasterPriority),
                (true, VirtualRouterState::Backup | VirtualRouterState::Fault) => self.tell(i, Told::BackupPriority),
                (true, VirtualRouterState::Init) | (false, _) => {}
            }
        }
        for unit in 0..self.units.len() {
            let Some(told) = self.units.get(unit).and_then(|unit| self.common(unit)) else { continue };
            if self.units.get_mut(unit).is_some_and(|unit| unit.told.replace(told) != Some(told)) {
                self.tell_group(unit, told);
            }
        }
    }

    fn tell_group(&mut self, unit: usize, told: Told) {
        let Some(Unit { name: Some(name), notifications, members, .. }) = self.units.get(unit) else { return };
        let (chain, name) = (format!("group {name}"), name.clone());
        let why = members.iter().filter_map(|i| self.routers.get(*i));
        let why: Vec<String> = why.map(|router| format!("{}: {}", router.config.name, router.reason)).collect();
        let notice = Notice { chain, of_group: true, name, told, priority: 0, commands: Vec::new(), mail: None };
        let notice = notice.to(notifications, &why.join("; "));
        self.push(Action::Notify(Box::new(notice)));
    }

    /// How a group stands as a whole: none while its members differ, or were never started.
    fn common(&self, unit: &Unit) -> Option<Told> {
        unit.name.as_ref()?;
        let mut states = unit.members.iter().filter_map(|i| self.routers.get(*i)).map(Router::state);
        let first = states.next()?;
        if first == VirtualRouterState::Fault || states.clone().any(|state| state == VirtualRouterState::Fault) {
            return Some(Told::Fault);
        }
        let alike = states.all(|state| state == first);
        match first {
            _ if !alike => None,
            VirtualRouterState::Init => {
                unit.told.filter(|_| matches!(self.phase, Phase::Stopping(_))).map(|_| Told::Stop)
            }
            VirtualRouterState::Backup | VirtualRouterState::Master | VirtualRouterState::Fault => told(first),
        }
    }

    /// `fifo_write_vrrp_states_on_reload`: how everything stands, for FIFOs alone.
    pub(super) fn tell_all(&mut self, configuration: &Configuration) {
        if !configuration.global.fifos.states_on_reload {
            return;
        }
        let silent = Notifications::default();
        for i in 0..self.routers.len() {
            let chain = self.chain(i);
            let Some(router) = self.routers.get(i) else { continue };
            let Some(told) = told(router.state()) else { continue };
            let (name, priority) = (router.config.name.clone(), router.instance.parameters().priority.get());
            let notice = Notice { chain, of_group: false, name, told, priority, commands: Vec::new(), mail: None };
            let notice = notice.to(&silent, &router.reason);
            self.push(Action::Notify(Box::new(notice)));
        }
        let groups: Vec<(String, Told)> =
            self.units.iter().filter_map(|unit| Some((unit.name.clone()?, unit.told?))).collect();
        for (name, told) in groups {
            let chain = format!("group {name}");
            let notice = Notice { chain, of_group: true, name, told, priority: 0, commands: Vec::new(), mail: None };
            self.push(Action::Notify(Box::new(notice)));
        }
    }
}

//! Commands, and of those `failover` and `rejoin`. A failover ends when another master is heard, at once where one is beside us; when none is
//! within the time that backups need, mastership is taken back. With `blind` it ends at once and stays down. A sync group moves as a whole.

use super::Action;
use super::contest;
use super::core::{Failover, Phase};
use super::forecast::Rival;
use super::haste::{haste, measure};
use super::pending::{Awaits, Part, Pending};
use super::router::{Hold, Router};
use crate::engine::command::{Answer, Asked, Command, Outcome, Preview};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{AdvertInterval, Priority, age};
use crate::engine::snapshot::VirtualRouterState;
use crate::engine::vrrp::{self, TransitionReason, skew_time};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Added to the time that backups need: for the way there and back and for their scheduler.
pub(super) const GRACE: Duration = Duration::from_millis(50);

/// The longest hold, in seconds: a year, as for drains.
const LONGEST_HOLD: u64 = 365 * 86_400;

impl Failover {
    pub(super) fn command(&mut self, now: Instant, asked: Asked) {
        if let Command::Failover { hold_seconds: Some(hold), .. } = asked.command
            && !(1..=LONGEST_HOLD).contains(&hold)
        {
            return self.refuse(&asked, format!("for {hold} s: a hold lasts 1 to {LONGEST_HOLD} s, or until rejoin"));
        }
        let (instance, planned) = match &asked.command {
            Command::Failover { instance, .. } => {
                (instance.clone(), self.plan_failover(now, instance.as_deref(), &asked))
            }
            Command::Rejoin { instance } => (instance.clone(), self.plan_rejoin(now, instance.as_deref())),
            Command::Takeover { instance } => (Some(instance.clone()), self.plan_takeover(instance)),
            Command::Priority { instance, priority } => {
                (Some(instance.clone()), self.plan_priority(instance, *priority))
            }
            Command::Drain { .. }
            | Command::Maintenance { .. }
            | Command::Several { .. }
            | Command::Restore { .. }
            | Command::Weight { .. }
            | Command::AddServer { .. }
            | Command::RemoveServer { .. }
            | Command::AddService { .. }
            | Command::RemoveService { .. }
            | Command::Reload
            | Command::Undo { .. }
            | Command::Stop { .. } => {
                let message = format!("`{}` does not concern virtual routers", asked.command.verb());
                return self.refuse(&asked, message);
            }
        };
        let what = instance.unwrap_or_else(|| "every instance".to_owned());
        let (routers, preview) = match planned {
            Ok(_) if self.phase == Phase::Loading => return self.refuse(&asked, "the engine is starting".to_owned()),
            Ok(plan) => plan,
            Err(message) => return self.answer(&asked, asked.impossible(), message, Preview::default()),
        };
        let token = preview.token(&asked.command);
        if asked.dry_run {
            let message = format!("would {} {what}", asked.command.verb());
            return self.answer(&asked, Outcome::Preview, message, preview);
        }
        if asked.token.as_ref().is_some_and(|shown| *shown != token) {
            let message = format!("{what} has changed since the preview: look at it again");
            return self.answer(&asked, Outcome::Stale, message, preview);
        }
        match asked.command.clone() {
            Command::Failover { hold_seconds, blind, .. } => {
                let until = hold_seconds.map(Duration::from_secs).and_then(|hold| now.checked_add(hold));
                self.fail_over(now, asked, preview, &routers, until, blind);
            }
            Command::Takeover { .. } => self.take_over(now, asked, preview, &routers),
            Command::Priority { priority, .. } => self.set_priority(now, &asked, preview, &routers, priority),
            Command::Rejoin { .. }
            | Command::Drain { .. }
            | Command::Maintenance { .. }
            | Command::Several { .. }
            | Command::Restore { .. }
            | Command::Weight { .. }
            | Command::AddServer { .. }
            | Command::RemoveServer { .. }
            | Command::AddService { .. }
            | Command::RemoveService { .. }
            | Command::Reload
            | Command::Undo { .. }
            | Command::Stop { .. } => {
                self.abandon_pending_of(now, &routers, "rejoin came before the end");
                for i in &routers {
                    self.end_hold(now, *i);
                }
                let message = format!("{what} takes part again by the normal rules");
                self.answer(&asked, Outcome::Done, message, preview);
            }
        }
    }

    fn fail_over(
        &mut self,
        now: Instant,
        asked: Asked,
        preview: Preview,
        routers: &[usize],
        until: Option<Instant>,
        blind: bool,
    ) {
        let why = asked.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let by = format!("failover by {}{why}", asked.who);
        let (mut waiting, mut said) = (BTreeMap::new(), Vec::new());
        self.holds_touched = true;
        for i in routers.iter().copied() {
            if self.end_claim(now, i) {
                self.report_hold_ended(i, "failover");
                said.push(format!("{}: its takeover is over", self.name(i)));
            }
            let Some(router) = self.routers.get_mut(i) else { continue };
            router.hold = Some(Hold { until, blind, by: by.clone(), why: asked.reason.clone(), since: now });
            let fact = Fact::new(EventKind::Hold, Severity::Notice, &router.config.name).to("begun");
            router.instance.set_yields(true);
            if blind {
                router.instance.set_asks(true);
            }
            let (time, anew) = (takeover_time(router), slowest(router, router.instance.parameters().interval));
            let (leads, beside) = (router.instance.is_master(), contest::beside(router));
            self.report(fact.reason(&by));
            if leads {
                // Who is master already is not waited for.
                let successor = beside.map(|address| (address, Duration::ZERO));
                let until = if beside.is_some() { now } else { now + time };
                waiting.insert(i, Part { until, anew, successor });
                let wait = (!blind && beside.is_none()).then_some(time);
                self.drive(now, i, vrrp::Input::StepDown { wait, reason: TransitionReason::Operator(by.clone()) });
            }
        }
        if blind {
            let names: Vec<String> = routers.iter().map(|i| self.name(*i)).collect();
            let message =
                format!("{}: mastership given up; whether another router takes over was not awaited", names.join(", "));
            return self.answer(&asked, Outcome::Done, message, preview);
        }
        if waiting.is_empty() {
            let names: Vec<String> = routers.iter().map(|i| self.name(*i)).collect();
            let message = format!("{}: held back, and does not take mastership", names.join(", "));
            return self.answer(&asked, Outcome::Done, message, preview);
        }
        self.wait_as_groups(&mut waiting);
        let awaits = Awaits::Successor;
        self.pending.push(Pending { asked, preview, began_at: now, awaits, waiting, said, failed: false });
    }

    /// Nobody of a sync group is at the end before the slowest.
    fn wait_as_groups(&self, waiting: &mut BTreeMap<usize, Part>) {
        let members = self.units.iter().map(|unit| &unit.members).filter(|members| members.len() > 1);
        for members in members {
            let until = members.iter().filter_map(|i| waiting.get(i)).map(|part| part.until).max();
            for i in members {
                if let (Some(part), Some(until)) = (waiting.get_mut(i), until) {
                    part.until = until;
                }
            }
        }
    }

    /// The hold is over: the router takes part by the normal rules, as after a start.
    pub(super) fn end_hold(&mut self, now: Instant, i: usize) {
        if self.end_claim(now, i) {
            self.report_hold_ended(i, "rejoin");
        }
        if !self.lift_hold(i) {
            return;
        }
        let fact = Fact::new(EventKind::Hold, Severity::Notice, self.name(i)).to("ended");
        self.report(fact);
        if self.routers.get(i).is_some_and(|r| r.state() == VirtualRouterState::Backup) {
            self.drive(now, i, vrrp::Input::Startup);
        }
    }

    /// Forgets the hold; false when there was none.
    pub(super) fn lift_hold(&mut self, i: usize) -> bool {
        let grouped = self.units.iter().any(|unit| unit.name.is_some() && unit.members.contains(&i));
        let Some(router) = self.routers.get_mut(i) else { return false };
        router.instance.set_yields(false);
        router.instance.set_asks(grouped);
        let held = router.hold.take().is_some();
        self.holds_touched |= held;
        held
    }

    /// The named router with its whole sync group, or all.
    pub(super) fn named(&self, instance: Option<&str>) -> Result<Vec<usize>, String> {
        if self.routers.len() == 0 {
            let asked = instance.map_or_else(String::new, |name| format!(" called {name}"));
            return Err(format!("there is no virtual router{asked}: the configuration has no vrrp_instance"));
        }
        let Some(name) = instance else { return Ok((0..self.routers.len()).collect()) };
        let has = |i: &usize| self.routers.get(*i).is_some_and(|r| r.config.name == name);
        let unit = self.units.iter().find(|unit| unit.members.iter().any(has));
        unit.map(|unit| unit.members.clone()).ok_or_else(|| {
            let known: Vec<&str> = self.routers.iter().map(|r| r.config.name.as_str()).collect();
            format!("no virtual router is called {name}; there are: {}", known.join(", "))
        })
    }

    fn plan_failover(
        &self,
        now: Instant,
        instance: Option<&str>,
        asked: &Asked,
    ) -> Result<(Vec<usize>, Preview), String> {
        let named = self.named(instance)?;
        let routers = named.iter().filter_map(|i| Some((*i, self.routers.get(*i)?)));
        let (masters, others): (Vec<_>, Vec<_>) = routers.partition(|(_, router)| router.instance.is_master());
        let (coming, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|(_, router)| is_coming(router));
        if masters.is_empty() && coming.is_empty() {
            let whys: Vec<String> = others.iter().map(|(_, router)| not_master(router)).collect();
            return Err(format!("nothing to give up: {}", whys.join("; ")));
        }
        let Command::Failover { hold_seconds, blind, .. } = asked.command else { return Err(String::new()) };
        let hold = hold_seconds.map_or_else(|| "until rejoin".to_owned(), |s| format!("for {s} s"));
        let mut preview =
            Preview { undo: Some(Command::Rejoin { instance: instance.map(str::to_owned) }), ..Preview::default() };
        let mut moved = 0;
        let mut successors = Vec::new();
        for (_, router) in coming {
            let name = &router.config.name;
            preview.before.push(line(router));
            preview.after.push(format!("{name}: BACKUP, held {hold}"));
            preview.ops.push(format!("{name} does not take mastership back"));
            successors.push(format!("{name}: it was about to take over, and stays backup"));
        }
        // A router that has these instances as one group too takes all of them over when the slowest is due.
        let mut slowest = BTreeMap::new();
        let unit = |i: usize| self.units.iter().position(|unit| unit.members.contains(&i));
        for (i, router) in &masters {
            let waits = self.follows_us(router, now).map_or(Duration::ZERO, |(_, wait)| wait);
            let known: &mut (Duration, Duration) = slowest.entry(unit(*i)).or_default();
            *known = (known.0.max(waits), known.1.max(takeover_time(router)));
        }
        for (i, router) in masters {
            let name = &router.config.name;
            preview.before.push(line(router));
            preview
                .after
                .push(format!("{name}: BACKUP, held {hold}{}", if blind { ", whoever is master" } else { "" }));
            preview.ops.extend(resignation(router));
            let interface = &router.config.interface;
            for (address, place) in self.places(i) {
                if place.is_some_and(|place| self.is_ours(place)) {
                    preview.ops.push(format!("remove {address} from {interface}"));
                    moved += 1;
                } else {
                    preview.ops.push(format!("{address} stays on {interface}: lvsdeck did not put it there"));
                }
            }
            successors.push(self.successor(router, now, slowest.get(&unit(i)).copied().unwrap_or_default()));
        }
        let leave = if moved == 1 { "virtual address leaves" } else { "virtual addresses leave" };
        preview.blast_radius = format!("{moved} {leave} this node; {}", successors.join("; "));
        Ok((named.into_iter().filter(|i| self.in_moving_unit(*i)).collect(), preview))
    }

    /// Who is master already or follows, by the same reckoning as the forecast, and until when that is waited for; `slowest`: when the
    /// last member of its sync group is followed, and until when that is waited for.
    fn successor(&self, router: &Router, now: Instant, slowest: (Duration, Duration)) -> String {
        let (name, within) = (&router.config.name, slowest.1.as_millis());
        let heard = contest::beside(router);
        let beside = contest::status(router).map_or_else(String::new, |split| {
            let (with, cause) = (split.with.join(" "), split.cause);
            let unheard =
                if heard.is_some() { "" } else { ", which is not heard now and not counted on (--blind does)" };
            format!("{name}: SPLIT-BRAIN now: {with} is master beside this node ({cause}){unheard}; ")
        });
        if let Some(address) = heard {
            return format!("{beside}{name}: {address} is master already, so nobody is waited for");
        }
        match self.follows_us(router, now) {
            Some((Rival { address, priority, age: heard, refused, .. }, wait)) => format!(
                "{beside}{name}: {address} should take over after {} ms{} (priority {priority}; last heard {} ago, for a backup \
                 is silent{}); whoever does has {within} ms",
                wait.as_millis(),
                if slowest.0.as_millis() > wait.as_millis() {
                    format!(", with its sync group after {} ms", slowest.0.as_millis())
                } else {
                    String::new()
                },
                age(heard),
                refused.map_or_else(String::new, |why| format!("; refused here since: {why}"))
            ),
            None => format!(
                "{beside}{name}: {}, so nobody may take over (known after {within} ms)",
                self.nobody_else(router, now)
            ),
        }
    }

    /// Whether the router or one of its sync group is master, or about to be.
    fn in_moving_unit(&self, i: usize) -> bool {
        let unit = self.units.iter().find(|unit| unit.members.contains(&i));
        let moves = |router: &Router| router.instance.is_master() || is_coming(router);
        unit.is_some_and(|u| u.members.iter().any(|m| self.routers.get(*m).is_some_and(moves)))
    }

    fn plan_rejoin(&self, now: Instant, instance: Option<&str>) -> Result<(Vec<usize>, Preview), String> {
        let named = self.named(instance)?;
        let mut held = named.clone();
        held.retain(|i| self.routers.get(*i).is_some_and(|r| r.hold.is_some() || r.claim.is_some()));
        if held.is_empty() {
            let nobody = instance.map_or("no virtual router is held".to_owned(), |name| format!("{name} is not held"));
            let wished = named.iter().filter_map(|i| self.routers.get(*i)).find(|router| router.wish.is_some());
            let rest = wished.map_or_else(
                || "there is nothing to end".to_owned(),
                |router| {
                    let end = Command::Priority { instance: router.config.name.clone(), priority: None };
                    format!("its priority was set, and `{end}` ends that")
                },
            );
            return Err(format!("{nobody}: {rest}"));
        }
        let mut preview = Preview::default();
        let (mut effects, mut inverses, mut claims) = (Vec::new(), Vec::new(), Vec::new());
        for router in held.iter().filter_map(|i| self.routers.get(*i)) {
            let (effect, state) = rejoins(router);
            effects.push(effect);
            let name = &router.config.name;
            preview.before.push(format!("{}, held", line(router)));
            preview.ends.extend(router.hold.as_ref().and_then(|hold| hold.until));
            preview.after.push(format!("{name}: {}, takes part by priority {}", state.name(), router.own_priority()));
            if state != router.state() {
                preview.confirm = Some("rejoin".to_owned());
            }
            if state == VirtualRouterState::Master && !router.instance.is_master() {
                // What is left of it, in whole seconds; a hold of none would be refused.
                let left = |hold: &Hold| {
                    let seconds = hold.until?.saturating_duration_since(now).as_millis().div_ceil(1_000).max(1);
                    u64::try_from(seconds).ok()
                };
                let hold_seconds = router.hold.as_ref().and_then(left);
                let blind = router.hold.as_ref().is_some_and(|hold| hold.blind);
                inverses.push((name.clone(), hold_seconds, blind));
                preview.undo_reason = router.hold.as_ref().and_then(|hold| hold.why.clone());
            }
            if let (Some(claim), VirtualRouterState::Backup) = (&router.claim, state) {
                claims.push(name.clone());
                preview.undo_reason.clone_from(&claim.why);
            }
        }
        preview.undo = match (inverses.as_slice(), claims.as_slice()) {
            ([], [first, ..]) if self.are_one(first, &claims) => Some(Command::Takeover { instance: first.clone() }),
            (inverses, []) => self.held_again(instance, inverses),
            // No single command does both.
            (_, _) => None,
        };
        preview.blast_radius = effects.join("; ");
        Ok((held, preview))
    }

    /// Whether these are all of the sync group of the first.
    fn are_one(&self, first: &str, names: &[String]) -> bool {
        self.named(Some(first)).is_ok_and(|unit| {
            let name = |i: &usize| self.routers.get(*i).map(|router| router.config.name.as_str());
            let members: Vec<&str> = unit.iter().filter_map(name).collect();
            names.iter().all(|name| members.contains(&name.as_str()))
        })
    }

    /// The failover that holds these instances again, each as it was: none where no single one does that.
    fn held_again(&self, instance: Option<&str>, masters: &[(String, Option<u64>, bool)]) -> Option<Command> {
        let (first, hold_seconds, blind) = masters.first()?;
        if masters.iter().any(|(_, seconds, is_blind)| (seconds, is_blind) != (hold_seconds, blind)) {
            return None;
        }
        let names: Vec<String> = masters.iter().map(|(name, ..)| name.clone()).collect();
        let instance = match instance {
            Some(name) => Some(name.to_owned()),
            None if masters.len() == self.routers.len() => None,
            None if self.are_one(first, &names) => Some(first.clone()),
            // A failover of all would take what was not held along.
            None => return None,
        };
        Some(Command::Failover { instance, hold_seconds: *hold_seconds, blind: *blind })
    }

    pub(super) fn refuse(&mut self, asked: &Asked, message: String) {
        self.answer(asked, Outcome::Refused, message, Preview::default());
    }

    /// Answers a command, and tells the journal.
    pub(super) fn answer(&mut self, asked: &Asked, outcome: Outcome, message: String, preview: Preview) {
        let token = match outcome {
            Outcome::Preview => Some(preview.token(&asked.command)),
            Outcome::Done | Outcome::Refused | Outcome::Failed | Outcome::Stale => None,
        };
        if let Some(fact) = Fact::command(asked, outcome, &message) {
            self.report(fact);
        }
        let id = if asked.dry_run { 0 } else { asked.id };
        let answer = Box::new(Answer { id, outcome, message, preview, token });
        self.push(Action::Answer { id: asked.id, answer });
    }
}

/// How long the slowest possible backup needs after a resignation (`Skew_Time` of priority 1, by the interval that it was told),
/// and a little more. A backup is silent: whom nobody ever heard may be the one that takes over.
pub(super) fn takeover_time(router: &Router) -> Duration {
    slowest(router, haste(router).unwrap_or(router.instance.parameters().interval))
}

fn slowest(router: &Router, interval: AdvertInterval) -> Duration {
    let lowest = Priority::new(1).unwrap_or(Priority::DEFAULT);
    skew_time(router.config.version, lowest, interval) + GRACE
}

/// What goes out, with which interval and why.
fn resignation(router: &Router) -> Vec<String> {
    let (vrid, interface) = (router.config.vrid, &router.config.interface);
    let (priority, (haste, ground)) = (router.instance.parameters().priority, measure(router));
    let what = format!("for virtual_router_id {vrid} on {interface}");
    match haste {
        Some(interval) => {
            let span = f64::from(interval.centiseconds()) / 100.0;
            let first = format!("advertise priority {priority} {what} twice, interval {span:.2} s: {ground}");
            vec![first, format!("advertise priority 0 {what}")]
        }
        None => vec![format!("advertise priority 0 {what}, after no shorter interval: {ground}")],
    }
}

pub(super) fn line(router: &Router) -> String {
    let addresses: Vec<String> = router.config.addresses.iter().map(ToString::to_string).collect();
    let (name, state, own) = (&router.config.name, router.state().name(), router.own_priority());
    let claimed = router.claim.as_ref().map(|_| format!(" ({} by takeover)", router.instance.parameters().priority));
    format!("{name}: {state}, priority {own}{}, {}", claimed.unwrap_or_default(), addresses.join(" "))
}

/// Whether it is backup of a master of lower priority and about to take over: `preempt_delay` runs, or it began a moment ago.
fn is_coming(router: &Router) -> bool {
    let lower = |rank: Priority| rank < router.own_priority();
    let master = router.peers.last_master().and_then(|(_, peer)| peer.rank());
    router.state() == VirtualRouterState::Backup
        && router.hold.is_none()
        && router.config.preempt
        && master.is_some_and(lower)
}

fn not_master(router: &Router) -> String {
    let name = &router.config.name;
    let state = router.state().name();
    match router.peers.last_master() {
        Some((address, _)) => format!("{name} is {state} here, and {address} is master"),
        None => format!("{name} is {state} here ({}), and no master is heard", router.reason),
    }
}

/// Who should be master once a router takes part by its own priority, and what this router is then.
fn rejoins(router: &Router) -> (String, VirtualRouterState) {
    use VirtualRouterState::{Backup, Master};
    let (name, own, addresses) = (&router.config.name, router.own_priority(), addresses(router));
    if !matches!(router.state(), Master | Backup) {
        let said = format!("{name}: {} ({}): nothing moves until that is over", router.state().name(), router.reason);
        return (said, router.state());
    }
    if router.instance.is_master() {
        return match router.peers.strongest() {
            Some((address, rank, _)) if rank > own => (
                format!("{name}: {address} (priority {rank} when heard last) takes {addresses} over if it preempts"),
                Backup,
            ),
            Some(_) | None => {
                (format!("{name}: nobody was heard with more than priority {own}: it stays master"), Master)
            }
        };
    }
    match router.peers.last_master() {
        Some((address, peer)) if peer.rank().is_some_and(|rank| rank >= own) || !router.config.preempt => {
            (format!("{name}: {address} stays master"), router.state())
        }
        Some((address, _)) => {
            (format!("{name}: this node takes {addresses} over from {address}, whose priority is lower"), Master)
        }
        None => (format!("{name}: nobody else is heard: this node takes {addresses}"), Master),
    }
}

/// `2 virtual addresses`.
pub(super) fn addresses(router: &Router) -> String {
    match router.config.addresses.len() {
        1 => "1 virtual address".to_owned(),
        many => format!("{many} virtual addresses"),
    }
}

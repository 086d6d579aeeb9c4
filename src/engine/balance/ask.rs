//! Commands: who is meant, what it would do, doing it, and the answer when the kernel has done it.

use super::Action;
use super::core::{Balance, Life};
use super::overrides::By;
use super::overtaken::said;
use super::reconcile::{Target, subject};
use super::server::ServerState;
use super::service::{ServiceState, Touched};
use super::wish::DrainEnd;
use crate::engine::command::{Answer, Asked, Command, Outcome, Preview};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{RealServerKey, Weight};
use crate::engine::snapshot::Admin;
use std::time::Instant;

/// What happens to one server.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// With the moment at which it ends by itself.
    Drain(DrainEnd, Option<Instant>),
    Maintain(DrainEnd, Option<Instant>),
    Restore,
    /// With the moment at which it ends by itself; none: the file's and the checks' again.
    Weigh(Option<Weight>, Option<Instant>),
    Add(Box<ServerState>),
    Remove,
}

impl Step {
    /// The verb of the command that does it to one server.
    const fn verb(&self) -> &'static str {
        match self {
            Self::Drain(..) => "drain",
            Self::Maintain(..) => "maintenance",
            Self::Restore => "restore",
            Self::Weigh(..) => "weight",
            Self::Add(_) => "add-server",
            Self::Remove => "remove-server",
        }
    }
}

/// One server of one service, and what happens to it.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub service: usize,
    pub server: RealServerKey,
    pub step: Step,
}

/// What a command comes to.
#[derive(Debug)]
pub(super) enum Work {
    Servers(Vec<Change>),
    AddService(Box<ServiceState>),
    RemoveService(usize),
}

/// A command that can be done, with everything there is to say of it.
#[derive(Debug)]
pub(super) struct Prepared {
    pub work: Work,
    pub preview: Preview,
    pub token: String,
    /// What is said once it is done.
    pub message: String,
    /// What it goes below: it has to be said twice.
    pub below: Option<String>,
}

/// A command whose operations are out.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    asked: Asked,
    preview: Preview,
    message: String,
    targets: Vec<Target>,
    /// The plan that holds it.
    turn: u64,
}

impl Balance {
    /// Somebody asks: one answer follows, at once or when the kernel has done it.
    pub(super) fn ask(&mut self, now: Instant, asked: Asked) {
        let prepared = match self.life {
            Life::Running => self.prepare(now, &asked.command),
            Life::New | Life::Stopping | Life::Stopped => {
                Err("the engine is not running; start it and ask again".to_owned())
            }
        };
        let Prepared { work, preview, token, message, below } = match prepared {
            Ok(prepared) => prepared,
            Err(message) => {
                let answer = Answer { outcome: asked.impossible(), ..Answer::refused(message) };
                return self.answer(&asked, answer);
            }
        };
        let answer = |outcome, message: &str| Answer {
            id: 0,
            outcome,
            message: message.to_owned(),
            preview: preview.clone(),
            token: Some(token.clone()),
        };
        if asked.dry_run {
            let says = if preview.is_empty() { &message } else { "nothing was done; the token commits exactly this" };
            return self.answer(&asked, answer(Outcome::Preview, says));
        }
        if asked.token.as_ref().is_some_and(|given| *given != token) {
            let message = "the servers changed since the preview; look at this one and commit its token";
            return self.answer(&asked, answer(Outcome::Stale, message));
        }
        if let Some(below) = below.filter(|_| asked.token.is_none() && !asked.force) {
            let message = format!("{below}; look at the preview (--dry-run) and commit its token, or say --force");
            return self.answer(&asked, Answer { preview, ..Answer::refused(message) });
        }
        self.overrides_touched = true;
        let by = By::of(&asked, now);
        let targets = match work {
            Work::Servers(changes) => {
                let targets = changes.iter().filter_map(|change| self.target(change)).collect();
                for change in changes {
                    self.commit(now, change, &asked);
                }
                targets
            }
            Work::AddService(mut service) => {
                service.by = Some(Box::new(by));
                self.add_service(now, *service)
            }
            Work::RemoveService(at) => self.remove_service(at, by),
        };
        let turn = self.kernel.next_turn();
        self.pending.push(Pending { asked, preview, message, targets, turn });
    }

    fn prepare(&self, now: Instant, command: &Command) -> Result<Prepared, String> {
        match command {
            Command::AddService { service, scheduler, forward, persistence } => {
                let added = self.new_service(now, *service, *scheduler, *forward, *persistence)?;
                self.prepare_addition(command, added)
            }
            Command::RemoveService { service } => Ok(self.prepare_removal(now, command, self.service(service)?)),
            Command::Drain { .. }
            | Command::Maintenance { .. }
            | Command::Several { .. }
            | Command::Restore { .. }
            | Command::Weight { .. }
            | Command::AddServer { .. }
            | Command::RemoveServer { .. } => {
                let changes = self.resolve(now, command)?;
                let (preview, token, below) = self.preview(now, command, &changes)?;
                let message =
                    if changes.is_empty() { self.already(now, command) } else { self.sentence(now, &changes) };
                Ok(Prepared { work: Work::Servers(changes), preview, token, message, below })
            }
            Command::Failover { .. }
            | Command::Rejoin { .. }
            | Command::Takeover { .. }
            | Command::Priority { .. }
            | Command::Reload
            | Command::Undo { .. }
            | Command::Stop { .. } => Err(format!("{} is no command for virtual servers", command.verb())),
        }
    }

    fn answer(&mut self, asked: &Asked, mut answer: Answer) {
        if !asked.dry_run {
            answer.id = asked.id;
        }
        if let Some(fact) = Fact::command(asked, answer.outcome, &answer.message) {
            self.report(fact);
        }
        self.actions.push_back(Action::Answer { id: asked.id, answer: Box::new(answer) });
    }

    /// Answers the commands whose operations all ended. Says whether one of them was taken back.
    pub(super) fn answer_pending(&mut self, now: Instant) -> bool {
        let mut is_taken_back = false;
        let unreachable = self.kernel.observed().is_none().then(|| self.kernel.unreadable()).flatten().cloned();
        let (finished, calm) = (self.kernel.finished(), self.kernel.is_calm());
        let is_done = |pending: &mut Pending| calm || unreachable.is_some() || pending.turn <= finished;
        let done: Vec<Pending> = self.pending.extract_if(.., is_done).collect();
        for Pending { asked, preview, message, targets, .. } in done {
            let refused = || targets.iter().find_map(|target| self.kernel.refusal(target)).cloned();
            let trouble = unreachable.clone().or_else(refused);
            let is_settled = unreachable.is_none() && targets.iter().any(|target| self.kernel.is_settled(target));
            if let Some(refusal) = trouble.as_ref().filter(|_| is_settled)
                && self.take_back(now, &asked, &targets)
            {
                is_taken_back = true;
                let message = format!("{refusal}; {} was taken back, nothing of it is left", asked.command.act());
                self.answer(&asked, Answer { outcome: Outcome::Failed, ..Answer::refused(message) });
                continue;
            }
            let (outcome, message) = match trouble {
                None => (Outcome::Done, message),
                Some(refusal) => {
                    (Outcome::Failed, format!("{message}; noted, but not done yet, tried again: {refusal}"))
                }
            };
            self.answer(&asked, Answer { id: 0, outcome, message, preview, token: None });
        }
        is_taken_back
    }

    /// What was to be added and was refused is wanted no longer. False for a command that adds nothing.
    fn take_back(&mut self, now: Instant, asked: &Asked, targets: &[Target]) -> bool {
        let Some((service, server)) = targets.first().copied() else { return false };
        let Some(at) = self.by_key.get(&service).copied() else { return false };
        match (&asked.command, server) {
            (Command::AddServer { .. }, Some(server)) => {
                self.commit(now, Change { service: at, server, step: Step::Remove }, asked);
                if let Some(service) = self.services.get_mut(at) {
                    service.removed.retain(|removed| removed.config.key != server || !removed.added);
                }
            }
            (Command::AddService { .. }, None) => {
                self.remove_service(at, By::of(asked, now));
                self.removed.retain(|removed| removed.config.key != service || !removed.added);
            }
            _ => return false,
        }
        self.overrides_touched = true;
        true
    }

    /// Answers everybody who waits.
    pub(super) fn refuse_pending(&mut self, why: &str) {
        for pending in std::mem::take(&mut self.pending) {
            let message = format!("{}; not known whether the kernel did it: {why}", pending.message);
            let answer = Answer {
                id: pending.asked.id,
                outcome: Outcome::Failed,
                message,
                preview: pending.preview,
                token: None,
            };
            self.answer(&pending.asked, answer);
        }
    }

    fn target(&self, change: &Change) -> Option<Target> {
        Some((self.services.get(change.service)?.config.key, Some(change.server)))
    }

    /// Does one change: the wish here, the operations by the next plan.
    fn commit(&mut self, now: Instant, Change { service: at, server: key, step }: Change, asked: &Asked) {
        let Some(service) = self.services.get_mut(at) else { return };
        let (name, verb) = (service.config.key, step.verb());
        let armed = match &step {
            Step::Add(server) => self.checks.arm_at_once((name, key), server.specs(), now),
            Step::Drain(..) | Step::Maintain(..) | Step::Restore | Step::Weigh(..) | Step::Remove => Box::default(),
        };
        let old = service.server(&key).cloned();
        let touched = apply(service, key, &step, armed, now);
        if let Some(removed) = service.removed.iter_mut().find(|removed| removed.config.key == key) {
            removed.by = Some(Box::new(By::of(asked, now)));
        }
        if let Some(server) = service.server_mut(&key) {
            match step {
                Step::Drain(..) | Step::Maintain(..)
                    if let Some(was) = asked.undoes.as_ref().and_then(|undoes| undoes.rest_of(&name, &key)) =>
                {
                    server.rest_again(was);
                }
                Step::Drain(..) | Step::Maintain(..) => {
                    // Who gives it another end without a reason says nothing against the one that was given.
                    let same = old.as_ref().filter(|old| old.admin.0 == server.admin.0);
                    let why = same.and_then(|old| old.ends.by.as_ref()?.why.clone());
                    let By { who, at, why: new } = By::of(asked, now);
                    server.ends.by = Some(By { who, at, why: new.or(why) });
                }
                Step::Weigh(..) | Step::Add(_) => server.by = Some(Box::new(By::of(asked, now))),
                Step::Restore | Step::Remove => {}
            }
            // Nobody has given the command `several`.
            let verb = if matches!(asked.command, Command::Several { .. }) { verb } else { asked.command.verb() };
            server.reason = format!("{verb} by {}", asked.who).into();
            self.deadlines.extend(server.deadlines().map(|at| (at, name, key)));
        }
        match &step {
            Step::Add(_) => {
                self.kernel.claim(name, key);
                self.listen_to_checks(now, at, key);
                self.settle(now, at, key);
            }
            Step::Remove => {
                self.kernel.give_up(name, key);
                if let Some(old) = &old {
                    self.tell_leaving(at, old);
                }
                for id in old.iter().flat_map(|old| &old.checks) {
                    self.checks.disarm(*id, (name, key), &mut self.actions);
                }
            }
            Step::Drain(..) | Step::Maintain(..) | Step::Restore => self.start_or_stop_checks(now, at, key),
            Step::Weigh(..) => {}
        }
        let told = |server: &ServerState| match step {
            // The command and the table tell it to people.
            Step::Weigh(..) => (EventKind::Override, Severity::Info, said(server)),
            Step::Drain(..) | Step::Maintain(..) | Step::Restore | Step::Add(_) | Step::Remove => {
                (EventKind::ServerAdmin, Severity::Notice, admin_word(server.admin.0).to_owned())
            }
        };
        let new = self.services.get(at).and_then(|service| service.server(&key)).map(told);
        if let (Some((.., from)), Some((kind, severity, to))) = (old.as_ref().map(told), new)
            && from != to
        {
            let fact = Fact::new(kind, severity, subject(&(name, Some(key)))).change(from, to);
            let fact = fact.who(asked.who.to_string());
            self.report(match &asked.reason {
                Some(reason) => fact.reason(reason),
                None => fact,
            });
        }
        self.want(at, touched);
        if let (Step::Remove, Some(service)) = (&step, self.services.get(at)) {
            // It is none of the service's any more, whatever became of the quorum.
            self.kernel.want(name, key, service.wanted(&key));
        }
    }
}

/// A wish as events write it.
pub(super) const fn admin_word(admin: Admin) -> &'static str {
    match admin {
        Admin::Enabled => "enabled",
        Admin::Draining => "draining",
        Admin::Maintenance => "maintenance",
    }
}

/// Does a change to a service: the same for a preview's copy and in earnest.
pub(super) fn apply(
    service: &mut ServiceState,
    key: RealServerKey,
    step: &Step,
    checks: Box<[super::CheckId]>,
    now: Instant,
) -> Touched {
    match step {
        Step::Add(server) => return service.add(ServerState { checks, ..ServerState::clone(server) }, now),
        Step::Remove => return service.remove(&key),
        Step::Drain(..) | Step::Maintain(..) | Step::Restore | Step::Weigh(..) => {}
    }
    if let Some(server) = service.server_mut(&key) {
        match step {
            Step::Drain(end, return_at) => server.set_admin(Admin::Draining, *end, *return_at, now),
            Step::Maintain(end, return_at) => server.set_admin(Admin::Maintenance, *end, *return_at, now),
            Step::Restore => server.set_admin(Admin::Enabled, DrainEnd::Never, None, now),
            Step::Weigh(weight, until) => {
                server.set_weight(*weight, *until);
                server.ramp.end();
            }
            Step::Add(_) | Step::Remove => {}
        }
    }
    service.settle(&key, now)
}

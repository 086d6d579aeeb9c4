//! Commands: who is meant, what it would do, doing it, and the answer when the kernel has done it.

use super::Action;
use super::core::{Balance, Life};
use super::preview::seconds;
use super::reconcile::{Target, subject};
use super::service::{ServerState, ServiceState, Touched};
use crate::engine::command::{Answer, Asked, Command, Outcome, Preview, RealServerSelector, ServiceSelector};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{Family, Forwarding, RealServer, RealServerKey, ServiceKey, Weight};
use crate::engine::snapshot::Admin;
use std::time::Instant;

/// What happens to one server.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Drain,
    Restore,
    Weigh(Weight),
    Add { server: Box<RealServer>, in_file: bool },
    Remove,
}

/// One server of one service, and what happens to it.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub service: usize,
    pub server: RealServerKey,
    pub step: Step,
}

/// A command whose operations are out.
#[derive(Debug)]
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
        let changes = match self.life {
            Life::Running => self.resolve(now, &asked.command),
            Life::New | Life::Stopping | Life::Stopped => {
                Err("the engine is not running; start it and ask again".to_owned())
            }
        };
        let changes = match changes {
            Ok(changes) => changes,
            Err(message) => return self.answer(&asked, Answer::refused(message)),
        };
        let (preview, token) = self.preview(now, &asked.command, &changes);
        let answer = |outcome, message: &str| Answer {
            id: 0,
            outcome,
            message: message.to_owned(),
            preview: preview.clone(),
            token: Some(token.clone()),
        };
        if asked.dry_run {
            return self.answer(&asked, answer(Outcome::Preview, "nothing was done; the token commits exactly this"));
        }
        if asked.token.as_ref().is_some_and(|given| *given != token) {
            let message = "the servers changed since the preview; look at this one and commit its token";
            return self.answer(&asked, answer(Outcome::Stale, message));
        }
        let message = self.sentence(&changes);
        let targets = changes.iter().filter_map(|change| self.target(change)).collect();
        for change in changes {
            self.commit(now, change, &asked);
        }
        let turn = self.kernel.next_turn();
        self.pending.push(Pending { asked, preview, message, targets, turn });
    }

    fn answer(&mut self, asked: &Asked, answer: Answer) {
        if !asked.dry_run {
            let (severity, outcome) = match answer.outcome {
                Outcome::Done | Outcome::Preview => (Severity::Notice, "done"),
                Outcome::Refused => (Severity::Info, "refused"),
                Outcome::Stale => (Severity::Info, "stale"),
                Outcome::Failed => (Severity::Warning, "failed"),
            };
            let fact = Fact::new(EventKind::Command, severity, asked.command.verb()).to(outcome);
            let fact = fact.who(asked.who.to_string()).detail(&answer.message);
            self.report(match &asked.reason {
                Some(reason) => fact.reason(reason),
                None => fact,
            });
        }
        self.actions.push_back(Action::Answer { id: asked.id, answer: Box::new(answer) });
    }

    /// Answers the commands whose operations all ended.
    pub(super) fn answer_pending(&mut self) {
        let unreachable = self.kernel.observed().is_none().then(|| self.kernel.unreadable()).flatten().cloned();
        let (finished, calm) = (self.kernel.finished(), self.kernel.is_calm());
        let is_done = |pending: &mut Pending| calm || unreachable.is_some() || pending.turn <= finished;
        let done: Vec<Pending> = self.pending.extract_if(.., is_done).collect();
        for Pending { asked, preview, message, targets, .. } in done {
            let trouble =
                unreachable.as_ref().or_else(|| targets.iter().find_map(|target| self.kernel.refusal(target)));
            let (outcome, message) = match trouble {
                None => (Outcome::Done, message),
                Some(refusal) => {
                    (Outcome::Failed, format!("{message}; noted, but not done yet, tried again: {refusal}"))
                }
            };
            self.answer(&asked, Answer { id: asked.id, outcome, message, preview, token: None });
        }
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

    /// Who is meant, or why nothing can be done.
    fn resolve(&self, now: Instant, command: &Command) -> Result<Vec<Change>, String> {
        let one = |service, server, step| Ok(vec![Change { service, server, step }]);
        match command {
            Command::Drain { server, service } => {
                self.selected(server, service.as_ref(), now, Admin::Draining, &Step::Drain)
            }
            Command::Restore { server, service } => {
                self.selected(server, service.as_ref(), now, Admin::Enabled, &Step::Restore)
            }
            Command::Weight { service, server, weight } => {
                let at = self.service(service)?;
                let found = self.server(at, server)?;
                if found.weight == *weight {
                    return Err(format!("{server} has weight {weight} already"));
                }
                one(at, *server, Step::Weigh(*weight))
            }
            Command::AddServer { service, server, weight, forward } => {
                let at = self.service(service)?;
                let step = self.addition(at, *server, *weight, *forward)?;
                one(at, *server, step)
            }
            Command::RemoveServer { service, server } => {
                let at = self.service(service)?;
                self.server(at, server)?;
                one(at, *server, Step::Remove)
            }
            Command::Failover { .. } | Command::Rejoin { .. } | Command::Stop => {
                Err(format!("{} is no command for real servers", command.verb()))
            }
        }
    }

    fn service(&self, selector: &ServiceSelector) -> Result<usize, String> {
        let by_key = selector.0.parse::<ServiceKey>().ok().and_then(|key| self.by_key.get(&key)).copied();
        let by_name = || self.services.iter().position(|s| selector.matches(&s.config.key, s.config.name.as_deref()));
        by_key.or_else(by_name).ok_or_else(|| {
            let there = nearest(&selector.0, self.services.iter().map(|service| service.config.key.to_string()));
            format!("no service {selector} in the configuration; {there}")
        })
    }

    fn server(&self, at: usize, key: &RealServerKey) -> Result<&ServerState, String> {
        let unknown = || "no such service".to_owned();
        let service = self.services.get(at).ok_or_else(unknown)?;
        service.server(key).ok_or_else(|| {
            let name = service.config.key;
            let strange = self.kernel.observed().and_then(|t| t.services.get(&name)?.destinations.get(key));
            if strange.is_some() {
                return format!("{key} in {name} was put there by somebody else; add-server makes it lvsdeck's");
            }
            let there = nearest(&key.to_string(), service.servers.iter().map(|server| server.config.key.to_string()));
            format!("no real server {key} in {name}; {there}")
        })
    }

    /// All servers that a selector means, less those that are there already.
    fn selected(
        &self,
        selector: &RealServerSelector,
        service: Option<&ServiceSelector>,
        now: Instant,
        there: Admin,
        step: &Step,
    ) -> Result<Vec<Change>, String> {
        let only = service.map(|service| self.service(service)).transpose()?;
        if let (Some(at), RealServerSelector::Key(key)) = (only, selector) {
            self.server(at, key)?;
        }
        let services = self.services.iter().enumerate().filter(|(at, _)| only.is_none_or(|only| only == *at));
        let matches: Vec<(usize, &ServerState)> = services
            .flat_map(|(at, service)| {
                let found: Vec<&ServerState> = match selector {
                    RealServerSelector::Key(key) => service.server(key).into_iter().collect(),
                    RealServerSelector::Host(_) => {
                        service.servers.iter().filter(|s| selector.matches(&s.config.key)).collect()
                    }
                };
                found.into_iter().map(move |server| (at, server))
            })
            .collect();
        let Some((_, first)) = matches.first() else {
            let all =
                self.services.iter().flat_map(|service| &service.servers).map(|server| server.config.key.to_string());
            return Err(format!("no real server {selector} in any service; {}", nearest(&selector.to_string(), all)));
        };
        let (state, since) = first.admin;
        let changes: Vec<Change> = matches
            .iter()
            .filter(|(_, server)| server.admin.0 != there)
            .map(|(at, server)| Change { service: *at, server: server.config.key, step: step.clone() })
            .collect();
        match (changes.is_empty(), state) {
            (false, _) => Ok(changes),
            (true, Admin::Draining) => Err(format!(
                "{selector} drains already, since {} ago; restore brings it back",
                seconds(now.saturating_duration_since(since))
            )),
            (true, Admin::Enabled | Admin::Maintenance) => {
                Err(format!("{selector} is not draining; nothing to restore"))
            }
        }
    }

    fn addition(
        &self,
        at: usize,
        key: RealServerKey,
        weight: Option<Weight>,
        forward: Option<Forwarding>,
    ) -> Result<Step, String> {
        let Some(service) = self.services.get(at) else { return Err("no such service".to_owned()) };
        let name = service.config.key;
        if let Some(server) = service.server(&key) {
            return Err(format!("{key} is in {name} already, with weight {}; weight changes it", server.weight));
        }
        let known = service.removed.iter().find(|server| server.key == key);
        let forwarding = forward.or(known.map(|known| known.forwarding)).unwrap_or(service.config.forwarding);
        let port = name.port().filter(|port| *port != 0 && *port != key.0.port());
        if let Some(port) = port.filter(|_| forwarding.keeps_port()) {
            return Err(format!(
                "{forwarding} can't change the port: a server of {name} listens on {port}, or use nat"
            ));
        }
        if Family::of(key.0.ip()) != name.family() && forwarding != Forwarding::Tun {
            return Err(format!("{key} is of another address family than {name}: only tun reaches it"));
        }
        let config = known.cloned().unwrap_or(RealServer {
            key,
            weight: Weight::DEFAULT,
            forwarding,
            inhibit_on_failure: false,
            upper_threshold: 0,
            lower_threshold: 0,
            checks: Vec::new(),
        });
        let weight = weight.unwrap_or(config.weight);
        let server = Box::new(RealServer { forwarding, weight, ..config });
        Ok(Step::Add { server, in_file: known.is_some() })
    }

    /// Does one change: the wish here, the operations by the next plan.
    fn commit(&mut self, now: Instant, Change { service: at, server: key, step }: Change, asked: &Asked) {
        let armed = match &step {
            Step::Add { server, .. } => self.checks.arm(at, key, &server.checks, now),
            Step::Drain | Step::Restore | Step::Weigh(_) | Step::Remove => Vec::new(),
        };
        let Some(service) = self.services.get_mut(at) else { return };
        let name = service.config.key;
        let old = service.server(&key).cloned();
        let touched = apply(service, key, &step, armed, now);
        if let Some(server) = service.server_mut(&key) {
            server.reason = format!("{} by {}", asked.command.verb(), asked.who);
        }
        match &step {
            Step::Add { .. } => self.kernel.claim(name, key),
            Step::Remove => {
                self.kernel.give_up(name, key);
                old.iter().flat_map(|old| &old.checks).for_each(|id| self.checks.disarm(*id, &mut self.actions));
            }
            Step::Drain | Step::Restore | Step::Weigh(_) => {}
        }
        if let Some((from, to)) = match step {
            Step::Drain => Some(("enabled", "draining")),
            Step::Restore => Some(("draining", "enabled")),
            Step::Weigh(_) | Step::Add { .. } | Step::Remove => None,
        } {
            let fact =
                Fact::new(EventKind::ServerAdmin, Severity::Notice, subject(&(name, Some(key)))).change(from, to);
            let fact = fact.who(asked.who.to_string());
            self.report(match &asked.reason {
                Some(reason) => fact.reason(reason),
                None => fact,
            });
        }
        self.want(at, touched);
    }
}

/// Does a change to a service: the same for a preview's copy and in earnest.
pub(super) fn apply(
    service: &mut ServiceState,
    key: RealServerKey,
    step: &Step,
    checks: Vec<super::CheckId>,
    now: Instant,
) -> Touched {
    match step {
        Step::Add { server, in_file } => {
            service.removed.retain(|removed| removed.key != key);
            let state = ServerState::new(RealServer::clone(server), !in_file, checks, now);
            return service.add(state);
        }
        Step::Remove => {
            let Some((server, touched)) = service.remove(&key) else { return Touched::One(key) };
            if !server.added {
                service.removed.push(server.config);
            }
            return touched;
        }
        Step::Drain | Step::Restore | Step::Weigh(_) => {}
    }
    if let Some(server) = service.server_mut(&key) {
        match step {
            Step::Drain => server.admin = (Admin::Draining, now),
            Step::Restore => server.admin = (Admin::Enabled, now),
            Step::Weigh(weight) => server.weight = *weight,
            Step::Add { .. } | Step::Remove => {}
        }
    }
    service.settle(&key)
}

/// What there is instead: the three names that begin most alike.
fn nearest(wanted: &str, names: impl Iterator<Item = String>) -> String {
    let common = |name: &str| name.chars().zip(wanted.chars()).take_while(|(a, b)| a == b).count();
    let mut names: Vec<(usize, String)> = names.map(|name| (common(&name), name)).collect();
    names.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    names.dedup();
    let more = names.len().saturating_sub(3);
    let shown: Vec<String> = names.into_iter().take(3).map(|(_, name)| name).collect();
    match (shown.is_empty(), more) {
        (true, _) => "there is none".to_owned(),
        (false, 0) => format!("there is {}", shown.join(", ")),
        (false, more) => format!("there is {} and {more} more", shown.join(", ")),
    }
}

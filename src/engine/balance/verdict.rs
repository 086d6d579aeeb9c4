//! What checks say, and what follows for every server that asked.

use super::check::Check;
use super::core::Balance;
use super::server::ServerState;
use super::service::ServiceState;
use super::wish::Former;
use super::{CheckId, status};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::health::{Hindrance, Standing, Turn, Verdict, combine};
use crate::engine::model::RealServerKey;
use std::time::Instant;

impl Balance {
    pub(super) fn verdict(&mut self, now: Instant, id: CheckId, verdict: Verdict) {
        let Some(verdict) = self.checks.get(id).map(|check| check.means(verdict)) else { return };
        let error = match &verdict {
            Verdict::Passed(_) | Verdict::Weighed(..) => String::new(),
            Verdict::Failed(why) | Verdict::Unable(Hindrance { reason: why, .. }) => why.clone(),
        };
        let failed = matches!(verdict, Verdict::Failed(_));
        let judged = self.checks.judge(id, |check| {
            let before = check.checker.standing();
            let turn = check.checker.verdict(now, verdict);
            // A first pass is none where the server counts as up until then.
            let turned = before != Standing::Unknown || failed || check.spec.alpha;
            let is_news = turn != Turn::Steady || (failed && check.spec.log_all_failures);
            let first = before == Standing::Unknown && failed && check.spec.tells_first_failure();
            (turn, turned, first, if is_news { check.owners.clone() } else { Vec::new() })
        });
        let Some((turn, turned, first, owners)) = judged else { return };
        for (service, server) in owners {
            let Some(at) = self.by_key.get(&service).copied() else { continue };
            match turn {
                Turn::Steady => self.check_fact(at, server, Severity::Warning, format!("fails again: {error}")),
                Turn::Softly { failures, of } => {
                    self.check_fact(at, server, Severity::Warning, format!("{failures}/{of} fails: {error}"));
                }
                Turn::Recovered => self.check_fact(at, server, Severity::Info, "passes again".to_owned()),
                Turn::Turned => {
                    let is_same = self.check_turned(now, id, at, server, &error);
                    if first {
                        self.tell_first_failure(at, server);
                    }
                    if turned && is_same {
                        let says = if failed { "fails" } else { "passes" };
                        self.tell_turn(id, at, server, says, &error);
                    }
                }
                Turn::Weighed => self.check_weighed(now, at, server),
                Turn::Hindered => {
                    let reason = format!("not run: {error}; the health stays as it was");
                    self.check_fact(at, server, Severity::Warning, reason);
                }
            }
        }
    }

    /// Runs of which nothing was heard: an alarm, and the check goes on (keepalived#2523).
    pub(super) fn give_up_lost_checks(&mut self, now: Instant) {
        while let Some(id) = self.checks.lost(now, &mut self.actions) {
            let reason = "its probe gave no answer, long after its time limit".to_owned();
            let hindrance = Hindrance { reason, next: "look at the load of this host, and report the engine's log" };
            self.verdict(now, id, Verdict::Unable(hindrance));
        }
    }

    fn check_fact(&mut self, at: usize, server: RealServerKey, severity: Severity, reason: String) {
        let subject = self.subject(at, server);
        self.report(Fact::new(EventKind::CheckResult, severity, subject).reason(reason));
    }

    /// What the checks of a server say together.
    fn said(&self, server: &ServerState) -> Option<Standing> {
        let checks = || server.checks.iter().filter_map(|id| self.checks.get(*id));
        // Whoever waits for `alpha` waits for the checks that have it alone.
        let waits = server.former == Former::Unseen && checks().any(|check| check.spec.alpha);
        let standing = |check: &Check| match check.checker.standing() {
            Standing::Unknown if waits && !check.spec.alpha => Standing::Passing,
            standing => standing,
        };
        (!server.checks.is_empty()).then(|| combine(checks().map(standing)))
    }

    /// How much the checks of a server add to its weight.
    pub(super) fn added_weight(&self, server: &ServerState) -> i64 {
        let configured = server.config.weight.get();
        let said = server.checks.iter().filter_map(|id| self.checks.get(*id)?.checker.weight());
        said.fold(0, |sum, said| said.added_to(configured).saturating_add(sum))
    }

    /// A check changed what it says: so does the server, perhaps. True where the server stays as it is.
    fn check_turned(&mut self, now: Instant, id: CheckId, at: usize, key: RealServerKey, error: &str) -> bool {
        let server = |service: &ServiceState| {
            Some((self.said(service.server(&key)?)?, self.added_weight(service.server(&key)?)))
        };
        let Some((standing, added)) = self.services.get(at).and_then(server) else { return false };
        let Some(server) = self.services.get_mut(at).and_then(|service| service.server_mut(&key)) else { return false };
        let (before, weighed) = (server.health(), server.added_weight != added);
        server.added_weight = added;
        let reason = if error.is_empty() { "passes".to_owned() } else { error.to_owned() };
        if server.standing.0 == standing {
            if weighed {
                self.settle(now, at, key);
            }
            self.check_fact(at, key, Severity::Info, reason);
            return true;
        }
        server.judge(standing, now);
        server.reason = match standing {
            Standing::Failing => format!("down: {reason}").into(),
            Standing::Passing | Standing::Unknown => "up".into(),
        };
        let (from, to) = (status::word(before), status::word(server.health()));
        let severity = match standing {
            Standing::Failing => Severity::Error,
            Standing::Passing | Standing::Unknown => Severity::Notice,
        };
        let mut fact =
            Fact::new(EventKind::ServerHealth, severity, self.subject(at, key)).change(from, to).reason(reason);
        if let Some(check) = self.checks.get(id) {
            let failed = match check.checker.failures() {
                (0, _) => String::new(),
                (failures, of) => format!(", {failures} of {of} failed"),
            };
            fact = fact.detail(format!("{} {}{failed}", check.spec.name(), check.spec.goal()));
        }
        self.report(fact);
        self.settle(now, at, key);
        false
    }

    /// Mails that a check turned, and its server did not with it.
    fn tell_turn(&mut self, id: CheckId, at: usize, key: RealServerKey, says: &str, error: &str) {
        let Some(check) = self.checks.get(id) else { return };
        let reason = if error.is_empty() { String::new() } else { format!(": {error}") };
        let why = format!("{} {} {says}{reason}", check.spec.name(), check.spec.goal());
        self.tell_check(at, key, &why);
    }

    /// A check gave the server another weight.
    fn check_weighed(&mut self, now: Instant, at: usize, key: RealServerKey) {
        let added = self.services.get(at).and_then(|service| Some(self.added_weight(service.server(&key)?)));
        let Some(server) = self.services.get_mut(at).and_then(|service| service.server_mut(&key)) else { return };
        if let Some(added) = added.filter(|added| *added != server.added_weight) {
            server.added_weight = added;
            server.reason = "its check says the weight".into();
            self.settle(now, at, key);
        }
    }

    /// A server joined checks that others have already: they have spoken perhaps. [`Balance::settle`] must follow.
    pub(super) fn listen_to_checks(&mut self, now: Instant, at: usize, key: RealServerKey) {
        let found = self.services.get(at).and_then(|service| {
            let server = service.server(&key)?;
            Some((self.said(server)?, self.added_weight(server)))
        });
        let Some((standing, added)) = found else { return };
        let Some(server) = self.services.get_mut(at).and_then(|service| service.server_mut(&key)) else { return };
        server.added_weight = added;
        if server.standing.0 != standing {
            server.judge(standing, now);
        }
    }

    /// What is heard of the checks of a server that is not among the others yet.
    pub(super) fn hear(&self, now: Instant, server: &mut ServerState) {
        let (said, added) = (self.said(server), self.added_weight(server));
        server.added_weight = added;
        if let Some(standing) = said.filter(|standing| *standing != server.standing.0) {
            server.judge(standing, now);
        }
    }
}

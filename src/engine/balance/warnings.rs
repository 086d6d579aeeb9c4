//! What the operator should know of the virtual servers, as long as it is so.

use super::core::Balance;
use crate::engine::snapshot::Warning;

/// The code of the warning that a check can't be run.
const NOT_RUN: &str = "check-not-run";
/// How many such checks are named; trouble of the host tends to hit all of them.
const NAMED: usize = 16;

impl Balance {
    /// What the operator should know.
    pub fn warnings(&self) -> Vec<Warning> {
        let removed = self.services.iter().flat_map(|service| {
            service.removed.iter().map(|server| Warning {
                code: "removed-from-file-server".to_owned(),
                subject: format!("{} {}", service.config.key, server.key),
                message: format!("the file has {} in {}, an operator took it out", server.key, service.config.key),
                next: format!(
                    "lvsdeck ctl add-server {} {}, or take it out of the file",
                    service.config.key, server.key
                ),
            })
        });
        self.kernel.warnings().into_iter().chain(removed).chain(self.checks_not_run()).collect()
    }
    /// Checks that this host can't run: the first [`NAMED`] of them by name, the others as a number.
    fn checks_not_run(&self) -> Vec<Warning> {
        let mut found = self.checks.iter().filter_map(|check| Some((check, check.checker.hindrance()?)));
        let named = found.by_ref().take(NAMED).map(|(check, hindrance)| Warning {
            code: NOT_RUN.to_owned(),
            subject: self.subject(check.service, check.server),
            message: format!(
                "{} {} is not run: {}; the server's health stays as it was",
                check.spec.name(),
                check.target(),
                hindrance.reason
            ),
            next: hindrance.next.to_owned(),
        });
        let mut warnings: Vec<Warning> = named.collect();
        let further = found.count();
        if further > 0 {
            warnings.push(Warning {
                code: NOT_RUN.to_owned(),
                subject: "checks".to_owned(),
                message: format!("{further} further checks are not run for want of something on this host"),
                next: "see the warnings before this one".to_owned(),
            });
        }
        warnings
    }
}

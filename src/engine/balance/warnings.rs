//! What the operator should know of the virtual servers, as long as it is so.

use super::core::Balance;
use super::overrides::By;
use super::reconcile::subject;
use crate::engine::snapshot::Warning;

/// The code of the warning that a check can't be run.
const NOT_RUN: &str = "check-not-run";
/// How many such checks are named; trouble of the host tends to hit all of them.
const NAMED: usize = 16;

/// ` (root, pid 12: ticket 4711)`.
fn whose(by: Option<&By>) -> String {
    let Some(By { who, why, .. }) = by else { return String::new() };
    let why = why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    format!(" ({who}{why})")
}

impl Balance {
    /// What the operator should know.
    pub fn warnings(&self) -> Vec<Warning> {
        let removed = self.services.iter().flat_map(|service| {
            let key = service.config.key;
            service.removed.iter().filter(|server| !server.added).map(move |server| {
                let (by, server) = (whose(server.by.as_deref()), server.config.key);
                Warning {
                    code: "removed-from-file-server".to_owned(),
                    subject: format!("{key} {server}"),
                    message: format!("the file has {server} in {key}, an operator took it out{by}"),
                    next: format!("lvsdeck ctl add-server {key} {server}, or take it out of the file"),
                }
            })
        });
        let services = self.services_beside_the_file();
        self.kernel.warnings().into_iter().chain(services).chain(removed).chain(self.checks_not_run()).collect()
    }
    /// Whole services that are not as the file says, since an operator wanted it so.
    fn services_beside_the_file(&self) -> impl Iterator<Item = Warning> {
        let removed = self.removed.iter().filter(|service| !service.added).map(|service| {
            let (by, key) = (whose(service.by.as_deref()), service.config.key);
            Warning {
                code: "removed-from-file-service".to_owned(),
                subject: key.to_string(),
                message: format!("the file has {key}, an operator took it out with its real servers{by}"),
                next: format!("lvsdeck ctl add-service {key}, or take it out of the file"),
            }
        });
        let added = self.services.iter().filter(|service| service.added).map(|service| {
            let (by, key) = (whose(service.by.as_deref()), service.config.key);
            Warning {
                code: "service-not-in-file".to_owned(),
                subject: key.to_string(),
                message: format!("the file does not have {key}, an operator added it{by}"),
                next: format!("write it into the file and reload, or lvsdeck ctl remove-service {key}"),
            }
        });
        removed.chain(added)
    }
    /// Checks that this host can't run: the first [`NAMED`] of them by name, the others as a number.
    fn checks_not_run(&self) -> Vec<Warning> {
        let mut found = self.checks.iter().flat_map(|check| {
            let hindrance = check.checker.hindrance();
            check.owners.iter().filter_map(move |owner| Some((check, *owner, hindrance?)))
        });
        let named = found.by_ref().take(NAMED).map(|(check, (service, server), hindrance)| Warning {
            code: NOT_RUN.to_owned(),
            subject: subject(&(service, Some(server))),
            message: format!(
                "{} {} is not run: {}; the server's health stays as it was",
                check.spec.name(),
                check.spec.goal(),
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

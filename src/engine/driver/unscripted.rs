//! What follows where no script can be run any more, or never could: an event at once, whether or not a script is to be run just
//! then, and a warning that stands until the restart.

use super::shared::Shared;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::io::runner::{Runner, RunnerError, RunnerLink};
use crate::engine::snapshot::Warning;
use std::sync::Arc;

/// What the event and the warning are about.
const SUBJECT: &str = "scripts";

/// Listens to the runner; a link to none where there is none. Tells when there is none any more.
pub fn listen(runner: Result<Runner, RunnerError>, shared: &Arc<Shared>) -> RunnerLink {
    let teller = Arc::downgrade(shared);
    let lost = move || {
        if let Some(shared) = teller.upgrade() {
            tell(&shared, "the process that runs scripts has ended, and so has the one that starts it again");
        }
    };
    runner.and_then(|runner| runner.listen(lost)).unwrap_or_else(|error| {
        if !matches!(error, RunnerError::Unwanted) {
            tell(shared, &error.to_string());
        }
        RunnerLink::broken()
    })
}

fn tell(shared: &Shared, why: &str) {
    let message = format!(
        "{why}: notify scripts are not run, tracked scripts count as failed, and a MISC_CHECK says nothing of its server; FIFOs, \
         mails and the webhook go on"
    );
    let next = "restart lvsdeck: a reload has no right to start it again; after `lvsdeck ctl stop --keep` the next start takes \
                addresses and services up as they are";
    let fact = Fact::new(EventKind::Warning, Severity::Error, SUBJECT).reason(message.clone()).detail(next);
    let (code, subject) = ("scripts-not-run".to_owned(), SUBJECT.to_owned());
    _ = shared.warn_of(SUBJECT, Some(Warning { code, subject, message, next: next.to_owned() }));
    shared.append(fact);
}

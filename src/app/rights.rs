//! What the engine asks of the system while it still may, and what it gives up then, before its first thread.

use crate::engine::io::{privilege, real_time};
use crate::engine::model::Global;
use crate::engine::snapshot::Warning;

/// Raises the limits for the real-time words, locks memory, and keeps the capabilities that an engine needs. What was
/// refused comes back as warnings: an engine without them still fails over.
pub fn settle(global: &Global) -> Vec<Warning> {
    let unfollowed = real_time::raise_limits(&global.failover_thread, &global.balance_thread);
    let mut warnings: Vec<Warning> = unfollowed.into_iter().map(real_time::Unfollowed::into_warning).collect();
    if let Err(error) = privilege::give_up() {
        warnings.push(Warning {
            code: "privileges".to_owned(),
            subject: "engine".to_owned(),
            message: format!("{error}: the engine runs with all that it was started with"),
            next: "nothing fails for it; look at what confines lvsdeck (seccomp, a container), and report it"
                .to_owned(),
        });
    }
    for warning in &warnings {
        tracing::warn!("{}: {}; {}", warning.subject, warning.message, warning.next);
    }
    warnings
}

//! The end that somebody asks for: the wish, and what it comes to.

use super::feel;
use crate::engine::command::{Answer, Asked, Command, Outcome, Preview};
use crate::engine::snapshot::{Status, VirtualRouterState};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// The wish that the engine ends.
#[derive(Debug, Default)]
pub struct Stop {
    asked: Notify,
    keep: AtomicBool,
    begun: AtomicBool,
}

impl Stop {
    /// Waits until somebody asks; whether everything is to be left in place.
    pub async fn asked(&self) -> bool {
        self.asked.notified().await;
        self.keep.load(Ordering::Relaxed)
    }
    /// Whether somebody has asked.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }
    pub(super) fn ask(&self, keep: bool) {
        self.keep.store(keep, Ordering::Relaxed);
        self.begun.store(true, Ordering::Relaxed);
        self.asked.notify_one();
    }
}

/// What a stop comes to, before it is begun.
pub(super) fn answer(asked: &Asked, status: &Status) -> Answer {
    let masters: Vec<String> = status
        .virtual_routers
        .iter()
        .filter(|router| !router.addresses_here.is_empty())
        .map(|router| format!("{} {} {}", router.name, router.state.name(), router.addresses_here.join(" ")))
        .collect();
    let keep = matches!(asked.command, Command::Stop { keep: true });
    let (after, ops) = if keep {
        let after =
            "engine stopped; its services and virtual addresses stay, for an engine that starts within the interval";
        (after, vec!["send nothing: the other router takes over when no engine starts here in time".to_owned()])
    } else {
        let ops = [
            (status.virtual_routers.iter().any(|router| router.state == VirtualRouterState::Master), "send priority 0"),
            (!masters.is_empty(), "remove virtual addresses"),
            (!status.virtual_servers.is_empty(), "remove services"),
            (true, "end the health checks and the process"),
        ];
        let ops = ops.into_iter().filter(|(is_there, _)| *is_there).map(|(_, op)| op.to_owned()).collect();
        ("engine stopped; its services and virtual addresses removed from this host", ops)
    };
    let others = status.warnings.iter().filter(|warning| !keep && warning.code == "address-present");
    let stay: Vec<String> = others.map(|warning| format!("{}: {}", warning.subject, warning.message)).collect();
    let active: u32 = status.virtual_servers.iter().map(|service| feel::active(service)).sum();
    let preview = Preview {
        before: masters.clone(),
        after: std::iter::once(after.to_owned()).chain(stay.iter().cloned()).collect(),
        ops,
        blast_radius: format!(
            "{} instances hold addresses here; {} services with {active} active connections {}; health checks end",
            masters.len(),
            status.virtual_servers.len(),
            if keep { "stay as they are" } else { "end on this host" }
        ),
        confirm: Some("stop".to_owned()),
        ..Preview::default()
    };
    let token = preview.token(&asked.command);
    if asked.dry_run {
        let message = "would stop the engine".to_owned();
        return Answer { id: 0, outcome: Outcome::Preview, message, preview, token: Some(token) };
    }
    if asked.token.as_ref().is_some_and(|given| *given != token) {
        let message = "what the preview showed has changed; look again".to_owned();
        return Answer { id: asked.id, outcome: Outcome::Stale, message, preview, token: Some(token) };
    }
    let message = std::iter::once("stopping".to_owned()).chain(stay).collect::<Vec<_>>().join("; ");
    Answer { id: asked.id, outcome: Outcome::Done, message, preview, token: None }
}

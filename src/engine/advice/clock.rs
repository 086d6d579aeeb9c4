//! Advice on the wall clock. No timer of lvsdeck hangs on it; logs, `--since` and comparing nodes do.

use super::{Found, Look};
use std::time::{Duration, SystemTime};

/// 2026-01-01: this program is younger.
const PROGRAM: Duration = Duration::from_hours(490_896);

fn found(message: String, next: &str) -> Vec<Found> {
    vec![Found { subject: "clock".to_owned(), message, next: next.to_owned() }]
}

/// `clock-unsynchronised`.
pub(super) fn unsynchronised(look: &Look<'_>) -> Vec<Found> {
    if look.facts.clock.synchronised != Some(false) {
        return Vec::new();
    }
    let message = "nothing keeps the wall clock right: times in logs and events drift from those of other nodes";
    found(message.to_owned(), "timedatectl set-ntp true, or start chronyd")
}

/// `clock-wrong`.
pub(super) fn wrong(look: &Look<'_>) -> Vec<Found> {
    let Some(wall) = look.facts.clock.wall.filter(|wall| *wall < SystemTime::UNIX_EPOCH + PROGRAM) else {
        return Vec::new();
    };
    let days = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400;
    let message = format!("the wall clock is older than this program: {days} days after 1970-01-01");
    found(message, "timedatectl set-time 'YYYY-MM-DD HH:MM:SS', then timedatectl set-ntp true")
}

/// `clock-jumped`.
pub(super) fn jumped(look: &Look<'_>) -> Vec<Found> {
    let Some(jump) = look.facts.clock.jump else { return Vec::new() };
    let way = if jump.forward { "forward" } else { "back" };
    let message = format!(
        "the wall clock was set {way} by {} s: times in logs and events before and after do not compare; timers run on",
        jump.by.as_secs()
    );
    found(message, "chronyc tracking (or timedatectl timesync-status) says who sets the clock")
}

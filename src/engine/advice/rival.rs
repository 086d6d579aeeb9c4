//! Advice on a program of this host that does the same job.

use super::{Found, Look};

/// `keepalived-beside`: it hears none of this host's own multicasts, and this engine none of its.
pub(super) fn keepalived(look: &Look<'_>) -> Vec<Found> {
    let (Some(pid), false) = (look.facts.keepalived, look.configuration.virtual_routers.is_empty()) else {
        return Vec::new();
    };
    vec![Found {
        subject: "keepalived".to_owned(),
        message: format!(
            "it was started beside this engine, as pid {pid}: two VRRP programs on one host do not hear each other, both \
             become master, and the end of one takes the other's addresses off"
        ),
        next: "systemctl disable --now keepalived; then lvsdeck ctl status tells which addresses are put back"
            .to_owned(),
    }]
}

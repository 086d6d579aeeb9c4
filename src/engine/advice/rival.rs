//! Advice on a program of this host that does the same job.

use super::{Found, Look};

/// `vrrp-beside`: it hears none of this engine's multicasts, and this engine none of its.
pub(super) fn vrrp(look: &Look<'_>) -> Vec<Found> {
    if !look.facts.vrrp_beside || look.configuration.virtual_routers.is_empty() {
        return Vec::new();
    }
    vec![Found {
        subject: "VRRP".to_owned(),
        message: "another program of this host has a socket for VRRP: the two do not hear each other, and with a VRID in common \
                  both become master, and the end of one takes the other's addresses off"
            .to_owned(),
        next: "ss -nwap | grep :112 names it; if it is keepalived: systemctl disable --now keepalived".to_owned(),
    }]
}

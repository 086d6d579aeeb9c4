//! `lb_kind`, `lvs_method` and `sorry_server_lvs_method`: how packets reach a server.

use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::METHODS;
use super::super::schema::{Context, Entry};
use super::super::suggest::nearest;
use super::tunnel::{Mistake, tunnel};
use crate::engine::model::{Forwarding, Tunnel};

/// How packets reach a server, and what is around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Method {
    pub forwarding: Forwarding,
    pub tunnel: Tunnel,
}

impl Default for Method {
    fn default() -> Self {
        Self { forwarding: Forwarding::Nat, tunnel: Tunnel::Ipip }
    }
}

impl Method {
    pub fn is_tunnel(self) -> bool {
        self.forwarding == Forwarding::Tun
    }
}

/// What operators write for a method.
const MEANT: &[(&str, &str)] = &[
    ("direct", "DR"),
    ("direct_route", "DR"),
    ("route", "DR"),
    ("gate", "DR"),
    ("masq", "NAT"),
    ("masquerade", "NAT"),
    ("tunnel", "TUN"),
    ("ipip", "TUN"),
    ("gre", "TUN type gre"),
    ("gue", "TUN type gue port PORT"),
];

/// `NAT`, `DR` or `TUN`, with further words on the kind of tunnel. `before` is what counts without the line: the kind of it counts
/// where that of the line can't be had.
pub(super) fn lower(cx: &mut Context, text: &str, entry: &Entry, before: Option<Method>) -> Option<Method> {
    let (method, rest) = text.split_once(' ').unwrap_or((text, ""));
    let forwarding = match method {
        "NAT" => Forwarding::Nat,
        "DR" => Forwarding::Dr,
        "TUN" => Forwarding::Tun,
        _ => {
            let message = format!(
                "{} {} is not one of {}; it is ignored, as keepalived does",
                entry.keyword.word,
                quoted(method),
                METHODS.join(", ")
            );
            let usual = MEANT.iter().find(|(wrong, _)| wrong.eq_ignore_ascii_case(method));
            let meant = usual.map(|(_, meant)| *meant).or_else(|| nearest(method, METHODS.iter().copied()));
            let help = meant.map(|meant| format!("did you mean {meant}?"));
            cx.report.add(Problem::warning(entry.value_at(1), "unknown-value", message).help_if(help));
            return None;
        }
    };
    if forwarding != Forwarding::Tun {
        if !rest.is_empty() {
            let message = format!("{} is not used: {method} takes nothing behind it", quoted(rest));
            let help = "a comment begins with # or !";
            cx.report.add(Problem::warning(entry.value_at(2), "too-many-values", message).help(help));
        }
        return Some(Method { forwarding, tunnel: Tunnel::Ipip });
    }
    let words = cx.words(entry.statement);
    let tunnel = tunnel(&words).unwrap_or_else(|Mistake { at, what, help }| {
        let kind = before.filter(|before| before.is_tunnel()).unwrap_or_default().tunnel;
        let what = format!("{what}; the tunnel is {kind}, as with keepalived");
        cx.report.add(Problem::warning(entry.value_at(at), "bad-tunnel", what).help(help));
        kind
    });
    Some(Method { forwarding, tunnel })
}

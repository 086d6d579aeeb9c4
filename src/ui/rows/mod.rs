//! From what the engine sends to what a line of the screen says: columns, marks, words and looks, without a terminal.

pub mod change;
pub mod columns;
pub mod event_list;
pub mod shared;
pub mod timeline;

use crate::engine::{Admin, Forwarding, Health, Row, RowKind, VirtualRouterState, VirtualRouterStatus};
use crate::ui::theme::Paint;

/// The mark at the beginning of a row: `v >` unfolded and folded service, `+ x d m ~ ?` server.
pub fn mark(row: &Row) -> char {
    match (row.kind, row.admin, row.health) {
        (RowKind::Service, ..) if row.expanded => 'v',
        (RowKind::Service, ..) => '>',
        (_, Admin::Maintenance, _) => 'm',
        (_, _, Health::Down) => 'x',
        (_, Admin::Draining, _) => 'd',
        (_, _, Health::Unknown) => '?',
        (_, _, Health::Up) if row.problem => '~',
        (_, _, Health::Up) => '+',
    }
}

/// Where an instance stands in lists, the worst first: two masters, none that can serve, none that is ready. Others as in the file.
pub const fn urgency(router: &VirtualRouterStatus) -> u8 {
    match router.state {
        _ if router.detail.split_brain.is_some() => 0,
        VirtualRouterState::Fault => 1,
        VirtualRouterState::Init => 2,
        VirtualRouterState::Master | VirtualRouterState::Backup => 3,
    }
}

/// How the state of a row looks. The note says it in words.
pub const fn paint(row: &Row) -> Paint {
    match (row.health, row.admin) {
        (Health::Down, _) => Paint::Down,
        (_, Admin::Draining | Admin::Maintenance) => Paint::Drain,
        (Health::Unknown, _) => Paint::Unknown,
        (Health::Up, Admin::Enabled) if row.problem => Paint::Warning,
        (Health::Up, Admin::Enabled) => Paint::Up,
    }
}

/// ipvsadm's word back to the method; `Route` for what is not known.
pub fn forwarding(word: &str) -> Forwarding {
    [Forwarding::Nat, Forwarding::Tun, Forwarding::Local]
        .into_iter()
        .find(|method| method.ipvsadm_name() == word)
        .unwrap_or(Forwarding::Dr)
}

/// What ipvsadm would be told to make this row as it is wanted now; of a server that is down, as it is wanted when it is up again.
pub fn ipvsadm(row: &Row) -> Option<String> {
    let service: crate::engine::ServiceKey = row.service.parse().ok()?;
    let option = service.ipvsadm_option();
    Some(match &row.server {
        None => {
            let persistence = row.persistence.map_or(String::new(), |seconds| format!(" -p {seconds}"));
            format!("ipvsadm -A {option} -s {}{persistence}", row.scheduler.as_deref().unwrap_or("wlc"))
        }
        Some(server) if row.kernel_weight.is_none() && row.health == Health::Down => {
            let forward = forwarding(&row.forward).ipvsadm_option();
            format!("ipvsadm -a {option} -r {server} {forward} -w {}", row.wanted())
        }
        Some(server) => {
            let verb = if row.kernel_weight.is_some() { "-e" } else { "-a" };
            let forward = forwarding(&row.forward).ipvsadm_option();
            format!("ipvsadm {verb} {option} -r {server} {forward} -w {}", row.weight)
        }
    })
}

/// The name column: a service as ipvsadm's first line has it, a server behind its arrow.
pub fn name(row: &Row) -> String {
    if let Some(server) = &row.server {
        return format!("  -> {server}{}", if row.added { " (added)" } else { "" });
    }
    let (protocol, address) = row.service.split_once('/').unwrap_or(("", &row.service));
    let mut words = match protocol {
        "fwmark" => vec!["FWM".to_owned(), address.to_owned()],
        "fwmark6" => vec!["FWM".to_owned(), address.to_owned(), "IPv6".to_owned()],
        _ => vec![protocol.to_uppercase(), address.to_owned()],
    };
    words.extend(row.scheduler.clone());
    words.extend(row.persistence.map(|seconds| format!("persistent {seconds}")));
    words.extend(row.name.clone().filter(|name| *name != row.service));
    words.join(" ")
}

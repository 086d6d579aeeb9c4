//! Families of services and their servers: where they have to be alike.

use super::super::diagnostic::Problem;
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::balance::{Named, Words};
use crate::engine::model::{Family, Forwarding, ServiceKey};
use std::net::IpAddr;

/// The family of all that a service is known by; none where they have both, or a mark says none.
pub(super) fn of_one_family(named: &[Named]) -> Option<Family> {
    let family = |one: &Named| match one {
        Named::Address(address) => Some(Family::of(address.ip())),
        Named::Mark(_, family) => *family,
    };
    let first = family(named.first()?)?;
    named.iter().all(|one| family(one) == Some(first)).then_some(first)
}

/// What keepalived makes nothing of, reported here: a group of both families with a mark that says none, or with a server that no
/// tunnel reaches; and one of another family than its service.
pub(super) fn is_of_one_kind(cx: &mut Context, block: &Entry, named: &[Named], group: &str, words: &Words) -> bool {
    let is_open = named.iter().any(|one| matches!(one, Named::Mark(_, None)));
    let (message, help) = match (is_of(named, Family::Inet), is_of(named, Family::Inet6), words.settled) {
        (true, true, _) if is_open => (
            "has both families, and a fwmark that says none".to_owned(),
            "write fwmark N inet or fwmark N inet6, or give the mark a group of its own",
        ),
        (true, true, _) if !words.all_by_tunnel(cx) => (
            "has both families, and not all of its servers are reached by a tunnel".to_owned(),
            "write lb_kind TUN, or a group and a virtual_server for each family",
        ),
        (true, false, Some(of @ Family::Inet6)) | (false, true, Some(of @ Family::Inet)) => (
            format!(
                "is not of {}, as its service is by its ip_family, its persistence_granularity or its first server",
                if of == Family::Inet { "IPv4" } else { "IPv6" }
            ),
            "write a group and a virtual_server for each family",
        ),
        _ => return true,
    };
    let message = format!("virtual_server_group {group} {message}; its services are left out, as keepalived does");
    cx.report.add(Problem::warning(block.value_at(2), "mixed-families", message).help(help));
    false
}

/// Whether one of them says that it is of a family.
fn is_of(named: &[Named], family: Family) -> bool {
    named.iter().any(|one| match one {
        Named::Address(address) => Family::of(address.ip()) == family,
        Named::Mark(_, said) => *said == Some(family),
    })
}

/// The family that the lines of a group say, where it is one alone: that of its marks which say none too.
pub(super) fn said(named: &[Named]) -> Option<Family> {
    [Family::Inet, Family::Inet6].into_iter().find(|family| is_of(named, *family))
}

/// Whether a server is of the family of its service, or reached by a tunnel; reported otherwise.
pub(super) fn is_reached(
    cx: &mut Context,
    key: &ServiceKey,
    word: &str,
    (address, forwarding): (IpAddr, Forwarding),
    at: Span,
) -> bool {
    let is_reached = Family::of(address) == key.family() || forwarding == Forwarding::Tun;
    if !is_reached {
        let message = format!("{word} {address} is not of the service's address family; it is left out");
        let help = "only lb_kind TUN reaches servers of the other family";
        cx.report.add(Problem::warning(at, "mixed-families", message).help(help));
    }
    is_reached
}

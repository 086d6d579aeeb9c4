//! Names of interfaces.

use super::super::diagnostic::{Problem, quoted};
use super::super::schema::Context;
use super::super::source::Span;

/// Longest name of an interface or label of an address (`IFNAMSIZ`).
pub(super) const LONGEST: usize = 15;

/// Reports a name that no interface of the kernel has.
pub(super) fn check(cx: &mut Context, name: &str, at: Span) {
    let plain = name.trim_end_matches([';', ',']);
    let (why, help) = if name.len() > LONGEST {
        (
            "can't exist: the kernel's names have 15 characters at most",
            "see `ip link` for the names of this host".to_owned(),
        )
    } else if name.contains([':', '/']) {
        let real = name.split([':', '/']).next().filter(|real| !real.is_empty());
        let help = match real {
            Some(real) => format!("write {real}, and the rest as the label of an address: label {name}"),
            None => "write the interface's name alone, without a sign before it".to_owned(),
        };
        ("can't exist: no name of the kernel's has a : or a / in it", help)
    } else if !name.contains(char::is_alphanumeric) {
        ("does not exist", "write the interface's name alone, without a sign before it".to_owned())
    } else if plain != name {
        ("does not exist: what stands behind the name belongs to it", format!("write {plain}"))
    } else if name.starts_with('$') {
        ("does not exist", "write $NAME=eth0 in a line above, or the interface's name".to_owned())
    } else {
        return;
    };
    let message = format!("interface {} {why}", quoted(name));
    cx.report.add(Problem::error(at, "bad-interface", message).help(help));
}

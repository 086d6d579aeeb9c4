//! The way out of this host, as far as one table tells it.

use super::TIMEOUT;
use crate::engine::io::netlink::Requests;
use neli::consts::nl::NlmF;
use neli::consts::socket::NlFamily;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Rules that every network namespace has for IPv4: `local`, `main`, `default`.
const PLAIN_RULES: usize = 3;
/// Flag of a route that is up (`RTF_UP`).
const ROUTE_UP: u32 = 1;

/// Interfaces of the default routes in the main table (`/proc/net/route`).
pub(super) fn default_routes(root: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(root.join("proc/thread-self/net/route")).unwrap_or_default();
    let default = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [name, destination, _, flags, _, _, _, mask, ..] = fields.as_slice() else { return None };
        let up = u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & ROUTE_UP != 0);
        (up && *destination == "00000000" && *mask == "00000000").then(|| (*name).to_owned())
    };
    text.lines().skip(1).filter_map(default).collect()
}

/// Whether somebody routes by more than the destination: then the main table does not tell the way back.
pub(super) fn has_policy_rules() -> bool {
    let mut header = [0; 12]; // struct fib_rule_hdr
    if let Some(family) = header.first_mut() {
        *family = 2; // AF_INET
    }
    let mut count = 0;
    let asked = Requests::open(NlFamily::Route, TIMEOUT)
        .map(|mut requests| requests.request(libc::RTM_GETRULE, NlmF::DUMP, &header, |_| count += 1));
    !matches!(asked, Ok(Ok(()))) || count > PLAIN_RULES
}

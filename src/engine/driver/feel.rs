//! Who feels it: what a preview says of services and connections where the part of the engine that made it knows nothing of them.

use crate::engine::balance::{Foresight, Leaving, Overtaking};
use crate::engine::command::Preview;
use crate::engine::model::ServiceKey;
use crate::engine::reload::Effects;
use crate::engine::snapshot::{Status, VirtualRouterState, VirtualRouterStatus, VirtualServerStatus};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

/// So many objects are named in a clause.
const NAMED: usize = 4;
/// Most lines of a preview about what a reload leads to.
const MOST_LINES: usize = 200;

/// The services behind these addresses (`address/prefix`) of instances that are master, as far as they are here, with their
/// connections; none where there is no service.
pub(super) fn carried(status: &Status, moves: impl Fn(&VirtualRouterStatus, &str) -> bool) -> Option<String> {
    let masters = status.virtual_routers.iter().filter(|router| router.state == VirtualRouterState::Master);
    let addresses: Vec<IpAddr> = masters
        .flat_map(|router| router.addresses_here.iter().filter(|address| moves(router, address)))
        .filter_map(|address| address.split('/').next()?.parse().ok())
        .collect();
    let is_there = |service: &&VirtualServerStatus| match service.key {
        ServiceKey::Address { address, .. } => addresses.contains(&address.ip()),
        // Which packets carry its mark is not known here.
        ServiceKey::FwMark { .. } => false,
    };
    let services: Vec<Leaving> = status
        .virtual_servers
        .iter()
        .map(AsRef::as_ref)
        .filter(is_there)
        .map(|service| Leaving { what: service.key.to_string(), active: active(service) })
        .collect();
    let end = if status.dataplane == "userspace" {
        "which end"
    } else {
        "which end unless the other node has them (lvs_sync_daemon)"
    };
    let all: u32 = services.iter().map(|service| service.active).sum();
    let end = if all == 0 { String::new() } else { format!(", {end}") };
    let services_go = if services.len() == 1 { "1 service goes" } else { &format!("{} services go", services.len()) };
    (!services.is_empty())
        .then(|| format!("{services_go} with the addresses: {}; {all} active connections{end}", named(&services)))
}

/// The active connections of a service.
pub(super) fn active(service: &VirtualServerStatus) -> u32 {
    service.real_servers.iter().map(|server| server.active).sum()
}

fn named(leaving: &[Leaving]) -> String {
    let one = |one: &Leaving| match one.active {
        0 => one.what.clone(),
        active => format!("{} ({active} active)", one.what),
    };
    list(leaving.iter().map(one))
}

/// The first of them, and how many more there are.
fn list(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown = names.take(NAMED).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// Puts what a reload takes away in front of its preview, asks for its name where somebody would feel it, and gives what the
/// token has to stand for beside the plan, and the same in a sentence.
pub(super) fn of_reload(
    preview: &mut Preview,
    foresight: Foresight,
    effects: Effects,
    status: &Status,
) -> (u64, Option<String>) {
    let Foresight { ipvsadm, leaving, mut ended, mut overtaken, is_felt, .. } = foresight;
    let Effects { lines, moving, unsure, coming, assumed, leaving: leave, ended: of_instances, met } = effects;
    ended.extend(of_instances);
    overtaken.extend(met.into_iter().map(|[what, was, is]| Overtaking { what, was, is }));
    let mut clauses = Vec::new();
    if !leaving.is_empty() {
        let all: u32 = leaving.iter().map(|one| one.active).sum();
        clauses.push(format!("GOES: {}; {all} active connections with it", named(&leaving)));
    }
    if !ended.is_empty() {
        clauses.push(format!("ENDS, since its object goes: {}", list(ended.iter().cloned())));
    }
    if !overtaken.is_empty() {
        let one = |Overtaking { what, was, is }: &Overtaking| format!("{what} ({was} -> {is})").replace("; ", ", ");
        clauses.push(format!("MEETS what operators set: {}", list(overtaken.iter().map(one))));
    }
    let said = (!clauses.is_empty()).then(|| clauses.join("; "));
    let whither = |name: &String| if coming.contains(name) { format!("{name} to this node") } else { name.clone() };
    let may_move = |(name, condition): &(String, String)| format!("{} (if {condition})", whither(name));
    let all_moving: Vec<String> = moving.iter().map(whither).chain(unsure.iter().map(may_move)).collect();
    if !all_moving.is_empty() {
        clauses.push(format!("MOVES: {}", list(all_moving.iter().cloned())));
    }
    if !leave.is_empty() {
        clauses.push(format!("LEAVES: {}", list(leave.iter().cloned())));
    }
    clauses.extend(carried(status, |router, address| {
        let is_unsure = || unsure.iter().any(|(name, _)| *name == router.name);
        moving.contains(&router.name) || leave.iter().any(|gone| gone == address) || is_unsure()
    }));
    if !assumed.is_empty() {
        clauses.push(format!("TAKES OVER, though nobody is heard: {}", list(assumed.iter().map(may_move))));
    }
    let mut hasher = DefaultHasher::new();
    (leaving.iter().map(|one| &one.what).collect::<Vec<_>>(), &ended, &overtaken, &all_moving, &leave)
        .hash(&mut hasher);
    preview.confirm = (is_felt || !all_moving.is_empty() || !leave.is_empty()).then(|| "reload".to_owned());
    preview.ipvsadm = ipvsadm;
    let goes = leaving.iter().map(|one| format!("{} goes, {} active connections", one.what, one.active));
    let ends = ended.iter().map(|one| format!("{one} ends with its object"));
    let side = |of: fn(&Overtaking) -> &str| {
        overtaken.iter().map(move |one| format!("{}: {}", one.what, of(one))).take(MOST_LINES).collect::<Vec<_>>()
    };
    preview.before.extend(side(|one| &one.was));
    preview.after.extend(side(|one| &one.is));
    preview.after.extend(goes.chain(ends).chain(lines).take(MOST_LINES));
    clauses.push(std::mem::take(&mut preview.blast_radius));
    preview.blast_radius = clauses.join("; ");
    (hasher.finish(), said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::snapshot::{Counters, Rates, VrrpCounters};
    use serde_json::json;

    /// A master with 10.0.0.1, two services there and one elsewhere.
    fn status(dataplane: &str) -> Status {
        let service = |key: &str, active: u32| {
            let server = json!({"key": "10.0.0.71:80", "forward": "nat", "weight": 1, "configured_weight": 1, "health": "up",
                "health_since": "2026-01-01T00:00:00Z", "admin": "enabled", "added": false, "kernel": null, "active": active,
                "inactive": 0, "persistent": 0, "checks": [], "counters": Counters::default(), "rates": Rates::default()});
            json!({"key": key, "name": null, "scheduler": "rr", "forward": "nat", "persistence": null, "in_kernel": true,
                "quorum": {"need": 1, "have": 1, "up": true}, "sorry_server_active": false, "counters": Counters::default(),
                "rates": Rates::default(), "real_servers": [server]})
        };
        let router = json!({"name": "VI_1", "interface": "eth0", "family": "inet", "vrid": 51, "version": 2, "state": "MASTER",
            "priority": 100, "effective_priority": 100, "advert_interval_ms": 1000, "preempt": true,
            "since": "2026-01-01T00:00:00Z", "reason": "", "addresses": ["10.0.0.1/24"], "addresses_here": ["10.0.0.1/24"],
            "next": null, "peers": [], "counters": VrrpCounters::default(), "history": []});
        let services = [("tcp/10.0.0.1:80", 7), ("tcp/10.0.0.1:443", 0), ("tcp/10.0.0.2:80", 9)];
        serde_json::from_value(json!({"version": 1, "node": "d1", "pid": 1, "mode": "run", "dataplane": dataplane,
            "config": {"file": "x.conf", "loaded_at": "2026-01-01T00:00:00Z", "generation": 1}, "role": "MASTER",
            "last_event": 0, "changed_at": null, "virtual_routers": [router], "drift": [], "foreign": [], "warnings": [],
            "virtual_servers": services.map(|(key, active)| service(key, active))}))
        .unwrap()
    }

    #[test]
    fn the_services_of_an_address_go_with_it() {
        let said = "2 services go with the addresses: tcp/10.0.0.1:80 (7 active), tcp/10.0.0.1:443; 7 active connections, which end";
        assert_eq!(carried(&status("userspace"), |_, _| true).as_deref(), Some(said));
        let kernel = carried(&status("kernel"), |_, _| true).unwrap();
        assert!(kernel.ends_with("which end unless the other node has them (lvs_sync_daemon)"), "{kernel}");
        assert_eq!(carried(&status("kernel"), |router, _| router.name != "VI_1"), None);
    }

    #[test]
    fn a_mastership_that_moves_is_named_with_its_services_and_asks_for_the_word() {
        let effects = Effects {
            lines: vec!["priority 200 -> 90".to_owned()],
            moving: vec!["VI_1".to_owned()],
            ..Effects::default()
        };
        let mut preview = Preview { blast_radius: "1 object changes".to_owned(), ..Preview::default() };
        of_reload(&mut preview, Foresight::default(), effects, &status("kernel"));
        assert!(preview.blast_radius.starts_with("MOVES: VI_1; 2 services go with the addresses: "), "{preview:?}");
        assert_eq!((preview.confirm.as_deref(), preview.after.len()), (Some("reload"), 1));
        let leaves = Effects { leaving: vec!["10.0.0.1/24".to_owned()], ..Effects::default() };
        let mut preview = Preview::default();
        of_reload(&mut preview, Foresight::default(), leaves, &status("kernel"));
        assert!(
            preview.blast_radius.starts_with("LEAVES: 10.0.0.1/24; 2 services go with the addresses: "),
            "{preview:?}"
        );
        assert_eq!(preview.confirm.as_deref(), Some("reload"));
        let name = || "VI_2".to_owned();
        let coming = Effects { moving: vec![name()], coming: vec![name()], ..Effects::default() };
        let mut preview = Preview::default();
        of_reload(&mut preview, Foresight::default(), coming, &status("kernel"));
        assert_eq!((preview.blast_radius.as_str(), preview.confirm.is_some()), ("MOVES: VI_2 to this node; ", true));
        let assumed = vec![(name(), "a master of a priority below 150 is on eth2".to_owned())];
        let mut preview = Preview::default();
        of_reload(&mut preview, Foresight::default(), Effects { assumed, ..Effects::default() }, &status("kernel"));
        let said = "TAKES OVER, though nobody is heard: VI_2 (if a master of a priority below 150 is on eth2); ";
        assert_eq!((preview.blast_radius.as_str(), preview.confirm), (said, None));
        let unsure = Effects {
            unsure: vec![("VI_1".to_owned(), "a backup that was never heard ranks higher".to_owned())],
            ..Effects::default()
        };
        let mut preview = Preview::default();
        of_reload(&mut preview, Foresight::default(), unsure, &status("kernel"));
        let said = "MOVES: VI_1 (if a backup that was never heard ranks higher); 2 services go with the addresses: ";
        assert!(preview.blast_radius.starts_with(said), "{preview:?}");
        assert_eq!(preview.confirm.as_deref(), Some("reload"));
    }

    fn leaving(what: &str, active: u32) -> Leaving {
        Leaving { what: what.to_owned(), active }
    }

    #[test]
    fn what_a_reload_takes_away_comes_first_and_asks_for_its_name() {
        let foresight = Foresight {
            leaving: vec![leaving("tcp/10.0.0.1:80 with 3 real servers", 7)],
            ended: vec!["tcp/10.0.0.1:80 10.0.0.71:80 (draining)".to_owned()],
            is_felt: true,
            ..Foresight::default()
        };
        let of = |foresight: &Foresight| {
            let mut preview = Preview { blast_radius: "4 objects go".to_owned(), ..Preview::default() };
            let (token, said) = of_reload(&mut preview, foresight.clone(), Effects::default(), &status("kernel"));
            (preview, token, said)
        };
        let (preview, token, said) = of(&foresight);
        assert_eq!(
            preview.blast_radius,
            "GOES: tcp/10.0.0.1:80 with 3 real servers (7 active); 7 active connections with it; ENDS, since its object goes: \
             tcp/10.0.0.1:80 10.0.0.71:80 (draining); 4 objects go"
        );
        assert_eq!((preview.confirm.as_deref(), said.is_some()), (Some("reload"), true));
        let overtaking = Overtaking {
            what: "tcp/10.0.0.1:80 10.0.0.71:80".to_owned(),
            was: "added, dr weight 5".to_owned(),
            is: "dr weight 1, as the file says".to_owned(),
        };
        let (meets, ..) = of(&Foresight { overtaken: vec![overtaking], ..Foresight::default() });
        assert_eq!(
            meets.blast_radius,
            "MEETS what operators set: tcp/10.0.0.1:80 10.0.0.71:80 (added, dr weight 5 -> dr weight 1, as the file says); \
             4 objects go"
        );
        assert_eq!(meets.before, ["tcp/10.0.0.1:80 10.0.0.71:80: added, dr weight 5"]);
        assert_eq!(meets.after, ["tcp/10.0.0.1:80 10.0.0.71:80: dr weight 1, as the file says"]);
        let other = |change: fn(&mut Foresight)| {
            let mut other = foresight.clone();
            change(&mut other);
            of(&other).1
        };
        assert_eq!(other(|one| one.leaving[0].active = 8), token, "a large service never stands still");
        assert_ne!(other(|one| one.ended.push("another".to_owned())), token);
        let more = Overtaking { what: "x".to_owned(), was: "removed".to_owned(), is: "removed, still".to_owned() };
        assert_ne!(of(&Foresight { overtaken: vec![more], ..foresight.clone() }).1, token);
        let (preview, _, said) = of(&Foresight::default());
        assert_eq!((preview.blast_radius.as_str(), preview.confirm, said), ("4 objects go", None, None));
    }

    #[test]
    fn a_clause_names_the_first_and_counts_the_others() {
        let many: Vec<Leaving> = (0..7).map(|n| leaving(&format!("s{n}"), n)).collect();
        assert_eq!(named(&many), "s0, s1 (1 active), s2 (2 active), s3 (3 active) and 3 more");
    }
}

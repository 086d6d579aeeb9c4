//! Alarms of the balancer at work: services that refuse everybody, a connection table that is too small, and connection
//! synchronisation that does not do what the file asks.

use super::{Found, Look};
use crate::engine::ipvs::{SyncDaemon, daemon_steps, wanted_daemons};
use crate::engine::model::VirtualServer;
use crate::engine::snapshot::{Health, VirtualRouterState, VirtualServerStatus};

/// Entries in a bucket, on average, from which on each packet's search is felt.
const CROWDED: u64 = 4;
/// Bytes of unread messages from which on a backup is behind.
const BEHIND: u64 = 65_536;

/// Services that are in the kernel and have only their own servers; during the first checks none is judged.
fn judged<'a>(look: &Look<'a>) -> impl Iterator<Item = &'a VirtualServerStatus> + use<'a> {
    let known = |service: &&VirtualServerStatus| {
        let checked = service.real_servers.iter().all(|server| server.health != Health::Unknown);
        service.in_kernel && !service.sorry_server_active && checked
    };
    look.status.virtual_servers.iter().map(AsRef::as_ref).filter(known)
}

/// The weights in the kernel.
fn weights(service: &VirtualServerStatus) -> Vec<u32> {
    service.real_servers.iter().filter_map(|server| server.kernel.map(|kernel| kernel.weight)).collect()
}

/// `no-destination`: the kernel has the service and no real server of it.
pub(super) fn no_destination(look: &Look<'_>) -> Vec<Found> {
    let empty = judged(look).filter(|service| weights(service).is_empty());
    let found = |service: &VirtualServerStatus| Found {
        subject: service.key.to_string(),
        message: "no destination is available: none of its real servers is in the kernel, new connections are refused"
            .to_owned(),
        next: format!("lvsdeck ctl status shows why; lvsdeck ctl add-server {} ADDRESS:PORT adds one", service.key),
    };
    empty.map(found).collect()
}

/// `no-weight`: all real servers are there with weight 0.
pub(super) fn no_weight(look: &Look<'_>) -> Vec<Found> {
    let idle = judged(look).filter(|service| {
        let weights = weights(service);
        !weights.is_empty() && weights.iter().all(|weight| *weight == 0)
    });
    let found = |service: &VirtualServerStatus| Found {
        subject: service.key.to_string(),
        message: "all its real servers have weight 0: new connections are refused".to_owned(),
        next: "lvsdeck ctl restore RS, or lvsdeck ctl weight VS RS N".to_owned(),
    };
    idle.map(found).collect()
}

/// `connection-table-small`: many entries a bucket, or near the limit that newer kernels have.
pub(super) fn table(look: &Look<'_>) -> Vec<Found> {
    let servers = look.status.virtual_servers.iter().flat_map(|service| &service.real_servers);
    let entries: u64 = servers.map(|s| u64::from(s.active) + u64::from(s.inactive) + u64::from(s.persistent)).sum();
    let limit = look.facts.vs.get("conn_max").and_then(|limit| u64::try_from(*limit).ok()).filter(|limit| *limit > 0);
    if let Some(limit) = limit.filter(|limit| entries.saturating_mul(10) >= limit.saturating_mul(8)) {
        return vec![Found {
            subject: "net.ipv4.vs.conn_max".to_owned(),
            message: format!("{entries} connections of at most {limit}: at the limit new ones are refused"),
            next: format!("sysctl -w net.ipv4.vs.conn_max={}", limit.saturating_mul(2)),
        }];
    }
    let Some(size) = look.facts.ipvs.as_ref().map(|ipvs| u64::from(ipvs.table_size)).filter(|size| *size > 0) else {
        return Vec::new();
    };
    if entries < size.saturating_mul(CROWDED) {
        return Vec::new();
    }
    let bits = entries.next_power_of_two().ilog2().clamp(8, 20);
    vec![Found {
        subject: "ip_vs".to_owned(),
        message: format!("{entries} connections are in a table of {size} places: each packet searches a long chain"),
        next: format!(
            "options ip_vs conn_tab_bits={bits} in /etc/modprobe.d/ip_vs.conf; it counts when ip_vs is loaded again"
        ),
    }]
}

/// What the file wants of the sync daemon now; none without such a word.
fn wanted(look: &Look<'_>) -> Option<Vec<SyncDaemon>> {
    let words = look.configuration.global.lvs.sync_daemon.as_ref()?;
    let router = |name: &String| look.status.virtual_routers.iter().find(|router| router.name == *name);
    let is_master =
        words.instance.as_ref().map(|name| router(name).is_some_and(|r| r.state == VirtualRouterState::Master));
    let vrid = words.instance.as_ref().and_then(router).map_or(0, |router| router.vrid);
    Some(wanted_daemons(words, is_master, vrid))
}

/// `sync-daemon`: what the file asks for does not run.
pub(super) fn daemon(look: &Look<'_>) -> Vec<Found> {
    let (Some(wanted), Some(ipvs)) = (wanted(look), look.facts.ipvs.as_ref()) else { return Vec::new() };
    if daemon_steps(&wanted, &ipvs.daemons).is_empty() {
        return Vec::new();
    }
    let name = |daemons: &[SyncDaemon]| {
        let one = |d: &SyncDaemon| format!("{} on {} with id {}", d.role.name(), d.interface, d.sync_id);
        let all: Vec<String> = daemons.iter().map(one).collect();
        if all.is_empty() { "none".to_owned() } else { all.join(" and ") }
    };
    vec![Found {
        subject: "sync-daemon".to_owned(),
        message: format!(
            "connections are not shared as the file asks: wanted is {}, there is {}; a fail-over would break them",
            name(&wanted),
            name(&ipvs.daemons)
        ),
        next: "lvsdeck ctl events shows what the kernel refused; the interface must be up and carry multicast"
            .to_owned(),
    }]
}

/// `sync-daemon-lag`: the daemon that receives does not keep up.
pub(super) fn lag(look: &Look<'_>) -> Vec<Found> {
    let Some(ipvs) = look.facts.ipvs.as_ref().filter(|ipvs| ipvs.dropped > 0 || ipvs.waiting >= BEHIND) else {
        return Vec::new();
    };
    vec![Found {
        subject: "sync-daemon".to_owned(),
        message: format!(
            "the backup daemon is behind: {} bytes wait, {} messages were lost since the last look",
            ipvs.waiting, ipvs.dropped
        ),
        next: "sysctl -w net.ipv4.vs.sync_sock_size=4194304, and start the daemon again; raise sync_refresh_period on the \
               master"
            .to_owned(),
    }]
}

/// `drop-defence`: the kernel throws away connections or packets by chance.
pub(super) fn defence(look: &Look<'_>) -> Vec<Found> {
    let services = look.configuration.virtual_servers.iter().map(|service: &VirtualServer| service.key.to_string());
    let names: Vec<String> = services.collect();
    let words = ["drop_entry", "drop_packet", "secure_tcp"];
    let on = words.into_iter().filter_map(|word| {
        let value = *look.facts.vs.get(word)?;
        // 1 waits for memory to be short, 2 and 3 act now (`Documentation/networking/ipvs-sysctl.rst`).
        (value >= 2 && !names.is_empty()).then(|| Found {
            subject: format!("net.ipv4.vs.{word}"),
            message: format!("it is {value}: the defence against floods is active, and costs real clients too"),
            next: format!("sysctl -w net.ipv4.vs.{word}=1 arms it for when memory is short; 0 turns it off"),
        })
    });
    on.collect()
}

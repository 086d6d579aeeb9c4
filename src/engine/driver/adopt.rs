//! Taking the place of a running keepalived: it is frozen, this engine starts on what it made, and it is ended.
//!
//! keepalived's TERM takes virtual addresses and services away, and its parent starts children that die again. So all of
//! its processes are stopped first, parents before children, and killed at once when this engine is master in its place.
//! When this engine does not come up, keepalived goes on as if nothing had been.

use crate::engine::balance::OwnedService;
use crate::engine::failover::{OwnedAddress, Past};
use crate::engine::io::packet_filter;
use crate::engine::io::processes::{self, Process};
use crate::engine::io::route_netlink::{RouteMessage, RouteSocket};
use crate::engine::ipvs::IpvsTable;
use crate::engine::model::{Configuration, VirtualServer};
use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

/// How long a killed process may take to go.
const GONE: Duration = Duration::from_secs(2);
/// Its tables of nftables, where the file names no other: with `use_vmac`, and where packets to its addresses are dropped.
const TABLES: &[&str] = &["keepalived"];
/// How often it is looked for processes that were started meanwhile.
const LOOKS: usize = 10;

/// A keepalived that runs no further. Thawed when this value is dropped, unless it was [ended](Self::end).
#[derive(Debug)]
pub struct Frozen {
    processes: Vec<Process>,
    /// Just before: it may have sent its last advertisement an interval earlier.
    at: Instant,
}

impl Frozen {
    /// Freezes every keepalived of this network namespace; none when there is none. Errors: one of them can't be frozen.
    pub fn freeze() -> io::Result<Option<Self>> {
        let mut frozen = Self { processes: Vec::new(), at: Instant::now() };
        for _ in 0..LOOKS {
            let known = |pid: &u32| frozen.processes.iter().any(|process| process.pid == *pid);
            let fresh = processes::keepalived().into_iter().filter(|pid| !known(pid));
            // One that has gone meanwhile is none to freeze.
            let mut fresh: Vec<Process> = fresh.filter_map(|pid| Process::hold(pid).ok()).collect();
            if fresh.is_empty() {
                return Ok((!frozen.processes.is_empty()).then_some(frozen));
            }
            let numbers: Vec<u32> = fresh.iter().map(|process| process.pid).collect();
            fresh.sort_by_key(|process| numbers.contains(&process.parent));
            for process in fresh {
                process.freeze()?;
                frozen.processes.push(process);
            }
        }
        Err(io::Error::other("keepalived starts new processes faster than they can be stopped"))
    }

    /// Its main process, for messages.
    pub fn pid(&self) -> u32 {
        self.processes.first().map_or(0, |process| process.pid)
    }

    /// What it was master of, by the addresses that are on the host.
    pub fn past(&self, configuration: &Configuration) -> io::Result<Past> {
        Ok(Past::of_keepalived(configuration, &addresses()?, self.at))
    }

    /// Ends it, with what it made left in place. Errors: a process that does not go.
    pub fn end(mut self) -> io::Result<()> {
        let processes = std::mem::take(&mut self.processes);
        // Children first: they ask the kernel for a TERM when their parent dies.
        for process in processes.iter().rev() {
            // One that has gone already is as good.
            let _ = process.kill();
        }
        match processes.iter().find(|process| !process.wait_gone(GONE)) {
            None => Ok(()),
            Some(left) => Err(io::Error::other(format!("process {} does not end", left.pid))),
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for process in self.processes.iter().rev() {
            let _ = process.thaw(); // one that has gone needs none
        }
    }
}

/// Removes the rules that a keepalived which was [ended](Frozen::end) has left in the kernel's packet filter: nobody else
/// would, and what they drop may be for this engine. Gives the tables.
pub fn remove_rules() -> io::Result<Vec<String>> {
    packet_filter::remove_tables(TABLES)
}

/// The configured services that are in the kernel's table, with those of their servers that are: what keepalived made.
pub fn services(configuration: &Configuration, table: &IpvsTable) -> Vec<OwnedService> {
    let made = |service: &VirtualServer| {
        let found = table.services.get(&service.key)?;
        let sorry = service.sorry_server.iter().map(|sorry| sorry.key);
        let keys = service.real_servers.iter().map(|server| server.key).chain(sorry);
        let servers = keys.filter(|key| found.destinations.contains_key(key)).collect();
        Some(OwnedService { key: service.key, servers })
    };
    configuration.virtual_servers.iter().filter_map(made).collect()
}

/// Every address of this host.
fn addresses() -> io::Result<Vec<OwnedAddress>> {
    let (mut names, mut found) = (HashMap::new(), Vec::new());
    RouteSocket::open()?.dump(|message| match message {
        RouteMessage::Link { index, name, .. } => _ = names.insert(index, name),
        RouteMessage::Address { index, address, prefix, present: true, .. } => found.push((index, address, prefix)),
        RouteMessage::Address { .. }
        | RouteMessage::LinkGone { .. }
        | RouteMessage::Ack { .. }
        | RouteMessage::Resync => {}
    })?;
    let owned = |(index, address, prefix)| {
        let interface = names.get(&index)?.clone();
        Some(OwnedAddress { interface, address, prefix })
    };
    Ok(found.into_iter().filter_map(owned).collect())
}

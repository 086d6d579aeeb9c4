//! Computes a window of rows from a status.
//!
//! Only references are selected, filtered and sorted, servers only where the window touches their service; a [`Row`] is
//! built for what is shown and nothing else, so that 100,000 servers cost a walk and a screenful.

use super::facts::{DriftIndex, ServiceFacts, parse_row_key, server_note, server_rank};
use super::filter::Filter;
use super::{
    Admin, Health, Rates, RealServerStatus, Row, RowKind, RowsPage, RowsQuery, Sort, Status, VirtualServerStatus,
};
use crate::engine::model::{RealServerKey, ServiceKey};
use std::cmp::{Ordering, Reverse};
use std::collections::HashSet;
use std::time::SystemTime;

/// Rows given when the query has no limit.
const DEFAULT_LIMIT: usize = 200;
/// Most rows given at once.
const MAX_LIMIT: usize = 2000;

/// A service that is shown, with the servers that are shown below it (none while it is folded).
struct Group<'a> {
    service: &'a VirtualServerStatus,
    facts: ServiceFacts,
    expanded: bool,
    servers: Vec<&'a RealServerStatus>,
}

impl Group<'_> {
    fn len(&self) -> usize {
        1 + self.servers.len()
    }
}

impl RowsPage {
    /// The window that a query asks for; `now` gives the ages.
    pub fn of(status: &Status, query: &RowsQuery, now: SystemTime) -> Self {
        let drift = DriftIndex::of(&status.drift);
        let mut groups = select(status, query, &drift);
        sort_services(&mut groups, query.sort);
        let total = groups.iter().map(Group::len).sum();
        let anchored = query.anchor.as_deref().and_then(|key| find(&mut groups, key, query.sort, &drift));
        let offset = anchored.or(query.offset).unwrap_or(0).min(total);
        let limit = query.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
        Self {
            total,
            offset,
            services: (groups.len(), status.virtual_servers.len()),
            rows: window(&mut groups, offset, limit, query.sort, &drift, now),
            anchor_found: anchored.is_some(),
        }
    }
}

/// The services that match or have a server that does.
fn select<'a>(status: &'a Status, query: &RowsQuery, drift: &DriftIndex<'_>) -> Vec<Group<'a>> {
    // The fronts refuse a filter that can't be read before it comes here: then nothing matches.
    let Ok(filter) = Filter::new(query.filter.as_deref().unwrap_or_default()) else { return Vec::new() };
    let expand = Expand::new(query.expand.as_deref());
    let groups = status.virtual_servers.iter().filter_map(|service| {
        let facts = ServiceFacts::of(service, drift);
        let expanded = expand.holds(service.key);
        let (itself, mut servers) = filter.apply(service, &facts, drift);
        let shown = itself || !servers.is_empty();
        if !expanded {
            servers = Vec::new();
        }
        shown.then_some(Group { service, facts, expanded, servers })
    });
    groups.collect()
}

/// Which services are unfolded.
enum Expand {
    Only(HashSet<ServiceKey>),
    AllBut(HashSet<ServiceKey>),
}

impl Expand {
    fn new(text: Option<&str>) -> Self {
        let keys = |list: &str| list.split(',').filter_map(|key| key.trim().parse().ok()).collect();
        match text.map(str::trim) {
            None | Some("all" | "") => Self::AllBut(HashSet::new()),
            Some("none") => Self::Only(HashSet::new()),
            Some(list) => match list.strip_prefix('-') {
                Some(folded) => Self::AllBut(keys(folded)),
                None => Self::Only(keys(list)),
            },
        }
    }
    fn holds(&self, key: ServiceKey) -> bool {
        match self {
            Self::Only(unfolded) => unfolded.contains(&key),
            Self::AllBut(folded) => !folded.contains(&key),
        }
    }
}

fn sort_services(groups: &mut [Group<'_>], sort: Sort) {
    match sort {
        Sort::Problems => groups.sort_by_key(|g| g.facts.rank(g.service)),
        Sort::File => {}
        Sort::Key => groups.sort_by_key(|g| g.service.key),
        Sort::Active => groups.sort_by_key(|g| Reverse(g.facts.active)),
        Sort::Rate => groups.sort_by(|a, b| busier(&a.service.rates, &b.service.rates)),
    }
}

fn sort_servers(group: &mut Group<'_>, sort: Sort, drift: &DriftIndex<'_>) {
    let service = group.service.key;
    let servers = &mut group.servers;
    match sort {
        Sort::Problems => servers.sort_by_key(|s| server_rank(s, drift.server(service, s.key))),
        Sort::File => {}
        Sort::Key => servers.sort_by_key(|s| s.key),
        Sort::Active => servers.sort_by_key(|s| Reverse(s.active)),
        Sort::Rate => servers.sort_by(|a, b| busier(&a.rates, &b.rates)),
    }
}

fn busier(a: &Rates, b: &Rates) -> Ordering {
    b.connections_per_s.total_cmp(&a.connections_per_s)
}

/// Index of the row with this key among all rows; sorts the service that it is in.
fn find(groups: &mut [Group<'_>], key: &str, sort: Sort, drift: &DriftIndex<'_>) -> Option<usize> {
    let (service, server) = parse_row_key(key)?;
    let at = groups.iter().position(|g| g.service.key == service)?;
    let above: usize = groups.iter().take(at).map(Group::len).sum();
    let Some(server) = server else { return Some(above) };
    let group = groups.get_mut(at)?;
    sort_servers(group, sort, drift);
    group.servers.iter().position(|s| s.key == server).map(|below| above + 1 + below)
}

fn window(
    groups: &mut [Group<'_>],
    offset: usize,
    limit: usize,
    sort: Sort,
    drift: &DriftIndex<'_>,
    now: SystemTime,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut skip = offset;
    for group in groups {
        if rows.len() == limit {
            break;
        }
        if skip >= group.len() {
            skip -= group.len();
            continue;
        }
        if skip == 0 {
            rows.push(service_row(group, drift));
        }
        let servers_above = skip.saturating_sub(1);
        skip = 0;
        let room = limit - rows.len();
        if room > 0 && servers_above < group.servers.len() {
            sort_servers(group, sort, drift);
            let shown = group.servers.iter().skip(servers_above).take(room);
            rows.extend(shown.map(|server| server_row(group.service, server, drift, now)));
        }
    }
    rows
}

fn service_row(group: &Group<'_>, drift: &DriftIndex<'_>) -> Row {
    let Group { service, facts, expanded, .. } = group;
    let sum = |value: fn(&RealServerStatus) -> u32| service.real_servers.iter().map(value).fold(0, u32::saturating_add);
    let key = service.key.to_string();
    let drifts = drift.service(service.key).filter(|_| service.quorum.up);
    Row {
        service: key.clone(),
        key,
        kind: RowKind::Service,
        server: None,
        name: service.name.clone(),
        scheduler: Some(service.scheduler.name().to_owned()),
        persistence: service.persistence,
        forward: service.forward.ipvsadm_name().to_owned(),
        weight: sum(|s| s.weight),
        configured_weight: sum(|s| s.configured_weight),
        wanted_weight: other(sum(RealServerStatus::wanted_weight), sum(|s| s.configured_weight)),
        weight_until: None,
        kernel_weight: service.in_kernel.then(|| sum(|s| s.kernel.map_or(0, |k| k.weight))),
        active: facts.active,
        inactive: sum(|s| s.inactive),
        health: if service.quorum.up { Health::Up } else { Health::Down },
        admin: Admin::Enabled,
        note: drifts.map_or_else(|| facts.note(service), |d| format!("DRIFT found {}", d.found)),
        health_age_s: None,
        problem: facts.rank(service) < 2,
        expanded: *expanded,
        added: false,
        drain: None,
        slow_start: None,
        counters: service.counters,
        rates: service.rates,
    }
}

fn server_row(
    service: &VirtualServerStatus,
    server: &RealServerStatus,
    drift: &DriftIndex<'_>,
    now: SystemTime,
) -> Row {
    let drift = drift.server(service.key, server.key);
    Row {
        key: row_key(service.key, server.key),
        kind: RowKind::Server,
        service: service.key.to_string(),
        server: Some(server.key.to_string()),
        name: service.name.clone(),
        scheduler: None,
        persistence: None,
        forward: server.forward.ipvsadm_name().to_owned(),
        weight: server.weight,
        configured_weight: server.configured_weight,
        wanted_weight: other(server.wanted_weight(), server.configured_weight),
        weight_until: server.overridden.as_ref().filter(|_| server.admin == Admin::Enabled).and_then(|by| by.until),
        kernel_weight: server.kernel.map(|k| k.weight),
        active: server.active,
        inactive: server.inactive,
        health: server.health,
        admin: server.admin,
        note: server_note(server, drift, service.sorry_server_active),
        health_age_s: Some(now.duration_since(server.health_since).map_or(0, |age| age.as_secs())),
        problem: server_rank(server, drift) < 2,
        expanded: false,
        added: server.added,
        drain: server.drain.as_deref().cloned(),
        slow_start: server.slow_start.as_deref().copied(),
        counters: *server.counters,
        rates: *server.rates,
    }
}

/// What is wanted, where the file has something else.
fn other(wanted: u32, file: u32) -> Option<u32> {
    (wanted != file).then_some(wanted)
}

/// The stable name of a server's row.
pub(super) fn row_key(service: ServiceKey, server: RealServerKey) -> String {
    format!("{service} {server}")
}

//! Virtual servers and real servers: quorum, health, weights, connections, traffic, checks.

use super::MetricKind::{self, Counter, Gauge, StateSet};
use super::{MetricFamily, MetricValue, family, family_name, labels, with};
use crate::engine::model::ServiceKey;
use crate::engine::snapshot::{Admin, Health, RealServerStatus, Status, Summary, VirtualServerStatus};
use std::sync::Arc;
use std::time::Duration;

/// A family with one sample a `T`, or none where it has no value.
type Column<T> = (MetricKind, &'static str, &'static str, &'static str, fn(&T) -> Option<MetricValue>);

const SERVICES: &[Column<VirtualServerStatus>] = &[
    (Gauge, "lvsdeck_service_up", "", "1 while the service has its quorum", |s| some(s.quorum.up)),
    (Gauge, "lvsdeck_service_quorum_weight", "", "Weight that the quorum needs", |s| some(s.quorum.need)),
    (Gauge, "lvsdeck_service_weight", "", "Weight of the servers that are up", |s| some(s.quorum.have)),
    (Gauge, "lvsdeck_service_sorry_server_active", "", "1 while the sorry server serves", |s| {
        some(s.sorry_server_active)
    }),
    (Gauge, "lvsdeck_service_in_kernel", "", "1 while the kernel has the service", |s| some(s.in_kernel)),
    (Gauge, "lvsdeck_service_active_connections", "", "Active connections of all its servers", |s| {
        some(s.real_servers.iter().map(|r| u64::from(r.active)).sum::<u64>())
    }),
    (Gauge, "lvsdeck_service_inactive_connections", "", "Inactive connections of all its servers", |s| {
        some(s.real_servers.iter().map(|r| u64::from(r.inactive)).sum::<u64>())
    }),
    (Counter, "lvsdeck_service_connections", "", "Connections scheduled", |s| some(s.counters.connections)),
    (Counter, "lvsdeck_service_in_packets", "", "Packets from clients", |s| some(s.counters.in_packets)),
    (Counter, "lvsdeck_service_out_packets", "", "Packets to clients", |s| some(s.counters.out_packets)),
    (Counter, "lvsdeck_service_in_bytes", "bytes", "Bytes from clients", |s| some(s.counters.in_bytes)),
    (Counter, "lvsdeck_service_out_bytes", "bytes", "Bytes to clients", |s| some(s.counters.out_bytes)),
];

const SERVERS: &[Column<RealServerStatus>] = &[
    (Gauge, "lvsdeck_server_up", "", "1 while its checks pass; 0 while they fail or before the first", |s| {
        some(s.health == Health::Up)
    }),
    (Gauge, "lvsdeck_server_last_health_change_timestamp_seconds", "seconds", "When its health last changed", |s| {
        some(s.health_since)
    }),
    (Gauge, "lvsdeck_server_weight", "", "Weight that lvsdeck wants in the kernel now", |s| some(s.weight)),
    (Gauge, "lvsdeck_server_configured_weight", "", "Weight in the file, or as it was added", |s| {
        some(s.configured_weight)
    }),
    (Gauge, "lvsdeck_server_kernel_weight", "", "Weight in the kernel; absent where it is not in the table", |s| {
        s.kernel.map(|kernel| kernel.weight.into())
    }),
    (Gauge, "lvsdeck_server_slow_start_weight", "", "Weight that it is to have; absent without a slow start", |s| {
        s.slow_start.as_ref().map(|rising| rising.weight.into())
    }),
    (
        Gauge,
        "lvsdeck_server_slow_start_end_timestamp_seconds",
        "seconds",
        "When it has all of its weight; absent without a slow start",
        |s| s.slow_start.as_ref().map(|rising| rising.full_at.into()),
    ),
    (
        Gauge,
        "lvsdeck_server_drain_start_timestamp_seconds",
        "seconds",
        "Since when it drains or is in maintenance; absent otherwise",
        |s| s.drain.as_ref().map(|drain| drain.since.into()),
    ),
    (Gauge, "lvsdeck_server_drain_connections", "", "What a drain waits for; absent without one", |s| {
        s.drain.as_ref().map(|drain| drain.left.into())
    }),
    (
        Gauge,
        "lvsdeck_server_drain_empty_seconds",
        "seconds",
        "About how long until no connection is left; absent where that is not known",
        |s| s.drain.as_ref()?.empty_in_s.map(Into::into),
    ),
    (
        Gauge,
        "lvsdeck_server_drain_deadline_timestamp_seconds",
        "seconds",
        "When a drain ends although connections are left; absent without a deadline",
        |s| s.drain.as_ref()?.deadline_at.map(Into::into),
    ),
    (Gauge, "lvsdeck_server_active_connections", "", "Active connections", |s| some(s.active)),
    (Gauge, "lvsdeck_server_inactive_connections", "", "Inactive connections", |s| some(s.inactive)),
    (Gauge, "lvsdeck_server_persistence_templates", "", "Persistence templates", |s| some(s.persistent)),
    (Counter, "lvsdeck_server_connections", "", "Connections scheduled", |s| some(s.counters.connections)),
    (Counter, "lvsdeck_server_in_packets", "", "Packets from clients", |s| some(s.counters.in_packets)),
    (Counter, "lvsdeck_server_out_packets", "", "Packets to clients", |s| some(s.counters.out_packets)),
    (Counter, "lvsdeck_server_in_bytes", "bytes", "Bytes from clients", |s| some(s.counters.in_bytes)),
    (Counter, "lvsdeck_server_out_bytes", "bytes", "Bytes to clients", |s| some(s.counters.out_bytes)),
];

#[allow(clippy::unnecessary_wraps)] // what a column's function gives
fn some(value: impl Into<MetricValue>) -> Option<MetricValue> {
    Some(value.into())
}

/// The families of real servers that have more than one sample a server.
struct Details {
    admin: MetricFamily,
    check_up: MetricFamily,
    check_failures: MetricFamily,
    check_latency: MetricFamily,
}

pub(super) fn families(status: &Status, summary: &Summary, most_servers: usize) -> Vec<MetricFamily> {
    let mut services = columns(SERVICES);
    let mut by_state = family(Gauge, "lvsdeck_service_servers", "", "Real servers of the service, by state");
    let mut servers = columns(SERVERS);
    let mut details = Details {
        admin: family(StateSet, "lvsdeck_server_admin", "", "What the operator wants of the server"),
        check_up: family(Gauge, "lvsdeck_server_check_up", "", "1 when the check last passed; absent before the first"),
        check_failures: family(Gauge, "lvsdeck_server_check_failures", "", "Failures in a row"),
        check_latency: family(Gauge, "lvsdeck_server_check_latency_seconds", "seconds", "How long the check last took"),
    };
    let mut room = most_servers;
    let mut left_out = 0;
    for service in &status.virtual_servers {
        let labels = service_labels(&service.key);
        fill(&mut services, SERVICES, &labels, service);
        count(&mut by_state, &labels, service);
        // Whole services, so that a sum over a service's servers is right or absent.
        if service.real_servers.len() > room {
            left_out += service.real_servers.len();
            continue;
        }
        room -= service.real_servers.len();
        for server in &service.real_servers {
            let labels = with(&labels, "server_address", &server.key.0.ip().to_string());
            let labels = with(&labels, "server_port", &server.key.0.port().to_string());
            fill(&mut servers, SERVERS, &labels, server);
            details.add(&labels, server);
        }
    }
    services.push(by_state);
    services.append(&mut servers);
    let Details { admin, check_up, check_failures, check_latency } = details;
    services.extend([admin, check_up, check_failures, check_latency]);
    services.extend(totals(summary, left_out));
    services
}

fn columns<T>(columns: &[Column<T>]) -> Vec<MetricFamily> {
    columns.iter().map(|(kind, name, unit, help, _)| family(*kind, name, unit, help)).collect()
}

fn fill<T>(families: &mut [MetricFamily], columns: &[Column<T>], labels: &Arc<str>, thing: &T) {
    for (family, (.., value)) in families.iter_mut().zip(columns) {
        if let Some(value) = value(thing) {
            family.put(labels, value);
        }
    }
}

impl Details {
    fn add(&mut self, labels: &Arc<str>, server: &RealServerStatus) {
        let admin = match server.admin {
            Admin::Enabled => "enabled",
            Admin::Draining => "draining",
            Admin::Maintenance => "maintenance",
        };
        self.admin.put_state(labels, &["enabled", "draining", "maintenance"], admin);
        for (number, check) in server.checks.iter().enumerate() {
            let labels = with(&with(labels, "check", &check.kind), "number", &(number + 1).to_string());
            if let Some(ok) = check.ok {
                self.check_up.put(&labels, ok);
            }
            self.check_failures.put(&labels, check.failures.0);
            if let Some(latency) = check.latency_ms {
                self.check_latency
                    .put(&labels, Duration::try_from_secs_f64(latency / 1000.0).map_or(0.0, |l| l.as_secs_f64()));
            }
        }
    }
}

/// Protocol, address and port, or the firewall mark; and the family, which a mark alone does not tell.
fn service_labels(key: &ServiceKey) -> Arc<str> {
    let family = family_name(key.family());
    match key {
        ServiceKey::Address { protocol, address } => labels(&[
            ("protocol", protocol.name()),
            ("address", &address.ip().to_string()),
            ("port", &address.port().to_string()),
            ("family", family),
        ]),
        ServiceKey::FwMark { mark, .. } => {
            labels(&[("protocol", "fwmark"), ("fwmark", &mark.to_string()), ("family", family)])
        }
    }
}

/// Each server once, in the first that holds of down, draining, unknown, up: as in the summary.
fn count(by_state: &mut MetricFamily, labels: &Arc<str>, service: &VirtualServerStatus) {
    let (mut up, mut down, mut draining, mut unknown) = (0_u64, 0_u64, 0_u64, 0_u64);
    for server in &service.real_servers {
        *match (server.health, server.admin) {
            (Health::Down, _) => &mut down,
            (Health::Up | Health::Unknown, Admin::Draining | Admin::Maintenance) => &mut draining,
            (Health::Unknown, Admin::Enabled) => &mut unknown,
            (Health::Up, Admin::Enabled) => &mut up,
        } += 1;
    }
    for (state, count) in [("up", up), ("down", down), ("draining", draining), ("unknown", unknown)] {
        by_state.put(&with(labels, "state", state), count);
    }
}

fn totals(summary: &Summary, left_out: usize) -> [MetricFamily; 3] {
    let none = labels(&[]);
    let mut services = family(Gauge, "lvsdeck_services", "", "Services, with and without their quorum");
    let (degraded, all) = summary.services_degraded;
    services.put(&labels(&[("state", "up")]), all.saturating_sub(degraded));
    services.put(&labels(&[("state", "degraded")]), degraded);
    let mut servers = family(Gauge, "lvsdeck_servers", "", "Real servers by state, counted once a service");
    let totals = &summary.totals;
    for (state, count) in
        [("up", totals.up), ("down", totals.down), ("draining", totals.draining), ("unknown", totals.unknown)]
    {
        servers.put(&labels(&[("state", state)]), count);
    }
    let help = "Real servers without series of their own, since there are too many";
    let mut without = family(Gauge, "lvsdeck_servers_without_series", "", help);
    without.put(&none, left_out);
    [services, servers, without]
}

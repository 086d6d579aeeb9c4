//! Every listing as JSON: exact numbers, numeric addresses, units in the names.

use crate::engine::scheduler_flag_names;
use crate::engine::{
    Checksum, Destination, KernelRates, ServerEntry, ServiceEntry, SyncDaemon, Timeouts, Traffic, Tunnel, ipvs_proc,
};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes a value and a line's end.
pub fn print(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// A whole table.
pub fn table(services: &[Value]) -> Value {
    json!({ "services": services })
}

/// A service with its real servers.
pub fn service(entry: &ServiceEntry) -> Value {
    let settings = &entry.service;
    let flags = scheduler_flag_names(settings.scheduler_flags, &settings.scheduler);
    json!({
        "key": entry.key,
        "scheduler": settings.scheduler,
        "scheduler_flags": flags.split(',').filter(|flag| !flag.is_empty()).collect::<Vec<_>>(),
        "persistence": settings.persistence.map(|persistence| json!({
            "timeout_s": persistence.timeout,
            "prefix": settings.odd_mask.is_none().then_some(persistence.prefix),
            "mask": settings.odd_mask,
        })),
        "persistence_engine": settings.engine,
        "one_packet": settings.one_packet,
        "counters": counters(&settings.traffic),
        "rates": rates(&entry.rates),
        "real_servers": entry.servers.iter().map(server).collect::<Vec<_>>(),
    })
}

fn server(entry: &ServerEntry) -> Value {
    let Destination {
        forwarding,
        tunnel,
        weight,
        upper_threshold,
        lower_threshold,
        active,
        inactive,
        persistent,
        traffic,
    } = &entry.destination;
    json!({
        "key": entry.key,
        "forward": forwarding,
        "tunnel": if *forwarding == crate::engine::Forwarding::Tun { self::tunnel(*tunnel) } else { Value::Null },
        "weight": weight,
        "upper_threshold": upper_threshold,
        "lower_threshold": lower_threshold,
        "active": active,
        "inactive": inactive,
        "persistent": persistent,
        "counters": counters(traffic),
        "rates": rates(&entry.rates),
    })
}

fn tunnel(tunnel: Tunnel) -> Value {
    let word = |checksum: Checksum| checksum.to_string();
    match tunnel {
        Tunnel::Ipip => json!({ "type": "ipip" }),
        Tunnel::Gue { port, checksum } => json!({ "type": "gue", "port": port, "checksum": word(checksum) }),
        Tunnel::Gre { checksum } => json!({ "type": "gre", "checksum": word(checksum) }),
    }
}

fn counters(traffic: &Traffic) -> Value {
    let Traffic { connections, in_packets, out_packets, in_bytes, out_bytes } = traffic;
    json!({ "connections": connections, "in_packets": in_packets, "out_packets": out_packets, "in_bytes": in_bytes,
        "out_bytes": out_bytes })
}

fn rates(rates: &KernelRates) -> Value {
    let KernelRates { connections, in_packets, out_packets, in_bytes, out_bytes } = rates;
    json!({ "connections_per_s": connections, "in_packets_per_s": in_packets, "out_packets_per_s": out_packets,
        "in_bytes_per_s": in_bytes, "out_bytes_per_s": out_bytes })
}

/// The timeouts.
pub fn timeouts(timeouts: Timeouts) -> Value {
    json!({ "tcp_s": timeouts.tcp, "tcp_fin_s": timeouts.tcp_fin, "udp_s": timeouts.udp })
}

/// The sync daemons.
pub fn daemons(daemons: &[SyncDaemon]) -> Value {
    let one = |daemon: &SyncDaemon| {
        json!({ "role": daemon.role.name(), "interface": daemon.interface, "sync_id": daemon.sync_id,
            "max_length_bytes": daemon.max_length, "group": daemon.group, "port": daemon.port, "ttl": daemon.ttl })
    };
    json!({ "daemons": daemons.iter().map(one).collect::<Vec<_>>() })
}

/// The connections: one object a line, so that a table of any length is written as it is read.
pub fn connections(out: &mut dyn Write) -> io::Result<()> {
    ipvs_proc::connections(|connection| {
        let engine = connection.engine.map(|(name, key)| json!({ "name": name, "data": key }));
        let value = json!({
            "protocol": connection.protocol,
            "expires_s": connection.expires,
            "state": connection.state,
            "client": connection.client,
            "service": connection.service,
            "real_server": connection.server,
            "persistence_engine": engine,
        });
        writeln!(out, "{value}")
    })
}

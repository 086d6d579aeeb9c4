//! ipvsadm's lists, byte for byte.
//!
//! ```text
//! Prot LocalAddress:Port Scheduler Flags
//!   -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
//! TCP  10.0.0.1:80 wrr persistent 60
//!   -> 10.0.0.71:80                 Route   1      0          0
//! ```

use super::request::{Columns, Listing};
use super::text::Naming;
use crate::engine::scheduler_flag_names;
use crate::engine::{
    Checksum, Destination, Family, Forwarding, KernelRates, Persistence, Protocol, ServerEntry, Service, ServiceEntry,
    ServiceKey, SyncDaemon, Timeouts, Traffic, Tunnel, ipvs_proc,
};
use std::io::{self, Write};
use std::net::Ipv4Addr;

/// What stands above a table.
pub fn header(columns: Columns) -> &'static str {
    match columns {
        Columns::Usual => {
            "Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
        }
        Columns::Tunnels => {
            "Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn\n"
        }
        Columns::Stats => {
            "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  -> RemoteAddress:Port\n"
        }
        Columns::Rates => {
            "Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n  -> RemoteAddress:Port\n"
        }
        Columns::Thresholds => {
            "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n  -> RemoteAddress:Port\n"
        }
        Columns::Persistent => {
            "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn \n  -> RemoteAddress:Port\n"
        }
    }
}

/// A service with its real servers.
pub fn service(out: &mut dyn Write, entry: &ServiceEntry, how: &Listing, naming: &mut Naming) -> io::Result<()> {
    let name = match entry.key {
        ServiceKey::FwMark { mark, family } => {
            let family = if family == Family::Inet6 { " IPv6" } else { "" };
            format!("FWM  {}{family}", mark.cast_signed()) // a signed number, as ipvsadm has it
        }
        ServiceKey::Address { protocol, address } => {
            let word = match protocol {
                Protocol::Tcp => "TCP ",
                Protocol::Udp => "UDP ",
                Protocol::Sctp => "SCTP",
            };
            format!("{word} {}", naming.endpoint(address, Some(protocol)))
        }
    };
    if let Some(numbers) = counted(how, &entry.service.traffic, &entry.rates) {
        writeln!(out, "{name:<33}{numbers}")?;
    } else {
        write!(out, "{name} ")?;
        settings(out, &entry.key, &entry.service)?;
    }
    entry.servers.iter().try_for_each(|server| self::server(out, server, &entry.key, how, naming))
}

/// The five numbers of a row, where the list is one of numbers.
fn counted(how: &Listing, traffic: &Traffic, rates: &KernelRates) -> Option<String> {
    let numbers = match how.columns {
        Columns::Stats => {
            [traffic.connections, traffic.in_packets, traffic.out_packets, traffic.in_bytes, traffic.out_bytes]
        }
        Columns::Rates => [rates.connections, rates.in_packets, rates.out_packets, rates.in_bytes, rates.out_bytes],
        Columns::Usual | Columns::Tunnels | Columns::Thresholds | Columns::Persistent => return None,
    };
    Some(numbers.map(|number| if how.exact { format!(" {number:>8}") } else { rounded(number) }).concat())
}

/// A number in nine columns: from 100 million on in thousands, and so on.
fn rounded(number: u64) -> String {
    match number {
        0..=99_999_999 => format!("{number:>9}"),
        100_000_000..=999_999_999 => format!("{:>8}K", number / 1_000),
        1_000_000_000..=99_999_999_999 => format!("{:>8}M", number / 1_000_000),
        100_000_000_000..=99_999_999_999_999 => format!("{:>8}G", number / 1_000_000_000),
        _ => format!("{:>8}T", number / 1_000_000_000_000),
    }
}

/// `wrr persistent 60 mask 255.255.255.0 pe sip ops`
fn settings(out: &mut dyn Write, key: &ServiceKey, service: &Service) -> io::Result<()> {
    write!(out, "{}", service.scheduler)?;
    if service.scheduler_flags != 0 {
        write!(out, " ({})", scheduler_flag_names(service.scheduler_flags, &service.scheduler))?;
    }
    if let Some(persistence) = service.persistence {
        write!(out, " persistent {}", persistence.timeout)?;
        if let Some(mask) = mask(key, persistence, service.odd_mask) {
            write!(out, " mask {mask}")?;
        }
        if let Some(engine) = &service.engine {
            write!(out, " pe {engine}")?;
        }
    }
    writeln!(out, "{}", if service.one_packet { " ops" } else { "" })
}

/// The persistence mask, unless each client is for itself.
pub fn mask(key: &ServiceKey, persistence: Persistence, odd: Option<Ipv4Addr>) -> Option<String> {
    match (key.family(), persistence.prefix) {
        (_, _) if odd.is_some() => odd.map(|mask| mask.to_string()),
        (Family::Inet, 32) | (Family::Inet6, 128) => None,
        (Family::Inet, prefix) => {
            let bits = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            Some(Ipv4Addr::from(bits).to_string())
        }
        (Family::Inet6, prefix) => Some(prefix.to_string()),
    }
}

fn server(
    out: &mut dyn Write,
    entry: &ServerEntry,
    service: &ServiceKey,
    how: &Listing,
    naming: &mut Naming,
) -> io::Result<()> {
    let name = naming.server(entry.key, service);
    let Destination {
        forwarding, tunnel, weight, upper_threshold, lower_threshold, active, inactive, persistent, ..
    } = &entry.destination;
    if let Some(numbers) = counted(how, &entry.destination.traffic, &entry.rates) {
        return writeln!(out, "  -> {name:<28}{numbers}");
    }
    write!(out, "  -> {name:<28} ")?;
    let method = forwarding.ipvsadm_name();
    match how.columns {
        Columns::Thresholds => write!(out, "{upper_threshold:<10} {lower_threshold:<10} ")?,
        Columns::Persistent => write!(out, "{:<9} {persistent:<11} ", weight.get())?,
        Columns::Tunnels => {
            write!(out, "{method:<7} {:<13} {:<6} ", tunnel_words(*forwarding, *tunnel), weight.get())?;
        }
        Columns::Usual | Columns::Stats | Columns::Rates => write!(out, "{method:<7} {:<6} ", weight.get())?,
    }
    writeln!(out, "{active:<10} {inactive:<10}")
}

/// `ipip`, `gue:6080:r+c`, `gre:-c`, `n/a`
fn tunnel_words(forwarding: Forwarding, tunnel: Tunnel) -> String {
    let sum = |checksum| match checksum {
        Checksum::Off => "-c",
        Checksum::On => "+c",
        Checksum::Remote => "r+c",
    };
    match (forwarding, tunnel) {
        (Forwarding::Nat | Forwarding::Dr | Forwarding::Local, _) => "n/a".to_owned(),
        (Forwarding::Tun, Tunnel::Ipip) => "ipip".to_owned(),
        (Forwarding::Tun, Tunnel::Gue { port, checksum }) => format!("gue:{port}:{}", sum(checksum)),
        (Forwarding::Tun, Tunnel::Gre { checksum }) => format!("gre:{}", sum(checksum)),
    }
}

/// The timeouts.
pub fn timeouts(out: &mut dyn Write, timeouts: Timeouts) -> io::Result<()> {
    writeln!(out, "Timeout (tcp tcpfin udp): {} {} {}", timeouts.tcp, timeouts.tcp_fin, timeouts.udp)
}

/// One sync daemon. What the kernel does not tell is not shown.
pub fn daemon(out: &mut dyn Write, daemon: &SyncDaemon) -> io::Result<()> {
    write!(out, "{} sync daemon (mcast={}, syncid={}", daemon.role.name(), daemon.interface, daemon.sync_id)?;
    if daemon.max_length != 0 {
        write!(out, ", maxlen={}", daemon.max_length)?;
    }
    if let Some(group) = daemon.group {
        write!(out, ", group={group}")?;
    }
    if daemon.port != 0 {
        write!(out, ", port={}", daemon.port)?;
    }
    if daemon.ttl != 0 {
        write!(out, ", ttl={}", daemon.ttl)?;
    }
    writeln!(out, ")")
}

/// All connections, a line each, as the kernel gives them.
pub fn connections(out: &mut dyn Write, how: &Listing, naming: &mut Naming) -> io::Result<()> {
    let engines = how.columns == Columns::Persistent;
    let extra = if engines { "        pe name          pe_data" } else { "" };
    writeln!(out, "IPVS connection entries")?;
    writeln!(out, "pro expire state       source             virtual            destination{extra}")?;
    ipvs_proc::connections(|connection| {
        let protocol = match connection.protocol {
            "TCP" => Some(Protocol::Tcp),
            "UDP" => Some(Protocol::Udp),
            "SCTP" => Some(Protocol::Sctp),
            _ => None,
        };
        let expire = format!("{:02}:{:02}", connection.expires / 60, connection.expires % 60);
        let client = naming.endpoint(connection.client, protocol);
        let service = naming.endpoint(connection.service, protocol);
        let server = naming.endpoint(connection.server, protocol);
        let (word, state) = (connection.protocol, connection.state);
        write!(out, "{word:<3} {expire:<6} {state:<11} {client:<18} {service:<18} ")?;
        match connection.engine.filter(|_| engines) {
            Some((engine, key)) => writeln!(out, "{server:<16} {engine:<18} {key}"),
            None => writeln!(out, "{server}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_shortened_at_nine_digits() {
        let shown = [99_999_999, 100_000_000, 1_000_000_000, 100_000_000_000, 100_000_000_000_000].map(rounded);
        assert_eq!(shown, [" 99999999", "  100000K", "    1000M", "     100G", "     100T"]);
    }

    #[test]
    fn a_tunnel_is_told_with_its_port_and_checksum() {
        let gue = Tunnel::Gue { port: 6080, checksum: Checksum::Remote };
        assert_eq!(tunnel_words(Forwarding::Tun, gue), "gue:6080:r+c");
        assert_eq!(tunnel_words(Forwarding::Dr, Tunnel::Ipip), "n/a");
    }
}

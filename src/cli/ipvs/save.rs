//! The table as lines that `-R` reads, as ipvsadm writes them; with `--thresholds` without its loss.

use super::list::mask;
use super::request::Saving;
use super::text::Naming;
use crate::engine::scheduler_flag_names;
use crate::engine::{Family, Forwarding, Protocol, ServerEntry, ServiceEntry, ServiceKey};
use std::io::{self, Write};

/// A service and its real servers.
pub fn service(out: &mut dyn Write, entry: &ServiceEntry, how: Saving, naming: &mut Naming) -> io::Result<()> {
    let name = match entry.key {
        ServiceKey::FwMark { mark, family } => {
            let family = if family == Family::Inet6 { " -6" } else { "" };
            let mark = mark.cast_signed(); // ipvsadm's, which it can't read back when it is negative
            if how.thresholds { format!("-f {}{family}", mark.cast_unsigned()) } else { format!("-f {mark}{family}") }
        }
        ServiceKey::Address { protocol, address } => {
            let option = match protocol {
                Protocol::Tcp => "-t",
                Protocol::Udp => "-u",
                Protocol::Sctp => "--sctp-service",
            };
            format!("{option} {}", naming.endpoint(address, Some(protocol)))
        }
    };
    let settings = &entry.service;
    write!(out, "-A {name} -s {}", settings.scheduler)?;
    if let Some(persistence) = settings.persistence {
        write!(out, " -p {}", persistence.timeout)?;
        if let Some(mask) = mask(&entry.key, persistence, settings.odd_mask) {
            write!(out, " -M {mask}")?;
        }
    }
    if let Some(engine) = &settings.engine {
        write!(out, " --pe {engine}")?;
    }
    if settings.one_packet {
        write!(out, " -o")?;
    }
    if settings.scheduler_flags != 0 {
        write!(out, " -b {}", scheduler_flag_names(settings.scheduler_flags, &settings.scheduler))?;
    }
    writeln!(out)?;
    entry.servers.iter().try_for_each(|server| self::server(out, server, &entry.key, &name, how, naming))
}

fn server(
    out: &mut dyn Write,
    entry: &ServerEntry,
    service: &ServiceKey,
    name: &str,
    how: Saving,
    naming: &mut Naming,
) -> io::Result<()> {
    let settings = &entry.destination;
    let option = settings.forwarding.ipvsadm_option();
    write!(out, "-a {name} -r {} {option} -w {}", naming.server(entry.key, service), settings.weight)?;
    if settings.forwarding == Forwarding::Tun {
        let options = settings.tunnel.ipvsadm_options();
        out.write_all(if options.is_empty() { " --tun-type ipip" } else { &options }.as_bytes())?;
    }
    if how.thresholds && (settings.upper_threshold, settings.lower_threshold) != (0, 0) {
        write!(out, " -x {} -y {}", settings.upper_threshold, settings.lower_threshold)?;
    }
    writeln!(out)
}

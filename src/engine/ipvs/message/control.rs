//! Sync daemons and timeouts ⇄ netlink attributes.

use super::{AF_INET, AF_INET6};
use super::{address, address_bytes};
use crate::engine::ipvs::attribute::{Attributes, Builder, Indexed};
use crate::engine::ipvs::{DaemonRole, SyncDaemon, Timeouts};
use std::net::IpAddr;

/// `IPVS_CMD_ATTR_*`.
mod top {
    pub const DAEMON: u16 = 3;
    pub const TCP: u16 = 4;
    pub const TCP_FIN: u16 = 5;
    pub const UDP: u16 = 6;
}

/// `IPVS_DAEMON_ATTR_*`.
mod attr {
    pub const STATE: u16 = 1;
    pub const INTERFACE: u16 = 2;
    pub const SYNC_ID: u16 = 3;
    pub const MAX_LENGTH: u16 = 4;
    pub const GROUP: u16 = 5;
    pub const GROUP6: u16 = 6;
    pub const PORT: u16 = 7;
    pub const TTL: u16 = 8;
}

/// `IP_VS_STATE_*`.
const fn state(role: DaemonRole) -> u32 {
    match role {
        DaemonRole::Master => 1,
        DaemonRole::Backup => 2,
    }
}

/// The body that starts a daemon. What is 0 or none is not said, so that kernels before 4.3 are told nothing new.
pub fn start_daemon(daemon: &SyncDaemon) -> Vec<u8> {
    let mut nest = named(daemon.role, &daemon.interface, daemon.sync_id);
    if daemon.max_length != 0 {
        nest = nest.u16(attr::MAX_LENGTH, daemon.max_length);
    }
    nest = match daemon.group {
        Some(IpAddr::V4(group)) => nest.put(attr::GROUP, &group.octets()),
        Some(group @ IpAddr::V6(_)) => nest.put(attr::GROUP6, &address_bytes(group)),
        None => nest,
    };
    if daemon.port != 0 {
        nest = nest.u16(attr::PORT, daemon.port);
    }
    if daemon.ttl != 0 {
        nest = nest.put(attr::TTL, &[daemon.ttl]);
    }
    Builder::default().nest(top::DAEMON, &nest).finish()
}

/// The body that stops a daemon.
pub fn stop_daemon(role: DaemonRole) -> Vec<u8> {
    Builder::default().nest(top::DAEMON, &named(role, "", 0)).finish()
}

fn named(role: DaemonRole, interface: &str, sync_id: u32) -> Builder {
    Builder::default().u32(attr::STATE, state(role)).text(attr::INTERFACE, interface).u32(attr::SYNC_ID, sync_id)
}

/// The daemon in an answer's body.
pub fn daemon(body: &[u8]) -> Option<SyncDaemon> {
    let attributes: Indexed<9> = Attributes::new(Attributes::new(body).first(top::DAEMON)?).index();
    let role = match attributes.u32(attr::STATE)? {
        1 => DaemonRole::Master,
        2 => DaemonRole::Backup,
        _ => return None,
    };
    let v4 = attributes.get(attr::GROUP).and_then(|bytes| address(AF_INET, bytes));
    let v6 = || attributes.get(attr::GROUP6).and_then(|bytes| address(AF_INET6, bytes));
    Some(SyncDaemon {
        role,
        interface: attributes.text(attr::INTERFACE).unwrap_or_default().to_owned(),
        sync_id: attributes.u32(attr::SYNC_ID).unwrap_or(0),
        max_length: attributes.u16(attr::MAX_LENGTH).unwrap_or(0),
        group: v4.or_else(v6),
        port: attributes.u16(attr::PORT).unwrap_or(0),
        ttl: attributes.array(attr::TTL).map_or(0, |[ttl]| ttl),
    })
}

/// The body that sets the timeouts; the kernel keeps those that are 0.
pub fn set_timeouts(timeouts: Timeouts) -> Vec<u8> {
    Builder::default()
        .u32(top::TCP, timeouts.tcp)
        .u32(top::TCP_FIN, timeouts.tcp_fin)
        .u32(top::UDP, timeouts.udp)
        .finish()
}

/// The timeouts in an answer's body.
pub fn timeouts(body: &[u8]) -> Option<Timeouts> {
    let attributes: Indexed<7> = Attributes::new(body).index();
    Some(Timeouts {
        tcp: attributes.u32(top::TCP)?,
        tcp_fin: attributes.u32(top::TCP_FIN)?,
        udp: attributes.u32(top::UDP)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_daemon_reads_back_as_it_was_written(
            master: bool,
            sync_id in 0..256_u32,
            max_length: u16,
            group in prop::option::of(any::<u32>()),
            six: bool,
            port: u16,
            ttl: u8,
        ) {
            let role = if master { DaemonRole::Master } else { DaemonRole::Backup };
            let v6 = |bits| IpAddr::V6((0xff02_u128 << 112 | u128::from(bits)).into());
            let group = group.map(|bits: u32| if six { v6(bits) } else { IpAddr::V4(bits.into()) });
            let wanted = SyncDaemon { role, interface: "eth0".to_owned(), sync_id, max_length, group, port, ttl };
            prop_assert_eq!(daemon(&start_daemon(&wanted)), Some(wanted));
        }

        #[test]
        fn timeouts_read_back_as_they_were_written(tcp: u32, tcp_fin: u32, udp: u32) {
            let wanted = Timeouts { tcp, tcp_fin, udp };
            prop_assert_eq!(timeouts(&set_timeouts(wanted)), Some(wanted));
        }

        #[test]
        fn reading_anything_does_not_panic(bytes: Vec<u8>) {
            let nested = Builder::default().put(top::DAEMON, &bytes).finish();
            let _ = (daemon(&bytes), daemon(&nested), timeouts(&bytes));
        }
    }
}

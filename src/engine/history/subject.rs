//! What has a history, and its row as of now.

use super::Row;
use crate::engine::model::{RealServerKey, ServiceKey};
use crate::engine::snapshot::{
    Health, Rates, RealServerStatus, VirtualRouterState, VirtualRouterStatus, VirtualServerStatus,
};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What has a history.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// All services together: `total`.
    Total,
    /// A virtual router: `vrrp/VI_1`.
    Instance(Arc<str>),
    /// A service: `tcp/10.0.0.1:80`.
    Service(ServiceKey),
    /// A real server of a service: `tcp/10.0.0.1:80 10.0.0.71:80`.
    Server(ServiceKey, RealServerKey),
}

/// The rank of what goes first when memory is short.
pub(super) const LAST_RANK: u8 = 3;

impl Subject {
    /// The lower, the longer it stays.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Total => 0,
            Self::Instance(_) => 1,
            Self::Service(_) => 2,
            Self::Server(..) => LAST_RANK,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total => write!(f, "total"),
            Self::Instance(name) => write!(f, "vrrp/{name}"),
            Self::Service(key) => write!(f, "{key}"),
            Self::Server(service, server) => write!(f, "{service} {server}"),
        }
    }
}

impl FromStr for Subject {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "total" {
            return Ok(Self::Total);
        }
        if let Some(name) = text.strip_prefix("vrrp/") {
            return Ok(Self::Instance(name.into()));
        }
        match text.split_once(' ') {
            None => text.parse().map(Self::Service).map_err(drop),
            Some((service, server)) => Ok(Self::Server(service.parse().map_err(drop)?, server.parse().map_err(drop)?)),
        }
    }
}

/// Tenths of a rate.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates, and no rate is below 0
fn tenths(rate: f64) -> u64 {
    (rate * 10.0).round() as u64
}

fn rates(rates: &Rates, levels: [u64; 3]) -> Row {
    let [active, inactive, up] = levels;
    let Rates { connections_per_s, in_packets_per_s, out_packets_per_s, in_bytes_per_s, out_bytes_per_s } = *rates;
    let [connections, in_packets, out_packets, in_bytes, out_bytes] =
        [connections_per_s, in_packets_per_s, out_packets_per_s, in_bytes_per_s, out_bytes_per_s].map(tenths);
    Row([connections, in_packets, out_packets, in_bytes, out_bytes, active, inactive, up])
}

pub(super) fn row_of_service(service: &VirtualServerStatus) -> Row {
    let mut levels = [0_u64; 3];
    for server in &service.real_servers {
        let row = [u64::from(server.active), u64::from(server.inactive), u64::from(server.health == Health::Up)];
        levels.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    rates(&service.rates, levels)
}

pub(super) fn row_of_server(server: &RealServerStatus) -> Row {
    let up = u64::from(server.health == Health::Up);
    rates(&server.rates, [u64::from(server.active), u64::from(server.inactive), up])
}

/// Only its state counts, in the place of the servers that are up.
pub(super) fn row_of_router(router: &VirtualRouterStatus) -> Row {
    let state = match router.state {
        VirtualRouterState::Init => 0,
        VirtualRouterState::Backup => 1,
        VirtualRouterState::Master => 2,
        VirtualRouterState::Fault => 3,
    };
    Row([0, 0, 0, 0, 0, 0, 0, state])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_reads_back_as_it_is_written() {
        for text in ["total", "vrrp/VI 1", "tcp/[fd00::1]:80", "fwmark/7", "udp/10.0.0.1:53 10.0.0.71:53"] {
            assert_eq!(text.parse::<Subject>().map(|subject| subject.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "web", "tcp/10.0.0.1:80 web", "tcp/10.0.0.1:80  10.0.0.71:80"] {
            assert!(text.parse::<Subject>().is_err(), "{text}");
        }
    }
}

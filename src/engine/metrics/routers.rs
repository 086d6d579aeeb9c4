//! Virtual routers: state, priorities, advertisements.

use super::MetricKind::{self, Counter, Gauge, StateSet};
use super::{MetricFamily, MetricValue, family, family_name, labels, with};
use crate::engine::model::Family;
use crate::engine::snapshot::{ForeignRouter, PeerState, VirtualRouterStatus, VrrpCounters};
use std::collections::BTreeMap;

/// A family with one sample a router.
type Column = (MetricKind, &'static str, &'static str, &'static str, fn(&VirtualRouterStatus) -> MetricValue);

const COLUMNS: &[Column] = &[
    (Gauge, "lvsdeck_vrrp_priority", "", "Priority in the file", |r| u32::from(r.priority).into()),
    (Gauge, "lvsdeck_vrrp_effective_priority", "", "Priority that counts now", |r| {
        u32::from(r.effective_priority).into()
    }),
    (Gauge, "lvsdeck_vrrp_advert_interval_seconds", "seconds", "Advertisement interval in use", |r| {
        std::time::Duration::from_millis(r.advert_interval_ms).as_secs_f64().into()
    }),
    (Gauge, "lvsdeck_vrrp_last_transition_timestamp_seconds", "seconds", "When it came into its state", |r| {
        r.since.into()
    }),
    (Gauge, "lvsdeck_vrrp_held", "", "1 while it is held back by a failover command", |r| r.held.is_some().into()),
    (Gauge, "lvsdeck_vrrp_addresses", "", "Virtual addresses", |r| r.addresses.len().into()),
    (Gauge, "lvsdeck_vrrp_addresses_here", "", "Virtual addresses that are on this host", |r| {
        r.addresses_here.len().into()
    }),
    (Counter, "lvsdeck_vrrp_became_master", "", "Times it became master", |r| r.counters.became_master.into()),
    (Counter, "lvsdeck_vrrp_released_master", "", "Times it gave mastership up", |r| r.counters.released_master.into()),
    (Counter, "lvsdeck_vrrp_adverts_sent", "", "Advertisements sent", |r| r.counters.adverts_tx.into()),
    (Counter, "lvsdeck_vrrp_adverts_received", "", "Advertisements accepted", |r| r.counters.adverts_rx.into()),
    (Counter, "lvsdeck_vrrp_priority_zero_sent", "", "Resignations sent", |r| r.counters.priority_zero_tx.into()),
    (Counter, "lvsdeck_vrrp_priority_zero_received", "", "Resignations heard", |r| r.counters.priority_zero_rx.into()),
    (
        Counter,
        "lvsdeck_vrrp_gratuitous_arps_sent",
        "",
        "Gratuitous ARPs and unsolicited neighbour advertisements sent",
        |r| r.counters.garp_tx.into(),
    ),
    (Counter, "lvsdeck_vrrp_own_adverts_received", "", "Own advertisements that came back", |r| {
        r.counters.own_rx.into()
    }),
    (Counter, "lvsdeck_vrrp_address_mismatches", "", "Advertisements accepted with another list of addresses", |r| {
        r.counters.address_mismatch.into()
    }),
];

/// A cause for which advertisements are refused, and their number.
type Cause = (&'static str, fn(&VrrpCounters) -> u64);

/// Why an advertisement was refused.
const REJECTED: &[Cause] = &[
    ("length", |c| c.rejected_length),
    ("destination", |c| c.rejected_destination),
    ("ttl", |c| c.rejected_ttl),
    ("version", |c| c.rejected_version),
    ("type", |c| c.rejected_type),
    ("checksum", |c| c.rejected_checksum),
    ("auth_type", |c| c.rejected_auth_type),
    ("auth", |c| c.rejected_auth),
    ("interval", |c| c.rejected_interval),
    ("count", |c| c.rejected_count),
    ("addresses", |c| c.rejected_addresses),
];

/// Of an interface and family: which VRIDs there are, others choose.
pub(super) fn foreign(routers: &[ForeignRouter]) -> MetricFamily {
    let help = "Packets for virtual routers that are not configured here, by cause";
    let mut adverts = family(Counter, "lvsdeck_vrrp_foreign_adverts", "", help);
    let mut counted: BTreeMap<(&str, Family, &'static str), u64> = BTreeMap::new();
    for router in routers {
        for (cause, count) in router.counters.by_cause() {
            *counted.entry((&router.interface, router.family, cause)).or_default() += count;
        }
    }
    for ((interface, family, cause), count) in counted {
        adverts.put(&labels(&[("interface", interface), ("family", family_name(family)), ("reason", cause)]), count);
    }
    adverts
}

pub(super) fn families(routers: &[VirtualRouterStatus]) -> Vec<MetricFamily> {
    let mut state = family(StateSet, "lvsdeck_vrrp_state", "", "State of the instance");
    let mut rejected = family(Counter, "lvsdeck_vrrp_adverts_rejected", "", "Advertisements refused, by cause");
    let mut peers = family(Gauge, "lvsdeck_vrrp_peers", "", "Other routers with this VRID, by what is heard of them");
    let mut columns: Vec<_> =
        COLUMNS.iter().map(|(kind, name, unit, help, _)| family(*kind, name, unit, help)).collect();
    for router in routers {
        let vrid = router.vrid.to_string();
        let labels = labels(&[
            ("vrrp_instance", &router.name),
            ("interface", &router.interface),
            ("family", family_name(router.family)),
            ("vrid", &vrid),
        ]);
        state.put_state(&labels, &["INIT", "BACKUP", "MASTER", "FAULT"], router.state.name());
        for (column, (.., value)) in columns.iter_mut().zip(COLUMNS) {
            column.put(&labels, value(router));
        }
        for (reason, count) in REJECTED {
            rejected.put(&with(&labels, "reason", reason), count(&router.counters));
        }
        for (name, wanted) in
            [("MASTER", PeerState::Master), ("SILENT", PeerState::Silent), ("NEVER", PeerState::Never)]
        {
            let count = router.peers.iter().filter(|peer| peer.state == wanted).count();
            peers.put(&with(&labels, "peer_state", name), count);
        }
    }
    let mut families = vec![state];
    families.append(&mut columns);
    families.extend([rejected, peers]);
    families
}

//! What the fronts show of the virtual servers.

use super::By;
use super::core::Balance;
use super::counting::left;
use super::rates::counters;
use super::server::ServerState;
use super::service::ServiceState;
use super::wish::DrainEnd;
use crate::engine::health::Verdict;
use crate::engine::ipvs::{Destination, Service};
use crate::engine::model::ServiceKey;
use crate::engine::snapshot::{
    Admin, CheckStatus, DrainStatus, Drift, Foreign, Health, KernelChange, KernelServer, Moment, OverrideStatus,
    QuorumStatus, RealServerStatus, SlowStartStatus, SorryServerStatus, VirtualServerStatus,
};
use std::sync::Arc;
use std::time::Duration;

impl Balance {
    /// Every service, in file order.
    pub fn status(&self, moment: Moment) -> Vec<Arc<VirtualServerStatus>> {
        self.status_after(&[], moment)
    }
    /// The same; a service that is as it was before is the same one, so that it takes no more memory for being told again.
    pub fn status_after(&self, before: &[Arc<VirtualServerStatus>], moment: Moment) -> Vec<Arc<VirtualServerStatus>> {
        let seen = |service: &ServiceState| self.kernel.observed()?.services.get(&service.config.key);
        let before = before.iter().map(Some).chain(std::iter::repeat(None));
        let status = |(service, before): (&ServiceState, Option<&Arc<VirtualServerStatus>>)| {
            let now = self.service_status(service, seen(service), moment);
            before.filter(|before| ***before == now).map_or_else(|| Arc::new(now), Arc::clone)
        };
        self.services.iter().zip(before).map(status).collect()
    }
    /// Where kernel and wish differ, as of the last look.
    pub fn drift(&self) -> Vec<Drift> {
        self.kernel.drift().to_vec()
    }
    /// Who took out what the file has, and who added services: by the key of a service, or of it and a server.
    pub fn said_by(&self, moment: Moment) -> Vec<(String, String)> {
        let said = |subject: String, weight: u32, by: Option<&By>| {
            let By { who, at, why } = by?;
            let (since, who, reason) = (moment.wall_of(*at), who.clone(), why.clone());
            Some((subject, OverrideStatus { since, who, reason, weight, until: None }.to_string()))
        };
        let services = self.services.iter().filter(|service| service.added).chain(&self.removed);
        let services = services.map(|service| said(service.config.key.to_string(), 0, service.by.as_deref()));
        let removed =
            self.services.iter().flat_map(|service| service.removed.iter().map(move |server| (service, server)));
        let servers = removed.map(|(service, server)| {
            let subject = format!("{} {}", service.config.key, server.config.key);
            said(subject, server.weight.get(), server.by.as_deref())
        });
        services.chain(servers).flatten().collect()
    }
    /// Services in the kernel that are not ours, as of the last look.
    pub fn foreign(&self) -> Vec<Foreign> {
        self.kernel.foreign().to_vec()
    }

    fn service_status(&self, service: &ServiceState, seen: Option<&Service>, moment: Moment) -> VirtualServerStatus {
        let server = |server: &ServerState| {
            let seen = seen.and_then(|seen| seen.destinations.get(&server.config.key));
            self.server_status(service, server, seen, moment)
        };
        VirtualServerStatus {
            key: service.config.key,
            name: service.config.name.clone(),
            scheduler: service.config.scheduler,
            forward: service.config.forwarding,
            persistence: service.config.persistence.map(|persistence| persistence.timeout),
            quorum: QuorumStatus {
                need: service.quorum().need(),
                have: u32::try_from(service.have() - self.refused_weight(service, seen)).unwrap_or(u32::MAX),
                up: service.quorum().is_up(),
            },
            sorry_server_active: service.sorry_is_active(),
            sorry_server: sorry_status(service, seen),
            in_kernel: seen.is_some(),
            counters: seen.map(|seen| counters(seen.traffic)).unwrap_or_default(),
            rates: service.meter.rates(),
            real_servers: service.servers.iter().map(server).collect(),
        }
    }

    /// The weight of servers that are up, and that the kernel does not take.
    fn refused_weight(&self, service: &ServiceState, seen: Option<&Service>) -> u64 {
        let key = service.config.key;
        let is_out = |server: &&ServerState| {
            !seen.is_some_and(|seen| seen.destinations.contains_key(&server.config.key))
                && (self.kernel.refusal(&(key, Some(server.config.key))).is_some()
                    || self.kernel.refusal(&(key, None)).is_some())
        };
        if !self.kernel.has_refusals() {
            return 0;
        }
        service.servers.iter().filter(is_out).map(ServerState::weight_up).sum()
    }

    /// How a drain or a maintenance goes.
    fn drain_status(
        &self,
        service: ServiceKey,
        server: &ServerState,
        seen: Option<&Destination>,
        moment: Moment,
    ) -> Option<DrainStatus> {
        let (admin, since) = server.admin;
        let (deadline_at, is_over) = match server.ends.drain {
            DrainEnd::Never => (None, false),
            DrainEnd::At(end) => (Some(end), false),
            DrainEnd::Passed => (None, true),
        };
        let by = server.ends.by.as_ref();
        let still = seen.map_or(0, |seen| left(&service, seen));
        let bound = seen.map_or(0, |seen| seen.persistent);
        let bound = if self.counting.is_bound() { bound } else { 0 };
        let pace = || server.pace.as_ref()?.empty_in();
        (admin != Admin::Enabled).then(|| DrainStatus {
            since: moment.wall_of(since),
            who: by.map(|By { who, .. }| who.clone()),
            reason: by.and_then(|by| by.why.clone()),
            left: still,
            bound,
            weight: server.serving_weight().get(),
            // What is not in the table has no connection.
            empty_in_s: if still == 0 { Some(Duration::ZERO) } else { pace() }
                .filter(|_| bound == 0)
                .map(|left| left.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)),
            deadline_at: deadline_at.map(|end| moment.wall_of(end)),
            is_over,
            return_at: server.ends.return_at.map(|at| moment.wall_of(at)),
        })
    }

    fn server_status(
        &self,
        service: &ServiceState,
        server: &ServerState,
        seen: Option<&Destination>,
        moment: Moment,
    ) -> RealServerStatus {
        // With no room to spare: a list that grows has room for four, and there is one of these for each server in each view.
        let mut checks = Vec::with_capacity(server.checks.len() + server.asleep.len());
        checks.extend(
            server.checks.iter().filter_map(|id| self.checks.get(*id)).map(|check| check_status(check, moment)),
        );
        let asleep = server.asleep.iter().map(|check| check_status(check, moment));
        checks.extend(asleep.map(|check| CheckStatus { next_in_ms: None, ..check }));
        RealServerStatus {
            key: server.config.key,
            forward: server.config.forwarding,
            weight: service.place(server).map_or(0, |weight| weight.0.get()),
            configured_weight: server.config.weight.get(),
            health: server.health(),
            health_since: moment.wall_of(server.standing.1),
            admin: server.admin.0,
            added: server.added,
            overridden: override_status(server, moment).map(Box::new),
            slow_start: slow_start_status(service, server, moment).map(Box::new),
            drain: self.drain_status(service.config.key, server, seen, moment).map(Box::new),
            kernel: seen.map(|seen| KernelServer { weight: seen.weight.get(), forward: seen.forwarding }),
            kernel_changed: self.kernel.changed(&(service.config.key, Some(server.config.key))).map(|changed| {
                let who = if changed.by_us { "lvsdeck" } else { "another program" };
                Box::new(KernelChange { since: moment.wall_of(changed.at), who: who.to_owned() })
            }),
            active: seen.map_or(0, |seen| seen.active),
            inactive: seen.map_or(0, |seen| seen.inactive),
            persistent: seen.map_or(0, |seen| seen.persistent),
            suspended: server.suspended && !server.config.checks.is_empty(),
            checks,
            counters: seen.map(|seen| counters(*seen.traffic).into()).unwrap_or_default(),
            rates: server.meter.rates().into(),
        }
    }
}

/// The sorry server while it serves.
fn sorry_status(service: &ServiceState, seen: Option<&Service>) -> Option<SorryServerStatus> {
    let key = service.config.sorry_server.as_ref().filter(|_| service.sorry_is_active())?.key;
    let seen = seen.and_then(|seen| seen.destinations.get(&key));
    let (active, inactive) = seen.map_or((0, 0), |seen| (seen.active, seen.inactive));
    Some(SorryServerStatus { key, active, inactive })
}

/// Who wants it otherwise than the file: of what keeps it from serving, where something does.
fn override_status(server: &ServerState, moment: Moment) -> Option<OverrideStatus> {
    let of_weight = server.by.as_deref().filter(|_| server.added || server.has_own_weight());
    let (by, until) = match server.admin.0 {
        Admin::Enabled => (of_weight, server.weight_ends_at()),
        Admin::Draining | Admin::Maintenance => (server.ends.by.as_ref().or(of_weight), server.ends.return_at),
    };
    let By { who, at, why } = by?;
    let (since, weight) = (moment.wall_of(*at), server.weight.get());
    let until = until.map(|at| moment.wall_of(at));
    Some(OverrideStatus { since, who: who.clone(), reason: why.clone(), weight, until })
}

/// Why it serves with a part of its weight.
fn slow_start_status(service: &ServiceState, server: &ServerState, moment: Moment) -> Option<SlowStartStatus> {
    let (since, full_at) = server.ramp.span()?;
    let now = service.place(server).filter(|place| place.serves())?.0;
    // A weight of 1 has all of it at once.
    let weight = server.effective.map(|whole| whole.0).filter(|whole| *whole > now)?.get();
    Some(SlowStartStatus { weight, since: moment.wall_of(since), full_at: moment.wall_of(full_at) })
}

fn check_status(check: &super::check::Check, moment: Moment) -> CheckStatus {
    let last = check.checker.last();
    let (ok, took, error) = match last.map(|last| &last.verdict) {
        None => (None, None, None),
        Some(Verdict::Passed(took) | Verdict::Weighed(took, _)) => {
            (Some(true), Some(took.as_secs_f64() * 1_000.0), None)
        }
        Some(Verdict::Failed(why)) => (Some(false), None, Some(why.clone())),
        Some(Verdict::Unable(hindrance)) => (None, None, Some(hindrance.reason.clone())),
    };
    CheckStatus {
        kind: check.spec.name().to_owned(),
        target: check.spec.goal(),
        ok,
        failures: check.checker.failures(),
        latency_ms: took,
        at: last.map(|last| moment.wall_of(last.at)),
        error,
        next_in_ms: check.checker.next_due().map(|due| moment.millis_until(due)),
    }
}

/// Health as events write it.
pub(super) const fn word(health: Health) -> &'static str {
    match health {
        Health::Up => "up",
        Health::Down => "down",
        Health::Unknown => "unknown",
    }
}

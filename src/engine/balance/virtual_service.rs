//! `add-service` and `remove-service`: whole services beside the file.
//!
//! A service that an operator took out comes back as it was, with its servers and what was wanted of them, when `add-service`
//! names it without any other word. A service that somebody else made in the kernel is never taken over this way: the file
//! does that.

use super::By;
use super::ask::{Prepared, Work};
use super::core::Balance;
use super::preview::Touch;
use super::reconcile::{Keys, Target};
use super::server::ServerState;
use super::service::{KEPT, ServiceState};
use crate::engine::command::{Changed, Command, Preview};
use crate::engine::ipvs::{IpvsOp, IpvsTable};
use crate::engine::model::ServiceKey;
use std::time::Instant;

impl Balance {
    pub(super) fn prepare_addition(&self, command: &Command, service: ServiceState) -> Result<Prepared, String> {
        let key = service.config.key;
        let ops = self.foresee_service(&service, true);
        self.can_be_done(&ops)?;
        let servers = service.servers.len();
        let (message, blast_radius) = match (known_before(self, &key), servers) {
            (false, _) => (
                format!("{key} is added; it has no real server yet, add-server brings them"),
                "packets to it find no real server until add-server brings one".to_owned(),
            ),
            (true, _) => (
                format!("{key} is back as it was, with {servers} real servers"),
                format!("packets to it meet its {servers} real servers again"),
            ),
        };
        let preview = Preview {
            before: vec![format!("{key} not there")],
            after: self.service_lines(&service, None),
            ops: ops.iter().map(|op| self.op_line(op)).collect(),
            ipvsadm: ops.iter().map(super::ipvsadm::ipvsadm).collect(),
            blast_radius,
            undo: Some(Command::RemoveService { service: key.into() }),
            undo_reason: None,
            changed: vec![Changed { service: key, server: None, was: None }],
            ends: Vec::new(),
            confirm: None,
        };
        let token = preview.token(command);
        Ok(Prepared { work: Work::AddService(Box::new(service)), preview, token, message, below: None })
    }

    pub(super) fn prepare_removal(&self, now: Instant, command: &Command, at: usize) -> Prepared {
        let Some(service) = self.services.get(at) else {
            let (preview, token, message) = (Preview::default(), String::new(), String::new());
            return Prepared { work: Work::RemoveService(at), preview, token, message, below: None };
        };
        let key = service.config.key;
        let ops = self.foresee_service(service, false);
        let touch = Touch::from([(at, service.clone())]);
        let below = self.below_floor(&touch, &Touch::new());
        let note = below.as_ref().map_or_else(String::new, |below| format!("; BELOW THE FLOOR: {below}"));
        let keys = || service.servers.iter().map(|server| server.config.key);
        let active: u32 = keys().filter_map(|server| self.seen(&key, &server)).map(|seen| seen.active).sum();
        let preview = Preview {
            before: self.service_lines(service, Some(now)),
            after: vec![format!("{key} not there")],
            ops: ops.iter().map(|op| self.op_line(op)).collect(),
            ipvsadm: ops.iter().map(super::ipvsadm::ipvsadm).collect(),
            blast_radius: format!(
                "the whole service with {} real servers; {}{note}",
                service.servers.len(),
                if active == 0 {
                    "0 active connections".to_owned()
                } else {
                    self.lost(&format!("{active} active connections"))
                }
            ),
            undo: Some(Command::AddService { service: key, scheduler: None, forward: None, persistence: None }),
            undo_reason: None,
            changed: vec![Changed { service: key, server: None, was: None }],
            ends: Vec::new(),
            confirm: Some(key.to_string()),
        };
        let steady = Preview { before: self.service_lines(service, None), ..preview.clone() };
        let token = steady.token(command);
        let message = format!("{key} is removed with {} real servers", service.servers.len());
        Prepared { work: Work::RemoveService(at), preview, token, message, below }
    }

    /// Does it; gives what the operations are about.
    pub(super) fn add_service(&mut self, now: Instant, mut service: ServiceState) -> Vec<Target> {
        let key = service.config.key;
        self.removed.retain(|removed| removed.config.key != key);
        service.slow_start = self.slow_start;
        for server in &service.servers {
            self.deadlines.extend(server.deadlines().map(|at| (at, key, server.config.key)));
        }
        self.install(now, &mut service);
        let targets = targets(&service);
        let at = self.services.partition_point(|other| other.order <= service.order);
        self.suspends |= service.config.ha_suspend;
        self.services.insert(at, service);
        self.reindex();
        self.tell_first(at);
        targets
    }

    /// Does it; gives what the operations are about.
    pub(super) fn remove_service(&mut self, at: usize, by: By) -> Vec<Target> {
        if at >= self.services.len() {
            return Vec::new();
        }
        let mut service = self.services.remove(at);
        self.reindex();
        self.uninstall(&service);
        service.servers.iter_mut().for_each(|server| server.checks = Box::default());
        let target = (service.config.key, None);
        service.by = Some(Box::new(by));
        self.removed.push(service);
        if self.removed.iter().filter(|service| service.added).count() > KEPT
            && let Some(oldest) = self.removed.iter().position(|service| service.added)
        {
            self.removed.remove(oldest);
        }
        vec![target]
    }

    fn reindex(&mut self) {
        self.by_key = self.services.iter().enumerate().map(|(at, service)| (service.config.key, at)).collect();
    }

    /// The operations that make the service, or remove it.
    fn foresee_service(&self, service: &ServiceState, makes: bool) -> Vec<IpvsOp> {
        let key = service.config.key;
        let keys = Keys::from([(key, if makes { service.keys().collect() } else { [].into() })]);
        let desired = makes.then(|| (key, service.table_entry())).into_iter().collect();
        self.kernel.foresee(&IpvsTable { services: desired }, &keys)
    }

    /// The service and its servers, a line each.
    fn service_lines(&self, service: &ServiceState, now: Option<Instant>) -> Vec<String> {
        let key = service.config.key;
        let head = format!(
            "{key} {} {}, {} real servers",
            service.settings(),
            service.config.forwarding,
            service.servers.len()
        );
        let server =
            |server: &ServerState| format!("{key} {} {}", server.config.key, self.server_line(service, server, now));
        std::iter::once(head).chain(service.servers.iter().map(server)).collect()
    }
}

fn known_before(balance: &Balance, key: &ServiceKey) -> bool {
    balance.removed.iter().any(|service| service.config.key == *key)
}

fn targets(service: &ServiceState) -> Vec<Target> {
    let key = service.config.key;
    std::iter::once((key, None)).chain(service.keys().map(|server| (key, Some(server)))).collect()
}

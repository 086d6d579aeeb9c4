//! File, engine and kernel side by side: what `ctl diff` shows. Only what is not the same in all three.

use super::fields::{self, Field};
use crate::engine::difference::Difference;
use crate::engine::model::{Configuration, RealServer, RealServerKey, VirtualRouter, VirtualServer};
use crate::engine::snapshot::{
    Admin, Health, RealServerStatus, Status, VirtualRouterState, VirtualRouterStatus, VirtualServerStatus,
};
use std::collections::{BTreeSet, HashMap};

/// Everything in which the file as it is on disk, what runs, and what the kernel has (by `status`) differ. `said_by`: who took out
/// what the file has, and who added services, by subject.
pub fn compare(
    file: &Configuration,
    running: &Configuration,
    status: &Status,
    said_by: &[(String, String)],
) -> Vec<Difference> {
    let mut found = Found::default();
    found.fields("global_defs", Some(fields::global(&file.global)), Some(fields::global(&running.global)));
    found.fields("static", Some(fields::statics(&file.statics)), Some(fields::statics(&running.statics)));
    found.fields("settings", Some(fields::settings(&file.settings)), Some(fields::settings(&running.settings)));
    found.routers(file, running, status);
    found.services(file, running, status);
    for line in
        found.0.iter_mut().filter(|line| line.by.is_none() && ["object", "weight"].contains(&line.field.as_str()))
    {
        // What the file has lost or got since is no operator's doing.
        let is_operators = line.file.is_some() != line.engine.is_some();
        let said = said_by.iter().find(|(subject, _)| is_operators && *subject == line.subject);
        line.by = said.map(|(_, by)| by.clone());
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<Difference>);

impl Found {
    fn push(
        &mut self,
        subject: &str,
        field: &str,
        file: Option<String>,
        engine: Option<String>,
        kernel: Option<String>,
    ) {
        self.0.push(Difference {
            subject: subject.to_owned(),
            field: field.to_owned(),
            file,
            engine,
            kernel,
            by: None,
        });
    }

    /// What the file says otherwise than the configuration that runs; the kernel knows nothing of these words.
    fn fields(&mut self, subject: &str, file: Option<Vec<Field>>, running: Option<Vec<Field>>) {
        let there = |side: &Option<Vec<Field>>| side.as_ref().map(|_| "present".to_owned());
        match (file, running) {
            (Some(file), Some(running)) => {
                for ((word, file), (_, running)) in
                    file.into_iter().zip(running).filter(|(file, running)| file != running)
                {
                    self.push(subject, word, value(file), value(running), None);
                }
            }
            (None, None) => {}
            (file, running) => self.push(subject, "object", there(&file), there(&running), None),
        }
    }

    /// What differs in no word that is shown differs in a secret.
    fn secret<T: PartialEq>(
        &mut self,
        subject: &str,
        sides: (Option<&T>, Option<&T>),
        fields: impl Fn(&T) -> Vec<Field>,
    ) {
        if let (Some(file), Some(running)) = sides
            && file != running
            && fields(file) == fields(running)
        {
            self.push(subject, "secret", Some("***".to_owned()), Some("another".to_owned()), None);
        }
    }

    fn routers(&mut self, file: &Configuration, running: &Configuration, status: &Status) {
        let on_disk: HashMap<&str, &VirtualRouter> =
            file.virtual_routers.iter().map(|r| (r.name.as_str(), r)).collect();
        let runs: HashMap<&str, &VirtualRouter> =
            running.virtual_routers.iter().map(|r| (r.name.as_str(), r)).collect();
        let names: BTreeSet<&str> = on_disk.keys().chain(runs.keys()).copied().collect();
        for name in names {
            let subject = format!("vrrp_instance {name}");
            let (file, running) = (on_disk.get(name).copied(), runs.get(name).copied());
            self.fields(&subject, file.map(fields::router), running.map(fields::router));
            self.secret(&subject, (file, running), fields::router);
            if let Some(status) = status.virtual_routers.iter().find(|r| r.name == name) {
                if let Some(set) = status.priority_set {
                    let file = file.map(|router| router.priority.to_string());
                    self.push(&subject, "priority", file, Some(set.to_string()), None);
                    self.0.last_mut().into_iter().for_each(|line| line.by.clone_from(&status.priority_by));
                }
                self.addresses(&subject, file, status);
            }
        }
    }

    /// A master has every address, anybody else none.
    fn addresses(&mut self, subject: &str, file: Option<&VirtualRouter>, status: &VirtualRouterStatus) {
        let is_master = status.state == VirtualRouterState::Master;
        for address in &status.addresses {
            let here = status.addresses_here.contains(address);
            if here != is_master {
                let in_file = file.is_some_and(|r| r.addresses.iter().any(|a| a.to_string() == *address));
                let word = |there: bool, word: &str| there.then(|| format!("{address}{word}"));
                let wanted = word(is_master, ", master");
                self.push(subject, "address", word(in_file, ""), wanted, word(here, ""));
            }
        }
    }

    fn services(&mut self, file: &Configuration, running: &Configuration, status: &Status) {
        let on_disk: HashMap<_, &VirtualServer> = file.virtual_servers.iter().map(|s| (s.key, s)).collect();
        let runs: HashMap<_, &VirtualServer> = running.virtual_servers.iter().map(|s| (s.key, s)).collect();
        let now: HashMap<_, &VirtualServerStatus> =
            status.virtual_servers.iter().map(|s| (s.key, s.as_ref())).collect();
        let keys: BTreeSet<_> = on_disk.keys().chain(runs.keys()).chain(now.keys()).copied().collect();
        for key in keys {
            let subject = key.to_string();
            let (file, running, now) = (on_disk.get(&key).copied(), runs.get(&key).copied(), now.get(&key).copied());
            let scheduler = |service: Option<&VirtualServer>| service.map(|s| s.scheduler.to_string());
            let in_kernel = now.filter(|s| s.in_kernel).map(|s| s.scheduler.to_string());
            match now {
                Some(_) if file.is_some() && running.is_some() => {
                    self.fields(&subject, file.map(fields::service), running.map(fields::service));
                }
                // Added at run time, taken out at run time, or new in the file.
                _ => {
                    let wanted = now.map(|s| s.scheduler.to_string());
                    self.push(&subject, "object", scheduler(file), wanted, in_kernel);
                }
            }
            self.servers(&subject, file, running, now);
        }
        for foreign in &status.foreign {
            let servers = format!("{} with {} real servers", foreign.scheduler, foreign.real_servers);
            self.push(&foreign.key.to_string(), "object", None, None, Some(servers));
        }
        for drift in &status.drift {
            self.push(&drift.subject, "kernel", None, Some(drift.wanted.clone()), Some(drift.found.clone()));
        }
    }

    fn servers(
        &mut self,
        service: &str,
        file: Option<&VirtualServer>,
        running: Option<&VirtualServer>,
        now: Option<&VirtualServerStatus>,
    ) {
        let configured = |side: Option<&VirtualServer>| -> HashMap<RealServerKey, RealServer> {
            side.map(|s| s.real_servers.iter().map(|r| (r.key, r.clone())).collect()).unwrap_or_default()
        };
        let (file, running) = (configured(file), configured(running));
        let now: HashMap<RealServerKey, &RealServerStatus> =
            now.map(|s| s.real_servers.iter().map(|r| (r.key, r)).collect()).unwrap_or_default();
        let keys: BTreeSet<_> = file.keys().chain(running.keys()).chain(now.keys()).copied().collect();
        for key in keys {
            let subject = format!("{service} {key}");
            let (file, running, now) = (file.get(&key), running.get(&key), now.get(&key).copied());
            let weight = file.map(|server| server.weight.to_string());
            let wanted = now.map(wanted);
            let kernel = now.and_then(|server| server.kernel.as_ref()).map(|server| server.weight.to_string());
            if weight != wanted || wanted != kernel {
                self.push(&subject, "weight", weight, wanted, kernel);
                let by = now.and_then(|server| server.overridden.as_deref()).map(ToString::to_string);
                self.0.last_mut().into_iter().for_each(|line| line.by.clone_from(&by));
            }
            if let (Some(file), Some(running)) = (file, running) {
                let others = |server: &RealServer| {
                    fields::server(server).into_iter().filter(|(word, _)| *word != "weight").collect::<Vec<_>>()
                };
                self.fields(&subject, Some(others(file)), Some(others(running)));
                self.secret(&subject, (Some(file), Some(running)), fields::server);
            }
        }
    }
}

/// The weight that the engine wants in the table, or why the server is not to be there.
fn wanted(server: &RealServerStatus) -> String {
    match (server.admin, server.health) {
        (Admin::Enabled, Health::Up | Health::Unknown) if server.slow_start.is_some() => {
            format!("{} (slow start)", server.weight)
        }
        (Admin::Enabled, Health::Up | Health::Unknown) => server.weight.to_string(),
        (Admin::Draining, _) => format!("{} (draining)", server.weight),
        (Admin::Maintenance, _) => format!("{} (maintenance)", server.weight),
        (Admin::Enabled, Health::Down) => "out (down)".to_owned(),
    }
}

fn value(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;

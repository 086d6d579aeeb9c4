//! One act after another on a kernel's table, with output and messages.

use super::fault::Fault;
use super::request::{Change, Columns, Listing, Request, Saving, Subject};
use super::text::Naming;
use super::{atomic, help, json, keep, list, order, restore, save};
use crate::api::Client;
use crate::engine::{EngineHandle, IpvsAdmin, ServiceEntry, ServiceKey, ipvs_proc};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

/// Where messages go.
pub struct Console<'a> {
    /// Called by the name `ipvsadm`.
    pub by_name: bool,
    /// Standard error.
    pub err: &'a mut dyn Write,
}

impl Console<'_> {
    /// Says something, with the program's name.
    pub fn say(&mut self, text: &str) {
        let name = if self.by_name { "ipvsadm" } else { "lvsdeck ipvs" };
        // When standard error is gone the exit code is all there is.
        let _ = writeln!(self.err, "{name}: {text}");
    }
    /// Says what is wrong; the exit code.
    pub fn fault(&mut self, fault: &Fault) -> u8 {
        if !fault.message.is_empty() {
            self.say(&fault.message);
        }
        fault.code
    }
}

/// A connection to the kernel with its output.
pub struct Session<'a> {
    /// The table.
    pub kernel: &'a mut dyn IpvsAdmin,
    out: &'a mut dyn Write,
    /// Messages.
    pub console: Console<'a>,
    /// Services that were written.
    pub touched: Vec<ServiceKey>,
    /// `-h` or `--version` was met: nothing more is done.
    pub ended: bool,
}

impl<'a> Session<'a> {
    /// A session that has touched nothing yet.
    pub fn new(kernel: &'a mut dyn IpvsAdmin, out: &'a mut dyn Write, console: Console<'a>) -> Self {
        Self { kernel, out, console, touched: Vec::new(), ended: false }
    }
}

impl Session<'_> {
    /// Says what went wrong, or might be.
    pub fn complain(&mut self, text: &str) {
        self.console.say(text);
    }

    /// Does one request; the exit code.
    pub fn perform(&mut self, request: &Request) -> Result<u8, Fault> {
        match request {
            Request::Help => {
                self.ended = true;
                help::print(self.out, "ipvsadm")?;
            }
            Request::Version => {
                self.ended = true;
                help::version(self.out)?;
            }
            Request::Change(change) => self.change(change)?,
            Request::Clear => {
                let services = self.kernel.list_services()?;
                self.kernel.flush()?;
                self.touched.extend(services.iter().map(|service| service.key));
            }
            Request::Zero(service) => self.kernel.zero(*service)?,
            Request::Save(how) => self.save(*how)?,
            Request::Restore { atomic: false } => return restore::restore(self, &mut io::stdin().lock()),
            Request::Restore { atomic: true } => return atomic::restore(self, &mut io::stdin().lock()),
            Request::List(how) => self.list(how)?,
            Request::SetTimeouts(timeouts) => self.kernel.set_timeouts(*timeouts)?,
            Request::StartDaemon(daemon) => self.kernel.start_daemon(daemon)?,
            Request::StopDaemon(role) => self.kernel.stop_daemon(*role)?,
        }
        Ok(0)
    }

    fn change(&mut self, change: &Change) -> Result<(), Fault> {
        let op = keep::complete(self.kernel, change)?;
        self.kernel.apply(&op)?;
        self.touched.push(op.service());
        if change.keep.is_none() {
            self.warn_of_port(change);
        }
        Ok(())
    }

    /// ipvsadm takes another port of a directly routed server without a word.
    pub fn warn_of_port(&mut self, change: &Change) {
        if let (Some(asked), false) = (change.unheeded_port, self.console.by_name) {
            let service = change.op.service();
            let port = service.port().unwrap_or(0);
            self.complain(&format!(
                "warning: {service}: direct routing and tunnels can't change the port: {asked} became {port}; use -m for another port"
            ));
        }
    }

    fn save(&mut self, how: Saving) -> Result<(), Fault> {
        let services = self.kernel.list_services()?;
        if how.json {
            return self.json_table(services, true);
        }
        let mut naming = Naming::new(how.numeric);
        self.each(services, None, true, |out, service| save::service(out, service, how, &mut naming))
    }

    fn json_table(&mut self, services: Vec<ServiceEntry>, sorted: bool) -> Result<(), Fault> {
        let mut values = Vec::new();
        self.each(services, None, sorted, |_, service| {
            values.push(json::service(service));
            Ok(())
        })?;
        Ok(json::print(self.out, &json::table(&values))?)
    }

    /// Gives each service with its real servers to `print`. The servers of one are read when its turn comes, so that no
    /// more than one service's are held, whatever the size of the table.
    fn each(
        &mut self,
        mut services: Vec<ServiceEntry>,
        shown: Option<&ipvs_proc::Table>,
        sorted: bool,
        mut print: impl FnMut(&mut dyn Write, &ServiceEntry) -> io::Result<()>,
    ) -> Result<(), Fault> {
        let places = if sorted { order::of_services(&services) } else { (0..services.len()).collect() };
        for at in places {
            let Some(service) = services.get_mut(at) else { continue };
            service.servers = match shown {
                Some(shown) => shown.servers(at).collect(),
                None => self.kernel.servers(service.key)?,
            };
            if sorted {
                order::sort_servers(&mut service.servers);
            }
            print(self.out, service)?;
            service.servers = Vec::new();
        }
        Ok(())
    }

    fn list(&mut self, how: &Listing) -> Result<(), Fault> {
        match how.subject {
            Subject::Table(key) => return self.list_table(key, how),
            Subject::Connections if how.json => json::connections(self.out)?,
            Subject::Connections => list::connections(self.out, how, &mut Naming::new(how.numeric))?,
            Subject::Timeouts => {
                let timeouts = self.kernel.timeouts()?;
                if how.json {
                    json::print(self.out, &json::timeouts(timeouts))?;
                } else {
                    list::timeouts(self.out, timeouts)?;
                }
            }
            Subject::Daemons => {
                let daemons = self.kernel.daemons()?;
                if how.json {
                    json::print(self.out, &json::daemons(&daemons))?;
                } else {
                    daemons.iter().try_for_each(|daemon| list::daemon(self.out, daemon))?;
                }
            }
        }
        Ok(())
    }

    fn list_table(&mut self, key: Option<ServiceKey>, how: &Listing) -> Result<(), Fault> {
        let services: Vec<ServiceEntry> = match key {
            Some(key) => {
                let missing = || Fault::not_listed(format!("{key}: the kernel has no such service"));
                vec![self.kernel.list_one(key)?.ok_or_else(missing)?]
            }
            None => self.kernel.list_services()?,
        };
        if how.json {
            return self.json_table(services, how.sorted);
        }
        if key.is_none() {
            let version = self.kernel.version()?;
            let (major, minor, patch) = version.number;
            writeln!(self.out, "IP Virtual Server version {major}.{minor}.{patch} (size={})", version.table_size)?;
        }
        write!(self.out, "{}", list::header(how.columns))?;
        // /proc has all that the usual columns show, and at a fraction of the cost. It is of no use where the table changed
        // in between, or where this is another network namespace's.
        let brief = key.is_none() && how.columns == Columns::Usual;
        let shown = if brief { ipvs_proc::Table::read().ok() } else { None };
        let shown = shown.filter(|shown| shown.has(services.iter().map(|service| &service.key)));
        let mut naming = Naming::new(how.numeric);
        self.each(services, shown.as_ref(), how.sorted, |out, service| list::service(out, service, how, &mut naming))
    }

    /// Names the services that were written and that a running engine owns: it will put them right again.
    pub fn tell_of_owner(&mut self, socket: &Path) {
        if self.touched.is_empty() || !socket.exists() {
            return;
        }
        let Ok(status) = Client::connect(socket).and_then(|engine| engine.status()) else { return };
        let touched: BTreeSet<ServiceKey> = self.touched.drain(..).collect();
        for server in status.virtual_servers.iter().filter(|server| touched.contains(&server.key)) {
            self.console.say(&format!(
                "warning: {} belongs to the running lvsdeck (pid {}), which repairs what differs from its configuration; \
                 use `lvsdeck ctl` to change it",
                server.key, status.pid
            ));
        }
    }
}

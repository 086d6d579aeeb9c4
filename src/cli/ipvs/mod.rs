//! `lvsdeck ipvs`: ipvsadm 1.31's command line, output and exit codes on the kernel's table, and the same under the name
//! `ipvsadm` (`docs/ipvs.md`).
//!
//! * [`options`]: every command and option as data. [`words`] takes a command line apart, [`value`] and [`draft`] read
//!   what is in it, [`request`] holds it against the tables: one typed request.
//! * [`list`], [`save`], [`json`], [`help`]: output; [`text`] names, [`order`] sorts.
//! * [`restore`]: many lines; [`keep`]: edits that leave the rest alone.
//!
//! It writes the kernel directly and asks no engine; what an engine owns is told on standard error afterwards, but not
//! under the name `ipvsadm`, whose callers may take any message for a failure.

mod draft;
mod fault;
mod help;
mod json;
mod keep;
mod list;
mod options;
mod order;
mod request;
mod restore;
mod save;
mod text;
mod value;
mod words;

use crate::api::Client;
use crate::engine::{EngineHandle, IpvsAdmin, ServiceEntry, ServiceKey, ipvs_proc, open_ipvs};
use fault::Fault;
use request::{Change, Columns, Listing, Request, Saving, Subject};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use text::Naming;

/// Arguments of `lvsdeck ipvs`: ipvsadm's own.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
#[command(after_help = "Example: lvsdeck ipvs -Ln --stats")]
pub struct IpvsArgs {
    /// What ipvsadm would be given
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS OF IPVSADM")]
    pub words: Vec<OsString>,
    /// Called by the name `ipvsadm`
    #[arg(skip)]
    pub by_name: bool,
}

/// Does what `args` say; the exit code. `socket` is where an engine would answer.
pub fn run(args: &IpvsArgs, socket: &Path) -> u8 {
    let words: Vec<String> = args.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut out = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let mut err = io::stderr();
    let code = start(&words, args.by_name, socket, &mut out, &mut err);
    match out.flush() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => code.max(1),
        Ok(()) | Err(_) => code,
    }
}

fn start(words: &[String], by_name: bool, socket: &Path, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let mut console = Console { by_name, err };
    let request = match request::parse(words) {
        Ok(Request::Help) => {
            let name = if by_name { "ipvsadm" } else { "lvsdeck ipvs" };
            return u8::from(help::print(out, name).is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe));
        }
        Ok(Request::Version) => {
            return u8::from(help::version(out).is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe));
        }
        Ok(request) => request,
        Err(fault) => return console.fault(&fault),
    };
    let mut kernel = match open_ipvs() {
        Ok(kernel) => kernel,
        Err(refusal) => return console.fault(&Fault::wrong(refusal.message)),
    };
    let mut session = Session { kernel: kernel.as_mut(), out, console, touched: Vec::new(), ended: false };
    let code = match session.perform(&request) {
        Ok(code) => code,
        Err(fault) => session.console.fault(&fault),
    };
    if !by_name {
        session.tell_of_owner(socket);
    }
    code
}

/// Where messages go.
struct Console<'a> {
    by_name: bool,
    err: &'a mut dyn Write,
}

impl Console<'_> {
    fn say(&mut self, text: &str) {
        let name = if self.by_name { "ipvsadm" } else { "lvsdeck ipvs" };
        // When standard error is gone the exit code is all there is.
        let _ = writeln!(self.err, "{name}: {text}");
    }
    fn fault(&mut self, fault: &Fault) -> u8 {
        if !fault.message.is_empty() {
            self.say(&fault.message);
        }
        fault.code
    }
}

/// A connection to the kernel with its output.
struct Session<'a> {
    kernel: &'a mut dyn IpvsAdmin,
    out: &'a mut dyn Write,
    console: Console<'a>,
    /// Services that were written.
    touched: Vec<ServiceKey>,
    /// `-h` or `--version` was met: nothing more is done.
    ended: bool,
}

impl Session<'_> {
    fn complain(&mut self, text: &str) {
        self.console.say(text);
    }

    /// Does one request; the exit code.
    fn perform(&mut self, request: &Request) -> Result<u8, Fault> {
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
            Request::Restore { atomic: true } => return restore::restore_atomically(self, &mut io::stdin().lock()),
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
    fn warn_of_port(&mut self, change: &Change) {
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
    fn tell_of_owner(&mut self, socket: &Path) {
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

/// Whether the program was called as `ipvsadm`.
pub fn is_called_ipvsadm(program: Option<&OsString>) -> bool {
    program.and_then(|name| Path::new(name).file_name()).is_some_and(|name| name == "ipvsadm")
}

#[cfg(test)]
mod tests;

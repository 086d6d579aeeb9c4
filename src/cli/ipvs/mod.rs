//! `lvsdeck ipvs`: ipvsadm 1.31's command line, output and exit codes on the kernel's table, and the same under the name
//! `ipvsadm` (`docs/ipvs.md`).
//!
//! * `options`: every command and option as data. `words` takes a command line apart, `value` and `draft` read
//!   what is in it, `request` holds it against the tables: one typed request.
//! * `list`, `save`, `json`, `help`: output; `text` names, `order` sorts.
//! * `session` does it; `restore` and `atomic`: many lines; `keep`: edits that leave the rest alone.
//!
//! It writes the kernel directly and asks no engine; what an engine owns is told on standard error afterwards, but not
//! under the name `ipvsadm`, whose callers may take any message for a failure.

mod atomic;
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
mod session;
mod text;
mod value;
mod words;

use crate::engine::open_ipvs;
use fault::Fault;
use request::Request;
use session::{Console, Session};
use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::Path;

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
    let mut session = Session::new(kernel.as_mut(), out, console);
    let code = match session.perform(&request) {
        Ok(code) => code,
        Err(fault) => session.console.fault(&fault),
    };
    if !by_name {
        session.tell_of_owner(socket);
    }
    code
}

/// Whether the program was called as `ipvsadm`.
pub fn is_called_ipvsadm(program: Option<&OsString>) -> bool {
    program.and_then(|name| Path::new(name).file_name()).is_some_and(|name| name == "ipvsadm")
}

#[cfg(test)]
mod tests;

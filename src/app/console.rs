//! Finding an engine or starting one, and opening the console on it.

use super::{Places, exit, rivals, spawn, strangers};
use crate::api::Client;
use crate::engine::config;
use crate::engine::io::host;
use crate::engine::model::Configuration;
use crate::engine::{EngineHandle, HandleError};
use crate::ui;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Where a configuration is looked for when none is named.
const STANDARD_FILES: [&str; 2] = ["/etc/lvsdeck/lvsdeck.conf", "/etc/keepalived/keepalived.conf"];

/// By then the first pictures are drawn: what a start runs through, and its neighbours in the file, is not needed again.
const SETTLED: Duration = Duration::from_secs(5);

/// `lvsdeck [-f FILE]`: attach to the engine on the socket, or start one and attach. Gives the exit code.
pub fn open(file: Option<&Path>, places: &Places, options: &ui::Options) -> u8 {
    match connect(places, options) {
        Ok(client) => {
            if let Some(file) = file {
                eprintln!(
                    "an engine answers on {}: attaching to it, {} is not read",
                    places.socket.display(),
                    file.display()
                );
            }
            show(client, options)
        }
        Err(HandleError::NoEngine { .. }) => start_and_attach(file, places, options),
        Err(error) => fail(exit::ENGINE, &error),
    }
}

/// `lvsdeck attach`: the console on a running engine, or exit code 3.
pub fn attach(places: &Places, options: &ui::Options) -> u8 {
    match connect(places, options) {
        Ok(client) => show(client, options),
        Err(error) => fail(exit::ENGINE, &error),
    }
}

/// With `--read-only` on the socket that takes no commands: the engine sees to it, not the console.
fn connect(places: &Places, options: &ui::Options) -> Result<Client, HandleError> {
    if options.read_only { Client::connect_read_only(&places.socket) } else { Client::connect(&places.socket) }
}

fn show(client: Client, options: &ui::Options) -> u8 {
    let options = &ui::Options { commanders: client.refusal(), ..options.clone() };
    let engine: Arc<dyn EngineHandle> = Arc::new(client);
    // Consoles stay open for days, several of them. Without the thread it only takes more room.
    let _ = thread::Builder::new().name("shed".to_owned()).spawn(|| {
        thread::sleep(SETTLED);
        host::shed_the_start();
    });
    match ui::run(&engine, options) {
        Ok(ended) => {
            // A signal may be the news that nobody is there to read this (SIGHUP): that is no failure.
            let _ = match (ended.cause, ended.pid) {
                (ui::ExitCause::TerminalLost | ui::ExitCause::ScriptFailed, _) => Ok(()),
                (ui::ExitCause::Detached | ui::ExitCause::Signal(_), Some(pid)) => {
                    writeln!(io::stdout(), "detached, engine running as pid {pid}")
                }
                (ui::ExitCause::Detached | ui::ExitCause::Signal(_), None) => {
                    writeln!(io::stdout(), "detached; the engine never answered")
                }
            };
            exit::OK
        }
        Err(error) => fail(exit::FAILED, &error),
    }
}

fn fail(code: u8, error: &dyn std::fmt::Display) -> u8 {
    eprintln!("lvsdeck: {error}");
    code
}

fn start_and_attach(file: Option<&Path>, places: &Places, options: &ui::Options) -> u8 {
    if !io::stdout().is_terminal() {
        return fail(exit::USAGE, &"the console needs a terminal; `lvsdeck run -f FILE` runs the engine without one");
    }
    let named = file.map(Path::to_path_buf);
    let Some(path) = named.or_else(|| STANDARD_FILES.iter().map(PathBuf::from).find(|path| path.exists())) else {
        let message = format!(
            "no engine answers on {}, and there is neither {} nor {}; name a configuration: lvsdeck -f FILE",
            places.socket.display(),
            STANDARD_FILES[0],
            STANDARD_FILES[1]
        );
        return fail(exit::ENGINE, &message);
    };
    if !host::is_root() {
        let message = "no engine answers, and starting one needs root (CAP_NET_ADMIN and CAP_NET_RAW)";
        return fail(exit::NOT_PERMITTED, &message);
    }
    let loaded = config::load(&path);
    let configuration = loaded.as_ref().ok().and_then(|loaded| loaded.configuration.as_ref());
    let rival = configuration.and_then(|configuration| rivals::objection(configuration, &places.socket, false));
    if let Some(message) = rival {
        return fail(exit::FAILED, &message);
    }
    let heard = configuration.map(strangers::listen).unwrap_or_default();
    if let Some(message) = strangers::objection(&heard) {
        return fail(exit::FAILED, &message);
    }
    if file.is_none() && !confirmed(&path, configuration, &heard) {
        return fail(exit::FAILED, &"nothing was started");
    }
    let path = path.canonicalize().unwrap_or(path);
    match spawn::engine(&path, places, &[]) {
        Ok(()) => attach(places, options),
        Err(spawn::SpawnError::Ended { said, code }) => {
            eprintln!("{said}");
            code
        }
        Err(error) => fail(exit::FAILED, &error),
    }
}

/// Shows what a start would do and asks for the word.
fn confirmed(path: &Path, configuration: Option<&Configuration>, heard: &[strangers::Voice]) -> bool {
    println!("No engine runs here. A start on {} would do this:", path.display());
    let Some(configuration) = configuration else {
        println!("  nothing: it can't be used, see `lvsdeck check -f {}`", path.display());
        return false;
    };
    for router in &configuration.virtual_routers {
        let addresses: Vec<String> = router.addresses.iter().map(ToString::to_string).collect();
        let (addresses, master) = (addresses.join(" "), strangers::master_of(heard, router));
        println!(
            "  {}: VRID {} on {}, priority {}, {addresses}; {}",
            router.name,
            router.vrid,
            router.interface,
            router.priority,
            master.unwrap_or_else(|| "no master is heard".to_owned())
        );
    }
    for server in &configuration.virtual_servers {
        println!("  {} {} with {} real servers", server.key, server.scheduler, server.real_servers.len());
    }
    print!("Type start to do it: ");
    let mut word = String::new();
    io::stdout().flush().is_ok() && io::stdin().lock().read_line(&mut word).is_ok() && word.trim() == "start"
}

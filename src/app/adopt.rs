//! `lvsdeck adopt`: an engine in the place of a running keepalived, without a lost connection.
//!
//! 1. everything that can be known before is checked first: the file, the rights, the socket, that a keepalived runs here;
//! 2. systemd is told not to start keepalived again;
//! 3. an engine is started with `run --adopt`, which freezes keepalived, takes its place and ends it, or lets it go on.

use super::keepalived::{Keepalived, Words};
use super::{Places, engine, exit, spawn};
use crate::api::Client;
use crate::cli::run::AdoptArgs;
use crate::engine::io::ipvs_netlink::{IpvsKernel, Netlink};
use crate::engine::io::{host, host_addresses, privilege, processes};
use crate::engine::model::{Configuration, VirtualRouter};
use crate::engine::{HandleError, configuration_files, load_configuration_as};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where systemd keeps what lasts until the next boot.
const RUNTIME_UNITS: &str = "/run/systemd/system";

/// Takes over. Gives the exit code.
pub fn run(args: &AdoptArgs, places: &Places) -> u8 {
    match adopt(args, places) {
        Ok(said) => {
            println!("{said}");
            exit::OK
        }
        Err((code, message)) => {
            eprintln!("lvsdeck: {message}");
            code
        }
    }
}

type Refused = (u8, String);

fn adopt(args: &AdoptArgs, places: &Places) -> Result<String, Refused> {
    if !host::is_root() {
        return Err((exit::NOT_PERMITTED, "freezing and ending keepalived needs root".to_owned()));
    }
    let Some(Keepalived { pid: main, file: own, words }) = Keepalived::here() else {
        let message = "no keepalived runs here, so there is nothing to adopt; start with `lvsdeck run -f FILE`";
        return Err((exit::FAILED, message.to_owned()));
    };
    let file = args.file.clone().unwrap_or_else(|| own.clone());
    let file = file.canonicalize().unwrap_or(file);
    let (configuration, files) = read(&file, &words)?;
    for file in privilege::unreadable_without(files) {
        let file = file.display();
        eprintln!(
            "warning: {file} is not root's, and the engine gives up the right to read it: it runs, but no reload will be taken; \
             `chown root {file}`, or let everybody read it"
        );
    }
    match Client::connect(&places.socket) {
        Err(HandleError::NoEngine { .. }) => {}
        Err(error) => return Err((exit::ENGINE, error.to_string())),
        Ok(_) => return Err((exit::ENGINE, format!("an engine runs already on {}", places.socket.display()))),
    }
    if own.canonicalize().is_ok_and(|own| own != file) {
        let lacks = lacks(&read(&own, &words)?.0, &configuration);
        if !lacks.is_empty() {
            let (file, own, lacks) = (file.display(), own.display(), lacks.join(", "));
            let message = format!(
                "{file} lacks what keepalived runs by {own}, and nobody would take it away: {lacks}; adopt {own}, then change \
                 it and reload"
            );
            return Err((exit::CONFIGURATION, message));
        }
        eprintln!("note: keepalived runs {}, and {} is adopted", own.display(), file.display());
    }
    if configuration.virtual_routers.is_empty() && configuration.virtual_servers.is_empty() {
        return Err((exit::CONFIGURATION, format!("{} has nothing to run", file.display())));
    }
    // Of this network namespace, unlike /sys/class/net.
    let links = fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    let exists = |name: &str| links.lines().any(|line| line.split(':').next().is_some_and(|link| link.trim() == name));
    let absent = |router: &&VirtualRouter| !exists(&router.interface);
    if let Some(router) = configuration.virtual_routers.iter().find(absent) {
        let message = format!("interface {} of {} does not exist", router.interface, router.name);
        return Err((exit::CONFIGURATION, message));
    }
    if !configuration.virtual_servers.is_empty() {
        let table = Netlink::open().and_then(|mut kernel| kernel.read_table());
        table.map_err(engine::no_table).map_err(|engine::Refused(code, why)| (code, why))?;
    }
    let here =
        host_addresses::read().map_err(|error| (exit::FAILED, format!("can't list the host's addresses: {error}")))?;
    let lacking = absent_of_masters(&configuration, &here);
    if !lacking.is_empty() {
        let message = format!(
            "{} has what keepalived did not put on this host: {}; the engine would not go on as master of it, and the other router \
             would take over. Let keepalived reload the file first, or take it out of the file, adopt, and reload then",
            file.display(),
            lacking.join(", ")
        );
        return Err((exit::CONFIGURATION, message));
    }
    let (instances, services) = (configuration.virtual_routers.len(), configuration.virtual_servers.len());
    if args.dry_run {
        let told: String = words.options().iter().flat_map(|word| [" ", word]).collect();
        return Ok(format!(
            "would freeze keepalived (pid {main}), start an engine on {}{told} with {instances} instances and {services} \
             services in its place, and end keepalived with its addresses and services left in place\nnothing was done",
            file.display()
        ));
    }
    let unit = processes::unit(main);
    let restarts = unit.as_deref().map(forbid_restart).transpose();
    let restarts =
        restarts.map_err(|error| (exit::FAILED, format!("systemd would start keepalived again: {error}")))?;
    let started = spawn::engine(&file, places, &[&["--adopt"], words.options().as_slice()].concat());
    if let (Err(_), Some(dropin)) = (&started, &restarts) {
        let _ = fs::remove_file(dropin).and_then(|()| reload_systemd()); // keepalived goes on, and so does its unit
    }
    started.map_err(|error| match error {
        spawn::SpawnError::Ended { said, code } => (code, format!("keepalived goes on as before:\n{said}")),
        spawn::SpawnError::System { .. } => (exit::FAILED, format!("keepalived goes on as before: {error}")),
    })?;
    let next = unit.map_or_else(String::new, |unit| {
        format!(
            "\nkeep it from coming back at the next boot: systemctl disable {unit}\n\
             to run lvsdeck under systemd from now on: lvsdeck ctl stop --keep && systemctl start lvsdeck"
        )
    });
    Ok(format!("adopted: the engine runs in keepalived's place ({instances} instances, {services} services){next}"))
}

/// What an engine that is told the same as keepalived would run of a file, and every file that this is read from.
fn read(file: &Path, words: &Words) -> Result<(Configuration, Vec<PathBuf>), Refused> {
    let loaded = load_configuration_as(file, words.config_id.as_deref());
    let loaded = loaded.map_err(|error| (exit::CONFIGURATION, error.to_string()))?;
    let open = loaded.diagnostics.iter().any(|diagnostic| diagnostic.code == "missing-brace");
    let read = loaded.configuration.filter(|_| !open).ok_or_else(|| {
        let message = format!("{} would not run as it is; see `lvsdeck check -f {}`", file.display(), file.display());
        (exit::CONFIGURATION, message)
    })?;
    Ok((read.half(words.vrrp_only, words.ipvs_only), configuration_files(file, &loaded.includes)))
}

/// What keepalived's own configuration has and the one to adopt has not.
fn lacks(own: &Configuration, adopted: &Configuration) -> Vec<String> {
    let mut lacks = Vec::new();
    for router in &own.virtual_routers {
        let same = |other: &&VirtualRouter| other.name == router.name && other.is_same_to_others(router);
        match adopted.virtual_routers.iter().find(same) {
            None => lacks.push(format!("vrrp_instance {} as it is on {}", router.name, router.interface)),
            Some(same) => {
                let gone = router.addresses.iter().filter(|address| !same.addresses.contains(address));
                lacks.extend(gone.map(|address| format!("{address} of {}", router.name)));
            }
        }
    }
    let gone = own.virtual_servers.iter().filter(|s| !adopted.virtual_servers.iter().any(|a| a.key == s.key));
    lacks.extend(gone.map(|service| format!("virtual_server {}", service.key)));
    lacks
}

/// Addresses that are not on this host, of instances of which some are: keepalived is master there, by an older file.
fn absent_of_masters(configuration: &Configuration, here: &HashSet<IpAddr>) -> Vec<String> {
    let mut lacking = Vec::new();
    for router in &configuration.virtual_routers {
        let (there, absent): (Vec<_>, Vec<_>) = router.addresses.iter().partition(|its| here.contains(&its.address));
        if !there.is_empty() {
            lacking.extend(absent.iter().map(|address| format!("{address} of {}", router.name)));
        }
    }
    lacking
}

/// Tells systemd, until the next boot, not to start the unit when its process dies. None where no systemd runs.
fn forbid_restart(unit: &str) -> io::Result<PathBuf> {
    let directory = Path::new(RUNTIME_UNITS).join(format!("{unit}.d"));
    let dropin = directory.join("lvsdeck-adopt.conf");
    if Path::new(RUNTIME_UNITS).exists() {
        fs::create_dir_all(&directory)?;
        fs::write(&dropin, "[Service]\nRestart=no\n")?;
        if let Err(error) = reload_systemd() {
            let _ = fs::remove_file(&dropin); // what systemd does not know of must not surprise it later
            return Err(error);
        }
    }
    Ok(dropin)
}

fn reload_systemd() -> io::Result<()> {
    let status = Command::new("systemctl").arg("daemon-reload").status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("`systemctl daemon-reload` failed")) }
}

#[cfg(test)]
mod tests {
    use super::{absent_of_masters, lacks};
    use crate::engine::parse_configuration;

    #[test]
    fn an_address_that_keepalived_did_not_put_on_is_named_where_it_is_master() {
        let text = "vrrp_instance V {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {\n 10.0.0.1/24\n 10.0.0.2/24\n }\n}\n";
        let read = parse_configuration("x.conf", text).configuration.unwrap();
        for (here, absent) in
            [(&[][..], &[][..]), (&["10.0.0.1", "10.0.0.2", "10.0.0.9"], &[]), (&["10.0.0.1"], &["10.0.0.2/24 of V"])]
        {
            let here = here.iter().map(|address| address.parse().unwrap()).collect();
            assert_eq!(absent_of_masters(&read, &here), absent);
        }
    }

    #[test]
    fn what_another_file_lacks_of_keepalived_s_own_is_named() {
        let own = "vrrp_instance V {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {\n 10.0.0.1/24\n }\n}\n\
                   virtual_server 10.0.0.1 80 {\n protocol TCP\n real_server 10.0.0.7 80 {\n }\n}\n";
        let read = |text: &str| parse_configuration("x.conf", text).configuration.unwrap();
        for (from, into, lack) in [
            ("10.0.0.1/24", "10.0.0.1/24", &[][..]),
            ("10.0.0.1/24", "10.0.0.1/24\n 10.0.0.2/24", &[]),
            ("10.0.0.1/24", "10.0.0.2/24", &["10.0.0.1/24 of V"]),
            ("router_id 5", "router_id 6", &["vrrp_instance V as it is on eth0"]),
            ("10.0.0.1 80", "10.0.0.1 81", &["virtual_server tcp/10.0.0.1:80"]),
        ] {
            assert_eq!(lacks(&read(own), &read(&own.replace(from, into))), lack, "{into}");
        }
    }
}

//! Other directors of this host, looked for before an engine starts: two VRRP programs on one host do not hear each other, so
//! both become master, and two that want the same service undo each other's changes.
//!
//! Found are keepalived by its name, and other engines by their processes, each asked over its own socket what it runs. Only
//! this network namespace counts. Never waits for what does not answer longer than a client does.

use super::SYSTEM_SOCKET;
use crate::api::Client;
use crate::engine::EngineHandle;
use crate::engine::Status;
use crate::engine::io::processes;
use crate::engine::model::Configuration;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Why an engine that runs `configuration` must not start here. One that takes keepalived's place may start beside it.
pub(super) fn objection(configuration: &Configuration, socket: &Path, adopts: bool) -> Option<String> {
    let keepalived = if adopts { None } else { keepalived(configuration) };
    keepalived.or_else(|| engines(socket).iter().find_map(|engine| engine.objection(configuration)))
}

fn keepalived(configuration: &Configuration) -> Option<String> {
    if configuration.virtual_routers.is_empty() {
        return None;
    }
    let pid = processes::keepalived().into_iter().min()?;
    Some(format!(
        "keepalived runs here as pid {pid}: two VRRP programs on one host do not hear each other and both become master; stop \
         it first (systemctl stop keepalived), take its place (lvsdeck adopt), or look at it (lvsdeck watch)"
    ))
}

/// Another engine of this network namespace.
struct Engine {
    pid: u32,
    /// As it was given there.
    socket: PathBuf,
    /// The same from here.
    reached: PathBuf,
}

/// All but the one that would hold the same socket: of that the socket itself tells.
fn engines(own: &Path) -> Vec<Engine> {
    let others = processes::here("lvsdeck").into_iter().filter(|pid| *pid != std::process::id());
    others.filter_map(Engine::of).filter(|engine| !engine.holds(own)).collect()
}

/// Whether two paths lead to the same file, by whatever names and through whatever mounts.
fn same_file(one: &Path, other: &Path) -> bool {
    let file = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    file(one).is_some_and(|found| file(other) == Some(found))
}

fn shares_files(pid: u32) -> bool {
    let space = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
    space("self") == space(&pid.to_string())
}

/// The strings of a file that ends each with a zero byte.
fn strings(path: &str) -> Vec<OsString> {
    let bytes = fs::read(path).unwrap_or_default();
    bytes.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect()
}

impl Engine {
    /// None when the process is no engine: the console and `ctl` have the same name.
    fn of(pid: u32) -> Option<Self> {
        let words = strings(&format!("/proc/{pid}/cmdline"));
        words.iter().skip(1).find(|word| *word == "run")?;
        let variables = strings(&format!("/proc/{pid}/environ"));
        let socket = socket_of(&words, &variables);
        let root = format!("/proc/{pid}/root");
        let reached = if socket.is_absolute() && fs::read_link(&root).is_err() {
            // No right to look there, as in a unit without CAP_SYS_PTRACE: most processes see the same files.
            socket.clone()
        } else if socket.is_absolute() {
            Path::new(&root).join(socket.strip_prefix("/").unwrap_or(&socket))
        } else {
            Path::new(&format!("/proc/{pid}/cwd")).join(&socket)
        };
        Some(Self { pid, socket, reached })
    }

    /// Whether it listens on this very socket.
    fn holds(&self, own: &Path) -> bool {
        (self.socket == own && shares_files(self.pid)) || same_file(own, &self.reached)
    }

    fn objection(&self, configuration: &Configuration) -> Option<String> {
        let status = Client::connect(&self.reached).and_then(|client| client.status());
        let shared = match status {
            Ok(status) => shared(configuration, &status)?,
            Err(error) => {
                let pid = self.pid;
                tracing::warn!("another engine runs here as pid {pid}, and what it runs is not known: {error}");
                return None;
            }
        };
        let socket = self.socket.display();
        Some(format!(
            "lvsdeck runs here already, as pid {}, with {shared}; stop it first (lvsdeck ctl --socket {socket} stop), or look at \
             it (lvsdeck attach --socket {socket})",
            self.pid
        ))
    }
}

/// `--socket`, the variable, or the standard one.
fn socket_of(words: &[OsString], variables: &[OsString]) -> PathBuf {
    let value = |word: &OsString, name: &str| word.to_str()?.strip_prefix(name)?.strip_prefix('=').map(PathBuf::from);
    let next = words.iter().position(|word| word == "--socket").and_then(|at| words.get(at + 1)).map(PathBuf::from);
    let option = next.or_else(|| words.iter().find_map(|word| value(word, "--socket")));
    let variable = || variables.iter().find_map(|word| value(word, "LVSDECK_SOCKET"));
    option.or_else(variable).unwrap_or_else(|| PathBuf::from(SYSTEM_SOCKET))
}

/// The first thing that both would run, and what comes of it.
fn shared(configuration: &Configuration, status: &Status) -> Option<String> {
    let router = configuration.virtual_routers.iter().find(|own| {
        let same = |other: &&crate::engine::VirtualRouterStatus| {
            (own.interface.as_str(), own.vrid.get(), own.family) == (other.interface.as_str(), other.vrid, other.family)
        };
        status.virtual_routers.iter().any(|other| same(&other))
    });
    if let Some(router) = router {
        return Some(format!(
            "VRID {} on {} too ({}): they do not hear each other, and both become master",
            router.vrid, router.interface, router.name
        ));
    }
    let runs = |key| status.virtual_servers.iter().any(|other| other.key == key);
    let service = configuration.virtual_servers.iter().find(|service| runs(service.key))?;
    Some(format!("{} too: each would undo what the other does", service.key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn a_socket_is_the_same_by_another_name() {
        let place = tempfile::tempdir().unwrap();
        let (socket, link) = (place.path().join("d1.sock"), place.path().join("other"));
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::symlink(&socket, &link).unwrap();
        assert!(same_file(&socket, &link));
        assert!(!same_file(&socket, &place.path().join("none")));
        drop(listener);
    }

    #[test]
    fn the_socket_of_an_engine_is_its_option_its_variable_or_the_standard_one() {
        let of = |line, variables| socket_of(&words(line), &words(variables)).display().to_string();
        assert_eq!(of("lvsdeck run -f x --socket /tmp/a", "LVSDECK_SOCKET=/tmp/b"), "/tmp/a");
        assert_eq!(of("lvsdeck --socket=/tmp/a run -f x", ""), "/tmp/a");
        assert_eq!(of("lvsdeck run -f x", "A=1 LVSDECK_SOCKET=/tmp/b"), "/tmp/b");
        assert_eq!(of("lvsdeck run -f --socket", ""), SYSTEM_SOCKET);
    }
}

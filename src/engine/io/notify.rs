//! Telling the service manager how this process is: one datagram a message (`sd_notify(3)`).
//!
//! It promises never to block and never to fail: a manager that is not there, or does not read, is no reason to do anything
//! otherwise. It decides nothing: when to say what is `app::service`'s.

use rustix::time::{ClockId, clock_gettime};
use std::ffi::{OsStr, OsString};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;
use std::{env, fs, io, process};

/// The variables of the protocol. They are for this process alone.
const VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// What the service manager wrote into the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// Where to send to: a path, or `@` and an abstract name.
    pub socket: Option<OsString>,
    /// How often a sign of life is wanted at least; none: no watchdog for this process.
    pub watchdog: Option<Duration>,
}

impl Environment {
    /// Reads the variables, and takes them out of the environment where no other thread can be reading it, so that no child
    /// speaks in our name.
    #[allow(unsafe_code)]
    pub fn take() -> Self {
        let [socket, usec, pid] = VARIABLES.map(env::var_os);
        if fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1) {
            for name in VARIABLES {
                // SAFETY: this process has one thread, so nobody reads or writes the environment meanwhile.
                unsafe { env::remove_var(name) };
            }
        }
        Self::of(socket, usec.as_deref(), pid.as_deref(), process::id())
    }

    /// The variables' meaning for the process `own`. What can't be read counts as absent.
    fn of(socket: Option<OsString>, usec: Option<&OsStr>, pid: Option<&OsStr>, own: u32) -> Self {
        let number = |text: &OsStr| text.to_str()?.parse::<u64>().ok();
        let mine = pid.is_none_or(|pid| number(pid) == Some(u64::from(own)));
        let watchdog = usec.and_then(number).filter(|usec| *usec > 0 && mine).map(Duration::from_micros);
        Self { socket: socket.filter(|socket| !socket.is_empty()), watchdog }
    }
}

/// The way to the service manager; to nobody when there is none.
#[derive(Debug, Default)]
pub struct NotifySocket(Option<(UnixDatagram, SocketAddr)>);

impl NotifySocket {
    /// The socket named in `NOTIFY_SOCKET`. Errors: it is neither a path nor an abstract name, or there is no descriptor left.
    pub fn open(name: Option<&OsStr>) -> io::Result<Self> {
        let Some(name) = name else { return Ok(Self(None)) };
        let address = match name.as_bytes() {
            [b'@', abstract_name @ ..] => SocketAddr::from_abstract_name(abstract_name)?,
            [b'/', ..] => SocketAddr::from_pathname(name)?,
            _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "neither a path nor @ and a name")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self(Some((socket, address))))
    }

    /// Whether there is anybody to send to.
    pub const fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Sends one message: assignments, one a line.
    pub fn send(&self, message: &str) {
        if let Some((socket, address)) = &self.0 {
            // Nobody there, or a full queue: the next message will say it again.
            _ = socket.send_to_addr(message.as_bytes(), address);
        }
    }
}

/// `CLOCK_MONOTONIC` in microseconds, as `MONOTONIC_USEC` wants it.
pub fn monotonic_usec() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanos) = (u64::try_from(now.tv_sec).unwrap_or(0), u64::try_from(now.tv_nsec).unwrap_or(0));
    seconds * 1_000_000 + nanos / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(socket: &str, usec: Option<&str>, pid: Option<&str>) -> Environment {
        Environment::of(Some(socket.into()), usec.map(OsStr::new), pid.map(OsStr::new), 812)
    }

    #[test]
    fn the_watchdog_is_ours_when_no_process_or_this_one_is_named() {
        let watchdog = |usec, pid| environment("/x", usec, pid).watchdog;
        assert_eq!(watchdog(Some("30000000"), None), Some(Duration::from_secs(30)));
        assert_eq!(watchdog(Some("30000000"), Some("812")), Some(Duration::from_secs(30)));
        assert_eq!(watchdog(Some("30000000"), Some("813")), None);
        assert_eq!(watchdog(Some("30000000"), Some("")), None);
        assert_eq!(watchdog(Some("0"), None), None);
        assert_eq!(watchdog(Some("soon"), None), None);
        assert_eq!(watchdog(None, Some("812")), None);
        assert_eq!(environment("", None, None), Environment::default());
    }

    #[test]
    fn a_message_gets_to_a_path_and_to_an_abstract_name() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("notify");
        let hidden = format!("lvsdeck-test-{}", process::id());
        let hidden_address = SocketAddr::from_abstract_name(&hidden).unwrap();
        for (name, manager) in [
            (path.clone().into_os_string(), UnixDatagram::bind(&path).unwrap()),
            (format!("@{hidden}").into(), UnixDatagram::bind_addr(&hidden_address).unwrap()),
        ] {
            NotifySocket::open(Some(&name)).unwrap().send("READY=1");
            let mut buffer = [0; 64];
            let length = manager.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"READY=1", "{}", name.display());
        }
    }

    #[test]
    fn no_manager_or_one_that_is_gone_is_no_failure() {
        NotifySocket::open(None).unwrap().send("READY=1");
        NotifySocket::open(Some(OsStr::new("/nonexistent/notify"))).unwrap().send("READY=1");
        assert!(NotifySocket::open(Some(OsStr::new("relative"))).is_err());
    }

    #[test]
    fn the_monotonic_clock_goes_on() {
        let first = monotonic_usec();
        assert!(first > 0 && monotonic_usec() >= first);
    }
}

//! Health probes, one file a check type. A probe says how long it took, why its target failed it in a few words, or why
//! this host could not run it; what follows from that is decided elsewhere.

mod dns;
mod file;
mod http;
mod neighbours;
mod origin;
mod ping;
mod smtp;
mod tcp;
mod udp;

use crate::engine::health::{Hindrance, Verdict};
use crate::engine::model::{CheckKind, CheckSpec};
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Runs a check once. However slowly its target answers, it is over after the check's time limit. A script is not run here.
pub async fn run(check: &CheckSpec) -> Verdict {
    let started = Instant::now();
    let asked = async {
        match &check.kind {
            CheckKind::Tcp => tcp::connect(check).await,
            CheckKind::Http(http) => http::ask(check, http).await,
            CheckKind::Smtp { helo } => smtp::greet(check, helo).await,
            CheckKind::Dns { record, name } => dns::ask(check, *record, name).await,
            CheckKind::Udp(udp) => udp::ask(check, udp).await,
            CheckKind::Ping => ping::ask(check).await,
            CheckKind::File(file) => file::look(file).await,
            CheckKind::Misc(_) => Err(Verdict::Unable(Hindrance {
                reason: "a script is not run here".to_owned(),
                next: "report the engine's log",
            })),
        }
    };
    let limit = match &check.kind {
        // Keeps its time itself: silence may be what is wanted.
        CheckKind::Udp(_) => check.longest() + STILL,
        _ => check.longest(),
    };
    match within(limit, pin!(asked), failed("timeout")).await {
        Ok(()) => Verdict::Passed(started.elapsed()),
        Err(verdict) => verdict,
    }
}

/// What `asked` says within its time limit, or `silence`. It stays where it is: a future that is handed over is copied, and there are thousands.
async fn within<T>(
    limit: Duration,
    asked: Pin<&mut impl Future<Output = Result<T, Verdict>>>,
    silence: Result<T, Verdict>,
) -> Result<T, Verdict> {
    let started = Instant::now();
    match timeout(limit, asked).await {
        Ok(said) => said,
        // Its answer may have come meanwhile.
        Err(_) if started.elapsed() > limit + STILL => Err(Verdict::Unable(Hindrance {
            reason: format!("this host stood still for {:.1} s", started.elapsed().saturating_sub(limit).as_secs_f64()),
            next: "look at the load of this host, and at its hypervisor for pauses",
        })),
        Err(_) => silence,
    }
}

/// Who notices so late that a time limit is over knows nothing about the target.
const STILL: Duration = Duration::from_secs(1);

/// The target failed, and why.
fn failed<T>(why: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict::Failed(why.into()))
}

/// How many probes may be out at once: what this process may open, less what the rest of it needs. Raises the soft limit of
/// open files to the hard one first, since a probe that finds no descriptor would say of a healthy server that it is down.
#[allow(unsafe_code)]
pub fn capacity() -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a valid pointer to a `rlimit` that outlives them.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) != 0 {
            return 256;
        }
        let raised = libc::rlimit { rlim_cur: limit.rlim_max.min(MOST + REST).max(limit.rlim_cur), ..limit };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) == 0 {
            limit = raised;
        }
    }
    room(limit.rlim_cur)
}

/// What the rest of the process may open: 200 for the engine, and two for each of the 320 clients that the API serves at most.
const REST: u64 = 200 + 2 * 320;
/// More probes than this at once help nobody.
const MOST: u64 = 20_000;

/// How many of `limit` descriptors probes may use.
fn room(limit: u64) -> usize {
    usize::try_from(limit.saturating_sub(REST).clamp(16, MOST)).unwrap_or(16)
}

/// Why this host could not make a probe, where the error is the host's and says nothing of the target (`errno(3)`).
fn hindrance(error: &io::Error) -> Option<Hindrance> {
    let (reason, next) = match error.raw_os_error()? {
        libc::EMFILE => (
            "no free file descriptor in this process",
            "raise the limit of open files and restart the engine: LimitNOFILE= of its unit, or ulimit -n",
        ),
        libc::ENFILE => ("no free file descriptor on this host", "raise the limit: sysctl fs.file-max"),
        libc::ENOBUFS | libc::ENOMEM => {
            ("no memory for a connection on this host", "look at free and at /proc/net/sockstat")
        }
        libc::ENOSPC => {
            ("too many watched descriptors on this host", "raise the limit: sysctl fs.epoll.max_user_watches")
        }
        libc::EADDRNOTAVAIL => (
            "no free local port or address on this host",
            "look at ss -s, and widen sysctl net.ipv4.ip_local_port_range",
        ),
        libc::EACCES | libc::EPERM => (
            "not permitted by the local system",
            "look at the packet filter's output chain, prohibiting routes (ip route) and SELinux or AppArmor",
        ),
        _ => return None,
    };
    Some(Hindrance { reason: reason.to_owned(), next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_leave_descriptors_for_the_engine_and_the_clients_of_the_api() {
        for (limit, probes) in [(0, 16), (256, 16), (1_024, 184), (20_840, 20_000), (1_048_576, 20_000)] {
            assert_eq!(room(limit), probes, "{limit}");
        }
    }

    #[test]
    fn trouble_of_this_host_is_no_verdict_and_trouble_of_the_target_is_one() {
        let is_local = |number| hindrance(&io::Error::from_raw_os_error(number)).is_some();
        for number in [
            libc::EMFILE,
            libc::ENFILE,
            libc::ENOBUFS,
            libc::ENOMEM,
            libc::ENOSPC,
            libc::EADDRNOTAVAIL,
            libc::EACCES,
            libc::EPERM,
        ] {
            assert!(is_local(number), "{number}");
        }
        for number in [libc::ECONNREFUSED, libc::ETIMEDOUT, libc::EHOSTUNREACH, libc::ENETUNREACH, libc::ECONNRESET] {
            assert!(!is_local(number), "{number}");
        }
    }
}

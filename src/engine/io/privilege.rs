//! Giving up what the engine does not need.
//!
//! What stays is `CAP_NET_ADMIN` (addresses, IPVS), `CAP_NET_RAW` (VRRP, ARP) and `CAP_NET_BIND_SERVICE` (checks from a
//! `bind_port` below 1024, which a reload may bring as well), in the permitted and effective sets and, where that can be set,
//! in the bounding set; ambient and inheritable sets are emptied, and no program that is executed gains any.
//! The user stays what it is. Capabilities belong to threads, and a thread inherits those of its maker: so this comes
//! before the first thread.

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs,
};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;

/// What an engine keeps.
const KEPT: CapabilitySet =
    CapabilitySet::NET_ADMIN.union(CapabilitySet::NET_RAW).union(CapabilitySet::NET_BIND_SERVICE);

/// Why privileges could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// There are threads already, which would keep theirs.
    #[error("{0} threads run before privileges are dropped")]
    Threads(usize),
    /// The kernel refused.
    #[error("can't drop privileges ({what}): {cause}")]
    Refused {
        /// Which step.
        what: &'static str,
        /// What it said.
        #[source]
        cause: io::Error,
    },
}

/// Those of these files and directories that this process could not open any more once it [gave up](give_up) its privileges. It keeps them: a thread
/// without them tries, and ends. Where there is no such thread, none.
pub fn unreadable_without(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let look = move || {
        let now = capabilities(None).ok()?;
        set_capabilities(None, CapabilitySets { effective: now.effective & KEPT, ..now }).ok()?;
        Some(files.into_iter().filter(|file| is_refused(file)).collect())
    };
    thread::spawn(look).join().ok().flatten().unwrap_or_default()
}

/// Whether a file is there that this thread may not read, or a directory whose names it may not read or follow.
pub fn is_refused(path: &Path) -> bool {
    let is_refusal = |error: io::Error| error.kind() == ErrorKind::PermissionDenied;
    // To look at what is in a directory takes another right than to list it; a file has nothing in it.
    // Of a FIFO nobody is waited for.
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    opened.is_err_and(is_refusal) || fs::metadata(path.join(".")).is_err_and(is_refusal)
}

/// Drops everything but what is kept. What this process does not have is not missed here: whoever needs it says so.
pub fn give_up() -> Result<(), PrivilegeError> {
    let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 {
        return Err(PrivilegeError::Threads(threads));
    }
    let refused = |what| move |error: rustix::io::Errno| PrivilegeError::Refused { what, cause: error.into() };
    set_no_new_privs(true).map_err(refused("no_new_privs"))?;
    let now = capabilities(None).map_err(refused("reading capabilities"))?;
    if now.effective.contains(CapabilitySet::SETPCAP) {
        for number in 0..64_u32 {
            let Some(capability) = CapabilitySet::from_bits(1 << number).filter(|c| !c.is_empty()) else { continue };
            if !KEPT.contains(capability) {
                // A number that this kernel does not know yet.
                _ = remove_capability_from_bounding_set(capability);
            }
        }
    }
    _ = clear_ambient_capability_set();
    let kept = CapabilitySets {
        effective: now.permitted & KEPT,
        permitted: now.permitted & KEPT,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, kept).map_err(refused("capabilities"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::io::host;
    use std::os::unix::fs::{PermissionsExt, chown};

    #[test]
    fn what_root_reads_by_privilege_alone_is_found_and_no_privilege_is_lost_by_it() {
        if !host::is_root() {
            // Whoever is not root reads nothing by privilege.
            return assert!(unreadable_without(vec!["/etc/passwd".into()]).is_empty());
        }
        let place = tempfile::tempdir().unwrap();
        let file = |name: &str, owner, mode| {
            let path = place.path().join(name);
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            chown(&path, Some(owner), Some(owner)).unwrap();
            path
        };
        let (own, open, foreign) = (file("own", 0, 0o600), file("open", 65_534, 0o604), file("foreign", 65_534, 0o600));
        let gone = place.path().join("gone");
        assert_eq!(unreadable_without(vec![own, open, foreign.clone(), gone]), std::slice::from_ref(&foreign));
        assert!(!is_refused(&foreign), "this thread kept what it had");
    }
}

//! What the host says of itself, and this process's place in it.

use std::fs;
use std::path::Path;

/// The host's name, `localhost` when it has none.
pub fn name() -> String {
    sysinfo::System::host_name().ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

/// The effective user of this process.
#[allow(unsafe_code)]
pub fn user() -> u32 {
    // SAFETY: geteuid takes nothing, touches no memory and can't fail (`geteuid(2)`).
    unsafe { libc::geteuid() }
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    user() == 0
}

/// Leaves the session of the terminal that started this process, so that its end does not end us (`setsid(2)`).
#[allow(unsafe_code)]
pub fn leave_session() {
    // SAFETY: setsid takes nothing and touches no memory; it fails only for a group leader, which has no terminal to lose.
    unsafe { libc::setsid() };
}

/// Processes called `keepalived` in this process's network namespace. Needs root to see those of other users.
pub fn keepalived_here() -> Vec<u32> {
    let Ok(here) = fs::read_link("/proc/self/ns/net") else { return Vec::new() };
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .filter(|(_, process)| is_keepalived(process) && fs::read_link(process.join("ns/net")).is_ok_and(|n| n == here))
        .map(|(pid, _)| pid)
        .collect()
}

fn is_keepalived(process: &Path) -> bool {
    fs::read_to_string(process.join("comm")).is_ok_and(|comm| comm.trim_end() == "keepalived")
}

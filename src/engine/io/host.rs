//! What the host says of itself, and this process's place in it.

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

//! What the host says of itself, and this process's place in it.

/// The host's name, `localhost` when it has none.
pub fn name() -> String {
    sysinfo::System::host_name().ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

/// Whether the network namespace of this thread has an interface of this name; none where nobody can say.
pub fn has_interface(name: &str) -> Option<bool> {
    let list = std::fs::read_to_string("/proc/thread-self/net/dev").ok()?;
    Some(list.lines().filter_map(|line| line.split_once(':')).any(|(there, _)| there.trim() == name))
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

/// Calls this process by its program's name: one that was started through `/proc/self/exe` is called `exe`.
#[allow(unsafe_code)]
pub fn call_it_lvsdeck() {
    // SAFETY: the name is a string that ends with a zero byte and outlives the call (`PR_SET_NAME`, prctl(2)).
    unsafe { libc::prctl(libc::PR_SET_NAME, c"lvsdeck".as_ptr()) };
}

/// How many files this process may have open, after its own limit was raised towards `wanted` (`getrlimit(2)`).
#[allow(unsafe_code)]
pub fn open_files(wanted: u64) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a valid pointer to a `rlimit` that outlives them.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) != 0 {
            return u64::MAX;
        }
        let raised = libc::rlimit { rlim_cur: limit.rlim_max.min(wanted).max(limit.rlim_cur), ..limit };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) == 0 { raised.rlim_cur } else { limit.rlim_cur }
    }
}

/// Lets all threads share so many of the allocator's pools (`M_ARENA_MAX`, mallopt(3)). By itself it makes one for nearly each of
/// our two dozen threads, and each keeps what was once freed in it: over hours of commands and clients that is some MiB.
#[allow(unsafe_code)]
pub fn share_the_allocator(pools: i32) {
    // SAFETY: two numbers and no pointer; called before there is another thread.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, pools)
    };
}

/// Keeps what is freed in the allocator until [`shed_the_start`] (`M_TRIM_THRESHOLD`, `M_MMAP_THRESHOLD`, mallopt(3)): a start takes what
/// it needs for the file again for what it makes of it, and memory that the system gives anew is dear.
#[allow(unsafe_code)]
pub fn hoard_for_the_start() {
    // SAFETY: two numbers and no pointer; called before there is another thread.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_MMAP_THRESHOLD, HOARDED);
    };
}

/// The most that glibc takes for `M_MMAP_THRESHOLD`: half of a heap.
const HOARDED: i32 = 32 << 20;
/// glibc's own thresholds.
const THRESHOLD: i32 = 128 << 10;

/// Gives memory back that only a start needed: its pages of the program and of libraries, which come back from the page cache should
/// they be needed again, and what the allocator has free (`MADV_DONTNEED`, madvise(2); `malloc_trim(3)`).
#[allow(unsafe_code)]
pub fn shed_the_start() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for line in maps.lines().filter(|line| line.contains(" r-xp ") && line.contains(" /")) {
        let ends = line.split(' ').next().and_then(|range| range.split_once('-'));
        let Some((Ok(from), Ok(to))) = ends.map(|(from, to)| (number(from), number(to))) else { continue };
        // SAFETY: the range is one mapping of code out of a file, private and never written: what is dropped is read again.
        unsafe { libc::madvise(std::ptr::with_exposed_provenance_mut(from), to - from, libc::MADV_DONTNEED) };
    }
    // SAFETY: numbers and no pointer; the last one only touches what the allocator has free.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, THRESHOLD);
        libc::mallopt(libc::M_MMAP_THRESHOLD, THRESHOLD);
        libc::malloc_trim(0);
    };
}

fn number(hexadecimal: &str) -> Result<usize, std::num::ParseIntError> {
    usize::from_str_radix(hexadecimal, 16)
}

#[cfg(test)]
mod tests {
    use super::has_interface;

    #[test]
    fn the_loopback_is_there_and_what_nobody_made_is_not() {
        assert_eq!((has_interface("lo"), has_interface("none-such")), (Some(true), Some(false)));
    }
}

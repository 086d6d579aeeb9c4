//! The failover loop against the kernel, in a network namespace of its own. Needs root and `ip` (iproute2).
// The lints spare test functions, not what they call.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lvsdeck::engine::driver::failover::remove_left_behind;
use lvsdeck::engine::failover::OwnedAddress;
use lvsdeck::engine::io::state::StateDir;
use std::process::Command;

fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().expect("iproute2 is installed");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_a_loop_that_died_left_on_an_interface_is_removed_and_nothing_else() {
    // SAFETY: unshare takes no pointer; it changes the namespace of the calling thread only.
    #[allow(unsafe_code)]
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(result, 0, "no network namespace of its own: run as root ({})", std::io::Error::last_os_error());
    ip("link add name va type veth peer name vb");
    ip("link set va up");
    for address in ["10.0.0.11/24", "10.0.0.100/24", "10.0.0.101/24"] {
        ip(&format!("addr add {address} dev va"));
    }
    let place = tempfile::tempdir().unwrap();
    let state = StateDir::open(place.path()).unwrap();
    let owned = OwnedAddress { interface: "va".to_owned(), address: "10.0.0.100".parse().unwrap(), prefix: 24 };
    state.save_addresses(vec![owned]).unwrap();

    remove_left_behind(&state).unwrap();

    let left = ip("-4 addr show dev va");
    assert!(left.contains("10.0.0.11/24") && left.contains("10.0.0.101/24") && !left.contains("10.0.0.100"), "{left}");
    assert!(state.addresses().unwrap().is_empty());
}

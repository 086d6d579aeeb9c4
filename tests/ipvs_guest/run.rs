//! Runs a test on a kernel that has IPVS, and asks ipvsadm.

use lvsdeck::engine::io::ipvs_netlink::Netlink;
use lvsdeck::engine::ipvs::RefusalKind;
use std::process::Command;

/// Set in the guest.
const GUEST: &str = "LVSDECK_IN_GUEST";

/// Runs `test` in a network namespace of its own on a kernel with IPVS: this one, or a guest's, in which the test called
/// `name` is run again.
pub fn with_ipvs(name: &str, test: impl FnOnce()) {
    match Netlink::open() {
        Ok(_) => {}
        Err(refusal) if refusal.kind == RefusalKind::NoIpvs && std::env::var_os(GUEST).is_none() => {
            assert!(refusal.message.contains("modprobe ip_vs"), "{refusal}");
            assert!(refusal.message.contains("--dataplane userspace"), "{refusal}");
            return in_guest(name);
        }
        Err(refusal) => panic!("{refusal}"),
    }
    // SAFETY: unshare takes no pointer; it changes the namespace of the calling thread only.
    #[allow(unsafe_code)]
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(result, 0, "no network namespace of its own: run as root");
    // Without any address the kernel takes every IPv4 real server for a broadcast address, and refuses it.
    assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
    test();
}

fn in_guest(name: &str) {
    let uml = std::env::var("LVSDECK_UML").unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/uml").to_owned());
    let linux = Command::new("linux.uml").arg("--version").output();
    assert!(
        linux.is_ok(),
        "this kernel has no ip_vs and there is no guest: install the Debian package user-mode-linux"
    );
    let output = Command::new(&uml)
        .env("UML_MEM", "512M")
        .args(["env", &format!("{GUEST}=1")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .output()
        .unwrap_or_else(|error| panic!("{uml}: {error}"));
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "in the guest:\n{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("1 passed"), "the guest ran no test called {name}:\n{told}");
}

pub fn ipvsadm(arguments: &str) -> String {
    let output = Command::new("ipvsadm").args(arguments.split_whitespace()).output();
    let output = output.expect("install the Debian package ipvsadm");
    assert!(output.status.success(), "ipvsadm {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

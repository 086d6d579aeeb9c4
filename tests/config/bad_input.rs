//! Files that are no configuration: pipes, devices, directories, binaries, endless ones. Each is told, and none is waited for.

use super::short;
use lvsdeck::engine::{ConfigError, load_configuration};
use std::io::Write;
use std::path::Path;
use std::process::Command;

const INSTANCE: &str =
    "vrrp_instance A {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {\n  10.0.0.9\n }\n}\n";

fn refused(path: &Path) -> ConfigError {
    load_configuration(path).expect_err("no configuration is read")
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// What is said about a file that includes `named`, and whether it would run.
fn including(directory: &Path, named: &str) -> (Vec<String>, bool) {
    let file = directory.join("main.conf");
    std::fs::write(&file, format!("include {named}\n{INSTANCE}")).unwrap();
    let loaded = load_configuration(&file).unwrap();
    (loaded.diagnostics.iter().map(short).collect(), loaded.configuration.is_some())
}

#[test]
fn a_file_that_the_kernel_makes_is_none_however_regular_it_looks() {
    // Reading the log of the kernel waits for its next line without end, and takes away those that are there.
    for path in ["/proc/kmsg", "/proc/version"].map(Path::new).into_iter().filter(|path| path.is_file()) {
        assert!(matches!(refused(path), ConfigError::NotAFile(_)), "{}", path.display());
    }
    let directory = tempfile::tempdir().unwrap();
    let (told, runs) = including(directory.path(), "/proc/version");
    assert!(told.iter().any(|line| line.contains("/proc/version: is not a regular file")) && runs, "{told:?}");
    // A detour by the files that a shell hands over does not help.
    assert!(matches!(refused(Path::new("/proc/self/fd/../status")), ConfigError::NotAFile(_)));
}

#[test]
fn a_pipe_a_device_and_a_directory_are_no_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    fifo(&pipe);
    assert!(matches!(refused(&pipe), ConfigError::NotAFile(_)));
    assert!(matches!(refused(Path::new("/dev/zero")), ConfigError::NotAFile(_)));
    assert!(matches!(refused(directory.path()), ConfigError::Directory(_)));
    assert!(matches!(refused(&directory.path().join("none")), ConfigError::NotFound(_)));
}

#[test]
fn an_include_of_a_pipe_a_device_or_a_directory_is_left_out_as_keepalived_does() {
    let directory = tempfile::tempdir().unwrap();
    fifo(&directory.path().join("pipe"));
    for named in ["pipe", "/dev/zero", "/dev/urandom", "."] {
        let (told, runs) = including(directory.path(), named);
        assert!(runs && told.len() == 1 && told[0].starts_with("1:9 warning include: cannot include: "), "{told:?}");
    }
    let file = directory.path().join("all.conf");
    std::fs::write(&file, "includea pipe\n").unwrap();
    assert!(load_configuration(&file).unwrap().has_errors(), "includea asks for each of them");
}

#[test]
fn a_binary_is_no_text() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("x.conf");
    for (bytes, told) in [
        (&b"\x7fELF\x02\x01\x01\x00"[..], "byte 7 of the file is zero: this is no text"),
        (&b"\xff\xfev\0r\0r\0p\0"[..], "byte 3 of the file is zero: this is no text"),
        (&b"vrrp_instance M\xfcnchen {\n}\n"[..], "byte 15 of the file is not UTF-8; convert it (iconv"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let error = refused(&file).to_string();
        assert!(error.contains(told), "{error}");
    }
    std::fs::write(directory.path().join("part"), b"a\0b").unwrap();
    let (told, runs) = including(directory.path(), "part");
    assert!(!runs && told[0].contains("is zero: this is no text"), "{told:?}");
}

#[test]
fn a_hundred_megabytes_of_one_line_are_refused_unread() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("x.conf");
    let mut out = std::fs::File::create(&file).unwrap();
    let piece = vec![b'a'; 1 << 20];
    (0..100).for_each(|_| out.write_all(&piece).unwrap());
    assert!(matches!(refused(&file), ConfigError::TooLarge(_)));
}

#[test]
fn a_tree_of_includes_that_would_never_end_is_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    // Each of 24 files includes the next one twice: 16 million readings.
    for level in 0..24 {
        let next = format!("include f{}.conf\n", level + 1);
        std::fs::write(directory.path().join(format!("f{level}.conf")), next.repeat(2)).unwrap();
    }
    std::fs::write(directory.path().join("f24.conf"), INSTANCE).unwrap();
    let loaded = load_configuration(&directory.path().join("f0.conf")).unwrap();
    assert!(loaded.has_errors() && loaded.diagnostics.len() <= 1001);
    assert!(loaded.diagnostics[0].message.contains("more than 16 levels or 1024 files of include"));
}

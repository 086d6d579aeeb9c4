//! What a running engine may still do, and who runs scripts for it: looked at from outside.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

use lvsdeck::engine::io::host;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

/// `CAP_NET_BIND_SERVICE`, `CAP_NET_ADMIN` and `CAP_NET_RAW` (`capabilities(7)`: 10, 12 and 13).
const KEPT: u64 = 1 << 10 | 1 << 12 | 1 << 13;

fn start(directory: &Path, text: &str) -> Child {
    start_with(directory, text, &[])
}

fn start_with(directory: &Path, text: &str, words: &[&str]) -> Child {
    let file = directory.join("lvsdeck.conf");
    fs::write(&file, text).unwrap();
    Command::new(env!("CARGO_BIN_EXE_lvsdeck"))
        .args(["run", "--ready-fd", "1"])
        .args(words)
        .arg("-f")
        .arg(&file)
        .arg("--socket")
        .arg(directory.join("socket"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A line of `/proc/…/status`.
fn line(status: &Path, name: &str) -> String {
    let text = fs::read_to_string(status).unwrap();
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    found.unwrap_or_default().trim().to_owned()
}

fn mask(status: &Path, name: &str) -> u64 {
    u64::from_str_radix(&line(status, name), 16).unwrap()
}

fn child_of(pid: u32) -> Option<u32> {
    let file = format!("/proc/{pid}/task/{pid}/children");
    fs::read_to_string(file).ok()?.split_whitespace().next()?.parse().ok()
}

fn signal(pid: u32, signal: &str) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

#[test]
fn every_thread_of_an_engine_keeps_three_capabilities_and_its_runner_keeps_what_it_had() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = start(directory.path(), "global_defs {\n router_id rights\n vrrp_cpu_affinity 0\n}\n");
    let mut said = String::new();
    BufReader::new(engine.stdout.take().unwrap()).read_line(&mut said).unwrap();
    if !host::is_root() {
        // Without root it has no sockets, and says so.
        assert_eq!((said.as_str(), engine.wait().unwrap().code()), ("", Some(4)));
        return;
    }
    assert_eq!(said, "ready\n");
    let process = Path::new("/proc").join(engine.id().to_string());
    let before = mask(Path::new("/proc/self/status"), "CapPrm");
    let deadline = Instant::now() + LIMIT;
    let threads: Vec<_> = loop {
        let tasks = fs::read_dir(process.join("task")).unwrap();
        let threads: Vec<_> = tasks.map(|task| task.unwrap().path().join("status")).collect();
        // A thread that has just been made has not said its name yet.
        if threads.iter().any(|status| line(status, "Name") == "failover") {
            break threads;
        }
        assert!(Instant::now() < deadline, "{threads:?}");
        std::thread::yield_now();
    };
    assert!(threads.len() > 3, "{threads:?}");
    for status in &threads {
        for set in ["CapPrm", "CapEff", "CapBnd"] {
            let allowed = if set == "CapBnd" && before & 1 << 8 == 0 { u64::MAX } else { KEPT }; // CAP_SETPCAP
            assert_eq!(mask(status, set) & !allowed, 0, "{set} of {}", line(status, "Name"));
        }
        assert_eq!(mask(status, "CapEff"), before & KEPT);
        assert_eq!((mask(status, "CapInh"), mask(status, "CapAmb")), (0, 0));
        assert_eq!(line(status, "NoNewPrivs"), "1");
    }
    let affinity = |name: &str| {
        let status = threads.iter().find(|status| line(status, "Name") == name).unwrap();
        line(status, "Cpus_allowed_list")
    };
    assert_eq!(affinity("failover"), "0");
    let runner = child_of(engine.id()).unwrap();
    let status = Path::new("/proc").join(runner.to_string()).join("status");
    while line(&status, "Name") != "lvsdeck-scripts" {
        assert!(Instant::now() < deadline, "the runner calls itself {}", line(&status, "Name"));
        std::thread::yield_now();
    }
    assert_eq!(mask(&status, "CapPrm"), before);
    assert_eq!(line(&status, "NoNewPrivs"), "0", "a script may use sudo");

    // What ends an engine in order does not end its runner: scripts are run until the last moment.
    signal(runner, "-TERM");
    signal(engine.id(), "-TERM");
    assert_eq!(engine.wait().unwrap().code(), Some(0));
    let deadline = Instant::now() + LIMIT;
    while status.exists() && line(&status, "State").starts_with(['R', 'S', 'D']) {
        assert!(Instant::now() < deadline, "the runner outlives its engine");
        std::thread::yield_now();
    }
}

#[test]
fn an_engine_that_serves_by_itself_gives_up_as_much() {
    if !host::is_root() {
        return; // the first test says what happens then
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "virtual_server 127.0.0.1 {port} {{\n protocol TCP\n lb_algo rr\n lb_kind NAT\n real_server 127.0.0.1 9 {{\n }}\n}}\n"
    );
    let mut engine = start_with(directory.path(), &text, &["--dataplane", "userspace", "--ipvs-only"]);
    let mut said = String::new();
    BufReader::new(engine.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "ready\n");
    let tasks = Path::new("/proc").join(engine.id().to_string()).join("task");
    let listed = || fs::read_dir(&tasks).unwrap().map(|task| task.unwrap().path().join("status"));
    // A thread names itself as soon as it runs.
    let deadline = Instant::now() + LIMIT;
    while !listed().any(|status| line(&status, "Name") == "dataplane") {
        assert!(Instant::now() < deadline, "{:?}", listed().collect::<Vec<_>>());
        std::thread::yield_now();
    }
    for status in &listed().collect::<Vec<_>>() {
        assert_eq!(mask(status, "CapEff") & !KEPT, 0, "{}", line(status, "Name"));
        assert_eq!(line(status, "NoNewPrivs"), "1", "{}", line(status, "Name"));
    }
    signal(engine.id(), "-TERM");
    assert_eq!(engine.wait().unwrap().code(), Some(0));
}

#[test]
fn a_runner_ends_with_an_engine_that_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = start(directory.path(), "global_defs {\n router_id rights\n}\n");
    let mut said = String::new();
    BufReader::new(engine.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let runner = child_of(engine.id());
    assert_eq!(runner.is_some(), host::is_root(), "it needs root to run at all");
    _ = engine.kill();
    engine.wait().unwrap();
    let Some(runner) = runner else { return };
    let comm = Path::new("/proc").join(runner.to_string()).join("comm");
    let deadline = Instant::now() + LIMIT;
    while fs::read_to_string(&comm).is_ok_and(|name| name.trim() == "lvsdeck-scripts") {
        assert!(Instant::now() < deadline, "the runner outlives its engine");
        std::thread::yield_now();
    }
}

#[test]
fn a_script_that_its_user_alone_can_reach_is_run() {
    if !host::is_root() {
        return; // the other tests say what happens then
    }
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let own = directory.path().join("own");
    let (script, ran) = (own.join("script"), own.join("ran"));
    fs::create_dir(&own).unwrap();
    fs::write(&script, format!("#!/bin/sh\ntouch {}\n", ran.display())).unwrap();
    for path in [&script, &own] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        chown(path, Some(65534), Some(65534)).unwrap();
    }
    let text = format!(
        "global_defs {{\n router_id rights\n}}\nvrrp_script own {{\n script {}\n user nobody\n}}\nvrrp_instance V {{\n \
         interface none0\n virtual_router_id 77\n track_script {{\n own\n }}\n}}\n",
        script.display()
    );
    let mut engine = start(directory.path(), &text);
    let deadline = Instant::now() + LIMIT;
    while !ran.exists() && Instant::now() < deadline && engine.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    signal(engine.id(), "-TERM");
    assert_eq!(engine.wait().unwrap().code(), Some(0));
    assert!(ran.exists());
}

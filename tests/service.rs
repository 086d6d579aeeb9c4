//! `lvsdeck run` as a unit of the service manager sees it: messages, exit codes, log. Needs root and `ip` (iproute2): each
//! test has a network namespace of its own, with a cable in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // a test: a panic is its verdict

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::Read;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

/// Owner of its address: master at once.
const MASTER: &str = "vrrp_instance VI_1 {\n state MASTER\n interface d0\n virtual_router_id 51\n priority 255\n \
                      virtual_ipaddress {\n  10.99.0.1/24\n }\n}\n";

/// The status line of a master.
const MASTER_STATUS: &str = "STATUS=MASTER 1/1, 1/1 VIPs here";

/// This thread, and what it starts, in a network namespace with a cable; a directory for files.
fn place() -> TempDir {
    // SAFETY: unshare takes no pointer; it changes the namespace of the calling thread only.
    #[allow(unsafe_code)]
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(result, 0, "no network namespace of its own: run as root ({})", std::io::Error::last_os_error());
    for arguments in
        ["link add d0 type veth peer name d1", "link set d1 up", "link set d0 up", "addr add 10.99.0.11/24 dev d0"]
    {
        let output = Command::new("ip").args(arguments.split(' ')).output().expect("iproute2 is installed");
        assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
    tempfile::tempdir().unwrap()
}

/// `lvsdeck run` on a configuration, its socket and state in `place`.
fn engine(place: &Path, configuration: &str) -> Command {
    let file = place.join("x.conf");
    fs::write(&file, configuration).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lvsdeck"));
    command.args(["run", "-f"]).arg(file).arg("--socket").arg(place.join("x.sock"));
    for variable in ["LVSDECK_SOCKET", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    command
}

/// A process that does not outlive its test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("the program starts"))
    }
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).expect("the process is there");
    }
    /// Waits for the end; the exit code and what was said on standard error.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.0.wait().unwrap().code(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The service manager's end of the notify socket.
struct Manager(UnixDatagram);

impl Manager {
    fn at(path: &Path) -> Self {
        Self(UnixDatagram::bind(path).unwrap())
    }
    /// The messages up to the one that begins with `wanted`, that one last.
    fn until(&self, wanted: &str) -> Vec<String> {
        let (mut messages, deadline) = (Vec::<String>::new(), Instant::now() + PATIENCE);
        while messages.last().is_none_or(|last| !last.starts_with(wanted)) {
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
            self.0.set_read_timeout(Some(left.unwrap_or_else(|| panic!("{wanted} never came: {messages:?}")))).unwrap();
            let mut buffer = [0; 4096];
            let length = self.0.recv(&mut buffer).unwrap_or_else(|error| panic!("{wanted}: {error}: {messages:?}"));
            messages.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
        }
        messages
    }
}

#[test]
fn a_unit_is_ready_alive_reloads_and_stops_in_the_service_managers_words() {
    let place = place();
    let path = place.path().join("notify");
    let manager = Manager::at(&path);
    let running =
        Running::start(engine(place.path(), MASTER).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "600000"));
    let first = manager.until("READY=1");
    assert!(first[0].starts_with("STATUS="), "the status comes first: {first:?}");
    assert!(place.path().join("x.sock").exists(), "ready before the socket is there");
    if !first[0].starts_with(MASTER_STATUS) {
        manager.until(MASTER_STATUS);
    }
    let first = Instant::now();
    assert_eq!(manager.until("WATCHDOG=1").last().unwrap(), "WATCHDOG=1");
    manager.until("WATCHDOG=1");
    manager.until("WATCHDOG=1");
    assert!(first.elapsed() < Duration::from_millis(600) * 3, "three signs of life took {:?}", first.elapsed());

    running.signal(Signal::HUP);
    let reload = manager.until("RELOADING=1").pop().unwrap();
    let (_, usec) = reload.split_once("\nMONOTONIC_USEC=").expect("a time");
    assert!(usec.parse::<u64>().unwrap() > 0, "{reload}");
    manager.until("READY=1");

    running.signal(Signal::TERM);
    let stopping = manager.until("STOPPING=1").pop().unwrap();
    assert!(stopping.contains("\nSTATUS=stopping"), "{stopping}");
    let (code, said) = running.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("(VI_1) Entering MASTER STATE") && said.contains("lvsdeck stops"), "{said}");
}

#[test]
fn a_reload_that_is_refused_is_one_warning_in_the_log() {
    let place = place();
    let path = place.path().join("notify");
    let manager = Manager::at(&path);
    let running = Running::start(engine(place.path(), MASTER).arg("--keep").env("NOTIFY_SOCKET", &path));
    manager.until("READY=1");
    fs::write(place.path().join("x.conf"), "vrrp_instance A {\n}\n").unwrap();
    running.signal(Signal::HUP);
    manager.until("RELOADING=1");
    manager.until("READY=1");
    let stands =
        manager.until("STATUS=MASTER 1/1, 1/1 VIPs here, 1 problem: WARNING reload: the reload at ").pop().unwrap();
    assert!(stands.contains(" was refused") && stands.contains("/x.conf:1:"), "{stands}");
    fs::write(place.path().join("x.conf"), MASTER).unwrap();
    running.signal(Signal::HUP);
    manager.until("RELOADING=1");
    while manager.until(MASTER_STATUS).pop().unwrap() != MASTER_STATUS {}
    running.signal(Signal::TERM);
    let (code, said) = running.end();
    assert_eq!(code, Some(0), "{said}");
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("has errors")).collect();
    let [refused] = lines[..] else { panic!("not one line: {said}") };
    assert!(refused.contains(" WARN ") && refused.contains("command refused: reload: "), "{refused}");
    assert!(refused.contains("x.conf:1:") && refused.ends_with("by signal HUP"), "{refused}");
    assert!(said.contains("lvsdeck stops: addresses and services stay in place"), "{said}");
}

#[test]
fn each_mistake_is_told_in_one_line_and_of_the_file_that_has_it() {
    let place = place();
    let (path, settings) = (place.path().join("notify"), place.path().join("set.toml"));
    fs::write(&settings, "").unwrap();
    let manager = Manager::at(&path);
    let mut command = engine(place.path(), MASTER);
    let running = Running::start(command.arg("--settings").arg(&settings).env("NOTIFY_SOCKET", &path));
    manager.until("READY=1");
    let ctl = |verb: &str| {
        let mut ctl = Command::new(env!("CARGO_BIN_EXE_lvsdeck"));
        let asked = ctl.args(["ctl", verb]).env("LVSDECK_SOCKET", place.path().join("x.sock")).output().unwrap();
        String::from_utf8(asked.stderr).unwrap()
    };
    fs::write(place.path().join("x.conf"), format!("{MASTER}vrrp_instance X {{\n")).unwrap();
    let said = ctl("diff");
    assert!(said.contains("has no interface; ") && said.contains("; this file would not run; see "), "{said}");
    assert!(!said.contains('?'), "{said}");
    fs::write(place.path().join("x.conf"), MASTER).unwrap();
    fs::write(&settings, "[servers]\nslow_start = \"x\"\n").unwrap();
    let (said, of) = (
        ctl("reload"),
        format!("the configuration has errors, everything goes on as it was: {}:2:", settings.display()),
    );
    assert!(said.contains(&of) && !said.contains("x.conf"), "{said}");
    drop(running);
}

#[test]
fn a_reload_that_may_not_read_what_the_start_included_takes_nothing_away() {
    const NOBODY: u32 = 65_534;
    let place = place();
    let path = place.path().join("notify");
    let manager = Manager::at(&path);
    let included = place.path().join("vi.conf");
    fs::write(&included, MASTER).unwrap();
    // The start is root's, and the engine goes on without the right to read what is others'.
    std::os::unix::fs::chown(&included, Some(NOBODY), Some(NOBODY)).unwrap();
    fs::set_permissions(&included, fs::Permissions::from_mode(0o600)).unwrap();
    let main = "include vi.conf\nglobal_defs {\n router_id d1\n}\nvrrp_instance VI_2 {\n interface d0\n virtual_router_id 52\n \
                virtual_ipaddress {\n  10.99.0.2/24\n }\n}\n";
    let running = Running::start(engine(place.path(), main).arg("--keep").env("NOTIFY_SOCKET", &path));
    let first = manager.until("READY=1").concat();
    assert!(
        first.contains("WARNING reload: no reload can be taken: ") && first.contains("/vi.conf belongs to nobody:"),
        "{first}"
    );
    for turn in 0..2 {
        running.signal(Signal::HUP);
        manager.until("RELOADING=1");
        manager.until("READY=1");
        let mut ctl = Command::new(env!("CARGO_BIN_EXE_lvsdeck"));
        let ctl = ctl.args(["ctl", "status", "--json"]).env("LVSDECK_SOCKET", place.path().join("x.sock"));
        let status: serde_json::Value = serde_json::from_slice(&ctl.output().unwrap().stdout).unwrap();
        let next = |code: &str| {
            let all = status["warnings"].as_array().unwrap();
            all.iter()
                .find(|warning| warning["code"] == code)
                .map(|warning| warning["next"].as_str().unwrap().to_owned())
        };
        let mode = "with mode 0600, and the engine runs as root, which gave up the right";
        assert_eq!(status.to_string().contains(mode), turn == 0, "{status}");
        let file = included.display();
        let remedy = format!("`chown root {file}` or `chmod o+r {file}`, then `lvsdeck ctl reload`");
        assert_eq!(next("file-unreadable"), (turn == 0).then(|| remedy.clone()));
        let refused = next("reload-refused").expect("it stands until a reload is taken");
        assert_eq!(refused == remedy, turn == 0, "{refused}");
        // The second time it is gone altogether.
        let _ = fs::remove_file(&included);
    }
    running.signal(Signal::TERM);
    let stopping = manager.until("STOPPING=1").pop().unwrap();
    assert!(stopping.contains("stay in place") && stopping.contains("do not resign"), "{stopping}");
    let (code, said) = running.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("reloaded"), "{said}");
    let refused: Vec<&str> = said.lines().filter(|line| line.contains("command refused: reload: ")).collect();
    let [unreadable, missing] = refused[..] else { panic!("not two: {said}") };
    assert!(unreadable.contains("belongs to nobody:") && unreadable.contains("`chmod o+r "), "{unreadable}");
    assert!(!unreadable.contains("lvsdeck check"), "root finds no mistake: {unreadable}");
    assert!(missing.contains("vi.conf: no such file") && missing.contains("remove the include line"), "{missing}");
}

/// The warning of this code in the status: its message and next step.
fn warning(place: &Path, code: &str) -> Option<(String, String)> {
    let mut ctl = Command::new(env!("CARGO_BIN_EXE_lvsdeck"));
    let asked = ctl.args(["ctl", "status", "--json"]).env("LVSDECK_SOCKET", place.join("x.sock")).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    let all = status["warnings"].as_array().unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    all.iter().find(|warning| warning["code"] == code).map(|found| (text(&found["message"]), text(&found["next"])))
}

#[test]
fn a_directory_that_only_root_may_list_is_told_at_the_start() {
    const NOBODY: u32 = 65_534;
    let place = place();
    let path = place.path().join("notify");
    let manager = Manager::at(&path);
    let directory = place.path().join("d");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("vi.conf"), MASTER).unwrap();
    std::os::unix::fs::chown(&directory, Some(NOBODY), Some(NOBODY)).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o711)).unwrap();
    let running = Running::start(engine(place.path(), "include d/*.conf\n").env("NOTIFY_SOCKET", &path));
    manager.until("READY=1");
    let (message, next) = warning(place.path(), "file-unreadable").expect("no reload can be taken");
    assert!(message.contains("/d belongs to nobody:") && message.contains(" with mode 0711"), "{message}");
    let shown = directory.display();
    assert_eq!(next, format!("`chown root {shown}` or `chmod o+r {shown}`, then `lvsdeck ctl reload`"));
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o715)).unwrap();
    running.signal(Signal::HUP);
    manager.until("RELOADING=1");
    manager.until("READY=1");
    assert_eq!(warning(place.path(), "file-unreadable"), None);
}

#[test]
fn where_no_script_can_be_run_any_more_it_is_told_before_one_is_to_be_run() {
    let place = place();
    let path = place.path().join("notify");
    let manager = Manager::at(&path);
    let script = "vrrp_instance VI_1 {\n notify /bin/true\n";
    let configuration = MASTER.replace("vrrp_instance VI_1 {\n", script);
    let running = Running::start(engine(place.path(), &configuration).env("NOTIFY_SOCKET", &path));
    manager.until("READY=1");
    let child = |of: u32| -> i32 {
        let (begun, file) = (Instant::now(), format!("/proc/{of}/task/{of}/children"));
        loop {
            let found =
                fs::read_to_string(&file).unwrap_or_default().split_whitespace().find_map(|pid| pid.parse().ok());
            match found {
                Some(pid) => return pid,
                None => assert!(begun.elapsed() < PATIENCE, "the process that runs scripts is there"),
            }
        }
    };
    let starter = child(running.0.id());
    let runner = child(starter.cast_unsigned());
    assert_eq!(warning(place.path(), "scripts-not-run"), None);
    for process in [starter, runner] {
        kill_process(Pid::from_raw(process).unwrap(), Signal::KILL).unwrap();
    }
    let begun = Instant::now();
    let (message, next) = loop {
        match warning(place.path(), "scripts-not-run") {
            Some(warning) => break warning,
            None => assert!(begun.elapsed() < PATIENCE, "nothing is told"),
        }
    };
    assert!(message.contains("notify scripts are not run"), "{message}");
    assert!(next.starts_with("restart lvsdeck: a reload has no right to start it again"), "{next}");
    running.signal(Signal::TERM);
    let (code, said) = running.end();
    assert!(code == Some(0) && said.contains("the process that runs scripts has ended, and so has"), "{said}");
}

#[test]
fn a_reload_that_cannot_write_down_which_addresses_are_ours_says_so() {
    let place = place();
    let path = place.path().join("notify");
    let manager = Manager::at(&path);
    let running = Running::start(engine(place.path(), MASTER).env("NOTIFY_SOCKET", &path));
    manager.until("READY=1");
    let owned = place.path().join("x.sock.d/addresses.json");
    let begun = Instant::now();
    while !owned.is_file() {
        assert!(begun.elapsed() < PATIENCE, "it is written down before it is made");
        std::thread::yield_now();
    }
    // Nothing can be put into its place.
    fs::remove_file(&owned).unwrap();
    fs::create_dir(&owned).unwrap();
    let two = MASTER.replace("10.99.0.1/24\n", "10.99.0.1/24\n  10.99.0.2/24\n");
    fs::write(place.path().join("x.conf"), two).unwrap();
    let mut ctl = Command::new(env!("CARGO_BIN_EXE_lvsdeck"));
    let reload = ctl.args(["ctl", "reload"]).env("LVSDECK_SOCKET", place.path().join("x.sock")).output().unwrap();
    let said = String::from_utf8_lossy(&reload.stdout).into_owned() + &String::from_utf8_lossy(&reload.stderr);
    assert!(said.contains("reloaded: ") && said.contains("not on disk"), "{said}");
    fs::remove_dir(&owned).unwrap();
    running.signal(Signal::TERM);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn a_stop_is_refused_that_could_not_write_down_what_it_keeps_and_names_what_stays_by_itself() {
    let place = place();
    let vip = Command::new("ip").args(["addr", "add", "10.99.0.1/32", "dev", "d0"]).status().unwrap();
    assert!(vip.success());
    let path = place.path().join("notify");
    let manager = Manager::at(&path);
    let no_owner = MASTER.replace("priority 255", "priority 200");
    let running = Running::start(engine(place.path(), &no_owner).env("NOTIFY_SOCKET", &path));
    manager.until("READY=1");
    // Nothing can be put into its place.
    fs::create_dir(place.path().join("x.sock.d/trial")).unwrap();
    let stop = |keep: &[&str]| {
        let mut ctl = Command::new(env!("CARGO_BIN_EXE_lvsdeck"));
        ctl.args(["ctl", "stop"]).args(keep).env("LVSDECK_SOCKET", place.path().join("x.sock")).output().unwrap()
    };
    let kept = stop(&["--keep"]);
    let said = String::from_utf8_lossy(&kept.stdout).into_owned() + &String::from_utf8_lossy(&kept.stderr);
    assert!(!kept.status.success() && said.contains("can't write down") && said.contains("trial"), "{said}");
    let stopped = stop(&[]);
    let said = String::from_utf8_lossy(&stopped.stdout);
    assert!(
        stopped.status.success() && said.contains("VI_1: 10.99.0.1/32 is on d0") && said.contains("stays"),
        "{said}"
    );
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn what_one_run_has_shown_the_next_one_does_not_commit() {
    let place = place();
    let path = place.path().join("notify");
    let manager = Manager::at(&path);
    let stop = |words: &[&str]| {
        let mut ctl = Command::new(env!("CARGO_BIN_EXE_lvsdeck"));
        let said =
            ctl.args(["ctl", "stop"]).args(words).env("LVSDECK_SOCKET", place.path().join("x.sock")).output().unwrap();
        (said.status.success(), String::from_utf8(said.stdout).unwrap())
    };
    let mut old: Option<String> = None;
    for _ in 0..2 {
        let running = Running::start(engine(place.path(), MASTER).env("NOTIFY_SOCKET", &path));
        manager.until("READY=1");
        if let Some(old) = &old {
            assert!(!stop(&["--token", old]).0, "committed what another run had shown");
        }
        let (_, shown) = stop(&["--dry-run"]);
        let token = shown.split_once("--token ").expect("a token").1.split_whitespace().next().unwrap();
        assert!(stop(&["--token", token]).0, "{shown}");
        assert_eq!(running.end().0, Some(0));
        old = Some(token.to_owned());
    }
}

#[test]
fn an_abstract_socket_will_do_and_a_refused_start_says_why() {
    let place = place();
    let name = format!("lvsdeck-service-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let manager = Manager(UnixDatagram::bind_addr(&address).unwrap());
    let notify =
        |configuration| Running::start(engine(place.path(), configuration).env("NOTIFY_SOCKET", format!("@{name}")));
    let running = notify(MASTER);
    manager.until("READY=1");
    running.signal(Signal::INT);
    manager.until("STOPPING=1");
    let (code, said) = running.end();
    assert_eq!(code, Some(0), "{said}");

    let running = notify("vrrp_instance A {\n}\n");
    let status = manager.until("STATUS=").pop().unwrap();
    assert!(status.contains("x.conf:1:"), "{status}");
    assert_eq!(running.end().0, Some(2));
}

#[test]
fn what_the_service_manager_wrote_for_this_process_does_not_reach_its_children() {
    let place = tempfile::tempdir().unwrap();
    let told = fs::File::create(place.path().join("told")).unwrap();
    // SAFETY: the child has one thread, does what follows and becomes another program; glibc lets it allocate.
    #[allow(unsafe_code)]
    let child = unsafe { libc::fork() };
    if child == 0 {
        for (name, value) in
            [("NOTIFY_SOCKET", "@x"), ("WATCHDOG_USEC", "5000000"), ("WATCHDOG_PID", ""), ("KEPT", "1")]
        {
            // SAFETY: this process has one thread.
            #[allow(unsafe_code)]
            unsafe {
                std::env::set_var(name, value);
            }
        }
        let environment = lvsdeck::engine::io::notify::Environment::take();
        let _ = Command::new("env").env("SOCKET", environment.socket.unwrap_or_default()).stdout(told).exec();
        std::process::abort();
    }
    // SAFETY: the status may be null; the child is ours.
    #[allow(unsafe_code)]
    let ended = unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    assert_eq!(ended, child);
    let variables = fs::read_to_string(place.path().join("told")).unwrap();
    assert!(variables.contains("KEPT=1") && variables.contains("SOCKET=@x"), "{variables}");
    assert!(!variables.contains("NOTIFY_SOCKET") && !variables.contains("WATCHDOG"), "{variables}");
}

/// The lines of a child's standard error as they come.
fn lines(running: &mut Running) -> Receiver<String> {
    let (sender, receiver) = channel();
    let reader = std::io::BufReader::new(running.0.stderr.take().unwrap());
    std::thread::spawn(move || {
        std::io::BufRead::lines(reader).map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    receiver
}

#[test]
fn the_json_log_carries_every_field_of_an_event() {
    let place = place();
    let mut running = Running::start(engine(place.path(), MASTER).args(["--log-format", "json"]));
    let log = lines(&mut running);
    let event = loop {
        let line = log.recv_timeout(PATIENCE).expect("it never became master");
        let object: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if object["kind"] == "instance-state" && object["to"] == "MASTER" {
            break object;
        }
    };
    let fields =
        ["timestamp", "level", "at", "seq", "monotonic_ms", "severity", "subject", "from", "reason", "who", "detail"];
    for field in fields {
        assert!(event.get(field).is_some(), "{field} is missing: {event}");
    }
    assert_eq!(event["subject"], "VI_1");
    assert!(event["message"].as_str().unwrap().starts_with("(VI_1) Entering MASTER STATE"), "{event}");
    running.signal(Signal::TERM);
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
}

/// The exit code of an engine that ends by itself, and what it said.
fn refused(command: &mut Command) -> (Option<i32>, String) {
    Running::start(command).end()
}

#[test]
fn a_wrong_configuration_exits_2_and_wrong_use_64() {
    let place = place();
    let (code, said) = refused(&mut engine(place.path(), "vrrp_instance A {\n}\n"));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("lvsdeck check -f"), "{said}");
    let (code, said) = refused(engine(place.path(), "vrrp_instance A {\n}\n").args(["--log-format", "json"]));
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).expect("the log's form");
    assert!(code == Some(2) && last["level"] == "ERROR", "{said}");
    let (code, said) = refused(engine(place.path(), MASTER).arg("--nonsense"));
    assert_eq!(code, Some(64), "{said}");
    assert!(said.starts_with("error: unexpected argument '--nonsense'"), "{said}");
    for format in [&["--log-format", "json"][..], &["--log-format=json"]] {
        let (code, said) = refused(engine(place.path(), MASTER).arg("--nonsense").args(format));
        let lines = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("the log's form"));
        let first = lines.collect::<Vec<_>>().swap_remove(0);
        assert_eq!((code, &first["level"]), (Some(64), &"ERROR".into()), "{said}");
        assert!(first["message"].as_str().unwrap().starts_with("unexpected argument '--nonsense'"), "{said}");
    }
    let (code, said) = refused(engine(place.path(), MASTER).args(["--dataplane", "userspace", "--adopt"]));
    assert_eq!(code, Some(64), "{said}");
}

#[test]
fn a_keepalived_with_more_rights_than_the_unit_has_is_seen_as_well() {
    let place = place();
    let program = place.path().join("keepalived");
    fs::copy("/bin/sleep", &program).unwrap();
    let beside = Running::start(Command::new(&program).arg("60").stderr(Stdio::piped()));
    let plain = engine(place.path(), MASTER);
    let unit = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/lvsdeck.service")).unwrap();
    let set = unit.lines().find_map(|line| line.strip_prefix("CapabilityBoundingSet=")).unwrap();
    let set: String = set.split(' ').map(|name| name.replace("CAP_", ",+").to_lowercase()).collect();
    let mut bounded = Command::new("setpriv");
    bounded.args(["--bounding-set", &format!("-all{set}"), "--no-new-privs"]);
    bounded.arg(plain.get_program()).args(plain.get_args()).stderr(Stdio::piped());
    let (code, said) = refused(&mut bounded);
    assert!(code == Some(1) && said.contains("keepalived runs here as pid"), "{code:?}: {said}");
    drop(beside);
}

#[test]
fn a_state_directory_that_cannot_be_had_exits_1() {
    let place = place();
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    let (code, said) = refused(engine(place.path(), MASTER).arg("--state-dir").arg(&file));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(file.to_str().unwrap()), "{said}");
}

#[test]
fn a_second_engine_on_the_socket_exits_3_and_leaves_the_first_alone() {
    let place = place();
    let path = place.path().join("notify");
    let manager = Manager::at(&path);
    let first = Running::start(engine(place.path(), MASTER).env("NOTIFY_SOCKET", &path));
    manager.until("READY=1");
    let (code, said) = refused(&mut engine(place.path(), MASTER));
    assert_eq!(code, Some(3), "{said}");
    first.signal(Signal::TERM);
    assert_eq!(first.end().0, Some(0));
}

#[test]
fn a_second_engine_with_the_same_virtual_router_exits_1_and_one_with_another_runs() {
    let place = place();
    let [first_at, second_at, third_at] = ["first", "second", "third"].map(|name| place.path().join(name));
    for path in [&first_at, &second_at, &third_at] {
        fs::create_dir(path).unwrap();
    }
    let ready = |engine: &mut Command, at: &Path| {
        let manager = Manager::at(&at.join("notify"));
        let running = Running::start(engine.env("NOTIFY_SOCKET", at.join("notify")));
        manager.until("READY=1");
        running
    };
    let first = ready(&mut engine(&first_at, MASTER), &first_at);
    let (code, said) = refused(&mut engine(&second_at, &MASTER.replace("VI_1", "VI_2")));
    assert_eq!(code, Some(1), "{said}");
    let socket = first_at.join("x.sock");
    for part in ["VRID 51 on d0 too (VI_2)", &format!("pid {}", first.0.id()), socket.to_str().unwrap()] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let other = MASTER.replace("id 51", "id 52").replace("10.99.0.1/24", "10.99.0.2/24");
    let third = ready(&mut engine(&third_at, &other), &third_at);
    for running in [first, third] {
        running.signal(Signal::TERM);
        assert_eq!(running.end().0, Some(0));
    }
}

#[test]
fn a_user_without_capabilities_exits_4() {
    const NOBODY: u32 = 65_534;
    let place = place();
    // The program and its files where anybody can get at them.
    let program: PathBuf = place.path().join("lvsdeck");
    fs::copy(env!("CARGO_BIN_EXE_lvsdeck"), &program).unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(place.path().join("x.conf"), MASTER).unwrap();
    let own = place.path().join("own");
    fs::create_dir(&own).unwrap();
    std::os::unix::fs::chown(&own, Some(NOBODY), Some(NOBODY)).unwrap();
    let mut command = Command::new(program);
    command.args(["run", "-f"]).arg(place.path().join("x.conf")).arg("--socket").arg(own.join("x.sock"));
    let (code, said) = refused(command.uid(NOBODY).gid(NOBODY).stderr(Stdio::piped()));
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("CAP_NET_ADMIN"), "{said}");
}

#[test]
fn services_without_ip_vs_exit_5_and_run_with_it() {
    let place = place();
    let service =
        "virtual_server 10.99.0.1 80 {\n lb_algo rr\n lb_kind DR\n protocol TCP\n real_server 10.99.0.71 80 {\n }\n}\n";
    let path = place.path().join("notify");
    let manager = Manager::at(&path);
    let running = Running::start(engine(place.path(), service).env("NOTIFY_SOCKET", &path));
    if Path::new("/proc/sys/net/ipv4/vs").exists() {
        manager.until("READY=1");
        running.signal(Signal::TERM);
        assert_eq!(running.end().0, Some(0));
    } else {
        let (code, said) = running.end();
        assert_eq!(code, Some(5), "{said}");
        assert!(said.contains("modprobe ip_vs"), "{said}");
    }
}

//! Scripts and FIFOs that are told of changes, with the process that runs scripts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use lvsdeck::engine::balance::Notice;
use lvsdeck::engine::driver::mailer;
use lvsdeck::engine::driver::notifier::{self, Half, NotifierSender, Telling};
use lvsdeck::engine::event::Fact;
use lvsdeck::engine::io::runner::{Runner, RunnerLink};
use lvsdeck::engine::model::{Configuration, FifoWords, Global, NotifyCommand, NotifyFifo, ServiceKey};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Longer than anything here takes; a test that needs it fails.
const LIMIT: Duration = Duration::from_secs(30);

struct Rig {
    directory: tempfile::TempDir,
    link: RunnerLink,
    facts: Arc<Mutex<Vec<Fact>>>,
    running: Option<(NotifierSender, JoinHandle<()>)>,
}

impl Rig {
    fn new(limit: Duration, global: impl FnOnce(&Path) -> Global) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let link = Runner::of(Path::new(env!("CARGO_BIN_EXE_lvsdeck"))).unwrap().listen(|| {}).unwrap();
        let facts = Arc::<Mutex<Vec<Fact>>>::default();
        let heard = Arc::clone(&facts);
        let global = global(directory.path());
        let report = move |fact| heard.lock().unwrap().push(fact);
        let (mailer, _) = mailer::start(&Configuration::default(), |_| {}, |_| {}).unwrap();
        let (sender, body) = notifier::new((link.clone(), mailer), global, limit, report);
        let running = Some((sender, thread::spawn(body)));
        Self { directory, link, facts, running }
    }

    fn script(&self, name: &str, text: &str) -> NotifyCommand {
        script(self.directory.path(), name, text)
    }

    fn tell(&self, chain: &str, line: &str, commands: &[&NotifyCommand]) {
        let commands = commands.iter().map(|command| (*command).clone()).collect();
        let (chain, line) = (chain.to_owned(), line.to_owned());
        let line = Some(line);
        let telling = Telling { half: Half::Vrrp, chain, subject: "VI_1".into(), line, commands, mail: None };
        self.running.as_ref().unwrap().0.tell(telling);
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    fn reasons(&self) -> Vec<String> {
        self.facts.lock().unwrap().iter().filter_map(|fact| fact.reason.clone()).collect()
    }

    fn end(&mut self) {
        let (sender, thread) = self.running.take().unwrap();
        sender.end();
        thread.join().unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.link.close();
    }
}

fn script(directory: &Path, name: &str, text: &str) -> NotifyCommand {
    let path = directory.join(name);
    fs::write(&path, format!("#!/bin/sh\ncd {}\n{text}\n", directory.display())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    NotifyCommand { command: vec![path.to_str().unwrap().to_owned()], user: None }
}

fn root() -> Global {
    let user = lvsdeck::engine::model::ScriptUser { user: "root".into(), group: None };
    Global { script_user: Some(user), ..Global::default() }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn scripts_of_one_chain_run_one_after_the_other_however_slow_and_with_their_arguments() {
    let mut rig = Rig::new(LIMIT, |_| root());
    let slow = rig.script("slow", "while ! test -e go; do sleep 0.01; done; echo slow $1 >> out");
    let quick = rig.script("quick", "echo quick \"$*\" >> out");
    let with = |command: &NotifyCommand, argument: &str| {
        let mut command = command.clone();
        command.command.push(argument.to_owned());
        command
    };
    rig.tell("a", "1", &[&with(&slow, "first"), &with(&quick, "two words")]);
    rig.tell("a", "2", &[&quick]);
    let other = rig.script("other", "touch other-ran");
    rig.tell("b", "3", &[&other]);
    until("another chain does not wait", || rig.file("other-ran").exists());
    assert_eq!(rig.read("out"), "");
    fs::write(rig.file("go"), "").unwrap();
    rig.end();
    assert_eq!(rig.read("out"), "slow first\nquick two words\nquick \n", "the end waits for what is told");
    assert_eq!(rig.reasons(), Vec::<String>::new());
}

#[test]
fn a_script_that_hangs_is_ended_at_its_limit_and_the_next_one_runs() {
    let mut rig = Rig::new(Duration::from_millis(200), |_| root());
    let hangs = rig.script("hangs", "exec sleep 1000");
    let fails = rig.script("fails", "echo no luck; exit 3");
    let quick = rig.script("quick", "touch ran");
    let nobody = NotifyCommand {
        user: Some(lvsdeck::engine::model::ScriptUser { user: "no-such-user".into(), group: None }),
        ..quick.clone()
    };
    rig.tell("a", "1", &[&hangs, &fails, &nobody, &quick]);
    until("the last one runs", || rig.file("ran").exists());
    rig.end();
    let reasons = rig.reasons();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(reasons[0].contains("hangs: ended after") && reasons[0].contains("taking too long"), "{reasons:?}");
    assert!(reasons[1].contains("fails: exit code 3") && reasons[1].contains("no luck"), "{reasons:?}");
    assert!(reasons[2].contains("there is no user no-such-user"), "{reasons:?}");
}

#[test]
fn what_is_left_untold_at_the_end_is_named() {
    let mut rig = Rig::new(LIMIT, |_| root());
    let hangs = rig.script("hangs", "touch runs; exec sleep 1000");
    let (fault, stop) = (rig.script("fault", "touch ran"), rig.script("stop", "touch ran"));
    rig.tell("a", "1", &[&hangs, &fault, &stop]);
    rig.tell("b", "2", &[&rig.script("quick", "touch quick-ran")]);
    until("it runs", || rig.file("runs").exists());
    rig.end();
    let reasons = rig.reasons();
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    let ends = format!(
        "hangs did not end within 5 s of the stop, and 2 more were not run, the last {}",
        rig.file("stop").display()
    );
    assert!(reasons[0].ends_with(&ends), "{reasons:?}");
    assert!(rig.file("quick-ran").exists() && !rig.file("ran").exists());
}

#[test]
fn without_the_process_that_runs_scripts_nobody_is_told_to_mend_a_script() {
    let mut rig = Rig::new(LIMIT, |_| root());
    let quick = rig.script("quick", "touch ran");
    rig.link.close();
    rig.tell("a", "1", &[&quick]);
    rig.end();
    let facts = rig.facts.lock().unwrap();
    let told: Vec<_> = facts.iter().map(|fact| (fact.reason.clone().unwrap(), fact.detail.clone().unwrap())).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].0.ends_with("quick: the process that runs scripts has ended; restart lvsdeck"), "{told:?}");
    assert_eq!(told[0].1, "no notify script is run until lvsdeck is restarted; FIFOs, mails and the webhook go on");
}

#[test]
fn fifos_get_every_line_in_order_and_their_script_reads_the_last_one_before_the_end() {
    let mut rig = Rig::new(LIMIT, |directory| {
        let mut global = root();
        let fifo = |name: &str| {
            let path = directory.join(name).to_str().unwrap().to_owned();
            Some(NotifyFifo { path, owner: None })
        };
        global.fifos.all.fifo = fifo("all");
        global.fifos.vrrp.fifo = fifo("vrrp");
        global.fifos.vrrp.script =
            Some(script(directory, "reader", "while read -r line; do echo \"$line\" >> lines; done < \"$1\""));
        global
    });
    until("both are made", || rig.file("all").exists() && rig.file("vrrp").exists());
    let lines: Vec<String> = (0..200).map(|n| format!("INSTANCE \"VI_{n}\" MASTER 100\n")).collect();
    for line in &lines {
        rig.tell("a", line.trim_end(), &[]);
    }
    let mut all = fs::File::open(rig.file("all")).unwrap();
    let mut read = vec![0; lines.concat().len()];
    std::io::Read::read_exact(&mut all, &mut read).unwrap();
    assert_eq!(String::from_utf8(read).unwrap(), lines.concat());
    rig.end();
    until("the script has written what it read", || rig.read("lines") == lines.concat());
    assert!(!rig.file("all").exists() && !rig.file("vrrp").exists(), "what was made is removed");
    assert_eq!(rig.reasons(), Vec::<String>::new());
}

#[test]
fn each_half_has_a_fifo_of_its_own_beside_the_one_for_all() {
    let mut rig = Rig::new(LIMIT, |directory| {
        let fifo = |name: &str| {
            let path = directory.join(name).to_str().unwrap().to_owned();
            FifoWords { fifo: Some(NotifyFifo { path, owner: None }), script: None }
        };
        let mut global = Global::default();
        global.fifos.all = fifo("all");
        global.fifos.vrrp = fifo("vrrp");
        global.fifos.lvs = fifo("lvs");
        global
    });
    let service: ServiceKey = "tcp/10.0.0.1:80".parse().unwrap();
    let (vs, instance) = ("VS [10.0.0.1]:tcp:80 UP", "INSTANCE \"VI_1\" MASTER 100");
    let notice = Notice { service, subject: service.to_string(), line: Some(vs.to_owned()), command: None, mail: None };
    until("the FIFOs are there", || ["all", "vrrp", "lvs"].iter().all(|name| rig.file(name).exists()));
    let mut readers = ["all", "vrrp", "lvs"].map(|name| fs::File::open(rig.file(name)).unwrap());
    rig.running.as_ref().unwrap().0.tell(notice);
    rig.tell("a", instance, &[]);
    let both = format!("{vs}\n{instance}\n");
    for (file, lines) in readers.iter_mut().zip([both, format!("{instance}\n"), format!("{vs}\n")]) {
        let mut read = vec![0; lines.len()];
        std::io::Read::read_exact(file, &mut read).unwrap();
        assert_eq!(String::from_utf8(read).unwrap(), lines);
    }
    rig.end();
}

#[test]
fn a_fifo_that_nobody_reads_is_told_once_and_holds_nothing_up() {
    let mut rig = Rig::new(LIMIT, |directory| {
        let mut global = root();
        let path = directory.join("all").to_str().unwrap().to_owned();
        global.fifos.all.fifo = Some(NotifyFifo { path, owner: None });
        global
    });
    let line = "x".repeat(1000);
    for _ in 0..200 {
        rig.tell("a", &line, &[]);
    }
    let last = rig.script("last", "touch ran");
    rig.tell("a", "the last", &[&last]);
    until("the script runs", || rig.file("ran").exists());
    rig.end();
    let reasons = rig.reasons();
    assert!(reasons.len() == 1 && reasons[0].contains("was not written"), "{reasons:?}");
}

#[test]
fn a_file_in_the_place_of_a_fifo_is_left_alone() {
    let mut rig = Rig::new(LIMIT, |directory| {
        let path = directory.join("all");
        fs::write(&path, "precious").unwrap();
        let mut global = root();
        global.fifos.all.fifo = Some(NotifyFifo { path: path.to_str().unwrap().to_owned(), owner: None });
        global
    });
    rig.tell("a", "INSTANCE \"VI_1\" MASTER 100", &[]);
    rig.end();
    assert_eq!(rig.read("all"), "precious");
    assert!(rig.reasons()[0].contains("something else than a FIFO is there"), "{:?}", rig.reasons());
}

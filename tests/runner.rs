//! The script runner as a process: what scripts can do to it, and what they can't.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use lvsdeck::engine::driver::scripts::{ScriptLoop, prepare};
use lvsdeck::engine::io::host;
use lvsdeck::engine::io::runner::{Ended, How, Identity, Job, Runner, RunnerLink};
use lvsdeck::engine::model::ScriptUser;
use lvsdeck::engine::vrrp::Tracked::{self, Down, LeftOut, Presumed, Up};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longer than anything here takes; a test that needs it fails.
const LIMIT: Duration = Duration::from_secs(30);

struct Rig {
    link: RunnerLink,
    process: u32,
    directory: tempfile::TempDir,
    /// Hears when no runner is left.
    lost: Receiver<()>,
}

impl Rig {
    fn new() -> Self {
        let runner = Runner::of(Path::new(env!("CARGO_BIN_EXE_lvsdeck"))).unwrap();
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (told, lost) = channel();
        let link = |runner: Runner| runner.listen(move || told.send(()).unwrap()).unwrap();
        Self { process: runner.process(), link: link(runner), directory, lost }
    }

    /// The process that runs scripts now.
    fn worker(&self) -> u32 {
        let file = format!("/proc/{0}/task/{0}/children", self.process);
        let read = || fs::read_to_string(&file).ok()?.split_whitespace().rev().find_map(|pid| pid.parse().ok());
        until("there is one", || read().is_some_and(is_alive));
        read().unwrap()
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn job(&self, text: &str, limit: Duration) -> Job {
        let path = self.script("script", text);
        let command = vec![path.to_str().unwrap().to_owned()];
        Job { command, identity: Identity::own(), secure: false, limit }
    }

    fn begin(&self, job: Job) -> (u64, Receiver<Ended>) {
        let (told, ended) = channel();
        (self.link.run(job, move |end| told.send(end).unwrap()), ended)
    }

    fn run(&self, job: Job) -> Ended {
        self.begin(job).1.recv_timeout(LIMIT).unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

fn pid(file: &Path) -> u32 {
    let read = || fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok());
    until("the script says its number", || read().is_some());
    read().unwrap()
}

/// A zombie has run to its end.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim_start().starts_with('Z'))
}

#[test]
fn a_script_gets_a_clean_environment_and_nothing_to_read_and_its_end_is_told() {
    let rig = Rig::new();
    let ended = rig.run(rig.job("env | sort; readlink /proc/self/fd/0; pwd; echo wrong >&2; exit 7", LIMIT));
    assert_eq!((ended.how.clone(), ended.succeeded()), (How::Exited(7), false));
    let names: Vec<&str> = ended.output.lines().map(|line| line.split('=').next().unwrap()).collect();
    assert_eq!(names, ["HOME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "USER", "/dev/null", "/", "wrong"]);
    assert!(ended.to_string().ends_with(": \"wrong\""), "{ended}");
    assert!(rig.run(rig.job("exit 0", LIMIT)).succeeded());
    assert_eq!(rig.run(rig.job("kill -9 $$", LIMIT)).how, How::Killed(9));
}

#[test]
fn signals_that_are_meant_for_an_engine_end_no_runner() {
    let rig = Rig::new();
    assert_eq!(rig.run(rig.job("exit 0", LIMIT)).how, How::Exited(0), "it is there");
    for signal in ["TERM", "INT", "HUP", "QUIT", "PIPE", "USR1", "USR2", "ALRM"] {
        for process in [rig.process, rig.worker()] {
            let sent = std::process::Command::new("kill").args(["-s", signal, &process.to_string()]).status().unwrap();
            assert!(sent.success());
        }
        assert_eq!(rig.run(rig.job("exit 3", LIMIT)).how, How::Exited(3), "after {signal}");
    }
}

#[test]
fn a_script_that_hangs_and_ignores_term_is_killed_with_its_children() {
    let rig = Rig::new();
    let file = rig.file("child");
    let text = format!(
        "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > {0}.new; mv {0}.new {0}; sleep 1000; sleep 1000' & wait; sleep 1000",
        file.display()
    );
    let ended = rig.run(rig.job(&text, Duration::from_millis(300)));
    assert_eq!(ended.how, How::TimedOut);
    assert!(ended.took >= Duration::from_millis(800), "TERM first, KILL later: {:?}", ended.took);
    let child = pid(&file);
    until("the child is killed", || !is_alive(child));
}

#[test]
fn a_hundred_megabytes_are_read_and_four_kilobytes_kept() {
    let rig = Rig::new();
    let ended = rig.run(rig.job("head -c 100000000 /dev/zero | tr '\\0' x", LIMIT));
    assert!(ended.succeeded(), "{ended}");
    assert_eq!(ended.output.len(), 4096);
    let ended = rig.run(rig.job("printf '\\377\\n\\033[31m'; exit 1", LIMIT));
    assert_eq!(ended.output, "\u{fffd}\n\u{1b}[31m", "what is no text is marked");
}

#[test]
fn a_process_that_is_left_behind_holds_nobody_up_and_can_go_on_printing() {
    let rig = Rig::new();
    let (file, go) = (rig.file("left"), rig.file("go"));
    let text = format!(
        "(while [ ! -e {go} ]; do :; done; head -c 1000000 /dev/zero; echo printed > {file}) & exit 0",
        go = go.display(),
        file = file.display()
    );
    assert!(rig.run(rig.job(&text, LIMIT)).succeeded());
    fs::write(&go, "").unwrap();
    until("what was left behind prints and goes on", || file.exists());
}

#[test]
fn a_script_can_be_cancelled_while_it_runs() {
    let rig = Rig::new();
    let file = rig.file("pid");
    let (id, ended) = rig.begin(rig.job(&format!("echo $$ > {}; exec sleep 1000", file.display()), LIMIT));
    let script = pid(&file);
    rig.link.cancel(id);
    assert_eq!(ended.recv_timeout(LIMIT).unwrap().how, How::Cancelled);
    assert!(!is_alive(script));
}

#[test]
fn a_script_that_is_removed_while_it_runs_ends_as_it_would() {
    let rig = Rig::new();
    let (file, go) = (rig.file("pid"), rig.file("go"));
    let text = format!("echo $$ > {}; while [ ! -e {} ]; do :; done; exit 3", file.display(), go.display());
    let job = rig.job(&text, LIMIT);
    let (_, ended) = rig.begin(job.clone());
    pid(&file);
    fs::remove_file(rig.file("script")).unwrap();
    fs::write(&go, "").unwrap();
    assert_eq!(ended.recv_timeout(LIMIT).unwrap().how, How::Exited(3));
    let gone = rig.run(job).to_string();
    assert!(gone.starts_with("can't find ") && gone.ends_with("correct its path, or install it"), "{gone}");
}

#[test]
fn more_scripts_than_run_at_once_wait_for_room_and_all_end() {
    let rig = Rig::new();
    let job = rig.job("exit 0", LIMIT);
    let all: Vec<_> = (0..200).map(|_| rig.begin(job.clone()).1).collect();
    for ended in all {
        assert!(ended.recv_timeout(LIMIT).unwrap().succeeded());
    }
}

#[test]
fn a_runner_that_is_killed_takes_along_what_it_ran_and_another_one_goes_on() {
    let rig = Rig::new();
    let kill = |process: u32| {
        assert!(std::process::Command::new("kill").args(["-KILL", &process.to_string()]).status().unwrap().success());
    };
    for _ in 0..2 {
        let file = rig.file("pid");
        let (_, ended) = rig.begin(rig.job(&format!("echo $$ > {}; exec sleep 1000", file.display()), LIMIT));
        let (script, worker) = (pid(&file), rig.worker());
        kill(worker);
        let told = ended.recv_timeout(LIMIT).unwrap();
        assert_eq!(told.to_string(), "the process that runs scripts was ended by somebody, and is started again");
        assert!(rig.link.is_alive() && !told.is_without_runner());
        until("what it ran ends with it", || !is_alive(script));
        fs::remove_file(&file).unwrap();
        until("scripts run again", || rig.run(rig.job("exit 3", LIMIT)).how == How::Exited(3));
        assert_ne!(rig.worker(), worker);
    }
    // Without what starts them there is one left, and then none.
    let worker = rig.worker();
    kill(rig.process);
    assert_eq!(rig.run(rig.job("exit 3", LIMIT)).how, How::Exited(3));
    assert!(rig.lost.try_recv().is_err(), "one is left");
    kill(worker);
    rig.lost.recv_timeout(LIMIT).expect("it is told although no script was to be run");
    until("it is told that nothing runs any more", || rig.run(rig.job("exit 0", LIMIT)).is_without_runner());
    assert!(!rig.link.is_alive());
}

#[test]
fn what_runs_ends_with_the_engine() {
    let rig = Rig::new();
    let file = rig.file("pid");
    let (_, ended) = rig.begin(rig.job(&format!("echo $$ > {}; exec sleep 1000", file.display()), LIMIT));
    let script = pid(&file);
    rig.link.close();
    assert!(!rig.link.is_alive());
    until("the script ends", || !is_alive(script));
    let told = ended.recv_timeout(LIMIT).unwrap();
    assert!(matches!(told.how, How::Cancelled | How::NotRun(_)), "{told}");
    let late = rig.run(rig.job("exit 0", LIMIT));
    assert_eq!(late.to_string(), "the process that runs scripts has ended; restart lvsdeck");
    assert!(rig.lost.recv_timeout(LIMIT).is_err(), "it was closed, not lost");
}

#[test]
fn root_s_scripts_run_as_the_user_that_is_asked_for_and_not_when_others_can_change_them() {
    let rig = Rig::new();
    if !host::is_root() {
        // Without root there is nobody to switch to.
        let mut job = rig.job("exit 0", LIMIT);
        job.identity.user += 1;
        assert!(matches!(rig.run(job).how, How::NotRun(_)));
        return;
    }
    let nobody = Identity::of(&ScriptUser { user: "nobody".into(), group: None }).unwrap();
    let text = "id -u; id -G; grep -c '^Cap\\(Prm\\|Eff\\|Amb\\):.0*$' /proc/self/status";
    let ended = rig.run(Job { identity: nobody.clone(), ..rig.job(text, LIMIT) });
    assert_eq!(ended.output, "65534\n65534\n3\n", "no capability is left: {ended}");
    let secure = Job { secure: true, ..rig.job("exit 0", LIMIT) };
    assert!(rig.run(secure.clone()).succeeded());
    fs::set_permissions(rig.file("script"), fs::Permissions::from_mode(0o757)).unwrap();
    let refused = rig.run(secure.clone()).to_string();
    assert!(refused.starts_with("root does not run ") && refused.contains("chmod go-w"), "{refused}");
    assert!(rig.run(Job { secure: false, ..secure.clone() }).succeeded());
    assert!(rig.run(Job { identity: nobody, ..secure }).succeeded(), "it is only about root");
}

/// What the loop tells until `wanted` has been told.
fn tell_until(rig: &Rig, text: &str, wanted: &[(&str, Tracked)]) -> Vec<(String, Tracked, String)> {
    let file = rig.file("lvsdeck.conf");
    fs::write(&file, text).unwrap();
    let configuration = lvsdeck::engine::config::load(&file).unwrap().configuration.unwrap();
    let (told, heard) = channel();
    let tell = move |name, state, said| told.send((name, state, said)).unwrap_or_default();
    let (body, sender) = ScriptLoop::new(rig.link.clone(), tell, |_| {}).unwrap();
    let prepared = prepare(&configuration);
    std::thread::scope(|threads| {
        threads.spawn(|| body.run(prepared));
        let mut all: Vec<(String, Tracked, String)> = Vec::new();
        while !wanted.iter().all(|(name, state)| all.iter().any(|(n, s, _)| (n.as_str(), *s) == (*name, *state))) {
            all.push(heard.recv_timeout(LIMIT).unwrap());
        }
        sender.end();
        all
    })
}

#[test]
fn tracked_scripts_are_run_and_those_that_cannot_be_are_left_out_by_name_and_cause() {
    let rig = Rig::new();
    let (counter, count) = (rig.file("count"), rig.script("counts", "echo >> \"$1\"; sleep 1000"));
    let instance = "vrrp_instance V {\n interface eth0\n virtual_router_id 5\n track_script {\n good\n bad\n gone\n \
                    stranger\n slow\n }\n}\n";
    let script = |name: &str, body: &str| format!("vrrp_script {name} {{\n{body}\n}}\n");
    let text = [
        script("good", "script \"/bin/true\""),
        script("bad", "script \"/bin/sh -c 'echo no web; exit 3'\"\ninit_fail"),
        script("gone", "script \"/no/such/script\""),
        script("stranger", "script \"/bin/true\"\nuser no-such-user"),
        script("slow", &format!("script \"{} {}\"\ninterval 1\nfall 1", count.display(), counter.display())),
        script("alone", &format!("script \"/usr/bin/touch {}\"", rig.file("alone").display())),
        instance.to_owned(),
    ]
    .concat();
    let wanted =
        [("good", Up), ("bad", Presumed), ("bad", Down), ("gone", LeftOut), ("stranger", LeftOut), ("slow", Down)];
    let told = tell_until(&rig, &text, &wanted);
    let said =
        |name: &str| told.iter().filter(|(n, ..)| n == name).map(|(_, _, said)| said.clone()).collect::<Vec<_>>();
    assert!(said("gone")[0].starts_with("can't find /no/such/script: No such file"), "{told:?}");
    assert!(said("stranger")[0].starts_with("there is no user no-such-user on this host"), "{told:?}");
    assert_eq!(said("bad").len(), 2, "what init_fail presumes, and what came true: {told:?}");
    assert_eq!(said("bad")[0], "it has not run yet (init_fail)");
    assert!(said("slow")[0].starts_with("ended after 1"), "{told:?}");
    assert_eq!(fs::read_to_string(&counter).unwrap().lines().count(), 1, "runs do not pile up");
    assert!(!rig.file("alone").exists(), "nobody tracks it");
}

#[test]
fn a_reload_of_other_limits_keeps_what_a_script_said_and_another_program_is_asked_anew() {
    let rig = Rig::new();
    let configuration = |program: &str, words: &str| {
        let file = rig.file("lvsdeck.conf");
        let text = format!(
            "vrrp_script web {{\nscript \"{program}\"\ninit_fail\n{words}\n}}\nvrrp_script mark {{\nscript \"/no/{words}\"\n}}\n\
             vrrp_instance V {{\n interface eth0\n virtual_router_id 5\n track_script {{\n web\n mark\n }}\n}}\n",
        );
        fs::write(&file, text).unwrap();
        prepare(&lvsdeck::engine::config::load(&file).unwrap().configuration.unwrap())
    };
    let (told, heard) = channel();
    let tell = move |name: String, state, _| told.send((name, state)).unwrap_or_default();
    let (body, sender) = ScriptLoop::new(rig.link.clone(), tell, |_| {}).unwrap();
    // The mark is run after the script: what a reload says about the script at once was told before.
    let until = |wanted: &[(&str, Tracked)]| {
        let mut all: Vec<(String, Tracked)> = Vec::new();
        while !wanted.iter().all(|(name, state)| all.iter().any(|said| said == &((*name).to_owned(), *state))) {
            all.push(heard.recv_timeout(LIMIT).unwrap());
        }
        all
    };
    let (mark, presumed) = (("mark", LeftOut), ("web".to_owned(), Presumed));
    std::thread::scope(|threads| {
        let first = configuration("/bin/true", "interval 1000");
        threads.spawn(|| body.run(first));
        assert!(until(&[mark, ("web", Up)]).contains(&presumed));
        for words in ["interval 900", "rise 3", "fall 4", "timeout 7"] {
            sender.reload(configuration("/bin/true", words));
            assert_eq!(until(&[mark]), [("mark".to_owned(), LeftOut)], "{words}");
        }
        sender.reload(configuration("/bin/false", "interval 1000"));
        assert!(until(&[mark, ("web", Down)]).contains(&presumed), "another program");
        sender.end();
    });
}

#[test]
fn a_runner_that_is_stuck_holds_nobody_up_and_goes_on_when_it_can() {
    let rig = Rig::new();
    let job = rig.job("exit 0", LIMIT);
    assert!(rig.run(job.clone()).succeeded());
    let worker = rig.worker();
    let signal = |name: &str| {
        let process = worker.to_string();
        assert!(std::process::Command::new("kill").args([name, &process]).status().unwrap().success());
    };
    signal("-STOP");
    let (link, many) = (rig.link.clone(), job.clone());
    let (told, refused) = channel();
    std::thread::spawn(move || {
        for _ in 0..5_000 {
            let told = told.clone();
            // Those that fit into the pipe are answered later, and nobody waits for them here.
            link.run(many.clone(), move |ended| _ = told.send(ended));
        }
        link.cancel(1);
        _ = told.send(Ended { id: 0, how: How::Exited(0), output: String::new(), took: LIMIT, exposed: None });
    });
    let first = refused.recv_timeout(LIMIT);
    let last = std::iter::from_fn(|| refused.recv_timeout(LIMIT).ok()).any(|ended| ended.id == 0);
    signal("-CONT");
    let said = first.unwrap().to_string();
    assert!(said.starts_with("the process that runs scripts takes no more requests"), "{said}");
    assert!(last, "all were handed over or refused");
    until("it goes on", || rig.run(job.clone()).succeeded());
}

//! Tracked processes and files, as the loop that looks at them tells of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use lvsdeck::engine::driver::watches::{WatchLoop, WatchesSender, foresee, prepare};
use lvsdeck::engine::model::{Configuration, TrackKind};
use lvsdeck::engine::vrrp::Tracked::{self, Down, Up, Value};
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Longer than anything here takes; a test that needs it fails.
const LIMIT: Duration = Duration::from_secs(30);

type Told = (TrackKind, String, Tracked, String);

struct Rig {
    told: Receiver<Told>,
    sender: WatchesSender,
    thread: Option<JoinHandle<()>>,
}

impl Rig {
    fn new(configuration: &Configuration) -> Self {
        let (tell, told) = channel();
        let tell = move |kind, name, state, said| _ = tell.send((kind, name, state, said));
        let (watches, sender) = WatchLoop::new(tell, |_| {}).unwrap();
        let wanted = prepare(configuration);
        let thread = Some(thread::spawn(move || watches.run(wanted).unwrap()));
        Self { told, sender, thread }
    }

    fn next(&self) -> (Tracked, String) {
        let (_, _, state, said) = self.told.recv_timeout(LIMIT).unwrap();
        (state, said)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.sender.end();
        _ = self.thread.take().unwrap().join();
    }
}

/// One instance that tracks what the text defines.
fn configuration(directory: &Path, definition: &str, track: &str) -> Configuration {
    let file = directory.join("lvsdeck.conf");
    let instance =
        "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n virtual_ipaddress {\n 192.0.2.9\n }\n";
    fs::write(&file, format!("{definition}\n{instance} {track}\n}}\n")).unwrap();
    let loaded = lvsdeck::engine::config::load(&file).unwrap();
    loaded.configuration.expect("no errors")
}

/// A process of a name that nothing else has.
fn start(directory: &Path, name: &str, seconds: &str) -> Child {
    let program = directory.join(name);
    if !program.exists() {
        fs::copy("/bin/sleep", &program).unwrap();
    }
    Command::new(program).arg(seconds).spawn().unwrap()
}

#[test]
fn the_end_of_a_process_and_its_coming_are_told() {
    let place = tempfile::tempdir().unwrap();
    let name = format!("p{}", std::process::id());
    let definition = format!("vrrp_track_process web {{\n process {name}\n quorum 2\n}}");
    let configuration = configuration(place.path(), &definition, "track_process {\n web\n }");
    let rig = Rig::new(&configuration);
    assert_eq!(rig.next(), (Down, "0 run, 2 needed".to_owned()));
    let mut first = start(place.path(), &name, "1000");
    let mut second = start(place.path(), &name, "1000");
    assert_eq!(rig.next(), (Up, "2 run, 2 needed".to_owned()));
    first.kill().unwrap();
    assert_eq!(rig.next(), (Down, "1 runs, 2 needed".to_owned()), "though nobody has waited for it yet");
    first.wait().unwrap();
    second.kill().unwrap();
    second.wait().unwrap();
}

#[test]
fn a_command_line_tells_processes_of_one_name_apart() {
    let place = tempfile::tempdir().unwrap();
    let name = format!("q{}", std::process::id());
    let command = place.path().join(&name);
    let command = command.to_str().unwrap();
    let definition = format!("vrrp_track_process web {{\n process {command} 1001\n}}");
    let configuration = configuration(place.path(), &definition, "track_process {\n web weight 10\n }");
    let mut other = start(place.path(), &name, "1000");
    let rig = Rig::new(&configuration);
    assert_eq!(rig.next().0, Down);
    let mut right = start(place.path(), &name, "1001");
    assert_eq!(rig.next().0, Up);
    for child in [&mut other, &mut right] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(rig.next().0, Down);
}

#[test]
fn every_number_that_a_file_is_given_is_told_and_none_counts_as_0() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("number");
    let definition = format!("track_file load {{\n file {}\n init_file 7\n}}", file.display());
    let configuration = configuration(place.path(), &definition, "track_file {\n load weight 2\n }");
    let rig = Rig::new(&configuration);
    assert_eq!(rig.next(), (Value(7), "it says 7".to_owned()));
    fs::write(place.path().join("new"), "-12\n").unwrap();
    fs::rename(place.path().join("new"), &file).unwrap();
    assert_eq!(rig.next(), (Value(-12), "it says -12".to_owned()));
    fs::remove_file(&file).unwrap();
    let (state, said) = rig.next();
    assert!(state == Value(0) && said.contains("does not exist"), "{said}");
    rig.sender.reload(prepare(&configuration));
    fs::write(place.path().join("new"), "3 or so").unwrap();
    fs::rename(place.path().join("new"), &file).unwrap();
    assert_eq!(rig.next(), (Value(3), "it says 3".to_owned()), "a reload tells nothing twice");
}

#[test]
fn a_file_that_is_written_anew_is_told_as_what_it_says_in_the_end() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("n");
    fs::write(&file, "1").unwrap();
    let definition = format!("vrrp_track_file web {{\n file {}\n}}", file.display());
    let rig = Rig::new(&configuration(place.path(), &definition, "track_file {\n web weight 1\n }"));
    assert_eq!(rig.next().0, Value(1));
    for _ in 0..300 {
        fs::write(&file, "1").unwrap();
    }
    fs::write(&file, "30").unwrap();
    assert_eq!(rig.next(), (Value(30), "it says 30".to_owned()), "and never 0");
    fs::write(&file, "").unwrap();
    assert_eq!(rig.next().0, Value(0), "what stays empty counts");
}

#[test]
fn a_preview_sees_how_what_is_new_would_count_and_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let nothing = Configuration::default();
    let path = directory.path().join("number");
    let of = |old: &Configuration, words: &str| {
        let definition = format!("track_file f {{\nfile {}\n{words}\n}}", path.display());
        let new = configuration(directory.path(), &definition, "track_file {\nf weight 1\n}");
        (foresee(old, &new).into_values().next(), new)
    };
    assert_eq!(of(&nothing, "init_file 7").0, Some(Value(7)), "as it would be written");
    assert!(!path.exists());
    assert_eq!(of(&nothing, "").0, Some(Value(0)));
    fs::write(&path, "-9\n").unwrap();
    let (seen, known) = of(&nothing, "init_file 7");
    assert_eq!(seen, Some(Value(-9)));
    assert_eq!(of(&nothing, "init_file 7 overwrite").0, Some(Value(7)));
    assert_eq!(of(&known, "init_file 7").0, None, "what was told of it counts");
    let process = |name: &str| {
        let definition = format!("vrrp_track_process p {{\nprocess {name}\n}}");
        let new = configuration(directory.path(), &definition, "track_process {\np\n}");
        foresee(&nothing, &new).into_values().next()
    };
    assert_eq!(process("no-such-process"), Some(Down));
    let mut child = start(directory.path(), "foreseen-one", "60");
    assert_eq!(process("foreseen-one"), Some(Up));
    child.kill().unwrap();
    child.wait().unwrap();
}

use super::super::shared::Identity;
use super::*;
use crate::engine::failover::HoldWish;
use crate::engine::snapshot::ConfigStatus;
use std::fs;
use std::time::{Instant, SystemTime};

const LIMIT: Duration = Duration::from_secs(20);

fn shared() -> Arc<Shared> {
    let config = ConfigStatus { file: String::new(), loaded_at: SystemTime::UNIX_EPOCH, generation: 1 };
    Arc::new(Shared::new(Identity {
        node: "d1".into(),
        mode: "run",
        dataplane: "kernel".into(),
        config,
        warnings: Vec::new(),
    }))
}

fn held(instance: &str) -> Vec<Held> {
    let (since, wish) = (Instant::now(), HoldWish::Takeover);
    vec![Held { instance: instance.to_owned(), by: "takeover by anna".to_owned(), why: None, since, wish }]
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        thread::yield_now();
    }
}

#[test]
fn the_newest_of_each_part_is_on_disk_when_the_thread_has_ended() {
    let place = tempfile::tempdir().unwrap();
    let (file, overrides, _) = OverridesFile::open(place.path());
    let (sender, written) = start(file, overrides, shared()).unwrap();
    for n in 0..100 {
        sender.clone().instances(held(&format!("VI_{n}")));
        sender.services(Vec::new());
    }
    drop(sender);
    written.recv_timeout(LIMIT).unwrap();
    let (_, read, error) = OverridesFile::open(place.path());
    assert!(error.is_none());
    assert_eq!(read.instances.iter().map(|held| held.instance.as_str()).collect::<Vec<_>>(), ["VI_99"]);
}

#[test]
fn who_asked_is_told_what_is_not_on_disk_and_only_that() {
    let place = tempfile::tempdir().unwrap();
    let (file, overrides, _) = OverridesFile::open(place.path());
    let (sender, _written) = start(file, overrides, shared()).unwrap();
    let disk = sender.written();
    let before = disk.given();
    sender.instances(held("VI_1"));
    assert_eq!(disk.trouble_since(before), None);
    assert_eq!(disk.trouble_since(disk.given()), None, "nothing was to be written");
    let lasting = place.path().join("lasting");
    fs::write(&lasting, "in the way").unwrap();
    let (file, ..) = OverridesFile::open(&lasting);
    let (sender, _written) = start(file, Overrides::default(), shared()).unwrap();
    let disk = sender.written();
    let before = disk.given();
    sender.instances(held("VI_1"));
    let trouble = disk.trouble_since(before).unwrap();
    assert!(trouble.contains("lasting"), "{trouble}");
    assert!(disk.trouble_since(disk.given()).is_some(), "as long as it is so");
}

#[test]
fn a_disk_that_refuses_is_a_warning_until_it_takes_it_again() {
    let place = tempfile::tempdir().unwrap();
    let lasting = place.path().join("lasting");
    fs::write(&lasting, "in the way").unwrap();
    let (file, ..) = OverridesFile::open(&lasting);
    let (sender, written) = start(file, Overrides::default(), shared()).unwrap();
    assert_eq!(sender.warning(), None);
    sender.instances(held("VI_1"));
    until("a warning stands", || sender.warning().is_some());
    let warning = sender.warning().unwrap();
    assert!(warning.message.contains("lasting/overrides.json: can't write"), "{}", warning.message);
    fs::remove_file(&lasting).unwrap();
    until("it is over", || sender.warning().is_none());
    drop(sender);
    written.recv_timeout(LIMIT).unwrap();
    assert_eq!(OverridesFile::open(&lasting).1.instances.len(), 1);
}

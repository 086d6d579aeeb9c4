//! The keeper with real files: numbers across runs, disks that refuse, and that nobody waits.

use super::super::shared::{Identity, Shared};
use super::*;
use crate::engine::journal::JournalFrom;
use crate::engine::snapshot::ConfigStatus;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::SystemTime;

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

fn happen(shared: &Shared, subject: &str) {
    shared.append(Fact::new(EventKind::EngineStarted, Severity::Info, subject));
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        thread::yield_now();
    }
}

fn private() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o700)).unwrap();
    place
}

fn run(directory: &Path, body: impl FnOnce(&Shared)) -> Arc<Shared> {
    let shared = shared();
    let written = start(Arc::clone(&shared), directory, "d1").unwrap();
    body(&shared);
    shared.close();
    written.recv_timeout(Duration::from_secs(20)).unwrap();
    shared
}

#[test]
fn numbers_go_on_across_runs_and_the_memory_begins_with_the_run_before() {
    let place = private();
    run(place.path(), |shared| (0..600).for_each(|n| happen(shared, &format!("first {n}"))));
    let second = run(place.path(), |shared| happen(shared, "second"));
    assert_eq!(second.before_run(), 600);
    let events = second.events(598, 10, Duration::ZERO);
    let seen: Vec<_> = events.iter().map(|event| (event.seq, event.subject.as_str())).collect();
    assert_eq!(seen, [(599, "first 598"), (600, "first 599"), (601, "second")]);
    let third = run(place.path(), |_| {});
    assert_eq!(third.before_run(), 601);
}

#[test]
fn what_the_memory_has_no_more_comes_from_the_files_page_by_page() {
    let place = private();
    let count = CAPACITY as u64 * 2;
    run(place.path(), |shared| {
        for n in 1..=count {
            happen(shared, "x");
            if n % 200 == 0 {
                // no faster than it is written, so that nothing falls out unwritten
                until("written", || {
                    n - JournalFiles::new(place.path()).page(n - 1, 1).first().map_or(0, |e| e.seq) == 0
                });
            }
        }
        let (mut from, mut seen) = (JournalFrom::Age(Duration::from_hours(1)), Vec::new());
        loop {
            let page = shared.journal(from, usize::MAX);
            assert!(page.events.len() <= 256 && page.oldest == 1 && page.newest == count);
            let Some(last) = page.events.last() else { break };
            from = JournalFrom::After(last.seq);
            seen.extend(page.events.iter().map(|event| event.seq));
        }
        assert_eq!(seen, (1..=count).collect::<Vec<_>>());
        assert_eq!(shared.page(10, 1)[0].seq, 11);
        assert_eq!(shared.page(0, 1)[0].seq, count - CAPACITY as u64 + 1, "after 0: as far as the memory reaches");
    });
}

#[test]
fn after_a_crash_the_numbers_go_on_behind_all_that_may_have_been_given() {
    let place = private();
    run(place.path(), |shared| (0..10).for_each(|n| happen(shared, &n.to_string())));
    // What a crash leaves: numbers were reserved, and given to who listened, that are not in the files.
    fs::write(place.path().join("journal.numbers"), format!("{:020}\n", 5_000)).unwrap();
    let second = run(place.path(), |shared| happen(shared, "second"));
    assert_eq!(second.before_run(), 5_000);
    let seen: Vec<_> = second.events(8, 3, Duration::ZERO).iter().map(|event| event.seq).collect();
    assert_eq!(seen, [9, 10, 5_001], "older ones are there, and the newest are not hidden by the gap");
    assert_eq!(second.page(4_000, 9)[0].seq, 5_001, "who had read numbers that were never kept goes on");
    assert_eq!(run(place.path(), |_| {}).before_run(), 5_001, "an orderly end leaves no gap");
}

#[test]
fn a_disk_that_takes_a_line_now_and_then_is_not_well_again_before_it_took_all_for_a_while() {
    let (mut trouble, start) = (Trouble::default(), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    assert!(!trouble.good(at(0)), "there is none");
    assert!(trouble.bad());
    for second in 1..20 {
        assert!(!trouble.good(at(second * 4)) && !trouble.bad(), "no news, {second}");
    }
    trouble.lose(5, 9);
    assert!(!trouble.good(at(100)) && !trouble.good(at(104)));
    trouble.lose(20, 20);
    assert!(trouble.good(at(105)));
    assert_eq!(trouble.end(), "written again; 6 of the events 5 to 20 could not be kept and are lost");
    let mut trouble = Trouble { crashed_at: Some(7), ..Trouble::default() };
    let said = trouble.end();
    assert!(
        said.starts_with("written again; nothing of this run was lost; what the run before")
            && said.contains("event 7")
    );
    assert!(!trouble.good(at(200)), "said once");
}

#[test]
fn a_directory_that_can_not_be_used_is_one_warning_and_nothing_waits_for_it() {
    let place = private();
    let blocked = place.path().join("lasting");
    fs::write(&blocked, "a file").unwrap();
    run(&blocked, |shared| {
        (0..300).for_each(|n| happen(shared, &n.to_string()));
        until("warned", || !shared.status().warnings.is_empty());
        let warnings = shared.status().warnings.clone();
        assert_eq!(warnings.len(), 1);
        assert_eq!(warnings[0].code, "journal-not-written");
        fs::remove_file(&blocked).unwrap();
        until("written again", || shared.status().warnings.is_empty());
        until("all is there", || JournalFiles::new(&blocked).page(0, 500).len() >= 300);
        let told = shared.events(0, 1000, Duration::ZERO);
        assert_eq!(told.iter().filter(|event| event.subject == "journal").count(), 3, "{told:?}");
    });
}

#[test]
fn a_directory_that_vanishes_is_made_again_and_filled_from_memory() {
    let place = private();
    let directory = place.path().join("lasting");
    run(&directory, |shared| {
        (0..50).for_each(|n| happen(shared, &n.to_string()));
        until("written", || JournalFiles::new(&directory).page(0, 100).len() == 50);
        fs::remove_dir_all(&directory).unwrap();
        until("written again", || JournalFiles::new(&directory).page(0, 100).len() >= 50);
    });
    assert!(run(&directory, |_| {}).before_run() >= 50);
}

#[test]
fn a_storm_waits_for_nobody_and_what_is_lost_is_named() {
    let place = private();
    let shared = run(place.path(), |shared| {
        let begun = Instant::now();
        (0..100_000).for_each(|_| happen(shared, "storm"));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    });
    assert_eq!(shared.oldest(), 100_000 - CAPACITY as u64 + 1);
    let size: u64 = fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
    assert!(size <= 2 * crate::engine::io::journal_file::FILE_LIMIT, "{size}");
    assert_eq!(run(place.path(), |_| {}).before_run(), 100_000);
}

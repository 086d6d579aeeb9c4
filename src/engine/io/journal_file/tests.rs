//! The journal's files after crashes, damage, and with hostile names.

use super::*;
use crate::engine::event::{EventKind, Fact, Severity};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::SystemTime;

fn event(seq: u64) -> Arc<Event> {
    let fact = Fact::new(EventKind::Link, Severity::Info, "eth0").reason("x".repeat(100));
    Arc::new(Event::stamp(fact, seq, SystemTime::UNIX_EPOCH, seq))
}

fn events(range: std::ops::RangeInclusive<u64>) -> Vec<Arc<Event>> {
    range.map(event).collect()
}

fn seqs(events: &[Arc<Event>]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
}

fn directory() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o700)).unwrap();
    place
}

fn writer(place: &Path, limit: u64) -> JournalWriter {
    JournalWriter::new(Arc::new(JournalFiles::with_limit(place, limit)), "d1")
}

/// A directory in which the events 1 to `last` were written, in pages of 100.
fn filled(last: u64, limit: u64) -> tempfile::TempDir {
    let place = directory();
    let mut writer = writer(place.path(), limit);
    assert_eq!(writer.open(10).unwrap().after, 0);
    for from in (1..=last).step_by(100) {
        writer.write(from - 1, &events(from..=last.min(from + 99))).unwrap();
    }
    place
}

#[test]
fn numbers_go_on_where_the_run_before_ended_and_its_newest_events_are_there() {
    let place = filled(1000, FILE_LIMIT);
    let found = writer(place.path(), FILE_LIMIT).open(300).unwrap();
    assert_eq!((found.after, found.told.len()), (1000, 0));
    assert_eq!(seqs(&found.events), (701..=1000).collect::<Vec<_>>());
    let mode = fs::metadata(place.path().join(CURRENT)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn two_files_bound_what_is_kept_and_pages_go_through_both() {
    let place = filled(10_000, 200_000);
    let sizes: Vec<u64> = [OLD, CURRENT].iter().map(|n| fs::metadata(place.path().join(n)).unwrap().len()).collect();
    assert!(sizes.iter().all(|size| *size <= 200_000), "{sizes:?}");
    let files = JournalFiles::with_limit(place.path(), 200_000);
    let oldest = files.oldest().unwrap();
    assert!((8_000..9_500).contains(&oldest), "{oldest}");
    for after in [0, oldest + 300, 9_700, 9_999, 10_000, u64::MAX] {
        let from = (after.saturating_add(1)).max(oldest);
        let expected: Vec<u64> = (from..=10_000).take(256).collect();
        assert_eq!(seqs(&files.page(after, 256)), expected, "after {after}");
    }
    assert_eq!(files.first(|event| event.monotonic_ms >= 9_876), Some(9_876));
    let found = writer(place.path(), 200_000).open(1_500).unwrap();
    let newest: Vec<u64> = (oldest.max(8_501)..=10_000).collect();
    assert_eq!(seqs(&found.events), newest, "the newest from both files");
}

#[test]
fn a_torn_last_line_is_dropped_and_told() {
    let place = filled(10, FILE_LIMIT);
    let path = place.path().join(CURRENT);
    let text = fs::read(&path).unwrap();
    fs::write(&path, text.get(..text.len() - 20).unwrap()).unwrap();
    let mut writer = writer(place.path(), FILE_LIMIT);
    let found = writer.open(100).unwrap();
    assert_eq!(found.after, 9);
    assert!(found.told.len() == 1 && found.told[0].contains("torn"), "{:?}", found.told);
    writer.write(9, &events(10..=11)).unwrap();
    assert_eq!(seqs(&JournalFiles::new(place.path()).page(7, 9)), [8, 9, 10, 11]);
}

#[test]
fn garbage_in_the_middle_costs_its_lines_alone() {
    let place = filled(3000, FILE_LIMIT);
    let path = place.path().join(CURRENT);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 80_000].fill(0);
    bytes[middle + 40_000] = b'\n';
    bytes[middle + 40_001..middle + 40_100].fill(0xff);
    fs::write(&path, &bytes).unwrap();
    let found = writer(place.path(), FILE_LIMIT).open(4096).unwrap();
    assert!(found.told[0].contains("damaged"), "{:?}", found.told);
    let seen = seqs(&found.events);
    assert!(seen.len() > 2600 && seen.len() < 2999, "{}", seen.len());
    assert_eq!((found.after, seen.first(), seen.last()), (3000, Some(&1), Some(&3000)));
    let files = JournalFiles::new(place.path());
    let (mut paged, mut after) = (Vec::new(), 0);
    while let page = files.page(after, 256)
        && let Some(last) = page.last()
    {
        after = last.seq;
        paged.extend(seqs(&page));
    }
    assert_eq!(paged, seen);
    for after in [1, 1400, 1600, 2990] {
        let expected: Vec<u64> = seen.iter().copied().filter(|seq| *seq > after).take(5).collect();
        assert_eq!(seqs(&files.page(after, 5)), expected, "after {after}");
    }
}

#[test]
fn a_file_of_another_version_or_of_another_program_is_set_aside_and_numbers_begin_at_1() {
    let newer = b"{\"format\":\"lvsdeck-journal\",\"version\":2,\"after\":70}\n{\"seq\":71}\n".to_vec();
    for content in [newer, b"hello\nworld\n".to_vec(), vec![0; 100_000], vec![b'\n'; 10]] {
        let place = directory();
        fs::write(place.path().join(CURRENT), &content).unwrap();
        let mut writer = writer(place.path(), FILE_LIMIT);
        let found = writer.open(10).unwrap();
        assert_eq!(found.after, 0);
        assert!(found.told[0].contains("set aside as"), "{:?}", found.told);
        assert_eq!(fs::read(place.path().join("journal.jsonl.aside")).unwrap(), content);
        writer.write(0, &events(1..=2)).unwrap();
        assert_eq!(seqs(&JournalFiles::new(place.path()).page(0, 9)), [1, 2]);
    }
}

#[test]
fn links_pipes_and_directories_in_its_place_are_refused_by_name() {
    let victim = directory();
    let target = victim.path().join("target");
    fs::write(&target, "untouched").unwrap();
    let make: [fn(&Path, &Path); 2] =
        [|path, target| symlink(target, path).unwrap(), |path, _| fs::create_dir(path).unwrap()];
    for make in make {
        let place = directory();
        make(&place.path().join(CURRENT), &target);
        let error = writer(place.path(), FILE_LIMIT).open(10).unwrap_err();
        assert!(error.to_string().contains("journal.jsonl"), "{error}");
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "untouched");
    let open = directory();
    fs::set_permissions(open.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let error = writer(open.path(), FILE_LIMIT).open(10).unwrap_err();
    assert!(matches!(error, JournalError::NotOurs { .. }) && error.remedy().contains("chmod"), "{error}");
}

#[test]
fn what_is_missing_is_named_by_a_line_and_counts_as_written() {
    let place = filled(5, FILE_LIMIT);
    let mut first = writer(place.path(), FILE_LIMIT);
    first.open(0).unwrap();
    first.write(5, &events(9..=9)).unwrap();
    let text = fs::read_to_string(place.path().join(CURRENT)).unwrap();
    assert!(text.contains("{\"gap\":[6,8]}\n{\"seq\":9,"), "{text}");
    assert_eq!(writer(place.path(), FILE_LIMIT).open(0).unwrap().after, 9);
}

#[test]
fn a_file_that_vanishes_is_noticed_and_begun_again() {
    let place = filled(5, FILE_LIMIT);
    let mut writer = writer(place.path(), FILE_LIMIT);
    writer.open(0).unwrap();
    fs::remove_dir_all(place.path()).unwrap();
    writer.write(5, &events(6..=6)).unwrap();
    assert!(matches!(writer.sync(), Err(JournalError::Vanished { .. })));
    assert_eq!(writer.open(0).unwrap().after, 0);
    writer.write(0, &events(3..=6)).unwrap();
    writer.sync().unwrap();
    assert_eq!(seqs(&JournalFiles::new(place.path()).page(0, 9)), [3, 4, 5, 6]);
}

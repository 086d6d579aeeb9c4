//! What the loops publish, put together for readers.

use super::*;
use crate::engine::event::{EventKind, Severity};

fn shared() -> Shared {
    let config = ConfigStatus { file: String::new(), loaded_at: SystemTime::UNIX_EPOCH, generation: 1 };
    let shared = Shared::new(Identity {
        node: "d1".into(),
        mode: "run",
        dataplane: "kernel".into(),
        config,
        warnings: Vec::new(),
    });
    shared.begin(0, Vec::new());
    shared
}

fn happen(shared: &Shared, count: usize) {
    (0..count).for_each(|_| shared.append(Fact::new(EventKind::Warning, Severity::Info, "x")));
}

#[test]
fn all_who_ask_share_one_status_until_something_happens_or_it_is_old() {
    let (shared, start) = (shared(), Instant::now());
    let at = |ms| shared.status_at(start + Duration::from_millis(ms));
    let first = at(0);
    assert!(Arc::ptr_eq(&first, &at(199)));
    happen(&shared, 1);
    let second = at(199);
    assert_eq!((first.last_event, second.last_event), (0, 1));
    assert!(Arc::ptr_eq(&second, &at(398)));
    assert!(!Arc::ptr_eq(&second, &at(399)), "timers went on");
    let third = at(399);
    shared.publish_balance(BalanceView::default());
    assert!(!Arc::ptr_eq(&third, &at(399)));
}

#[test]
fn a_loop_that_publishes_no_more_is_silent_and_one_that_never_did_is_starting() {
    let (shared, start) = (Arc::new(shared()), Instant::now());
    let failover = |at| shared.publish(FailoverView { at: Some(at), ..FailoverView::default() });
    let balance = |at| shared.publish_balance(BalanceView { at: Some(at), ..BalanceView::default() });
    let vitals = |second| shared.vitals_at(start + Duration::from_secs(second));
    failover(start);
    assert_eq!(vitals(9), Vitals::Starting, "the balance loop has not begun");
    balance(start);
    assert_eq!(vitals(4), Vitals::Alive);
    assert_eq!(vitals(5), Vitals::Silent { of: "failover", since: Duration::from_secs(5) });
    failover(start + Duration::from_secs(5));
    assert_eq!(vitals(5), Vitals::Silent { of: "balance", since: Duration::from_secs(5) });
    balance(start + Duration::from_secs(5));
    assert_eq!(vitals(9), Vitals::Alive);
}

#[test]
fn a_look_at_the_journal_takes_one_page_and_a_question_as_many_as_it_needs() {
    let shared = shared();
    happen(&shared, 1000);
    assert_eq!(shared.page(0, usize::MAX).len(), PAGE);
    let seqs = |limit| shared.events(100, limit, Duration::ZERO).iter().map(|e| e.seq).collect::<Vec<_>>();
    assert_eq!(seqs(usize::MAX), (101..=1000).collect::<Vec<_>>());
    assert_eq!(seqs(600), (401..=1000).collect::<Vec<_>>(), "the newest");
}

#[test]
fn a_follower_reads_all_page_by_page_and_ends_with_the_journal() {
    let shared = shared();
    happen(&shared, PAGE + 3);
    shared.close();
    let (mut seen, mut pages) = (0, Vec::new());
    while let Some(page) = shared.follow(seen) {
        seen = page.last().map_or(seen, |event| event.seq);
        pages.push(page.len());
    }
    assert_eq!(pages, [PAGE, 3]);
}

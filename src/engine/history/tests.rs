//! What the history keeps, what it says of it, and that it never takes more than its cap.
#![allow(clippy::duration_suboptimal_units)] // moments, not spans

use super::*;
use proptest::prelude::*;
use std::time::{Duration, SystemTime};

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn service(number: u32) -> Subject {
    Subject::Service(format!("fwmark/{}", number + 1).parse().unwrap())
}

fn row(rate: u64, level: u64) -> Row {
    Row([rate * 10, 0, 0, 0, 0, level, 0, 0])
}

fn series(history: &History, query: &HistoryQuery, second: u64, series: Series) -> Vec<Option<f64>> {
    history.page(query, now(), second).unwrap().series[&series].clone()
}

fn of(subject: &Subject) -> HistoryQuery {
    HistoryQuery { subject: subject.to_string(), ..HistoryQuery::default() }
}

proptest! {
    #[test]
    fn the_cap_holds_for_any_number_of_services_that_come_and_go(
        seconds in proptest::collection::vec((0u32..400, any::<u16>()), 1..40),
        cap in 20_000usize..200_000,
    ) {
        let mut history = History::with_cap(cap);
        let server = "10.0.0.71:80".parse().unwrap();
        for (second, (count, noise)) in seconds.into_iter().enumerate() {
            let second = second as u64 * 40;
            for number in 0..count {
                let value = u64::from(noise).wrapping_mul(u64::from(number) + 7) % 100_000;
                let Subject::Service(key) = service(number) else { unreachable!() };
                history.push(second, &Subject::Service(key), &row(value, value));
                history.push(second, &Subject::Server(key, server), &row(value, value));
                prop_assert!(history.bytes() <= cap);
            }
            history.expire(second);
            let sum: usize = history.kept.iter().map(|(_, kept)| kept.bytes()).sum();
            prop_assert_eq!(sum, history.bytes());
        }
    }
}

proptest! {
    /// Three subjects with the same seconds: the first never changes, the second after a time, the third at once.
    #[test]
    fn what_was_always_the_same_is_told_as_if_it_had_been_kept_in_tracks(
        steps in proptest::collection::vec((0u8..8, 1u64..900), 1..12),
        change in 0usize..12,
        unit in prop::sample::select(vec![1u64, 10, 40]),
    ) {
        let (mut history, mut second) = (History::default(), 100);
        let (still, later, tracks) = (service(1), service(2), service(3));
        history.push(0, &tracks, &row(9, 9));
        for (number, (kind, step)) in steps.iter().enumerate() {
            // Mostly a run of seconds, now and then one of them was missed.
            for _ in 0..if *kind == 0 { 1 } else { *step } {
                second += if *kind == 0 { *step } else { 1 };
                let now = if number < change { row(3, 7) } else { row(5, 8) };
                history.push(second, &still, &row(3, 7));
                history.push(second, &later, &now);
                history.push(second, &tracks, &if number < change { row(3, 7) } else { row(5, 8) });
            }
        }
        let first = Some(now() - Duration::from_secs(second - 100));
        let all = |subject: &Subject, series: Series| {
            let query = HistoryQuery { step: Some(unit), from: first.max(Some(now() - Duration::from_secs(FINE - 100))), ..of(subject) };
            history.page(&query, now(), second).unwrap().series[&series].clone()
        };
        for series in [Series::ConnectionsPerS, Series::Active] {
            let (never, once, tracked) = (all(&still, series), all(&later, series), all(&tracks, series));
            prop_assert_eq!(&once, &tracked);
            let sampled = |points: &[Option<f64>]| points.iter().map(Option::is_some).collect::<Vec<_>>();
            prop_assert_eq!(sampled(&never), sampled(&tracked));
            let value = if series == Series::Active { 7.0 } else { 3.0 };
            prop_assert!(never.iter().flatten().all(|point| (point - value).abs() < 0.01));
        }
        let one = history.kept.get(&still).map_or(0, Kept::bytes);
        prop_assert!(steps.iter().filter(|(kind, step)| *kind == 0 && *step > 1).count() > 16 || one < 400, "{}", one);
        let sum: usize = history.kept.iter().map(|(_, kept)| kept.bytes()).sum();
        prop_assert_eq!(sum, history.bytes());
    }
}

#[test]
fn real_servers_go_before_services_and_what_is_left_out_is_said() {
    let mut alone = History::default();
    (0..60).for_each(|second| (0..40).for_each(|n| alone.push(second, &service(n), &row(second * 7 % 13, second % 5))));
    let mut history = History::with_cap(alone.bytes() * 3 / 2);
    let server = "10.0.0.71:80".parse().unwrap();
    for second in 0..60 {
        history.left_out = LeftOut::default();
        for number in 0..40 {
            history.push(second, &service(number), &row(second * 7 % 13, second % 5));
        }
        for number in 0..40 {
            let Subject::Service(key) = service(number) else { unreachable!() };
            history.push(second, &Subject::Server(key, server), &row(second * 5 % 11, 1));
        }
    }
    assert!((0..40).all(|number| history.page(&of(&service(number)), now(), 59).is_ok()));
    let left_out = history.page(&of(&service(0)), now(), 59).unwrap().left_out;
    assert!(left_out.services == 0 && left_out.real_servers > 0, "{left_out:?}");
    let missing = HistoryQuery { subject: "fwmark/40 10.0.0.71:80".into(), ..HistoryQuery::default() };
    assert!(matches!(history.page(&missing, now(), 59), Err(HistoryError::NotKept { .. })));
}

#[test]
fn a_rate_of_ten_seconds_is_the_mean_and_a_level_the_last() {
    let (mut history, web) = (History::default(), service(1));
    for second in 0..40 {
        history.push(second, &web, &row(second, second));
    }
    let query = HistoryQuery { step: Some(10), ..of(&web) };
    assert_eq!(series(&history, &query, 39, Series::ConnectionsPerS), [4.5, 14.5, 24.5, 34.5].map(Some));
    assert_eq!(series(&history, &query, 39, Series::Active), [9.0, 19.0, 29.0, 39.0].map(Some));
    // From the fine samples too.
    let query = HistoryQuery { step: Some(4), from: Some(now() - Duration::from_secs(7)), ..of(&web) };
    assert_eq!(series(&history, &query, 39, Series::ConnectionsPerS), [33.5, 37.5].map(Some));
    assert_eq!(series(&history, &query, 39, Series::Active), [35.0, 39.0].map(Some));
}

#[test]
fn a_span_that_ends_before_it_begins_and_a_step_of_nothing_are_refused() {
    let (mut history, web) = (History::default(), service(1));
    (0..40).for_each(|second| history.push(second, &web, &row(1, 1)));
    let ago = |seconds| Some(now() - Duration::from_secs(seconds));
    let refused = |query: HistoryQuery| match history.page(&query, now(), 39) {
        Err(HistoryError::BadSpan(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(refused(HistoryQuery { step: Some(0), ..of(&web) }).starts_with("a step of 0 s has no points"));
    // In the past, before the start, and still to come.
    for (from, to) in [(ago(5), ago(6)), (ago(1000), ago(2000)), (Some(now() + Duration::from_secs(9)), ago(0))] {
        assert!(refused(HistoryQuery { from, to, ..of(&web) }).starts_with("the span ends before it begins"));
    }
    assert!(history.page(&HistoryQuery { from: ago(5), to: ago(5), ..of(&web) }, now(), 39).is_ok(), "one point");
}

#[test]
fn what_was_not_sampled_is_a_gap_and_never_a_zero() {
    let (mut history, web) = (History::default(), service(1));
    for second in (0..5).chain(8..10).chain(50..52) {
        history.push(second, &web, &row(1, 1));
    }
    let fine = series(&history, &of(&web), 51, Series::Active);
    let seen: Vec<usize> = fine.iter().enumerate().filter(|(_, value)| value.is_some()).map(|(n, _)| n).collect();
    assert_eq!((fine.len(), seen), (52, vec![0, 1, 2, 3, 4, 8, 9, 50, 51]));
    let coarse = series(&history, &HistoryQuery { step: Some(10), ..of(&web) }, 51, Series::ConnectionsPerS);
    assert_eq!(coarse, [Some(1.0), None, None, None, None, Some(1.0)]);
}

#[test]
fn an_hour_by_the_second_and_a_day_by_tens_are_kept_and_nothing_older() {
    let (mut history, web) = (History::default(), service(1));
    let day_and_hour = COARSE + FINE;
    for second in 0..day_and_hour {
        history.push(second, &web, &row(second % 1000, second));
        if second % 60 == 0 {
            history.expire(second);
        }
    }
    let last = day_and_hour - 1;
    let fine = series(&history, &of(&web), last, Series::ConnectionsPerS);
    assert_eq!(fine.len(), 3600);
    assert!(fine.iter().all(Option::is_some));
    let day = HistoryQuery { from: Some(now() - Duration::from_hours(48)), ..of(&web) };
    let page = history.page(&day, now(), last).unwrap();
    assert_eq!(page.step_s, 30);
    let points = &page.series[&Series::ConnectionsPerS];
    assert!(points.len() <= 3600 && points.iter().skip(1).all(Option::is_some), "{}", points.len());
    assert!(history.bytes() < 200_000, "{}", history.bytes());
}

#[test]
fn a_subject_that_left_is_forgotten_after_a_day_and_may_come_back() {
    let (mut history, web) = (History::default(), service(1));
    history.push(0, &web, &row(1, 1));
    history.push(COARSE - 60, &web, &row(2, 2));
    history.expire(COARSE + 60);
    assert_eq!(series(&history, &of(&web), COARSE, Series::Active).iter().flatten().collect::<Vec<_>>(), [&2.0]);
    history.expire(3 * COARSE);
    assert!(matches!(history.page(&of(&web), now(), 3 * COARSE), Err(HistoryError::NotKept { .. })));
    assert_eq!(history.bytes(), 0);
    history.push(3 * COARSE, &web, &row(3, 3));
    assert_eq!(series(&history, &of(&web), 3 * COARSE, Series::Active).last(), Some(&Some(3.0)));
}

#[test]
fn a_span_that_ends_before_it_begins_is_refused() {
    let (mut history, web) = (History::default(), service(1));
    history.push(0, &web, &row(1, 1));
    let query = HistoryQuery { to: Some(now() - Duration::from_secs(60)), from: Some(now()), ..of(&web) };
    assert!(matches!(history.page(&query, now(), 100), Err(HistoryError::BadSpan(_))));
    let ahead = HistoryQuery { to: Some(now() + Duration::from_hours(24 * 365)), ..of(&web) };
    assert_eq!(series(&history, &ahead, 100, Series::Active).len(), 101, "nothing is known of what is to come");
}

#[test]
fn a_step_longer_than_what_is_kept_is_one_of_a_day() {
    let (mut history, web) = (History::default(), service(1));
    (0..2 * FINE).for_each(|second| history.push(second, &web, &row(1, 1)));
    for ago in [60, FINE + 600] {
        let from = Some(now() - Duration::from_secs(ago));
        let page = history.page(&HistoryQuery { step: Some(u64::MAX), from, ..of(&web) }, now(), 2 * FINE).unwrap();
        assert_eq!((page.step_s, page.series[&Series::Active].len()), (COARSE, 1), "{ago}");
    }
}

//! The state machine as a matrix: every state with every input, the exact actions in order, and the next deadline.

use crate::engine::model::{AdvertInterval, AdvertisedPriority, GratuitousArp, Priority, Variations, VrrpVersion};
use crate::engine::vrrp::{
    Action, Deadline, Heard, Input, Instance, Parameters, Preemption, State, TransitionReason as Reason, skew_time,
};
use std::net::IpAddr;
use std::time::{Duration, Instant};

const OWN: [u8; 4] = [192, 0, 2, 5];
const ABOVE: [u8; 4] = [192, 0, 2, 10];
const BELOW: [u8; 4] = [192, 0, 2, 4];
const VERSIONS: [VrrpVersion; 2] = [VrrpVersion::V2, VrrpVersion::V3];

fn cs(value: u32) -> AdvertInterval {
    AdvertInterval::from_centiseconds(value).unwrap()
}

/// Priority 100, interval 2 s: master down after 6.609375 s in version 2, after 7.218750 s in version 3.
fn parameters(version: VrrpVersion) -> Parameters {
    Parameters {
        version,
        priority: Priority::DEFAULT,
        interval: cs(200),
        preempt: true,
        preempt_delay: Duration::ZERO,
        garp: GratuitousArp::default(),
        variations: Variations::default(),
    }
}

fn machine(parameters: Parameters) -> Instance {
    Instance::new(parameters, IpAddr::from(OWN))
}

fn master_down(version: VrrpVersion) -> Duration {
    match version {
        VrrpVersion::V2 => Duration::from_micros(6_609_375),
        VrrpVersion::V3 => Duration::from_micros(7_218_750),
    }
}

/// What a master with an interval of 1 s is waited for.
fn learned(version: VrrpVersion) -> Duration {
    match version {
        VrrpVersion::V2 => Duration::from_micros(6_609_375),
        VrrpVersion::V3 => Duration::from_micros(3_609_375),
    }
}

fn skew(version: VrrpVersion) -> Duration {
    match version {
        VrrpVersion::V2 => Duration::from_micros(609_375),
        VrrpVersion::V3 => Duration::from_micros(1_218_750),
    }
}

fn heard(source: [u8; 4], priority: u8) -> Input {
    Input::Heard(Heard { source: IpAddr::from(source), priority: AdvertisedPriority(priority), interval: cs(100) })
}

fn step_down(wait: Option<Duration>) -> Input {
    Input::StepDown { wait, reason: Reason::Operator("failover".to_owned()) }
}

fn fail() -> Input {
    Input::Fail(Reason::Fault("eth0 is down".to_owned()))
}

fn claim() -> Input {
    Input::Claim(Reason::Resumed)
}

fn backup(version: VrrpVersion, start: Instant) -> Instance {
    let mut instance = machine(parameters(version));
    instance.handle(start, Input::Startup);
    instance
}

fn master(version: VrrpVersion, start: Instant) -> Instance {
    let mut instance = backup(version, start);
    instance.handle(start, Input::TakeOver);
    assert!(instance.is_master());
    instance
}

fn fault(version: VrrpVersion, start: Instant) -> Instance {
    let mut instance = backup(version, start);
    instance.handle(start, fail());
    instance
}

/// An action in a word, for tables.
fn words(actions: &[Action]) -> String {
    let word = |action: &Action| match action {
        Action::Advertise(priority) => format!("advertise {}", priority.0),
        Action::Hasten(interval) => format!("hasten {}", interval.centiseconds()),
        Action::Acquire => "acquire".to_owned(),
        Action::Release => "release".to_owned(),
        Action::Announce(count) => format!("announce {count}"),
        Action::Entered { .. } => "entered".to_owned(),
    };
    actions.iter().map(word).collect::<Vec<_>>().join(", ")
}

fn state(instance: &Instance) -> &'static str {
    match instance.state() {
        State::Initialize => "init",
        State::Backup { .. } => "backup",
        State::Master { .. } => "master",
        State::Fault => "fault",
    }
}

/// One line of the matrix: input, expected actions, state after, next deadline after `at`.
type Line = (Input, &'static str, &'static str, Option<(Duration, Deadline)>);

/// Feeds every input to a fresh machine one second after its start.
fn check(version: VrrpVersion, make: fn(VrrpVersion, Instant) -> Instance, lines: Vec<Line>) {
    let start = Instant::now();
    let now = start + Duration::from_secs(1);
    for (input, actions, after, next) in lines {
        let mut instance = make(version, start);
        let got = instance.handle(now, input.clone());
        assert_eq!((words(&got).as_str(), state(&instance)), (actions, after), "{version:?} {input:?}");
        let expected = next.map(|(wait, deadline)| (start + wait, deadline));
        assert_eq!(instance.next(), expected, "{version:?} {input:?}");
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn in_initialize_only_startup_a_claim_and_a_fault_do_something() {
    for version in VERSIONS {
        check(
            version,
            |v, _| machine(parameters(v)),
            vec![
                (Input::Startup, "entered", "backup", Some((SECOND + master_down(version), Deadline::MasterDown))),
                (heard(ABOVE, 200), "", "init", None),
                (heard(ABOVE, 0), "", "init", None),
                (Input::Timeout, "", "init", None),
                (step_down(None), "", "init", None),
                (Input::TakeOver, "", "init", None),
                (claim(), TAKES_OVER, "master", Some((SECOND * 3, Deadline::Advertise))),
                (fail(), "entered", "fault", None),
                (Input::Shutdown, "", "init", None),
            ],
        );
    }
}

#[test]
fn the_owner_is_master_at_once() {
    for version in VERSIONS {
        let owner = |v, _| machine(Parameters { priority: Priority::OWNER, preempt: false, ..parameters(v) });
        let next = Some((SECOND * 3, Deadline::Advertise));
        check(version, owner, vec![(Input::Startup, "advertise 255, acquire, announce 5, entered", "master", next)]);
    }
}

#[test]
fn in_backup_every_input_does_what_the_rfc_says() {
    for version in VERSIONS {
        let (down, unchanged) = (master_down(version), Some((master_down(version), Deadline::MasterDown)));
        let in_a_while = |wait| Some((SECOND + wait, Deadline::MasterDown));
        check(
            version,
            backup,
            vec![
                (Input::Startup, "", "backup", in_a_while(down)),
                (heard(ABOVE, 200), "", "backup", in_a_while(learned(version))),
                (heard(BELOW, 100), "", "backup", in_a_while(learned(version))),
                (heard(ABOVE, 99), "", "backup", unchanged),
                (heard(ABOVE, 0), "", "backup", in_a_while(skew(version))),
                (Input::Timeout, "", "backup", unchanged),
                (step_down(None), "", "backup", unchanged),
                (Input::TakeOver, TAKES_OVER, "master", Some((SECOND * 3, Deadline::Advertise))),
                (claim(), TAKES_OVER, "master", Some((SECOND * 3, Deadline::Advertise))),
                (fail(), "entered", "fault", None),
                (Input::Shutdown, "entered", "init", None),
            ],
        );
    }
}

const TAKES_OVER: &str = "advertise 100, acquire, announce 5, entered";
const RESIGNS: &str = "advertise 0, release, entered";

#[test]
fn in_master_every_input_does_what_the_rfc_says() {
    for version in VERSIONS {
        let unchanged = Some((SECOND * 2, Deadline::Advertise));
        check(
            version,
            master,
            vec![
                (Input::Startup, "", "master", unchanged),
                (heard(ABOVE, 0), "advertise 100, announce 5", "master", Some((SECOND * 3, Deadline::Advertise))),
                (
                    heard(BELOW, 101),
                    "release, entered",
                    "backup",
                    Some((SECOND + learned(version), Deadline::MasterDown)),
                ),
                (
                    heard(ABOVE, 100),
                    "release, entered",
                    "backup",
                    Some((SECOND + learned(version), Deadline::MasterDown)),
                ),
                (heard(BELOW, 100), "advertise 100, announce 5", "master", unchanged),
                (heard(OWN, 100), "advertise 100, announce 5", "master", unchanged),
                (heard(ABOVE, 99), "advertise 100, announce 5", "master", unchanged),
                (Input::Timeout, "", "master", unchanged),
                (step_down(None), RESIGNS, "backup", Some((SECOND + master_down(version), Deadline::MasterDown))),
                (step_down(Some(SECOND)), RESIGNS, "backup", Some((SECOND * 2, Deadline::MasterDown))),
                (Input::TakeOver, "", "master", unchanged),
                (claim(), "", "master", unchanged),
                (fail(), RESIGNS, "fault", None),
                (Input::Shutdown, RESIGNS, "init", None),
            ],
        );
    }
}

#[test]
fn in_fault_only_startup_and_shutdown_do_something() {
    for version in VERSIONS {
        check(
            version,
            fault,
            vec![
                (Input::Startup, "entered", "backup", Some((SECOND + master_down(version), Deadline::MasterDown))),
                (heard(ABOVE, 200), "", "fault", None),
                (Input::Timeout, "", "fault", None),
                (step_down(None), "", "fault", None),
                (Input::TakeOver, "", "fault", None),
                (claim(), "", "fault", None),
                (fail(), "", "fault", None),
                (Input::Shutdown, "entered", "init", None),
            ],
        );
    }
}

#[test]
fn a_backup_takes_over_when_its_timer_ends_and_no_moment_before() {
    for version in VERSIONS {
        let start = Instant::now();
        let mut instance = backup(version, start);
        let end = start + master_down(version);
        assert_eq!(instance.handle(end.checked_sub(Duration::from_nanos(1)).unwrap(), Input::Timeout), []);
        assert_eq!(words(&instance.handle(end, Input::Timeout)), TAKES_OVER);
    }
}

#[test]
fn a_resignation_is_answered_after_the_skew_by_the_interval_that_was_learned_before() {
    let start = Instant::now();
    let mut instance = backup(VrrpVersion::V3, start);
    instance.handle(start, heard(ABOVE, 200));
    instance.handle(start, heard(ABOVE, 0));
    // (256 - 100) / 256 of the learned second, not of the own two.
    assert_eq!(instance.next(), Some((start + Duration::from_micros(609_375), Deadline::MasterDown)));
}

#[test]
fn a_master_advertises_at_its_own_interval_whatever_it_learned_as_a_backup() {
    let start = Instant::now();
    let mut instance = backup(VrrpVersion::V3, start);
    instance.handle(start, heard(ABOVE, 200));
    instance.handle(start, Input::TakeOver);
    let due = start + Duration::from_secs(2);
    assert_eq!(instance.next(), Some((due, Deadline::Advertise)));
    assert_eq!(words(&instance.handle(due + Duration::from_millis(3), Input::Timeout)), "advertise 100");
    assert_eq!(instance.next(), Some((due + Duration::from_secs(2), Deadline::Advertise)), "the rhythm is kept");
    assert_eq!(words(&instance.handle(due + Duration::from_mins(1), Input::Timeout)), "advertise 100, announce 5");
    assert_eq!(instance.next(), Some((due + Duration::from_secs(62), Deadline::Advertise)), "missed ones are not sent");
}

#[test]
fn the_second_round_of_gratuitous_arp_comes_after_the_delay_and_refreshes_follow() {
    let start = Instant::now();
    let garp = GratuitousArp { refresh: Duration::from_secs(30), refresh_repeat: 2, ..GratuitousArp::default() };
    let mut instance = machine(Parameters { garp, interval: cs(4000), ..parameters(VrrpVersion::V3) });
    instance.handle(start, Input::Startup);
    instance.handle(start, Input::TakeOver);
    for (after, sent) in [(5, "announce 5"), (35, "announce 2"), (40, "advertise 100"), (65, "announce 2")] {
        let at = start + Duration::from_secs(after);
        assert_eq!(instance.next().map(|n| n.0), Some(at));
        assert_eq!(words(&instance.handle(at, Input::Timeout)), sent);
    }
}

#[test]
fn losing_advertisements_are_answered_at_most_twice_an_interval() {
    let start = Instant::now();
    let mut instance = master(VrrpVersion::V3, start);
    let answers = |instance: &mut Instance, at| words(&instance.handle(at, heard(BELOW, 1)));
    assert_eq!(answers(&mut instance, start), "advertise 100", "the link has just been told where the addresses are");
    assert_eq!(answers(&mut instance, start + Duration::from_millis(999)), "");
    assert_eq!(answers(&mut instance, start + SECOND), "advertise 100, announce 5");
}

#[test]
fn of_a_flood_of_resignations_the_first_are_answered_at_once_and_the_rest_twice_an_interval() {
    let start = Instant::now();
    let mut instance = master(VrrpVersion::V3, start);
    let interval = instance.parameters().interval.duration();
    let end = start + interval * 5;
    let (mut now, mut sent) = (start, 0);
    while now < end {
        let answers = [instance.handle(now, heard(BELOW, 0)), instance.handle(now, Input::Timeout)].concat();
        let adverts = answers.iter().filter(|action| matches!(action, Action::Advertise(_))).count();
        assert!(now > start || adverts == 1, "the first at once");
        sent += adverts;
        now += Duration::from_millis(1);
    }
    assert!((10..=60).contains(&sent), "{sent} in five intervals");
}

#[test]
fn nopreempt_leaves_a_master_of_lower_priority_alone() {
    let start = Instant::now();
    let mut instance = machine(Parameters { preempt: false, ..parameters(VrrpVersion::V2) });
    instance.handle(start, Input::Startup);
    instance.handle(start + SECOND, heard(ABOVE, 1));
    assert_eq!(instance.next(), Some((start + SECOND + master_down(VrrpVersion::V2), Deadline::MasterDown)));
}

#[test]
fn preempt_delay_begins_with_the_first_lower_advertisement_and_what_is_left_of_the_timer_follows_it() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let delay = Duration::from_secs(10);
    let mut instance = machine(Parameters { preempt_delay: delay, ..parameters(VrrpVersion::V2) });
    instance.handle(start, Input::Startup);
    for second in 1..=10 {
        instance.handle(at(second), heard(ABOVE, 50));
    }
    assert_eq!(instance.next(), Some((at(11), Deadline::PreemptDelay)));
    instance.handle(at(11), Input::Timeout);
    instance.handle(at(11), heard(ABOVE, 50));
    let end = at(10) + master_down(VrrpVersion::V2);
    assert_eq!(instance.next(), Some((end, Deadline::MasterDown)));
    let entered = instance.handle(end, Input::Timeout).pop();
    let Some(Action::Entered { reason, .. }) = entered else { panic!("{entered:?}") };
    assert_eq!(reason, Reason::Preempts { whom: IpAddr::from(ABOVE), priority: 50 });
}

#[test]
fn a_master_that_dies_during_preempt_delay_is_replaced_by_its_silence() {
    let start = Instant::now();
    let mut instance = machine(Parameters { preempt_delay: SECOND * 1000, ..parameters(VrrpVersion::V2) });
    instance.handle(start, Input::Startup);
    instance.handle(start, heard(ABOVE, 50));
    let end = start + master_down(VrrpVersion::V2);
    assert_eq!(instance.next(), Some((end, Deadline::MasterDown)));
    assert_eq!(words(&instance.handle(end, Input::Timeout)), TAKES_OVER);
}

#[test]
fn an_owner_preempts_whatever_the_file_says() {
    let start = Instant::now();
    let mut instance = machine(Parameters { priority: Priority::OWNER, preempt: false, ..parameters(VrrpVersion::V3) });
    instance.set_asks(true);
    instance.handle(start, Input::Startup);
    instance.handle(start, heard(ABOVE, 254));
    assert_eq!(instance.next(), Some((start, Deadline::MasterDown)));
    assert_eq!(instance.handle(start, Input::Timeout), []);
    assert!(instance.is_willing());
}

#[test]
fn a_router_that_yields_leaves_any_living_master_alone_and_replaces_a_dead_one() {
    let start = Instant::now();
    let mut instance = backup(VrrpVersion::V2, start);
    instance.set_yields(true);
    instance.handle(start + SECOND, heard(BELOW, 1));
    let end = start + SECOND * 2 + master_down(VrrpVersion::V2);
    assert_eq!(instance.next(), Some((end, Deadline::MasterDown)));
    assert_eq!(words(&instance.handle(end, Input::Timeout)), TAKES_OVER);
}

#[test]
fn a_router_that_yields_is_behind_every_backup_after_silence_and_after_a_resignation() {
    let lowest = Priority::new(1).unwrap();
    // Three intervals of 2 s, its own: a master that hands over tells a shorter one, and not everybody may have heard that.
    for (version, least) in [(VrrpVersion::V2, SECOND * 7), (VrrpVersion::V3, SECOND * 8)] {
        let start = Instant::now();
        for priority in [lowest, Priority::DEFAULT, Priority::OWNER] {
            let wait = least + skew_time(version, priority, cs(200));
            let mut instance = machine(Parameters { priority, ..parameters(version) });
            instance.set_yields(true);
            instance.handle(start, Input::Startup);
            assert_eq!(instance.next(), Some((start + wait, Deadline::MasterDown)), "{version:?} {priority}");
            instance.handle(start + SECOND, heard(ABOVE, 1));
            assert_eq!(instance.next(), Some((start + SECOND + wait, Deadline::MasterDown)));
            instance.handle(start + SECOND * 2, heard(ABOVE, 0));
            assert_eq!(instance.next(), Some((start + SECOND * 2 + wait, Deadline::MasterDown)));
            let backup = machine(Parameters { priority: lowest, ..parameters(version) });
            assert!(backup.master_down_interval(cs(200)) < least);
        }
    }
}

#[test]
fn a_resignation_of_who_was_not_master_or_that_comes_again_puts_nothing_off() {
    const MOMENT: Duration = Duration::from_millis(10);
    for version in VERSIONS {
        let start = Instant::now();
        let skew = Duration::from_micros(609_375);
        for (flood, first) in [(BELOW, start + MOMENT), (ABOVE, start + MOMENT)] {
            let mut instance = backup(version, start);
            instance.handle(start, heard(ABOVE, 200));
            for n in 1..200 {
                let now = start + MOMENT * n;
                if now >= first + skew {
                    break;
                }
                instance.handle(now, heard(flood, 0));
                assert_eq!(instance.next(), Some((first + skew, Deadline::MasterDown)), "{version:?} {n}");
            }
            assert_eq!(words(&instance.handle(first + skew, Input::Timeout)), TAKES_OVER);
        }
        let mut instance = backup(version, start);
        instance.handle(start, heard(ABOVE, 200));
        let late = start + learned(version).saturating_sub(MOMENT);
        instance.handle(late, heard(BELOW, 0));
        assert_eq!(instance.next(), Some((late + MOMENT, Deadline::MasterDown)), "what was left is less than the skew");
        instance.handle(late, heard(ABOVE, 0));
        assert_eq!(instance.next(), Some((late + skew, Deadline::MasterDown)), "the master itself has just spoken");
    }
}

#[test]
fn a_willing_member_waits_for_its_group_without_a_deadline_and_is_unwilling_when_a_master_speaks() {
    let start = Instant::now();
    let mut instance = backup(VrrpVersion::V2, start);
    instance.set_asks(true);
    let end = start + master_down(VrrpVersion::V2);
    assert_eq!(instance.handle(end, Input::Timeout), []);
    assert_eq!((instance.is_willing(), instance.next()), (true, None));
    instance.handle(end, heard(ABOVE, 200));
    assert!(!instance.is_willing());
    instance.handle(end, heard(ABOVE, 0));
    instance.handle(end + SECOND, Input::Timeout);
    let Some(Action::Entered { reason, .. }) = instance.handle(end + SECOND, Input::TakeOver).pop() else { panic!() };
    assert_eq!(reason.to_string(), "192.0.2.10 resigned");
}

#[test]
fn an_unheard_lower_master_is_remembered_as_being_preempted() {
    let start = Instant::now();
    let mut instance = backup(VrrpVersion::V2, start);
    instance.handle(start, heard(BELOW, 99));
    assert!(matches!(instance.state(), State::Backup { preemption: Preemption::Due, .. }));
}

#[test]
fn reasons_read_as_sentences() {
    let by = IpAddr::from(ABOVE);
    let silence = Reason::Silence { master: Some(by), after: Duration::from_micros(3_609_375) };
    assert_eq!(silence.to_string(), "no advertisement from 192.0.2.10 for 3.609 s");
    let outranked = Reason::Outranked { by, priority: 100, own: 100 };
    assert_eq!(outranked.to_string(), "outranked by 192.0.2.10: equal priority 100, higher address");
    let nobody = Reason::NobodyTookOver { after: Duration::from_millis(655) };
    assert_eq!(nobody.to_string(), "nobody took over within 655 ms");
}

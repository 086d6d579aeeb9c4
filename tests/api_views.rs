//! Summary and rows, computed from made-up statuses.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

mod api_fixture;

use api_fixture::{ago, check, down, draining, now, router, server, service, small, status};
use lvsdeck::engine::{
    Admin, Drift, Health, OverrideStatus, PeerState, Role, RowKind, RowsPage, RowsQuery, SlowStartStatus, Sort, Status,
    Summary, VirtualRouterState, Warning,
};
use std::sync::Arc;

fn page(status: &Status, query: &RowsQuery) -> RowsPage {
    RowsPage::of(status, query, now())
}

fn keys(page: &RowsPage) -> Vec<&str> {
    page.rows.iter().map(|row| row.key.as_str()).collect()
}

fn filtered(status: &Status, filter: &str) -> Vec<String> {
    let page = page(status, &RowsQuery { filter: Some(filter.into()), sort: Sort::File, ..RowsQuery::default() });
    assert_eq!(page.total, page.rows.len());
    page.rows.into_iter().map(|row| row.key).collect()
}

#[test]
fn the_role_is_one_word_for_all_instances() {
    use VirtualRouterState::{Backup, Fault, Init, Master};
    let role = |states: &[VirtualRouterState], split| {
        Role::of(&states.iter().map(|s| router("VI", *s)).collect::<Vec<_>>(), split)
    };
    assert_eq!(role(&[], false), Role::Init);
    assert_eq!(role(&[Init, Init], false), Role::Init);
    assert_eq!(role(&[Master, Master], false), Role::Master);
    assert_eq!(role(&[Backup], false), Role::Backup);
    assert_eq!(role(&[Fault, Fault], false), Role::Fault);
    assert_eq!(role(&[Master, Backup], false), Role::Mixed);
    assert_eq!(role(&[Master, Backup], true), Role::SplitBrain);
}

#[test]
fn the_summary_counts_each_server_in_the_first_of_down_draining_unknown_up() {
    let mut unknown = server("10.0.0.75:80");
    unknown.health = Health::Unknown;
    let drained_and_down =
        lvsdeck::engine::RealServerStatus { admin: Admin::Draining, ..down("10.0.0.74:80", 5, "connection refused") };
    let servers = vec![server("10.0.0.71:80"), draining("10.0.0.73:80", 1), drained_and_down, unknown];
    let summary = Summary::of(&status(vec![service("tcp/10.0.0.1:80", servers)]), now(), true);
    let totals = summary.totals;
    assert_eq!((totals.real_servers, totals.up, totals.down), (4, 1, 1));
    assert_eq!((totals.draining, totals.unknown), (1, 1));
    assert_eq!((summary.masters, summary.addresses_here, summary.services_degraded), ((1, 1), (1, 1), (0, 1)));
    assert!(summary.writable);
}

#[test]
fn problems_come_worst_first_and_the_latest_server_first() {
    let mut status = status(vec![
        service("tcp/10.0.0.1:80", vec![server("10.0.0.71:80"), down("10.0.0.72:80", 41, "timeout")]),
        service("tcp/10.0.0.1:443", vec![down("10.0.0.73:443", 12, "connection refused")]),
    ]);
    status.virtual_routers.push(router("VI_2", VirtualRouterState::Fault));
    status.virtual_routers[0].peers[0].state = PeerState::Master;
    status.role = Role::SplitBrain;
    status.drift.push(Drift {
        subject: "tcp/10.0.0.1:80 10.0.0.71:80".into(),
        wanted: "weight 1".into(),
        found: "weight 9".into(),
        action: "repaired".into(),
    });
    for (code, subject) in [("config-unknown-word", "line 7"), ("no-cap-sys-nice", "realtime")] {
        status.warnings.push(Warning {
            code: code.into(),
            subject: subject.into(),
            message: "is missing".into(),
            next: "give it".into(),
        });
    }
    let summary = Summary::of(&status, now(), false);
    let texts: Vec<&str> = summary.problems.iter().map(|problem| problem.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "SPLIT-BRAIN VI_1: 10.0.0.12 advertises as master too with priority 100",
            "FAULT VI_2 silence of 10.0.0.12",
            "NO QUORUM tcp/10.0.0.1:443 has weight 0 of 1 needed",
            "DOWN 10.0.0.73:443 tcp/10.0.0.1:443 connection refused",
            "DOWN 10.0.0.72:80 tcp/10.0.0.1:80 timeout",
            "DRIFT tcp/10.0.0.1:80 10.0.0.71:80 wanted weight 1, found weight 9: repaired",
            "WARNING realtime: is missing",
        ]
    );
    assert_eq!(summary.problem_count, 7);
    assert_eq!(summary.problems[3].key, "tcp/10.0.0.1:443 10.0.0.73:443");
    assert_eq!(summary.problems[3].since, Some(ago(12)));
}

#[test]
fn what_a_watcher_may_not_see_comes_before_what_is_wrong_but_not_before_two_masters() {
    let mut many = status(vec![service(
        "tcp/10.0.0.1:80",
        (1..40).map(|n| down(&format!("10.0.1.{n}:80"), n, "refused")).collect(),
    )]);
    let word = |text: &str| text.to_owned();
    many.warnings.push(Warning {
        code: word("rights"),
        subject: word("VRRP"),
        message: word("can't be heard"),
        next: word("root"),
    });
    for (mode, first) in [("run", false), ("watch", true)] {
        many.mode = mode.into();
        let problems = Summary::of(&many, now(), true).problems;
        assert_eq!(problems[0].text == "WARNING VRRP: can't be heard", first, "{problems:?}");
    }
    many.virtual_routers[0].peers[0].state = PeerState::Master;
    let problems = Summary::of(&many, now(), true).problems;
    assert!(problems[0].text.starts_with("SPLIT-BRAIN VI_1"), "{problems:?}");
    assert_eq!(problems[1].text, "WARNING VRRP: can't be heard");
}

#[test]
fn a_split_brain_whose_peer_is_not_known_is_a_problem_too() {
    let mut status = status(Vec::new());
    status.role = Role::SplitBrain;
    assert!(Summary::of(&status, now(), true).problems[0].text.starts_with("SPLIT-BRAIN"));
}

#[test]
fn a_summary_stays_small_when_everything_is_down() {
    let servers = (0..50_000).map(|n| down(&format!("10.{}.{}.1:80", n / 250, n % 250), n, "timeout")).collect();
    let summary = Summary::of(&status(vec![service("tcp/10.0.0.1:80", servers)]), now(), true);
    assert_eq!((summary.problems.len(), summary.problem_count), (16, 50_001));
    let ages: Vec<_> = summary.problems.iter().skip(1).map(|p| p.since.unwrap()).collect();
    assert_eq!(ages, (0..15).map(ago).collect::<Vec<_>>(), "the latest first");
}

#[test]
fn notes_say_how_a_server_and_a_service_are() {
    let mut failing = server("10.0.0.74:80");
    failing.checks[0].failures = (1, 3);
    failing.checks[0].error = Some("timeout".into());
    let mut unknown = server("10.0.0.75:80");
    unknown.health = Health::Unknown;
    let mut unchecked = server("10.0.0.76:80");
    unchecked.checks.clear();
    let mut resting = draining("10.0.0.77:80", 3);
    resting.admin = Admin::Maintenance;
    let mut slow = server("10.0.0.78:80");
    slow.checks.push(check("10.0.0.78:81", None));
    slow.checks[1].latency_ms = Some(20.0);
    let (since, full_at) = (ago(3), ago(0));
    let rising = lvsdeck::engine::RealServerStatus {
        weight: 3,
        slow_start: Some(Box::new(SlowStartStatus { weight: 10, since, full_at })),
        ..server("10.0.0.79:80")
    };
    let not_run = |health, why: &str| {
        let mut server = server("10.0.0.92:80");
        (server.health, server.checks[0].ok, server.checks[0].error) = (health, None, Some(why.into()));
        server
    };
    let mut asleep = down("10.0.0.93:80", 1, "connection refused");
    asleep.suspended = true;
    let mut datagrams = draining("10.0.0.94:53", 0);
    datagrams.drain.as_mut().unwrap().left = 7;
    let odd = [not_run(Health::Unknown, "no script"), not_run(Health::Up, "no memory"), asleep, datagrams];
    let waits = [not_run(Health::Unknown, "no script")];
    let mut status = small();
    let mut web = (*status.virtual_servers[1]).clone();
    web.real_servers.extend([failing, unknown, unchecked, resting, slow, rising]);
    status.virtual_servers.push(service("tcp/10.0.0.3:80", vec![down("10.0.0.91:80", 1, "connection refused")]).into());
    status.virtual_servers[1] = web.into();
    status.virtual_servers.push(service("tcp/10.0.0.4:80", odd.into()).into());
    let mut waiting = service("tcp/10.0.0.5:80", waits.into());
    waiting.quorum.up = true;
    status.virtual_servers.push(waiting.into());
    status.drift.push(Drift {
        subject: "tcp/10.0.0.2:5432 10.0.0.81:5432".into(),
        wanted: "weight 1".into(),
        found: "weight 9".into(),
        action: "reported".into(),
    });
    status.drift.push(Drift {
        subject: "tcp/10.0.0.1:80 10.0.0.71:80".into(),
        wanted: "weight 1".into(),
        found: "absent".into(),
        action: "refused: no memory".into(),
    });
    let page = page(&status, &RowsQuery { sort: Sort::File, ..RowsQuery::default() });
    let notes: Vec<(&str, bool)> = page.rows.iter().map(|row| (row.note.as_str(), row.problem)).collect();
    assert_eq!(
        notes,
        [
            ("1/1 ok", true),
            ("DRIFT found weight 9", true),
            ("4/9 DEGRADED, 1 refused, 2 out, 1 unknown", true),
            ("DRIFT found absent", true),
            ("DOWN timeout", true),
            ("DRAIN 31 conn", false),
            ("1/3 fails: timeout", false),
            ("not checked yet", false),
            ("no check", false),
            ("MAINT 3 conn", false),
            ("ok 20.0ms", false),
            ("slow start 3/10, ok 1.9ms", false),
            ("0/1 NO QUORUM", true),
            ("DOWN connection refused", true),
            ("1/4 DEGRADED, 1 out, 1 unknown", true),
            ("not checked: no script", false),
            ("ok, not checked: no memory", false),
            ("DOWN connection refused, checks suspended", true),
            ("DRAIN 7 conn", false),
            ("0/1 checked, 1 unknown", false),
            ("not checked: no script", false),
        ]
    );
}

#[test]
fn a_service_row_sums_its_servers_and_a_server_row_has_its_age() {
    let page = page(&small(), &RowsQuery::default());
    let web = &page.rows[0];
    assert_eq!((web.key.as_str(), web.kind, web.name.as_deref()), ("tcp/10.0.0.1:80", RowKind::Service, Some("web")));
    assert_eq!((web.weight, web.configured_weight, web.kernel_weight, web.active), (1, 3, Some(2), 31));
    assert_eq!((web.forward.as_str(), web.scheduler.as_deref(), web.persistence), ("Route", Some("rr"), Some(7200)));
    let down = &page.rows[1];
    assert_eq!((down.key.as_str(), down.health_age_s), ("tcp/10.0.0.1:80 10.0.0.72:80", Some(41)));
    assert_eq!((down.kernel_weight, down.server.as_deref()), (None, Some("10.0.0.72:80")));
}

#[test]
fn problems_come_first_and_equals_stay_in_file_order_whatever_the_counters_say() {
    let mut status = small();
    let before = page(&status, &RowsQuery::default());
    assert_eq!(
        keys(&before),
        [
            "tcp/10.0.0.1:80",
            "tcp/10.0.0.1:80 10.0.0.72:80",
            "tcp/10.0.0.1:80 10.0.0.71:80",
            "tcp/10.0.0.1:80 10.0.0.73:80",
            "tcp/10.0.0.2:5432",
            "tcp/10.0.0.2:5432 10.0.0.81:5432"
        ]
    );
    let mut web = (*status.virtual_servers[1]).clone();
    for (n, server) in web.real_servers.iter_mut().enumerate() {
        server.active = u32::try_from(n).unwrap() * 1000;
        server.rates.connections_per_s = 9.0;
    }
    status.virtual_servers[1] = web.into();
    assert_eq!(keys(&page(&status, &RowsQuery::default())), keys(&before));
}

#[test]
fn each_sort_has_its_order() {
    let mut one = service("tcp/10.0.0.9:80", vec![server("10.0.0.72:80"), server("10.0.0.71:80")]);
    one.real_servers[0].active = 5;
    one.real_servers[1].rates.connections_per_s = 2.0;
    let mut two = service("tcp/10.0.0.1:80", vec![server("10.0.0.73:80")]);
    two.real_servers[0].active = 9;
    two.rates.connections_per_s = 0.5;
    let status = status(vec![one, two]);
    let order = |sort| {
        let page = page(&status, &RowsQuery { sort, ..RowsQuery::default() });
        page.rows.iter().map(|row| row.server.clone().unwrap_or("-".into()).replace("10.0.0.", "")).collect::<String>()
    };
    assert_eq!(order(Sort::File), "-72:8071:80-73:80");
    assert_eq!(order(Sort::Key), "-73:80-71:8072:80");
    assert_eq!(order(Sort::Active), "-73:80-72:8071:80");
    assert_eq!(order(Sort::Rate), "-73:80-71:8072:80");
}

#[test]
fn a_filter_is_words_that_all_hold() {
    let status = small();
    let web = ["tcp/10.0.0.1:80", "tcp/10.0.0.1:80 10.0.0.71:80", "tcp/10.0.0.1:80 10.0.0.72:80"];
    assert_eq!(filtered(&status, "state:down"), [web[0], web[2]]);
    assert_eq!(filtered(&status, "WEB state:up"), [web[0], web[1]]);
    assert_eq!(filtered(&status, "rs:10.0.0.71"), [web[0], web[1]]);
    let mut overridden = status.clone();
    let by = OverrideStatus { since: now(), who: "anna".into(), reason: None, weight: 7, until: None };
    Arc::make_mut(&mut overridden.virtual_servers[1]).real_servers[1].overridden = Some(Box::new(by));
    assert_eq!(filtered(&overridden, "state:over"), [web[0], web[2]]);
    assert_eq!(filtered(&status, "rs:10.0.0.71:80"), [web[0], web[1]]);
    assert_eq!(filtered(&status, "rs:10.0.0.7").len(), 0, "a whole address is compared as one");
    assert_eq!(filtered(&status, "vip:10.0.0.1").len(), 4);
    assert_eq!(filtered(&status, "vip:10.0.0.1:443").len(), 0);
    assert_eq!(filtered(&status, "0.71"), [web[0], web[1]]);
    assert_eq!(filtered(&status, "drain"), [web[0], "tcp/10.0.0.1:80 10.0.0.73:80"]);
    assert_eq!(filtered(&status, "!web"), ["tcp/10.0.0.2:5432", "tcp/10.0.0.2:5432 10.0.0.81:5432"]);
    assert_eq!(filtered(&status, "web !state:drain !0.71"), [web[0], web[2]]);
    assert_eq!(filtered(&status, "state:degraded"), [web[0]]);
    assert_eq!(filtered(&status, "nothing has this"), [""; 0]);
    assert_eq!(filtered(&status, "  ! ").len(), 6);
    let shown = page(&status, &RowsQuery { filter: Some("state:down".into()), ..RowsQuery::default() });
    assert_eq!(shown.services, (1, 2));
}

#[test]
fn services_fold_and_unfold_by_key() {
    let status = small();
    let total = |expand: &str| page(&status, &RowsQuery { expand: Some(expand.into()), ..RowsQuery::default() }).total;
    assert_eq!(total("all"), 6);
    assert_eq!(total("none"), 2);
    assert_eq!(total("tcp/10.0.0.1:80"), 5);
    assert_eq!(total("-tcp/10.0.0.1:80"), 3);
    assert_eq!(total("-tcp/10.0.0.1:80,tcp/10.0.0.2:5432"), 2);
    let query = RowsQuery { expand: Some("none".into()), filter: Some("rs:10.0.0.71".into()), ..RowsQuery::default() };
    let folded = page(&status, &query);
    assert_eq!(keys(&folded), ["tcp/10.0.0.1:80"], "a folded service shows that a server in it matches");
    assert!(!folded.rows[0].expanded);
}

#[test]
fn an_anchor_moves_the_window_to_its_row() {
    let status = small();
    let at = |anchor: &str, offset| {
        let query =
            RowsQuery { anchor: Some(anchor.into()), offset, limit: Some(2), sort: Sort::File, ..RowsQuery::default() };
        page(&status, &query)
    };
    let found = at("tcp/10.0.0.1:80 10.0.0.72:80", None);
    assert_eq!(
        (found.offset, found.anchor_found, found.rows[0].key.as_str()),
        (4, true, "tcp/10.0.0.1:80 10.0.0.72:80")
    );
    assert_eq!(keys(&found).len(), 2);
    assert_eq!((at("tcp/10.0.0.1:80", Some(0)).offset, at("tcp/10.0.0.1:80", None).anchor_found), (2, true));
    let gone = at("tcp/10.0.0.1:80 10.0.0.99:80", None);
    assert_eq!((gone.offset, gone.anchor_found), (0, false));
    assert_eq!(at("nonsense", Some(3)).offset, 3);
    let past = at("nonsense", Some(99));
    assert_eq!((past.offset, past.rows.len()), (6, 0));
}

#[test]
fn a_service_with_100_000_servers_pages_from_end_to_end() {
    let mut servers: Vec<_> =
        (0..100_000).map(|n| server(&format!("10.{}.{}.{}:80", n / 62_500, n / 250 % 250, n % 250))).collect();
    servers[77_777] = down("10.9.9.9:80", 3, "timeout");
    let status = status(vec![service("tcp/10.0.0.1:80", servers)]);
    let first = page(&status, &RowsQuery::default());
    assert_eq!((first.total, first.rows.len()), (100_001, 200));
    assert_eq!(first.rows[1].server.as_deref(), Some("10.9.9.9:80"), "the problem first");
    let last = page(&status, &RowsQuery { offset: Some(100_000), ..RowsQuery::default() });
    assert_eq!(last.rows[0].server.as_deref(), Some("10.1.149.249:80"));
    let most = page(&status, &RowsQuery { limit: Some(usize::MAX), ..RowsQuery::default() });
    assert_eq!(most.rows.len(), 2000);
    assert_eq!(filtered(&status, "rs:10.0.7.7").len(), 2);
    let anchor = Some("tcp/10.0.0.1:80 10.1.0.0:80".to_owned());
    let anchored = page(&status, &RowsQuery { anchor, sort: Sort::Key, ..RowsQuery::default() });
    assert_eq!((anchored.offset, anchored.anchor_found), (62_501, true));
}

#[test]
fn a_page_of_nothing_is_empty() {
    let page = page(&status(Vec::new()), &RowsQuery::default());
    assert_eq!((page.total, page.offset, page.rows.len(), page.services), (0, 0, 0, (0, 0)));
}

proptest::proptest! {
    #[test]
    fn any_query_gets_a_window_that_lies_within_the_rows(
        filter in ".{0,20}", expand in "[-a-z0-9./:,]{0,30}", anchor in "[a-z0-9./: ]{0,30}",
        limit in 0..10_usize, offset in 0..10_usize,
    ) {
        let (filter, expand, anchor) = (Some(filter), Some(expand), Some(anchor));
        let query = RowsQuery { filter, expand, anchor, limit: Some(limit), offset: Some(offset), sort: Sort::Problems };
        let page = page(&small(), &query);
        assert!(page.offset + page.rows.len() <= page.total && page.rows.len() <= limit);
        assert_eq!(page.rows.len(), limit.min(page.total - page.offset));
    }
}

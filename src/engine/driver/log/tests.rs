use super::*;
use crate::engine::event::Fact;
use crate::engine::io::runner::{Ended, How};
use crate::engine::vrrp::DecodeError;
use crate::engine::vrrp::TransitionReason;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

const PAGE: &str = include_str!("../../../../docs/service.md");

fn event(fact: Fact) -> Event {
    Event::stamp(fact, 1, SystemTime::UNIX_EPOCH, 0)
}

/// All lines of an event, the event's own one last.
fn lines(fact: Fact) -> Vec<String> {
    let event = event(fact);
    let mut lines = also(&event);
    lines.push(message(&event));
    lines
}

fn fact(kind: EventKind, subject: &str) -> Fact {
    Fact::new(kind, Severity::Notice, subject)
}

fn instance(from: &str, to: &str, reason: &TransitionReason) -> Vec<String> {
    lines(fact(InstanceState, "VI_1").change(from, to).reason(reason.to_string()))
}

fn peer() -> IpAddr {
    "10.0.0.12".parse().unwrap()
}

#[test]
fn a_takeover_reads_as_existing_alerts_expect() {
    let timeout = "(VI_1) Receive advertisement timeout";
    let after = Duration::from_millis(3_609);
    for (reason, before) in [
        (TransitionReason::Silence { master: Some(peer()), after }, vec![timeout]),
        (TransitionReason::Silence { master: None, after }, vec![timeout]),
        (TransitionReason::Preempts { whom: peer(), priority: 100 }, vec![timeout]),
        (TransitionReason::Resigned { by: peer() }, vec!["(VI_1) Backup received priority 0 advertisement", timeout]),
        (TransitionReason::Owner, vec![]),
        (TransitionReason::Operator("takeover by anna".to_owned()), vec![]),
    ] {
        let own = format!("(VI_1) Entering MASTER STATE: {reason}");
        let expected: Vec<&str> = before.into_iter().chain([own.as_str()]).collect();
        assert_eq!(instance("BACKUP", "MASTER", &reason), expected);
    }
}

#[test]
fn a_master_that_gives_way_names_the_winner_as_existing_alerts_expect() {
    assert_eq!(
        instance("MASTER", "BACKUP", &TransitionReason::Outranked { by: peer(), priority: 200, own: 100 }),
        [
            "(VI_1) Master received advert from 10.0.0.12 with higher priority 200, ours 100",
            "(VI_1) Entering BACKUP STATE: outranked by 10.0.0.12: priority 200 > 100"
        ]
    );
    assert_eq!(
        instance("MASTER", "BACKUP", &TransitionReason::Outranked { by: peer(), priority: 100, own: 100 }),
        [
            "(VI_1) Master received advert from 10.0.0.12 with same priority 100 but higher IP address than ours",
            "(VI_1) Entering BACKUP STATE: outranked by 10.0.0.12: equal priority 100, higher address"
        ]
    );
}

#[test]
fn a_fault_and_its_end_read_as_existing_alerts_expect() {
    let fault = TransitionReason::Fault("eth0 is down".to_owned());
    assert_eq!(instance("MASTER", "FAULT", &fault), ["(VI_1) Entering FAULT STATE: eth0 is down"]);
    assert_eq!(
        instance("FAULT", "BACKUP", &TransitionReason::Recovered),
        ["(VI_1) Entering BACKUP STATE: the fault is over"]
    );
    let group = TransitionReason::Fault("sync group G1, VI_2: eth1 is down".to_owned());
    assert_eq!(
        instance("BACKUP", "FAULT", &group),
        [
            "VRRP_Group(G1) Syncing instances to FAULT state",
            "(VI_1) Entering FAULT STATE: sync group G1, VI_2: eth1 is down"
        ]
    );
    assert_eq!(lines(fact(Link, "eth0").change("up", "down")), ["Netlink reports eth0 down"]);
    assert_eq!(lines(fact(Link, "eth0").change("down", "up")), ["Netlink reports eth0 up"]);
    assert_eq!(lines(fact(Link, "eth0").to("absent")), ["eth0: absent"]);
}

#[test]
fn addresses_read_as_existing_alerts_expect() {
    let address = |to| fact(Address, "10.0.0.1/24").to(to);
    assert_eq!(lines(address("present").detail("VI_1")), ["(VI_1) setting VIPs: 10.0.0.1/24"]);
    assert_eq!(lines(address("absent").detail("VI_1")), ["(VI_1) removing VIPs: 10.0.0.1/24"]);
    assert_eq!(
        lines(address("present").reason("adopted").detail("VI_1")),
        ["(VI_1) setting VIPs: 10.0.0.1/24: adopted"]
    );
    assert_eq!(
        lines(address("absent").reason("left behind by an earlier run").detail("eth0")),
        ["10.0.0.1/24 removed from eth0: left behind by an earlier run"]
    );
}

#[test]
fn strange_masters_read_as_existing_alerts_expect() {
    let begun = fact(SplitBrain, "VI_1")
        .to("begun")
        .reason("10.0.0.12 is master too: it advertises and does not yield")
        .detail("it may not hear this node: check that IP protocol 112 gets to 10.0.0.12");
    let [election, own] = &lines(begun)[..] else { panic!("two lines") };
    assert_eq!(election, "(VI_1) Received advert from 10.0.0.12 with lower priority, forcing new election");
    assert!(own.starts_with("(VI_1) split brain begun: 10.0.0.12 is master too"), "{own}");

    let rejected = |error: DecodeError| {
        lines(fact(AdvertisementRejected, "VI_1").reason(error.to_string()).detail("from 10.0.0.12"))
    };
    assert_eq!(rejected(DecodeError::Password)[0], "(VI_1) received an invalid passwd!");
    assert_eq!(
        rejected(DecodeError::Interval { found: 2, wanted: 1 })[0],
        "(VI_1) advertisement interval mismatch mine=1 sec rcv'd=2 sec"
    );
    let [own] = &rejected(DecodeError::Ttl(64))[..] else { panic!("one line") };
    assert!(
        own.starts_with("(VI_1) advertisement refused: TTL 64, not 255") && own.ends_with("from 10.0.0.12"),
        "{own}"
    );

    let warning = fact(Warning, "VI_1").reason("10.0.0.12 advertises other virtual addresses than are configured here");
    assert_eq!(lines(warning)[0], "(VI_1) ip address associated with VRID not present in MASTER advert from 10.0.0.12");
}

const SERVER: &str = "tcp/10.0.0.1:80 10.0.0.71:80";

#[test]
fn a_server_that_comes_and_goes_reads_as_existing_alerts_expect() {
    let table = |from, to| fact(ServerTable, SERVER).change(from, to);
    assert_eq!(
        lines(table("present", "absent").reason("down: connection refused")),
        ["Removing service [10.0.0.71]:tcp:80 from VS [10.0.0.1]:tcp:80: down: connection refused"]
    );
    assert_eq!(
        lines(table("absent", "present").reason("up").detail("weight 3")),
        ["Adding service [10.0.0.71]:tcp:80 to VS [10.0.0.1]:tcp:80: up: weight 3"]
    );
    for (from, to, line) in [
        ("absent", "present", "Adding sorry server [10.0.0.71]:tcp:80 to VS [10.0.0.1]:tcp:80: sorry server"),
        ("present", "absent", "Removing sorry server [10.0.0.71]:tcp:80 from VS [10.0.0.1]:tcp:80: sorry server"),
    ] {
        assert_eq!(lines(table(from, to).reason("sorry server")), [line]);
    }
    let weight = |from, to, reason| lines(fact(ServerWeight, SERVER).change(from, to).reason(reason));
    assert_eq!(
        weight("3", "0", "down: timeout"),
        ["Disabling service [10.0.0.71]:tcp:80 of VS [10.0.0.1]:tcp:80: timeout"]
    );
    assert_eq!(weight("0", "3", "up"), ["Enabling service [10.0.0.71]:tcp:80 of VS [10.0.0.1]:tcp:80: up"]);
    assert_eq!(
        weight("1", "5", "up"),
        ["Changing weight from 1 to 5 for active service [10.0.0.71]:tcp:80 of VS [10.0.0.1]:tcp:80: up"]
    );
}

#[test]
fn keys_are_written_as_keepalived_does() {
    let gone = |subject: &str| lines(fact(ServerTable, subject).change("present", "absent"));
    assert_eq!(gone("fwmark/77 10.0.0.71:0"), ["Removing service [10.0.0.71]:none:0 from VS FWM 77"]);
    assert_eq!(gone("udp/[fd00::1]:53 [fd00::2]:53"), ["Removing service [fd00::2]:udp:53 from VS [fd00::1]:udp:53"]);
}

#[test]
fn a_check_that_fails_and_passes_reads_as_existing_alerts_expect() {
    let health = |from, to, check: &str| {
        lines(fact(ServerHealth, SERVER).change(from, to).reason("connection refused").detail(check))
    };
    assert_eq!(
        health("up", "down", "TCP_CHECK 10.0.0.71:80, 3 of 3 failed"),
        [
            "TCP connection to [10.0.0.71]:tcp:80 failed.",
            "TCP_CHECK on service [10.0.0.71]:tcp:80 failed for VS [10.0.0.1]:tcp:80: connection refused: \
             TCP_CHECK 10.0.0.71:80, 3 of 3 failed"
        ]
    );
    assert_eq!(health("down", "up", "TCP_CHECK 10.0.0.71:80")[0], "TCP connection to [10.0.0.71]:tcp:80 success.");
    assert_eq!(health("unknown", "up", "TCP_CHECK 10.0.0.71:80").len(), 1, "a start is one line a server");
    for (check, down, up) in [
        (
            "HTTP_GET /x",
            "HTTP_CHECK on service [10.0.0.71]:tcp:80 failed",
            "Remote Web server [10.0.0.71]:tcp:80 succeed on",
        ),
        (
            "SSL_GET /x",
            "HTTP_CHECK on service [10.0.0.71]:tcp:80 failed",
            "Remote Web server [10.0.0.71]:tcp:80 succeed on",
        ),
        (
            "PING_CHECK x",
            "ICMP CHECK on service [10.0.0.71]:tcp:80 of [10",
            "ICMP connection to [10.0.0.71]:tcp:80 success.",
        ),
        (
            "MISC_CHECK /bin/x",
            "Misc check for [[10.0.0.71]:tcp:80 VS [10.0.0.1]:tcp:80] failed",
            "Misc check for [[10.0.0.71]:tcp:80 VS [10.0.0.1]:tcp:80] succeeded.",
        ),
        ("DNS_CHECK x", "DNS_CHECK on service [10.0.0.71]:tcp:80 failed", SERVER),
    ] {
        let (failed, passed) = (health("up", "down", check), health("down", "up", check));
        assert!(failed[0].starts_with(down), "{failed:?}");
        assert!(passed[0].starts_with(up), "{passed:?}");
    }
}

#[test]
fn a_quorum_reads_as_existing_alerts_expect() {
    let quorum = |to, have| {
        let fact = fact(Quorum, "tcp/10.0.0.1:80").change("x", to).reason(format!("weight {have} is up, 2 is needed"));
        lines(fact.detail("sorry server 10.0.0.9:80 serves"))
    };
    let sorry = "sorry server 10.0.0.9:80 serves";
    assert_eq!(quorum("up", 3), [format!("Gained quorum 2 <= 3 for VS [10.0.0.1]:tcp:80: {sorry}")]);
    assert_eq!(quorum("down", 1), [format!("Lost quorum 2 > 1 for VS [10.0.0.1]:tcp:80: {sorry}")]);
}

/// What a run of a script came to, as the loop of the scripts says it.
fn run(how: How, output: &str) -> String {
    Ended { id: 1, how, output: output.to_owned(), took: Duration::from_millis(12), exposed: None }.to_string()
}

#[test]
fn a_script_that_fails_and_recovers_reads_as_existing_alerts_expect() {
    let script = |from: &str, to: &str, how: How, output: &str, detail: &str| {
        let fact = fact(Script, "chk").change(from, to).reason(run(how, output));
        lines(if detail.is_empty() { fact } else { fact.detail(detail) })
    };
    assert_eq!(
        script("up", "down", How::Exited(1), "no, after all", "VI_1: priority 200 to 140, VI_2: priority 100 to 40"),
        [
            "Script `chk` now returning 1",
            "VRRP_Script(chk) failed (exited with status 1)",
            "(VI_1) Changing effective priority from 200 to 140",
            "(VI_2) Changing effective priority from 100 to 40",
            "script chk counts as failed: exit code 1 after 12 ms: \"no, after all\": VI_1: priority 200 to 140, \
             VI_2: priority 100 to 40",
        ]
    );
    assert_eq!(
        script("down", "up", How::Exited(0), "", "VI_1: priority 140 to 200"),
        [
            "Script `chk` now returning 0",
            "VRRP_Script(chk) succeeded",
            "(VI_1) Changing effective priority from 140 to 200",
            "script chk counts as good: exit code 0 after 12 ms: VI_1: priority 140 to 200",
        ]
    );
    for (how, line) in
        [(How::Killed(9), "VRRP_Script(chk) failed (due to signal 9)"), (How::TimedOut, "VRRP_Script(chk) timed_out")]
    {
        for output in ["", "still busy"] {
            let said = script("up", "down", how.clone(), output, "");
            assert!(said.len() == 2 && said[0] == line, "{said:?}");
        }
    }
}

#[test]
fn the_first_answer_of_a_script_says_whether_it_succeeded_and_one_that_was_not_run_says_why() {
    let first = |to: &str, said: String| lines(fact(Script, "chk").to(to).reason(said));
    assert_eq!(
        first("up", run(How::Exited(0), "")),
        ["VRRP_Script(chk) succeeded", "script chk counts as good: exit code 0 after 12 ms"]
    );
    assert_eq!(
        first("down", run(How::Exited(3), ""))[..2],
        ["Script `chk` now returning 3", "VRRP_Script(chk) failed (exited with status 3)"]
    );
    assert_eq!(
        first("down", "it has not run yet (init_fail)".to_owned()),
        ["script chk counts as failed: it has not run yet (init_fail)"]
    );
    assert_eq!(first("left-out", "/bin/x is not there".to_owned()), ["script chk is left out: /bin/x is not there"]);
}

#[test]
fn the_engine_and_everything_else_have_a_line_too() {
    let started = format!("lvsdeck {} started on d1", env!("CARGO_PKG_VERSION"));
    assert_eq!(lines(fact(EngineStarted, "d1")), [started]);
    assert_eq!(lines(fact(EngineStopping, "engine")), ["lvsdeck stops"]);
    let command = |to: &str, detail: &str| fact(EventKind::Command, "drain").to(to).who("anna").detail(detail);
    assert_eq!(
        lines(command("done", "drain 10.0.0.71: 1 server drains").reason("update")),
        ["command done: drain 10.0.0.71: 1 server drains: update, by anna"]
    );
    assert_eq!(
        lines(command("refused", "reload: x.conf has errors: x.conf:3: no")),
        ["command refused: reload: x.conf has errors: x.conf:3: no, by anna"]
    );
    assert_eq!(lines(command("done", "weight is 0")), ["drain: done: weight is 0, by anna"]);
    assert_eq!(
        lines(fact(EventKind::Hold, "VI_1").to("begun").reason("failover by anna")),
        ["(VI_1) held by failover or takeover: failover by anna"]
    );
    assert_eq!(
        lines(fact(EventKind::Hold, "VI_1").to("ended").reason("rejoin")),
        ["(VI_1) no longer held by failover or takeover: rejoin"]
    );
    let kept = fact(EngineStopping, "engine").reason("addresses stay");
    assert_eq!(lines(kept), ["lvsdeck stops: addresses stay"]);
}

#[test]
fn every_row_says_something_and_is_in_the_documentation() {
    for row in MESSAGES.iter().chain(ALSO) {
        let documented = row.line.replace(env!("CARGO_PKG_VERSION"), "{version}");
        // Between double backticks where it has one itself.
        let quoted = [format!("| `{documented}`"), format!("| ``{documented}``")];
        assert!(quoted.iter().any(|quoted| PAGE.contains(quoted)), "docs/service.md lacks {documented}");
        let patterns = [row.from, row.to, row.reason, row.detail].concat();
        let names = row.line.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
        for name in names {
            let known = ["subject", "from", "to", "vs", "rs"].contains(&name);
            assert!(known || patterns.contains(&format!("{{{name}}}")), "nothing gives {{{name}}} in {}", row.line);
        }
    }
}

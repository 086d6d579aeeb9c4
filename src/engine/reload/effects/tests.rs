use super::*;
use crate::engine::config;
use serde_json::json;

fn file(instances: &[(&str, u8, &str)]) -> Configuration {
    let one = |(name, priority, addresses): &(&str, u8, &str)| {
        let vrid = 50 + u32::from(name.as_bytes()[0]) % 50;
        format!(
            "vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id {vrid}\npriority {priority}\n\
             virtual_ipaddress {{\n{}\n}}\n}}\n",
            addresses.replace(' ', "\n")
        )
    };
    config::parse("x", &instances.iter().map(one).collect::<String>()).configuration.unwrap()
}

/// An instance in this state that heard another router with this priority.
fn heard(name: &str, state: &str, priority: u8, rival: Option<u8>) -> VirtualRouterStatus {
    let peer = |priority| {
        json!({"address": "10.0.0.12", "source": "heard", "last_heard_at": null, "last_priority": priority,
            "state": if state == "MASTER" { "SILENT" } else { "MASTER" }, "reachable": null, "rejected": null, "detail": {"accepted": {"priority": priority,
            "at": "2026-01-01T00:00:00.000Z"}}})
    };
    serde_json::from_value(json!({
        "name": name, "interface": "eth0", "family": "inet", "vrid": 51, "version": 2, "state": state,
        "priority": priority, "effective_priority": priority, "advert_interval_ms": 1000, "preempt": true,
        "since": "2026-01-01T00:00:00.000Z", "reason": "", "addresses": [], "addresses_here": [], "next": null,
        "peers": rival.map(peer).into_iter().collect::<Vec<_>>(), "counters": crate::engine::snapshot::VrrpCounters::default(), "history": [],
    }))
    .unwrap()
}

fn unsure(effects: Effects) -> Vec<String> {
    effects.unsure.into_iter().map(|(name, _)| name).collect()
}

fn told(old: &[(&str, u8, &str)], new: &[(&str, u8, &str)], status: &[VirtualRouterStatus]) -> Vec<String> {
    effects(&file(old), &file(new), status, &Found::default()).lines
}

#[test]
fn another_list_of_addresses_says_who_would_refuse_it() {
    let status = [heard("A", "MASTER", 200, Some(100)), heard("B", "MASTER", 200, None)];
    let names = ["A", "B"].map(str::to_owned);
    let said = beside(&names, &status).unwrap();
    assert!(said.starts_with("A (beside 10.0.0.12), B (no other router was heard): a keepalived refuses"));
    assert!(said.contains("both nodes at once"));
    assert_eq!(beside(&[], &status), None);
}

#[test]
fn another_priority_says_who_would_be_master() {
    let to = |new: u8, state: &str, old: u8, rival: Option<u8>| {
        told(&[("A", old, "10.0.0.1/24")], &[("A", new, "10.0.0.1/24")], &[heard("A", state, old, rival)]).join("")
    };
    let line = "instance A: priority 200 -> 90: ";
    assert_eq!(
        to(90, "MASTER", 200, Some(100)),
        format!("{line}10.0.0.12 (priority 100) would take over, unless it has nopreempt")
    );
    let equal = to(100, "MASTER", 200, Some(100));
    assert!(equal.ends_with("it stays master: 10.0.0.12 has 100 too, and an equal takes nothing over"), "{equal}");
    assert_eq!(to(90, "MASTER", 200, Some(50)), format!("{line}it stays master before 10.0.0.12 (priority 50)"));
    assert_eq!(
        to(90, "MASTER", 200, None),
        format!(
            "{line}no other router was heard, and a backup is silent: one of a priority above 90 would take over, unless it has \
             nopreempt; without one it stays master"
        )
    );
    assert!(to(210, "MASTER", 200, None).ends_with("it stays master as far as is known; no other router was heard"));
    assert!(
        to(200, "BACKUP", 90, Some(100))
            .ends_with("90 -> 200: this node would take over from 10.0.0.12 (priority 100)")
    );
    assert!(to(95, "BACKUP", 90, Some(100)).ends_with("it stays BACKUP behind 10.0.0.12 (priority 100)"));
    assert!(
        to(255, "BACKUP", 90, Some(100)).ends_with("it becomes the owner and is master at once, whatever others say")
    );
    assert_eq!(to(90, "MASTER", 90, Some(100)), "", "no change, no line");
}

#[test]
fn what_moves_is_named_and_who_is_refused_here_takes_nothing_over() {
    let moving = |new: &[(&str, u8, &str)], status: VirtualRouterStatus| {
        effects(&file(&[("A", 200, "10.0.0.1/24")]), &file(new), &[status], &Found::default()).moving
    };
    let lower = [("A", 90, "10.0.0.1/24")];
    assert_eq!(moving(&lower, heard("A", "MASTER", 200, Some(100))), ["A"]);
    assert_eq!(moving(&lower, heard("A", "MASTER", 200, Some(50))), [""; 0]);
    assert_eq!(moving(&[], heard("A", "MASTER", 200, None)), ["A"]);
    assert_eq!(moving(&[], heard("A", "BACKUP", 200, None)), [""; 0]);
    assert_eq!(moving(&[("A", 200, "10.0.0.9/24")], heard("A", "MASTER", 200, None)), [""; 0], "it stays master");
    let mut refused = heard("A", "MASTER", 200, Some(250));
    refused.peers[0].detail.accepted = None;
    refused.peers[0].rejected = Some("another password".to_owned());
    assert_eq!(moving(&lower, refused.clone()), [""; 0]);
    let of = |status: VirtualRouterStatus| {
        effects(&file(&[("A", 200, "10.0.0.1/24")]), &file(&lower), &[status], &Found::default())
    };
    assert_eq!(unsure(of(refused)), ["A"]);
    assert_eq!(unsure(of(heard("A", "MASTER", 200, None))), ["A"], "a backup that was always one is never heard");
    assert_eq!(unsure(of(heard("A", "BACKUP", 200, None))), [""; 0]);
}

#[test]
fn another_weight_of_what_fails_moves_a_mastership_and_that_of_what_does_not_fail_moves_none() {
    let with = |track: &str| {
        let text = format!(
            "vrrp_script s {{\nscript /bin/true\nweight -5\n}}\nvrrp_instance A {{\ninterface eth0\nvirtual_router_id 51\n\
             priority 200\ntrack_script {{\n{track}\n}}\nvirtual_ipaddress {{\n10.0.0.1/24\n}}\n}}\n"
        );
        config::parse("x", &text).configuration.unwrap()
    };
    let of = |state: &str, track: &str| {
        let mut status = heard("A", "MASTER", 200, Some(100));
        let said = json!({"kind": "script", "name": "s", "weight": -5, "reverse": false, "state": state, "said": ""});
        status.detail.tracked = vec![serde_json::from_value(said).unwrap()];
        status.effective_priority = if state == "down" { 195 } else { 200 };
        effects(&with("s"), &with(track), &[status], &Found::default())
    };
    let told = of("down", "s weight -150");
    assert_eq!(told.moving, ["A"]);
    assert!(
        told.lines[0].starts_with("instance A: priority 195 -> 50 by what it tracks: 10.0.0.12 (priority 100) would")
    );
    let told = of("down", "s weight 0");
    assert_eq!(
        (told.lines, told.moving),
        (vec!["instance A: FAULT: script s is bad and has no weight".to_owned()], vec!["A".to_owned()])
    );
    assert_eq!(of("up", "s weight -150"), Effects::default());
    assert_eq!(of("down", "s weight -50").moving, [""; 0]);
}

#[test]
fn a_sync_group_moves_as_a_whole() {
    let grouped = |priority| {
        let mut file = file(&[("A", priority, "10.0.0.1/24"), ("B", 200, "10.0.0.2/24"), ("C", 200, "10.0.0.3/24")]);
        let text = "vrrp_sync_group G {\ngroup {\nA\nB\n}\n}\n";
        file.sync_groups = config::parse("x", &format!("{text}{}", "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n}\nvrrp_instance B {\ninterface eth0\nvirtual_router_id 2\n}\n")).configuration.unwrap().sync_groups;
        file
    };
    let status = |rival| ["A", "B", "C"].map(|name| heard(name, "MASTER", 200, rival));
    let told = effects(&grouped(200), &grouped(90), &status(Some(100)), &Found::default());
    assert_eq!(told.lines[1], "instance B goes with A: sync group G");
    let unlike = |name: &str| (name.to_owned(), "10.0.0.12 has A in no such sync group".to_owned());
    assert_eq!((told.moving.len(), told.unsure), (0, vec![unlike("A"), unlike("B")]), "it outranks A alone");
    let stronger = [heard("A", "MASTER", 200, Some(100)), heard("B", "MASTER", 200, Some(250))];
    assert_eq!(effects(&grouped(200), &grouped(90), &stronger, &Found::default()).moving, ["A", "B"]);
    assert_eq!(unsure(effects(&grouped(200), &grouped(90), &status(None), &Found::default())), ["A", "B"]);
}

#[test]
fn instances_that_come_and_go_say_what_becomes_of_their_addresses() {
    let (a, b) = (("A", 200, "10.0.0.1/24"), ("B", 100, "10.0.0.2/24"));
    let master = heard("A", "MASTER", 200, Some(100));
    assert_eq!(
        told(&[a], &[b], std::slice::from_ref(&master)),
        [
            "instance A ends: it sends priority 0, 10.0.0.1/24 leave this host; 10.0.0.12 (priority 100) would take over",
            "instance B starts: as backup; it is master of 10.0.0.2/24 when no other master is heard for up to 4 s",
        ]
    );
    assert_eq!(told(&[a], &[], &[heard("A", "BACKUP", 200, None)]), ["instance A ends: it is not master here"]);
    assert_eq!(
        told(&[a, b], &[("A", 200, "10.0.0.3/24"), ("B", 100, "10.0.0.2/24 10.0.0.1/24")], &[master]),
        ["10.0.0.3/24 comes up on this host: A is master here", "10.0.0.1/24 moves from instance A to B",]
    );
}

/// `A` and `B` in group `G`, where it has members, and, where it has a VRID, `C`; `more` stands in the block of `A` and `C`.
fn grouped(members: &str, c: Option<u8>, of_a: &str, of_c: &str) -> Configuration {
    let one = |name: &str, vrid: u8, more: &str| {
        format!(
            "vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id {vrid}\npriority 200\n{more}\nvirtual_ipaddress {{\n\
             10.0.0.{vrid}/24\n}}\n}}\n"
        )
    };
    let c = c.map_or_else(String::new, |vrid| one("C", vrid, of_c));
    let group = format!("vrrp_sync_group G {{\ngroup {{\n{members}\n}}\n}}\n");
    let group = if members.is_empty() { "" } else { &group };
    let text = format!(
        "vrrp_script s {{\nscript /bin/true\n}}\nvrrp_script late {{\nscript /bin/true\ninit_fail\n}}\n\
         track_file f {{\nfile /f\n}}\nvrrp_track_process p {{\nprocess p\n}}\n{}{}{c}{group}",
        one("A", 1, of_a),
        one("B", 2, ""),
    );
    config::parse("x", &text).configuration.unwrap()
}

/// Somebody who is heard with this VRID, and his priority.
fn stranger(vrid: u8, priority: Option<u8>) -> Found {
    let rival = json!({"interface": "eth0", "family": "inet", "vrid": vrid, "address": "10.0.0.12", "last_priority": priority,
        "last_heard_at": "2026-01-01T00:00:00.000Z", "counters": crate::engine::snapshot::ForeignCounters::default()});
    Found { foreign: vec![serde_json::from_value(rival).unwrap()], ..found() }
}

fn found() -> Found {
    let links = [("eth0", true), ("eth1", false)].map(|(name, up)| (name.to_owned(), up));
    Found { links: Some(BTreeMap::from(links)), ..Found::default() }
}

#[test]
fn one_that_joins_a_group_moves_nobody_unless_it_fails_or_may_have_to_follow() {
    let masters = ["A", "B"].map(|name| heard(name, "MASTER", 200, Some(100)));
    let of = |found: &Found, of_c: &str| {
        let (old, new) = (grouped("A\nB", None, "", ""), grouped("A\nB\nC", Some(3), "", of_c));
        effects(&old, &new, &masters, found)
    };
    let told = of(&found(), "");
    assert_eq!((told.moving.len(), told.unsure.len()), (0, 0));
    assert!(told.lines[0].ends_with("for up to 4 s; sync group G is master meanwhile"), "{told:?}");
    for (of_c, why) in [
        ("track_interface {\neth1\n}", "interface eth1 is bad and has no weight"),
        ("track_interface {\neth9\n}", "interface eth9 does not exist"),
        ("track_script {\nlate\n}", "script late has not run yet (init_fail)"),
    ] {
        let told = of(&found(), of_c);
        assert_eq!(told.moving, ["A", "B"], "{of_c}");
        assert_eq!(told.lines[2], format!("instance C starts: in FAULT: {why}"));
        assert_eq!(told.lines[0], "instance A goes with C: sync group G");
    }
    let told = of(&found(), "track_script {\ns\n}");
    assert_eq!((told.moving.len(), told.unsure[0].1.as_str()), (0, "script s fails in its first run"));
    let told = of(&stranger(3, None), "");
    assert_eq!(unsure(told.clone()), ["A", "B", "C"]);
    assert_eq!(told.unsure[0].1, "C has to follow the master that is heard with its VRID");
    assert_eq!(told.unsure[2].1, "10.0.0.12, heard with VRID 3, has a priority below 200");
    assert_eq!(of(&stranger(3, Some(250)), "").moving, ["A", "B"], "it has to follow that one");
    assert_eq!(of(&stranger(3, Some(100)), "").moving, ["C"]);
    assert_eq!(of(&stranger(3, Some(0)), "").moving, [""; 0], "it has resigned");
}

#[test]
fn one_that_begins_anew_moves_alone_and_a_backup_that_is_put_into_a_group_moves_it() {
    let status =
        |c: &str| [heard("A", "MASTER", 200, None), heard("B", "MASTER", 200, None), heard("C", c, 200, Some(100))];
    let together = grouped("A\nB\nC", Some(3), "", "");
    let anew = effects(&together, &grouped("A\nB\nC", Some(4), "", ""), &status("MASTER"), &found());
    assert_eq!((anew.moving, anew.unsure), (vec!["C".to_owned()], vec![]));
    let put = effects(&grouped("A\nB", Some(3), "", ""), &together, &status("BACKUP"), &found());
    assert_eq!(put.moving, ["A", "B"]);
    assert_eq!(put.lines[0], "instance A goes with C, which is not master here: sync group G");
    let joining =
        effects(&together, &grouped("A\nB\nC", Some(3), "garp_master_repeat 2", ""), &status("BACKUP"), &found());
    assert_eq!(joining, Effects::default(), "it has just joined");
}

#[test]
fn what_is_tracked_anew_and_bad_already_is_foretold() {
    let masters = ["A", "B"].map(|name| heard(name, "MASTER", 200, Some(100)));
    let of = |members: &str, found: &Found, of_a: &str| {
        effects(&grouped(members, None, "", ""), &grouped(members, None, of_a, ""), &masters, found)
    };
    let tracked = |kind, name: &str, state| Found { tracked: [((kind, name.to_owned()), state)].into(), ..found() };
    let process = |state| tracked(TrackKind::Process, "p", state);
    let file = |value| tracked(TrackKind::File, "f", Tracked::Value(value));
    for (found, of_a, line) in [
        (found(), "track_interface {\neth1\n}", "instance A: FAULT: interface eth1 is bad and has no weight"),
        (found(), "track_interface {\neth9\n}", "instance A: FAULT: interface eth9 does not exist"),
        (process(Tracked::Down), "track_process {\np\n}", "instance A: FAULT: process p is bad and has no weight"),
        (file(5), "track_file {\nf weight 0\n}", "instance A: FAULT: file f says 5"),
    ] {
        for (members, moving) in [("A\nB", vec!["A", "B"]), ("", vec!["A"])] {
            let told = of(members, &found, of_a);
            assert_eq!(told.lines[0], line);
            assert_eq!(told.moving, moving, "{of_a}");
        }
    }
    for (found, of_a) in [
        (found(), "track_interface {\neth1 weight -150\n}"),
        (process(Tracked::Down), "track_process {\np weight -150\n}"),
        (file(-150), "track_file {\nf weight 1\n}"),
    ] {
        let told = of("", &found, of_a);
        assert!(told.lines[0].starts_with("instance A: priority 200 -> 50 by what it tracks: 10.0.0.12"), "{told:?}");
        assert_eq!(told.moving, ["A"]);
    }
    for (found, of_a) in [
        (found(), "track_interface {\neth0\n}"),
        (process(Tracked::Up), "track_process {\np\n}"),
        (file(0), "track_file {\nf weight 1\n}"),
        (file(-50), "track_file {\nf weight 1\n}"),
    ] {
        assert_eq!(of("", &found, of_a).moving, [""; 0], "{of_a}");
    }
}

#[test]
fn a_script_that_never_ran_is_told_as_unknown_with_what_its_failure_would_do() {
    let masters = ["A", "B"].map(|name| heard(name, "MASTER", 200, Some(100)));
    let of = |members: &str, of_a: &str, status: &[VirtualRouterStatus]| {
        effects(&grouped(members, None, "", ""), &grouped(members, None, of_a, ""), status, &found())
    };
    let told = of("A\nB", "track_script {\ns\n}", &masters);
    assert_eq!(
        told.lines[0],
        "instance A: script s has not run yet, and what it says is unknown until its first run; if it fails: FAULT"
    );
    assert_eq!(told.unsure[0].1, "script s fails in its first run");
    assert_eq!(unsure(told), ["A", "B"]);
    let told = of("", "track_script {\nlate weight -150\n}", &masters);
    assert!(told.lines[0].ends_with("if it fails: priority 50; init_fail does nothing to a master"), "{told:?}");
    assert_eq!(unsure(told), ["A"]);
    assert_eq!(unsure(of("", "track_script {\ns weight -50\n}", &masters)), [""; 0], "150 is enough");
    let backups = ["A", "B"].map(|name| heard(name, "BACKUP", 200, Some(250)));
    let told = of("", "track_script {\nlate weight -150\n}", &backups);
    assert!(told.lines.iter().any(|line| line.ends_with("until then it counts as failed (init_fail)")), "{told:?}");
    assert_eq!(told.unsure, []);
}

#[test]
fn priorities_that_operators_gave_are_met_or_end_with_their_instance() {
    let (a, b) = (("A", 200, "10.0.0.1/24"), ("B", 100, "10.0.0.2/24"));
    let mut status = heard("A", "MASTER", 200, Some(100));
    (status.priority_set, status.priority_by) = (Some(150), Some("priority 150 by anna: new kernel".to_owned()));
    status.held = Some("priority 150 by anna: new kernel; ends with priority --from-file".to_owned());
    let of = |new: &[(&str, u8, &str)], status: &VirtualRouterStatus| {
        effects(&file(&[a, b]), &file(new), std::slice::from_ref(status), &Found::default())
    };
    let gone = of(&[b], &status);
    assert_eq!(gone.ended, ["A (priority 150 by anna: new kernel)"]);
    let met = of(&[("A", 180, "10.0.0.1/24"), b], &status).met;
    assert_eq!(
        met,
        [["A", "priority 150 by an operator in place of 200", "priority 150 by an operator in place of 180"]]
    );
    assert_eq!(of(&[("A", 150, "10.0.0.1/24"), b], &status).met[0][2], "priority 150, as the file says");
    assert_eq!(of(&[a, b], &status), Effects::default());
    status.held = Some("failover by bob; ends with rejoin".to_owned());
    assert_eq!(of(&[b], &status).ended[1], "A (failover by bob, ends with rejoin)");
}

/// `A` with these words, backup or in FAULT beside a master of priority 100; what is tracked counts like this.
fn beside_a_master(state: &str, (old, new): (&str, &str), tracked: serde_json::Value) -> Effects {
    let mut status = [heard("A", state, 150, Some(100)), heard("B", "BACKUP", 200, Some(250))];
    status[0].detail.tracked = serde_json::from_value(tracked).unwrap();
    let file = |words: &str| {
        let mut file = grouped("", None, words, "");
        file.virtual_routers[0].priority = Priority::new(150).unwrap();
        file
    };
    effects(&file(old), &file(new), &status, &found())
}

#[test]
fn a_fault_that_ends_takes_over_from_a_master_of_lower_priority() {
    let bad = |kind: &str, name: &str| json!([{"kind": kind, "name": name, "weight": 0, "reverse": false, "state": "down", "said": ""}]);
    for (old, tracked) in
        [("track_interface {\neth1\n}", bad("interface", "eth1")), ("track_script {\ns\n}", bad("script", "s"))]
    {
        let told = beside_a_master("FAULT", (old, ""), tracked.clone());
        assert_eq!(told.lines, ["instance A: FAULT ends: this node would take over from 10.0.0.12 (priority 100)"]);
        assert_eq!((told.moving, told.coming), (vec!["A".to_owned()], vec!["A".to_owned()]));
        let told = beside_a_master("FAULT", (old, "nopreempt"), tracked.clone());
        assert_eq!(told.moving, [""; 0]);
        let said =
            ": FAULT ends, nopreempt: it becomes BACKUP behind 10.0.0.12, since it does not take mastership back";
        assert!(told.lines[0].ends_with(said), "{told:?}");
        let told = beside_a_master("FAULT", (old, &format!("{old}\nadvert_int 1\ngarp_master_repeat 2")), tracked);
        assert_eq!(told, Effects::default(), "it goes on");
    }
    let told = beside_a_master("FAULT", ("", "mcast_src_ip 10.0.0.9"), json!([]));
    assert_eq!(told.unsure, [("A".to_owned(), "this ends its FAULT".to_owned())], "nobody knows what it is for");
    assert_eq!(beside_a_master("FAULT", ("", ""), json!([])), Effects::default());
}

#[test]
fn the_words_of_preemption_say_who_takes_over() {
    let takes = "this node would take over from 10.0.0.12 (priority 100)";
    let of = |old: &str, new: &str| beside_a_master("BACKUP", (old, new), json!([]));
    let told = of("nopreempt", "");
    assert_eq!((told.moving, told.lines), (vec!["A".to_owned()], vec![format!("instance A: preempt: {takes}")]));
    let told = of("preempt_delay 300", "");
    assert_eq!(told.lines, [format!("instance A: preempt_delay 300 s -> 0 s: {takes}")]);
    assert_eq!(told.moving, ["A"]);
    let told = of("preempt_delay 300", "preempt_delay 30");
    assert_eq!(told.lines, [format!("instance A: preempt_delay 300 s -> 30 s: {takes} in 30 s")]);
    assert_eq!(told.moving, ["A"], "sooner than it would have");
    let later = of("preempt_delay 30", "preempt_delay 300");
    assert_eq!((later.moving.len(), later.lines.len()), (0, 1));
    assert_eq!(of("", "nopreempt").moving, [""; 0]);
}

#[test]
fn a_sync_group_that_is_dissolved_lets_the_sound_ones_take_over() {
    let mut status = [heard("A", "FAULT", 200, Some(100)), heard("B", "FAULT", 200, Some(100))];
    status[0].reason = "sync group G, B: interface eth1 is down".to_owned();
    status[1].detail.tracked = serde_json::from_value(
        json!([{"kind": "interface", "name": "eth1", "weight": 0, "reverse": false, "state": "down", "said": ""}]),
    )
    .unwrap();
    let file = |members: &str| {
        let mut file = grouped(members, None, "", "");
        let tracking = grouped("", None, "track_interface {\neth1\n}", "");
        file.virtual_routers[1].tracks.clone_from(&tracking.virtual_routers[0].tracks);
        file
    };
    let told = effects(&file("A\nB"), &file(""), &status, &found());
    assert_eq!(told.moving, ["A"]);
    assert_eq!(told.lines, ["instance A: FAULT ends: this node would take over from 10.0.0.12 (priority 100)"]);
}

#[test]
fn one_that_starts_says_from_whom_it_takes_over() {
    let (old, new) = (grouped("", None, "", ""), grouped("", Some(3), "", ""));
    let status = ["A", "B"].map(|name| heard(name, "MASTER", 200, Some(100)));
    let told = effects(&old, &new, &status, &stranger(3, Some(100)));
    assert_eq!(told.lines, ["instance C starts: this node would take over from 10.0.0.12 (priority 100)"]);
    assert_eq!((told.moving, told.coming), (vec!["C".to_owned()], vec!["C".to_owned()]));
    let told = effects(&old, &new, &status, &found());
    assert_eq!((told.moving.len(), told.unsure.len(), told.assumed.len()), (0, 0, 0), "nobody is heard there");
    let mut elsewhere = new.clone();
    elsewhere.virtual_routers[2].interface = "eth2".to_owned();
    let links = [("eth0", true), ("eth2", true)].map(|(name, up)| (name.to_owned(), up));
    let told = effects(&old, &elsewhere, &status, &Found { links: Some(BTreeMap::from(links)), ..Found::default() });
    assert_eq!(told.assumed, [("C".to_owned(), "a master of a priority below 200 is on eth2".to_owned())]);
    assert!(
        told.lines[0].ends_with("; if a master of a priority below 200 is on eth2, this node would take over from it")
    );
    assert_eq!((told.moving.len(), told.unsure.len()), (0, 0));
}

#[test]
fn what_replaces_another_thing_that_is_tracked_may_fail() {
    let tracked =
        json!([{"kind": "interface", "name": "eth1", "weight": -60, "reverse": false, "state": "down", "said": ""}]);
    let words = ("track_interface {\neth1 weight -60\n}", "track_script {\ns weight -60\n}");
    let mut status = [heard("A", "BACKUP", 150, Some(100))];
    status[0].effective_priority = 90;
    status[0].detail.tracked = serde_json::from_value(tracked).unwrap();
    let file = |words: &str| {
        let mut file = grouped("", None, words, "");
        file.virtual_routers.truncate(1);
        file.virtual_routers[0].priority = Priority::new(150).unwrap();
        file
    };
    let told = effects(&file(words.0), &file(words.1), &status, &found());
    assert!(told.lines[0].contains("priority 90 -> 150 by what it tracks: this node would take over"), "{told:?}");
    assert!(told.lines[1].ends_with("if it fails: priority 90"), "{told:?}");
    assert_eq!(told.unsure, [("A".to_owned(), "script s succeeds in its first run".to_owned())]);
}

#[test]
fn an_address_that_leaves_moves_no_mastership() {
    let (both, one) = ([("A", 200, "10.0.0.1/24 10.0.0.2/24")], [("A", 200, "10.0.0.1/24")]);
    let told = effects(&file(&both), &file(&one), &[heard("A", "MASTER", 200, Some(100))], &Found::default());
    assert_eq!((told.moving.len(), told.leaving), (0, vec!["10.0.0.2/24".to_owned()]));
    let told = effects(&file(&both), &file(&one), &[heard("A", "BACKUP", 200, Some(250))], &Found::default());
    assert_eq!(told.leaving, [""; 0]);
}

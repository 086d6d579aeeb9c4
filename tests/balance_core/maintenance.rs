//! Maintenance: a drain without checks, which ends by `restore` or by itself, and after which the checks have the first word.

use crate::rig::{A, B, Rig, S, WEB, key, rs, service};
use lvsdeck::engine::command::{Command, Outcome};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::model::VirtualServer;
use lvsdeck::engine::snapshot::{Admin, Health};
use std::time::Duration;

fn maintenance(hold_seconds: Option<u64>, deadline_seconds: Option<u64>) -> Command {
    Command::Maintenance { server: A.parse().unwrap(), service: None, hold_seconds, deadline_seconds }
}
fn restore() -> Command {
    Command::Restore { server: A.parse().unwrap(), service: None }
}
fn drain() -> Command {
    Command::Drain { server: A.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds: None }
}
fn rig() -> Rig {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.edit(|table| {
        table.services.get_mut(&key(WEB)).unwrap().destinations.get_mut(&rs(A)).unwrap().active = 3;
    });
    rig.pass(S);
    rig
}
fn done(rig: &mut Rig, command: &Command) -> String {
    let answer = rig.ask(command.clone());
    assert_eq!(answer.outcome, Outcome::Done, "{command}: {}", answer.message);
    answer.message
}
fn checks(rig: &mut Rig, span: Duration) -> usize {
    let before = rig.probes;
    rig.pass(span);
    rig.probes - before
}

#[test]
fn a_drain_ends_with_the_maintenance_that_came_over_it() {
    let mut rig = rig();
    done(&mut rig, &drain());
    let answer = rig.dry(maintenance(Some(600), None));
    let ends = "after 600 s: restore real server 10.0.0.71:80 of tcp/10.0.0.1:80, and end its drain";
    assert!(answer.preview.ops.iter().any(|op| op == ends), "{answer:?}");
    let said = done(&mut rig, &maintenance(Some(600), None));
    assert!(said.ends_with("it comes back after 600 s, and its drain ends with that"), "{said}");
    assert!(!done(&mut rig, &maintenance(Some(60), None)).contains("drain ends"));
}

#[test]
fn the_preview_says_what_stops_and_what_ends_when() {
    let mut rig = rig();
    let answer = rig.dry(maintenance(Some(600), Some(60)));
    let after = "10.0.0.71:80 Route weight 0 active 3 inactive 0, in maintenance, weight 1 when restored, out after 60 s, back after 600 s";
    assert_eq!(answer.preview.after, [after]);
    assert_eq!(
        answer.preview.ops,
        [
            "change real server 10.0.0.71:80 of tcp/10.0.0.1:80: weight 1 to 0",
            "stop 1 checks of real server 10.0.0.71:80 of tcp/10.0.0.1:80",
            "after 60 s, whatever is left: remove real server 10.0.0.71:80 of tcp/10.0.0.1:80",
            "after 600 s: restore real server 10.0.0.71:80 of tcp/10.0.0.1:80",
        ]
    );
    assert_eq!(
        answer.preview.undo.map(|undo| undo.to_string()).as_deref(),
        Some("restore 10.0.0.71:80 --service tcp/10.0.0.1:80")
    );
    assert!(answer.preview.blast_radius.contains("; the connections that the deadline finds hang until they time out"));
}

#[test]
fn it_keeps_its_connections_and_is_not_checked() {
    let mut rig = rig();
    rig.facts.clear();
    let said = done(&mut rig, &maintenance(None, None));
    assert_eq!(
        said,
        "10.0.0.71:80 is in maintenance in tcp/10.0.0.1:80, not checked; 3 active connections go on; it comes back with restore"
    );
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1");
    assert_eq!(
        rig.facts(EventKind::ServerAdmin),
        ["tcp/10.0.0.1:80 10.0.0.71:80: enabled>maintenance (kernel update)"]
    );
    rig.kill(A);
    assert_eq!(checks(&mut rig, 100 * S), 10, "only the other server's");
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1", "nobody looks whether it is dead");
    let server = rig.server(0, A);
    assert_eq!((server.admin, server.health, server.checks.len()), (Admin::Maintenance, Health::Unknown, 0));
    let again = rig.ask(maintenance(None, None));
    assert_eq!(again.message, "10.0.0.71:80 is in maintenance already, since 1m40s ago; restore brings it back");
}

#[test]
fn a_drain_of_a_server_in_maintenance_starts_its_checks_and_promises_no_connections() {
    let mut rig = rig();
    done(&mut rig, &maintenance(None, None));
    let drain =
        Command::Drain { server: A.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds: None };
    let shown = rig.dry(drain).preview.ops.join("\n");
    assert!(
        shown.contains("start 1 checks of real server 10.0.0.71:80") && shown.contains("it stays drained"),
        "{shown}"
    );
    let shown = rig.dry(restore()).preview.ops.join("\n");
    assert!(shown.contains("it gets connections when they pass"), "{shown}");
}

#[test]
fn after_restore_its_checks_have_the_first_word() {
    let mut dead = rig();
    done(&mut dead, &maintenance(None, None));
    dead.kill(A);
    let said = done(&mut dead, &restore());
    assert_eq!(said, "10.0.0.71:80 is restored in tcp/10.0.0.1:80 and gets connections when its checks pass");
    assert_eq!(dead.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1", "no new connection before a check passed");
    dead.pass(2 * S);
    assert_eq!(dead.table(WEB), "10.0.0.72:80 w1", "it is dead");
    dead.revive(A);
    dead.pass(10 * S);
    assert_eq!(dead.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");

    let mut well = rig();
    done(&mut well, &maintenance(None, None));
    well.pass(5 * S);
    let before = well.probes;
    done(&mut well, &restore());
    assert_eq!(well.probes, before + 1, "its check runs at once");
    assert_eq!(well.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    assert_eq!(well.server(0, A).health, Health::Up);
}

#[test]
fn a_server_that_was_dead_before_stays_out_until_it_is_well() {
    let mut rig = rig();
    rig.kill(A);
    rig.pass(20 * S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    done(&mut rig, &maintenance(None, None));
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    done(&mut rig, &restore());
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    done(&mut rig, &maintenance(None, None));
    rig.revive(A);
    done(&mut rig, &restore());
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
}

#[test]
fn it_comes_back_by_itself_and_leaves_at_its_deadline() {
    let mut rig = rig();
    done(&mut rig, &maintenance(Some(600), Some(60)));
    rig.pass(59 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1");
    rig.pass(S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    rig.facts.clear();
    rig.pass(539 * S);
    assert_eq!(rig.server(0, A).admin, Admin::Maintenance);
    rig.pass(S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    assert_eq!(
        rig.facts(EventKind::ServerAdmin),
        ["tcp/10.0.0.1:80 10.0.0.71:80: maintenance>enabled (its time is over)"]
    );
    assert_eq!(rig.server(0, A).admin, Admin::Enabled);
    assert!(rig.overrides.is_empty(), "{:?}", rig.overrides);
}

#[test]
fn a_drain_ends_by_itself_as_well_a_restart_later() {
    let file = [service(WEB, &[A, B])];
    let mut rig = rig();
    let drain = |hold_seconds, deadline_seconds| Command::Drain {
        server: A.parse().unwrap(),
        service: None,
        hold_seconds,
        deadline_seconds,
    };
    let said = "10.0.0.71:80 drains in tcp/10.0.0.1:80, 3 active connections go on for 60 s at most; it has its weight back after 600 s";
    assert_eq!(done(&mut rig, &drain(Some(600), Some(60))), said);
    let again = rig.dry(restore()).preview.undo.unwrap().to_string();
    assert_eq!(again, "drain 10.0.0.71:80 --service tcp/10.0.0.1:80 --for 600s --deadline 60s");
    rig.pass(100 * S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    let mut next = rig.restarted(S, &file);
    next.pass(490 * S);
    assert_eq!((next.server(0, A).admin, next.table(WEB).as_str()), (Admin::Draining, "10.0.0.72:80 w1"));
    next.pass(10 * S);
    assert_eq!(next.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    let told = next.facts(EventKind::ServerAdmin);
    assert_eq!(told, ["tcp/10.0.0.1:80 10.0.0.71:80: draining>enabled (its time is over)"]);
}

#[test]
fn a_drain_ends_it_and_it_ends_a_drain_and_undo_brings_either_back() {
    let mut rig = rig();
    done(&mut rig, &drain());
    let undo = rig.dry(maintenance(Some(600), None)).preview.undo.unwrap();
    done(&mut rig, &maintenance(Some(600), None));
    assert_eq!(rig.server(0, A).admin, Admin::Maintenance);
    done(&mut rig, &undo);
    assert_eq!((rig.server(0, A).admin, rig.server(0, A).checks.len()), (Admin::Draining, 1));
    done(&mut rig, &maintenance(Some(600), Some(90)));
    rig.pass(30 * S);
    let undo = rig.dry(restore()).preview.undo.unwrap();
    assert_eq!(undo.to_string(), "maintenance 10.0.0.71:80 --service tcp/10.0.0.1:80 --for 570s --deadline 60s");
    done(&mut rig, &drain());
    rig.pass(700 * S);
    assert_eq!(rig.server(0, A).admin, Admin::Draining, "what the maintenance would have ended counts no more");
}

#[test]
fn it_outlasts_reload_and_restart() {
    let file: [VirtualServer; 1] = [service(WEB, &[A, B])];
    let mut rig = rig();
    done(&mut rig, &maintenance(Some(600), None));
    let mut changed = file.clone();
    changed[0].real_servers[0].checks.clone_from(&service(WEB, &[B]).real_servers[0].checks);
    rig.reload(&changed).unwrap();
    rig.reload(&file).unwrap();
    assert_eq!(checks(&mut rig, 100 * S), 10);
    let mut rig = rig.restarted(100 * S, &file);
    assert_eq!(rig.ops(), Vec::<String>::new(), "the kernel is not touched");
    assert_eq!((rig.server(0, A).admin, rig.server(0, A).checks.len()), (Admin::Maintenance, 0));
    assert_eq!(checks(&mut rig, 100 * S), 10);
    rig.kill(A);
    done(&mut rig, &restore());
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1", "nobody knows whether it is well");
    rig.revive(A);
    done(&mut rig, &maintenance(Some(300), None));
    rig.pass(300 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
}

#[test]
fn too_long_a_time_is_refused() {
    let mut rig = rig();
    for command in [maintenance(Some(u64::MAX), None), maintenance(None, Some(u64::MAX))] {
        let answer = rig.ask(command);
        assert_eq!((answer.outcome, answer.message.contains("are too long")), (Outcome::Refused, true));
    }
}

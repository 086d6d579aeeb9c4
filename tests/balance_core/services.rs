//! Whole services beside the file: `add-service`, `remove-service`.

use crate::rig::{A, B, Rig, S, WEB, key, rs, service};
use lvsdeck::engine::command::{Command, Outcome, ServiceSelector};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::ipvs::{IpvsOp, Refusal, RefusalKind};
use lvsdeck::engine::model::{Forwarding, Scheduler};

const NEW: &str = "tcp/10.0.0.2:80";

fn add(service: &str) -> Command {
    Command::AddService { service: key(service), scheduler: None, forward: None, persistence: None }
}
fn add_as(service: &str, scheduler: Scheduler, forward: Forwarding, persistence: Option<u32>) -> Command {
    Command::AddService { service: key(service), scheduler: Some(scheduler), forward: Some(forward), persistence }
}
fn remove(service: &str) -> Command {
    Command::RemoveService { service: ServiceSelector(service.to_owned()) }
}
fn add_server(service: &str, server: &str) -> Command {
    Command::AddServer { service: ServiceSelector(service.to_owned()), server: rs(server), weight: None, forward: None }
}
fn done(rig: &mut Rig, command: &Command) {
    let answer = rig.ask(command.clone());
    assert_eq!(answer.outcome, Outcome::Done, "{command:?}: {}", answer.message);
}

#[test]
fn an_added_service_is_shown_before_made_with_servers_and_warned_of() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    rig.ops();
    let preview = rig.dry(add_as(NEW, Scheduler::Rr, Forwarding::Dr, Some(300))).preview;
    assert_eq!(preview.before, ["tcp/10.0.0.2:80 not there"]);
    assert_eq!(preview.after, ["tcp/10.0.0.2:80 rr, persistent 300 s per /32 dr, 0 real servers"]);
    assert_eq!(preview.ops, ["add service tcp/10.0.0.2:80"]);
    assert_eq!(preview.ipvsadm, ["ipvsadm -A -t 10.0.0.2:80 -s rr -p 300"]);
    assert_eq!(preview.undo, Some(remove(NEW)));
    assert_eq!((rig.ops().len(), preview.confirm), (0, None));
    done(&mut rig, &add_as(NEW, Scheduler::Rr, Forwarding::Dr, Some(300)));
    done(&mut rig, &add_server(NEW, B));
    assert_eq!(rig.table(NEW), "10.0.0.72:80 w1");
    assert_eq!(rig.ops(), ["add service tcp/10.0.0.2:80", "add real server 10.0.0.72:80 to tcp/10.0.0.2:80"]);
    assert!(rig.remembered.iter().any(|owned| owned.key == key(NEW) && owned.servers == [rs(B)]));
    let warnings = rig.balance.warnings();
    assert_eq!((warnings[0].code.as_str(), warnings[0].subject.as_str()), ("service-not-in-file", NEW));
    assert!(rig.ask(add(NEW)).message.contains("is there already"));
}

#[test]
fn a_removed_service_leaves_with_its_servers_and_asks_for_its_name_first() {
    let mut rig = Rig::started(&[service(WEB, &[A, B]), service(NEW, &[A])]);
    rig.edit(|table| table.services.get_mut(&key(WEB)).unwrap().destinations.get_mut(&rs(A)).unwrap().active = 3);
    rig.pass(S);
    rig.ops();
    let answer = rig.dry(remove(WEB));
    assert_eq!(
        answer.preview.before,
        [
            "tcp/10.0.0.1:80 rr dr, 2 real servers",
            "tcp/10.0.0.1:80 10.0.0.71:80 Route weight 1 active 3 inactive 0",
            "tcp/10.0.0.1:80 10.0.0.72:80 Route weight 1 active 0 inactive 0",
        ]
    );
    assert_eq!(answer.preview.after, ["tcp/10.0.0.1:80 not there"]);
    assert_eq!(answer.preview.ipvsadm, ["ipvsadm -D -t 10.0.0.1:80"]);
    assert_eq!(
        answer.preview.blast_radius,
        "the whole service with 2 real servers; 3 active connections hang until they time out (unless \
         net.ipv4.vs.expire_nodest_conn is 1: then they are cut)"
    );
    assert_eq!(answer.preview.confirm.as_deref(), Some(WEB));
    assert_eq!(answer.preview.undo, Some(add(WEB)));
    rig.edit(|table| table.services.get_mut(&key(WEB)).unwrap().destinations.get_mut(&rs(A)).unwrap().active = 9);
    rig.pass(S);
    assert_eq!(rig.dry(remove(WEB)).token, answer.token, "connections come and go");
    assert_eq!(rig.ask_with(remove(WEB), false, answer.token).outcome, Outcome::Done);
    assert_eq!(rig.ops(), ["remove service tcp/10.0.0.1:80"]);
    assert_eq!((rig.table(WEB).as_str(), rig.status().len(), rig.remembered.len()), ("none", 1, 1));
    let warnings = rig.balance.warnings();
    assert_eq!((warnings.len(), warnings[0].code.as_str()), (1, "removed-from-file-service"));
    let probes = rig.probes;
    rig.pass(10 * S);
    assert_eq!(rig.probes, probes + 1, "only the other one is checked");
    assert!(rig.ask(remove(WEB)).message.contains("add-service tcp/10.0.0.1:80 brings it back"));
}

#[test]
fn a_service_of_the_file_comes_back_as_it_was_in_its_place() {
    let files = [service(WEB, &[A, B]), service(NEW, &[A])];
    let mut rig = Rig::started(&files);
    done(
        &mut rig,
        &Command::Drain { server: B.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds: None },
    );
    rig.kill(A);
    rig.pass(12 * S);
    done(&mut rig, &remove(WEB));
    rig.ops();
    let other = rig.ask(add_as(WEB, Scheduler::Wlc, Forwarding::Dr, None));
    assert!(other.outcome == Outcome::Refused && other.message.contains("alone brings it back"), "{}", other.message);
    assert_eq!(rig.ops(), Vec::<String>::new());
    done(&mut rig, &add(WEB));
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w0", "A was down and waits for its check, B drains");
    assert_eq!(rig.status()[0].key, key(WEB));
    rig.revive(A);
    rig.pass(10 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w0");
    assert_eq!(rig.balance.warnings(), []);
}

#[test]
fn a_run_time_service_comes_back_with_its_servers_and_with_other_words_it_is_another() {
    let mut rig = Rig::started(&[]);
    done(&mut rig, &add(NEW));
    done(&mut rig, &add_server(NEW, A));
    let removed = rig.ask(remove(NEW));
    done(&mut rig, &removed.preview.undo.unwrap());
    assert_eq!(rig.table(NEW), "10.0.0.71:80 w1");
    done(&mut rig, &remove(NEW));
    done(&mut rig, &add_as(NEW, Scheduler::Rr, Forwarding::Dr, None));
    assert_eq!(rig.table(NEW), "");
}

#[test]
fn a_service_that_cannot_be_is_refused_with_the_way_out() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    for (command, why) in [
        (add("tcp/10.0.0.1:0"), "has to be persistent: give --persistent"),
        (add("tcp/0.0.0.0:80"), "is no virtual address"),
        (add("udp/224.0.0.1:80"), "is no virtual address"),
        (add_as(NEW, Scheduler::Rr, Forwarding::Nat, Some(0)), "1 to 2678400 seconds"),
        (add_as(NEW, Scheduler::Rr, Forwarding::Nat, Some(2_678_401)), "1 to 2678400 seconds"),
        (add_as(NEW, Scheduler::Rr, Forwarding::Local, None), "use nat, dr or tun"),
        (remove("tcp/10.0.0.7:80"), "no service tcp/10.0.0.7:80"),
    ] {
        let answer = rig.ask(command.clone());
        assert!(answer.outcome == Outcome::Refused && answer.message.contains(why), "{command:?}: {}", answer.message);
    }
    for well in [
        add_as("tcp/10.0.0.1:0", Scheduler::Rr, Forwarding::Nat, Some(2_678_400)),
        add("fwmark/7"),
        add("fwmark6/7"),
        add("udp/[fd00::1]:53"),
    ] {
        done(&mut rig, &well);
    }
}

#[test]
fn a_service_of_somebody_else_is_named_and_not_taken_over() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    let strange = rig.edit(|table| table.services[&key(WEB)].clone());
    rig.edit(|table| table.services.insert(key(NEW), strange));
    rig.pass(S);
    let answer = rig.ask(add(NEW));
    assert_eq!(answer.outcome, Outcome::Refused);
    assert!(
        answer.message.contains("put there by somebody else") && answer.message.contains("ipvsadm -D -t 10.0.0.2:80")
    );
    assert_eq!(rig.balance.foreign().len(), 1);
}

#[test]
fn a_service_that_the_kernel_refuses_fails_with_its_words() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    let refusal = Refusal { kind: RefusalKind::Other, message: "can't do it: busy".to_owned() };
    rig.kernel.refuse(IpvsOp::DelService(key(WEB)), refusal);
    let answer = rig.ask(remove(WEB));
    assert!(answer.outcome == Outcome::Failed && answer.message.contains("busy"), "{}", answer.message);
    done(&mut rig, &add(WEB));
    assert_eq!((rig.table(WEB).as_str(), rig.balance.warnings()), ("10.0.0.71:80 w1", vec![]));
    rig.pass(2 * S);
    assert_eq!(rig.facts(EventKind::Drift), Vec::<String>::new());
}

#[test]
fn what_was_added_and_removed_a_hundred_times_is_not_kept_for_ever() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    for n in 1..=100 {
        let (one, two) = (format!("tcp/10.0.1.{n}:80"), format!("10.0.1.{n}:80"));
        done(&mut rig, &add(&one));
        done(&mut rig, &remove(&one));
        done(&mut rig, &add_server(WEB, &two));
        let command = Command::RemoveServer { service: ServiceSelector(WEB.to_owned()), server: rs(&two) };
        done(&mut rig, &command);
    }
    let size = format!("{:?}", rig.balance).len();
    for n in 101..=200 {
        let one = format!("tcp/10.0.1.{n}:80");
        done(&mut rig, &add(&one));
        done(&mut rig, &remove(&one));
    }
    assert!(format!("{:?}", rig.balance).len() < size * 11 / 10);
    assert_eq!((rig.table(WEB).as_str(), rig.balance.warnings()), ("10.0.0.71:80 w1", vec![]));
}

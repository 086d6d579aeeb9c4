//! Who is mailed of what. Subjects and conditions are those of keepalived 2.2.7, by measurement.

use super::lan::*;
use crate::engine::failover::{Action, Input};
use crate::engine::mail::Mail;
use crate::engine::model::Notifications;
use std::sync::Arc;

const MAILS: Notifications = Notifications {
    any: None,
    master: None,
    backup: None,
    fault: None,
    stop: None,
    tells_deleted: false,
    deleted: None,
    master_rx_lower_pri: None,
    priority_changes: false,
    mails: true,
    quiet_faults: false,
};

fn mails(lan: &Lan, from: usize) -> Vec<Mail> {
    let mail = |(_, action): &(_, Action)| match action {
        Action::Notify(notice) => notice.mail.clone(),
        _ => None,
    };
    lan.nodes[0].actions[from..].iter().filter_map(mail).collect()
}

fn subjects(lan: &Lan, from: usize) -> Vec<String> {
    mails(lan, from).into_iter().map(|mail| mail.subject).collect()
}

/// Master, then its link goes and comes back, then the end.
fn story(notifications: &Notifications) -> Lan {
    let mut configuration = one(100);
    configuration.virtual_routers[0].notifications = notifications.clone();
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(seconds(4));
    let mut down = link(ETH0, "eth0");
    down.up = false;
    lan.input(0, Input::Link(down));
    lan.input(0, Input::Link(link(ETH0, "eth0")));
    lan.input(0, Input::Shutdown { keep: false });
    lan
}

#[test]
fn each_state_is_mailed_where_that_is_asked_for_but_not_the_end() {
    let entering = |state| format!("VRRP Instance VI_1 - Entering {state} state");
    let all = ["BACKUP", "MASTER", "FAULT", "BACKUP"].map(entering);
    assert_eq!(subjects(&story(&MAILS), 0), all);
    let faultless: Vec<_> = all.into_iter().filter(|subject| !subject.contains("FAULT")).collect();
    assert_eq!(subjects(&story(&Notifications { quiet_faults: true, ..MAILS }), 0), faultless, "no_email_faults");
    assert_eq!(subjects(&story(&Notifications { mails: false, ..MAILS }), 0), [""; 0]);
}

#[test]
fn a_mail_says_why() {
    let texts: Vec<String> = mails(&story(&MAILS), 0).into_iter().map(|mail| mail.text).collect();
    assert_eq!(texts[1], "instance VI_1 is MASTER.\nWhy: no master heard for 3.609 s\nPriority: 100");
    assert!(texts[2].starts_with("instance VI_1 is FAULT.\nWhy: "), "{}", texts[2]);
}

#[test]
fn a_group_is_mailed_after_its_members() {
    let mut configuration = pair(100);
    configuration.sync_groups[0].notifications = MAILS;
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(seconds(4));
    assert_eq!(subjects(&lan, 0), ["BACKUP", "MASTER"].map(|state| format!("VRRP Group G - Entering {state} state")));
}

#[test]
fn what_a_reload_takes_away_is_mailed_as_fault_or_as_deleted() {
    for (tells_deleted, end) in [(false, "Entering FAULT state"), (true, "Deleted")] {
        let mut two = one(100);
        let mut second = virtual_router("VI_2", "eth1", 100);
        second.notifications = Notifications { tells_deleted, ..MAILS };
        two.virtual_routers.push(second);
        let mut lan = Lan::started(vec![two]);
        lan.run_for(seconds(4));
        let from = lan.nodes[0].actions.len();
        lan.input(0, Input::Reload(Arc::new(one(100))));
        assert_eq!(subjects(&lan, from), [format!("VRRP Instance VI_2 - {end}")]);
    }
}

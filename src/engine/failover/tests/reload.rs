//! From one configuration to the next: what is unchanged is untouched, what changed takes effect in place.

use super::lan::*;
use crate::engine::command::{Command, Outcome};
use crate::engine::event::EventKind;
use crate::engine::failover::{Action, Failover, Input, Past};
use crate::engine::model::{
    AddressRemovedPolicy, AdvertInterval, Authentication, Configuration, GratuitousArp, Notifications, Password,
    Priority, Settings, SyncGroup, VirtualAddress, Vrid, VrrpVersion,
};
use crate::engine::snapshot::VirtualRouterState::{Backup, Master};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Node 0 is master, node 1 its backup.
fn cluster() -> Lan {
    let mut lan = Lan::started(vec![one(200), one(100)]);
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [0]);
    lan
}

type Change = fn(&mut Configuration);

/// The configuration of a node, changed.
fn changed(lan: &Lan, n: usize, change: impl FnOnce(&mut Configuration)) -> Configuration {
    let mut configuration = lan.nodes[n].configuration.clone();
    change(&mut configuration);
    configuration
}

/// When a node's advertisements of this VRID went out.
fn sent(lan: &Lan, n: usize, vrid: u8, since: Instant) -> Vec<Duration> {
    let at = |(at, action): &(Instant, Action)| match action {
        Action::Advertise { message, .. } if message[1] == vrid && *at >= since => Some(at.duration_since(since)),
        _ => None,
    };
    lan.nodes[n].actions.iter().filter_map(at).collect()
}

fn transitions(lan: &Lan) -> Vec<usize> {
    lan.nodes.iter().map(|node| node.facts(EventKind::InstanceState).len()).collect()
}

/// `VI_n` on `eth0`, each with a VRID and an address of its own.
fn many(count: u8, priority: u8) -> Configuration {
    let router = |n: u8| {
        let mut router = virtual_router(&format!("VI_{n}"), "eth0", priority);
        (router.vrid, router.addresses) = (Vrid::new(n).unwrap(), vec![vip(100 + n)]);
        router
    };
    Configuration { virtual_routers: (1..=count).map(router).collect(), ..Configuration::default() }
}

#[test]
fn a_reload_of_the_same_configuration_does_nothing_at_all() {
    let mut lan = Lan::started(vec![pair(200), pair(100)]);
    lan.run_for(Duration::from_millis(10_100));
    for n in [0, 1] {
        let (before, next) = (lan.nodes[n].actions.len(), lan.nodes[n].core.as_ref().unwrap().poll_timeout());
        lan.reload(n, pair(if n == 0 { 200 } else { 100 }));
        assert_eq!(lan.nodes[n].actions.len(), before, "no action, not even a report");
        assert_eq!(lan.nodes[n].core.as_ref().unwrap().poll_timeout(), next);
    }
}

#[test]
fn what_a_reload_does_not_name_keeps_its_timers_counters_peers_and_history() {
    let mut lan = Lan::started(vec![many(4, 200), many(4, 100)]);
    lan.run_for(Duration::from_millis(10_300));
    let start = lan.now;
    let before = lan.status(0).remove(1);
    let new = changed(&lan, 0, |c| {
        c.virtual_routers.remove(0);
        c.virtual_routers[2].priority = Priority::new(180).unwrap();
        let mut added = virtual_router("VI_9", "eth1", 50);
        (added.vrid, added.addresses) = (Vrid::new(9).unwrap(), vec![vip(109)]);
        c.virtual_routers.insert(0, added);
    });
    lan.reload(0, new);
    assert_eq!(lan.status(0)[1], before, "another place in the file, and the same");
    lan.run_for(seconds(5));
    let usual: Vec<Duration> = sent(&lan, 0, 3, start);
    assert_eq!(sent(&lan, 0, 2, start), usual);
    assert_eq!(usual.len(), 5);
    assert!(usual.windows(2).all(|pair| pair[1] == pair[0] + seconds(1)), "{usual:?}");
    assert_eq!(lan.status(0)[1].counters.adverts_tx, before.counters.adverts_tx + 5);
}

#[test]
fn a_removed_master_resigns_and_takes_its_addresses_off_and_the_backup_takes_over() {
    let mut lan = Lan::started(vec![many(2, 200), many(2, 100)]);
    lan.run_for(seconds(10));
    let before = lan.nodes[0].actions.len();
    let new = changed(&lan, 0, |c| drop(c.virtual_routers.remove(1)));
    lan.reload(0, new);
    lan.run_for(Duration::from_millis(5));
    assert_eq!(lan.nodes[0].words(before), ["advertise 0", "remove 192.0.2.102/24", "remember 1"]);
    lan.run_for(seconds(1));
    assert_eq!((lan.holders(vip(102).address), lan.holders(vip(101).address)), (vec![1], vec![0]));
    assert_eq!(lan.nodes[0].remembered.len(), 1);
}

#[test]
fn the_last_instance_of_an_interface_leaves_it() {
    let mut lan = cluster();
    let before = lan.nodes[0].actions.len();
    lan.reload(0, Configuration::default());
    lan.run_for(Duration::from_millis(5));
    assert_eq!(lan.nodes[0].words(before), ["advertise 0", "leave", "remove 192.0.2.254/24", "remember 0"]);
    assert!(lan.status(0).is_empty());
    let new = one(200);
    lan.reload(0, new);
    lan.run_for(seconds(5));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![0], vec![0]), "new: as at a start");
}

#[test]
fn another_vrid_interface_version_or_name_makes_an_instance_that_starts_anew() {
    let cases: [fn(&mut Configuration); 4] = [
        |c| c.virtual_routers[0].vrid = Vrid::new(52).unwrap(),
        |c| c.virtual_routers[0].interface = "eth1".to_owned(),
        |c| c.virtual_routers[0].version = VrrpVersion::V3,
        |c| c.virtual_routers[0].name = "VI_NEW".to_owned(),
    ];
    for change in cases {
        let mut lan = Lan::started(vec![one(200)]);
        lan.run_for(seconds(10));
        let before = lan.nodes[0].actions.len();
        let new = changed(&lan, 0, change);
        lan.reload(0, new);
        let mut words = lan.nodes[0].words(before);
        words.retain(|word| word != "join" && word != "leave");
        assert_eq!(words, ["advertise 0", "remove 192.0.2.254/24"]);
        assert_eq!((lan.state(0), lan.status(0)[0].counters.adverts_tx), (Backup, 0));
        lan.run_for(seconds(10));
        assert_eq!((lan.state(0), lan.holders(vip(254).address), lan.nodes[0].remembered.len()), (Master, vec![0], 1));
    }
}

#[test]
fn another_priority_goes_out_with_the_next_advertisement_and_not_before() {
    let mut lan = cluster();
    let (start, before) = (lan.now, lan.nodes[0].actions.len());
    let new = changed(&lan, 0, |c| c.virtual_routers[0].priority = Priority::new(150).unwrap());
    lan.reload(0, new);
    assert_eq!(lan.nodes[0].words(before), [""; 0]);
    let told = lan.nodes[0].facts(EventKind::Priority).pop().unwrap();
    assert_eq!((told.subject.as_str(), told.from.as_deref(), told.to.as_deref()), ("VI_1", Some("200"), Some("150")));
    assert_eq!(lan.status(0)[0].effective_priority, 150);
    lan.run_for(seconds(1));
    assert_eq!(lan.nodes[0].words(before), ["advertise 150"]);
    assert_eq!(sent(&lan, 0, 51, start).len(), 1);
}

#[test]
fn a_raised_priority_preempts_by_the_normal_rules_and_a_lowered_one_gives_way() {
    let mut lan = cluster();
    let new = changed(&lan, 1, |c| c.virtual_routers[0].priority = Priority::new(250).unwrap());
    lan.reload(1, new);
    lan.run_for(seconds(4));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![1], vec![1]));
    let new = changed(&lan, 1, |c| c.virtual_routers[0].priority = Priority::new(50).unwrap());
    lan.reload(1, new);
    lan.run_for(seconds(6));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![0], vec![0]));
}

#[test]
fn nopreempt_that_comes_while_a_preemption_is_under_way_ends_it() {
    let mut lan = cluster();
    let raised = |lan: &Lan, preempt| {
        changed(lan, 1, |c| {
            c.virtual_routers[0].priority = Priority::new(250).unwrap();
            c.virtual_routers[0].preempt = preempt;
        })
    };
    let new = raised(&lan, true);
    lan.reload(1, new);
    lan.run_for(seconds(2));
    assert_eq!(lan.masters(), [0]);
    let new = raised(&lan, false);
    lan.reload(1, new);
    lan.run_for(seconds(30));
    assert_eq!((lan.masters(), transitions(&lan)), (vec![0], vec![2, 1]));
}

#[test]
fn no_reload_lets_a_backup_wait_longer_for_a_dead_master() {
    let words: [fn(&mut Configuration); 4] = [
        |c| c.virtual_routers[0].priority = Priority::new(1).unwrap(),
        |c| c.virtual_routers[0].advert_interval = AdvertInterval::from_centiseconds(1000).unwrap(),
        |c| c.virtual_routers[0].preempt = false,
        |c| c.virtual_routers[0].addresses.push(vip(253)),
    ];
    for word in words {
        let mut lan = cluster();
        let due = lan.nodes[1].core.as_ref().unwrap().poll_timeout();
        let new = changed(&lan, 1, word);
        lan.reload(1, new);
        assert_eq!(lan.nodes[1].core.as_ref().unwrap().poll_timeout(), due);
        lan.crash(0);
        lan.run_for(seconds(4));
        assert_eq!(lan.masters(), [1]);
    }
}

#[test]
fn a_shorter_interval_is_kept_from_now_on_and_a_longer_one_from_the_next_advertisement() {
    let mut configuration = one(200);
    configuration.virtual_routers[0].version = VrrpVersion::V3;
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(seconds(10));
    let rhythm = |lan: &mut Lan, centiseconds, span| {
        let start = lan.now;
        let new = changed(lan, 0, |c| {
            c.virtual_routers[0].advert_interval = AdvertInterval::from_centiseconds(centiseconds).unwrap();
        });
        lan.reload(0, new);
        lan.run_for(span);
        sent(lan, 0, 51, start).into_iter().map(|at| at.as_millis()).collect::<Vec<_>>()
    };
    let first = rhythm(&mut lan, 10, Duration::from_millis(350));
    assert_eq!(first, [100, 200, 300]);
    let second = rhythm(&mut lan, 200, seconds(5));
    assert_eq!(second, [50, 2050, 4050]);
}

#[test]
fn an_address_that_comes_is_written_down_put_on_and_announced_and_the_others_are_not() {
    let mut lan = cluster();
    let before = lan.nodes[0].actions.len();
    let new = changed(&lan, 0, |c| c.virtual_routers[0].addresses.push(vip(253)));
    lan.reload(0, new);
    let mut expected = vec!["remember 2".to_owned(), "add 192.0.2.253/24".to_owned()];
    expected.extend(vec!["announce .253".to_owned(); 5]);
    assert_eq!(lan.nodes[0].words(before), expected);
    let before = lan.nodes[1].actions.len();
    let new = changed(&lan, 1, |c| c.virtual_routers[0].addresses.push(vip(253)));
    lan.reload(1, new);
    assert_eq!(lan.nodes[1].words(before), [""; 0], "a backup has none");
}

#[test]
fn an_address_that_goes_is_taken_off_and_stays_written_down_until_the_kernel_confirmed() {
    let mut lan = cluster();
    let before = lan.nodes[0].actions.len();
    let new = changed(&lan, 0, |c| c.virtual_routers[0].addresses = vec![vip(253)]);
    lan.reload(0, new);
    assert_eq!(lan.nodes[0].words(before)[..3], ["remember 2", "add 192.0.2.253/24", "announce .253"]);
    assert_eq!(lan.nodes[0].words(before).last().map(String::as_str), Some("remove 192.0.2.254/24"));
    assert_eq!(lan.nodes[0].remembered.len(), 2);
    lan.run_for(Duration::from_millis(5));
    assert_eq!((lan.nodes[0].remembered.len(), lan.holders(vip(254).address)), (1, vec![]));
    assert!(lan.nodes[0].facts(EventKind::Drift).is_empty());
    let gone = lan.nodes[0].facts(EventKind::Address).pop().unwrap();
    assert_eq!((gone.subject.as_str(), gone.to.as_deref()), ("192.0.2.254/24", Some("absent")));
}

#[test]
fn an_instance_that_a_reload_ends_says_so_and_its_addresses_leave_under_its_name() {
    type Change = fn(&mut Configuration);
    for (change, why) in [
        ((|c| c.virtual_routers[0].name = "VI_ONE".to_owned()) as Change, "the instance left the configuration"),
        (|c| c.virtual_routers.clear(), "the instance left the configuration"),
        (|c| c.virtual_routers[0].vrid = Vrid::new(99).unwrap(), "the configuration makes another router of it"),
    ] {
        let mut lan = cluster();
        let new = changed(&lan, 0, change);
        lan.reload(0, new);
        lan.run_for(Duration::from_millis(5));
        let ended =
            lan.nodes[0].facts(EventKind::InstanceState).into_iter().rfind(|f| f.from.as_deref() == Some("MASTER"));
        let ended = ended.unwrap();
        assert_eq!((ended.subject.as_str(), ended.to.as_deref()), ("VI_1", Some("INIT")));
        assert_eq!(ended.reason.as_deref(), Some(why));
        let gone = lan.nodes[0].facts(EventKind::Address).pop().unwrap();
        assert_eq!((gone.subject.as_str(), gone.to.as_deref()), ("192.0.2.254/24", Some("absent")));
        assert_eq!(gone.detail.as_deref(), Some("VI_1"));
    }
}

#[test]
fn an_address_that_goes_while_others_flap_never_comes_back() {
    let mut lan = cluster();
    let new = changed(&lan, 0, |c| c.virtual_routers[0].addresses.push(vip(253)));
    lan.reload(0, new);
    lan.run_for(seconds(1));
    lan.nodes[0].refuses_removals = true;
    let new = changed(&lan, 0, |c| drop(c.virtual_routers[0].addresses.remove(0)));
    lan.reload(0, new);
    lan.nodes[0].refuses_removals = false;
    lan.meddle(0, ETH0, vip(253).address, 24, false);
    lan.run_for(seconds(2));
    assert_eq!(lan.nodes[0].remembered.len(), 2, "the kernel refused, and it is still there");
    lan.crash(0);
    lan.boot(0);
    lan.run_for(seconds(5));
    // The other node still has that one alone: with no address in common it is a stranger, and master of its own.
    assert_eq!((lan.holders(vip(254).address), lan.nodes[0].remembered.len()), (vec![1], 1));
}

#[test]
fn an_address_that_moves_to_another_master_or_changes_its_prefix_never_leaves_the_host() {
    let mut lan = Lan::started(vec![many(2, 200)]);
    lan.run_for(seconds(10));
    let before = lan.nodes[0].actions.len();
    let new = changed(&lan, 0, |c| {
        let moved = c.virtual_routers[0].addresses.remove(0);
        c.virtual_routers[1].addresses.push(moved);
    });
    lan.reload(0, new);
    assert_eq!(lan.nodes[0].words(before), [""; 0], "it is on already");
    let new = changed(&lan, 0, |c| c.virtual_routers[1].addresses[1].prefix = 32);
    lan.reload(0, new);
    let words = lan.nodes[0].words(before);
    let place = |word: &str| words.iter().position(|w| w == word).unwrap();
    assert!(place("add 192.0.2.101/32") < place("remove 192.0.2.101/24"), "{words:?}");
    lan.run_for(seconds(1));
    assert!(lan.nodes[0].addresses.contains(&(ETH0, vip(101).address, 32)));
    assert_eq!((lan.nodes[0].remembered.len(), lan.nodes[0].warnings()), (2, vec![]));
}

#[test]
fn an_address_of_a_removed_master_that_another_master_gets_never_leaves_the_host() {
    let mut lan = Lan::started(vec![many(3, 200)]);
    lan.run_for(seconds(10));
    let before = lan.nodes[0].actions.len();
    let new = changed(&lan, 0, |c| {
        let mut gone = c.virtual_routers.remove(0);
        gone.addresses.push(vip(99));
        c.virtual_routers[1].addresses.append(&mut gone.addresses);
        c.virtual_routers.remove(0);
    });
    lan.reload(0, new);
    lan.run_for(Duration::from_millis(5));
    let words = lan.nodes[0].words(before);
    let changes: Vec<_> = words.iter().filter(|w| w.starts_with("add ") || w.starts_with("remove ")).collect();
    assert_eq!(changes, ["add 192.0.2.99/24", "remove 192.0.2.102/24"], "{words:?}");
    lan.input(0, Input::Shutdown { keep: false });
    lan.run_for(seconds(1));
    assert_eq!((lan.holders(vip(101).address), lan.nodes[0].remembered.len()), (vec![], 0), "it is ours to take off");
}

#[test]
fn another_label_alone_interrupts_nothing_is_told_and_is_used_the_next_time() {
    let mut lan = cluster();
    let before = lan.nodes[0].actions.len();
    let new = changed(&lan, 0, |c| c.virtual_routers[0].addresses[0].label = Some("eth0:web".to_owned()));
    lan.reload(0, new);
    assert_eq!(lan.nodes[0].words(before), [""; 0]);
    let told = lan.nodes[0].facts(EventKind::Address).last().unwrap().clone();
    let (subject, reason) = (told.subject.as_str(), told.reason.as_deref().unwrap_or_default());
    assert_eq!(subject, "192.0.2.254/24");
    assert!(reason.starts_with("its new words are used when this host becomes master the next time"), "{reason}");
    lan.set_link(0, ETH0, false);
    lan.run_for(seconds(1));
    lan.set_link(0, ETH0, true);
    lan.run_for(seconds(10));
    let labels: Vec<_> = lan.nodes[0].actions[before..]
        .iter()
        .filter_map(|(_, action)| match action {
            Action::AddAddress { address, .. } => address.label.clone(),
            _ => None,
        })
        .collect();
    assert_eq!((lan.masters(), labels), (vec![0], vec!["eth0:web".to_owned()]));
}

#[test]
fn an_address_added_on_one_node_first_never_makes_two_masters() {
    for version in [VrrpVersion::V2, VrrpVersion::V3] {
        for first in [0, 1] {
            let mut configurations = vec![one(200), one(100)];
            for configuration in &mut configurations {
                configuration.virtual_routers[0].version = version;
            }
            let mut lan = Lan::started(configurations);
            lan.run_for(seconds(10));
            let before = transitions(&lan);
            for n in [first, 1 - first] {
                let new = changed(&lan, n, |c| c.virtual_routers[0].addresses.push(vip(253)));
                lan.reload(n, new);
                for _ in 0..100 {
                    lan.run_for(Duration::from_millis(100));
                    assert_eq!(lan.masters(), [0]);
                }
                let differ = lan.nodes[1].warnings().contains(&"address-list-mismatch".to_owned());
                assert_eq!(differ, n == first, "said while it is so");
            }
            assert_eq!((transitions(&lan), lan.holders(vip(253).address)), (before, vec![0]));
            assert_eq!(lan.status(1)[0].counters.rejected_count, 0);
        }
    }
}

#[test]
fn another_password_is_used_from_the_next_advertisement_on() {
    let mut lan = cluster();
    for n in [0, 1] {
        let new = changed(&lan, n, |c| {
            c.virtual_routers[0].authentication = Authentication::Pass(Password::new("secret"));
        });
        lan.reload(n, new);
    }
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.status(1)[0].counters.rejected_auth_type), (vec![0], 0));
}

#[test]
fn another_refresh_of_gratuitous_arp_begins_and_ends_at_once() {
    let mut lan = cluster();
    let with = |lan: &Lan, refresh| {
        changed(lan, 0, |c| c.virtual_routers[0].garp = GratuitousArp { refresh, ..GratuitousArp::default() })
    };
    let announced = |lan: &mut Lan, new| {
        let before = lan.nodes[0].actions.len();
        lan.reload(0, new);
        lan.run_for(seconds(10));
        lan.nodes[0].words(before).iter().filter(|word| word.starts_with("announce")).count()
    };
    let new = with(&lan, seconds(2));
    assert_eq!(announced(&mut lan, new), 5);
    let new = with(&lan, Duration::ZERO);
    assert_eq!(announced(&mut lan, new), 0);
}

#[test]
fn routers_of_one_state_are_grouped_and_ungrouped_without_a_flap() {
    let grouped = |c: &mut Configuration| {
        c.sync_groups = vec![SyncGroup {
            name: "G".into(),
            members: vec!["VI_1".into(), "VI_2".into()],
            notifications: Notifications::default(),
        }];
    };
    let mut lan = Lan::started(vec![many(2, 200), many(2, 100)]);
    lan.run_for(seconds(10));
    let before = transitions(&lan);
    for n in [0, 1] {
        let new = changed(&lan, n, grouped);
        lan.reload(n, new);
    }
    lan.run_for(seconds(10));
    assert_eq!(transitions(&lan), before);
    lan.set_link(0, ETH0, false);
    assert!(lan.status(0)[1].reason.contains("interface eth0 is down"));
    lan.set_link(0, ETH0, true);
    lan.run_for(seconds(10));
    let before = transitions(&lan);
    for n in [0, 1] {
        let new = changed(&lan, n, |c| c.sync_groups.clear());
        lan.reload(n, new);
    }
    lan.run_for(seconds(10));
    assert_eq!((transitions(&lan), lan.masters()), (before, vec![0]));
}

#[test]
fn a_member_that_waits_for_its_group_leads_as_soon_as_it_is_alone() {
    let mut lan = Lan::started(vec![pair(200), pair(100)]);
    lan.run_for(seconds(10));
    // Node 1 hears node 0 on eth0 only.
    lan.nodes[0].links[1].up = false;
    lan.run_for(seconds(30));
    assert_eq!(lan.status(1)[1].state, Backup);
    let new = changed(&lan, 1, |c| c.sync_groups.clear());
    lan.reload(1, new);
    assert_eq!((lan.status(1)[0].state, lan.status(1)[1].state), (Backup, Master));
}

#[test]
fn a_hold_and_a_failover_that_waits_survive_a_reload_even_of_another_interface() {
    let mut lan = cluster();
    lan.command(0, Command::Failover { instance: None, hold_seconds: None, blind: false });
    let new = changed(&lan, 0, |c| c.virtual_routers[0].priority = Priority::new(220).unwrap());
    lan.reload(0, new);
    assert!(lan.nodes[0].answers.is_empty());
    lan.run_for(seconds(5));
    assert_eq!((lan.nodes[0].answer().outcome, lan.masters()), (Outcome::Done, vec![1]));
    let new = changed(&lan, 0, |c| c.virtual_routers[0].interface = "eth1".to_owned());
    lan.reload(0, new);
    assert!(lan.status(0)[0].held.is_some());
    lan.reload(0, Configuration::default());
    let told = lan.nodes[0].facts(EventKind::Hold).pop().unwrap();
    assert_eq!((told.subject.as_str(), told.to.as_deref()), ("VI_1", Some("ended")));
    assert_eq!(told.reason.as_deref(), Some("the instance left the configuration"));
}

#[test]
fn a_failover_whose_instance_leaves_the_file_is_answered() {
    let mut lan = Lan::started(vec![many(2, 200)]);
    lan.run_for(seconds(10));
    lan.command(0, Command::Failover { instance: Some("VI_2".to_owned()), hold_seconds: None, blind: false });
    let new = changed(&lan, 0, |c| drop(c.virtual_routers.remove(1)));
    lan.reload(0, new);
    let answer = lan.nodes[0].answer();
    assert_eq!(
        (answer.outcome, answer.message.as_str()),
        (Outcome::Failed, "VI_2: the instance left the configuration")
    );
}

#[test]
fn a_takeover_survives_a_reload() {
    let mut lan = cluster();
    lan.command(1, Command::Takeover { instance: "VI_1".to_owned() });
    lan.run_for(seconds(5));
    let new = changed(&lan, 1, |c| c.virtual_routers[0].priority = Priority::new(120).unwrap());
    lan.reload(1, new);
    lan.run_for(seconds(5));
    assert_eq!((lan.masters(), lan.status(1)[0].priority, lan.status(1)[0].effective_priority), (vec![1], 120, 254));
}

#[test]
fn a_virtual_router_that_becomes_ours_is_no_strange_one_any_more() {
    let mut lan = Lan::started(vec![one(200), many(1, 100)]);
    lan.run_for(seconds(10));
    assert_eq!(lan.nodes[1].warnings(), ["foreign-vrid"]);
    let new = changed(&lan, 1, |c| c.virtual_routers.push(virtual_router("VI_X", "eth0", 90)));
    lan.reload(1, new);
    assert_eq!(lan.nodes[1].warnings(), [""; 0]);
}

#[test]
fn a_reload_before_the_start_and_one_after_the_end_do_no_harm() {
    let now = Instant::now();
    let mut core = Failover::new(&one(255), Past::default(), now);
    core.handle(now, Input::Reload(Arc::new(many(3, 100))));
    assert!(core.poll_action().is_none());
    let mut lan = cluster();
    lan.input(0, Input::Shutdown { keep: false });
    lan.reload(0, many(3, 100));
    lan.run_for(seconds(2));
    assert!(lan.nodes[0].core.as_ref().unwrap().is_stopped());
}

/// A configuration of up to four instances, each word of which may be another.
fn any_configuration(random: &mut Random) -> Configuration {
    let mut configuration = Configuration::default();
    for n in 1..=4u8 {
        if random.chance(25) {
            continue;
        }
        let interface = random.pick(&["eth0", "eth0", "eth0", "eth1"]);
        let mut router = virtual_router(&format!("VI_{n}"), interface, random.pick(&[100, 150, 200]));
        router.vrid = Vrid::new(n + 10 * u8::from(random.chance(10))).unwrap();
        router.version = if random.chance(85) { VrrpVersion::V2 } else { VrrpVersion::V3 };
        router.preempt = random.chance(80);
        router.preempt_delay = seconds(random.pick(&[0, 0, 5]));
        router.garp.refresh = seconds(random.pick(&[0, 0, 3]));
        router.addresses = Vec::new();
        for last in 0..3 {
            if random.chance(60) {
                let interface = random.chance(15).then(|| "eth1".to_owned());
                let prefix = random.pick(&[24, 24, 24, 32]);
                let address = IpAddr::from([192, 0, 2, 100 + n * 10 + last]);
                router.addresses.push(VirtualAddress { interface, ..VirtualAddress::new(address, prefix) });
            }
        }
        configuration.virtual_routers.push(router);
    }
    if random.chance(40) {
        configuration.virtual_routers.reverse();
    }
    if random.chance(40) {
        let members =
            configuration.virtual_routers.iter().map(|r| r.name.clone()).filter(|_| random.chance(60)).collect();
        configuration.sync_groups =
            vec![SyncGroup { name: "G".to_owned(), members, notifications: Notifications::default() }];
    }
    configuration
}

#[test]
fn after_any_sequence_of_reloads_the_core_is_that_of_the_last_configuration() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let first = any_configuration(&mut random);
        let mut lan = Lan::started(vec![first]);
        for _ in 0..8 {
            let pause = Duration::from_millis(random.below(6000));
            lan.run_for(pause);
            let new = any_configuration(&mut random);
            match random.below(6) {
                0 => lan.set_link(0, ETH1, random.chance(50)),
                1 => lan.command(0, Command::Failover { instance: None, hold_seconds: Some(5), blind: false }),
                2 => lan.command(0, Command::Takeover { instance: "VI_1".to_owned() }),
                _ => {}
            }
            lan.reload(0, new.clone());
            let (before, due) = (lan.nodes[0].actions.len(), lan.nodes[0].core.as_ref().unwrap().poll_timeout());
            lan.reload(0, new);
            assert_eq!(lan.nodes[0].actions.len(), before, "seed {seed}: the second reload does nothing");
            assert_eq!(lan.nodes[0].core.as_ref().unwrap().poll_timeout(), due, "seed {seed}");
        }
        lan.set_link(0, ETH1, true);
        lan.command(0, Command::Rejoin { instance: None });
        lan.run_for(seconds(60));
        let configuration = lan.nodes[0].configuration.clone();
        let core = lan.nodes[0].core.as_ref().unwrap();
        let fresh = Failover::new(&configuration, Past::default(), lan.now);
        assert_eq!(core.shape(), fresh.shape(), "seed {seed}");
        assert!(lan.status(0).iter().all(|status| status.state == Master), "seed {seed}: alone, it leads them all");
        let index = |interface: &str| if interface == "eth0" { ETH0 } else { ETH1 };
        let mut wanted: Vec<_> = configuration
            .virtual_routers
            .iter()
            .flat_map(|r| r.addresses.iter().map(move |a| (a.interface.as_ref().unwrap_or(&r.interface), a)))
            .map(|(interface, a)| (index(interface), a.address, a.prefix))
            .collect();
        let mut found: Vec<_> = lan.nodes[0].addresses.clone();
        let own = |known: &(u32, IpAddr, u8)| {
            known.1.is_ipv6() || known.1 == IpAddr::from([192, 0, 2, 11]) || known.1 == IpAddr::from([198, 51, 100, 11])
        };
        found.retain(|known| !own(known));
        wanted.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, wanted, "seed {seed}");
        assert_eq!(lan.nodes[0].remembered.len(), wanted.len(), "seed {seed}");
        assert_eq!(lan.nodes[0].warnings(), [""; 0], "seed {seed}");
    }
}

/// `n` instances on 20 interfaces with two addresses each, half of them in groups of two.
fn five_hundred(priority: u8) -> Configuration {
    let router = |n: u16| {
        let mut router = virtual_router(&format!("VI_{n}"), "eth0", priority);
        let [high, low] = n.to_be_bytes();
        router.interface = format!("eth{}", n % 20);
        router.vrid = Vrid::new(u8::try_from(n / 20 + 1).unwrap()).unwrap();
        let address = |third| VirtualAddress { address: IpAddr::from([10, third, high, low]), ..vip(0) };
        router.addresses = vec![address(1), address(2)];
        router
    };
    let pair = |n: u16| SyncGroup {
        name: format!("G{n}"),
        members: vec![format!("VI_{n}"), format!("VI_{}", n + 1)],
        notifications: Notifications::default(),
    };
    Configuration {
        virtual_routers: (0..500).map(router).collect(),
        sync_groups: (0..250).step_by(2).map(pair).collect(),
        ..Configuration::default()
    }
}

#[test]
fn five_hundred_instances_go_through_every_kind_of_reload_as_masters() {
    let mut lan = Lan::new(vec![five_hundred(200)]);
    lan.nodes[0].links = (0..20).map(|n| link(n + 2, &format!("eth{n}"))).collect();
    lan.nodes[0].addresses = (0..20u8).map(|n| (u32::from(n) + 2, IpAddr::from([192, 0, n, 11]), 24)).collect();
    lan.boot(0);
    lan.run_for(seconds(10));
    assert!(lan.status(0).iter().all(|status| status.state == Master));
    let changes: [(&str, Change); 6] = [
        ("nothing", |_| {}),
        ("one priority", |c| c.virtual_routers[7].priority = Priority::new(201).unwrap()),
        ("one address more", |c| c.virtual_routers[7].addresses.push(vip(7))),
        ("one instance less", |c| drop(c.virtual_routers.remove(3))),
        ("every priority", |c| {
            c.virtual_routers.iter_mut().for_each(|r| r.priority = Priority::new(210).unwrap());
        }),
        ("another address each", |c| {
            for (n, router) in (0u16..).zip(&mut c.virtual_routers) {
                let [high, low] = n.to_be_bytes();
                router.addresses[1].address = IpAddr::from([10, 3, high, low]);
            }
        }),
    ];
    for (what, change) in changes {
        let new = Arc::new(changed(&lan, 0, change));
        lan.nodes[0].configuration = (*new).clone();
        lan.input(0, Input::Reload(new));
        lan.run_for(seconds(2));
        assert!(lan.status(0).iter().all(|status| status.state == Master), "{what}");
        assert!(lan.status(0).iter().all(|status| status.addresses == status.addresses_here), "{what}");
    }
}

#[test]
fn settings_of_lvsdeck_toml_count_from_the_reload_on_for_every_instance() {
    let mut lan = cluster();
    let settings = Settings { address_removed: AddressRemovedPolicy::StepDown, ..Settings::default() };
    let new = changed(&lan, 0, |configuration| configuration.follow(settings));
    let (masters, sendings) = (transitions(&lan), sent(&lan, 0, 51, lan.now).len());
    lan.reload(0, new);
    assert_eq!((transitions(&lan), sent(&lan, 0, 51, lan.now).len()), (masters, sendings), "nothing else happens");
    lan.meddle(0, ETH0, vip(254).address, 24, false);
    lan.run_for(seconds(1));
    assert_eq!(lan.masters(), [1]);
}

use super::*;
use crate::engine::config::parse;
use crate::engine::event::{EventKind, Fact};
use crate::engine::ipvs::{Destination, IpvsTable, Service, Traffic, Tunnel};
use crate::engine::model::{Forwarding, VirtualRouter, Weight};
use crate::engine::snapshot::{Admin, Health, Moment, PeerState, VirtualRouterState};
use crate::engine::vrrp::Overheard;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

const FILE: &str = "vrrp_instance VI_web {\n interface eth0\n virtual_router_id 51\n priority 150\n \
    virtual_ipaddress {\n 10.0.0.1/24\n }\n}\n\
    virtual_server 10.0.0.1 80 {\n lb_algo rr\n lb_kind DR\n protocol TCP\n real_server 10.0.0.71 80 {\n weight 5\n }\n \
    real_server 10.0.0.72 80 {\n weight 5\n }\n}\n";

fn routers() -> Vec<VirtualRouter> {
    parse("x.conf", FILE).configuration.unwrap().virtual_routers
}

fn start() -> Moment {
    Moment { now: Instant::now(), wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) }
}

fn later(start: Moment, ms: u64) -> Moment {
    let ms = Duration::from_millis(ms);
    Moment { now: start.now + ms, wall: start.wall + ms }
}

fn advert(from: &str, priority: u8) -> Overheard {
    Overheard {
        source: from.parse().unwrap(),
        version: 2,
        vrid: 51,
        priority,
        interval: Duration::from_secs(1),
        addresses: vec!["10.0.0.1".parse().unwrap()],
        fault: None,
    }
}

fn heard(from: &str, priority: u8, ours: bool) -> Heard {
    Heard { interface: "eth0".to_owned(), ours, advertisement: advert(from, priority) }
}

fn host(keepalived: bool) -> Host {
    Host { addresses: ["10.0.0.1".parse().unwrap()].into(), keepalived, listens: true, ..Host::default() }
}

fn told(facts: &[Fact]) -> Vec<(EventKind, String, String)> {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    facts
        .iter()
        .map(|f| (f.kind, format!("{} {}>{}", f.subject, text(&f.from), text(&f.to)), text(&f.reason)))
        .collect()
}

#[test]
fn an_instance_is_master_while_this_host_advertises_and_has_its_name_from_the_file() {
    let t = start();
    let mut listening = Listening::new(t, &routers());
    let (statuses, facts) = listening.look(t, &host(true));
    assert_eq!((statuses.len(), statuses[0].name.as_str(), facts.len()), (1, "VI_web", 0));
    assert_eq!(statuses[0].state, VirtualRouterState::Init, "nothing was heard, nothing is guessed");
    assert!(listening.hear(t, heard("10.0.0.11", 150, true)));
    let (statuses, facts) = listening.look(t, &host(true));
    assert_eq!((statuses[0].state, statuses[0].priority), (VirtualRouterState::Master, 150));
    assert_eq!(statuses[0].addresses_here, ["10.0.0.1/24"]);
    assert_eq!(told(&facts)[0].1, "VI_web INIT>MASTER");
    assert!(!listening.hear(later(t, 1000), heard("10.0.0.11", 150, true)), "the same again is no news");
}

#[test]
fn it_is_backup_only_beside_a_keepalived_of_that_file_and_silence_is_told() {
    let t = start();
    let mut listening = Listening::new(t, &routers());
    listening.hear(t, heard("10.0.0.12", 100, false));
    let state = |listening: &mut Listening, at, keepalived| listening.look(at, &host(keepalived)).0[0].clone();
    assert_eq!(state(&mut listening, t, false).state, VirtualRouterState::Init);
    let backup = state(&mut listening, t, true);
    assert_eq!(
        (backup.state, backup.reason.as_str()),
        (VirtualRouterState::Backup, "10.0.0.12 is master, priority 100")
    );
    assert_eq!((backup.peers[0].state, backup.peers[0].last_priority), (PeerState::Master, Some(100)));
    // Three intervals and a skew of 156/256 s.
    assert_eq!(state(&mut listening, later(t, 3_600), true).state, VirtualRouterState::Backup);
    let (silent, facts) = listening.look(later(t, 3_610), &host(true));
    assert_eq!((silent[0].state, silent[0].peers[0].state), (VirtualRouterState::Init, PeerState::Silent));
    assert_eq!(told(&facts)[0].2, "10.0.0.12 is silent, nobody advertises");
}

#[test]
fn an_interface_without_link_hears_nothing_and_keepalived_is_in_fault() {
    let on = |keepalived, link| Host { links: [("eth0".to_owned(), link)].into(), ..host(keepalived) };
    let why = "the link of eth0 is down: nothing can be heard there";
    for (keepalived, file, state) in [
        (true, FILE.to_owned(), VirtualRouterState::Fault),
        (true, FILE.replace("priority 150", "priority 150\n dont_track_primary"), VirtualRouterState::Init),
        (false, FILE.to_owned(), VirtualRouterState::Init),
    ] {
        let t = start();
        let mut listening = Listening::new(t, &parse("x.conf", &file).configuration.unwrap().virtual_routers);
        listening.hear(t, heard("10.0.0.12", 100, false));
        listening.look(t, &on(keepalived, true));
        // At once, though the other one counts as master for three seconds more where it can be heard.
        let t = later(t, 100);
        let (statuses, facts) = listening.look(t, &on(keepalived, false));
        assert_eq!((statuses[0].state, statuses[0].reason.as_str()), (state, why), "{file}");
        assert_eq!(told(&facts)[0].2, why);
        assert_eq!((&statuses[0].next, statuses[0].peers[0].state), (&None, PeerState::Silent));
        let (statuses, _) = listening.look(later(t, 100), &on(keepalived, true));
        assert_eq!(statuses[0].reason, "10.0.0.12 is master, priority 100");
    }
    let mut listening = Listening::new(start(), &routers());
    let other = Host { links: [("eth1".to_owned(), true)].into(), ..host(true) };
    let gone = listening.look(start(), &other).0[0].reason.clone();
    assert_eq!(gone, "there is no interface eth0: nothing can be heard there");
}

#[test]
fn a_resignation_counts_at_once_and_two_masters_are_a_split_brain() {
    let t = start();
    let mut listening = Listening::new(t, &routers());
    listening.hear(t, heard("10.0.0.11", 150, true));
    listening.look(t, &host(true));
    let t = later(t, 1);
    assert!(listening.hear(t, heard("10.0.0.12", 100, false)));
    assert_eq!(listening.look(t, &host(true)).1, [], "a lower priority may still give way");
    let t = later(t, 1);
    listening.hear(t, heard("10.0.0.11", 150, true));
    listening.hear(later(t, 1), heard("10.0.0.12", 100, false));
    let t = later(t, 1);
    let (_, facts) = listening.look(t, &host(true));
    assert_eq!(told(&facts)[0].0, EventKind::SplitBrain);
    assert!(listening.hear(t, heard("10.0.0.11", 0, true)));
    let (statuses, _) = listening.look(t, &host(true));
    assert_eq!(statuses[0].state, VirtualRouterState::Backup);
    assert_eq!((statuses[0].counters.priority_zero_tx, statuses[0].counters.adverts_rx), (1, 2));
}

#[test]
fn a_preemption_is_no_split_brain() {
    let t = start();
    let mut listening = Listening::new(t, &routers());
    for ms in 0..3 {
        listening.hear(later(t, ms), heard("10.0.0.11", 100, true));
    }
    listening.look(later(t, 2), &host(true));
    listening.hear(later(t, 3), heard("10.0.0.12", 150, false));
    let (statuses, facts) = listening.look(later(t, 3), &host(true));
    assert_eq!(statuses[0].state, VirtualRouterState::Backup);
    assert!(told(&facts).iter().all(|(kind, ..)| *kind == EventKind::InstanceState), "{facts:?}");
    listening.hear(later(t, 4), heard("10.0.0.12", 150, false));
    assert_eq!(listening.look(later(t, 4), &host(true)).1, []);
}

#[test]
fn strangers_get_a_name_of_their_place_and_broken_packets_make_no_instance() {
    let t = start();
    let mut listening = Listening::new(t, &[]);
    let mut broken = heard("10.0.0.66", 255, false);
    broken.advertisement.fault = Some(crate::engine::vrrp::DecodeError::Ttl(64));
    assert!(!listening.hear(t, broken.clone()));
    assert!(listening.look(t, &host(false)).0.is_empty());
    listening.hear(t, heard("10.0.0.12", 100, false));
    listening.hear(t, broken);
    let (statuses, _) = listening.look(t, &host(false));
    assert_eq!((statuses[0].name.as_str(), statuses[0].counters.rejected_ttl), ("eth0/51", 1));
    for vrid in 1..=255 {
        for interface in ["a", "b", "c"] {
            let mut stranger = heard("10.0.0.12", 100, false);
            (stranger.advertisement.vrid, stranger.interface) = (vrid, interface.to_owned());
            listening.hear(t, stranger);
        }
    }
    assert_eq!(listening.look(t, &host(false)).0.len(), 256);
}

fn table(servers: &[(&str, u32)]) -> IpvsTable {
    let destination = |weight| Destination {
        forwarding: Forwarding::Dr,
        tunnel: Tunnel::Ipip,
        weight: Weight::new(weight).unwrap(),
        upper_threshold: 0,
        lower_threshold: 0,
        active: 3,
        inactive: 4,
        persistent: 0,
        traffic: Traffic::default().into(),
    };
    let service = Service {
        scheduler: "wrr".to_owned(),
        persistence: None,
        odd_mask: None,
        one_packet: false,
        scheduler_flags: 0,
        engine: None,
        destinations: servers.iter().map(|(key, weight)| (key.parse().unwrap(), destination(*weight))).collect(),
        traffic: Traffic::default(),
    };
    IpvsTable { services: BTreeMap::from([("tcp/10.0.0.1:80".parse().unwrap(), service)]) }
}

#[test]
fn the_table_is_shown_as_it_is_and_what_the_file_has_beside_it_is_down() {
    let t = start();
    let mut watch = TableWatch::new(parse("x.conf", FILE).configuration.unwrap().virtual_servers);
    let (services, facts) = watch.look(t, &table(&[("10.0.0.71:80", 5)]));
    assert!(facts.is_empty(), "what is found at first is no news: {facts:?}");
    let [service] = &services[..] else { panic!("{services:?}") };
    assert_eq!((service.scheduler.name(), service.quorum.have, service.quorum.up), ("wrr", 5, true));
    let [first, second] = &service.real_servers[..] else { panic!("{service:?}") };
    assert_eq!((first.health, first.weight, first.active, first.admin), (Health::Up, 5, 3, Admin::Enabled));
    assert_eq!((second.health, second.kernel, second.configured_weight), (Health::Down, None, 5));
}

#[test]
fn what_comes_and_goes_and_changes_its_weight_is_told_once() {
    let t = start();
    let mut watch = TableWatch::default();
    watch.look(t, &table(&[("10.0.0.71:80", 5), ("10.0.0.72:80", 5)]));
    let subject = "tcp/10.0.0.1:80 10.0.0.71:80";
    let mut told_at = |second: u64, table: &IpvsTable| told(&watch.look(later(t, second * 1000), table).1);
    let changed = told_at(1, &table(&[("10.0.0.71:80", 0), ("10.0.0.72:80", 5)]));
    assert_eq!(changed, [(EventKind::ServerWeight, format!("{subject} 5>0"), String::new())]);
    assert!(told_at(2, &table(&[("10.0.0.71:80", 0), ("10.0.0.72:80", 5)])).is_empty());
    let gone = told_at(3, &table(&[("10.0.0.72:80", 5)]));
    assert_eq!(gone, [(EventKind::ServerTable, format!("{subject} >absent"), String::new())]);
    assert!(told_at(4, &table(&[("10.0.0.72:80", 5)])).is_empty());
    let back = told_at(5, &table(&[("10.0.0.71:80", 5), ("10.0.0.72:80", 5)]));
    assert_eq!(back, [(EventKind::ServerTable, format!("{subject} >present"), String::new())]);
    let empty = told_at(6, &IpvsTable::default());
    assert_eq!(empty, [(EventKind::ServiceTable, "tcp/10.0.0.1:80 >absent".to_owned(), String::new())]);
}

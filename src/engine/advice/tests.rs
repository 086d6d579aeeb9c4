//! Each rule on and off, beside a healthy host on which none speaks.

use super::*;
use crate::engine::config;
use crate::engine::model::Family;
use crate::engine::snapshot::{
    Admin, ConfigStatus, Counters, Health, KernelServer, QuorumStatus, Rates, RealServerStatus, Role,
    VirtualServerStatus,
};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const ROUTER: &str =
    "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n virtual_ipaddress {\n VIP\n }\n}\n";
const CHECK: &str = "TCP_CHECK {\n connect_timeout 3\n }";

/// A configuration with VIP 10.0.0.100/24 on eth0 and a service on it.
fn configuration(vip: &str, service: &str) -> Configuration {
    let loaded = config::parse("test.conf", &format!("{}{service}", ROUTER.replace("VIP", vip)));
    loaded.configuration.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

fn service(kind: &str, protocol: &str, words: &str, server: &str, server_words: &str) -> String {
    format!(
        "virtual_server 10.0.0.100 80 {{\n lb_kind {kind}\n lb_algo wlc\n protocol {protocol}\n {words}\n \
         real_server {server} 80 {{\n weight 1\n {server_words}\n {CHECK}\n }}\n}}\n"
    )
}

fn nat() -> Configuration {
    configuration("10.0.0.100/24", &service("NAT", "TCP", "", "10.0.0.71", ""))
}
fn dr() -> Configuration {
    configuration("10.0.0.100/24", &service("DR", "TCP", "", "10.0.0.71", ""))
}

fn address(interface: &str, address: &str, prefix: u8) -> HostAddress {
    HostAddress { interface: interface.into(), address: address.parse().unwrap(), prefix }
}

/// eth0 with 10.0.0.11/24, nothing strict, nothing off, nothing filtered.
fn facts() -> Facts {
    let words = InterfaceWords { forwarding: true, ..InterfaceWords::default() };
    Facts {
        interfaces: ["all", "lo", "eth0", "eth1", "tunl0"].map(|name| (name.to_owned(), words)).into(),
        ipv6_forwarding: Some(true),
        addresses: Some(vec![address("lo", "127.0.0.1", 8), address("eth0", "10.0.0.11", 24)]),
        default_routes: ["eth0".to_owned()].into(),
        vs: ["expire_nodest_conn", "expire_quiescent_template", "conn_reuse_mode", "run_estimation"]
            .map(|word| (word.to_owned(), 1))
            .into(),
        ipvs: Some(IpvsFacts { table_size: 4_096, ..IpvsFacts::default() }),
        schedulers: Some(["ip_vs_wlc".to_owned()].into()),
        firewall: Some(Vec::new()),
        vrrp_beside: false,
        clock: Clock {
            wall: Some(SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)),
            synchronised: Some(true),
            jump: None,
        },
    }
}

fn with(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = facts();
    change(&mut facts);
    facts
}

fn interface(facts: &mut Facts, name: &str, change: impl FnOnce(&mut InterfaceWords)) {
    change(facts.interfaces.get_mut(name).unwrap());
}

fn status() -> Status {
    let config = ConfigStatus { file: String::new(), loaded_at: SystemTime::UNIX_EPOCH, generation: 1 };
    Status {
        version: 1,
        node: "d1".into(),
        pid: 1,
        mode: "run".into(),
        dataplane: "kernel".into(),
        config,
        role: Role::Backup,
        last_event: 0,
        changed_at: None,
        virtual_routers: Vec::new(),
        virtual_servers: Vec::new(),
        drift: Vec::new(),
        foreign_routers: Vec::new(),
        foreign: Vec::new(),
        ipvs: None,
        warnings: Vec::new(),
    }
}

/// A status in which the only server of the only service has this admin state.
fn with_server(configuration: &Configuration, admin: Admin) -> Status {
    let service = &configuration.virtual_servers[0];
    let server = RealServerStatus {
        key: service.real_servers[0].key,
        forward: service.forwarding,
        weight: 0,
        configured_weight: 1,
        health: Health::Up,
        health_since: SystemTime::UNIX_EPOCH,
        admin,
        added: false,
        overridden: None,
        drain: None,
        suspended: false,
        slow_start: None,
        kernel: Some(KernelServer { weight: 1, forward: service.forwarding }),
        kernel_changed: None,
        active: 0,
        inactive: 0,
        persistent: 0,
        checks: Vec::new(),
        counters: Counters::default().into(),
        rates: Rates::default().into(),
    };
    let service = VirtualServerStatus {
        key: service.key,
        name: None,
        scheduler: service.scheduler,
        forward: service.forwarding,
        persistence: None,
        quorum: QuorumStatus { need: 1, have: 1, up: true },
        sorry_server_active: false,
        sorry_server: None,
        in_kernel: true,
        counters: Counters::default(),
        rates: Rates::default(),
        real_servers: vec![server],
    };
    Status { virtual_servers: vec![Arc::new(service)], ..status() }
}

fn codes(facts: &Facts, configuration: &Configuration) -> Vec<String> {
    advise(facts, configuration, &status()).into_iter().map(|warning| warning.code).collect()
}

#[track_caller]
fn gives(code: &str, facts: &Facts, configuration: &Configuration) -> Warning {
    let found = advise(facts, configuration, &status());
    assert!(found.len() == 1 && found[0].code == code, "{found:#?}");
    found[0].clone()
}

#[track_caller]
fn silent(facts: &Facts, configuration: &Configuration) {
    assert_eq!(advise(facts, configuration, &status()), []);
}

#[test]
fn on_a_healthy_host_no_rule_speaks() {
    for configuration in [nat(), dr(), Configuration::default()] {
        silent(&facts(), &configuration);
    }
}

#[test]
fn of_what_could_not_be_read_no_rule_speaks() {
    silent(&Facts::default(), &nat());
}

#[test]
fn ip_forward_matters_for_nat_and_not_for_dr_nor_for_a_server_on_this_host() {
    let off = with(|f| f.interfaces.values_mut().for_each(|words| words.forwarding = false));
    let warning = gives("ip-forward-off", &off, &nat());
    assert_eq!(warning.subject, "net.ipv4.ip_forward");
    assert!(warning.message.contains("for tcp/10.0.0.100:80"), "{warning:?}");
    assert!(warning.next.starts_with("sysctl -w net.ipv4.ip_forward=1"), "{warning:?}");
    silent(&off, &dr());
    silent(&off, &configuration("10.0.0.100/24", &service("NAT", "TCP", "", "10.0.0.11", "")));
    let one_forwards = with(|f| {
        f.interfaces.values_mut().for_each(|words| words.forwarding = false);
        interface(f, "eth1", |words| words.forwarding = true);
    });
    silent(&one_forwards, &nat());
}

#[test]
fn ipv6_forwarding_matters_for_nat_of_that_family() {
    let off = with(|f| f.ipv6_forwarding = Some(false));
    let six =
        "virtual_server fd00::1 80 {\n lb_kind NAT\n protocol TCP\n real_server fd00::71 80 {\n weight 1\n }\n}\n";
    gives("ip6-forward-off", &off, &configuration("10.0.0.100/24", six));
    silent(&off, &nat());
    silent(&facts(), &configuration("10.0.0.100/24", six));
}

#[test]
fn a_strict_reverse_path_filter_hurts_where_the_way_back_is_elsewhere() {
    let strict = |route: &'static str, on: &'static str| {
        with(move |f| {
            f.default_routes = [route.to_owned()].into();
            interface(f, on, |words| words.rp_filter = 1);
        })
    };
    gives("rp-filter-strict", &strict("eth1", "eth0"), &dr());
    gives("rp-filter-strict", &strict("eth1", "all"), &dr());
    silent(&strict("eth0", "eth0"), &dr());
    silent(&strict("eth1", "eth1"), &dr());
    let loose = with(|f| {
        f.default_routes = ["eth1".to_owned()].into();
        interface(f, "all", |words| words.rp_filter = 1);
        interface(f, "eth0", |words| words.rp_filter = 2);
    });
    silent(&loose, &dr());
    silent(&strict("eth1", "eth0"), &configuration("10.0.0.100/24", ""));
    silent(&with(|f| interface(f, "eth0", |words| words.rp_filter = 1)), &dr());
}

#[test]
fn a_director_that_is_a_tunnelled_server_needs_tunl0_open() {
    let strict = with(|f| interface(f, "tunl0", |words| words.rp_filter = 1));
    let tunnelled = |server| configuration("10.0.0.100/24", &service("TUN", "TCP", "", server, ""));
    gives("tunnel-rp-filter", &strict, &tunnelled("10.0.0.11"));
    silent(&strict, &tunnelled("10.0.0.71"));
    silent(&facts(), &tunnelled("10.0.0.11"));
}

#[test]
fn a_second_interface_in_the_subnet_answers_for_the_address() {
    let second = |ignore| {
        with(|f| {
            f.addresses.as_mut().unwrap().push(address("eth1", "10.0.0.21", 24));
            interface(f, "eth1", |words| words.arp_ignore = ignore);
        })
    };
    let warning = gives("arp-flux", &second(0), &dr());
    assert!(warning.next.contains("net.ipv4.conf.eth1.arp_ignore=1"), "{warning:?}");
    silent(&second(1), &dr());
    silent(&with(|f| f.addresses.as_mut().unwrap().push(address("eth1", "10.0.1.21", 24))), &dr());
}

#[test]
fn an_address_kept_on_lo_must_be_silent_in_arp() {
    let kept = |ignore, announce| {
        with(|f| {
            f.addresses.as_mut().unwrap().push(address("lo", "10.0.0.100", 32));
            interface(f, "all", |words| (words.arp_ignore, words.arp_announce) = (ignore, announce));
        })
    };
    let warning = gives("arp-answers-for-lo", &kept(0, 0), &dr());
    assert_eq!(warning.next, "sysctl -w net.ipv4.conf.eth0.arp_ignore=1 net.ipv4.conf.eth0.arp_announce=2");
    let warning = gives("arp-answers-for-lo", &kept(1, 0), &dr());
    assert_eq!(warning.next, "sysctl -w net.ipv4.conf.eth0.arp_announce=2");
    silent(&kept(1, 2), &dr());
}

#[test]
fn a_virtual_address_with_a_subnet_needs_another_address_in_it() {
    let bare = |vip: &str| configuration(vip, "");
    let away =
        with(|f| f.addresses = Some(vec![address("eth0", "192.168.1.11", 24), address("eth0", "10.0.0.100", 24)]));
    let warning = gives("vip-subnet", &away, &bare("10.0.0.100/24"));
    assert!(warning.next.ends_with("or write 10.0.0.100/32"), "{warning:?}");
    silent(&away, &bare("10.0.0.100/32"));
    silent(&facts(), &bare("10.0.0.100/24"));
    let elsewhere = with(|f| f.addresses = Some(vec![address("eth1", "10.0.0.11", 24)]));
    assert!(codes(&elsewhere, &bare("10.0.0.100/24")).contains(&"vip-subnet".to_owned()));
}

#[test]
fn a_scheduler_without_a_module_is_told_until_the_service_runs() {
    let none = with(|f| f.schedulers = Some([].into()));
    gives("scheduler-missing", &none, &dr());
    let runs = with_server(&dr(), Admin::Enabled);
    assert_eq!(advise(&none, &dr(), &runs), []);
}

#[test]
fn each_word_of_the_balancer_is_told_where_a_service_suffers_from_it() {
    let off = |word: &'static str| with(move |f| _ = f.vs.insert(word.to_owned(), 0));
    let udp = |words, server| configuration("10.0.0.100/24", &service("DR", "UDP", words, "10.0.0.71", server));
    gives("expire-nodest-conn", &off("expire_nodest_conn"), &udp("", ""));
    silent(&off("expire_nodest_conn"), &udp("", "inhibit_on_failure"));
    silent(&off("expire_nodest_conn"), &udp("ops", ""));
    silent(&off("expire_nodest_conn"), &dr());

    let persistent = |server| {
        let service = service("DR", "TCP", "persistence_timeout 60", "10.0.0.71", server);
        configuration("10.0.0.100/24", &service)
    };
    gives("expire-quiescent-template", &off("expire_quiescent_template"), &persistent("inhibit_on_failure"));
    silent(&off("expire_quiescent_template"), &persistent(""));
    silent(&off("expire_quiescent_template"), &dr());
    let drained = |admin| {
        let configuration = persistent("");
        advise(&off("expire_quiescent_template"), &configuration, &with_server(&configuration, admin)).len()
    };
    assert_eq!((drained(Admin::Draining), drained(Admin::Enabled)), (1, 0));

    gives("conn-reuse-mode", &off("conn_reuse_mode"), &dr());
    gives("run-estimation-off", &off("run_estimation"), &dr());
    silent(&off("conn_reuse_mode"), &configuration("10.0.0.100/24", ""));
    silent(&off("run_estimation"), &configuration("10.0.0.100/24", ""));
}

#[test]
fn a_clock_is_told_when_it_is_unsynchronised_older_than_the_program_or_jumped() {
    gives("clock-unsynchronised", &with(|f| f.clock.synchronised = Some(false)), &dr());
    let day = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
    let warning = gives("clock-wrong", &with(|f| f.clock.wall = Some(day)), &dr());
    assert!(warning.message.contains("1 days after"), "{warning:?}");
    let jump = Jump { by: Duration::from_hours(24), forward: false };
    let warning = gives("clock-jumped", &with(|f| f.clock.jump = Some(jump)), &dr());
    assert!(warning.message.contains("back by 86400 s"), "{warning:?}");
}

#[test]
fn a_jump_is_more_than_a_minute_against_the_time_since_boot() {
    let at = |wall: u64, boot: u64| (SystemTime::UNIX_EPOCH + Duration::from_secs(wall), Duration::from_secs(boot));
    let jump =
        |wall, boot| Jump::between(at(100_000, 50), at(wall, boot)).map(|jump| (jump.forward, jump.by.as_secs()));
    assert_eq!(jump(100_030, 80), None);
    assert_eq!(jump(100_090, 80), None, "a minute is a correction");
    assert_eq!(jump(100_091, 80), Some((true, 61)));
    assert_eq!(jump(13_630, 80), Some((false, 86_400)));
}

fn chain(name: &str, base: Option<(Way, bool)>, rules: &[(&[Match], Verdict)]) -> Chain {
    let rule =
        |(matches, verdict): &(&[Match], Verdict)| FirewallRule { matches: matches.to_vec(), verdict: verdict.clone() };
    Chain {
        table: "inet filter".into(),
        family: None,
        name: name.into(),
        base,
        rules: rules.iter().map(rule).collect(),
    }
}

const fn protocol(number: u8) -> Match {
    Match::Protocol { is: true, number }
}

#[test]
fn a_filter_that_lets_no_vrrp_in_is_told_with_its_chain() {
    let filtered = |chains: Vec<Chain>| with(|f| f.firewall = Some(chains));
    let input = |policy_drops, rules: &[(&[Match], Verdict)]| {
        filtered(vec![chain("input", Some((Way::In, policy_drops)), rules)])
    };
    let on = |interface: &str| Match::Interface { way: Way::In, is: true, name: interface.into() };
    let lo = on("lo");
    let closed: [&[(&[Match], Verdict)]; 4] = [
        &[],
        &[(&[lo], Verdict::Accept), (&[Match::KnownConnection], Verdict::Accept)],
        &[(&[protocol(6), Match::Other], Verdict::Accept), (&[Match::Other], Verdict::Return)],
        &[(&[Match::Family { is: true, family: Family::Inet6 }], Verdict::Accept)],
    ];
    for rules in closed {
        let warning = gives("firewall-drops-vrrp", &input(true, rules), &dr());
        assert!(
            warning.message.contains("as far as seen") && warning.message.contains("chain input of table inet filter")
        );
        assert!(warning.next.starts_with("nft insert rule inet filter input iifname eth0"), "{warning:?}");
        silent(&input(false, rules), &dr());
    }
    let open: [&[(&[Match], Verdict)]; 4] = [
        &[(&[protocol(112)], Verdict::Accept)],
        &[(&[Match::Other], Verdict::Accept)],
        &[(&[on("eth*")], Verdict::Accept)],
        &[(&[], Verdict::Jump("not read".into()))],
    ];
    for rules in open {
        silent(&input(true, rules), &dr());
    }
    gives("firewall-drops-vrrp", &input(false, &[(&[protocol(112)], Verdict::Drop)]), &dr());
    silent(&input(false, &[(&[protocol(112), Match::Other], Verdict::Drop)]), &dr());
    silent(&filtered(vec![chain("mine", None, &[(&[], Verdict::Drop)])]), &dr());
    silent(&input(true, &[]), &Configuration::default());
}

#[test]
fn a_filter_that_lets_our_advertisements_not_out_is_told_with_its_chain() {
    let output = |policy_drops, rules: &[(&[Match], Verdict)]| {
        with(|f| f.firewall = Some(vec![chain("post", Some((Way::Out, policy_drops)), rules)]))
    };
    let group = |bytes: &[u8], mask: &[u8]| Match::Destination { is: true, bytes: bytes.to_vec(), mask: mask.to_vec() };
    let leaves = |interface: &str| Match::Interface { way: Way::Out, is: true, name: interface.into() };
    let closed: [&[(&[Match], Verdict)]; 4] = [
        &[(&[protocol(112)], Verdict::Drop)],
        &[(&[group(&[224, 0, 0, 18], &[255; 4])], Verdict::Drop)],
        &[(&[leaves("eth*"), group(&[224, 0, 0, 0], &[240, 0, 0, 0])], Verdict::Drop)],
        &[(&[group(&[224], &[255])], Verdict::Drop)],
    ];
    for rules in closed {
        let warning = gives("firewall-drops-vrrp", &output(false, rules), &dr());
        assert!(
            warning.message.contains("goes out on eth0 to 224.0.0.18: chain post of table inet filter"),
            "{warning:?}"
        );
        assert!(warning.next.starts_with("nft insert rule inet filter post oifname eth0"), "{warning:?}");
    }
    let open: [&[(&[Match], Verdict)]; 4] = [
        &[(&[group(&[224, 0, 0, 251], &[255; 4])], Verdict::Drop)],
        &[(&[leaves("eth1")], Verdict::Drop)],
        &[(&[Match::Interface { way: Way::In, is: true, name: "eth0".into() }], Verdict::Drop)],
        &[(&[protocol(112), Match::Other], Verdict::Drop)],
    ];
    for rules in open {
        silent(&output(false, rules), &dr());
    }
    gives("firewall-drops-vrrp", &output(true, &[]), &dr());
}

#[test]
fn another_vrrp_program_beside_an_engine_with_instances_is_told() {
    let beside = with(|facts| facts.vrrp_beside = true);
    gives("vrrp-beside", &beside, &dr());
    let services_alone = Configuration { virtual_routers: Vec::new(), ..dr() };
    assert!(!codes(&beside, &services_alone).contains(&"vrrp-beside".to_owned()));
}

#[test]
fn a_filter_is_followed_into_other_chains_and_back() {
    let into = (&[][..], Verdict::Jump("mine".into()));
    let accept = (&[protocol(112)][..], Verdict::Accept);
    let back = (&[][..], Verdict::Return);
    let filtered = |mine: &[(&[Match], Verdict)]| {
        with(|f| {
            f.firewall = Some(vec![
                chain("input", Some((Way::In, true)), std::slice::from_ref(&into)),
                chain("mine", None, mine),
            ]);
        })
    };
    silent(&filtered(std::slice::from_ref(&accept)), &dr());
    gives("firewall-drops-vrrp", &filtered(&[back, accept]), &dr());
    let endless = filtered(std::slice::from_ref(&into));
    silent(&endless, &dr());
}

#[test]
fn a_list_names_a_few_and_counts_the_rest() {
    let names = |count: usize| list((1..=count).map(|n| n.to_string()));
    assert_eq!((names(1).as_str(), names(3).as_str(), names(5).as_str()), ("1", "1, 2, 3", "1, 2, 3 and 2 more"));
}

#[test]
fn the_page_has_every_rule_with_its_sentence_and_no_other() {
    let page = include_str!("../../../docs/warnings.md");
    let headings: Vec<&str> = page.lines().filter_map(|l| l.strip_prefix("## `")?.strip_suffix('`')).collect();
    let rules: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
    assert_eq!(headings, rules);
    let text = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let missing: Vec<&str> =
        RULES.iter().map(|r| r.when).filter(|when| !text.contains(&format!("**When:** {when}."))).collect();
    assert!(missing.is_empty(), "docs/warnings.md does not say: {missing:#?}");
}

/// The codes that stand with this changed server.
fn with_changed_server(facts: &Facts, change: impl FnOnce(&mut RealServerStatus)) -> Vec<String> {
    let configuration = dr();
    let mut status = with_server(&configuration, Admin::Enabled);
    let service = Arc::make_mut(&mut status.virtual_servers[0]);
    change(&mut service.real_servers[0]);
    advise(facts, &configuration, &status).into_iter().map(|warning| warning.code).collect()
}

#[test]
fn a_service_that_refuses_everybody_is_an_alarm_but_not_before_its_first_checks() {
    let kernel = |weight| Some(KernelServer { weight, forward: dr().virtual_servers[0].forwarding });
    assert_eq!(with_changed_server(&facts(), |_| {}), [""; 0]);
    assert_eq!(with_changed_server(&facts(), |server| server.kernel = None), ["no-destination"]);
    assert_eq!(with_changed_server(&facts(), |server| server.kernel = kernel(0)), ["no-weight"]);
    let unchecked = |server: &mut RealServerStatus| (server.kernel, server.health) = (None, Health::Unknown);
    assert_eq!(with_changed_server(&facts(), unchecked), [""; 0]);
}

#[test]
fn a_crowded_connection_table_and_a_limit_that_is_near_are_alarms() {
    let many = |active| move |server: &mut RealServerStatus| server.active = active;
    assert_eq!(with_changed_server(&facts(), many(4 * 4_096 - 1)), [""; 0]);
    assert_eq!(with_changed_server(&facts(), many(4 * 4_096)), ["connection-table-small"]);
    let limited = with(|facts| _ = facts.vs.insert("conn_max".to_owned(), 1_000));
    assert_eq!(with_changed_server(&limited, many(799)), [""; 0]);
    assert_eq!(with_changed_server(&limited, many(800)), ["connection-table-small"]);
    assert_eq!(with_changed_server(&with(|facts| facts.ipvs = None), many(1_000_000)), [""; 0], "not known, not told");
}

#[test]
fn a_sync_daemon_that_is_missing_wrong_or_behind_is_an_alarm() {
    let mut configuration = dr();
    let (instance, id, group) = (Some("VI_1".to_owned()), None, None);
    let words = crate::engine::model::SyncDaemonWords {
        interface: "eth0".into(),
        instance,
        id,
        max_length: 0,
        port: 0,
        ttl: 0,
        group,
    };
    configuration.global.lvs.sync_daemon = Some(words.clone());
    let warning = gives("sync-daemon", &facts(), &configuration);
    assert!(warning.message.contains("backup on eth0") && warning.message.contains("there is none"), "{warning:?}");
    let running = crate::engine::ipvs::wanted_daemons(&words, Some(false), 0);
    let healthy = with(|facts| facts.ipvs.as_mut().unwrap().daemons.clone_from(&running));
    silent(&healthy, &configuration);
    silent(&with(|facts| facts.ipvs = None), &configuration);
    let behind = |waiting, dropped| {
        with(|facts| {
            let daemons = running.clone();
            facts.ipvs = Some(IpvsFacts { table_size: 4_096, daemons, waiting, dropped });
        })
    };
    gives("sync-daemon-lag", &behind(70_000, 0), &configuration);
    gives("sync-daemon-lag", &behind(0, 1), &configuration);
    silent(&behind(1_000, 0), &configuration);
}

#[test]
fn an_active_defence_against_floods_is_told_and_an_armed_one_is_not() {
    let set = |word: &str, value| with(|facts| _ = facts.vs.insert(word.to_owned(), value));
    for word in ["drop_entry", "drop_packet", "secure_tcp"] {
        gives("drop-defence", &set(word, 3), &dr());
        silent(&set(word, 1), &dr());
    }
}

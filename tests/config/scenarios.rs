//! The systems that operators run: each file is read as it is and means what it should.

use super::{configurations, folder, load, short};
use lvsdeck::engine::model::{
    Authentication, CheckSpec, CheckTiming, Configuration, Family, Forwarding, Password, Persistence, Quorum,
    Scheduler, StartState, VirtualRouter, VirtualServer, VrrpVersion,
};
use std::time::Duration;

/// The configuration of a scenario and what is said about it.
fn scenario(name: &str) -> (Configuration, Vec<String>) {
    let loaded = load(&folder("scenarios").join(format!("{name}.conf")));
    let told: Vec<_> = loaded.diagnostics.iter().map(short).collect();
    (loaded.configuration.unwrap_or_else(|| panic!("{name}: {told:?}")), told)
}

/// Name, interface, VRID, priority, wished state, addresses.
fn router(router: &VirtualRouter) -> (&str, &str, u8, u8, StartState, Vec<String>) {
    let addresses = router.addresses.iter().map(ToString::to_string).collect();
    (&router.name, &router.interface, router.vrid.get(), router.priority.get(), router.start_state, addresses)
}

fn assert_plain(router: &VirtualRouter, password: &str) {
    assert_eq!(router.authentication, Authentication::Pass(Password::new(password)));
    assert_eq!((router.version, router.family), (VrrpVersion::V2, Family::Inet));
    assert_eq!((router.advert_interval.centiseconds(), router.preempt), (100, true));
}

/// Key, scheduler, forwarding, persistence in seconds.
fn service(server: &VirtualServer) -> (String, Scheduler, Forwarding, Option<u32>) {
    (server.key.to_string(), server.scheduler, server.forwarding, server.persistence.map(|p| p.timeout))
}

/// Key, forwarding, weight, and the target of the only check.
fn servers(server: &VirtualServer) -> Vec<(String, Forwarding, u32, String)> {
    let one = |real: &lvsdeck::engine::model::RealServer| {
        let [check] = real.checks.as_slice() else { panic!("{:?}", real.checks) };
        (real.key.to_string(), real.forwarding, real.weight.get(), check.target.to_string())
    };
    server.real_servers.iter().map(one).collect()
}

fn timing(interval: u64, timeout: u64, retry_delay: u64) -> CheckTiming {
    let s = Duration::from_secs;
    CheckTiming {
        interval: s(interval),
        timeout: s(timeout),
        retry: 1,
        retry_delay: s(retry_delay),
        warmup: s(interval),
    }
}

#[test]
fn s1_is_one_address_on_two_nodes() {
    for (name, state, priority, from) in [
        ("s1-failover.master", StartState::Master, 200, "svr1@mydomain.com"),
        ("s1-failover.backup", StartState::Backup, 100, "svr2@mydomain.com"),
    ] {
        let (c, told) = scenario(name);
        assert!(told.is_empty(), "{told:?}");
        assert_eq!(
            router(&c.virtual_routers[0]),
            ("VRRP1", "eth0", 41, priority, state, vec!["10.0.0.100/24".to_owned()])
        );
        assert_plain(&c.virtual_routers[0], "1066");
        let mail = &c.global.mail;
        assert_eq!((&*mail.recipients, mail.from.as_deref()), (&["root@mydomain.com".to_owned()][..], Some(from)));
        assert_eq!((&*mail.server, mail.port, mail.timeout.as_secs()), ("localhost", 25, 30));
        assert!(c.virtual_servers.is_empty());
    }
}

#[test]
fn s2_is_two_instances_that_move_together_and_a_nat_service() {
    for (name, state, priority) in
        [("s2-nat-two-nic.master", StartState::Master, 200), ("s2-nat-two-nic.backup", StartState::Backup, 100)]
    {
        let (c, told) = scenario(name);
        assert!(told.is_empty(), "{told:?}");
        let [external, internal] = c.virtual_routers.as_slice() else { panic!() };
        assert_eq!(router(external), ("external", "eth0", 91, priority, state, vec!["192.168.1.1/24".to_owned()]));
        assert_eq!(router(internal), ("internal", "eth1", 92, priority, state, vec!["10.0.0.100/24".to_owned()]));
        assert_plain(external, "1215");
        assert_eq!(c.sync_groups.len(), 1);
        assert_eq!(
            (c.sync_groups[0].name.as_str(), c.sync_groups[0].members.as_slice()),
            ("VRRP1", &["external".to_owned(), "internal".to_owned()][..])
        );
        let vs = &c.virtual_servers[0];
        assert_eq!(service(vs), ("tcp/192.168.1.1:80".to_owned(), Scheduler::Rr, Forwarding::Nat, Some(7200)));
        assert_eq!(
            servers(vs),
            ["10.0.0.71:80", "10.0.0.72:80"].map(|k| (k.to_owned(), Forwarding::Nat, 1, k.to_owned()))
        );
        assert_eq!(vs.real_servers[0].checks[0].timing, timing(10, 5, 1));
        assert_eq!((vs.quorum, vs.one_packet), (Quorum { need: 1, hysteresis: 0 }, false));
    }
}

#[test]
fn s3_takes_intervals_of_zero_as_no_delay_and_an_address_without_mask_as_host() {
    for (name, state, priority) in
        [("s3-nat-one-nic.master", StartState::Master, 100), ("s3-nat-one-nic.backup", StartState::Backup, 80)]
    {
        let (c, told) = scenario(name);
        let zero = |line, word| {
            format!(
                "{line} warning no-delay: vrrp_{word}_interval 0 is no interval: there is no delay, as without the word"
            )
        };
        assert_eq!(told, [zero("12:24", "garp"), zero("13:23", "gna")]);
        assert_eq!(
            router(&c.virtual_routers[0]),
            ("VI_1", "enp0s3", 51, priority, state, vec!["192.168.50.240/32".to_owned()])
        );
        assert!(c.global.skip_check_adv_addr);
        assert_eq!(c.global.router_id.as_deref(), Some("LVS_DEVEL"));
        let vs = &c.virtual_servers[0];
        assert_eq!(service(vs), ("tcp/192.168.50.240:5555".to_owned(), Scheduler::Rr, Forwarding::Nat, Some(50)));
        assert_eq!(vs.persistence, Some(Persistence { timeout: 50, prefix: 32 }));
        assert_eq!(servers(vs)[1].0, "192.168.50.252:5555");
    }
}

#[test]
fn s4_is_direct_routing() {
    for name in ["s4-dr.master", "s4-dr.backup"] {
        let (c, told) = scenario(name);
        assert!(told.is_empty(), "{told:?}");
        let vs = &c.virtual_servers[0];
        assert_eq!(service(vs), ("tcp/10.0.0.1:80".to_owned(), Scheduler::Rr, Forwarding::Dr, Some(7200)));
        assert_eq!(servers(vs).iter().map(|s| s.1).collect::<Vec<_>>(), [Forwarding::Dr; 2]);
    }
}

#[test]
fn s7_tracks_a_script_and_has_no_service() {
    for (name, script, command, priority) in [
        ("s7-ha-proxy.master", "check_web", "/etc/keepalived/check_web.sh", 150),
        ("s7-ha-proxy.backup", "check_vip", "/etc/keepalived/check_vip.sh", 100),
    ] {
        let (c, told) = scenario(name);
        assert_eq!(told, [""; 0]);
        let tracked = &c.virtual_routers[0].tracks[0];
        assert_eq!((tracked.name.as_str(), tracked.weight, tracked.reverse), (script, 0, false));
        assert_eq!((c.scripts[0].name.as_str(), c.scripts[0].command.join(" ").as_str()), (script, command));
        assert_eq!((c.scripts[0].interval, c.scripts[0].weight), (Duration::from_secs(5), 0));
        assert_eq!(c.virtual_routers[0].priority.get(), priority);
        assert!(c.virtual_servers.is_empty());
    }
}

#[test]
fn s10_is_a_firewall_mark_whose_servers_keep_the_port_of_the_packet() {
    let (c, told) = scenario("s10-dr-fwmark");
    assert_eq!(
        told,
        ["21:5 warning protocol: protocol is not used: a firewall mark stands for all protocols that the packet \
             filter marks",]
    );
    assert_eq!(c.virtual_routers[0].addresses[0].interface.as_deref(), Some("eth1"));
    assert_eq!(c.virtual_routers[0].authentication, Authentication::None);
    let vs = &c.virtual_servers[0];
    assert_eq!(service(vs), ("fwmark/1234".to_owned(), Scheduler::Rr, Forwarding::Dr, None));
    let expected = ["192.168.56.41", "192.168.56.42", "192.168.56.43"]
        .map(|ip| (format!("{ip}:0"), Forwarding::Dr, 1, format!("{ip}:80")));
    assert_eq!(servers(vs), expected);
    assert_eq!(vs.real_servers[2].checks[0].timing, timing(6, 3, 1));
}

#[test]
fn behind_a_mark_the_kernel_gets_the_port_of_the_file_where_nat_rewrites_to_it_and_none_elsewhere() {
    for (kind, port, wanted) in [("NAT", " 80", 80), ("NAT", "", 0), ("DR", " 8080", 0), ("TUN", " 80", 0)] {
        let text = format!(
            "virtual_server fwmark 7 {{\nlb_kind {kind}\nreal_server 10.99.1.71{port} {{\n}}\nsorry_server 10.99.1.72{port}\n}}\n"
        );
        let loaded = lvsdeck::engine::parse_configuration("test", &text);
        assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
        let vs = &loaded.configuration.unwrap().virtual_servers[0];
        assert_eq!(vs.real_servers[0].key.to_string(), format!("10.99.1.71:{wanted}"));
        assert_eq!(vs.sorry_server.as_ref().unwrap().key.to_string(), format!("10.99.1.72:{wanted}"));
    }
}

#[test]
fn s11_ignores_nb_get_retry_as_keepalived_does_and_says_what_was_meant() {
    for (name, state, priority) in
        [("s11-dr-wrr.master", StartState::Master, 100), ("s11-dr-wrr.backup", StartState::Backup, 99)]
    {
        let (c, told) = scenario(name);
        let expected = [41, 50].map(|line| {
            format!("{line}:10 warning unknown-word: unknown word \"nb_get_retry\" in TCP_CHECK; it is ignored")
        });
        assert_eq!(told, expected);
        assert_eq!(
            router(&c.virtual_routers[0]),
            ("VI_1", "eth0", 51, priority, state, vec!["61.164.122.8/32".to_owned()])
        );
        assert_plain(&c.virtual_routers[0], "1111");
        let vs = &c.virtual_servers[0];
        assert_eq!(service(vs), ("tcp/61.164.122.8:80".to_owned(), Scheduler::Wrr, Forwarding::Dr, Some(60)));
        assert_eq!(servers(vs)[0], ("61.164.122.9:80".to_owned(), Forwarding::Dr, 3, "61.164.122.9:80".to_owned()));
        let target = "61.164.122.10:80".parse().unwrap();
        let check = CheckSpec::tcp(target, timing(6, 10, 3));
        assert_eq!(vs.real_servers[1].checks, [check.into()]);
    }
}

#[test]
fn every_scenario_runs() {
    let files = configurations("scenarios");
    assert_eq!(files.len(), 13);
    assert!(files.iter().all(|file| load(file).configuration.is_some()));
}

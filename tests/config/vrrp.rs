//! What instances and sync groups say beside the protocol: who is told, and what is tracked.

use super::short;
use lvsdeck::engine::model::{Configuration, NotifyCommand, ParameterMatch, ScriptUser, Track, TrackKind};
use lvsdeck::engine::parse_configuration;
use std::time::Duration;

const NEEDED: &str = "virtual_router_id 51\ninterface eth0\nvirtual_ipaddress {\n10.0.0.1\n}\n";
const SECOND: &str = "virtual_router_id 51\ninterface eth1\nvirtual_ipaddress {\n10.0.0.2\n}\n";

fn read(before: &str, words: &str, behind: &str) -> (Configuration, Vec<String>) {
    let text = format!("{before}\nvrrp_instance VI_1 {{\n{words}\n{NEEDED}}}\n{behind}\n");
    let loaded = parse_configuration("test", &text);
    let told = loaded.diagnostics.iter().map(short).collect();
    (loaded.configuration.expect("no errors"), told)
}

fn good(before: &str, words: &str, behind: &str) -> Configuration {
    let (configuration, told) = read(before, words, behind);
    assert_eq!(told, [""; 0]);
    configuration
}

#[allow(clippy::unnecessary_wraps)] // it is compared with what may be absent
fn command(words: &[&str], user: Option<(&str, Option<&str>)>) -> Option<NotifyCommand> {
    let user = user.map(|(user, group)| ScriptUser { user: user.to_owned(), group: group.map(str::to_owned) });
    Some(NotifyCommand { command: words.iter().map(|word| (*word).to_owned()).collect(), user })
}

#[test]
fn notify_words_have_a_command_in_quotes_and_perhaps_a_user_and_a_group() {
    let words =
        "notify_master \"/etc/n.sh master 'a b'\"\nnotify_backup /etc/n.sh nobody\nnotify_fault /etc/n.sh nobody daemon
        notify_stop \"/etc/n.sh stop\"\nnotify \"/etc/n.sh any\" root\nnotify_master_rx_lower_pri /etc/rx.sh
        notify_priority_changes";
    let found = good("", words, "").virtual_routers[0].notifications.clone();
    assert_eq!(found.master, command(&["/etc/n.sh", "master", "a b"], None));
    assert_eq!(found.backup, command(&["/etc/n.sh"], Some(("nobody", None))));
    assert_eq!(found.fault, command(&["/etc/n.sh"], Some(("nobody", Some("daemon")))));
    assert_eq!(found.stop, command(&["/etc/n.sh", "stop"], None));
    assert_eq!(found.any, command(&["/etc/n.sh", "any"], Some(("root", None))));
    assert_eq!(found.master_rx_lower_pri, command(&["/etc/rx.sh"], None));
    assert!(found.priority_changes && !found.tells_deleted);
    let deleted = |line| good("", line, "").virtual_routers[0].notifications.clone();
    assert_eq!((deleted("notify_deleted").tells_deleted, deleted("notify_deleted").deleted), (true, None));
    assert_eq!(deleted("notify_deleted /etc/n.sh").deleted, command(&["/etc/n.sh"], None));
}

#[test]
fn a_group_has_its_own_and_fifos_are_of_the_node() {
    let global = "global_defs {\nnotify_fifo /run/n nobody\nnotify_fifo_script \"/etc/f.sh x\"\nvrrp_notify_fifo /run/v
        fifo_write_vrrp_states_on_reload\nvrrp_notify_priority_changes\n}";
    let group = "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\nnotify_master /etc/g.sh\n}";
    let second = format!("vrrp_instance VI_2 {{\n{SECOND}}}\n{group}");
    let configuration = good(global, "", &second);
    assert_eq!(configuration.sync_groups[0].notifications.master, command(&["/etc/g.sh"], None));
    assert!(configuration.virtual_routers[0].notifications.priority_changes);
    let fifos = configuration.global.fifos;
    let all = fifos.all.fifo.unwrap();
    assert_eq!((all.path.as_str(), all.owner.unwrap().user.as_str()), ("/run/n", "nobody"));
    assert_eq!(fifos.all.script, command(&["/etc/f.sh", "x"], None));
    assert_eq!((fifos.vrrp.fifo.unwrap().path.as_str(), fifos.vrrp.script), ("/run/v", None));
    assert!(fifos.states_on_reload);
}

#[test]
fn a_second_script_for_one_state_is_left_out_as_keepalived_does_and_one_fifo_is_not_two() {
    let (configuration, told) = read("", "notify_master /etc/1.sh\nnotify_master /etc/2.sh", "");
    assert_eq!(configuration.virtual_routers[0].notifications.master, command(&["/etc/1.sh"], None));
    assert_eq!(
        told,
        ["4:1 warning already-set: notify_master stands in line 3 before; that one counts, as in keepalived"]
    );
    let global = "global_defs {\nnotify_fifo /run/n\nvrrp_notify_fifo /run/n\nvrrp_notify_fifo_script /etc/f.sh\n}";
    let (configuration, told) = read(global, "", "");
    assert!(configuration.global.fifos.vrrp.fifo.is_none());
    assert!(told.len() == 1 && told[0].contains("both are /run/n"), "{told:?}");
}

fn tracks(configuration: &Configuration) -> Vec<(TrackKind, &str, i32, bool)> {
    let all = configuration.virtual_routers[0].tracks.iter();
    all.map(|Track { kind, name, weight, reverse }| (*kind, name.as_str(), *weight, *reverse)).collect()
}

#[test]
fn what_is_tracked_has_the_weight_of_the_line_or_its_own() {
    use TrackKind::{File, Interface, Process, Script};
    let before = "vrrp_script s {\nscript /bin/true\nweight 5 reverse\n}
        vrrp_track_process p {\nprocess nginx\nweight -20\n}\ntrack_file f {\nfile /run/f\n}
        vrrp_track_file old {\nfile /run/g\nweight 2 reverse\n}";
    let words =
        "track_interface {\neth1\neth2 weight -253 reverse\n}\ntrack_script {\ns\n}\ntrack_process {\np weight 254\n}
        track_file {\nf\nold weight 2 noreverse\n}\ndont_track_primary";
    let configuration = good(before, words, "");
    assert_eq!(
        tracks(&configuration),
        [
            (Interface, "eth1", 0, false),
            (Interface, "eth2", -253, true),
            (Script, "s", 5, true),
            (Process, "p", 254, false),
            (File, "f", 1, false),
            (File, "old", 2, false),
        ]
    );
    assert!(!configuration.virtual_routers[0].tracks_interface);
}

#[test]
fn a_process_and_a_file_have_every_word_that_keepalived_has() {
    let before = "vrrp_track_process p {\nprocess \"/opt/a b\" -x \"c d\"\nparam_match initial\nquorum 2\nquorum_max 4\ndelay 1.5
        terminate_delay 0.25\nfull_command\nweight 10\n}\nvrrp_track_process none {\nprocess evil\nquorum_max 0\n}
        track_file f {\nfile /run/f\ninit_file 7 overwrite\n}";
    let configuration = good(before, "", "");
    let [p, none] = configuration.processes.as_slice() else { panic!("{:?}", configuration.processes) };
    assert_eq!((p.command.as_str(), p.parameters.join("|").as_str()), ("/opt/a b", "-x|c d"));
    assert_eq!((p.parameter_match, p.quorum, p.quorum_max), (Some(ParameterMatch::Initial), 2, Some(4)));
    assert_eq!((p.fork_delay, p.terminate_delay), (Duration::from_millis(1500), Duration::from_millis(250)));
    assert!(p.full_command && p.weight == 10);
    assert_eq!((none.quorum, none.quorum_max, none.weight), (0, Some(0), 0));
    assert_eq!(configuration.files[0].start, Some((7, true)));
}

#[test]
fn a_group_tracks_for_all_its_members_and_alone_counts_weights() {
    use TrackKind::{Interface, Process};
    let before = "vrrp_track_process p {\nprocess nginx\n}";
    let second = format!("vrrp_instance VI_2 {{\n{SECOND}}}");
    let group = |word: &str| {
        let tracks = "track_interface {\neth9 weight -30\n}\ntrack_process {\np\n}";
        format!("{second}\nvrrp_sync_group G {{\ngroup {{\nVI_1\nVI_2\n}}\n{tracks}\n{word}\n}}")
    };
    let own = "track_interface {\neth8 weight 10\n}";
    let (configuration, told) = read(before, own, &group(""));
    let counted = [(Interface, "eth8", 10, false), (Interface, "eth9", -30, false), (Process, "p", 0, false)];
    assert_eq!(tracks(&configuration), counted, "keepalived 2.2.7 says that it ignores eth8's weight, and counts it");
    assert_eq!(configuration.virtual_routers[1].tracks, configuration.virtual_routers[0].tracks[1..]);
    assert!(told.len() == 1 && told[0].contains("eth8 with a weight inside of sync group G: it counts"), "{told:?}");
    let configuration = good(before, own, &group("sync_group_tracking_weight"));
    assert_eq!(tracks(&configuration)[0], (Interface, "eth8", 10, false));
}

#[test]
fn what_is_not_defined_can_not_be_tracked_and_a_misspelt_name_is_recognised() {
    let before =
        "vrrp_track_process nginx {\nprocess nginx\n}\nvrrp_track_process twice {\n}\ntrack_file rel {\nfile /run/x\n}";
    let (configuration, told) = read(before, "track_process {\nnginks\n}\ntrack_file {\nno\n}", "");
    assert_eq!(tracks(&configuration), []);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.iter().any(|line| line.contains("vrrp_track_process twice has no process")));
    assert!(told.iter().any(|line| line.contains("there is no vrrp_track_process \"nginks\"")), "{told:?}");
}

#[test]
fn excluded_addresses_are_of_any_family_and_advertised_by_nobody() {
    let words = "virtual_ipaddress_excluded {\n10.0.1.1/24 dev eth1\nfd00::1/64 -nodad no_track\n}";
    let router = &good("", words, "").virtual_routers[0];
    let addresses: Vec<_> = router.addresses.iter().map(|a| (a.to_string(), a.advertised)).collect();
    let expected = [("10.0.1.1/24", false), ("fd00::1/64", false), ("10.0.0.1/32", true)];
    assert_eq!(addresses, expected.map(|(address, advertised)| (address.to_owned(), advertised)));
    assert_eq!(format!("{:?}", router.family), "Inet");
    assert!(!router.addresses[1].options.skips_detection && !router.addresses[1].options.watched);
}

#[test]
fn the_words_behind_an_address_are_those_of_ip_address() {
    let lines = "10.0.2.1/24 brd + scope link\n10.0.3.1/24 brd 10.0.3.255 scope 100\n10.0.4.1/24 brd -
        fd00::1/128 preferred_lft forever home autojoin mngtmpaddr noprefixroute";
    let router = good("", &format!("virtual_ipaddress_excluded {{\n{lines}\n}}"), "").virtual_routers[0].clone();
    let of = |i: usize| router.addresses[i].options;
    assert_eq!((of(0).broadcast.map(|b| b.to_string()), of(0).scope), (Some("10.0.2.255".into()), 253));
    assert_eq!((of(1).broadcast.map(|b| b.to_string()), of(1).scope), (Some("10.0.3.255".into()), 100));
    assert_eq!(of(2).broadcast.map(|b| b.to_string()), Some("10.0.4.0".into()));
    let six = of(3);
    assert!(
        six.preferred == Some(u32::MAX) && six.home && six.joins_group && six.manages_temporary && six.no_prefix_route
    );
}

#[test]
fn a_password_in_version_3_is_left_out_with_a_warning() {
    let words = "version 3\nauthentication {\nauth_type PASS\nauth_pass secret\n}";
    let (configuration, told) = read("", words, "");
    assert_eq!(format!("{:?}", configuration.virtual_routers[0].authentication), "None");
    assert!(told.len() == 1 && told[0].contains("version 3 has no authentication"), "{told:?}");
}

#[test]
fn an_authentication_header_is_read_and_left_out_where_there_is_none() {
    let words = "authentication {\nauth_type AH\nauth_pass secret\n}";
    let of = |more: &str| {
        let (configuration, told) = read("", &format!("{words}\n{more}"), "");
        (configuration.virtual_routers[0].authentication, told)
    };
    let key = lvsdeck::engine::model::Password::new("secret");
    assert_eq!(of(""), (lvsdeck::engine::model::Authentication::Ah(key), Vec::new()));
    let (three, told) = of("version 3");
    assert_eq!(three, lvsdeck::engine::model::Authentication::None);
    assert!(told.len() == 1 && told[0].contains("version 3 has no authentication"), "{told:?}");
    let (keyless, told) = read("", "authentication {\nauth_type AH\n}", "");
    assert_eq!(keyless.virtual_routers[0].authentication, lvsdeck::engine::model::Authentication::None);
    assert!(told[0].contains("auth_type without auth_pass"), "{told:?}");
}

#[test]
fn a_vrid_and_a_priority_are_within_their_bounds_and_the_priority_is_100_where_none_is_written() {
    assert_eq!(good("", "", "").virtual_routers[0].priority.get(), 100);
    for (word, counts) in [("1", 1), ("255", 255), ("0", 100), ("256", 100), ("150;", 100)] {
        for state in ["BACKUP", "MASTER"] {
            let text = format!("vrrp_instance VI_1 {{\nstate {state}\npriority {word}\n{NEEDED}}}\n");
            let configuration = parse_configuration("test", &text).configuration.unwrap();
            assert_eq!(configuration.virtual_routers[0].priority.get(), counts, "{word}, as keepalived has it");
        }
    }
    for (vrid, right) in [("1", true), ("255", true), ("0", false), ("256", false)] {
        let text = format!("vrrp_instance VI_1 {{\n{}}}\n", NEEDED.replace("51", vrid));
        assert_eq!(parse_configuration("test", &text).configuration.is_some(), right, "{vrid}");
    }
}

#[test]
fn announcements_have_a_pace_and_instances_a_delay_at_the_start() {
    let global =
        "global_defs {\nvrrp_garp_interval 0.001\nvrrp_gna_interval 0.002\nvrrp_startup_delay 5.5\nvrrp_min_garp\n}
        garp_group {\ngarp_interval 0.5\ninterfaces {\neth0\neth1\n}\n}";
    let configuration = good(global, "", "");
    let pace = configuration.global.pace;
    assert_eq!((pace.garp, pace.gna), (Duration::from_millis(1), Duration::from_millis(2)));
    assert_eq!((pace.groups[0].garp, pace.groups[0].gna), (Some(Duration::from_millis(500)), None));
    assert_eq!(pace.groups[0].interfaces, ["eth0", "eth1"]);
    assert_eq!(configuration.global.startup_delay, Duration::from_millis(5500));
    let garp = configuration.virtual_routers[0].garp;
    assert_eq!((garp.repeat, garp.delay), (1, Duration::ZERO));
}

/// The words that keepalived 2.4.3 reads in routes and rules (`keepalived-keywords`, values).
#[test]
fn no_word_of_routes_and_rules_is_unknown_and_no_value_is_taken_for_a_word() {
    let lines = [
        "add 10.1.0.0/16 via 10.0.0.254 or 10.0.0.253 from 10.9.0.0/16 as to 10.0.0.9 table 7",
        "append fd02::/64 dev eth0 congctl cubic expires 60 pref high ttl-propagate enabled",
        "prepend 10.3.0.0/16 dev eth0 encap mpls 100 features ecn quickack 1 rto_min 5 realms 1/2",
        "10.4.0.0/16 src 10.0.0.6 encap ip id 7 dst 10.0.0.8 src 10.0.0.7 tos 2 ttl 64 dev eth0",
    ];
    let rules = [
        "from 10.3.0.0/16 type blackhole preference 5 tunnel-id 3 uidrange 1-2 ipproto tcp sport 1-2 dport 3-3",
        "not to 10.3.0.0/16 goto 7 order 6 suppress_prefixlength 8 suppress_ifgroup 1 l3mdev nop protocol 4",
    ];
    let words = format!("virtual_routes {{\n{}\n}}\nvirtual_rules {{\n{}\n}}", lines.join("\n"), rules.join("\n"));
    let (configuration, told) = read("", &words, "");
    assert!(told.iter().all(|line| line.contains("not-acted-on")), "{told:#?}");
    let routing = &configuration.virtual_routers[0].routing;
    assert_eq!(routing.len(), 1, "an entry without what narrows it is left out: {routing:?}");
    let (configuration, told) = read("", "virtual_routes {\n10.1.0.0/16 proto static dev eth0\n}", "");
    assert_eq!(told.len(), 1, "a value is no further unknown word: {told:?}");
    assert!(configuration.virtual_routers[0].routing.is_empty(), "nor is it set without the word");
}

#[test]
fn routes_and_rules_that_can_not_be_set_are_told_with_their_place() {
    let words = "virtual_routes {\n10.1.0.0/16 via 10.0.0.254 rtt 5\n10.2.0.0/16 vai 10.0.0.254\n}\nvirtual_rules {\nfrom 10.3.0.0/16 table 7\n}";
    let (configuration, told) = read("", words, "");
    assert_eq!(configuration.virtual_routers[0].routing.len(), 2);
    assert_eq!(told.len(), 3, "{told:?}");
    for part in ["rtt is not acted on", "unknown word \"vai\"", "16384 is used"] {
        assert!(told.iter().any(|line| line.contains(part)), "{part}: {told:?}");
    }
    let (configuration, told) = read("", "virtual_routes {\n10.1.0.0/16 via fd00::1\n}", "");
    assert!(configuration.virtual_routers[0].routing.is_empty() && told[0].contains("mixed-families"), "{told:?}");
    for wrong in ["via 10.0.0.254", "10.1.0.0/16 dev eth0 scope foo", "10.1.0.0/16 table 5x", "10.1.0.1/16 dev eth0"] {
        let (configuration, told) = read("", &format!("virtual_routes {{\n{wrong}\n}}"), "");
        assert!(configuration.virtual_routers[0].routing.is_empty(), "{wrong}");
        assert!(told.len() == 1 && told[0].ends_with("the line is left out, as keepalived does"), "{told:?}");
    }
    let missing = "vrrp_instance A {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.0.0.1\n}\nvirtual_routes {\n\
                   10.1.0.0/16 via\n}\n}\n";
    let told: Vec<_> = parse_configuration("test", missing).diagnostics.iter().map(short).collect();
    assert_eq!(told, ["8:13 error missing-parameter: via has no value"], "keepalived does not run with it either");
}

/// Virtual interfaces of each instance as `NAME MAC on BASE`, the one that it advertises from, and where its addresses are.
fn links(text: &str) -> (Vec<String>, Vec<String>) {
    let loaded = parse_configuration("test", text);
    let told = loaded.diagnostics.iter().map(short).collect();
    let shown = |router: &lvsdeck::engine::model::VirtualRouter| {
        let links: Vec<_> = router.links.iter().map(|l| format!("{} {} on {}", l.name, l.mac, l.base)).collect();
        let on: Vec<_> = router.addresses.iter().map(|a| a.interface.as_deref().unwrap_or("-").to_owned()).collect();
        format!("{}; from {}; at {}", links.join(", "), router.advertises_from.as_deref().unwrap_or("-"), on.join(" "))
    };
    let configuration = loaded.configuration.unwrap_or_default();
    (configuration.virtual_routers.iter().map(shown).collect(), told)
}

fn vmac(name: &str, interface: &str, words: &str, addresses: &str) -> String {
    format!(
        "vrrp_instance {name} {{\ninterface {interface}\nvirtual_router_id 51\n{words}\nvirtual_ipaddress {{\n{addresses}\n}}\n}}\n"
    )
}

/// Names and places by keepalived 2.2.7 in a namespace with these words.
#[test]
fn use_vmac_names_interfaces_as_keepalived_does_and_moves_addresses_there() {
    let four = vmac("A", "eth0", "use_vmac", "10.0.0.1/24");
    let six = vmac("B", "eth0", "use_vmac", "fe80::1/64");
    let other = vmac("C", "eth1", "use_vmac", "10.0.1.1/24");
    let mac = "00:00:5e:00:01:33";
    let (found, told) = links(&[four.as_str(), &six, &other].concat());
    assert_eq!(told, [""; 0]);
    assert_eq!(found[0], format!("vrrp.51 {mac} on eth0; from vrrp.51; at vrrp.51"));
    assert_eq!(found[1], "vrrp6.51 00:00:5e:00:02:33 on eth0; from vrrp6.51; at vrrp6.51");
    assert_eq!(found[2], format!("vrrp1.51 {mac} on eth1; from vrrp1.51; at vrrp1.51"));
    let (found, _) = links(&[six, four].concat());
    assert!(found[0].starts_with("vrrp.51 00:00:5e:00:02:33") && found[1].starts_with("vrrp1.51"), "{found:?}");

    let more =
        "10.0.0.1/24\n10.7.0.1/24 dev eth1\n10.7.0.2/24 dev eth1 use_vmac\n}\nvirtual_ipaddress_excluded {\nfd00::1/64";
    let (found, told) = links(&vmac("A", "eth0", "use_vmac vip\nvmac_xmit_base", more));
    assert_eq!(told, [""; 0]);
    assert_eq!(found[0], format!("vip {mac} on eth0, vrrp.51 {mac} on eth1; from -; at vip eth1 vrrp.51 -"));
    let (found, _) = links(&vmac("A", "eth0", "use_vmac\nuse_vmac_addr", more));
    assert!(found[0].ends_with("at vrrp.51 vrrp1.51 vrrp1.51 vrrp6.51"), "{found:?}");
    let (found, _) = links(&vmac("A", "eth0", "use_vmac_addr", more));
    assert_eq!(
        found[0],
        format!("vrrp.51 {mac} on eth1; from -; at - vrrp.51 vrrp.51 -"),
        "its own stay where they are"
    );
    let prefixed = vmac("A", "eth0", "use_vmac 02:00:5e:00:01", "10.0.0.1/24");
    let (found, _) = links(&format!("global_defs {{\nvmac_prefix vm\n}}\n{prefixed}"));
    assert_eq!(found[0], "vm.51 02:00:5e:00:01:33 on eth0; from vm.51; at vm.51", "the VRID is the sixth byte");
}

#[test]
fn words_about_virtual_interfaces_that_can_not_be_followed_are_told() {
    let told = |words: &str| links(&vmac("A", "eth0", words, "10.0.0.1/24")).1;
    assert_eq!(told("use_vmac 00:00:5e:00:01:99").len(), 1);
    assert!(told("use_vmac 00:00:5e:00:01:99")[0].contains("bad-mac"));
    for bad in ["01:00:00:00:00:01", "02:00:00:00:00:00:01", "02:00", "02:00:00:00:00:0g", "2:+1:0:0:0:0"] {
        let told = told(&format!("use_vmac {bad}"));
        assert!(told.len() == 1 && told[0].contains("warning bad-mac"), "{bad}: {told:?}");
    }
    for bad in ["a-name-of-16-char", "eth0", "a/b", ".."] {
        let told = told(&format!("use_vmac {bad}"));
        assert!(told.len() == 1 && told[0].contains("warning bad-interface"), "{bad}: {told:?}");
    }
    assert!(told("vmac_xmit_base")[0].contains("no-effect"));
    assert!(told("use_vmac\nunicast_peer {\n10.0.0.2\n}")[0].contains("from-base"));
    let same = [vmac("A", "eth0", "use_vmac x", "10.0.0.1"), vmac("B", "eth1", "use_vmac x", "10.0.0.2")].concat();
    assert!(links(&same).1.iter().any(|told| told.contains("same-virtual-link")));
}

#[test]
fn statics_are_of_the_node_and_a_track_group_says_who_needs_them() {
    let before = "track_group TG {\ngroup {\nVI_1\n}\n}
        static_ipaddress {\n10.5.0.1/24 dev eth0 track_group TG\n10.5.0.2/24 brd + dev eth1 scope link\n}
        static_routes {\n10.6.0.0/24 via 10.5.0.9 dev eth0\n}\nstatic_rules {\nfrom 10.6.0.0/24 table 100 preference 555\n}";
    let found = good(before, "", "").statics;
    let on_a_line = before.replace("group {\nVI_1\n}", "group VI_1");
    assert_eq!(good(&on_a_line, "", "").statics, found);
    let shown = |at: usize| {
        let found = &found.addresses[at];
        (found.address.to_string(), found.address.interface.clone().unwrap(), found.needed_by.join(" "))
    };
    assert_eq!(shown(0), ("10.5.0.1/24".to_owned(), "eth0".to_owned(), "VI_1".to_owned()));
    assert_eq!(shown(1), ("10.5.0.2/24".to_owned(), "eth1".to_owned(), String::new()));
    let routing: Vec<String> = found.routing.iter().map(ToString::to_string).collect();
    assert_eq!(routing, ["route 10.6.0.0/24 via 10.5.0.9 dev eth0", "rule from 10.6.0.0/24 table 100"]);

    let told = |text: &str| parse_configuration("test", text).diagnostics.iter().map(short).collect::<Vec<_>>();
    let bare = told("static_ipaddress {\n10.5.0.1/24\n}\n");
    assert_eq!(bare, ["2:1 warning no-dev: a static address has no dev: eth0 is used, as in keepalived"]);
    let lost = told("static_ipaddress {\n10.5.0.1/24 dev eth0 track_group T\n}\ntrack_group TG {\ngroup {\nX\n}\n}\n");
    assert!(lost.iter().any(|told| told.contains("there is no track_group \"T\"")), "{lost:?}");
    assert!(lost.iter().any(|told| told.contains("there is no vrrp_instance \"X\"")), "{lost:?}");
}

/// By keepalived 2.2.7 with these words.
#[test]
fn strict_mode_goes_without_what_keepalived_resets_and_says_so() {
    let words = "authentication {\nauth_type PASS\nauth_pass abc\n}\npreempt_delay 5\ngarp_master_refresh 10
        higher_prio_send_advert\nuse_vmac\nvmac_xmit_base";
    let (found, told) = read("global_defs {\nvrrp_strict\n}", words, "");
    let router = &found.virtual_routers[0];
    assert_eq!(router.authentication, lvsdeck::engine::model::Authentication::None);
    assert!(router.preempt_delay.is_zero() && router.garp.refresh.is_zero());
    assert!(router.variations.lower_prio_no_advert && !router.variations.higher_prio_send_advert);
    assert_eq!(router.advertises_from.as_deref(), Some("vrrp.51"));
    assert_eq!(told.iter().filter(|told| told.contains("warning strict: ")).count(), 5, "{told:?}");
    assert_eq!(told.iter().filter(|told| told.contains("warning drops: ")).count(), 1, "{told:?}");
    assert!(!router.variations.accepts);
    let (accepts, told) = read("", "strict_mode\nversion 3\naccept", "");
    assert!(accepts.virtual_routers[0].variations.accepts && told.is_empty(), "{told:?}");
    let (two, told) = read("", "strict_mode\naccept", "");
    assert!(!two.virtual_routers[0].variations.accepts && told[1].contains("without accept in version 2"), "{told:?}");
    let (owner, told) = read("", "strict_mode\nstate MASTER\npriority 255", "");
    assert!(owner.virtual_routers[0].priority.is_owner() && told.is_empty(), "{told:?}");
    let loose = read("global_defs {\nvrrp_strict\n}", &format!("strict_mode off\n{words}"), "");
    assert_ne!(loose.0.virtual_routers[0].authentication, lvsdeck::engine::model::Authentication::None);
    assert_eq!(loose.1, [""; 0]);
}

#[test]
fn old_words_about_the_sync_daemon_and_a_priority_that_rises_are_followed() {
    let (found, told) = read("", "lvs_sync_daemon_interface eth1", "");
    let daemon = found.global.lvs.sync_daemon.unwrap();
    assert_eq!((daemon.interface.as_str(), daemon.instance.as_deref(), daemon.id), ("eth1", Some("VI_1"), None));
    assert!(told[0].contains("warning deprecated: "), "{told:?}");
    let both = read("global_defs {\nlvs_sync_daemon eth0 VI_1\n}", "lvs_sync_daemon_interface eth1", "").0;
    assert_eq!(both.global.lvs.sync_daemon.unwrap().interface, "eth0", "the newer word counts");

    let priority =
        |words: &str| read(&format!("global_defs {{\n{words}\n}}"), "", "").0.global.failover_thread.priority;
    assert_eq!(priority("max_auto_priority"), Some(1));
    assert_eq!(priority("max_auto_priority 20"), Some(1));
    assert_eq!(priority("max_auto_priority 20\nvrrp_rt_priority 50"), Some(50));
    assert_eq!((priority("max_auto_priority 0"), priority("max_auto_priority -1")), (None, None));
    assert!(read("global_defs {\nmax_auto_priority 100\n}", "", "").1[0].contains("out-of-range"));
}

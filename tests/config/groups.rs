//! `virtual_server_group`: a service for each address, range and firewall mark.

use lvsdeck::engine::model::{GroupRole, VirtualServer};
use lvsdeck::engine::parse_configuration;

const GROUP: &str = "virtual_server_group G {\nfwmark 7\n10.0.0.1 80\n10.0.0.3-4 81\n}\n";

fn service(lines: &str) -> String {
    format!("virtual_server group G {{\nprotocol TCP\nlb_kind DR\n{lines}\n}}\n")
}

/// The services, and what is said.
fn read(text: &str) -> (Vec<VirtualServer>, Vec<String>) {
    let loaded = parse_configuration("test", text);
    let told = loaded.diagnostics.iter().map(|d| format!("{}:{} {} {}", d.line, d.column, d.code, d.message)).collect();
    (loaded.configuration.map(|c| c.virtual_servers).unwrap_or_default(), told)
}

#[test]
fn each_line_is_a_service_and_one_address_speaks_for_all() {
    let (services, told) = read(&(GROUP.to_owned() + &service("real_server 10.0.0.71 80 {\nTCP_CHECK {\n}\n}")));
    let keys: Vec<String> = services.iter().map(|service| service.key.to_string()).collect();
    assert_eq!(keys, ["fwmark/7", "tcp/10.0.0.1:80", "tcp/10.0.0.3:81", "tcp/10.0.0.4:81"]);
    assert!(services.iter().all(|service| service.name.as_deref() == Some("G")));
    let speakers = services.iter().map(|service| service.group == Some(GroupRole::Speaker));
    assert_eq!(speakers.collect::<Vec<_>>(), [false, true, false, false]);
    // As keepalived 2.2.7 sets them: DR keeps the service's port, and a mark has none; all of them ask the same check.
    let servers: Vec<String> = services.iter().map(|service| service.real_servers[0].key.to_string()).collect();
    assert_eq!(servers, ["10.0.0.71:0", "10.0.0.71:80", "10.0.0.71:81", "10.0.0.71:81"]);
    assert!(services.windows(2).all(|two| two[0].real_servers[0].checks == two[1].real_servers[0].checks));
    assert_eq!(told.len(), 1, "the port is rewritten, told once: {told:?}");
}

#[test]
fn what_is_wrong_with_a_group_is_told_at_its_line() {
    let server = service("real_server 10.0.0.71 80 {\n}");
    for (group, wanted) in [
        (
            "virtual_server_group H {\n10.0.0.1 80\n}\n",
            "4:22 unknown-name there is no virtual_server_group \"G\"; its services are left out, as keepalived does",
        ),
        (
            "virtual_server_group G {\n10.0.0.9-3 80\n}\n",
            "2:1 bad-service \"10.0.0.9-3\" is neither an address, a range of them nor fwmark",
        ),
        ("virtual_server_group G {\n10.0.0.1 80x\n}\n", "2:10 not-a-number port \"80x\" counts as 80"),
        ("virtual_server_group G {\n10.0.0.1 80 10.0.0.2 81\n}\n", "2:13 too-many-values \"10.0.0.2\" is not used"),
        ("virtual_server_group G {\nfwmark 7 inet6 x\n}\n", "2:16 too-many-values \"x\" is not used"),
        (
            "virtual_server_group G {\nfwmark 7 inet7\n}\n",
            "2:1 bad-family \"inet7\" is no family; this line makes no service, as with keepalived",
        ),
        (
            "virtual_server_group G {\n10.0.0.9/29 80\n}\n",
            "2:1 bad-prefix \"10.0.0.9/29\" does not begin where its /29 does; this line makes no service",
        ),
        (
            "virtual_server_group G {\n10.0.0.1 80\nfd00::1 80\nfwmark 7\n}\n",
            "6:22 mixed-families virtual_server_group G has both families, and a fwmark that says none; its services are left \
             out, as keepalived does",
        ),
        ("virtual_server_group G {\nfwmark 0\n}\n", "2:8 bad-mark fwmark \"0\" is out of range"),
    ] {
        let (_, told) = read(&(group.to_owned() + &server));
        assert!(told.iter().any(|line| line.starts_with(wanted)), "{told:?} for {group}");
    }
    let (services, told) = read(&format!("virtual_server_group G {{\n}}\n{server}"));
    assert_eq!((services.len(), told.len()), (0, 1), "{told:?}");
    let twice = format!("{GROUP}virtual_server_group G {{\n10.0.0.9 80\n}}\n{server}");
    assert_eq!(read(&twice).0.len(), 4, "the first of a name stays");
}

#[test]
fn a_network_is_a_service_for_each_of_its_addresses_and_a_mark_has_the_family_of_its_line() {
    let group = "virtual_server_group G {\n10.0.0.8/30 80\nfwmark 7 inet6\nfwmark 8 inet\n}\n";
    let (services, told) = read(&(group.to_owned() + &service("lb_kind TUN\nreal_server 10.0.0.71 80 {\n}")));
    let keys: Vec<String> = services.iter().map(|service| service.key.to_string()).collect();
    let addresses = ["tcp/10.0.0.8:80", "tcp/10.0.0.9:80", "tcp/10.0.0.10:80", "tcp/10.0.0.11:80"];
    assert_eq!(keys, [&addresses[..], &["fwmark6/7", "fwmark/8"]].concat());
    assert!(!told.iter().any(|line| line.contains("not-acted-on") || line.contains("too-many-values")), "{told:?}");
    let (services, _) = read(
        "virtual_server_group G {\n10.0.0.1 80\nfd00::1 80\nfwmark 7\n}\n\
         virtual_server group G {\nprotocol TCP\nreal_server 10.0.0.71 80 {\n}\n}\n",
    );
    assert_eq!(services.len(), 0, "nobody knows the family of mark 7");
}

use super::{Plan, plan};
use crate::engine::config;
use crate::engine::model::Configuration;

const FILE: &str = "
global_defs { router_id d1 }
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 100
    authentication { auth_type PASS
        auth_pass first }
    virtual_ipaddress { 10.0.0.1/24 }
}
virtual_server 10.0.0.1 80 {
    protocol TCP
    delay_loop 5
    lb_algo rr
    real_server 10.0.0.71 80 { weight 1
        TCP_CHECK { connect_timeout 3 } }
    real_server 10.0.0.72 80 { weight 1 }
}
";

fn read(text: &str) -> Configuration {
    let loaded = config::parse("x.conf", text);
    loaded.configuration.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

fn to(changes: &[(&str, &str)]) -> Plan {
    let mut text = FILE.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    plan(&read(FILE), &read(&text))
}

#[test]
fn the_same_file_changes_nothing() {
    let plan = to(&[]);
    assert!(plan.is_empty() && plan.steps.is_empty(), "{plan:?}");
    assert_eq!((plan.unchanged, plan.sentence().as_str()), (6, "nothing changes: 6 objects are as the file says"));
    assert!(to(&[("priority 100", "priority   100 # as ever")]).is_empty());
}

#[test]
fn each_change_is_named_with_its_words() {
    for (from, into, steps) in [
        ("priority 100", "priority 110", &["~ vrrp_instance VI_1: priority 100 -> 110"][..]),
        (
            "10.0.0.1/24",
            "10.0.0.1/24\n10.0.0.2/24",
            &["~ vrrp_instance VI_1: virtual_ipaddress 10.0.0.1/24 -> 10.0.0.1/24, 10.0.0.2/24"],
        ),
        ("auth_pass first", "auth_pass second", &["~ vrrp_instance VI_1: a secret changes"]),
        ("lb_algo rr", "lb_algo wrr", &["~ virtual_server tcp/10.0.0.1:80: lb_algo rr -> wrr"]),
        ("VI_1", "VI_2", &["- vrrp_instance VI_1", "+ vrrp_instance VI_2"]),
        (
            "virtual_router_id 51",
            "virtual_router_id 52",
            &["- vrrp_instance VI_1", "+ vrrp_instance VI_1: virtual_router_id 51 -> 52"],
        ),
        ("interface eth0", "interface eth1", &["- vrrp_instance VI_1", "+ vrrp_instance VI_1: interface eth0 -> eth1"]),
        ("router_id d1", "router_id d2", &["~ global_defs: router_id d1 -> d2"]),
        ("real_server 10.0.0.72 80 { weight 1 }", "", &["- virtual_server tcp/10.0.0.1:80: real_server 10.0.0.72:80"]),
        (
            "10.0.0.72 80 { weight 1 }",
            "10.0.0.73 80 { weight 1 }",
            &[
                "- virtual_server tcp/10.0.0.1:80: real_server 10.0.0.72:80",
                "+ virtual_server tcp/10.0.0.1:80: real_server 10.0.0.73:80",
            ],
        ),
        (
            "10.0.0.72 80 { weight 1 }",
            "10.0.0.72 80 { weight 9 }",
            &["~ virtual_server tcp/10.0.0.1:80: real_server 10.0.0.72:80: weight 1 -> 9"],
        ),
    ] {
        let plan = to(&[(from, into)]);
        assert_eq!(plan.steps, steps, "{into}");
        assert_eq!(plan.added + plan.changed + plan.removed, steps.len(), "{into}");
    }
    let plan = to(&[("connect_timeout 3", "connect_timeout 4")]);
    assert!(plan.steps[0].contains("timeout 3s") && plan.steps[0].contains("timeout 4s"), "{plan:?}");
}

#[test]
fn what_is_long_in_the_model_is_told_in_the_words_of_the_file() {
    let http = "HTTP_GET { url { path /\n status_code 200 } connect_timeout 3 }";
    let ssl = "SSL_GET { enable_sni\n url { path /a\n virtualhost h\n status_code 200-299 404\n regex \"up|ok\" } connect_timeout 2.5 }";
    let routes = "priority 100\nvirtual_routes { 192.0.2.0/24 via 10.0.0.9 dev eth0 table 7 mtu 1400\n blackhole 198.51.100.0/24 }\n\
                  virtual_rules { from 10.1.0.0/16 fwmark 3/7 table 7 preference 9 }\ngarp_master_delay 3\ngarp_lower_prio_delay 2";
    let tail = "delay_loop 5s connect_timeout 3s retry 1 ";
    for (from, into, wanted) in [
        ("TCP_CHECK { connect_timeout 3 }", http, format!("-> HTTP_GET 10.0.0.71:80 url {{ path / status_code 200 }} {tail}")),
        (
            "TCP_CHECK { connect_timeout 3 }",
            ssl,
            "-> SSL_GET 10.0.0.71:80 enable_sni url { path /a virtualhost h status_code 200-299 404 regex \"up|ok\" } delay_loop 5s \
             connect_timeout 2.5s "
                .to_owned(),
        ),
        (
            "TCP_CHECK { connect_timeout 3 }",
            "DNS_CHECK { type A\n name x.org\n bindto 10.0.0.5 }",
            "-> DNS_CHECK 10.0.0.71:80 type A name x.org bindto 10.0.0.5 delay_loop 5s".to_owned(),
        ),
        (
            "TCP_CHECK { connect_timeout 3 }",
            "UDP_CHECK { payload 0aff }",
            "-> UDP_CHECK 10.0.0.71:80 payload 0aff delay_loop 5s".to_owned(),
        ),
        ("priority 100", routes, "virtual_routes none -> 192.0.2.0/24 via 10.0.0.9 dev eth0 table 7 mtu 1400, blackhole 198.51.100.0/24".to_owned()),
        ("priority 100", routes, "virtual_rules none -> from 10.1.0.0/16 fwmark 0x3/0x7 table 7 preference 9".to_owned()),
        ("priority 100", routes, "garp_master_delay 5s -> 3s".to_owned()),
        ("priority 100", routes, "garp_lower_prio_delay none -> 2s".to_owned()),
        ("priority 100", "priority 100\nstate MASTER\npreempt_delay 1.5", "state BACKUP -> MASTER".to_owned()),
    ] {
        let plan = to(&[(from, into)]);
        assert!(plan.steps.iter().any(|step| step.contains(&wanted)), "{wanted}\n{:#?}", plan.steps);
        let all = [plan.before, plan.after, plan.steps].concat().join("\n");
        for debug in ["Some(", "None", "[(", "Http(", "Dns {", "Route(", " 0ns"] {
            assert!(!all.replace("x.org", "").contains(debug), "{debug}: {all}");
        }
    }
}

#[test]
fn words_that_the_other_node_must_have_too_are_named() {
    for (from, into, paired) in [
        ("auth_pass first", "auth_pass second", &["VI_1"][..]),
        ("virtual_router_id 51", "virtual_router_id 52", &["VI_1"]),
        ("priority 100", "priority 100\nadvert_int 2", &["VI_1"]),
        ("priority 100", "priority 110", &[]),
        ("VI_1", "VI_2", &[]),
    ] {
        assert_eq!(to(&[(from, into)]).paired, paired, "{into}");
    }
}

#[test]
fn ranks_that_change_are_named_and_what_goes_with_addresses_is_counted() {
    let plan = to(&[("10.0.0.1/24", "10.0.0.2/24"), ("priority 100", "priority 90")]);
    assert_eq!(plan.reranked, ["VI_1"]);
    let plan = to(&[("10.0.0.1/24", "10.0.0.1/24\n10.0.0.2/24")]);
    assert_eq!(plan.reranked.len(), 0);
    let before = config::parse(
        "x",
        "vrrp_script s {\nscript /bin/true\n}\nvirtual_server 10.0.0.9 80 {\nprotocol TCP\nreal_server 10.0.0.71 80 {\n}\n}\n",
    );
    let gone = super::plan(&before.configuration.unwrap(), &Configuration::default());
    assert_eq!((gone.removed, gone.serving), (3, 2));
}

#[test]
fn instances_that_advertise_another_list_of_addresses_are_named() {
    for (from, into, readdressed) in [
        ("10.0.0.1/24", "10.0.0.1/24\n10.0.0.2/24", &["VI_1"][..]),
        ("10.0.0.1/24", "10.0.0.1/25", &[]),
        ("virtual_router_id 51", "virtual_router_id 52", &[]),
        ("priority 100", "priority 110", &[]),
    ] {
        assert_eq!(to(&[(from, into)]).readdressed, readdressed, "{into}");
    }
}

#[test]
fn no_line_has_a_secret_and_another_secret_is_another_plan() {
    let (second, third) =
        (to(&[("auth_pass first", "auth_pass second")]), to(&[("auth_pass first", "auth_pass third")]));
    assert_eq!(second.steps, third.steps);
    assert_ne!(second.digest, third.digest);
    assert!(!format!("{second:?}").contains("second"));
}

#[test]
fn a_new_service_comes_with_its_servers_and_a_removed_one_takes_them_along() {
    let more = "virtual_server 10.0.0.9 80 { protocol TCP\n real_server 10.0.0.71 80 { weight 1 } }";
    let (old, new) = (read(FILE), read(&format!("{FILE}{more}")));
    let there = plan(&old, &new);
    assert_eq!((there.added, there.changed, there.removed, there.unchanged), (2, 0, 0, 6));
    let back = plan(&new, &old);
    assert_eq!((back.added, back.changed, back.removed, back.unchanged), (0, 0, 2, 6));
}

#[test]
fn a_plan_of_many_changes_says_how_many_and_its_digest_knows_them_all() {
    let service = |n: u32, weight| {
        format!(
            "virtual_server 10.1.{}.{} 80 {{ protocol TCP\n real_server 10.0.0.71 80 {{ weight {weight} }} }}\n",
            n / 250,
            n % 250
        )
    };
    let file =
        |weight_of_last| (0..500).map(|n| service(n, if n == 499 { weight_of_last } else { 2 })).collect::<String>();
    let plan_to = |text: &str| plan(&Configuration::default(), &read(text));
    let (one, other) = (plan_to(&file(2)), plan_to(&file(3)));
    assert_eq!(one.steps.last().unwrap(), "… and 800 more");
    assert_eq!(one.steps, other.steps);
    assert_ne!(one.digest, other.digest);
}

use super::compare;
use crate::engine::config;
use crate::engine::difference::Difference;
use crate::engine::model::Configuration;
use crate::engine::snapshot::Status;
use serde_json::{Value, json};

const FILE: &str = "
vrrp_instance VI_1 { 
    interface eth0
    virtual_router_id 51
    priority 100
    virtual_ipaddress { 
        10.0.0.1/24
    }
}
virtual_server 10.0.0.1 80 { 
    protocol TCP
    lb_algo rr
    real_server 10.0.0.71 80 {
        weight 3
    }
}
";

fn read(text: &str) -> Configuration {
    config::parse("x.conf", text).configuration.unwrap()
}

fn router(state: &str, here: &[&str]) -> Value {
    json!({"name": "VI_1", "interface": "eth0", "family": "inet", "vrid": 51, "version": 2, "state": state, "priority": 100,
        "effective_priority": 100, "advert_interval_ms": 1000, "preempt": true, "since": "2026-01-01T00:00:00Z", "reason": "",
        "addresses": ["10.0.0.1/24"], "addresses_here": here, "next": null, "peers": [], "counters": {}, "history": []})
}

fn server(weight: u32, admin: &str, health: &str, kernel: &Value) -> Value {
    json!({"key": "10.0.0.71:80", "forward": "nat", "weight": weight, "configured_weight": 3, "health": health,
        "health_since": "2026-01-01T00:00:00Z", "admin": admin, "added": false, "kernel": kernel, "active": 0, "inactive": 0,
        "persistent": 0, "checks": [], "counters": {}, "rates": {}})
}

fn status(router: Value, server: Value) -> Status {
    let zero = serde_json::to_value(crate::engine::snapshot::Counters::default()).unwrap();
    let rates = serde_json::to_value(crate::engine::snapshot::Rates::default()).unwrap();
    let vrrp = serde_json::to_value(crate::engine::snapshot::VrrpCounters::default()).unwrap();
    let (mut router, mut server) = (router, server);
    (router["counters"], server["counters"], server["rates"]) = (vrrp, zero.clone(), rates.clone());
    let service = json!({"key": "tcp/10.0.0.1:80", "name": null, "scheduler": "rr", "forward": "nat", "persistence": null,
        "quorum": {"need": 1, "have": 3, "up": true}, "sorry_server_active": false, "in_kernel": true, "counters": zero,
        "rates": rates, "real_servers": [server]});
    let status = json!({"version": 1, "node": "d1", "pid": 1, "mode": "run", "dataplane": "kernel",
        "config": {"file": "x.conf", "loaded_at": "2026-01-01T00:00:00Z", "generation": 1}, "role": "MASTER", "last_event": 0,
        "changed_at": null, "virtual_routers": [router], "virtual_servers": [service], "drift": [], "foreign": [],
        "warnings": []});
    serde_json::from_value(status).unwrap()
}

/// What differs, as `subject field file engine kernel`.
fn lines(file: &str, router: Value, server: Value) -> Vec<String> {
    beside(file, FILE, router, server)
}

/// The same where another file runs.
fn beside(file: &str, runs: &str, router: Value, server: Value) -> Vec<String> {
    let word = |side: Option<String>| side.unwrap_or_else(|| "-".to_owned());
    let line = |d: Difference| {
        let (subject, field) = (d.subject, d.field);
        format!("{subject} | {field} | {} | {} | {}", word(d.file), word(d.engine), word(d.kernel))
    };
    compare(&read(file), &read(runs), &status(router, server), &[]).into_iter().map(line).collect()
}

fn well() -> (Value, Value) {
    (router("MASTER", &["10.0.0.1/24"]), server(3, "enabled", "up", &json!({"weight": 3, "forward": "nat"})))
}

#[test]
fn what_is_the_same_in_all_three_is_not_shown() {
    let (router, server) = well();
    assert_eq!(lines(FILE, router, server), Vec::<String>::new());
}

#[test]
fn a_file_that_was_edited_stands_beside_what_runs() {
    let ((router, server), edited) =
        (well(), FILE.replace("weight 3", "weight 7").replace("priority 100", "priority 90"));
    let shown = ["vrrp_instance VI_1 | priority | 90 | 100 | -", "tcp/10.0.0.1:80 10.0.0.71:80 | weight | 7 | 3 | 3"];
    assert_eq!(lines(&edited, router, server), shown);
}

#[test]
fn what_operators_and_checks_and_strangers_did_is_shown() {
    let weight = "tcp/10.0.0.1:80 10.0.0.71:80 | weight | 3 |";
    for (server, shown) in [
        (server(0, "draining", "up", &json!({"weight": 0, "forward": "nat"})), "0 (draining) | 0"),
        (server(3, "enabled", "down", &Value::Null), "out (down) | -"),
        (server(3, "enabled", "up", &json!({"weight": 9, "forward": "nat"})), "3 | 9"),
    ] {
        assert_eq!(lines(FILE, well().0, server), [format!("{weight} {shown}")]);
    }
}

#[test]
fn who_took_a_server_out_or_added_a_service_is_named() {
    let (router, server) = well();
    let mut status = status(router, server);
    let mut service = (*status.virtual_servers[0]).clone();
    let mut added = service.clone();
    service.real_servers.clear();
    added.key = "tcp/10.0.0.9:80".parse().unwrap();
    status.virtual_servers = vec![service.into(), added.into()];
    let by = |subject: &str, by: &str| (subject.to_owned(), by.to_owned());
    let said = [by("tcp/10.0.0.1:80 10.0.0.71:80", "anna since then"), by("tcp/10.0.0.9:80", "otto since then")];
    let found = compare(&read(FILE), &read(FILE), &status, &said);
    let lines: Vec<_> = found.iter().map(|d| (d.subject.as_str(), d.field.as_str(), d.by.as_deref())).collect();
    let (out, new) = (("tcp/10.0.0.1:80 10.0.0.71:80", "weight"), ("tcp/10.0.0.9:80", "object"));
    assert!(lines.contains(&(out.0, out.1, Some("anna since then"))), "{lines:?}");
    assert!(lines.contains(&(new.0, new.1, Some("otto since then"))), "{lines:?}");
    let without = compare(&read(&FILE.replace("10.0.0.71 80", "10.0.0.72 80")), &read(FILE), &status, &said);
    let line = without.iter().find(|d| d.subject == out.0);
    assert!(line.is_none_or(|d| d.by.is_none()), "the file has it no more either: {line:?}");
}

#[test]
fn an_address_is_where_its_master_is_and_nowhere_else() {
    let address = "vrrp_instance VI_1 | address | 10.0.0.1/24 |";
    let lacking = lines(FILE, router("MASTER", &[]), well().1);
    assert_eq!(lacking, [format!("{address} 10.0.0.1/24, master | -")]);
    let left = lines(FILE, router("BACKUP", &["10.0.0.1/24"]), well().1);
    assert_eq!(left, [format!("{address} - | 10.0.0.1/24")]);
    assert_eq!(lines(FILE, router("BACKUP", &[]), well().1), Vec::<String>::new());
}

#[test]
fn another_secret_is_told_and_not_shown() {
    let with = |secret: &str| {
        let words =
            format!("priority 100\n    authentication {{\n        auth_type PASS\n        auth_pass {secret}\n    }}");
        FILE.replace("priority 100", &words)
    };
    let told = |file, runs| beside(&with(file), &with(runs), well().0, well().1);
    assert_eq!(told("first", "first"), Vec::<String>::new());
    assert_eq!(told("second", "first"), ["vrrp_instance VI_1 | secret | *** | another | -"]);
}

#[test]
fn a_priority_of_an_operator_s_names_whose_it_is() {
    let mut router = router("MASTER", &["10.0.0.1/24"]);
    (router["priority_set"], router["priority_by"]) = (json!(150), json!("priority 150 by anna: new kernel"));
    let status = status(router, server(3, "enabled", "up", &json!({"weight": 3, "forward": "nat"})));
    let found = compare(&read(FILE), &read(FILE), &status, &[]);
    let by: Vec<_> = found.iter().map(|line| (line.field.as_str(), line.by.as_deref())).collect();
    assert_eq!(by, [("priority", Some("priority 150 by anna: new kernel"))]);
}

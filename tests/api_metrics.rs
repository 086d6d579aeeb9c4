//! `/metrics` of a running server, read by a strict reader of `OpenMetrics`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

mod api_fixture;
#[path = "api_metrics/openmetrics.rs"]
mod openmetrics;

use api_fixture::served::{Reply, Running};
use api_fixture::{draining, router, server, service, small, status};
use lvsdeck::api::{BindError, bind};
use lvsdeck::engine::{
    Family, ForeignCounters, ForeignRouter, ProcessFacts, RealServerStatus, SlowStartStatus, Status,
    VirtualRouterState, Warning, metric_families,
};
use openmetrics::{Exposition, Problem};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, SystemTime};

fn scrape(running: &Running, accept: &str) -> Reply {
    let head = "GET /metrics HTTP/1.1\r\nHost: l\r\nConnection: close\r\nAccept:";
    api_fixture::served::exchange(&running.socket, &format!("{head} {accept}\r\n\r\n"))
}

/// Names that need escaping, marks of both families, servers in every state.
fn odd() -> Status {
    let full_at = SystemTime::UNIX_EPOCH + Duration::from_millis(90_500);
    let slow_start = Some(SlowStartStatus { weight: 100, since: SystemTime::UNIX_EPOCH, full_at });
    let rising = RealServerStatus { slow_start: slow_start.map(Box::new), ..server("[fd00::73]:80") };
    let mut web = service("tcp/[fd00::1]:80", vec![server("[fd00::71]:80"), draining("[fd00::72]:80", 31), rising]);
    web.name = Some("web".into());
    let marks = [service("fwmark/8", vec![server("10.0.0.71:0")]), service("fwmark6/8", vec![server("[fd00::71]:0")])];
    let mut status = status([web].into_iter().chain(marks).collect());
    status.virtual_routers.push(router("a \"b\" \\ c\nd", VirtualRouterState::Fault));
    status.virtual_routers[0].counters.rejected_ttl = 7;
    let stranger = |vrid, rejected_vrid| ForeignRouter {
        interface: "eth0".into(),
        family: Family::Inet,
        vrid,
        address: "10.0.0.9".into(),
        last_heard_at: SystemTime::UNIX_EPOCH,
        last_priority: None,
        counters: ForeignCounters { rejected_vrid, ..ForeignCounters::default() },
    };
    status.foreign_routers = vec![stranger(7, 12), stranger(8, 30)];
    for code in ["rp-filter", "rp-filter", "clock"] {
        let (subject, message, next) = ("x".to_owned(), "secret.example".to_owned(), "x".to_owned());
        status.warnings.push(Warning { code: code.into(), subject, message, next });
    }
    status
}

#[test]
fn what_is_served_is_openmetrics_to_the_letter() {
    for status in [small(), odd(), status(Vec::new())] {
        let running = Running::new(status);
        let reply = scrape(&running, "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3");
        assert_eq!(reply.status, 200);
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert_eq!(reply.header("content-type"), Some(kind));
        let found =
            Exposition::read(&reply.body).unwrap_or_else(|Problem(problem)| panic!("{problem}\n{}", reply.body));
        assert!(found.families.len() > 50, "{}", found.families.len());
    }
}

#[test]
fn the_numbers_are_those_of_the_status() {
    let running = Running::new(odd());
    let found = Exposition::read(&running.get("/metrics").body).unwrap();
    for (series, value) in [
        ("lvsdeck_role{lvsdeck_role=\"MASTER\"}", 1.0),
        ("lvsdeck_role{lvsdeck_role=\"FAULT\"}", 0.0),
        ("lvsdeck_config_generation", 1.0),
        ("lvsdeck_config_last_reload_successful", 1.0),
        ("lvsdeck_warnings{code=\"rp-filter\"}", 2.0),
        (
            "lvsdeck_vrrp_state{vrrp_instance=\"VI_1\",interface=\"eth0\",family=\"inet\",vrid=\"91\",\
             lvsdeck_vrrp_state=\"MASTER\"}",
            1.0,
        ),
        (
            "lvsdeck_vrrp_adverts_rejected_total{vrrp_instance=\"VI_1\",interface=\"eth0\",family=\"inet\",vrid=\"91\",\
             reason=\"ttl\"}",
            7.0,
        ),
        ("lvsdeck_vrrp_foreign_adverts_total{interface=\"eth0\",family=\"inet\",reason=\"vrid\"}", 42.0),
        (
            "lvsdeck_vrrp_priority{vrrp_instance=\"a \\\"b\\\" \\\\ c\\nd\",interface=\"eth0\",family=\"inet\",vrid=\"91\"}",
            200.0,
        ),
        ("lvsdeck_service_up{protocol=\"fwmark\",fwmark=\"8\",family=\"inet\"}", 1.0),
        ("lvsdeck_service_up{protocol=\"fwmark\",fwmark=\"8\",family=\"inet6\"}", 1.0),
        (
            "lvsdeck_server_active_connections{protocol=\"tcp\",address=\"fd00::1\",port=\"80\",family=\"inet6\",\
             server_address=\"fd00::72\",server_port=\"80\"}",
            31.0,
        ),
        (
            "lvsdeck_server_drain_connections{protocol=\"tcp\",address=\"fd00::1\",port=\"80\",family=\"inet6\",\
             server_address=\"fd00::72\",server_port=\"80\"}",
            31.0,
        ),
        (
            "lvsdeck_server_slow_start_weight{protocol=\"tcp\",address=\"fd00::1\",port=\"80\",family=\"inet6\",\
             server_address=\"fd00::73\",server_port=\"80\"}",
            100.0,
        ),
        (
            "lvsdeck_server_slow_start_end_timestamp_seconds{protocol=\"tcp\",address=\"fd00::1\",port=\"80\",family=\"inet6\",\
             server_address=\"fd00::73\",server_port=\"80\"}",
            90.5,
        ),
        (
            "lvsdeck_server_admin{protocol=\"tcp\",address=\"fd00::1\",port=\"80\",family=\"inet6\",\
             server_address=\"fd00::72\",server_port=\"80\",lvsdeck_server_admin=\"draining\"}",
            1.0,
        ),
        (
            "lvsdeck_server_check_up{protocol=\"fwmark\",fwmark=\"8\",family=\"inet\",server_address=\"10.0.0.71\",\
             server_port=\"0\",check=\"TCP_CHECK\",number=\"1\"}",
            1.0,
        ),
        ("lvsdeck_servers_without_series", 0.0),
    ] {
        assert_eq!(found.series.get(series), Some(&value), "{series}\n{:#?}", found.series);
    }
    let text = running.get("/metrics").body;
    for secret in ["secret.example", "keepalived.conf", "web", "10.0.0.12"] {
        assert!(!text.contains(secret), "{secret} is nobody's label");
    }
}

#[test]
fn an_old_prometheus_gets_the_format_that_it_knows() {
    let running = Running::new(small());
    let reply = scrape(&running, "text/plain;version=0.0.4;q=1,*/*;q=0.1");
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in reply.body.lines().filter(|line| line.starts_with('#')) {
        let words: Vec<_> = line.split(' ').collect();
        assert!(matches!(words[1], "HELP" | "TYPE"), "{line}");
        assert!(words[1] == "HELP" || matches!(words[3], "gauge" | "counter"), "{line}");
        let samples = |line: &&str| line.split(['{', ' ']).next() == Some(words[2]);
        let known = ["lvsdeck_server_kernel_weight", "lvsdeck_warnings", "lvsdeck_server_check_latency_seconds"];
        let sometimes = ["lvsdeck_server_slow_start_", "lvsdeck_server_drain_", "lvsdeck_vrrp_foreign_"];
        let is_rare = known.contains(&words[2]) || sometimes.iter().any(|part| words[2].starts_with(part));
        assert!(reply.body.lines().any(|line| samples(&line)) || is_rare, "{line}");
    }
    assert!(reply.body.contains("# TYPE lvsdeck_build_info gauge\nlvsdeck_build_info{"), "{}", reply.body);
    assert!(reply.body.contains("# TYPE lvsdeck_events_total counter\nlvsdeck_events_total "), "{}", reply.body);
}

#[test]
fn real_servers_beyond_the_limit_are_counted_and_have_no_series() {
    let services = (0..4_u8).map(|n| {
        let servers = (0..3).map(|m| server(&format!("10.0.{n}.{m}:80"))).collect();
        service(&format!("tcp/10.9.0.{n}:80"), servers)
    });
    let status = status(services.collect());
    let families = metric_families(&status, &ProcessFacts::default(), 7, SystemTime::now());
    let of = |name: &str| families.iter().find(|family| family.name == name).unwrap();
    assert_eq!(of("lvsdeck_server_up").samples.len(), 6, "whole services");
    assert_eq!(of("lvsdeck_service_up").samples.len(), 4);
    assert_eq!(of("lvsdeck_servers_without_series").samples[0].1, 6_u64.into());
}

/// The answer of a TCP address.
fn fetch(address: SocketAddr, path: &str, method: &str) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("{method} {path} HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    Reply::parse(&text)
}

fn with_address() -> (Running, SocketAddr) {
    let mut address = None;
    let running = Running::with(small(), |bound| {
        bound.offer_metrics("127.0.0.1:0".parse().unwrap()).unwrap();
        address = bound.metrics_address();
    });
    (running, address.unwrap())
}

#[test]
fn the_address_for_metrics_has_metrics_and_nothing_else() {
    let (running, address) = with_address();
    Exposition::read(&fetch(address, "/metrics", "GET").body).unwrap();
    for path in ["/", "/v1/status", "/v1/summary", "/v1/events", "/v1/commands"] {
        assert_eq!(fetch(address, path, "GET").refusal(), (404, "not-found".into()), "{path}");
        assert_eq!(fetch(address, path, "POST").refusal(), (404, "not-found".into()), "{path}");
    }
    assert_eq!(fetch(address, "/metrics", "POST").refusal(), (405, "method-not-allowed".into()));
    assert!(running.engine.asked.lock().unwrap().is_empty());
}

#[test]
fn scrapers_that_hold_all_places_of_the_address_hold_none_of_the_sockets() {
    let (running, address) = with_address();
    let ask = || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: l\r\n\r\n").unwrap();
        let mut line = [0; 12];
        stream.read_exact(&mut line).unwrap();
        (String::from_utf8(line.to_vec()).unwrap(), stream)
    };
    let held: Vec<_> = (0..16).map(|_| ask()).collect();
    assert!(held.iter().all(|(line, _)| line == "HTTP/1.1 200"));
    assert_eq!(fetch(address, "/metrics", "GET").refusal(), (503, "busy".into()));
    assert_eq!(running.get("/metrics").status, 200);
    drop(held);
    while fetch(address, "/metrics", "GET").status != 200 {}
}

#[test]
fn an_address_that_can_not_be_had_is_named_with_the_cause() {
    let dir = tempfile::tempdir().unwrap();
    let mut bound = bind(&dir.path().join("lvsdeck.sock")).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _holder = TcpListener::bind(taken).unwrap();
    let error = bound.offer_metrics(taken).unwrap_err();
    assert!(matches!(error, BindError::Metrics { .. }));
    assert_eq!(error.exit_code(), 1);
    assert!(error.to_string().contains(&taken.to_string()) && error.to_string().contains("in use"), "{error}");
    let foreign = bound.offer_metrics("192.0.2.1:9650".parse().unwrap()).unwrap_err();
    assert!(foreign.to_string().contains("192.0.2.1:9650"), "{foreign}");
}

//! More directors: one address, IPv6 alone, 100,000 servers, names that are very long or in wide characters.

use super::{degraded, down, drained, empty, pair, router, server, service};
use lvsdeck::engine::{Forwarding, RealServerStatus, Role, Status, VirtualRouterState};
use std::sync::Arc;
use std::time::SystemTime;

/// One instance with one address and one service.
pub fn one_vip(now: SystemTime) -> Status {
    let servers =
        vec![server(now, "10.0.3.11:80", Forwarding::Nat, 1), server(now, "10.0.3.12:80", Forwarding::Nat, 1)];
    Status {
        role: Role::Backup,
        changed_at: Some(super::ago(now, 90_000)),
        virtual_routers: vec![router(now, "VI_1", 51, VirtualRouterState::Backup, &["192.0.2.10/24"])],
        virtual_servers: vec![Arc::new(service("tcp/192.0.2.10:80", "rr", Forwarding::Nat, servers))],
        ..empty(now)
    }
}

/// Nothing but IPv6, with addresses as long as they get.
pub fn ipv6_only(now: SystemTime) -> Status {
    let web =
        |last: u16| server(now, &format!("[2001:db8:1234:5678:9abc:def0:1234:{last:x}]:8443"), Forwarding::Dr, 100);
    let mut servers: Vec<RealServerStatus> = (0xfff0..0xfff6).map(web).collect();
    servers[1] = down(servers[1].clone(), now, 41, "timeout");
    servers[2] = drained(servers[2].clone(), now);
    let dns = vec![server(now, "[fd00::53]:53", Forwarding::Tun, 1), server(now, "[fd00::54]:53", Forwarding::Tun, 1)];
    let vips = ["2001:db8:1234:5678:9abc:def0:1234:5678/64", "2001:db8::10/64", "fe80::1/64"];
    let mut router = router(now, "VI_v6", 61, VirtualRouterState::Master, &vips);
    router.version = 3;
    router.peers[0].address = "fe80::5054:ff:fe12:3456".to_owned();
    Status {
        role: Role::Master,
        changed_at: Some(super::ago(now, 41)),
        virtual_routers: vec![router],
        virtual_servers: vec![
            Arc::new(service("tcp/[2001:db8:1234:5678:9abc:def0:1234:5678]:443", "wlc", Forwarding::Dr, servers)),
            Arc::new(service("udp/[2001:db8::10]:53", "sh", Forwarding::Tun, dns)),
        ],
        ..empty(now)
    }
}

/// 100,000 servers: 60,000 in one service, 1,000 in each of forty others; one in 10,000 is down, one drained.
pub fn hundred_thousand(now: SystemTime) -> Status {
    let mut status = pair(now);
    let template = server(now, "10.0.0.1:80", Forwarding::Dr, 100);
    let mut count = 0_u32;
    let mut made = |servers: u32, n: u32| {
        let one = |_| {
            count += 1;
            let address = std::net::Ipv4Addr::from(0x0a00_0000 + count);
            let key = format!("{address}:80").parse().expect("a key");
            let server = RealServerStatus { key, ..template.clone() };
            match count % 10_000 {
                77 => down(server, now, u64::from(count / 100), "connection refused"),
                78 => drained(server, now),
                _ => server,
            }
        };
        let servers = (0..servers).map(one).collect();
        Arc::new(service(&format!("tcp/198.18.0.{n}:80"), "wlc", Forwarding::Dr, servers))
    };
    status.virtual_servers =
        std::iter::once((60_000, 1)).chain((2..42).map(|n| (1_000, n))).map(|(s, n)| made(s, n)).collect();
    status.changed_at = Some(super::ago(now, 7));
    status
}

/// Every name as long as somebody might make it.
pub fn long_names(now: SystemTime) -> Status {
    let mut status = degraded(now);
    let long = "a-very-long-name-that-somebody-was-paid-by-the-letter-for-and-that-fits-no-column";
    status.node = format!("{long}.example.internal");
    for (n, router) in status.virtual_routers.iter_mut().enumerate() {
        router.name = format!("VI_{n}_{long}");
        router.interface = "enp130s0f1np1d1".to_owned();
        router.reason = format!("script {long} failed");
    }
    for service in &mut status.virtual_servers {
        let service = Arc::make_mut(service);
        service.name = Some(format!("{}-{long}", service.key));
    }
    let web = Arc::make_mut(&mut status.virtual_servers[0]);
    if let Some(check) = web.real_servers[4].checks.first_mut() {
        check.error = Some(format!("503 Service Unavailable: {long} {long}"));
    }
    status
}

/// Names in wide and in combining characters.
pub fn cjk(now: SystemTime) -> Status {
    let mut status = degraded(now);
    status.node = "負荷分散装置-東京".to_owned();
    for (router, name) in status.virtual_routers.iter_mut().zip(["主ルーター", "데이터베이스_이중화_가상_라우터"])
    {
        router.name = name.to_owned();
        router.reason = "スクリプト「確認」が失敗".to_owned();
    }
    for (service, name) in
        status.virtual_servers.iter_mut().zip(["ウェブ・サービス", "数据库-主", "e\u{301}tude-Überwachung", "한국어"])
    {
        Arc::make_mut(service).name = Some(name.to_owned());
    }
    let web = Arc::make_mut(&mut status.virtual_servers[0]);
    if let Some(check) = web.real_servers[4].checks.first_mut() {
        check.error = Some("応答がありません".to_owned());
    }
    status
}

//! Made-up directors for the console's tests and its example: an [`EngineHandle`] without an engine behind it.
#![allow(dead_code)] // the example and each test file use a part of it
#![allow(clippy::expect_used, clippy::indexing_slicing)] // a fixture that is wrong is a bug of the test
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // made-up numbers
#![allow(clippy::assigning_clones)]

pub mod more;

use lvsdeck::engine::snapshot::ConfigStatus;
use lvsdeck::engine::snapshot::{KernelServer, NextStep, QuorumStatus, VrrpCounters};
use lvsdeck::engine::{
    Admin, Answer, CheckStatus, Command, CommandRequest, Counters, DrainStatus, EngineHandle, Event, EventKind, Family,
    Forwarding, HandleError, Health, HistoryError, HistoryPage, HistoryQuery, Outcome, PeerDetail, PeerState,
    PeerStatus, Preview, Problem, Rates, RealServerStatus, Role, RouterDetail, Row, RowKind, RowsPage, RowsQuery,
    Series, Severity, Sort, StateChange, Status, Summary, Totals, Undoable, VirtualRouterState, VirtualRouterStatus,
    VirtualServerStatus, Who,
};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime};

/// 2026-11-21 14:02:11 UTC: the moment of every still fixture.
pub fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_269_731)
}

fn ago(now: SystemTime, seconds: u64) -> SystemTime {
    now - Duration::from_secs(seconds)
}

/// A real server in good health.
pub fn server(now: SystemTime, key: &str, forward: Forwarding, weight: u32) -> RealServerStatus {
    RealServerStatus {
        key: key.parse().expect("a key"),
        forward,
        weight,
        configured_weight: weight,
        health: Health::Up,
        health_since: ago(now, 11_220),
        admin: Admin::Enabled,
        added: false,
        drain: None,
        overridden: None,
        suspended: false,
        slow_start: None,
        kernel: Some(KernelServer { weight, forward }),
        kernel_changed: None,
        active: 481,
        inactive: 1904,
        persistent: 0,
        checks: vec![CheckStatus {
            kind: "TCP_CHECK".to_owned(),
            target: key.to_owned(),
            ok: Some(true),
            failures: (0, 3),
            latency_ms: Some(1.9),
            at: Some(ago(now, 2)),
            error: None,
            next_in_ms: Some(3_200),
        }],
        counters: Counters {
            connections: 1_234_567,
            in_packets: 98_765_432,
            out_packets: 0,
            in_bytes: 12_345_678_901,
            out_bytes: 0,
        }
        .into(),
        rates: Rates {
            connections_per_s: 91.0,
            in_packets_per_s: 8_812.0,
            out_packets_per_s: 0.0,
            in_bytes_per_s: 4_123_000.0,
            out_bytes_per_s: 0.0,
        }
        .into(),
    }
}

/// The same server after its check failed.
pub fn down(mut server: RealServerStatus, now: SystemTime, seconds: u64, why: &str) -> RealServerStatus {
    server.health = Health::Down;
    server.health_since = ago(now, seconds);
    server.weight = 0;
    server.kernel = None;
    (server.active, server.rates) = (0, Rates::default().into());
    if let Some(check) = server.checks.first_mut() {
        check.ok = Some(false);
        check.error = Some(why.to_owned());
        check.failures = (3, 3);
        check.latency_ms = None;
    }
    server
}

/// The same server, drained by an operator.
pub fn drained(mut server: RealServerStatus, now: SystemTime) -> RealServerStatus {
    server.drain = Some(Box::new(DrainStatus {
        weight: 1,
        since: ago(now, 58),
        who: Some("alice (pid 4242)".to_owned()),
        reason: Some("kernel update".to_owned()),
        left: 31,
        bound: 0,
        empty_in_s: Some(140),
        deadline_at: Some(now + Duration::from_secs(542)),
        is_over: false,
        return_at: None,
    }));
    server.admin = Admin::Draining;
    server.weight = 0;
    server.kernel = Some(KernelServer { weight: 0, forward: server.forward });
    server.active = 31;
    server
}

/// A service over these servers.
pub fn service(key: &str, scheduler: &str, forward: Forwarding, servers: Vec<RealServerStatus>) -> VirtualServerStatus {
    let have: u32 = servers.iter().map(|s| s.weight).sum();
    let mut counters = Counters::default();
    let mut rates = Rates::default();
    for server in &servers {
        counters.connections += server.counters.connections;
        counters.in_packets += server.counters.in_packets;
        counters.in_bytes += server.counters.in_bytes;
        rates.connections_per_s += server.rates.connections_per_s;
        rates.in_packets_per_s += server.rates.in_packets_per_s;
        rates.in_bytes_per_s += server.rates.in_bytes_per_s;
    }
    VirtualServerStatus {
        key: key.parse().expect("a key"),
        name: None,
        scheduler: lvsdeck::engine::Scheduler::from_name(scheduler).expect("a scheduler"),
        forward,
        persistence: None,
        quorum: QuorumStatus { need: 1, have, up: have > 0 },
        sorry_server_active: false,
        sorry_server: None,
        in_kernel: true,
        counters,
        rates,
        real_servers: servers,
    }
}

/// An instance, master for three days with a silent peer.
pub fn router(now: SystemTime, name: &str, vrid: u8, state: VirtualRouterState, vips: &[&str]) -> VirtualRouterStatus {
    let master = state == VirtualRouterState::Master;
    let vips: Vec<String> = vips.iter().map(|v| (*v).to_owned()).collect();
    let since = ago(now, 1_500);
    let change = |seconds, state, reason: &str| StateChange { at: ago(now, seconds), state, reason: reason.to_owned() };
    VirtualRouterStatus {
        name: name.to_owned(),
        interface: "eth0".to_owned(),
        family: Family::Inet,
        vrid,
        version: 2,
        state,
        priority: if master { 150 } else { 100 },
        effective_priority: if master { 150 } else { 100 },
        advert_interval_ms: 1000,
        preempt: true,
        since,
        reason: "higher priority than 10.0.0.12".to_owned(),
        held: None,
        priority_set: None,
        priority_by: None,
        addresses_here: if master { vips.clone() } else { Vec::new() },
        addresses: vips,
        next: Some(NextStep {
            waiting: if master { "advertise" } else { "master down" }.to_owned(),
            in_ms: if master { 412 } else { 3_609 },
        }),
        peers: vec![PeerStatus {
            address: "10.0.0.12".to_owned(),
            source: "heard".to_owned(),
            last_heard_at: Some(ago(now, if master { 1_500 } else { 0 })),
            last_priority: Some(if master { 100 } else { 150 }),
            state: if master { PeerState::Silent } else { PeerState::Master },
            reachable: Some(true),
            rejected: None,
            detail: PeerDetail::default(),
        }],
        counters: VrrpCounters::default(),
        history: vec![
            change(273_600, state, "no master heard"),
            change(1_620, VirtualRouterState::Backup, "outranked by 10.0.0.12"),
            change(1_500, state, "higher priority than 10.0.0.12"),
        ],
        detail: RouterDetail { transport: "multicast".into(), ..RouterDetail::default() },
    }
}

/// A director without any service or instance.
pub fn empty(now: SystemTime) -> Status {
    Status {
        version: 1,
        node: "lvs-a".to_owned(),
        pid: 812,
        mode: "run".to_owned(),
        dataplane: "kernel".to_owned(),
        config: ConfigStatus {
            file: "/etc/keepalived/keepalived.conf".to_owned(),
            loaded_at: ago(now, 300_000),
            generation: 1,
        },
        role: Role::Init,
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

/// The master of a healthy pair with direct routing.
pub fn pair(now: SystemTime) -> Status {
    let web = |last: u8| server(now, &format!("10.0.3.{last}:443"), Forwarding::Dr, 100);
    let db = |last: u8| server(now, &format!("10.0.5.{last}:5432"), Forwarding::Nat, 1);
    let mut https = service("tcp/192.0.2.10:443", "wlc", Forwarding::Dr, (11..19).map(web).collect());
    https.name = Some("web-443".to_owned());
    let mut sql = service("tcp/192.0.2.20:5432", "rr", Forwarding::Nat, (1..3).map(db).collect());
    sql.persistence = Some(7200);
    let dns = |last: u8| server(now, &format!("10.0.7.{last}:53"), Forwarding::Tun, 1);
    let mut mark = service("fwmark/1234", "wrr", Forwarding::Dr, vec![server(now, "10.0.8.1:0", Forwarding::Dr, 3)]);
    mark.name = Some("ftp".to_owned());
    Status {
        role: Role::Master,
        changed_at: Some(ago(now, 1_500)),
        virtual_routers: vec![
            router(now, "VI_web", 51, VirtualRouterState::Master, &["192.0.2.10/24", "192.0.2.30/24"]),
            router(now, "VI_db", 52, VirtualRouterState::Master, &["192.0.2.20/24"]),
        ],
        virtual_servers: vec![
            Arc::new(https),
            Arc::new(sql),
            Arc::new(service("udp/192.0.2.30:53", "sh", Forwarding::Tun, (1..4).map(dns).collect())),
            Arc::new(mark),
        ],
        ..empty(now)
    }
}

/// The same pair with a server down and one drained.
pub fn degraded(now: SystemTime) -> Status {
    let mut status = pair(now);
    status.changed_at = Some(ago(now, 12));
    let web = Arc::make_mut(&mut status.virtual_servers[0]);
    web.real_servers[4] = down(web.real_servers[4].clone(), now, 12, "connection refused");
    let sql = Arc::make_mut(&mut status.virtual_servers[1]);
    sql.real_servers[1] = drained(sql.real_servers[1].clone(), now);
    status
}

/// Two masters at once.
pub fn split_brain(now: SystemTime) -> Status {
    let mut status = degraded(now);
    status.role = Role::SplitBrain;
    for router in &mut status.virtual_routers {
        router.peers[0].state = PeerState::Master;
        router.peers[0].last_heard_at = Some(now);
    }
    status
}

/// Names of every kind: long, wide, combining, and full of control characters.
pub fn odd_names(now: SystemTime) -> Status {
    let mut status = degraded(now);
    status.node = "lvs-\u{1b}[31mdirector\u{7}-with-a-very-long-name.example.internal".to_owned();
    status.virtual_routers[0].name = "主ルーター_いち".to_owned();
    status.virtual_routers[1].name = "VI_\u{202e}evil\nname_that_is_much_too_long_for_its_column".to_owned();
    let web = Arc::make_mut(&mut status.virtual_servers[0]);
    web.name = Some("ウェブ\u{1b}]0;title\u{7}サービス_e\u{301}_long_long_long_long_long_long".to_owned());
    let key = "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535";
    web.real_servers[0] = RealServerStatus { key: key.parse().expect("a key"), ..web.real_servers[0].clone() };
    if let Some(check) = web.real_servers[4].checks.first_mut() {
        check.error = Some("bad\u{1b}[2J banner\u{0}\r\n".to_owned());
    }
    status
}

/// The events that belong to [`degraded`].
pub fn events(now: SystemTime) -> Vec<Event> {
    let event = |seq, seconds, kind, severity, subject: &str, to: &str, reason: &str, who: Option<&str>| Event {
        seq,
        at: ago(now, seconds),
        monotonic_ms: 1000 * seq,
        kind,
        severity,
        subject: subject.to_owned(),
        from: Some("up".to_owned()),
        to: Some(to.to_owned()),
        reason: Some(reason.to_owned()),
        who: who.map(str::to_owned),
        detail: None,
    };
    let sql = "tcp/192.0.2.20:5432 10.0.5.2:5432";
    let web = "tcp/192.0.2.10:443 10.0.3.15:443";
    vec![
        event(1, 300, EventKind::EngineStarted, Severity::Notice, "lvs-a", "started", "asked", None),
        event(
            2,
            58,
            EventKind::ServerAdmin,
            Severity::Notice,
            sql,
            "draining",
            "kernel update",
            Some("alice (pid 4242)"),
        ),
        event(3, 14, EventKind::CheckResult, Severity::Notice, web, "failed", "2/3 fails: connection refused", None),
        event(4, 12, EventKind::ServerHealth, Severity::Warning, web, "down", "connection refused", None),
    ]
}

fn note(server: &RealServerStatus) -> String {
    let check = server.checks.first();
    match (server.health, server.admin) {
        (Health::Down, _) => format!("DOWN {}", check.and_then(|c| c.error.clone()).unwrap_or_default()),
        (_, Admin::Draining | Admin::Maintenance) => format!("DRAIN {} conn", server.active),
        (Health::Unknown, _) => "not checked yet".to_owned(),
        (Health::Up, Admin::Enabled) => {
            check.and_then(|c| c.latency_ms).map_or_else(|| "ok".to_owned(), |ms| format!("ok {ms:.1}ms"))
        }
    }
}

fn server_row(service: &VirtualServerStatus, server: &RealServerStatus, now: SystemTime) -> Row {
    Row {
        key: format!("{} {}", service.key, server.key),
        kind: RowKind::Server,
        service: service.key.to_string(),
        server: Some(server.key.to_string()),
        name: service.name.clone(),
        scheduler: None,
        persistence: None,
        forward: server.forward.ipvsadm_name().to_owned(),
        weight: server.weight,
        configured_weight: server.configured_weight,
        wanted_weight: Some(server.wanted_weight()).filter(|wanted| *wanted != server.configured_weight),
        weight_until: None,
        kernel_weight: server.kernel.map(|k| k.weight),
        active: server.active,
        inactive: server.inactive,
        health: server.health,
        admin: server.admin,
        note: note(server),
        health_age_s: now.duration_since(server.health_since).ok().map(|d| d.as_secs()),
        problem: server.health == Health::Down,
        expanded: false,
        added: server.added,
        drain: server.drain.as_deref().cloned(),
        slow_start: server.slow_start.as_deref().copied(),
        counters: *server.counters,
        rates: *server.rates,
    }
}

fn service_row(service: &VirtualServerStatus, expanded: bool) -> Row {
    let servers = &service.real_servers;
    let up = servers.iter().filter(|s| s.health == Health::Up).count();
    let word = if up < servers.len() { "DEGRADED" } else { "ok" };
    Row {
        key: service.key.to_string(),
        kind: RowKind::Service,
        service: service.key.to_string(),
        server: None,
        name: service.name.clone(),
        scheduler: Some(service.scheduler.name().to_owned()),
        persistence: service.persistence,
        forward: service.forward.ipvsadm_name().to_owned(),
        weight: servers.iter().map(|s| s.weight).sum(),
        configured_weight: servers.iter().map(|s| s.configured_weight).sum(),
        wanted_weight: None,
        weight_until: None,
        kernel_weight: None,
        active: servers.iter().map(|s| s.active).sum(),
        inactive: servers.iter().map(|s| s.inactive).sum(),
        health: if service.quorum.up { Health::Up } else { Health::Down },
        admin: Admin::Enabled,
        note: format!("{up}/{} {word}", servers.len()),
        health_age_s: None,
        problem: up < servers.len(),
        expanded,
        added: false,
        drain: None,
        slow_start: None,
        counters: service.counters,
        rates: service.rates,
    }
}

/// The window of rows that a query asks for.
pub fn rows(status: &Status, query: &RowsQuery, now: SystemTime) -> RowsPage {
    if is_large(status) {
        return RowsPage::of(status, query, now);
    }
    let folded = query.expand.as_deref().and_then(|e| e.strip_prefix('-')).unwrap_or("");
    let matches = |row: &Row| {
        query.filter.as_deref().is_none_or(|filter| {
            let text = format!("{} {} {}", row.key, row.name.clone().unwrap_or_default(), row.note).to_lowercase();
            filter.to_lowercase().split_whitespace().all(|word| match word.strip_prefix('!') {
                Some(word) => !text.contains(word),
                None => text.contains(word),
            })
        })
    };
    let (mut all, mut services) = (Vec::new(), 0);
    for service in &status.virtual_servers {
        let expanded = !folded.split(',').any(|key| key == service.key.to_string());
        let head = service_row(service, expanded);
        let mut servers: Vec<Row> =
            service.real_servers.iter().map(|s| server_row(service, s, now)).filter(matches).collect();
        if query.sort == Sort::Problems {
            servers.sort_by_key(|row| !row.problem);
        }
        if matches(&head) || !servers.is_empty() {
            services += 1;
            all.push(head);
            if expanded {
                all.extend(servers);
            }
        }
    }
    let anchor = query.anchor.as_ref().and_then(|key| all.iter().position(|row| row.key == *key));
    let offset = anchor.or(query.offset).unwrap_or(0).min(all.len());
    RowsPage {
        total: all.len(),
        offset,
        services: (services, status.virtual_servers.len()),
        anchor_found: anchor.is_some(),
        rows: all.into_iter().skip(offset).take(query.limit.unwrap_or(200)).collect(),
    }
}

/// Whether a status is too large for the simple ways of this file: the engine's own are taken.
fn is_large(status: &Status) -> bool {
    status.virtual_servers.iter().map(|service| service.real_servers.len()).sum::<usize>() > 1_000
}

/// Lines 1 and 2 of a status.
pub fn summary(status: &Status, now: SystemTime) -> Summary {
    if is_large(status) {
        return Summary::of(status, now, true);
    }
    let mut totals = Totals::default();
    let mut problems = Vec::new();
    if status.role == Role::SplitBrain {
        for router in &status.virtual_routers {
            let Some(peer) = router.peers.first() else { continue };
            let text = format!("SPLIT-BRAIN {} {} is master too", router.name, peer.address);
            problems.push(Problem { key: router.name.clone(), text, since: Some(ago(now, 5)) });
        }
    }
    for service in &status.virtual_servers {
        for server in &service.real_servers {
            totals.real_servers += 1;
            match (server.health, server.admin) {
                (Health::Down, _) => totals.down += 1,
                (_, Admin::Draining | Admin::Maintenance) => totals.draining += 1,
                (Health::Unknown, _) => totals.unknown += 1,
                (Health::Up, Admin::Enabled) => totals.up += 1,
            }
            if server.health == Health::Down {
                let why = server.checks.first().and_then(|c| c.error.clone()).unwrap_or_default();
                problems.push(Problem {
                    key: format!("{} {}", service.key, server.key),
                    text: format!("DOWN {} {} {why}", server.key, service.key),
                    since: Some(server.health_since),
                });
            }
        }
    }
    let routers = &status.virtual_routers;
    Summary {
        node: status.node.clone(),
        pid: status.pid,
        mode: status.mode.clone(),
        role: status.role,
        masters: (routers.iter().filter(|r| r.state == VirtualRouterState::Master).count(), routers.len()),
        addresses_here: (
            routers.iter().map(|r| r.addresses_here.len()).sum(),
            routers.iter().map(|r| r.addresses.len()).sum(),
        ),
        services_degraded: (
            status.virtual_servers.iter().filter(|s| !s.quorum.up).count(),
            status.virtual_servers.len(),
        ),
        services_impaired: status
            .virtual_servers
            .iter()
            .filter(|s| s.quorum.up && s.real_servers.iter().any(|r| r.health == Health::Down))
            .count(),
        held: routers.iter().filter(|r| r.held.is_some()).count(),
        totals,
        problem_count: problems.len(),
        problems,
        changed_at: status.changed_at,
        last_event: status.last_event,
        now,
        writable: true,
        ipvs: None,
        foreign_routers: status.foreign_routers.clone(),
        is_rewound: false,
    }
}

/// What a fixture does with a command: it says what it would do, changes weights, and moves mastership.
pub struct FixtureEngine {
    /// The director.
    pub status: Mutex<Status>,
    /// Its events.
    pub events: Mutex<Vec<Event>>,
    happened: Condvar,
    /// Whether numbers move.
    pub moving: bool,
}

impl FixtureEngine {
    /// A director that stands as it is given.
    pub fn new(status: Status, events: Vec<Event>, moving: bool) -> Self {
        Self { status: Mutex::new(status), events: Mutex::new(events), happened: Condvar::new(), moving }
    }

    /// Something happened.
    pub fn happen(&self, kind: EventKind, severity: Severity, subject: &str, to: &str, reason: &str) {
        let mut events = self.events.lock().expect("a lock");
        let seq = events.last().map_or(1, |e| e.seq + 1);
        events.push(Event {
            seq,
            at: SystemTime::now(),
            monotonic_ms: 0,
            kind,
            severity,
            subject: subject.to_owned(),
            from: None,
            to: Some(to.to_owned()),
            reason: Some(reason.to_owned()),
            who: None,
            detail: None,
        });
        self.status.lock().expect("a lock").changed_at = Some(SystemTime::now());
        self.happened.notify_all();
    }

    /// Moves the numbers as traffic would.
    fn stir(&self) {
        if !self.moving {
            return;
        }
        let now = SystemTime::now();
        let t = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let mut status = self.status.lock().expect("a lock");
        for router in &mut status.virtual_routers {
            if let Some(next) = &mut router.next {
                next.in_ms = 1000 - (t.fract() * 1000.0) as u64;
            }
        }
        for (s, service) in status.virtual_servers.iter_mut().enumerate() {
            let service = Arc::make_mut(service);
            let mut sum = Rates::default();
            for (r, server) in service.real_servers.iter_mut().enumerate() {
                let wave = 1.0 + 0.4 * (t / 7.0 + s as f64 + r as f64 * 0.7).sin();
                let share = f64::from(server.weight) / f64::from(server.configured_weight.max(1));
                server.rates.connections_per_s = 91.0 * wave * share;
                server.rates.in_packets_per_s = 8_812.0 * wave * share;
                server.rates.in_bytes_per_s = 4_123_000.0 * wave * share;
                server.active = (481.0 * wave * share) as u32;
                server.counters.connections += server.rates.connections_per_s as u64;
                server.counters.in_packets += server.rates.in_packets_per_s as u64;
                server.counters.in_bytes += server.rates.in_bytes_per_s as u64;
                sum.connections_per_s += server.rates.connections_per_s;
                sum.in_packets_per_s += server.rates.in_packets_per_s;
                sum.in_bytes_per_s += server.rates.in_bytes_per_s;
                if let Some(check) = server.checks.first_mut() {
                    check.at = Some(now - Duration::from_millis((t.fract() * 1000.0) as u64));
                }
            }
            service.rates = sum;
        }
    }

    fn now(&self) -> SystemTime {
        if self.moving { SystemTime::now() } else { noon() }
    }
}

/// The weight that a command sets, with its service and server.
fn weight_of(command: &Command, status: &Status) -> Option<(String, String, u32)> {
    let (service, server) = match command {
        Command::Weight { service, server, .. } => (service.0.clone(), server.to_string()),
        Command::Drain { server, service, .. } | Command::Restore { server, service } => {
            (service.as_ref()?.0.clone(), server.to_string())
        }
        _ => return None,
    };
    let found = status.virtual_servers.iter().find(|s| s.key.to_string() == service)?;
    let found = found.real_servers.iter().find(|r| r.key.to_string() == server)?;
    let weight = match command {
        Command::Weight { weight, .. } => weight.get(),
        Command::Drain { .. } => 0,
        _ => found.configured_weight,
    };
    Some((service, server, weight))
}

impl EngineHandle for FixtureEngine {
    fn history(&self, query: &HistoryQuery) -> Result<Result<HistoryPage, HistoryError>, HandleError> {
        let step = query.step.unwrap_or(60);
        let count = 3_600 / step;
        // A wave that is different for each series, and a gap in the middle of it.
        let value = |n: u64, size: f64| (n != count / 2).then(|| size * (1.0 + (n as f64 / 9.0).sin()));
        let column = |size: f64| (0..count).map(|n| value(n, size)).collect::<Vec<_>>();
        let series = [
            (Series::ConnectionsPerS, column(728.0)),
            (Series::Active, column(3_367.0)),
            (Series::Inactive, column(15_232.0)),
            (Series::InPacketsPerS, column(70_500.0)),
            (Series::InBytesPerS, column(33_000_000.0)),
            (Series::OutBytesPerS, vec![Some(0.0); count as usize]),
        ];
        Ok(Ok(HistoryPage {
            subject: query.subject.clone(),
            from: noon() - Duration::from_hours(1),
            step_s: step,
            series: series.into_iter().collect(),
            left_out: lvsdeck::engine::history::LeftOut::default(),
        }))
    }
    fn summary(&self) -> Result<Summary, HandleError> {
        self.stir();
        Ok(summary(&self.status.lock().expect("a lock"), self.now()))
    }
    fn virtual_routers(&self) -> Result<Vec<VirtualRouterStatus>, HandleError> {
        Ok(self.status.lock().expect("a lock").virtual_routers.clone())
    }
    fn rows(&self, query: &RowsQuery) -> Result<RowsPage, HandleError> {
        Ok(rows(&self.status.lock().expect("a lock"), query, self.now()))
    }
    fn status(&self) -> Result<Arc<Status>, HandleError> {
        Ok(Arc::new(self.status.lock().expect("a lock").clone()))
    }
    fn events(&self, after: u64, limit: usize, wait: Duration) -> Result<Vec<Event>, HandleError> {
        let events = self.events.lock().expect("a lock");
        let nothing = |events: &mut Vec<Event>| !events.iter().any(|e| e.seq > after);
        let (events, _) = self.happened.wait_timeout_while(events, wait, nothing).expect("a lock");
        let newest: Vec<Event> = events.iter().rev().take_while(|e| e.seq > after).take(limit).cloned().collect();
        Ok(newest.into_iter().rev().collect())
    }
    fn undoable(&self) -> Result<Vec<Undoable>, HandleError> {
        let undo = |server: &str| Command::Restore { server: server.parse().expect("a key"), service: None };
        let one = |id, command: &str, who: &str, age_s, undo| Undoable {
            id,
            command: command.to_owned(),
            who: who.to_owned(),
            age_s,
            undo,
        };
        Ok(vec![
            one(
                9,
                "drain 10.0.3.11:443 --service tcp/192.0.2.10:443",
                "root, logged in as anna, pid 812",
                41,
                undo("10.0.3.11:443"),
            ),
            one(
                4,
                "failover VI_1 --for 300s",
                "bob, pid 7",
                4_000,
                Command::Rejoin { instance: Some("VI_1".to_owned()) },
            ),
        ])
    }
    fn command(&self, request: &CommandRequest, _who: &Who) -> Result<Answer, HandleError> {
        let mut status = self.status.lock().expect("a lock");
        let Some((service, server, weight)) = weight_of(&request.command, &status) else {
            return Ok(answer_other(request));
        };
        let found = status.virtual_servers.iter_mut().find(|s| s.key.to_string() == service).expect("found before");
        let found = Arc::make_mut(found);
        let option = found.key.ipvsadm_option();
        let row = found.real_servers.iter_mut().find(|r| r.key.to_string() == server).expect("found before");
        let preview = Preview {
            before: vec![format!("{service} {server} weight {}", row.weight)],
            after: vec![format!("{service} {server} weight {weight}")],
            ops: vec![format!("set destination {server} of {service}: weight {} to {weight}", row.weight)],
            ipvsadm: vec![format!("ipvsadm -e {option} -r {server} {} -w {weight}", row.forward.ipvsadm_option())],
            blast_radius: format!(
                "{} active connections go on; 12.5 % of the service's weight goes elsewhere",
                row.active
            ),
            undo: Some(Command::Restore {
                server: server.parse().expect("a key"),
                service: Some(lvsdeck::engine::ServiceSelector(service.clone())),
            }),
            undo_reason: None,
            changed: Vec::new(),
            ends: Vec::new(),
            confirm: None,
        };
        let token = preview.token(&request.command);
        if request.dry_run {
            let message = "nothing was done".to_owned();
            return Ok(Answer { id: 0, outcome: Outcome::Preview, message, preview, token: Some(token) });
        }
        if request.token.as_ref().is_some_and(|t| *t != token) {
            let message = "the server has changed since".to_owned();
            return Ok(Answer { id: 7, outcome: Outcome::Stale, message, preview, token: Some(token) });
        }
        row.weight = weight;
        row.kernel = Some(KernelServer { weight, forward: row.forward });
        row.admin = match request.command {
            Command::Drain { .. } => Admin::Draining,
            _ => Admin::Enabled,
        };
        drop(status);
        self.happen(
            EventKind::ServerWeight,
            Severity::Notice,
            &format!("{service} {server}"),
            &weight.to_string(),
            "console",
        );
        let message = format!("weight of {server} in {service} is {weight}");
        Ok(Answer { id: 7, outcome: Outcome::Done, message, preview, token: None })
    }
}

/// Everything that the fixture only shows.
fn answer_other(request: &CommandRequest) -> Answer {
    let (before, after, blast_radius, confirm) = match &request.command {
        Command::Failover { instance, .. } => (
            format!("{} MASTER priority 150 with 2 addresses", instance.clone().unwrap_or_default()),
            "BACKUP, held until rejoin; 10.0.0.12 is expected to take over within 3.6 s".to_owned(),
            "2 addresses move; established connections of NAT services break without connection sync".to_owned(),
            None,
        ),
        command => (String::from("as it is"), format!("after {}", command.verb()), "nobody".to_owned(), None),
    };
    let preview = Preview {
        before: vec![before],
        after: vec![after],
        ops: vec!["advertise priority 0".to_owned(), "remove 2 addresses from eth0".to_owned()],
        blast_radius,
        confirm,
        ..Preview::default()
    };
    let outcome = if request.dry_run { Outcome::Preview } else { Outcome::Done };
    let token = Some(preview.token(&request.command));
    Answer { id: 8, outcome, message: format!("{} done", request.command.verb()), preview, token }
}

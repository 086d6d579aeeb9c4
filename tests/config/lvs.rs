//! The words `lvs_*` of `global_defs`.

use lvsdeck::engine::model::{LvsTimeouts, LvsWords, SyncDaemonWords};
use lvsdeck::engine::parse_configuration;

/// What these lines of `global_defs` mean; nothing is said about them.
fn words(lines: &str) -> LvsWords {
    let instance = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.0.0.1\n}\n}";
    let loaded = parse_configuration("test", &format!("global_defs {{\n{lines}\n}}\n{instance}\n"));
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    loaded.configuration.unwrap().global.lvs
}

#[test]
fn a_sync_daemon_is_named_with_its_instance_and_its_settings_in_any_order() {
    let plain = SyncDaemonWords {
        interface: "eth0".into(),
        instance: Some("VI_1".into()),
        id: None,
        max_length: 0,
        port: 0,
        ttl: 0,
        group: None,
    };
    assert_eq!(words("lvs_sync_daemon eth0 VI_1").sync_daemon, Some(plain.clone()));
    let all = SyncDaemonWords {
        id: Some(7),
        max_length: 1_400,
        port: 9_000,
        ttl: 2,
        group: Some("224.0.0.90".parse().unwrap()),
        ..plain.clone()
    };
    let line = "lvs_sync_daemon eth0 group 224.0.0.90 ttl 2 inst VI_1 port 9000 maxlen 1400 id 7";
    assert_eq!(words(line).sync_daemon, Some(all));
    assert_eq!(words("lvs_sync_daemon eth0").sync_daemon, Some(SyncDaemonWords { instance: None, ..plain }));
    assert_eq!(words("router_id d1"), LvsWords::default());
}

#[test]
fn timeouts_are_given_each_or_some_and_flushing_is_a_flag() {
    assert_eq!(
        words("lvs_timeouts tcp 1800 tcpfin 30 udp 60").timeouts,
        LvsTimeouts { tcp: 1_800, tcp_fin: 30, udp: 60 }
    );
    assert_eq!(words("lvs_timeouts udp 60").timeouts, LvsTimeouts { udp: 60, ..LvsTimeouts::default() });
    let flushes = |lines| (words(lines).flush, words(lines).flush_on_stop);
    assert_eq!(flushes("lvs_flush"), (true, false));
    assert_eq!(flushes("lvs_flush_on_stop"), (false, true));
    assert_eq!(flushes("lvs_flush_on_stop VS"), (false, false), "ours are removed anyway");
    assert_eq!(flushes("lvs_flush_onstop"), (false, true));
}

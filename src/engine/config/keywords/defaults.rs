//! What counts where a word is not written. A table of data; facts of keepalived 2.2.7, which lvsdeck follows.

use super::Block;

/// The default of a word, as it would be written.
pub(super) fn of(block: Block, word: &str) -> Option<&'static str> {
    DEFAULTS.iter().find(|(b, w, _)| *b == block && *w == word).map(|(_, _, default)| *default)
}

const DEFAULTS: &[(Block, &str, &str)] = &[
    (Block::Global, "router_id", "the host's name"),
    (Block::Global, "vrrp_version", "2"),
    (Block::Global, "vrrp_garp_master_delay", "5"),
    (Block::Global, "vrrp_garp_master_repeat", "5"),
    (Block::Global, "vrrp_garp_master_refresh", "0"),
    (Block::Global, "vrrp_garp_master_refresh_repeat", "1"),
    (Block::Global, "vrrp_garp_interval", "0"),
    (Block::Global, "vrrp_gna_interval", "0"),
    (Block::Global, "vrrp_mcast_group4", "224.0.0.18"),
    (Block::Global, "vrrp_mcast_group6", "ff02::12"),
    (Block::Global, "vrrp_down_timer_adverts", "3"),
    (Block::Global, "vrrp_startup_delay", "0"),
    (Block::Global, "default_interface", "eth0"),
    (Block::Global, "smtp_server", "127.0.0.1 25"),
    (Block::Global, "smtp_connect_timeout", "30"),
    (Block::Global, "smtp_helo_name", "the host's name"),
    (Block::Global, "notification_email_from", "keepalived@ and the host's name"),
    (Block::Global, "smtp_alert", "on for real servers, off for everything else"),
    (Block::Global, "smtp_alert_vrrp", "smtp_alert"),
    (Block::Global, "smtp_alert_checker", "smtp_alert"),
    (Block::SyncGroup, "smtp_alert", "smtp_alert_vrrp"),
    (Block::Instance, "smtp_alert", "smtp_alert_vrrp"),
    (Block::VirtualServer, "smtp_alert", "smtp_alert_checker"),
    (Block::RealServer, "smtp_alert", "smtp_alert_checker"),
    (Block::Global, "script_user", "keepalived_script, else root"),
    (Block::Instance, "state", "BACKUP; MASTER at priority 255"),
    (Block::Instance, "priority", "100; 255 with state MASTER"),
    (Block::Instance, "advert_int", "1"),
    (Block::Instance, "version", "vrrp_version"),
    (Block::Instance, "preempt_delay", "0"),
    (Block::Instance, "garp_master_delay", "vrrp_garp_master_delay"),
    (Block::Instance, "garp_master_repeat", "vrrp_garp_master_repeat"),
    (Block::Instance, "garp_master_refresh", "vrrp_garp_master_refresh"),
    (Block::Instance, "garp_master_refresh_repeat", "vrrp_garp_master_refresh_repeat"),
    (Block::Script, "interval", "1"),
    (Block::Script, "timeout", "the interval"),
    (Block::Script, "weight", "0"),
    (Block::Script, "rise", "1"),
    (Block::Script, "fall", "1"),
    (Block::Script, "user", "script_user"),
    (Block::Process, "weight", "0"),
    (Block::Process, "quorum", "1; 0 with quorum_max 0"),
    (Block::Process, "delay", "0"),
    (Block::File, "weight", "1"),
    (Block::FileCheck, "weight", "that of the track_file"),
    (Block::VirtualServer, "lb_algo", "wlc"),
    (Block::VirtualServer, "lvs_sched", "wlc"),
    (Block::VirtualServer, "lb_kind", "NAT"),
    (Block::VirtualServer, "lvs_method", "NAT"),
    (Block::VirtualServer, "protocol", "UDP, as in keepalived; a warning says so"),
    (Block::VirtualServer, "persistence_timeout", "none; 360 where it has no value"),
    (Block::VirtualServer, "delay_loop", "60"),
    (Block::VirtualServer, "connect_timeout", "5"),
    (Block::VirtualServer, "retry", "1; DNS_CHECK 3, MISC_CHECK 0"),
    (Block::VirtualServer, "delay_before_retry", "1; HTTP_GET and SSL_GET 3, DNS_CHECK delay_loop"),
    (Block::VirtualServer, "warmup", "delay_loop"),
    (Block::VirtualServer, "quorum", "1"),
    (Block::VirtualServer, "hysteresis", "0"),
    (Block::VirtualServer, "weight", "1"),
    (Block::RealServer, "weight", "that of virtual_server, else 1"),
    (Block::RealServer, "lvs_method", "that of virtual_server"),
    (Block::RealServer, "delay_loop", "that of virtual_server"),
    (Block::RealServer, "connect_timeout", "that of virtual_server"),
    (Block::RealServer, "retry", "that of virtual_server"),
    (Block::RealServer, "delay_before_retry", "that of virtual_server"),
    (Block::RealServer, "warmup", "that of virtual_server"),
    (Block::RealServer, "uthreshold", "0"),
    (Block::RealServer, "lthreshold", "0"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_of_a_word_that_there_is() {
        for (block, word, _) in DEFAULTS {
            assert!(block.knows(word), "{word} in {}", block.name());
        }
    }
}

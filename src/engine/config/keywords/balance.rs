//! Words of `virtual_server` and `real_server`. A table of data.

use super::{Block, Keyword, Value, acts, read};

/// What `lb_kind` and `lvs_method` take.
pub(in super::super) const METHODS: &[&str] = &["NAT", "DR", "TUN"];
const U32: u64 = 4_294_967_295;
const I32: u64 = 2_147_483_647;
const NO_SNMP: &str = "there is no SNMP; /metrics names it by its address, or by its group";
const NO_CHECK: &str =
    "this check is not run; without another check the real server's health is unknown, and it stays in the table";

pub(super) const VIRTUAL_SERVER: &[Keyword] = &[
    acts("lb_algo", Value::Scheduler, "how connections are spread over the real servers"),
    acts("lvs_sched", Value::Scheduler, "the same as lb_algo"),
    acts(
        "lb_kind",
        Value::Words,
        "how packets reach the real servers: NAT, DR, or TUN with type ipip, type gue port N or type gre, and csum, nocsum or remcsum",
    ),
    acts("lvs_method", Value::Words, "the same as lb_kind"),
    acts("protocol", Value::Choice(&["TCP", "UDP", "SCTP"]), "transport protocol of the service"),
    acts("ip_family", Value::Exactly(&["inet", "inet6"]), "address family of a firewall-mark service"),
    acts(
        "persistence_timeout",
        Value::NumberOr(0, 2_678_400, 360),
        "seconds that a client stays on its real server; 0 is ignored, as in keepalived",
    ),
    acts("persistence_granularity", Value::Netmask, "clients within this mask stay together"),
    acts("ops", Value::Flag, "schedule each packet by itself; of UDP and of firewall marks only"),
    acts("quorum", Value::Number(1, U32), "weight that has to be alive for the service to be up"),
    acts("hysteresis", Value::Number(0, U32), "weight above and below the quorum where nothing changes"),
    acts("sorry_server", Value::Server, "serves while the quorum is lost"),
    acts("sorry_server_lvs_method", Value::Words, "how packets reach the sorry server"),
    acts("weight", Value::Number(0, I32), "weight of real servers that give none"),
    acts("inhibit_on_failure", Value::Flag, "a failed real server gets weight 0 instead of being removed"),
    acts("alpha", Value::Flag, "real servers start as down, until their checks pass"),
    acts("real_server", Value::RealServer(Block::RealServer), "a server behind the service"),
    acts("virtualhost", Value::Text, "the name of the virtual host that HTTP checks ask for"),
    acts("omega", Value::Flag, "at the end the scripts and FIFOs are told that its servers and its quorum are down"),
    acts("quorum_up", Value::Command, "run when the quorum is gained, and at the start when it is there"),
    acts(
        "quorum_down",
        Value::Command,
        "run when the quorum is lost, and at the start when a sorry server takes its place",
    ),
    acts("ha_suspend", Value::Flag, "nothing is checked while the address is not on this host"),
    acts("smtp_alert", Value::Switch, "a quorum that is gained or lost is mailed"),
    read("persistence_engine", Value::Text, "the client's address decides"),
    acts("sorry_server_inhibit", Value::Flag, "the sorry server has weight 0 while it does not serve"),
    acts("sh-port", Value::Flag, "the scheduler sh hashes the client's port too"),
    acts(
        "sh-fallback",
        Value::Flag,
        "the scheduler sh goes on to another server where the one of the hash has weight 0",
    ),
    acts("mh-port", Value::Flag, "the scheduler mh hashes the client's port too"),
    acts(
        "mh-fallback",
        Value::Flag,
        "the scheduler mh goes on to another server where the one of the hash has weight 0",
    ),
    acts("flag-1", Value::Flag, "the scheduler's first flag: sh-fallback, mh-fallback"),
    acts("flag-2", Value::Flag, "the scheduler's second flag: sh-port, mh-port"),
    acts("flag-3", Value::Flag, "the scheduler's third flag, which none of the kernel's reads"),
    read("snmp_name", Value::Anything, NO_SNMP),
    acts("hashed", Value::Flag, "holds anyway: the kernel finds its services by a hash"),
];

pub(super) const REAL_SERVER: &[Keyword] = &[
    acts("weight", Value::Number(0, I32), "its share of the connections; 0 takes no new ones"),
    acts("lvs_method", Value::Words, "how packets reach it: as behind lb_kind; TUN alone is of type ipip"),
    acts("inhibit_on_failure", Value::Switch, "when it fails it gets weight 0 instead of being removed"),
    acts("uthreshold", Value::Number(0, U32), "connections above which it takes no new ones; 0: no limit"),
    acts("lthreshold", Value::Number(0, U32), "connections below which it takes new ones again"),
    acts("TCP_CHECK", Value::Block(Block::TcpCheck), "a TCP connection has to be accepted"),
    acts("HTTP_GET", Value::Block(Block::HttpGet), "an HTTP request has to be answered as wanted"),
    acts("SSL_GET", Value::Block(Block::HttpGet), "the same over TLS"),
    acts("MISC_CHECK", Value::Block(Block::MiscCheck), "a script has to pass"),
    acts("SMTP_CHECK", Value::Block(Block::SmtpCheck), "an SMTP server has to greet"),
    acts("PING_CHECK", Value::Block(Block::PingCheck), "an ICMP echo has to come back"),
    acts("UDP_CHECK", Value::Block(Block::UdpCheck), "the port must not be closed, or has to answer as wanted"),
    acts("DNS_CHECK", Value::Block(Block::DnsCheck), "a question has to be answered without an error"),
    acts("FILE_CHECK", Value::Block(Block::FileCheck), "a file whose number counts for the server, read once a second"),
    read("BFD_CHECK", Value::Block(Block::OtherCheck), NO_CHECK),
    acts("notify_up", Value::Command, "run when it comes up"),
    acts("notify_down", Value::Command, "run when it goes down"),
    acts("alpha", Value::Switch, "it starts as down, until its checks pass"),
    acts("smtp_alert", Value::Switch, "that it goes down or comes up is mailed"),
    acts("virtualhost", Value::Text, "the name of the virtual host that HTTP checks ask for"),
    read("snmp_name", Value::Anything, NO_SNMP),
];

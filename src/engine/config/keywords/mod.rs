//! The configuration language as data: which word may stand in which block, with what value, and what lvsdeck does
//! with it. One table drives parsing, suggestions, `check` and `explain`.
//!
//! Facts about words, ranges and defaults are those of keepalived 2.2.7, which lvsdeck interoperates with.

mod balance;
mod checks;
mod defaults;
mod global;
mod narrower;
mod options;
mod phrases;
mod reference;
mod value;
mod vrrp;

pub use phrases::explain_phrase;
pub use reference::{Explanation, explain, meant, page};

pub(super) use balance::METHODS;
pub(super) use narrower::ignored;
pub(super) use options::{REGEX_IDLE, REGEX_UNUSED};
pub(super) use value::{Value, decimal};

/// A block of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Block {
    /// Outside of all braces.
    Top,
    /// `global_defs`.
    Global,
    /// `notification_email`: one recipient a line.
    Recipients,
    /// `garp_group`.
    GarpGroup,
    /// `interfaces` of a `garp_group`: one interface a line.
    Interfaces,
    /// `vrrp_sync_group`.
    SyncGroup,
    /// `group` of a sync group: names of instances.
    Members,
    /// `track_group`.
    TrackGroup,
    /// `vrrp_instance`.
    Instance,
    /// `authentication`.
    Authentication,
    /// `virtual_ipaddress`: one address a line.
    Addresses,
    /// `unicast_peer`: one router a line.
    UnicastPeers,
    /// `track_script`: one script a line.
    TrackScripts,
    /// `virtual_routes`: one route a line.
    Routes,
    /// `virtual_rules`: one rule a line.
    Rules,
    /// `track_interface`: one interface a line.
    TrackInterfaces,
    /// `track_process`: one process a line.
    TrackProcesses,
    /// `track_file` of an instance or a group: one file a line.
    TrackFiles,
    /// `vrrp_script`.
    Script,
    /// `vrrp_track_process`.
    Process,
    /// `track_file` of the top level.
    File,
    /// `virtual_server_group`: one address, range or firewall mark a line.
    ServiceGroup,
    /// `virtual_server`.
    VirtualServer,
    /// `real_server`.
    RealServer,
    /// `TCP_CHECK`.
    TcpCheck,
    /// `HTTP_GET` and `SSL_GET`.
    HttpGet,
    /// `url` of `HTTP_GET`.
    Url,
    /// `MISC_CHECK`.
    MiscCheck,
    /// `SMTP_CHECK`.
    SmtpCheck,
    /// `host` of `SMTP_CHECK`.
    SmtpHost,
    /// `PING_CHECK`.
    PingCheck,
    /// `UDP_CHECK`.
    UdpCheck,
    /// `DNS_CHECK`.
    DnsCheck,
    /// `FILE_CHECK`.
    FileCheck,
    /// `BFD_CHECK`.
    OtherCheck,
    /// `bfd_instance`.
    Bfd,
    /// `SSL`.
    Ssl,
    /// `auth_hmac` of an instance.
    AuthHmac,
    /// A block that lvsdeck reads over without a look.
    Opaque,
}

/// What lvsdeck does with a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// What the word says.
    Acts,
    /// It reads it and warns: what happens instead.
    Read(&'static str),
    /// It belongs to something that was already warned about as a whole.
    Part,
}

/// A word of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyword {
    /// As it is written.
    pub word: &'static str,
    pub(super) value: Value,
    /// What lvsdeck does with it.
    pub status: Status,
    /// What it means, in a line.
    pub meaning: &'static str,
    /// The version of lvsdeck that has done so with it first.
    pub since: &'static str,
}

/// The first version of lvsdeck.
pub(super) const FIRST: &str = "0.1.0";

const fn acts(word: &'static str, value: Value, meaning: &'static str) -> Keyword {
    Keyword { word, value, status: Status::Acts, meaning, since: FIRST }
}

const fn read(word: &'static str, value: Value, instead: &'static str) -> Keyword {
    Keyword { word, value, status: Status::Read(instead), meaning: instead, since: FIRST }
}

const fn part(word: &'static str, value: Value) -> Keyword {
    Keyword { word, value, status: Status::Part, meaning: "", since: FIRST }
}

impl Block {
    /// Every block.
    pub const ALL: [Self; 39] = [
        Self::Top,
        Self::Global,
        Self::Recipients,
        Self::SyncGroup,
        Self::Members,
        Self::Instance,
        Self::Authentication,
        Self::Addresses,
        Self::UnicastPeers,
        Self::TrackScripts,
        Self::Routes,
        Self::Rules,
        Self::TrackInterfaces,
        Self::TrackProcesses,
        Self::TrackFiles,
        Self::Script,
        Self::Process,
        Self::File,
        Self::ServiceGroup,
        Self::VirtualServer,
        Self::RealServer,
        Self::TcpCheck,
        Self::HttpGet,
        Self::Url,
        Self::MiscCheck,
        Self::SmtpCheck,
        Self::SmtpHost,
        Self::PingCheck,
        Self::UdpCheck,
        Self::DnsCheck,
        Self::FileCheck,
        Self::OtherCheck,
        Self::GarpGroup,
        Self::Interfaces,
        Self::Bfd,
        Self::Ssl,
        Self::TrackGroup,
        Self::AuthHmac,
        Self::Opaque,
    ];

    /// As messages name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Top => "the top level",
            Self::Global => "global_defs",
            Self::Recipients => "notification_email",
            Self::GarpGroup => "garp_group",
            Self::Interfaces => "interfaces",
            Self::SyncGroup => "vrrp_sync_group",
            Self::TrackGroup => "track_group",
            Self::Members => "group",
            Self::Instance => "vrrp_instance",
            Self::Authentication => "authentication",
            Self::Addresses => "virtual_ipaddress",
            Self::UnicastPeers => "unicast_peer",
            Self::TrackScripts => "track_script",
            Self::Routes => "virtual_routes",
            Self::Rules => "virtual_rules",
            Self::TrackInterfaces => "track_interface",
            Self::TrackProcesses => "track_process",
            Self::TrackFiles | Self::File => "track_file",
            Self::Script => "vrrp_script",
            Self::Process => "vrrp_track_process",
            Self::ServiceGroup => "virtual_server_group",
            Self::VirtualServer => "virtual_server",
            Self::RealServer => "real_server",
            Self::TcpCheck => "TCP_CHECK",
            Self::HttpGet => "HTTP_GET",
            Self::Url => "url",
            Self::MiscCheck => "MISC_CHECK",
            Self::SmtpCheck => "SMTP_CHECK",
            Self::SmtpHost => "host",
            Self::PingCheck => "PING_CHECK",
            Self::UdpCheck => "UDP_CHECK",
            Self::DnsCheck => "DNS_CHECK",
            Self::FileCheck => "FILE_CHECK",
            Self::OtherCheck => "the check",
            Self::Bfd => "bfd_instance",
            Self::Ssl => "SSL",
            Self::AuthHmac => "auth_hmac",
            Self::Opaque => "the block",
        }
    }

    /// The block that it stands in.
    pub const fn parent(self) -> Option<Self> {
        match self {
            Self::Top => None,
            Self::Global
            | Self::GarpGroup
            | Self::SyncGroup
            | Self::TrackGroup
            | Self::Instance
            | Self::Script
            | Self::Process
            | Self::File
            | Self::ServiceGroup
            | Self::VirtualServer
            | Self::Bfd
            | Self::Ssl
            | Self::Opaque => Some(Self::Top),
            Self::Recipients => Some(Self::Global),
            Self::Interfaces => Some(Self::GarpGroup),
            Self::Members => Some(Self::SyncGroup),
            Self::Authentication
            | Self::AuthHmac
            | Self::Addresses
            | Self::UnicastPeers
            | Self::TrackScripts
            | Self::Routes
            | Self::Rules
            | Self::TrackInterfaces
            | Self::TrackProcesses
            | Self::TrackFiles => Some(Self::Instance),
            Self::RealServer => Some(Self::VirtualServer),
            Self::TcpCheck
            | Self::HttpGet
            | Self::MiscCheck
            | Self::SmtpCheck
            | Self::PingCheck
            | Self::UdpCheck
            | Self::DnsCheck
            | Self::FileCheck
            | Self::OtherCheck => Some(Self::RealServer),
            Self::SmtpHost => Some(Self::SmtpCheck),
            Self::Url => Some(Self::HttpGet),
        }
    }

    /// Its words with their values, in groups.
    const fn groups(self) -> &'static [&'static [Keyword]] {
        match self {
            Self::Top => &[global::TOP],
            Self::Global => &[global::GLOBAL],
            Self::GarpGroup => &[global::GARP_GROUP],
            Self::SyncGroup => &[vrrp::SYNC_GROUP],
            Self::TrackGroup => &[vrrp::TRACK_GROUP],
            Self::Instance => &[vrrp::INSTANCE],
            Self::Authentication => &[vrrp::AUTHENTICATION],
            Self::Script => &[vrrp::SCRIPT],
            Self::Process => &[vrrp::PROCESS],
            Self::File => &[vrrp::FILE],
            Self::VirtualServer => &[balance::VIRTUAL_SERVER, checks::TIMEOUT, checks::TIMING],
            Self::RealServer => &[balance::REAL_SERVER, checks::TIMEOUT, checks::TIMING],
            Self::TcpCheck | Self::PingCheck | Self::SmtpHost => {
                &[checks::CONNECTION, checks::COMMON, checks::TIMEOUT, checks::TIMING]
            }
            Self::HttpGet => &[checks::HTTP, checks::CONNECTION, checks::COMMON, checks::TIMEOUT, checks::TIMING],
            Self::SmtpCheck => &[checks::SMTP, checks::CONNECTION, checks::COMMON, checks::TIMEOUT, checks::TIMING],
            Self::UdpCheck => &[checks::UDP, checks::CONNECTION, checks::COMMON, checks::TIMEOUT, checks::TIMING],
            Self::DnsCheck => &[checks::DNS, checks::CONNECTION, checks::COMMON, checks::TIMEOUT, checks::TIMING],
            Self::Url => &[checks::URL],
            Self::MiscCheck => &[checks::MISC, checks::COMMON, checks::TIMING],
            Self::FileCheck => &[checks::FILE],
            Self::OtherCheck => &[checks::OTHER],
            Self::Bfd => &[global::BFD],
            Self::Ssl => &[global::SSL],
            Self::AuthHmac => &[vrrp::AUTH_HMAC],
            Self::Recipients
            | Self::Interfaces
            | Self::Members
            | Self::ServiceGroup
            | Self::Addresses
            | Self::UnicastPeers
            | Self::TrackScripts
            | Self::Routes
            | Self::Rules
            | Self::TrackInterfaces
            | Self::TrackProcesses
            | Self::TrackFiles
            | Self::Opaque => &[],
        }
    }

    /// Its words with their values.
    pub fn keywords(self) -> impl Iterator<Item = &'static Keyword> {
        self.groups().iter().copied().flatten()
    }

    /// The keyword `word` of this block.
    pub fn find(self, word: &str) -> Option<&'static Keyword> {
        self.keywords().find(|keyword| keyword.word == word)
    }

    /// Whether its lines begin with words of the table.
    pub(super) fn has_words(self) -> bool {
        self.keywords().next().is_some()
    }

    /// All words that may stand here.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        self.keywords().map(|keyword| keyword.word)
    }

    /// The block of the table that stands in the braces behind `word`.
    pub fn inside(self, word: &str) -> Option<Self> {
        self.find(word).and_then(|keyword| keyword.value.block())
    }

    /// Whether `word` may stand here.
    pub fn knows(self, word: &str) -> bool {
        self.words().any(|known| known == word)
    }
}

/// Whether a block may stand behind this word, as far as anybody knows the word.
pub(super) fn may_have_block(word: &str) -> bool {
    let mut known = Block::ALL.into_iter().filter_map(|block| block.find(word)).peekable();
    known.peek().is_none() || known.any(|keyword| keyword.value.block().is_some() || keyword.value == Value::Anything)
}

/// Words that operators write where keepalived does not know them, and the word that was meant.
pub(super) const MEANT: &[(Block, &str, &str)] = &[
    (Block::TcpCheck, "nb_get_retry", "retry"),
    (Block::TcpCheck, "timeout", "connect_timeout"),
    (Block::TcpCheck, "port", "connect_port"),
    (Block::HttpGet, "timeout", "connect_timeout"),
    (Block::HttpGet, "port", "connect_port"),
    (Block::RealServer, "ICMP_CHECK", "PING_CHECK"),
    (Block::RealServer, "SCRIPT_CHECK", "MISC_CHECK"),
    (Block::MiscCheck, "script", "misc_path"),
    (Block::Global, "garp_master_delay", "vrrp_garp_master_delay"),
    (Block::Global, "garp_master_repeat", "vrrp_garp_master_repeat"),
    (Block::Global, "garp_master_refresh", "vrrp_garp_master_refresh"),
    (Block::Global, "garp_lower_prio_delay", "vrrp_garp_lower_prio_delay"),
    (Block::Instance, "vrrp_garp_master_delay", "garp_master_delay"),
    (Block::Instance, "vrrp_garp_master_repeat", "garp_master_repeat"),
    (Block::Instance, "vrrp_garp_master_refresh", "garp_master_refresh"),
    (Block::Instance, "vrrp_garp_lower_prio_delay", "garp_lower_prio_delay"),
    (Block::Instance, "virtual_ip", "virtual_ipaddress"),
    (Block::MiscCheck, "nb_get_retry", "retry"),
    (Block::MiscCheck, "connect_timeout", "misc_timeout"),
    (Block::SmtpCheck, "nb_get_retry", "retry"),
    (Block::PingCheck, "nb_get_retry", "retry"),
    (Block::UdpCheck, "nb_get_retry", "retry"),
    (Block::DnsCheck, "nb_get_retry", "retry"),
    (Block::Global, "lvs_sync_daemon_interface", "lvs_sync_daemon"),
    (Block::Global, "lvs_id", "router_id"),
    (Block::Instance, "advert_interval", "advert_int"),
    (Block::Instance, "vrid", "virtual_router_id"),
    (Block::Instance, "vip", "virtual_ipaddress"),
    (Block::VirtualServer, "scheduler", "lb_algo"),
    (Block::RealServer, "HTTP_CHECK", "HTTP_GET"),
    (Block::RealServer, "HTTPS_CHECK", "SSL_GET"),
    (Block::RealServer, "HTTPS_GET", "SSL_GET"),
    (Block::RealServer, "SSL_CHECK", "SSL_GET"),
    (Block::RealServer, "PING", "PING_CHECK"),
    (Block::RealServer, "CHECK_TCP", "TCP_CHECK"),
    (Block::VirtualServer, "lvs_algo", "lb_algo"),
    (Block::VirtualServer, "nat_mask", ""),
    (Block::VirtualServer, "net_mask", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_block_has_a_word_twice() {
        for block in Block::ALL {
            let mut words: Vec<_> = block.words().collect();
            words.sort_unstable();
            let all = words.len();
            words.dedup();
            assert_eq!(words.len(), all, "{}", block.name());
        }
    }

    #[test]
    fn every_word_that_acts_says_what_it_means() {
        for keyword in Block::ALL.into_iter().flat_map(Block::keywords) {
            assert!(keyword.status == Status::Part || !keyword.meaning.is_empty(), "{}", keyword.word);
        }
    }

    #[test]
    fn every_block_hangs_below_the_top_level() {
        for block in Block::ALL {
            let depth = std::iter::successors(Some(block), |b| b.parent()).count();
            assert!(depth <= 5 && std::iter::successors(Some(block), |b| b.parent()).last() == Some(Block::Top));
        }
    }
}

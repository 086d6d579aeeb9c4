//! The vocabulary (layer 0): units, keys and what a configuration says, as plain values.
//!
//! Nothing here reads a clock, a file or the network. Names are the field's own: `docs/architecture.md`, "Names are law".

mod age;
mod balance;
mod check;
mod dump;
mod keys;
mod lvs;
mod mail;
mod notify;
mod real_time;
mod routing;
mod scheduler;
mod script;
mod seldom;
mod settings;
mod statics;
mod track;
mod transport;
mod tunnel;
mod units;
mod virtual_link;
mod vrrp;

pub use age::age;
pub use balance::{Forwarding, GroupRole, Persistence, Quorum, RealServer, SorryServer, VirtualServer};
pub use check::{
    BodyPattern, CheckKind, CheckSpec, CheckTiming, FileCheck, HttpCheck, HttpVersion, MiscCheck, Origin, RecordType,
    Tls, UdpCheck, UrlCheck,
};
pub use keys::{Endpoint, Family, KeyError, Protocol, RealServerKey, ServiceKey};
pub use lvs::{LvsTimeouts, LvsWords, SyncDaemonWords};
pub use mail::MailWords;
pub use notify::{EdgeCommands, FifoWords, Fifos, Notifications, NotifyCommand, NotifyFifo};
pub use real_time::RealTime;
pub use routing::{NextHop, RouteKind, Routing, RuleAction, RuleLimits, VirtualRoute, VirtualRule};
pub use scheduler::{SCHEDULER_FLAGS, SCHEDULERS, Scheduler, scheduler_flag_names};
pub use script::{ScriptUser, VrrpScript};
pub use seldom::{Blank, Seldom};
pub use settings::{
    AddressRemovedPolicy, DriftPolicy, EVENT_KINDS, MailSettings, Settings, SplitBrainPolicy, TRUSTED, WebhookSettings,
};
pub use statics::{StaticAddress, Statics};
pub use track::{ParameterMatch, Track, TrackKind, TrackedFile, TrackedProcess};
pub use transport::{Transport, Unicast, UnicastPeer};
pub use tunnel::{Checksum, Tunnel};
pub use units::{AdvertInterval, AdvertisedPriority, Priority, UnitError, Vrid, Weight};
pub use virtual_link::{Mac, VirtualLink};
pub use vrrp::{
    AddressOptions, AnnouncementPace, Authentication, GratuitousArp, PaceGroup, Password, StartState, SyncGroup,
    Variations, VirtualAddress, VirtualRouter, VrrpVersion,
};

use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// A whole configuration, lowered from keepalived.conf and lvsdeck.toml: what the two cores are built from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Configuration {
    /// Words of `global_defs` that lvsdeck acts on or shows.
    pub global: Global,
    /// Every `vrrp_instance`, in file order.
    pub virtual_routers: Vec<VirtualRouter>,
    /// Every `vrrp_sync_group`, in file order.
    pub sync_groups: Vec<SyncGroup>,
    /// Every `vrrp_script`, in file order.
    pub scripts: Vec<VrrpScript>,
    /// Every `vrrp_track_process`, in file order.
    pub processes: Vec<TrackedProcess>,
    /// Every `track_file`, in file order.
    pub files: Vec<TrackedFile>,
    /// `static_ipaddress`, `static_routes`, `static_rules`.
    pub statics: Statics,
    /// Every `virtual_server`, in file order.
    pub virtual_servers: Vec<VirtualServer>,
    /// What `lvsdeck.toml` says; the defaults where there is none. [`Self::follow`] sets it.
    pub settings: Settings,
}

impl Configuration {
    /// Goes by these settings: `[vrrp]` counts for each instance, `[checks]` for each check.
    pub fn follow(&mut self, settings: Settings) {
        for router in &mut self.virtual_routers {
            router.variations.follow(&settings);
        }
        let checks = self.virtual_servers.iter_mut().flat_map(|s| &mut s.real_servers).flat_map(|r| &mut r.checks);
        for check in checks.filter(|check| matches!(check.kind, CheckKind::Http(HttpCheck { tls: Some(_), .. }))) {
            if let CheckKind::Http(HttpCheck { tls: Some(tls), .. }) = &mut Arc::make_mut(check).kind {
                tls.verify.clone_from(&settings.tls_verify);
            }
        }
        self.settings = settings;
    }

    /// What is left of it for an engine with VRRP alone (keepalived's `-P`), or with services alone (`-C`).
    #[must_use]
    pub fn half(mut self, vrrp_only: bool, ipvs_only: bool) -> Self {
        if vrrp_only {
            self.virtual_servers.clear();
        }
        if ipvs_only {
            self.virtual_routers.clear();
            self.statics = Statics::default();
            self.sync_groups.clear();
        }
        self
    }
}

/// What `global_defs` says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Global {
    /// `router_id`: the name of this node in mails and on screen; the host name when absent.
    pub router_id: Option<String>,
    /// `notification_email` and its like.
    pub mail: MailWords,
    /// `vrrp_skip_check_adv_addr`: do not compare the address list of a sender that was checked before.
    pub skip_check_adv_addr: bool,
    /// `script_user`: who runs scripts that name no user; `keepalived_script` when absent, or else root.
    pub script_user: Option<ScriptUser>,
    /// `enable_script_security`: root runs no script that somebody else can change.
    pub script_security: bool,
    /// `vrrp_*` words about the failover loop's thread.
    pub failover_thread: RealTime,
    /// `checker_*` words about the balance loop's thread.
    pub balance_thread: RealTime,
    /// `lvs_*` words.
    pub lvs: LvsWords,
    /// `notify_fifo` and its like.
    pub fifos: Fifos,
    /// `rs_init_notifies`: real servers that are up at the start are told of, too.
    pub tells_first_servers: bool,
    /// `vrrp_garp_interval` and its like.
    pub pace: AnnouncementPace,
    /// `vrrp_startup_delay`: how long instances wait before they start.
    #[serde(serialize_with = "dump::seconds")]
    pub startup_delay: Duration,
}

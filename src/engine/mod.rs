//! The director's façade.
//!
//! [`ui`](crate::ui), [`cli`](crate::cli) and [`api`](crate::api) use what this module re-exports and nothing below it.
//! The layers, lowest first: `model` (0), `config` `vrrp` `health` `ipvs` (1), `command` `connections` `difference` `event` `guide` `history` `journal` `mail`
//! `metrics` `recording` `snapshot` (2), `failover` `balance` `advice` (3), `io` `reload` `watching` (4), `driver` `handle` `replayed` `still` (5). A module
//! uses smaller numbers only;
//! `tests/architecture.rs` enforces it.

pub mod advice;
pub mod balance;
pub mod command;
pub mod config;
pub mod connections;
pub mod difference;
pub mod driver;
pub mod event;
pub mod failover;
pub mod guide;
pub mod handle;
pub mod health;
pub mod history;
pub mod io;
pub mod ipvs;
pub mod journal;
pub mod mail;
pub mod metrics;
pub mod model;
pub mod recording;
pub mod reload;
pub mod replayed;
pub mod snapshot;
pub mod still;
pub mod vrrp;
pub mod watching;

pub use command::{
    Answer, Command, CommandRequest, Half, Outcome, Preview, RealServerSelector, ServiceSelector, Undoable, Who, clean,
};
pub use config::keywords as config_words;
pub use config::settings::{
    Place as SettingsPlace, explain as explain_setting, files_named as settings_files, load as load_settings,
    page as settings_page, parse as parse_settings, schema as settings_schema,
};
pub use config::{
    ConfigError, Diagnostic, Loaded, Severity as DiagnosticSeverity, difference_of_unreadable, differences_known,
    differences_page, files_of as configuration_files, load as load_configuration, load_against_keepalived,
    load_as as load_configuration_as, nearest, parse as parse_configuration,
};
pub use connections::{
    ClientCount, ConnectionRow, ConnectionSort, ConnectionsPage, ConnectionsQuery, Prefix, ServerCount, ServiceCount,
    StateCount, Tally as ConnectionTally,
};
pub use difference::Difference;
pub use driver::embedded::orders::ORDERS as STAGE_ORDERS;
pub use driver::on_host::look as look_on_host;
pub use event::{Event, EventKind, Severity};
pub use guide::{Guide, GuideStep, drill_steps};
pub use handle::{EngineHandle, HandleError, Stage};
pub use history::{HistoryError, HistoryPage, HistoryQuery, Series};
pub use io::accounts::{group_id, group_name, user_name};
pub use io::host::user as own_user;
pub use io::ipvs_admin::{IpvsAdmin, open as open_ipvs};
pub use io::peer::{login_user, peer_groups};
pub use io::processes::Process;
pub use io::{ipvs_proc, names};
pub use ipvs::sysctl::page as sysctls_page;
pub use ipvs::{
    Checksum, Connection, DaemonRole, Destination, IpvsOp, IpvsTable, KernelRates, Ownership, Refusal, RefusalKind,
    ServerEntry, Service, ServiceEntry, SyncDaemon, Sysctl, Timeouts, Traffic, Tunnel, plan as ipvs_plan,
};
pub use journal::{JournalFrom, JournalPage, LogLine, LogPage, LogQuery, LogRing};
pub use metrics::{MOST_SERVERS, MetricFamily, MetricKind, MetricValue, ProcessFacts, metric_families};
pub use model::{
    Family, Forwarding, KeyError, Persistence, Priority, Protocol, RealServerKey, SCHEDULER_FLAGS, SCHEDULERS,
    Scheduler, ServiceKey, Weight, age, scheduler_flag_names,
};
pub use recording::{
    Encoder as RecordingEncoder, Entry as RecordingEntry, Header as RecordingHeader, Recording, RecordingError,
};
pub use replayed::Replayed;
pub use snapshot::{
    AcceptedPriority, Admin, AnnouncementStatus, CheckStatus, ConfigStatus, Counters, DrainStatus, Drift, Foreign,
    ForeignCounters, ForeignRouter, Health, HostLoad, InterfaceCounters, InterfaceLoad, InterfaceRates, IpvsTotals,
    Jitter, KernelChange, KernelServer, Moment, NextStep, OverrideStatus, PeerDetail, PeerState, PeerStatus, Problem,
    QuorumStatus, RELOAD_REFUSED, Rates, RealServerStatus, RefusedPacket, Role, RouterDetail, Row, RowKind, RowsPage,
    RowsQuery, SlowStartStatus, SorryServerStatus, Sort, SplitBrainStatus, StateChange, Status, Summary, Totals,
    TrackedStatus, VirtualRouterState, VirtualRouterStatus, VirtualServerStatus, VrrpCounters, Warning, WhatIf,
    filter_error,
};
pub use still::Still;

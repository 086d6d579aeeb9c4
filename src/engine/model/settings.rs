//! What lvsdeck's own settings say (`lvsdeck.toml`): words that keepalived.conf has no place for.

use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// All settings; the defaults are what counts where no file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// `ipvs.drift`.
    pub drift: DriftPolicy,
    /// `ipvs.look_interval`: between two looks at the kernel's table.
    #[serde(serialize_with = "super::dump::seconds")]
    pub look_interval: Duration,
    /// `checks.tls_verify`: the file of certificates by which those of `SSL_GET` have to be valid; without one any will do.
    pub tls_verify: Option<PathBuf>,
    /// `servers.depool_threshold`: percent of a service's servers that stay in service.
    pub depool_threshold: u8,
    /// `servers.slow_start`: until a server that came back has its weight; zero: at once.
    #[serde(serialize_with = "super::dump::seconds")]
    pub slow_start: Duration,
    /// `vrrp.split_brain`.
    pub split_brain: SplitBrainPolicy,
    /// `vrrp.address_removed`.
    pub address_removed: AddressRemovedPolicy,
    /// `vrrp.swift_handover`.
    pub swift_handover: bool,
    /// `vrrp.routers`: how many share a virtual router; 0: as many as were ever heard, and two before.
    pub routers: u8,
    /// `[mail]`.
    pub mail: MailSettings,
    /// `[webhook]`.
    pub webhook: WebhookSettings,
}

/// Where Debian keeps the certificates that it trusts.
pub const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";

/// How lvsdeck logs in to the mail server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MailSettings {
    /// `mail.user`.
    pub user: Option<String>,
    /// `mail.password_file`: the password is its first line.
    pub password_file: Option<PathBuf>,
    /// `mail.tls_verify`: the file of certificates by which the server's has to be valid before it gets the password.
    pub tls_verify: Option<PathBuf>,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self { user: None, password_file: None, tls_verify: Some(PathBuf::from(TRUSTED)) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            drift: DriftPolicy::Repair,
            look_interval: Duration::from_secs(1),
            tls_verify: None,
            depool_threshold: 0,
            slow_start: Duration::ZERO,
            split_brain: SplitBrainPolicy::Alarm,
            address_removed: AddressRemovedPolicy::Restore,
            swift_handover: true,
            routers: 0,
            mail: MailSettings::default(),
            webhook: WebhookSettings::default(),
        }
    }
}

/// Where events are posted to, and which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookSettings {
    /// `webhook.url`; none: nothing is posted. Path and query may be secrets.
    #[serde(serialize_with = "super::dump::secret")]
    pub url: Option<String>,
    /// `webhook.events`: their kinds; all when empty.
    pub events: Vec<String>,
    /// `webhook.severity`: events that matter less are not posted.
    pub severity: &'static str,
    /// `webhook.timeout`: for each try.
    #[serde(serialize_with = "super::dump::seconds")]
    pub timeout: Duration,
    /// `webhook.tries`.
    pub tries: u32,
    /// `webhook.tls_verify`: the file of certificates by which that of an https URL has to be valid; without one any will do.
    pub tls_verify: Option<PathBuf>,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            url: None,
            events: Vec::new(),
            severity: "notice",
            timeout: Duration::from_secs(5),
            tries: 5,
            tls_verify: Some(PathBuf::from(TRUSTED)),
        }
    }
}

/// The kinds of events, as JSON has them: those of `EventKind`, which is above this layer; a test there compares them.
pub const EVENT_KINDS: &[&str] = &[
    "engine-started",
    "engine-stopping",
    "instance-state",
    "advertisement-rejected",
    "split-brain",
    "link",
    "address",
    "server-health",
    "check-result",
    "server-weight",
    "server-admin",
    "override",
    "server-table",
    "service-table",
    "quorum",
    "drift",
    "operation-refused",
    "command",
    "hold",
    "priority",
    "script",
    "tracked",
    "sync-daemon",
    "warning",
];

/// What a master does that sees another one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitBrainPolicy {
    /// It tells.
    #[default]
    Alarm,
    /// And who ranks lower yields, although it refuses what it hears.
    StepDownLower,
}

impl SplitBrainPolicy {
    /// As the file writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::StepDownLower => "step-down-lower",
        }
    }
}

/// What a master does when another program removes its virtual address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressRemovedPolicy {
    /// It puts it back.
    #[default]
    Restore,
    /// It gives mastership up.
    StepDown,
}

impl AddressRemovedPolicy {
    /// As the file writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::StepDown => "step-down",
        }
    }
}

/// What becomes of changes that somebody else made in services of ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftPolicy {
    /// What is ours is brought back; what strangers added to our services is reported.
    #[default]
    Repair,
    /// What is ours is brought back, and what strangers added to our services is removed.
    Enforce,
    /// Nothing is touched.
    Report,
}

impl DriftPolicy {
    /// As the file writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Repair => "repair",
            Self::Enforce => "enforce",
            Self::Report => "report",
        }
    }
}

impl fmt::Display for DriftPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

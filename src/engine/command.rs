//! What may be asked of a running engine (layer 2): the one vocabulary of `ctl`, the API and the console.

mod answer;
mod changed;
mod reach;
mod who;
mod words;

pub use answer::{Answer, Outcome, Preview, Undoable};
pub use changed::{By, Changed, Rest, Undoes};
pub use reach::Reach;
pub use who::Who;
pub use words::{clean, steers};

use super::model::{Forwarding, Priority, RealServerKey, Scheduler, ServiceKey, Weight};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

/// One verb with its object. JSON carries the verb in `verb` and the rest beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub enum Command {
    /// Give mastership up and do not take it back until the time is over or `rejoin`.
    Failover {
        /// Which instance; all when absent.
        #[serde(default)]
        instance: Option<String>,
        /// Seconds until it may become master again by itself; for ever when absent.
        #[serde(default, rename = "for")]
        hold_seconds: Option<u64>,
        /// Do not take mastership back when nobody else takes over.
        #[serde(default)]
        blind: bool,
    },
    /// End a hold made by `failover`.
    Rejoin {
        /// Which instance; all when absent.
        #[serde(default)]
        instance: Option<String>,
    },
    /// Become master now although a master of higher priority is heard, until `rejoin`.
    Takeover {
        /// Which instance.
        instance: String,
    },
    /// Another priority than the file's, until it is taken back: a soft failover.
    Priority {
        /// Which instance; its whole sync group with it.
        instance: String,
        /// 1 to 254; back to the file's when absent.
        #[serde(default)]
        priority: Option<Priority>,
    },
    /// Weight 0, remembered until `restore`.
    Drain {
        /// Which server.
        server: RealServerSelector,
        /// In which service; in all that it serves when absent.
        #[serde(default)]
        service: Option<ServiceSelector>,
        /// Seconds after which it gets its weight back by itself; never when absent.
        #[serde(default, rename = "for")]
        hold_seconds: Option<u64>,
        /// Seconds after which it is taken out although connections are left; never when absent.
        #[serde(default, rename = "deadline")]
        deadline_seconds: Option<u64>,
    },
    /// Weight 0 and no checks, remembered until `restore` or until the time is over.
    Maintenance {
        /// Which server.
        server: RealServerSelector,
        /// In which service; in all that it serves when absent.
        #[serde(default)]
        service: Option<ServiceSelector>,
        /// Seconds after which it comes back by itself, as soon as its checks pass; never when absent.
        #[serde(default, rename = "for")]
        hold_seconds: Option<u64>,
        /// Seconds after which it is taken out although connections are left; never when absent.
        #[serde(default, rename = "deadline")]
        deadline_seconds: Option<u64>,
    },
    /// Back to the configured (or last set) weight.
    Restore {
        /// Which server.
        server: RealServerSelector,
        /// In which service; in all that it serves when absent.
        #[serde(default)]
        service: Option<ServiceSelector>,
    },
    /// A new weight, as an override of the file.
    Weight {
        /// In which service.
        service: ServiceSelector,
        /// Which server.
        server: RealServerKey,
        /// The weight.
        weight: Weight,
        /// Seconds after which it has the file's weight again by itself; never when absent.
        #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
        hold_seconds: Option<u64>,
    },
    /// A real server that the file does not have.
    AddServer {
        /// In which service.
        service: ServiceSelector,
        /// Which server.
        server: RealServerKey,
        /// Weight, 1 when absent.
        #[serde(default)]
        weight: Option<Weight>,
        /// Forwarding, the service's when absent.
        #[serde(default)]
        forward: Option<Forwarding>,
    },
    /// Take a real server out of the service, whatever the file says.
    RemoveServer {
        /// From which service.
        service: ServiceSelector,
        /// Which server.
        server: RealServerKey,
    },
    /// A virtual server that the file does not have.
    AddService {
        /// What the kernel will know it by.
        service: ServiceKey,
        /// Scheduler, wlc when absent.
        #[serde(default)]
        scheduler: Option<Scheduler>,
        /// Forwarding of its servers, NAT when absent.
        #[serde(default)]
        forward: Option<Forwarding>,
        /// Persistence in seconds, none when absent.
        #[serde(default)]
        persistence: Option<u32>,
    },
    /// Take a virtual server with all its real servers out of the table, whatever the file says.
    RemoveService {
        /// Which service.
        service: ServiceSelector,
    },
    /// Several changes of real servers in one act: one preview, one token, one undo.
    Several {
        /// What; drain, maintenance, restore, weight, add-server and remove-server only, each server once.
        commands: Vec<Command>,
    },
    /// Read the configuration file again and change what it changed.
    Reload,
    /// Take the newest command that can be taken back, back.
    Undo {
        /// Number of that command; the newest when absent.
        #[serde(default, rename = "command")]
        id: Option<u64>,
    },
    /// Stop the engine in order: masters resign, what was made in the kernel is removed.
    Stop {
        /// Leave addresses and services in place and do not resign, for a restart within the interval.
        #[serde(default)]
        keep: bool,
    },
}

/// Which part of the engine carries a command out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Virtual routers.
    Failover,
    /// Virtual servers.
    Balance,
    /// The engine as a whole.
    Engine,
}

impl Command {
    /// Who carries it out.
    pub const fn half(&self) -> Half {
        match self {
            Self::Failover { .. } | Self::Rejoin { .. } | Self::Takeover { .. } | Self::Priority { .. } => {
                Half::Failover
            }
            Self::Drain { .. }
            | Self::Maintenance { .. }
            | Self::Several { .. }
            | Self::Restore { .. }
            | Self::Weight { .. }
            | Self::AddServer { .. }
            | Self::RemoveServer { .. }
            | Self::AddService { .. }
            | Self::RemoveService { .. } => Half::Balance,
            Self::Reload | Self::Undo { .. } | Self::Stop { .. } => Half::Engine,
        }
    }
    /// The same for what is left of its time when so much has passed; none where that is over.
    pub fn after(self, passed: Duration) -> Option<Self> {
        let left = |seconds: u64| seconds.saturating_sub(passed.as_secs());
        let holds = |hold: Option<u64>| hold.is_none_or(|seconds| left(seconds) > 0).then(|| hold.map(left));
        Some(match self {
            Self::Drain { server, service, hold_seconds, deadline_seconds } => {
                let (hold_seconds, deadline_seconds) = (holds(hold_seconds)?, deadline_seconds.map(left));
                Self::Drain { server, service, hold_seconds, deadline_seconds }
            }
            Self::Maintenance { server, service, hold_seconds, deadline_seconds } => {
                let (hold_seconds, deadline_seconds) = (holds(hold_seconds)?, deadline_seconds.map(left));
                Self::Maintenance { server, service, hold_seconds, deadline_seconds }
            }
            Self::Failover { instance, hold_seconds, blind } => {
                Self::Failover { instance, hold_seconds: holds(hold_seconds)?, blind }
            }
            Self::Weight { service, server, weight, hold_seconds } => {
                Self::Weight { service, server, weight, hold_seconds: holds(hold_seconds)? }
            }
            Self::Several { commands } => {
                let commands = commands.into_iter().map(|command| command.after(passed)).collect::<Option<_>>()?;
                Self::Several { commands }
            }
            untimed => untimed,
        })
    }
    /// When what it does ends by itself, after this time.
    pub fn lasts(&self) -> Option<Duration> {
        match self {
            Self::Drain { hold_seconds, .. }
            | Self::Maintenance { hold_seconds, .. }
            | Self::Failover { hold_seconds, .. }
            | Self::Weight { hold_seconds, .. } => hold_seconds.map(Duration::from_secs),
            Self::Several { commands } => {
                commands.iter().map(Self::lasts).collect::<Option<Vec<_>>>()?.into_iter().max()
            }
            Self::Rejoin { .. }
            | Self::Restore { .. }
            | Self::AddServer { .. }
            | Self::RemoveServer { .. }
            | Self::Takeover { .. }
            | Self::Priority { .. }
            | Self::AddService { .. }
            | Self::RemoveService { .. }
            | Self::Reload
            | Self::Undo { .. }
            | Self::Stop { .. } => None,
        }
    }
    /// The verb as `ctl` and JSON write it.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Failover { .. } => "failover",
            Self::Rejoin { .. } => "rejoin",
            Self::Drain { .. } => "drain",
            Self::Maintenance { .. } => "maintenance",
            Self::Restore { .. } => "restore",
            Self::Weight { .. } => "weight",
            Self::AddServer { .. } => "add-server",
            Self::RemoveServer { .. } => "remove-server",
            Self::Takeover { .. } => "takeover",
            Self::Priority { .. } => "priority",
            Self::Several { .. } => "several",
            Self::AddService { .. } => "add-service",
            Self::RemoveService { .. } => "remove-service",
            Self::Reload => "reload",
            Self::Undo { .. } => "undo",
            Self::Stop { .. } => "stop",
        }
    }
}

/// A service by key or by its configured name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServiceSelector(pub String);

impl ServiceSelector {
    /// Whether it names this service.
    pub fn matches(&self, key: &ServiceKey, name: Option<&str>) -> bool {
        name == Some(self.0.as_str()) || self.0.parse::<ServiceKey>().is_ok_and(|k| k == *key)
    }
}

impl From<ServiceKey> for ServiceSelector {
    fn from(key: ServiceKey) -> Self {
        Self(key.to_string())
    }
}

impl fmt::Display for ServiceSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A real server by address and port, or by address alone for every port of that host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RealServerSelector {
    /// Address and port.
    Key(RealServerKey),
    /// Every real server on that address.
    Host(IpAddr),
}

impl RealServerSelector {
    /// Whether it names this server.
    pub fn matches(&self, key: &RealServerKey) -> bool {
        match self {
            Self::Key(wanted) => wanted == key,
            Self::Host(address) => key.0.ip() == *address,
        }
    }
}

impl fmt::Display for RealServerSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Host(address) => address.fmt(f),
        }
    }
}

impl FromStr for RealServerSelector {
    type Err = super::model::KeyError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(address) => Ok(Self::Host(address)),
            Err(_) => text.parse().map(Self::Key),
        }
    }
}

impl Serialize for RealServerSelector {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RealServerSelector {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A command with how it was meant: `POST /v1/commands`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRequest {
    /// What to do.
    #[serde(flatten)]
    pub command: Command,
    /// Why, for the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Only show what it would do.
    #[serde(default)]
    pub dry_run: bool,
    /// From a dry run: commit exactly what was shown, or refuse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Do it although it goes below the floor of a service (`servers.depool_threshold`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks like this
const fn is_false(word: &bool) -> bool {
    !*word
}

/// A command as a core gets it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Comes back in the answer.
    pub id: u64,
    /// What.
    pub command: Command,
    /// Only show it.
    pub dry_run: bool,
    /// Commit only if the preview still has this token.
    pub token: Option<String>,
    /// Whatever the floor of a service says.
    pub force: bool,
    /// Who.
    pub who: Who,
    /// Why.
    pub reason: Option<String>,
    /// What it takes back.
    pub undoes: Option<Undoes>,
}

impl Asked {
    /// How it ends where it can't be done: a token says that it could when it was previewed, so that something has changed.
    pub const fn impossible(&self) -> Outcome {
        if self.token.is_some() { Outcome::Stale } else { Outcome::Refused }
    }
}

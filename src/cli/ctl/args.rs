//! The verbs of `lvsdeck ctl` with their arguments and help.

use super::connections::ConnectionsArgs;
use super::events::Since;
use super::values::{hold, priority, scheduler, selector, server, service, service_key, since, size, time, weight};
use crate::engine::{
    Command, Forwarding, Priority, RealServerKey, RealServerSelector, Scheduler, ServiceKey, ServiceSelector, Weight,
};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// `lvsdeck ctl VERB …`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 done; 1 refused or failed, with the reason on standard error; 2 wrong use; \
                        3 no engine answers; 6 it runs, but does not answer in time.\n\
                        VS is tcp/10.0.0.1:80, udp/[fd00::1]:53, fwmark/1234 or the configured name; \
                        RS is 10.0.0.71:80, or an address alone where the help says so.\n\n\
                        Example: lvsdeck ctl drain 10.0.0.71 --dry-run")]
pub struct CtlArgs {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

impl CtlArgs {
    /// Whether the engine ends on it.
    pub(super) fn stops(&self) -> bool {
        matches!(&self.verb, Verb::Act(Act::Stop { how, .. }) if !how.dry_run)
    }
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// Show role, problems, instances and the service table once
    #[command(after_help = "Example: lvsdeck ctl status --json | jq .role")]
    Status {
        /// Everything, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what happened, oldest first
    #[command(after_help = "Example: lvsdeck ctl events --follow --since 10m")]
    Events {
        /// Go on with what happens from now on, after the last ten
        #[arg(long, short = 'f')]
        follow: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// Only what is younger than this, as 90s, 10m or 2d, or not before a moment, as 2026-11-21T05:00:00Z; reaches
        /// back into the journal's files
        #[arg(long, value_name = "TIME", value_parser = since)]
        since: Option<Since>,
    },
    /// Write what the engine remembers, and what happens from now on, into a file for `lvsdeck replay`
    #[command(
        after_help = "1,000 real servers at rest take 1.2 MiB for the beginning and as much a minute, 100 a tenth of it.\n\
                            Traffic takes more, since every number that changed is written: --max-size is the limit.\n\
                            Example: lvsdeck ctl record incident.lvsdeck --for 10m"
    )]
    Record(RecordArgs),
    /// Show where the configuration file, the engine and the kernel do not say the same
    #[command(after_help = "Example: lvsdeck ctl diff --json | jq '.[].subject'")]
    Diff {
        /// As JSON: a list of objects
        #[arg(long)]
        json: bool,
        /// What operators want of virtual servers beside the file, as words of keepalived.conf
        #[arg(long, conflicts_with = "json")]
        fragment: bool,
    },
    /// Show the connections: by state, real server and client, and the first of them
    #[command(after_help = "The table is read for this one answer: hundreds of thousands take a second or two.\n\
                            A service by firewall mark has its persistence templates alone: ask by --server instead.\n\
                            Example: lvsdeck ctl connections --server 10.0.0.71 --sort expires")]
    Connections(ConnectionsArgs),
    /// Show the kernel's words about balancing (net.ipv4.vs): value, default, effect, and what hurts
    #[command(after_help = "Nothing is changed: a warning ends with the command to type.\n\
                            Example: lvsdeck ctl sysctls --json | jq '.[] | select(.warning)'")]
    Sysctls {
        /// As JSON: a list of objects
        #[arg(long)]
        json: bool,
    },
    /// A verb that changes something.
    #[command(flatten)]
    Act(Act),
}

/// What is recorded, and for how long.
#[derive(Debug, Clone, Args)]
pub struct RecordArgs {
    /// Where to; the file is readable by this user alone
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// End after this time, as 90s, 10m or 2h; at Ctrl-C without it
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    pub time: Option<Duration>,
    /// Time between two statuses
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "1s")]
    pub interval: Duration,
    /// End when the file has this size, as 100M or 2G
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "1G")]
    pub max_size: u64,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}

/// The verbs that change something.
#[derive(Debug, Clone, Subcommand)]
pub enum Act {
    /// Give mastership to another router and keep away until the time is over, or `rejoin`
    #[command(after_help = "Taken back when no other router takes over, unless --blind.\n\
                            Example: lvsdeck ctl failover VI_1 --for 5m --dry-run")]
    Failover {
        #[command(flatten)]
        which: Instances,
        /// Become eligible again after this time, as 90s, 5m or 1h; without it, only by `rejoin`
        #[arg(long = "for", value_name = "TIME", value_parser = hold)]
        hold: Option<Duration>,
        /// Do not take mastership back when nobody takes over
        #[arg(long)]
        blind: bool,
        #[command(flatten)]
        how: How,
    },
    /// End what `failover` or `takeover` began
    #[command(after_help = "Example: lvsdeck ctl rejoin --all")]
    Rejoin {
        #[command(flatten)]
        which: Instances,
        #[command(flatten)]
        how: How,
    },
    /// Become master now, even over a master of higher priority, until `rejoin`
    #[command(after_help = "Example: lvsdeck ctl takeover VI_1 --reason maintenance")]
    Takeover {
        /// Name of the `vrrp_instance`
        #[arg(value_name = "INSTANCE")]
        instance: String,
        #[command(flatten)]
        how: How,
    },
    /// Give an instance another priority than the file's, until it is taken back
    #[command(
        after_help = "A soft failover: nobody resigns, the rules of VRRP decide who leads. It lasts across reload,\n\
                            restart and reboot. A sync group gets it as a whole.\n\
                            Example: lvsdeck ctl priority VI_1 50 --dry-run"
    )]
    Priority {
        /// Name of the `vrrp_instance`
        #[arg(value_name = "INSTANCE")]
        instance: String,
        /// 1 to 254
        #[arg(value_name = "N", value_parser = priority, required_unless_present = "from_file")]
        priority: Option<Priority>,
        /// Back to the priority of the configuration file
        #[arg(long, conflicts_with = "priority")]
        from_file: bool,
        #[command(flatten)]
        how: How,
    },
    /// Send a real server no new connections; those it has go on
    #[command(after_help = "Example: lvsdeck ctl drain 10.0.0.71 10.0.0.72 --reason \"kernel update\"")]
    Drain {
        #[command(flatten)]
        whom: Servers,
        /// Give it its weight back by itself after this time, as 10m or 2h
        #[arg(long = "for", value_name = "TIME", value_parser = time)]
        hold: Option<Duration>,
        /// Take it out after this time even if connections are left, as 60s or 10m
        #[arg(long, value_name = "TIME", value_parser = time)]
        deadline: Option<Duration>,
        #[command(flatten)]
        floor: Floor,
        #[command(flatten)]
        how: How,
    },
    /// Send a real server no new connections and stop its checks, until `restore` or for a time
    #[command(after_help = "It comes back when its checks pass again.\n\
                            Example: lvsdeck ctl maintenance 10.0.0.71 --for 10m --reason \"new disk\"")]
    Maintenance {
        #[command(flatten)]
        whom: Servers,
        /// Let it come back by itself after this time, as 10m or 2h
        #[arg(long = "for", value_name = "TIME", value_parser = time)]
        hold: Option<Duration>,
        /// Take it out after this time even if connections are left, as 60s or 10m
        #[arg(long, value_name = "TIME", value_parser = time)]
        deadline: Option<Duration>,
        #[command(flatten)]
        floor: Floor,
        #[command(flatten)]
        how: How,
    },
    /// Give a real server its weight back
    #[command(after_help = "Example: lvsdeck ctl restore 10.0.0.71:80 --service tcp/10.0.0.1:80")]
    Restore {
        #[command(flatten)]
        whom: Servers,
        #[command(flatten)]
        floor: Floor,
        #[command(flatten)]
        how: How,
    },
    /// Set the weight of a real server
    #[command(after_help = "Example: lvsdeck ctl weight tcp/10.0.0.1:80 10.0.0.71:80 50 --for 2h")]
    Weight {
        #[command(flatten)]
        member: Member,
        /// 0 to 2147483647; 0 takes no new connections
        #[arg(value_name = "N", value_parser = weight)]
        weight: Weight,
        /// Give it the file's weight back by itself after this time, as 10m or 2h
        #[arg(long = "for", value_name = "TIME", value_parser = time)]
        hold: Option<Duration>,
        #[command(flatten)]
        floor: Floor,
        #[command(flatten)]
        how: How,
    },
    /// Add a real server that the configuration file does not have
    #[command(after_help = "Example: lvsdeck ctl add-server tcp/10.0.0.1:80 10.0.0.73:80 --weight 10")]
    AddServer {
        #[command(flatten)]
        member: Member,
        /// Its weight; 1 without it
        #[arg(long, value_name = "N", value_parser = weight)]
        weight: Option<Weight>,
        /// How packets reach it; as the service's without it
        #[arg(long)]
        forward: Option<Forward>,
        #[command(flatten)]
        how: How,
    },
    /// Take a real server out of a service, whatever the file says
    #[command(after_help = "Example: lvsdeck ctl remove-server tcp/10.0.0.1:80 10.0.0.73:80 --dry-run")]
    RemoveServer {
        #[command(flatten)]
        member: Member,
        #[command(flatten)]
        floor: Floor,
        #[command(flatten)]
        how: How,
    },
    /// Add a virtual server that the configuration file does not have
    #[command(after_help = "Example: lvsdeck ctl add-service tcp/10.0.0.1:8080 --scheduler rr --forward dr")]
    AddService {
        #[arg(value_name = "VS", value_parser = service_key, help = "tcp/10.0.0.1:80, udp/[fd00::1]:53 or fwmark/1234")]
        service: ServiceKey,
        /// How it chooses a server (rr wrr lc wlc lblc lblcr dh sh mh sed nq fo ovf twos); wlc without it
        #[arg(long, short, value_name = "NAME", value_parser = scheduler)]
        scheduler: Option<Scheduler>,
        /// How packets reach its servers; nat without it
        #[arg(long)]
        forward: Option<Forward>,
        /// A client stays on its server for this time, as 300s
        #[arg(long, short, value_name = "TIME", value_parser = time)]
        persistent: Option<Duration>,
        #[command(flatten)]
        how: How,
    },
    /// Take a virtual server with all its real servers out of the table, whatever the file says
    #[command(after_help = "Example: lvsdeck ctl remove-service tcp/10.0.0.1:8080 --dry-run")]
    RemoveService {
        #[arg(value_name = "VS", value_parser = service, help = "tcp/10.0.0.1:80, udp/[fd00::1]:53, fwmark/1234 or the configured name")]
        service: ServiceSelector,
        #[command(flatten)]
        floor: Floor,
        #[command(flatten)]
        how: How,
    },
    /// Read the configuration file again and change only what it changed
    #[command(after_help = "Errors in the file leave everything as it was. --dry-run shows the plan.\n\
                            Example: lvsdeck ctl reload --dry-run")]
    Reload {
        #[command(flatten)]
        how: How,
    },
    /// Take the newest command that can be taken back, back
    #[command(after_help = "Example: lvsdeck ctl undo --dry-run")]
    Undo {
        #[arg(
            value_name = "ID",
            help = "Number of the command, as its answer and the journal have it; the newest without it"
        )]
        id: Option<u64>,
        #[command(flatten)]
        floor: Floor,
        #[command(flatten)]
        how: How,
    },
    /// Stop the engine in order: masters resign first, then what it made is removed
    #[command(after_help = "Example: lvsdeck ctl stop --reason maintenance")]
    Stop {
        /// Do not resign, and leave addresses and services in place for the engine that is started next
        #[arg(long)]
        keep: bool,
        #[command(flatten)]
        how: How,
    },
}

/// How a command is meant.
#[derive(Debug, Clone, Args)]
pub struct How {
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do exactly what a dry run showed, or nothing when that has changed since
    #[arg(long, value_name = "TOKEN", conflicts_with = "dry_run")]
    pub token: Option<String>,
    /// Print the engine's answer as JSON
    #[arg(long)]
    pub json: bool,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// What is said a second time.
#[derive(Debug, Clone, Copy, Args)]
pub struct Floor {
    #[arg(
        long,
        help = "Do it even if it leaves a service with fewer servers than depool_threshold of lvsdeck.toml asks for"
    )]
    force: bool,
}

/// One instance, or all.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Instances {
    #[arg(value_name = "INSTANCE", help = "Name of the vrrp_instance")]
    instance: Option<String>,
    /// Every instance
    #[arg(long)]
    all: bool,
}

/// Real servers in one service or in all.
#[derive(Debug, Clone, Args)]
pub struct Servers {
    #[arg(value_name = "RS", value_parser = selector, required = true, num_args = 1..,
        help = "10.0.0.71:80, or 10.0.0.71 for every port of that host; several are one act, with one preview and undo")]
    servers: Vec<RealServerSelector>,
    /// Only in this service
    #[arg(long, value_name = "VS", value_parser = service)]
    service: Option<ServiceSelector>,
}

impl Servers {
    /// The command for the server, or one act that has it for each of them.
    fn each(&self, command: impl Fn(RealServerSelector, Option<ServiceSelector>) -> Command) -> Command {
        let mut commands: Vec<Command> =
            self.servers.iter().map(|server| command(*server, self.service.clone())).collect();
        match commands.len() {
            1 => commands.remove(0),
            _ => Command::Several { commands },
        }
    }
}

/// A real server in a service.
#[derive(Debug, Clone, Args)]
pub struct Member {
    #[arg(value_name = "VS", value_parser = service, help = "tcp/10.0.0.1:80, udp/[fd00::1]:53, fwmark/1234 or the configured name")]
    service: ServiceSelector,
    #[arg(value_name = "RS", value_parser = server, help = "10.0.0.71:80 or [fd00::71]:80")]
    server: RealServerKey,
}

/// How packets reach a real server.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Forward {
    /// Network address translation
    Nat,
    /// Direct routing
    Dr,
    /// IP-in-IP tunnel
    Tun,
}

impl From<Forward> for Forwarding {
    fn from(forward: Forward) -> Self {
        match forward {
            Forward::Nat => Self::Nat,
            Forward::Dr => Self::Dr,
            Forward::Tun => Self::Tun,
        }
    }
}

impl Act {
    /// Whether it is meant whatever the floor of a service says.
    pub(super) const fn forces(&self) -> bool {
        match self {
            Self::Drain { floor, .. }
            | Self::Maintenance { floor, .. }
            | Self::Restore { floor, .. }
            | Self::Weight { floor, .. }
            | Self::RemoveServer { floor, .. }
            | Self::RemoveService { floor, .. }
            | Self::Undo { floor, .. } => floor.force,
            Self::Failover { .. }
            | Self::Rejoin { .. }
            | Self::Takeover { .. }
            | Self::Priority { .. }
            | Self::AddServer { .. }
            | Self::AddService { .. }
            | Self::Reload { .. }
            | Self::Stop { .. } => false,
        }
    }

    /// The command for the engine, and how it is meant.
    pub(super) fn command(&self) -> (Command, &How) {
        match self {
            Self::Failover { which, hold, blind, how } => {
                let hold_seconds = hold.map(|hold| hold.as_secs());
                (Command::Failover { instance: which.instance.clone(), hold_seconds, blind: *blind }, how)
            }
            Self::Rejoin { which, how } => (Command::Rejoin { instance: which.instance.clone() }, how),
            Self::Takeover { instance, how } => (Command::Takeover { instance: instance.clone() }, how),
            Self::Priority { instance, priority, how, .. } => {
                (Command::Priority { instance: instance.clone(), priority: *priority }, how)
            }
            Self::Drain { whom, hold, deadline, how, .. } => {
                let [hold_seconds, deadline_seconds] = [hold, deadline].map(|time| time.map(|time| time.as_secs()));
                let one = |server, service| Command::Drain { server, service, hold_seconds, deadline_seconds };
                (whom.each(one), how)
            }
            Self::Maintenance { whom, hold, deadline, how, .. } => {
                let [hold_seconds, deadline_seconds] = [hold, deadline].map(|time| time.map(|time| time.as_secs()));
                let one = |server, service| Command::Maintenance { server, service, hold_seconds, deadline_seconds };
                (whom.each(one), how)
            }
            Self::Restore { whom, how, .. } => (whom.each(|server, service| Command::Restore { server, service }), how),
            Self::Weight { member: Member { service, server }, weight, hold, how, .. } => {
                let (service, server, weight) = (service.clone(), *server, *weight);
                (Command::Weight { service, server, weight, hold_seconds: hold.map(|hold| hold.as_secs()) }, how)
            }
            Self::AddServer { member: Member { service, server }, weight, forward, how } => {
                let forward = forward.map(Forwarding::from);
                (Command::AddServer { service: service.clone(), server: *server, weight: *weight, forward }, how)
            }
            Self::RemoveServer { member: Member { service, server }, how, .. } => {
                (Command::RemoveServer { service: service.clone(), server: *server }, how)
            }
            Self::AddService { service, scheduler, forward, persistent, how } => {
                let persistence = persistent.map(|time| u32::try_from(time.as_secs()).unwrap_or(u32::MAX));
                let forward = forward.map(Forwarding::from);
                (Command::AddService { service: *service, scheduler: *scheduler, forward, persistence }, how)
            }
            Self::RemoveService { service, how, .. } => (Command::RemoveService { service: service.clone() }, how),
            Self::Reload { how } => (Command::Reload, how),
            Self::Undo { id, how, .. } => (Command::Undo { id: *id }, how),
            Self::Stop { keep, how } => (Command::Stop { keep: *keep }, how),
        }
    }
}

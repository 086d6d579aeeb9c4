//! IPVS tables, pure (layer 1): what a table is, how to get from one to another, and the kernel's numbers for it.
//!
//! * [`table`]: services and destinations, used for what is wanted and for what was observed alike; operations on it.
//! * [`listing`]: the same in the kernel's order and with the kernel's rates. [`control`]: sync daemons and timeouts. `connection`: a line
//!   of the connection table.
//! * [`ownership`]: what is ours. [`mod@plan`]: the ordered operations that turn one table into another, idempotent, and the
//!   drift in words.
//! * [`schedule`]: which server a new connection goes to, as the kernel decides it.
//! * [`message`]: a table ⇄ netlink attributes; the only file with the kernel's numbers (`uapi/linux/ip_vs.h`). Below it,
//!   [`attribute`]: the framing of attributes, which route netlink shares.
//! * [`sysctl`]: the words of `net.ipv4.vs`, what they do and how they are by default.

mod apply;
pub mod attribute;
mod connection;
pub mod control;
#[cfg(test)]
pub(super) mod fixture;
pub mod listing;
pub mod message;
pub mod ownership;
pub mod plan;
mod refusal;
pub mod schedule;
mod synchronise;
pub mod sysctl;
pub mod table;

pub use crate::engine::model::{Checksum, Tunnel};
pub use connection::Connection;
pub use control::{DaemonRole, SyncDaemon, Timeouts};
pub use listing::{KernelRates, LiveTotals, ServerEntry, ServiceEntry};
pub use message::Version;
pub use ownership::Ownership;
pub use plan::{Difference, drift, plan};
pub use synchronise::{DaemonStep, daemon_steps, wanted_daemons};
pub use sysctl::Sysctl;
pub use table::{Destination, IpvsOp, IpvsTable, Refusal, RefusalKind, Service, Traffic};

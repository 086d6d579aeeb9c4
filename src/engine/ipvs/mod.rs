//! IPVS tables, pure (layer 1): what a table is, how to get from one to another, and the kernel's numbers for it.
//!
//! * [`table`]: services and destinations, used for what is wanted and for what was observed alike; operations on it.
//! * [`ownership`]: what is ours. [`mod@plan`]: the ordered operations that turn one table into another, idempotent, and the
//!   drift in words.
//! * [`message`]: a table ⇄ netlink attributes; the only file with the kernel's numbers (`uapi/linux/ip_vs.h`). Below it,
//!   [`attribute`]: the framing of attributes, which route netlink shares.

mod apply;
pub mod attribute;
#[cfg(test)]
mod fixture;
pub mod message;
pub mod ownership;
pub mod plan;
mod refusal;
pub mod table;

pub use message::Version;
pub use ownership::Ownership;
pub use plan::{Difference, drift, plan};
pub use table::{Destination, IpvsOp, IpvsTable, Refusal, RefusalKind, Service, Traffic};

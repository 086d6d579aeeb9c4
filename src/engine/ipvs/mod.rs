//! IPVS tables, pure (layer 1): what a table is, how to get from one to another, and the kernel's numbers for it.
//!
//! * [`table`]: services and destinations, used for what is wanted and for what was observed alike.
//! * `plan`: the ordered operations that turn one table into another, idempotent.
//! * `message`: a table ⇄ netlink attributes; the only file with the kernel's numbers (`uapi/linux/ip_vs.h`).

pub mod table;

pub use table::{Destination, IpvsOp, IpvsTable, Refusal, RefusalKind, Service, Traffic};

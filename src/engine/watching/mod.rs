//! Looking on beside another director, as a value (layer 4): what is heard of VRRP and seen in the kernel's table becomes
//! the status that every front shows, and what changed becomes facts.
//!
//! Never reads a clock, never sends, never writes; and says nothing that was not heard, seen or read in the file: an
//! instance is BACKUP only where the file names it, a keepalived runs here and another router is heard as its master.
//!
//! | module | what it is |
//! |---|---|
//! | `heard` | [`Listening`]: virtual routers, from advertisements |
//! | `table` | [`TableWatch`]: services, from the kernel's table and the file |

mod heard;
mod table;
#[cfg(test)]
mod tests;

pub use heard::{Heard, Host, Listening};
pub use table::TableWatch;

//! The control socket: server and client of HTTP and JSON over a Unix socket (`docs/api.md`).
//!
//! [`bind`] takes the two sockets of an engine, [`serve`] answers on them until it is told to stop, [`Client`] asks. The
//! server promises that no request, however slow, large or wrong, costs the engine more than its limits say; it never
//! decides anything: every answer is the engine's.

mod accounts;
mod client;
mod commands;
mod connections;
mod door;
mod events;
mod exposition;
mod log;
mod once;
mod past;
mod patience;
mod process;
mod query;
mod reply;
mod routes;
mod seats;
mod server;
mod socket;
mod source;
mod trespass;
mod written;

pub use client::Client;
pub use server::{THREADS, serve};
pub use socket::{BindError, Bound, bind, read_only_path};

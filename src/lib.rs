//! lvsdeck: a Linux Virtual Server director and its operations console.
//!
//! This page is the map; `docs/architecture.md` is the reason for it.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the command line, its help and its exit codes |
//! | [`app`] | the composition root: which engine, which front, in which order they stop |
//! | [`engine`] | the director: configuration, VRRP, health, IPVS, and the façade over them |
//! | [`api`] | the control socket, server and client: HTTP and JSON over a Unix socket |
//! | [`ui`] | the console: it reads snapshots and sends commands, nothing else |
//!
//! A pure core takes inputs stamped with `now` and returns ordered actions; two small loops in
//! [`engine::driver`] perform the actions through [`engine::io`].
pub mod api;
pub mod app;
pub mod cli;
pub mod engine;
pub mod ui;

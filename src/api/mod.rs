//! The control socket: server and client of HTTP and JSON over a Unix socket (`docs/api.md`).

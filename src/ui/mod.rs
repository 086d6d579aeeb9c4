//! The console: a client that may die at any time, reads snapshots and sends commands.

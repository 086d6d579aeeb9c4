//! The command line: subcommands, their help and their exit codes.
pub mod ctl;

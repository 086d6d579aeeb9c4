//! One line of the kernel's connection table.

use std::net::SocketAddr;

/// One connection or persistence template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection<'a> {
    /// `TCP`, `UDP`, `SCTP`, or what else the kernel writes: `IP` in a template of a firewall mark.
    pub protocol: &'a str,
    /// Who asked; port 0 in a template.
    pub client: SocketAddr,
    /// What was asked for; the address is the mark in a template of a firewall mark.
    pub service: SocketAddr,
    /// Who answers.
    pub server: SocketAddr,
    /// The state's name.
    pub state: &'a str,
    /// Seconds until it is forgotten.
    pub expires: u32,
    /// Persistence engine and its key.
    pub engine: Option<(&'a str, &'a str)>,
}

//! Everything that touches the world, without decisions (layer 4).

pub mod frames;
pub mod host;
pub mod host_facts;
pub mod ipvs_admin;
pub mod ipvs_netlink;
pub mod ipvs_proc;
pub mod journal_file;
pub mod journald;
mod mastership;
pub mod names;
mod netlink;
pub mod notify;
pub mod overrides;
pub mod peer;
pub mod privilege;
pub mod probe;
pub mod processes;
pub mod real_time;
pub mod route_netlink;
pub mod runner;
pub mod simulated;
pub mod simulated_lan;
pub mod state;
pub mod userspace;
pub mod vrrp_socket;
pub mod wait;

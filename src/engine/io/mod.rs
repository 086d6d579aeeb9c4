//! Everything that touches the world, without decisions (layer 4).

pub mod frames;
pub mod host;
pub mod ipvs_netlink;
mod netlink;
pub mod privilege;
pub mod probe;
pub mod real_time;
pub mod route_netlink;
pub mod runner;
pub mod simulated;
pub mod state;
pub mod vrrp_socket;
pub mod wait;

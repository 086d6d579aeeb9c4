//! Everything that touches the world, without decisions (layer 4).

pub mod frames;
pub mod host;
pub mod ipvs_admin;
pub mod ipvs_netlink;
pub mod ipvs_proc;
pub mod names;
mod netlink;
pub mod probe;
pub mod route_netlink;
pub mod simulated;
pub mod state;
pub mod vrrp_socket;
pub mod wait;

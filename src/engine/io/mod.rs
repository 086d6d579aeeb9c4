//! Everything that touches the world, without decisions (layer 4).

pub mod frames;
pub mod host;
pub mod ipvs_netlink;
pub mod probe;
pub mod state;
pub mod vrrp_socket;
pub mod wait;

//! Everything that touches the world, without decisions (layer 4).
pub mod ipvs_netlink;
mod netlink;
pub mod probe;
pub mod route_netlink;
pub mod simulated;

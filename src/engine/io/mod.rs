//! Everything that touches the world, without decisions (layer 4).
pub mod ipvs_netlink;
pub mod probe;

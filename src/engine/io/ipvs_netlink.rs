//! The kernel's IPVS table over generic netlink.

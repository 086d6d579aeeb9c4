//! The two loops (layer 5).
pub mod balance;

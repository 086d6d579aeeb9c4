//! The failover core as a whole.

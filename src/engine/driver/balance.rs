//! The balance loop, on tokio.

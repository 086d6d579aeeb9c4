//! The protocol against its documents: packets by vectors, the machine as a matrix.

mod instance;
mod packet;
mod reconfigure;
